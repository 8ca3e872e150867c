"""`<filepath>`."""

from .engine import EngineCodec


class FilepathCodec(EngineCodec, register=False):
    """A file that is in a store already, and stays the user's."""

    name = "filepath"
    _engine_name = "filepath"
