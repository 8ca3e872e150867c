"""Writes docs/compatibility.md: every public name of datajoint 2.3.5, and whether it works here.

    python conformance/compatibility.py

A name works when it is there and takes the same parameters. What differs or is not planned stands below with its reason; a test
compares both packages with this list and with the page.
"""

import collections
import importlib
import inspect
import os
import pathlib
import pkgutil
import sys
import warnings

os.environ.setdefault("DJ_IGNORE_CONFIG_FILE", "true")
warnings.filterwarnings("ignore")

PAGE = pathlib.Path(__file__).parent.parent / "docs" / "compatibility.md"

# Classes whose members are compared, in the order of the page; those of `AutoPopulate` are with `Imported`.
CLASSES = (
    "Schema", "VirtualModule", "Table", "FreeTable", "Manual", "Lookup", "Imported", "Computed", "Part", "Job", "Top",
    "U", "Not", "AndList", "Diagram", "Connection", "Instance", "Codec", "SchemaCodec", "StorageAdapter", "SparkAdapter", "NpyRef",
    "ObjectRef", "ValidationResult", "MatCell", "MatStruct", "DataJointError",
)  # fmt: skip

SQL = "statements are made by the engine: `make_sql()` shows them"
MODELS = "settings are no pydantic models: `dj.config` has the same keys, attributes and methods"
DEFINITIONS = "definitions are read by the engine; `lapjoint.Table.describe` and `heading` say what they mean"
MIGRATION = "schemas of DataJoint 0.14 are migrated by DataJoint 2 itself, before Lapjoint opens them"
FILES = "files are written by the engine"

# Why a name of the reference is not there: by its full name, or by that of its module or class.
NOT_PLANNED = {
    "migrate": MIGRATION,
    "deploy": "`set_replica_identity` and `add_prov_column` are for DataJoint's own platform",
    "provenance": "rows have no hidden provenance column; columns that DataJoint made are left as they are",
    "declare": DEFINITIONS,
    "blob.Blob": "`blob.pack` and `blob.unpack` are the whole interface",
    "blob.len_u32": "inner function",
    "blob.len_u64": "inner function",
    "codecs.decode_attribute": "values are decoded by the engine",
    "condition.translate_attribute": SQL,
    "condition.make_condition": SQL,
    "condition.extract_column_names": SQL,
    "condition.assert_join_compatibility": SQL,
    "condition.PromiscuousOperand": "`restrict(other, semantic_check=False)` says the same",
    "connection.EmulatedCursor": "the cache of queries is not planned: a query of a local database is as fast",
    "connection.translate_query_error": "errors of databases are translated by the engine",
    "Connection.set_query_cache": "the cache of queries is not planned: a query of a local database is as fast",
    "Connection.purge_query_cache": "the cache of queries is not planned",
    "expression.Aggregation": SQL,
    "expression.Union": SQL,
    "schemas.ordered_dir": "inner function",
    "table.lookup_class_name": "inner function",
    "storage.get_storage_backend": "`StorageBackend` of a store's settings is the same",
    "storage.verify_or_create_store_metadata": FILES,
    "utils.safe_write": FILES,
    "utils.safe_copy": FILES,
    "adapters.get_adapter": "`connection.adapter` is what a program needs that writes SQL itself",
    "settings.DatabaseSettings": MODELS,
    "settings.ConnectionSettings": MODELS,
    "settings.DisplaySettings": MODELS,
    "settings.JobsSettings": MODELS,
    "settings.ProvenanceSettings": MODELS,
    "settings.Role": "inner enumeration; `user_tables.is_tier` says what tier a table is of",
    "from_clause": SQL,
    "where_clause": SQL,
    "sorting_clauses": SQL,
    "get_select_fields": SQL,
    "make_subquery": SQL,
    "support": SQL,
    "original_heading": "inner attribute: `heading` is what it was renamed from",
    "restriction": SQL,
    "restriction_attributes": SQL,
    "restrict_in_place": "queries do not change: `query = query & condition`",
    "declaration_context": "inner attribute",
    "Table.definition": "a class has a `definition`; of a table without one, `describe()` gives it",
    "logging.jobs": "the logger has the method `jobs`",
    "preview.preview": "`query.preview()` gives the text",
    "preview.repr_html": "notebooks show queries",
    "dependencies.extract_master": "inner function",
    "lineage.ensure_lineage_table": "lineages are written by the engine",
    "lineage.insert_lineages": "lineages are written by the engine",
    "lineage.delete_table_lineages": "lineages are written by the engine",
    "Job.target": "inner attribute",
}

