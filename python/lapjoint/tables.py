"""Tables as classes: tiers, parts, insert, drop."""

from . import rows as _rows
from .autopopulate import AutoPopulate
from .connection import conn
from .dependencies import Relatives
from .errors import DataJointError
from .expression import QueryExpression
from .progress import progress
from .prompt import confirmed
from .scratch import released
from .upstream import Upstream
from .utils import user_choice
from .validation import ValidationResult, validate

__all__ = [
    "Computed", "FreeTable", "Imported", "Lookup", "Manual", "Part", "Table", "UserTable", "ValidationResult", "is_tier", "user_choice",
]  # fmt: skip

# What a class does as if it were its table.
_FORWARDED = frozenset(
    "__arrow_c_schema__ __arrow_c_stream__ aggr aggregate alter ancestors children delete delete_quick descendants describe "
    "drop drop_quick extend fetch fetch1 head heading insert insert1 insert_dataframe join key_source keys parents parts "
    "populate preview primary_key progress proj restrict staged_insert1 tail to_arrays to_arrow to_arrow_batches to_dicts "
    "to_pandas to_polars update1 validate".split()
)
# Names of tables, without the signs of their tiers.
_NAME = "[a-z][a-z0-9]*(_[a-z][a-z0-9]*)*"

_PROPERTIES = frozenset(("connection", "database", "table_name", "full_table_name"))


class TableMeta(type):
    """Lets a table's class stand for the table: `Session & key`, `Session.insert1(row)`."""

    def __getattribute__(cls, name):
        if name in _FORWARDED and cls.__dict__.get("_tier") is None:
            return getattr(cls(), name)
        if name in _PROPERTIES and cls.__dict__.get("_core") is not None:
            return getattr(cls(), name)
        return super().__getattribute__(name)

    def __and__(cls, condition):
        return cls() & condition

    def __sub__(cls, condition):
        return cls() - condition

    def __mul__(cls, other):
        return cls() * other

    def __add__(cls, other):
        return cls() + other

    def __matmul__(cls, other):
        return cls() @ other

    def __xor__(cls, other):
        return cls() ^ other

    def __neg__(cls):
        return -cls()

    def __iter__(cls):
        return iter(cls())


class Table(Relatives, QueryExpression):
    """A table of a database."""

    _core = None
    _schema_connection = None

    def _bound(self):
        if self._core is None:
            raise DataJointError(
                f"Table `{type(self).__name__}` is not properly configured. Ensure the schema is activated before "
                "using the table. See Schema.activate() or decorate the class with an activated schema."
            )
        return self._core

    @property
    def _query(self):
        return self._bound().query()

    @property
    def connection(self):
        """The connection to the table's database."""
        self._bound()
        return self._schema_connection

    @property
    def database(self):
        """Name of the table's schema."""
        return self._bound().schema_name

    @property
    def table_name(self):
        """Name in the database."""
        return self._bound().table_name

    @property
    def full_table_name(self):
        """Schema and name in the database."""
        return f"`{self.database}`.`{self.table_name}`"

    @property
    def class_name(self):
        """Name of the class, of a part with its master's."""
        return type(self).__name__

    @property
    def is_declared(self):
        """Whether the table is in the database."""
        return self.table_name in self._schema_core().list_tables()

    def _schema_core(self):
        return self.connection._core.schema(self.database, False)

    def describe(self, context=None, printout=False):
        """A definition that declares the same table."""
        text = self._bound().describe()
        if printout:
            print(text)
        return text

    def alter(self, prompt=True, context=None):
        """Changes the table's secondary attributes to those of the present `definition` of its class.

        A comment that begins with `{old_name}` renames that attribute. Values of changed attributes are checked against
        their new types; if one does not fit, the table stays as it is.
        """
        from .references import definition_of, references

        cls = type(self)
        core = self._bound()
        definition = definition_of(cls)
        found = references(definition, context if context is not None else getattr(cls, "declaration_context", {}))
        changes = core.alter(definition, found, True)
        if not changes:
            return
        if prompt:
            print("\n".join([f"{self.full_table_name}:", *changes]))
            if user_choice("Execute?", default="no") != "yes":
                return
        core.alter(definition, found, False)
        name = core.table_name
        cls._core = self._schema_core().table(name)

    def insert1(self, row, **options):
        """Inserts one row. Options are those of `insert`."""
        self.insert((row,), **options)

    def insert(
        self, rows, replace=False, skip_duplicates=False, ignore_extra_fields=False, allow_direct_insert=None,
        chunk_size=None,
    ):  # fmt: skip
        """Inserts rows: all of them with their objects, or nothing (with `chunk_size`, so many at a time).

        Rows are dicts, tuples, numpy records, dataclasses, pydantic models; or all in a frame of pandas or polars, an
        Arrow table, a CSV file, or a query.
        """
        options = {
            "duplicates": "replace" if replace else "skip" if skip_duplicates else "refuse",
            "ignore_extra_fields": ignore_extra_fields,
            "allow_direct_insert": bool(allow_direct_insert) or getattr(self, "_allow_insert", False),
        }
        core = self._bound()
        if isinstance(rows, type) and issubclass(rows, QueryExpression):
            rows = rows()
        if isinstance(rows, QueryExpression):
            if chunk_size is not None:
                raise DataJointError("chunk_size is not supported for QueryExpression inserts")
            core.insert_query(rows._query, **options)
            return
        dicts = _rows.rows_as_dicts(rows, self.heading)
        with progress(f"insert {self.class_name}") as seen, released():
            for chunk in (dicts,) if chunk_size is None else _rows.in_chunks(dicts, chunk_size):
                core.insert(chunk, progress=seen, **options)

    def insert_dataframe(self, df, index_as_pk=None, **options):
        """Inserts a pandas frame; its index is the primary key if it has the key's names, or if `index_as_pk` says so."""
        if type(df).__module__.partition(".")[0] != "pandas" or not hasattr(df, "columns"):
            raise DataJointError("insert_dataframe requires a pandas DataFrame")
        names = [name for name in df.index.names if name is not None]
        if index_as_pk and set(names) != set(self.primary_key):
            raise DataJointError(f"The names of the index {names} do not match the primary key {self.primary_key}")
        if index_as_pk or (index_as_pk is None and set(names) == set(self.primary_key)):
            df = df.reset_index()
        else:
            df = df.reset_index(drop=True)
        self.insert(df, **options)

    def update1(self, row):
        """Changes attributes of one existing row: `row` has the whole primary key and the new values."""
        with released():
            self._bound().update1(dict(row))

    def validate(self, rows, *, ignore_extra_fields=False):
        """Checks rows without inserting them."""
        return validate(self, rows, ignore_extra_fields)

    @property
    def staged_insert1(self):
        """A row in the making whose objects are written piece by piece: `with table.staged_insert1 as staged: …`."""
        from .staged_insert import staged_insert1

        return staged_insert1(self)

    def drop(self, prompt=None, part_integrity="enforce"):
        """Drops the table and all that refers to it."""
        if part_integrity not in ("enforce", "ignore"):
            raise ValueError(f"part_integrity must be 'enforce' or 'ignore', got {part_integrity!r}")
        core = self._bound()
        if part_integrity == "enforce" and core.tier == "Part":
            raise DataJointError(
                f"Attempt to drop part table {self.full_table_name} before its master. Drop the master, or use "
                "part_integrity='ignore'."
            )
        if confirmed(self, "Proceed?", core.drop_preview, prompt):
            core.drop_table(part_integrity == "ignore")
            self.connection.dependencies.clear()

    def drop_quick(self):
        """Drops the table alone, without asking."""
        self._bound().drop_table(True)
        self.connection.dependencies.clear()

    def _shown(self):
        return self.full_table_name


