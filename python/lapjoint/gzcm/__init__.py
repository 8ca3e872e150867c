"""GZCM: Hi-C contact matrices as tiles, compressed by codecs that declare their wire format, in one file that is read by windows."""

from ..gzcm_ref import GzcmRef, GzcmValue
from .codecs import (
    BscCmcDecoder,
    BscCmcEncoder,
    BscDecoder,
    BscEncoder,
    CmcDecoder,
    CmcEncoder,
    CmcZstdDecoder,
    CmcZstdEncoder,
    CtxDecoder,
    CtxEncoder,
    Lz4Decoder,
    Lz4Encoder,
    ShuffleZstdDecoder,
    ShuffleZstdEncoder,
    WireFormat,
    ZstdDecoder,
    ZstdEncoder,
)
from .converters.gzcm import Converted, Salvaged, convert_from_gzcm, convert_to_gzcm, salvage
from .datasets import GzcmDataset, collate
from .errors import CorruptError, GzcmError, UnknownCodecError, UnsupportedError, WireFormatError
from .reader import GzcmReader, GzcmV4Reader, Reader, open_gzcm
from .registry import get_codec, list_codecs, register_codec


def install_as_gunz_cm() -> None:
    """Makes `import gunz_cm.compressions`, `gunz_cm.converters.gzcm` and `gunz_cm.datasets` give this package in the running process."""
    from . import as_gunz_cm

    as_gunz_cm.install()


__all__ = [
    "BscCmcDecoder", "BscCmcEncoder", "BscDecoder", "BscEncoder", "CmcDecoder", "CmcEncoder", "CmcZstdDecoder", "CmcZstdEncoder",
    "Converted", "CorruptError", "CtxDecoder", "CtxEncoder", "GzcmDataset", "GzcmError", "GzcmReader", "GzcmRef", "GzcmV4Reader",
    "GzcmValue", "Lz4Decoder", "Lz4Encoder", "Reader", "Salvaged", "ShuffleZstdDecoder", "ShuffleZstdEncoder", "UnknownCodecError",
    "UnsupportedError", "WireFormat", "WireFormatError", "ZstdDecoder", "ZstdEncoder", "collate", "convert_from_gzcm", "convert_to_gzcm",
    "get_codec", "install_as_gunz_cm", "list_codecs", "open_gzcm", "register_codec", "salvage",
]  # fmt: skip
