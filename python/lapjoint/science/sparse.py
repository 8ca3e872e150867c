"""`<sparse>`: sparse matrices and arrays of scipy.

What it does
------------
Takes a matrix or array of scipy.sparse and gives back one of the same class (`csr_matrix`, `csr_array`, …), shape, element type
and explicit zeros, with its indices in their order and of their type, so that it is sorted and canonical exactly if it was.

Specification
-------------
A dict of plain arrays, packed by `<blob>`, by format:

| format | arrays |
|---|---|
| csr, csc | `data` (stored,), `indices` (stored,), `indptr` (rows or columns + 1,) |
| bsr | `data` (blocks, block rows, block columns), `indices` (blocks,), `indptr` (block rows of the matrix + 1,) |
| coo | `data` (stored,), `coords`, a list of one array (stored,) for each axis; `canonical` where scipy says so and it is true |
| dia | `data` (diagonals, columns), `offsets` (diagonals,) |
| lil | as csr, and comes back as lil |
| dok | as coo, in the order of the dict, and comes back as dok |

Elements are bools, integers, `float32`, `float64` and complex numbers of these. Before anything is built, every index is compared
with the shape and every array with the others; what does not fit is an error.

Names
-----
`<sparse>` is `<blob>`; `<sparse@>` and `<sparse@store>` are `<blob@…>` in the same store.

Stored form
-----------
    {"codec_version": "1.0", "format": "csr", "kind": "array", "shape": [2, 3], "data": array([1., 2.]),
     "indices": array([0, 2], dtype=int32), "indptr": array([0, 1, 2], dtype=int32)}

`kind` is `array` or `matrix`, the two families of scipy.

Compatibility
-------------
DataJoint has no such codec; it reads the column as `<blob>`, and gets the dict. scipy 1.8 or newer; arrays with one axis, or with
three and more, as scipy has them.
"""

import numpy as np

from ..codecs import Codec
from ._shared import checked_version, library, refused, unreadable

_COMPRESSED = ("csr", "csc", "bsr")
_FORMATS = (*_COMPRESSED, "coo", "dia", "lil", "dok")


class SparseCodec(Codec):
    """A sparse matrix or array of scipy."""

    name = "sparse"
    yields = True
    codec_version = "1.0"
    reads_versions = ("1.0",)
    # One list of indices for each axis, in the order of the elements.
    arrow_type = "struct<shape: list<int64>, coords: list<list<int64>>, data: list<float64>>"

    def get_dtype(self, is_store):
        """A blob, in the store that was named."""
        return "<blob>"

    def validate(self, value):
        """Refuses what is no sparse matrix of numbers."""
        sparse = library(self.name, "scipy.sparse", "scipy")
        if not sparse.issparse(value) or getattr(value, "format", None) not in _FORMATS:
            raise refused(self.name, f"expects a matrix or array of scipy.sparse, got {type(value).__name__}")
        if value.dtype.kind not in "biufc" or value.dtype.itemsize > (16 if value.dtype.kind == "c" else 8):
            raise refused(self.name, f"cannot store elements of type {value.dtype}; convert them with .astype('float64')")

    def encode(self, value, *, key=None, store_name=None):
        """The matrix as a dict of arrays."""
        self.validate(value)
        sparse = library(self.name, "scipy.sparse", "scipy")
        stored = {
            "codec_version": "1.0",
            "format": value.format,
            "kind": "array" if isinstance(value, sparse.sparray) else "matrix",
            "shape": [int(size) for size in value.shape],
        }
        if value.format == "lil":
            value = value.tocsr()
        if value.format in _COMPRESSED:
            # What lies behind the last element belongs to the arrays, not to the matrix.
            count = int(value.indptr[-1])
            arrays = {"data": value.data[:count], "indices": value.indices[:count], "indptr": value.indptr}
        elif value.format == "dia":
            arrays = {"data": value.data, "offsets": value.offsets}
        elif value.format == "coo":
            coords = _coords(value)
            arrays = {"data": value.data, "coords": list(coords)}
            if value.has_canonical_format and _rises(coords):
                arrays["canonical"] = True
        else:
            places = [place if isinstance(place, tuple) else (place,) for place in value.keys()]
            coords = np.array(places, dtype="i8").reshape(len(places), len(value.shape)).T
            arrays = {"data": np.array(list(value.values()), dtype=value.dtype), "coords": [axis.copy() for axis in coords]}
        return stored | arrays

    def to_arrow(self, values):
        """Places and elements."""
        return [None if matrix is None else self._columns(matrix) for matrix in values]

    def _columns(self, matrix):
        if matrix.dtype.kind == "c":
            raise refused(self.name, f"has no column for elements of type {matrix.dtype}; fetch the matrices instead")
        matrix = matrix.tocoo()
        coords = [axis.tolist() for axis in _coords(matrix)]
        return {"shape": list(matrix.shape), "coords": coords, "data": matrix.data.astype("f8").tolist()}

    def decode(self, stored, *, key=None):
        """The matrix of a dict of arrays."""
        sparse = library(self.name, "scipy.sparse", "scipy")
        if not isinstance(stored, dict) or stored.get("format") not in _FORMATS:
            raise unreadable(self.name, f"expected a dict with one of the formats {', '.join(_FORMATS)}")
        checked_version(self, stored)
        form, shape = stored["format"], _shape(stored)
        family = getattr(sparse, f"{'csr' if form == 'lil' else 'coo' if form == 'dok' else form}_{_kind(stored)}", None)
        if family is None:
            raise unreadable(self.name, f"this scipy has no {form}_{_kind(stored)}")
        data = _array(stored, "data")
        if form in (*_COMPRESSED, "lil"):
            made = _compressed(family, "csr" if form == "lil" else form, shape, data, stored)
        elif form == "dia":
            made = _diagonals(family, shape, data, _integers(stored, "offsets"))
        else:
            made = _coordinates(family, shape, data, stored)
        if form == "lil":
            return made.tolil()
        if form == "dok":
            return _dictionary(getattr(sparse, f"dok_{_kind(stored)}"), made, shape)
        return made


