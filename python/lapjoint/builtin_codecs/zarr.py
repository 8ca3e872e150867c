"""`<zarr@>`: what Python has for it beyond the engine's codec, whose file says what is stored.

# What it does
Turns arrays of zarr-python and iterators of slabs into what the engine takes. Both are read piece by piece: at no time is all of
them in memory.

# Specification
`lapjoint_codec::science::zarr`, in Rust. An array of zarr-python is recognised by its class; its chunks, shards and attributes
are kept where `ZarrValue` does not say otherwise, its compression is not.

# Names
`<zarr@>`, `<zarr@store>`.

# Stored form
The engine's.

# Compatibility
What dj-zarr-codecs takes - numpy arrays and arrays of zarr-python - and iterators of arrays.
"""

import json
import sys
from collections.abc import Iterator

import numpy as np

from .. import _core
from ..codecs import SchemaCodec
from ..scratch import scratch_folder
from ..zarr_ref import ZarrRef, ZarrValue
from .engine import EngineCodec

# Rows of a zarr array that are read at once, about.
_SLAB_BYTES = 64 << 20


class ZarrCodec(EngineCodec, SchemaCodec, register=False):
    """An array in compressed chunks as a Zarr folder, read lazily and in parts."""

    name = "zarr"
    _engine_name = "zarr"

    def prepare(self, value):
        """An array with its options, as the engine takes it; slabs are encoded here, as they come."""
        value, options = (value.array, value.options) if isinstance(value, ZarrValue) else (value, {})
        if isinstance(value, np.ndarray):
            return _core.zarr_source(_plain(value), _json(options)) if options else _plain(value)
        if isinstance(value, ZarrRef):
            options = _kept(value.chunks, value.shards, value.attrs) | options
            return _spooled(value.slabs(), options) if value.size else _core.zarr_source(value.load(), _json(options))
        if _is_zarr_array(value):
            options = _kept(value.chunks, getattr(value, "shards", None), dict(value.attrs)) | options
            if not value.ndim or not value.size:
                return _core.zarr_source(np.asarray(value[...]), _json(options))
            return _spooled(_slabs(value), options)
        if isinstance(value, Iterator):
            return _spooled(value, options)
        if options and not isinstance(value, _core.EngineValue):
            _core.codec_validate("zarr", value)
        return value


def _plain(array):
    """The array without a class of its own, except a masked one, which the engine refuses."""
    return array if type(array) is np.ndarray or hasattr(array, "filled") else np.asarray(array)


def _is_zarr_array(value):
    zarr = sys.modules.get("zarr")
    return zarr is not None and isinstance(value, zarr.Array)


def _kept(chunks, shards, attrs):
    """Options of an array that is copied."""
    options = {"chunks": list(chunks), "shards": list(shards) if shards else None, "attrs": attrs or None}
    return {name: value for name, value in options.items() if value is not None}


def _slabs(array):
    """The rows of a zarr array, some chunks at a time."""
    rows = (getattr(array, "shards", None) or array.chunks)[0]
    row_bytes = max(1, array.nbytes // array.shape[0])
    step = rows * max(1, _SLAB_BYTES // (rows * row_bytes))
    for start in range(0, array.shape[0], step):
        yield array[start : start + step]


def _spooled(slabs, options):
    spool = _core.ZarrSpool(_json(options), str(scratch_folder()))
    for slab in slabs:
        if not isinstance(slab, np.ndarray):
            from ..errors import CodecValueError

            raise CodecValueError(f"<zarr> requires NumPy arrays from an iterator, got {type(slab).__name__}")
        spool.push(slab)
    return spool.finish()


def _json(options):
    options = dict(options)
    for name in ("chunks", "shards"):
        if isinstance(options.get(name), (tuple, list, np.ndarray)):
            options[name] = [int(size) for size in options[name]]
    try:
        return json.dumps(options, allow_nan=False)
    except (TypeError, ValueError) as error:
        from ..errors import CodecValueError

        raise CodecValueError(f"<zarr> cannot write its options as JSON: {error}") from None
