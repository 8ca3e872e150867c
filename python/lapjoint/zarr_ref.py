"""Lazy references to arrays in chunks, and what `<zarr@>` takes beside plain arrays."""

import json

import numpy as np

from . import _core
from .array_ref import ChunkedRef, plan

__all__ = ["ZarrRef", "ZarrValue"]


class ZarrValue:
    """An array for `<zarr@>`, and how it is to be stored.

    `array` is a numpy array, an array of zarr-python, or an iterator of slabs along the first axis. `chunks` and `shards` are
    shapes (`shards=True`: shards of a size that is chosen); `codec` is `"zstd"`, `"gzip"`, `"blosc"` or `"none"`, or a dict
    such as `{"name": "zstd", "level": 7}`; `zarr_format` is 3 or 2; `attrs` is a dict that JSON can hold.
    """

    __slots__ = ("array", "options")

    def __init__(self, array, *, chunks=None, shards=None, codec=None, zarr_format=None, attrs=None):
        self.array = array
        given = {"chunks": chunks, "shards": shards, "codec": codec, "zarr_format": zarr_format, "attrs": attrs}
        self.options = {name: value for name, value in given.items() if value is not None}

    def __repr__(self):
        options = "".join(f", {name}={value!r}" for name, value in self.options.items())
        return f"ZarrValue({type(self.array).__name__}{options})"


class ZarrRef(ChunkedRef):
    """An array in chunks in a store. Slicing reads and decodes only the chunks that are touched; numpy functions read all."""

    __slots__ = ()

    def __init__(self, metadata, backend):
        self._core, self._backend = _core.ZarrRef(json.dumps(metadata), backend._store), backend

    _store = property(lambda self: self._core.store)
    chunks = property(lambda self: self._core.chunks, doc="Shape of a chunk: what is decoded at once.")
    shards = property(lambda self: self._core.shards, doc="Shape of a shard; `None` where every chunk is a file.")
    attrs = property(lambda self: self._core.attrs, doc="Attributes of the array, a copy.")
    zarr_format = property(lambda self: self._core.format, doc="Zarr format, 2 or 3.")

    @property
    def nchunks(self):
        """Number of chunks that cover the array."""
        return int(np.prod([-(-size // chunk) for size, chunk in zip(self.shape, self.chunks)], dtype=object))

    def load(self):
        """The whole array."""
        return self._core.read([])

    def slabs(self):
        """The array in pieces along its first axis, as many rows at a time as one file has."""
        if not self.shape:
            yield self.load()
            return
        rows = (self.shards or self.chunks)[0]
        for start in range(0, self.shape[0], rows):
            yield self._core.read([(start, min(start + rows, self.shape[0]), 1)])

    def __getitem__(self, index):
        """Elements, by all that indexes a numpy array; reads the chunks that they lie in."""
        axes, rest = plan(index, self.shape)
        return np.asarray(self._core.read(axes))[rest]

    def __getattr__(self, name):
        if not name.startswith("_"):
            raise AttributeError(f"ZarrRef has no {name!r}; arrays of zarr-python may: call .zarr() first")
        raise AttributeError(name)

    def __repr__(self):
        return f"ZarrRef(shape={self.shape}, dtype={self._core.dtype_text})"
