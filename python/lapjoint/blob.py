"""The blob format: `pack` and `unpack`, and the containers that MATLAB's blobs hold.

Set `blob.use_32bit_dims = True` to read blobs that the old 32-bit mYm wrote, here and in fetches.
"""

import sys
import types

import numpy as np

from . import _core
from ._core import pack

__all__ = ["MatCell", "MatStruct", "pack", "unpack"]


class MatCell(np.ndarray):
    """A MATLAB cell array: an array of objects."""


class MatStruct(np.recarray):
    """A MATLAB struct array: an array of records of objects."""


def unpack(blob, squeeze=False, dims_32bit=None):
    """The value of a blob; `None` and the empty blob give `None`."""
    return _core.unpack(blob, squeeze, _module.use_32bit_dims if dims_32bit is None else dims_32bit)


class _BlobModule(types.ModuleType):
    """The module itself: assigning `use_32bit_dims` reaches the engine."""

    _use_32bit_dims = False

    @property
    def use_32bit_dims(self):
        """Whether blobs are read as those of the old 32-bit mYm."""
        return self._use_32bit_dims

    @use_32bit_dims.setter
    def use_32bit_dims(self, old):
        self._use_32bit_dims = bool(old)
        _core.read_dims_32bit(bool(old))


_module = sys.modules[__name__]
_module.__class__ = _BlobModule
