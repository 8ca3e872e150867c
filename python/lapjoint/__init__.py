"""Typed tables whose cells can be anything: DataJoint's API on a Rust engine."""

from . import blob, codecs, errors, utils
from ._core import __version__
from .autopopulate import AutoPopulate
from .blob import MatCell, MatStruct
from .codecs import Codec, SchemaCodec, get_codec, list_codecs
from .condition import AndList, Not, Top
from .connection import Connection, conn, list_schemas
from .errors import DataJointError, ThreadSafetyError
from .expression import U
from .instance import Instance
from .jobs import Job
from .logs import logger
from .npy_ref import NpyRef
from .objectref import ObjectRef
from .schemas import Schema, VirtualModule, virtual_schema
from .settings import config
from .spark import SparkAdapter
from .storage_adapter import StorageAdapter, get_storage_adapter
from .tables import Compute, Computed, Entry, FreeTable, Imported, Ingest, Lookup, Manual, Part, Table, ValidationResult
from .zarr_ref import ZarrRef, ZarrValue

schema = Schema
__author__ = "The Lapjoint developers"


def __getattr__(name):
    # Loaded when they are asked for: few programs draw, collect, or are a session.
    if name in ("gc", "cli", "diagram", "dependencies"):
        import importlib
        import sys

        module = importlib.import_module(f"{__name__}.{name}")
        if sys.modules.get("datajoint") is sys.modules[__name__]:
            # It is there by both names.
            importlib.import_module(f"datajoint.{name}")
        # As in DataJoint, `cli` is the function.
        found = globals()[name] = getattr(module, name, module)
        return found
    if name == "Diagram":
        return __getattr__("diagram").Diagram
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def install_as_datajoint():
    """Makes `import datajoint` give this package in the running process, so that code and plugins for it run unmodified."""
    from . import as_datajoint

    as_datajoint.install()


__all__ = [
    "AndList", "AutoPopulate", "Codec", "Compute", "Computed", "Connection", "DataJointError", "Diagram", "Entry", "FreeTable",
    "Imported", "Ingest", "Instance", "Job", "Lookup", "Manual", "MatCell", "MatStruct", "Not", "NpyRef", "ObjectRef", "Part", "Schema",
    "SchemaCodec", "SparkAdapter", "StorageAdapter", "Table", "ThreadSafetyError", "Top", "U", "ValidationResult", "VirtualModule", "ZarrRef", "ZarrValue",
    "__version__", "blob", "cli", "codecs", "config", "conn", "errors", "get_codec", "get_storage_adapter",
    "install_as_datajoint", "list_codecs",
    "list_schemas", "logger", "schema", "utils", "virtual_schema",
]  # fmt: skip
