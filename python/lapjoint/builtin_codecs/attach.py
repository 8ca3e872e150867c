"""`<attach>`."""

from .engine import EngineCodec


class AttachCodec(EngineCodec, register=False):
    """A file, stored with its name; a fetch writes it to `config.download_path`."""

    name = "attach"
    _engine_name = "attach"
