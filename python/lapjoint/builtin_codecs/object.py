"""`<object@>`."""

from ..codecs import SchemaCodec
from .engine import EngineCodec


class ObjectCodec(EngineCodec, SchemaCodec, register=False):
    """A file, folder or bytes in a store."""

    name = "object"
    _engine_name = "object"
