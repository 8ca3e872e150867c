"""The built-in tile codecs as classes."""

from enum import Enum
from typing import Any, ClassVar

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

from .. import _core

__all__ = [
    "BscCmcDecoder", "BscCmcEncoder", "BscDecoder", "BscEncoder", "CmcDecoder", "CmcEncoder", "CmcZstdDecoder", "CmcZstdEncoder",
    "CtxDecoder", "CtxEncoder", "Lz4Decoder", "Lz4Encoder", "ShuffleZstdDecoder", "ShuffleZstdEncoder", "WireFormat",
    "ZstdDecoder", "ZstdEncoder",
]  # fmt: skip


class WireFormat(Enum):
    """Who puts the shape of a tile on the wire."""

    #: The writer prepends (rows, cols) as two little-endian int32; the decoder gets them and strips them.
    OPAQUE_PAYLOAD = "opaque"
    #: The codec has a header of its own; the writer adds nothing.
    SELF_DESCRIBING = "self"


# What the engine says of its codecs.
_ENGINE = {name: (WireFormat(wire_format), tuple(dtypes)) for name, wire_format, dtypes in _core.gzcm_codecs()}


class TileCodec:
    """What the built-in encoders and decoders have in common: tiles of at most `tile_size` rows and columns, elements of `dtype`."""

    #: The name in the registry.
    name: ClassVar[str]
    _wire_format: ClassVar[WireFormat] = WireFormat.OPAQUE_PAYLOAD
    #: The types of elements that it takes, by numpy's names.
    dtypes: ClassVar[tuple[str, ...]] = ()

    def __init_subclass__(cls) -> None:
        cls._wire_format, cls.dtypes = _ENGINE.get(cls.name, (WireFormat.OPAQUE_PAYLOAD, ()))

    def __init__(self, tile_size: int, dtype: DTypeLike = np.uint32) -> None:
        self.tile_size = int(tile_size)
        self.dtype = np.dtype(dtype)
        if self.dtype.name not in self.dtypes:
            raise TypeError(f"{self.name} takes {', '.join(self.dtypes)}, not {self.dtype}")

    @property
    def wire_format(self) -> WireFormat:
        """Whether the writer prepends the shape."""
        return self._wire_format

    def encode_tile(self, tile: ArrayLike) -> bytes:
        """The payload of a tile of shape (rows, cols), without the header that the writer prepends."""
        given = np.asarray(tile)
        if given.ndim != 2 or max(given.shape) > self.tile_size:
            raise ValueError(f"a tile has up to ({self.tile_size}, {self.tile_size}) elements, not {given.shape}")
        converted = given.astype(self.dtype, copy=False)
        if given.dtype != self.dtype and not np.array_equal(converted, given, equal_nan=given.dtype.kind == "f"):
            raise ValueError(f"the tile of {given.dtype} has values that {self.dtype} does not hold; give dtype={given.dtype.name!r}")
        return _core.gzcm_encode(self.name, converted)

    def decode_tile(self, payload: Any, shape: tuple[int, int]) -> NDArray[Any]:
        """The tile of the bytes on the wire: behind the 8-byte header when the wire format is opaque."""
        rows, cols = shape
        return _core.gzcm_decode(self.name, bytes(payload), (int(rows), int(cols)), self.dtype.name)

    def __repr__(self) -> str:
        return f"{type(self).__name__}(tile_size={self.tile_size}, dtype={self.dtype.name!r})"


class BscEncoder(TileCodec):
    """Blocks of libbsc."""

    name = "bsc"


class BscDecoder(BscEncoder):
    """Reads what `BscEncoder` wrote."""


class BscCmcEncoder(TileCodec):
    """The contact matrix coder's transforms, then a block of libbsc."""

    name = "bsc_cmc"


class BscCmcDecoder(BscCmcEncoder):
    """Reads what `BscCmcEncoder` wrote."""


class CmcEncoder(TileCodec):
    """The contact matrix coder: transforms, then JBIG1."""

    name = "cmc"


class CmcDecoder(CmcEncoder):
    """Reads what `CmcEncoder` wrote."""


class CmcZstdEncoder(TileCodec):
    """The contact matrix coder's transforms, then zstd."""

    name = "cmc_zstd"


class CmcZstdDecoder(CmcZstdEncoder):
    """Reads what `CmcZstdEncoder` wrote."""


class CtxEncoder(TileCodec):
    """Context mixing: the smallest and the slowest."""

    name = "ctx"


class CtxDecoder(CtxEncoder):
    """Reads what `CtxEncoder` wrote."""


class Lz4Encoder(TileCodec):
    """LZ4, with a header of its own."""

    name = "lz4"


class Lz4Decoder(Lz4Encoder):
    """Reads what `Lz4Encoder` wrote."""


class ShuffleZstdEncoder(TileCodec):
    """The bytes of the elements in planes, then zstd."""

    name = "shuffle_zstd"


class ShuffleZstdDecoder(ShuffleZstdEncoder):
    """Reads what `ShuffleZstdEncoder` wrote."""


class ZstdEncoder(TileCodec):
    """zstd."""

    name = "zstd"


class ZstdDecoder(ZstdEncoder):
    """Reads what `ZstdEncoder` wrote."""


#: The codecs that are published; the others that the engine has are extras.
PUBLISHED = ("bsc", "bsc_cmc", "cmc", "cmc_zstd", "lz4", "zstd")

_CLASSES: tuple[tuple[type[TileCodec], type[TileCodec]], ...] = (
    (BscEncoder, BscDecoder),
    (BscCmcEncoder, BscCmcDecoder),
    (CmcEncoder, CmcDecoder),
    (CmcZstdEncoder, CmcZstdDecoder),
    (CtxEncoder, CtxDecoder),
    (Lz4Encoder, Lz4Decoder),
    (ShuffleZstdEncoder, ShuffleZstdDecoder),
    (ZstdEncoder, ZstdDecoder),
)

#: Encoder, decoder and wire format of the engine's codecs.
BUILT_IN: dict[str, tuple[type, type, WireFormat]] = {
    encoder.name: (encoder, decoder, _ENGINE[encoder.name][0]) for encoder, decoder in _CLASSES if encoder.name in _ENGINE
}
