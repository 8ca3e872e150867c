"""Typed tables whose cells can be anything: DataJoint's API on a Rust engine."""

from . import blob, codecs, errors
from ._core import NpyRef, ObjectRef, __version__
from .codecs import Codec, SchemaCodec, get_codec, list_codecs
from .condition import AndList, Not, Top
from .connection import Connection, conn, list_schemas
from .errors import DataJointError
from .schemas import Schema
from .settings import config
from .tables import Computed, Imported, Lookup, Manual, Part, Table

schema = Schema


def install_as_datajoint():
    """Makes `import datajoint` give this package in the running process, so that code and plugins for it run unmodified."""
    from . import as_datajoint

    as_datajoint.install()


__all__ = [
    "AndList", "Codec", "Computed", "Connection", "DataJointError", "Imported", "Lookup", "Manual", "Not", "NpyRef", "ObjectRef",
    "Part", "Schema", "SchemaCodec", "Table", "Top", "__version__", "blob", "codecs", "config", "conn", "errors", "get_codec", "install_as_datajoint", "list_codecs", "list_schemas",
    "schema",
]  # fmt: skip
