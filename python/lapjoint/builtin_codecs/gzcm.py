"""`<gzcm@>`: what Python has for it beyond the engine's codec, whose file says what is stored.

# What it does
Turns sparse matrices of scipy, and files that cooler or hictkpy has open, into what the engine takes. Of an open file of one
resolution that resolution is stored.

# Specification
`lapjoint::gzcm`, in Rust. Matrices of scipy, cooler and hictkpy are recognised by their classes. Cells that a sparse matrix names
more than once are summed, as scipy does.

# Names
`<gzcm@>`, `<gzcm@store>`.

# Stored form
The engine's.

# Compatibility
Nothing: no codec of DataJoint has the name.
"""

import json
import os
import sys

import numpy as np

from .. import _core
from ..codecs import SchemaCodec
from ..errors import CodecValueError
from ..gzcm_ref import GzcmRef, GzcmValue
from ..scratch import scratch_folder
from .engine import EngineCodec


class GzcmCodec(EngineCodec, SchemaCodec, register=False):
    """A contact matrix in compressed tiles, read lazily and by windows."""

    name = "gzcm"
    _engine_name = "gzcm"

    def prepare(self, value):
        """A matrix with its options, as the engine takes it."""
        value, options = (value.matrix, value.options) if isinstance(value, GzcmValue) else (value, {})
        if isinstance(value, (str, os.PathLike)):
            return _core.gzcm_file_source(os.fspath(value), _json(options))
        if isinstance(value, GzcmRef):
            return _core.gzcm_file_source(_local(value), _json(options))
        if isinstance(value, np.ndarray):
            if hasattr(value, "filled"):
                raise CodecValueError("<gzcm> has no masks: fill the masked elements first")
            return _core.gzcm_dense_source(np.asarray(value), _json(options))
        if _is_of("scipy.sparse", "issparse", value):
            return _sparse(value, options)
        opened = _opened(value)
        if opened:
            path, bin_size_bp = opened
            return _core.gzcm_file_source(path, _json({"bin_size_bp": bin_size_bp, **options}))
        if options and not isinstance(value, _core.EngineValue):
            _core.codec_validate("gzcm", value)
        return value


def _is_of(module, question, value):
    module = sys.modules.get(module)
    return module is not None and getattr(module, question)(value)


def _opened(value):
    """Path and resolution of a file that cooler or hictkpy has open."""
    cooler, hictkpy = sys.modules.get("cooler"), sys.modules.get("hictkpy")
    if cooler is not None and isinstance(value, cooler.Cooler):
        return value.filename, value.binsize
    if hictkpy is not None and isinstance(value, hictkpy.File):
        return str(value.path()), value.resolution()
    if hictkpy is not None and isinstance(value, hictkpy.MultiResFile):
        return str(value.path()), None
    return None


def _sparse(matrix, options):
    matrix = matrix.tocoo(copy=True)
    matrix.sum_duplicates()
    if matrix.ndim != 2:
        raise CodecValueError(f"<gzcm> requires a matrix of two dimensions, got shape {matrix.shape}")
    if max(matrix.shape) > 1 << 32:
        raise CodecValueError(f"<gzcm> takes at most 2^32 rows and columns, got shape {matrix.shape}")
    rows, cols = (np.ascontiguousarray(places, dtype=np.uint32) for places in (matrix.row, matrix.col))
    return _core.gzcm_sparse_source(matrix.shape, rows, cols, matrix.data, _json(options))


def _local(reference):
    """The file of a matrix that is in a store."""
    return reference._core.local_path() or reference.download(str(scratch_folder() / "matrix.gzcm"))


def _json(options):
    try:
        return json.dumps(options, allow_nan=False, default=lambda value: value.item())
    except (AttributeError, TypeError, ValueError) as error:
        raise CodecValueError(f"<gzcm> cannot write its options as JSON: {error}") from None
