"""The codecs of the engine as Python objects: to call, to subclass, to look at."""

from .. import _core
from ..codecs import SchemaCodec
from ..npy_ref import NpyRef
from ..objectref import ObjectRef
from .attach import AttachCodec
from .blob import BlobCodec
from .engine import EngineCodec
from .figpack import FigpackCodec
from .filepath import FilepathCodec
from .gzcm import GzcmCodec
from .hash import HashCodec
from .npy import NpyCodec
from .object import ObjectCodec
from .photon import PhotonCodec
from .zarr import ZarrCodec

__all__ = [
    "AttachCodec", "BlobCodec", "FilepathCodec", "HashCodec", "NpyCodec", "NpyRef", "ObjectCodec", "ObjectRef", "SchemaCodec",
    "FigpackCodec", "GzcmCodec", "PhotonCodec", "ZarrCodec",
]  # fmt: skip

_CLASSES = {
    cls.name: cls
    for cls in (AttachCodec, BlobCodec, FigpackCodec, FilepathCodec, GzcmCodec, HashCodec, NpyCodec, ObjectCodec, PhotonCodec, ZarrCodec)
}
_made: dict[str, EngineCodec] = {}


def front_of(name):
    """The object whose `prepare` is to be asked about each value of a codec of the engine; `None` for most codecs."""
    cls = _CLASSES.get(name)
    return None if cls is None or cls.prepare is EngineCodec.prepare else builtin_codec(name, None)


def builtin_codec(name, origin):
    """The object of a codec of the engine; always the same one for a name."""
    if name not in _made:
        cls = _CLASSES.get(name)
        if cls is None:
            summary = _core.codec_info(name)[2]
            cls = type(f"{name.title()}Codec", (EngineCodec,), {"name": name, "__doc__": summary}, register=False)
        _made[name] = cls()
    return _made[name]