# What is there and not quite the same: by its full name, or by a member's name in every class.
DIFFERS = {
    "FreeTable": "the first parameter is called `connection`",
    "table.FreeTable": "the first parameter is called `connection`",
    "Job": "made by `table.jobs` alone",
    "jobs.Job": "made by `table.jobs` alone",
    "join": "without `allow_nullable_pk`, which is for DataJoint's own use",
    "make_sql": "always all attributes: `proj()` chooses them",
    "codecs.resolve_dtype": "without the parameters that it calls itself with",
    "heading.Attribute": "without what is for DataJoint's own SQL; `type` is the declared type",
    "heading.Heading": "made of the engine's attributes",
    "settings.Config": MODELS,
    "settings.StoresSettings": MODELS,
    "settings.find_secrets_dir": "the parameter is called `config_file`",
    "settings.read_secret_file": "the first parameter is called `folder`",
    "utils.from_camel_case": "the parameter is called `name`",
    "utils.is_camel_case": "the parameter is called `name`",
    "utils.to_camel_case": "the parameter is called `name`",
    "Connection": "SQLite is the default, a folder without a server; `backend` may be `sqlite`",
    "cli": "`python -m lapjoint.cli`; no command `dj` is installed",
    "insert": "`skip_duplicates` passes over rows whose primary key is there, on every database; other conflicts are errors",
}


def names_of(module):
    """Public names that a module defines itself."""
    return sorted(
        name for name, found in vars(module).items() if not name.startswith("_") and getattr(found, "__module__", None) == module.__name__
    )  # fmt: skip


def members_of(cls):
    """Public members that DataJoint defines, whatever else its classes inherit."""
    own = {name for base in cls.__mro__ if base.__module__.startswith("datajoint") for name in vars(base)}
    return sorted(name for name in own if not name.startswith("_"))


def modules_of(package):
    """The modules of the reference by name."""
    found = sorted(module.name for module in pkgutil.iter_modules(package.__path__) if not module.name.startswith("_"))
    # `types` has aliases for checkers alone, and cannot be imported.
    return [name for name in found if name != "types"]


def ours_of(name):
    """Our module for one of the reference's, or `None`."""
    from lapjoint.as_datajoint import MODULES

    try:
        return importlib.import_module(f"lapjoint.{MODULES.get(name, name)}")
    except ModuleNotFoundError:
        return None


def parameters(found):
    """The parameters of a function, or `None` where there are none to compare."""
    try:
        return inspect.signature(found).parameters if callable(found) else None
    except (TypeError, ValueError):
        return None


def refused(theirs, ours):
    """Parameters of the reference that ours does not take."""
    wanted, taken = parameters(theirs), parameters(ours)
    if not wanted or taken is None:
        return []
    kinds = {parameter.kind for parameter in taken.values()}
    variable = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
    if inspect.Parameter.VAR_KEYWORD in kinds:
        return []
    return [name for name, parameter in wanted.items() if parameter.kind not in variable and name not in ("self", "cls") and name not in taken]


