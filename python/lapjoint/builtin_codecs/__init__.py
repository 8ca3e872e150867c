"""The codecs of the engine as Python objects: to call, to subclass, to look at."""

from .. import _core
from ..codecs import SchemaCodec
from ..npy_ref import NpyRef
from ..objectref import ObjectRef
from .attach import AttachCodec
from .blob import BlobCodec
from .engine import EngineCodec
from .filepath import FilepathCodec
from .hash import HashCodec
from .npy import NpyCodec
from .object import ObjectCodec

__all__ = [
    "AttachCodec", "BlobCodec", "FilepathCodec", "HashCodec", "NpyCodec", "NpyRef", "ObjectCodec", "ObjectRef", "SchemaCodec",
]  # fmt: skip

_CLASSES = {cls.name: cls for cls in (AttachCodec, BlobCodec, FilepathCodec, HashCodec, NpyCodec, ObjectCodec)}
_made: dict[str, EngineCodec] = {}


def builtin_codec(name, origin):
    """The object of a codec of the engine; always the same one for a name."""
    if name not in _made:
        cls = _CLASSES.get(name)
        if cls is None:
            summary = _core.codec_info(name)[2]
            cls = type(f"{name.title()}Codec", (EngineCodec,), {"name": name, "__doc__": summary}, register=False)
        _made[name] = cls()
    return _made[name]
