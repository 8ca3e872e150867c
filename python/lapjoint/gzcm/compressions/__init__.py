"""The registry under its published name, `gunz_cm.compressions`: the same, with the published codecs only.

The engine's extras (`ctx`, `shuffle_zstd`) are found by their names all the same.
"""

from ..codecs import (
    PUBLISHED,
    BscCmcDecoder,
    BscCmcEncoder,
    BscDecoder,
    BscEncoder,
    CmcDecoder,
    CmcEncoder,
    CmcZstdDecoder,
    CmcZstdEncoder,
    Lz4Decoder,
    Lz4Encoder,
    WireFormat,
    ZstdDecoder,
    ZstdEncoder,
)
from ..errors import UnknownCodecError, WireFormatError
from ..registry import added, register_codec
from ..registry import get_codec as _get_codec

__all__ = [
    "BscCmcDecoder", "BscCmcEncoder", "BscDecoder", "BscEncoder", "CmcDecoder", "CmcEncoder", "CmcZstdDecoder", "CmcZstdEncoder",
    "Lz4Decoder", "Lz4Encoder", "UnknownCodecError", "WireFormat", "WireFormatError", "ZstdDecoder", "ZstdEncoder", "get_codec",
    "list_codecs", "register_codec",
]  # fmt: skip


def list_codecs() -> list[str]:
    """The published names and those that were added, sorted."""
    return sorted({*PUBLISHED, *added()})


def get_codec(name: str) -> tuple[type, type, WireFormat]:
    """(encoder class, decoder class, wire format) of a name; `UnknownCodecError` if there is none."""
    try:
        return _get_codec(name)
    except UnknownCodecError:
        raise UnknownCodecError(name, list_codecs()) from None
