"""`<blob>`."""

from .engine import EngineCodec


class BlobCodec(EngineCodec, register=False):
    """Any Python or numpy value, serialised."""

    name = "blob"
    _engine_name = "blob"