def _coords(matrix):
    return matrix.coords if hasattr(matrix, "coords") else (matrix.row, matrix.col)


def _kind(stored):
    kind = stored.get("kind")
    if kind not in ("array", "matrix"):
        raise unreadable("sparse", f"kind is {kind!r}, neither array nor matrix")
    return kind


def _shape(stored):
    given = stored.get("shape")
    try:
        shape = tuple(int(size) for size in given)
    except (TypeError, ValueError, OverflowError):
        shape = None
    if not shape or min(shape) < 0 or max(shape) >= 1 << 63 or len(shape) > 64:
        raise unreadable("sparse", f"{given!r} is no shape")
    return shape


def _array(stored, name, ndim=None):
    array = stored.get(name)
    if not isinstance(array, np.ndarray) or array.dtype.kind not in "biufc" or ndim not in (None, array.ndim):
        raise unreadable("sparse", f"{name} is no array of numbers with {ndim or 'any number of'} axes")
    return np.ascontiguousarray(array) if array.ndim else array


def _integers(stored, name):
    array = _array(stored, name, 1)
    if array.dtype.kind not in "iu":
        raise unreadable("sparse", f"{name} has elements of type {array.dtype}, not integers")
    return array


def _within(indices, size, what):
    """Compares indices with the size of their axis."""
    if indices.size and not (0 <= int(indices.min()) and int(indices.max()) < size):
        bad = indices[(indices < 0) | (indices >= size)][0]
        raise unreadable("sparse", f"{what} {bad} is outside of 0 to {size - 1}")


def _compressed(family, form, shape, data, stored):
    indices, pointers = _integers(stored, "indices"), _integers(stored, "indptr")
    if data.ndim != (3 if form == "bsr" else 1) or len(shape) not in ((1, 2) if form == "csr" else (2,)):
        raise unreadable("sparse", f"data with {data.ndim} axes do not fit {form} of shape {shape}")
    block = data.shape[1:] if form == "bsr" else (1, 1)
    rows, columns = shape if len(shape) == 2 else (1, shape[0])
    if min(block) < 1 or rows % block[0] or columns % block[1]:
        raise unreadable("sparse", f"blocks of shape {block} do not divide a matrix of shape {shape}")
    major, minor = (columns, rows) if form == "csc" else (rows // block[0], columns // block[1])
    if len(pointers) != major + 1 or len(indices) != len(data):
        raise unreadable(
            "sparse", f"{len(pointers)} pointers, {len(indices)} indices and {len(data)} elements do not fit the shape {shape}"
        )
    if pointers[0] != 0 or pointers[-1] != len(data) or (pointers[1:] < pointers[:-1]).any():
        raise unreadable("sparse", f"its pointers do not rise from 0 to {len(data)}")
    _within(indices, minor, "index")
    made = family(shape, dtype=data.dtype) if form != "bsr" else family(shape, blocksize=block, dtype=data.dtype)
    # Assigned, not passed: the constructor would choose another type for the indices.
    made.data, made.indices, made.indptr = data, indices, pointers
    return made


def _diagonals(family, shape, data, offsets):
    if len(shape) != 2 or data.ndim != 2 or len(data) != len(offsets) or len(set(offsets.tolist())) != len(offsets):
        raise unreadable("sparse", f"{len(offsets)} offsets and diagonals of shape {data.shape} do not fit the shape {shape}")
    made = family((data, offsets), shape=shape)
    made.offsets = offsets
    return made


def _coordinates(family, shape, data, stored):
    coords = stored.get("coords")
    if not isinstance(coords, (list, tuple)) or len(coords) != len(shape) or data.ndim != 1:
        raise unreadable("sparse", f"coords must be {len(shape)} arrays for the shape {shape}")
    coords = tuple(_integers({f"coords[{axis}]": one}, f"coords[{axis}]") for axis, one in enumerate(coords))
    for axis, (indices, size) in enumerate(zip(coords, shape)):
        if len(indices) != len(data):
            raise unreadable("sparse", f"{len(indices)} indices of axis {axis} for {len(data)} elements")
        _within(indices, size, f"index of axis {axis},")
    try:
        made = family((data, coords), shape=shape)
    except ValueError as error:
        raise unreadable("sparse", str(error)) from error
    if hasattr(made, "coords"):
        made.coords = coords
    else:
        made.row, made.col = coords
    if stored.get("canonical", False):
        # scipy believes it and adds no duplicates up, so that a lie would give wrong sums.
        if not _rises(coords):
            raise unreadable("sparse", "it is said to be canonical, and its indices do not rise")
        made.has_canonical_format = True
    return made


def _rises(coords):
    """Whether no place comes twice, and each is behind the one before it, row by row or column by column."""
    for axes in (coords, coords[::-1]):
        behind = np.zeros(max(len(axes[0]) - 1, 0), bool)
        for axis in reversed(axes):
            behind = (axis[1:] > axis[:-1]) | ((axis[1:] == axis[:-1]) & behind)
        if behind.all():
            return True
    return False


def _dictionary(family, matrix, shape):
    made = family(shape, dtype=matrix.dtype)
    places = zip(*(axis.tolist() for axis in _coords(matrix)))
    for place, value in zip(places, matrix.data):
        key = place if len(shape) > 1 else place[0]
        if key in made:
            raise unreadable("sparse", f"two elements at {place}")
        made._dict[key] = value
    return made
