"""`<npy@>`."""

from ..codecs import SchemaCodec
from .engine import EngineCodec


class NpyCodec(EngineCodec, SchemaCodec, register=False):
    """A numpy array as a `.npy` file in a store."""

    name = "npy"
    _engine_name = "npy"
