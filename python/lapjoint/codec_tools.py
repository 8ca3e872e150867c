"""Which codecs there are, what data need, lock files, and migration: what `lapjoint.codecs` offers beside the classes."""

import html
import pathlib
from dataclasses import dataclass, field

from . import _core, plugins
from .errors import DataJointError
from .progress import progress

LOCK_FILE = "lapjoint.codecs.lock"


@dataclass(frozen=True)
class CodecInfo:
    """A codec, in use or not."""

    name: str
    places: list[str]
    origin: str
    package: tuple[str, str] | None
    format_version: str | None
    reads_versions: list[str]
    writes_versions: list[str]
    summary: str
    state: str

    def __str__(self):
        package = " ".join(self.package) if self.package else "no package"
        version = f", version {self.format_version}" if self.format_version else ""
        return f"{' '.join(self.places) or f'<{self.name}>'}: {self.origin}, {package}{version}: {self.state}"


def list():  # noqa: A001 - `dj.codecs.list()` says it best
    """All codecs with their origin, package, version and state; those that are broken or shadowed too."""
    plugins.load_all()
    return [CodecInfo(**found) for found in _core.list_all_codecs()]


@dataclass(frozen=True)
class Check:
    """What the data of some schemas need."""

    needs: tuple[dict, ...]
    text: str = field(repr=False)

    @property
    def ok(self):
        """Whether all of it can be read."""
        return all(need["ok"] for need in self.needs)

    def __bool__(self):
        return self.ok

    def __repr__(self):
        return self.text

    def _repr_html_(self):
        return f"<pre>{html.escape(self.text)}</pre>"


def check(source):
    """Which codecs and versions data need, and what of it is missing here, before anything is fetched.

    `source` is a schema, several of them, or a connection, for all schemas of its database.
    """
    schemas = _schemas(source)
    needs, text = _core.check_codecs([schema._active() for schema in schemas])
    return Check(tuple(needs), text)


def _schemas(source):
    from .connection import Connection, list_schemas
    from .schemas import Schema

    if isinstance(source, Connection):
        return [Schema(name, connection=source, create_schema=False) for name in list_schemas(connection=source)]
    return [source] if isinstance(source, Schema) else [*source]


def lock(path=LOCK_FILE, *, check=False):
    """Writes names, origins, packages and versions of all codecs into a lock file.

    With `check` compares with the file instead: the differences, a line each.
    """
    plugins.load_all()
    if check:
        return _core.compare_with_lock(pathlib.Path(path))
    _core.lock_codecs(pathlib.Path(path))
    return pathlib.Path(path)


def use_lock(path=LOCK_FILE):
    """From now on refuses codecs that are not as the lock file says; `None` ends that. The setting `codecs.lock` does it for
    every connection."""
    _core.use_lock(None if path is None else pathlib.Path(path))


@dataclass(frozen=True)
class Migration:
    """What a migration did."""

    to: str
    rows: int
    current: int
    migrated: int
    changed: int
    failed: tuple[tuple[str, str], ...]
    left_objects: int
    deleted_objects: int

    @property
    def ok(self):
        """Whether every row has the wanted version now (or would have, in a dry run)."""
        return not self.failed and not self.changed


def migrate(table, attribute, to=None, *, batch_size=100, dry_run=False, collect=None):
    """Re-encodes the values of an attribute whose version is another than `to`, by default the one that the codec writes.

    Every new value is read back and compared with the old one before its row is changed. It may be killed at any time; run again,
    it goes on. Objects of old values stay for collection, or are collected at the end with a grace period of `collect` seconds.
    Rows that cannot be migrated keep their value and are listed in `failed`.
    """
    core = getattr(table, "_core", None)
    if not isinstance(core, _core.Table):
        raise DataJointError(f"expects a table of an activated schema, got {table!r}")
    with progress(f"migrate {attribute}") as shown:
        done = _core.migrate_values(
            core, attribute, to=to, batch_rows=batch_size, dry_run=dry_run, collect_seconds=collect, progress=shown
        )
    return Migration(**{**done, "failed": tuple(done["failed"])})
