"""The blob format: `pack` and `unpack`, and the containers that MATLAB's blobs hold."""

import numpy as np

from ._core import pack, unpack

__all__ = ["MatCell", "MatStruct", "pack", "unpack"]


class MatCell(np.ndarray):
    """A MATLAB cell array: an array of objects."""


class MatStruct(np.recarray):
    """A MATLAB struct array: an array of records of objects."""
