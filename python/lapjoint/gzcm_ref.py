"""Lazy references to contact matrices, and what `<gzcm@>` takes beside plain ones."""

import base64
import json

import numpy as np

from . import _core
from .array_ref import ArrayRef, plan

__all__ = ["GzcmRef", "GzcmValue"]

# Contacts of a matrix that is drawn without being asked to, at most.
_DRAWN_CONTACTS = 20_000_000


class GzcmValue:
    """A contact matrix for `<gzcm@>`, and how it is to be stored.

    `matrix` is an array, a sparse matrix of scipy, the path of a file (`.cool`, `.mcool`, `.hic`, `.gzcm`, text), or a file that cooler or
    hictkpy has open. `codec` is one of `lapjoint.gzcm.list_codecs()`; `adaptive_codec=True` chooses on a sample of the tiles; `tile_size`
    is in bins. Of an array: `chrom1`, `chrom2` and `bin_size_bp` say what it is of, and `layout` is "dense-tiled", "sparse-tiled-intra" or
    "sparse-roaring". Of a file: `region1` and `region2` ("chr2" or "chr2:0-5000000") and `bin_size_bp` choose a part; all of it is taken
    without them.
    """

    __slots__ = ("matrix", "options")

    def __init__(
        self, matrix, *, codec=None, adaptive_codec=None, tile_size=None, layout=None, chrom1=None, chrom2=None, bin_size_bp=None, region1=None,
        region2=None,
    ):  # fmt: skip
        self.matrix = matrix
        given = dict(
            codec=codec, adaptive_codec=adaptive_codec, tile_size=tile_size, layout=layout, chrom1=chrom1, chrom2=chrom2,
            bin_size_bp=bin_size_bp, region1=region1, region2=region2,
        )  # fmt: skip
        self.options = {name: value for name, value in given.items() if value is not None}

    def __repr__(self):
        options = "".join(f", {name}={value!r}" for name, value in self.options.items())
        return f"GzcmValue({type(self.matrix).__name__}{options})"


class GzcmRef(ArrayRef):
    """A contact matrix in a store. Shape and type come from the row; windows are read from the few tiles that they touch.

    Shape, type, indexing and `load` are those of the file's first matrix. `reader` is the open file with all its matrices (pairs of
    chromosomes, resolutions) and normalisation vectors; `fetch`, `pixels`, `coo`, `csr`, `vector` and `picture` are its methods.
    """

    __slots__ = ("_core", "_backend", "_reader", "__weakref__")

    def __init__(self, metadata, backend):
        self._core, self._backend, self._reader = _core.GzcmRef(json.dumps(metadata), backend._store), backend, None

    @classmethod
    def _of(cls, core):
        made = cls.__new__(cls)
        made._core, made._backend, made._reader = core, None, None
        return made

    shape = property(lambda self: self._core.shape, doc="(rows, columns) of the first matrix, in bins.")
    dtype = property(lambda self: np.dtype(self._core.dtype), doc="Element type, without reading the matrix.")
    metadata = property(lambda self: self._core.metadata, doc="What the row has of the matrix.")
    nnz = property(lambda self: self.metadata.get("nnz"), doc="Contacts that are stored, each once, where the row says.")
    bin_size_bp = property(lambda self: self.metadata.get("bin_size_bp"), doc="Size of a bin, where it is known.")
    chromosomes = property(lambda self: self.metadata.get("chromosomes"), doc="Names of the chromosomes, where they are known and few.")
    path = property(lambda self: self.metadata["path"], doc="Path in the store.")
    store = property(lambda self: self._core.store.name, doc="Name of the store.")

    @property
    def reader(self):
        """The open file: a `lapjoint.gzcm.Reader`. Opening reads header and index, each window its tiles; decoded tiles are kept."""
        if self._reader is None:
            from .gzcm.reader import Reader

            self._reader = Reader(self)
        return self._reader

    def load(self):
        """All of the first matrix; a symmetric one with both triangles."""
        return self.reader.dense(region=0)

    def dense(self, rows=None, cols=None):
        """A window of the first matrix: bins as (start, stop), a slice, or `None` for all."""
        return self.reader.dense(rows, cols, region=0)

    def pixels(self, rows=None, cols=None):
        """The cells of a window that are not zero: rows, columns (bins of the matrix), values."""
        return self.reader.pixels(rows, cols, region=0)

    def coo(self, rows=None, cols=None):
        """A window as scipy's `coo_array`."""
        return self.reader.coo(rows, cols, region=0)

    def csr(self, rows=None, cols=None):
        """A window as scipy's `csr_array`."""
        return self.reader.csr(rows, cols, region=0)

    def fetch(self, range1, range2=None, *, bin_size_bp=None, as_="dense"):
        """The window of `range1` ("chr1" or "chr1:0-1,000,000") against `range2`, from whichever matrix of the file has it."""
        return self.reader.fetch(range1, range2, bin_size_bp=bin_size_bp, as_=as_)

    def vector(self, name, chrom, *, bin_size_bp=None):
        """The weights of a chromosome's bins; NaN where a bin was masked."""
        return self.reader.vector(name, chrom, bin_size_bp=bin_size_bp)

    def picture(self, range1=None, range2=None, *, bin_size_bp=None, side_pixels=768, axes=True):
        """A heat map of the ranges, or of the first matrix, as the bytes of a PNG file."""
        return self.reader.picture(range1, range2, bin_size_bp=bin_size_bp, side_pixels=side_pixels, axes=axes)

    def __getitem__(self, index):
        """Elements of the first matrix, by all that indexes a numpy array; the window around them is read."""
        axes, rest = plan(index, self.shape)
        windows, inside = zip(*(_window(axis) for axis in axes))
        return self.reader.dense(*windows, region=0)[inside[0]][:, inside[1]][rest]

    def __iter__(self):
        for row in range(self.shape[0]):
            yield self[row]

    def verify(self):
        """Reads all of the file and compares it with what was written; true, or an error that names what is wrong."""
        self._core.verify()
        return True

    def download(self, path):
        """Copies the file to a path of this machine; returns it."""
        self._bound_backend().get_file(self.path, path)
        return path

    def _bound_backend(self):
        if self._backend is None:
            from .storage import StorageBackend

            self._backend = StorageBackend._of(self._core.store)
        return self._backend

    def _open(self, cache_tiles, cache_bytes):
        """The file, opened anew; also by a process that was forked, in which nothing that was open may be used."""
        core = _core.GzcmRef(json.dumps(self.metadata), self._core.store)
        return core.open(cache_tiles, cache_bytes)

    def _repr_html_(self):
        about = f"<code>{self!r}</code>"
        if self.nnz is None or self.nnz > _DRAWN_CONTACTS:
            return about
        png = base64.b64encode(self.picture(side_pixels=256, axes=False)).decode()
        return f'<div><img alt="contact matrix" src="data:image/png;base64,{png}"><br>{about}</div>'

    def __repr__(self):
        nnz = "" if self.nnz is None else f", nnz={self.nnz}"
        return f"GzcmRef(shape={self.shape}, dtype={self.dtype}{nnz})"

    def __reduce__(self):
        return type(self), (self.metadata, self._bound_backend())


def _window(axis):
    """The bins of an axis that are read for what is selected of it, and the selection within them."""
    if isinstance(axis, list):
        if not axis:
            return (0, 0), slice(None)
        return (axis[0], axis[-1] + 1), np.asarray(axis) - axis[0]
    start, stop, step = axis
    return (start, stop), slice(None, None, step)
