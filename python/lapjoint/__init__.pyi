from . import blob as blob
from . import codecs as codecs
from . import dependencies as dependencies
from . import diagram as diagram
from . import errors as errors
from . import gc as gc
from . import utils as utils
from ._core import __version__ as __version__
from .autopopulate import AutoPopulate as AutoPopulate
from .blob import MatCell as MatCell
from .blob import MatStruct as MatStruct
from .cli import cli as cli
from .codecs import Codec as Codec
from .codecs import SchemaCodec as SchemaCodec
from .codecs import get_codec as get_codec
from .codecs import list_codecs as list_codecs
from .condition import AndList as AndList
from .condition import Not as Not
from .condition import Top as Top
from .connection import Connection as Connection
from .connection import conn as conn
from .connection import list_schemas as list_schemas
from .diagram import Diagram as Diagram
from .errors import DataJointError as DataJointError
from .errors import ThreadSafetyError as ThreadSafetyError
from .expression import U as U
from .instance import Instance as Instance
from .jobs import Job as Job
from .logs import logger as logger
from .npy_ref import NpyRef as NpyRef
from .objectref import ObjectRef as ObjectRef
from .schemas import Schema as Schema
from .schemas import VirtualModule as VirtualModule
from .schemas import virtual_schema as virtual_schema
from .settings import config as config
from .spark import SparkAdapter as SparkAdapter
from .storage_adapter import StorageAdapter as StorageAdapter
from .storage_adapter import get_storage_adapter as get_storage_adapter
from .tables import Computed as Computed
from .tables import FreeTable as FreeTable
from .tables import Imported as Imported
from .tables import Lookup as Lookup
from .tables import Manual as Manual
from .tables import Part as Part
from .tables import Table as Table
from .validation import ValidationResult as ValidationResult
from .zarr_ref import ZarrRef as ZarrRef
from .zarr_ref import ZarrValue as ZarrValue

schema = Schema
__author__: str
Entry = Manual
Ingest = Imported
Compute = Computed

def install_as_datajoint() -> None: ...

__all__ = [
    "AndList",
    "AutoPopulate",
    "Codec",
    "Compute",
    "Computed",
    "Connection",
    "DataJointError",
    "Diagram",
    "Entry",
    "FreeTable",
    "Imported",
    "Ingest",
    "Instance",
    "Job",
    "Lookup",
    "Manual",
    "MatCell",
    "MatStruct",
    "Not",
    "NpyRef",
    "ObjectRef",
    "Part",
    "Schema",
    "SchemaCodec",
    "SparkAdapter",
    "StorageAdapter",
    "Table",
    "ThreadSafetyError",
    "Top",
    "U",
    "ValidationResult",
    "VirtualModule",
    "ZarrRef",
    "ZarrValue",
    "__version__",
    "blob",
    "cli",
    "codecs",
    "config",
    "conn",
    "errors",
    "get_codec",
    "get_storage_adapter",
    "install_as_datajoint",
    "list_codecs",
    "list_schemas",
    "logger",
    "schema",
    "utils",
    "virtual_schema",
]