def _restricted(query, what):
    """An operation on a whole table, asked of some of its rows."""

    def refuse(self, *args, **options):
        raise DataJointError(what)

    refuse.__name__ = query
    return refuse


QueryExpression.drop = _restricted(
    "drop", "A table with an applied restriction cannot be dropped. Call drop() on the unrestricted Table."
)
QueryExpression.populate = _restricted(
    "populate", "Cannot call populate on a restricted table. Instead, pass conditions to populate() as arguments."
)
QueryExpression.update1 = _restricted("update1", "Update cannot be applied to a restricted table.")
QueryExpression.insert = QueryExpression.insert1 = _restricted("insert", "Rows are inserted into tables, not into queries.")


class FreeTable(Table):
    """A table by its name in the database, without a class."""

    def __init__(self, connection, full_table_name=None):
        if full_table_name is None:
            connection, full_table_name = conn(), connection
        schema, _, table = full_table_name.replace("`", "").replace('"', "").partition(".")
        self._schema_connection = connection
        self._core = connection._core.schema(schema, False).table(table)

    @property
    def class_name(self):
        """Name of the class that would declare the table."""
        return self._core.class_name

    def __repr__(self):
        return f"FreeTable(`{self.database}`.`{self.table_name}`)\n" + super().__repr__()


class UserTable(Table, metaclass=TableMeta):
    """A table that a class declares."""

    definition = None
    tier_regexp = None
    _tier = "none"

    def __init_subclass__(cls, **options):
        super().__init_subclass__(**options)
        if cls.__dict__.get("_tier") is None:
            # A subclass of a declared table declares a table of its own.
            cls._core = None


class Manual(UserTable):
    """Rows entered by people."""

    _tier = "Manual"
    tier_regexp = rf"(?P<manual>{_NAME})$"


class Lookup(UserTable):
    """Rows that belong to the definition, in `contents`."""

    _tier = "Lookup"
    tier_regexp = rf"(?P<lookup>#{_NAME})$"


class Imported(AutoPopulate, Upstream, UserTable):
    """Rows filled from files and instruments."""

    _tier = "Imported"
    tier_regexp = rf"(?P<imported>_{_NAME})$"


class Computed(AutoPopulate, Upstream, UserTable):
    """Rows filled from other tables."""

    _tier = "Computed"
    tier_regexp = rf"(?P<computed>__{_NAME})$"


class PartMeta(TableMeta):
    """Lets the class of a part say which class it belongs to."""

    @property
    def master(cls):
        """The class that the part belongs to."""
        return cls._master


class Part(UserTable, metaclass=PartMeta):
    """Rows that belong to a row of the class around it."""

    _tier = "Part"
    tier_regexp = rf"(?P<master>[#_]*{_NAME})__(?P<part>{_NAME})$"
    _master = None

    @property
    def master(self):
        """The class that the part belongs to."""
        return self._master

    @property
    def class_name(self):
        """Name of the class, with its master's."""
        return f"{self._master.__name__}.{type(self).__name__}" if self._master else type(self).__name__


# DataJoint's other names for the tiers.
Entry, Ingest, Compute = Manual, Imported, Computed


def is_tier(table_name, tier):
    """Whether a table's name is one of a tier."""
    from ._core import tier_of_table

    return tier_of_table(table_name) == tier.__name__