class Entry:
    """A name of the reference, and what there is of it here."""

    def __init__(self, full, shown, theirs, ours, is_there):
        self.full, self.shown, self.is_there = full, shown, is_there
        self.missing = refused(theirs, ours) if is_there else []

    def _found(self, table):
        owner, _, member = self.full.rpartition(".")
        return table.get(self.full) or (table.get(member) if owner[:1].isupper() else None)

    @property
    def why_not(self):
        """Why it is not planned: itself, or all of its module."""
        return self._found(NOT_PLANNED) or NOT_PLANNED.get(self.full.partition(".")[0])

    @property
    def how(self):
        """How it differs."""
        return self._found(DIFFERS)

    @property
    def problem(self):
        """What is wrong with the lists, or `None`."""
        if self.is_there and self.how is None and self.missing:
            return f"{self.full} does not take {', '.join(self.missing)}, and nothing says how it differs"
        if self.is_there and self.full in NOT_PLANNED:
            return f"{self.full} is there, and is said not to be planned"
        if not self.is_there and self.why_not is None:
            return f"{self.full} is missing, and nothing says why"
        return None

    def line(self):
        if not self.is_there:
            return f"| `{self.shown}` | not planned | {self.why_not} |"
        return f"| `{self.shown}` | differs | {self.how} |" if self.how else f"| `{self.shown}` | works | |"


def sections():
    """Titles with the entries under them."""
    import datajoint
    import lapjoint

    absent = object()
    top = [
        Entry(name, f"dj.{name}", getattr(datajoint, name), getattr(lapjoint, name, None), hasattr(lapjoint, name))
        for name in sorted(datajoint.__all__, key=str.lower)
    ]
    yield "Public names", top
    for name in CLASSES:
        theirs, ours = getattr(datajoint, name), getattr(lapjoint, name, absent)
        if ours is absent or not isinstance(theirs, type):
            continue
        entries = []
        # What an object is given when it is made is not in its class.
        made = ours() if name == "Top" else ours
        # What tables have is told once.
        inherited = members_of(datajoint.Table) if name not in ("Table", "Diagram") and issubclass(theirs, datajoint.Table) else []
        for member in members_of(theirs):
            if member in inherited:
                continue
            found = inspect.getattr_static(theirs, member)
            own = getattr(made, member, absent) if name == "Top" else inspect.getattr_static(ours, member, absent)
            unwrap = lambda item: getattr(item, "__func__", item)  # noqa: E731
            entries.append(Entry(f"{name}.{member}", member, unwrap(found), unwrap(own), own is not absent))
        if entries:
            yield f"`dj.{name}`", entries
    for name in modules_of(datajoint):
        entries = []
        theirs, ours = importlib.import_module(f"datajoint.{name}"), ours_of(name)
        for member in names_of(theirs):
            own = getattr(ours, member, absent)
            entries.append(Entry(f"{name}.{member}", member, getattr(theirs, member), own, own is not absent))
        if entries:
            yield f"Module `{name}`", entries


def page():
    """The page."""
    found = list(sections())
    entries = [entry for _, group in found for entry in group]
    counts = collections.Counter(
        "not planned" if not entry.is_there else "differs" if entry.how else "works" for entry in entries
    )
    lines = [
        "# What of DataJoint works here",
        "",
        "Every public name of datajoint 2.3.5: those of `datajoint.__all__`, the members of its classes, and what its modules define. "
        "A name *works* when it is here and takes the same parameters; what it does is the matter of DataJoint's own tests "
        "([conformance](conformance.md)). `conformance/compatibility.py` writes this page, and a test compares it with both packages.",
        "",
        f"**{counts['works']} work, {counts['differs']} differ, {counts['not planned']} are not planned.**",
    ]
    for title, group in found:
        lines += ["", f"## {title}", "", "| name | | |", "|---|---|---|", *(entry.line() for entry in group)]
    return "\n".join(lines) + "\n", [entry.problem for entry in entries if entry.problem]


def stale():
    """Names in the lists that the reference does not have."""
    known = {entry.full for _, group in sections() for entry in group}
    known |= {name.rpartition(".")[2] for name in known if name[0].isupper()} | {name.partition(".")[0] for name in known}
    return sorted((set(NOT_PLANNED) | set(DIFFERS)) - known)


def main():
    text, problems = page()
    if problems:
        sys.exit("\n".join(problems))
    PAGE.write_text(text)


if __name__ == "__main__":
    main()
