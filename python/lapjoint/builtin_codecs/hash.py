"""`<hash>`."""

from .engine import EngineCodec


class HashCodec(EngineCodec, register=False):
    """Bytes in a store under their hash, each content once."""

    name = "hash"
    _engine_name = "hash"
