"""Lazy references to arrays in stores."""

import json
import os
import tempfile

import numpy as np

from . import _core


class NpyRef:
    """An array in a store that is read when asked: whole by `load`, in parts by slicing, or by any numpy function."""

    __slots__ = ("_metadata", "_backend", "_core", "_loaded", "__weakref__")

    def __init__(self, metadata, backend):
        self._metadata, self._backend, self._loaded = metadata, backend, None
        store = getattr(backend, "_store", None)
        self._core = _core.NpyRef(json.dumps(metadata), store) if isinstance(store, _core.Store) else None

    @classmethod
    def _of(cls, core):
        made = cls.__new__(cls)
        made._metadata, made._backend, made._core, made._loaded = None, None, core, None
        return made

    def _about(self):
        if self._metadata is None:
            self._metadata = self._core.metadata
        return self._metadata

    @property
    def shape(self):
        """Shape, without reading the array."""
        return self._core.shape if self._core else tuple(self._about()["shape"])

    @property
    def dtype(self):
        """Element type, without reading the array (of records: its header is read)."""
        return self._core.dtype if self._core else np.dtype(self._about()["dtype"])

    ndim = property(lambda self: len(self.shape), doc="Number of axes.")
    size = property(lambda self: int(np.prod(self.shape, dtype=int)), doc="Number of elements.")
    nbytes = property(lambda self: self.size * self.dtype.itemsize, doc="Size of the loaded array in bytes.")
    path = property(lambda self: self._about()["path"], doc="Path in the store.")
    store = property(lambda self: self._about().get("store"), doc="Name of the store.")
    is_loaded = property(lambda self: self._loaded is not None, doc="Whether the array is in memory.")

    def _bound_backend(self):
        if self._backend is None:
            from .storage import StorageBackend

            self._backend = StorageBackend._of(self._core.store)
        return self._backend

    def load(self, mmap_mode=None):
        """The whole array; with `mmap_mode` a map of its file, which for a remote store is copied to a cache first."""
        if mmap_mode is not None:
            return np.load(self._mappable(), mmap_mode=mmap_mode, allow_pickle=False)
        if self._loaded is None:
            if self._core:
                self._loaded = self._core.load()
            else:
                import io

                self._loaded = np.load(io.BytesIO(self._backend.get_buffer(self.path)), allow_pickle=False)
        return self._loaded

    def _mappable(self):
        if self._core and (local := self._core.local_path()):
            return local
        backend = self._bound_backend()
        if getattr(backend, "protocol", None) == "file":
            return backend._full_path(self.path)
        # A path in a store has a random token: the same name is the same content.
        name = _core.content_hash(f"{self.store}\0{self.path}".encode())
        folder = os.path.join(tempfile.gettempdir(), "lapjoint_mmap")
        file = os.path.join(folder, f"{name}.npy")
        if not os.path.exists(file):
            os.makedirs(folder, exist_ok=True)
            partial = f"{file}.{os.getpid()}"
            with open(partial, "wb") as target:
                target.write(backend.get_buffer(self.path))
            os.replace(partial, file)
        return file

    def __array__(self, dtype=None, copy=None):
        array = self.load()
        if dtype is not None and array.dtype != dtype:
            if copy is False:
                raise ValueError(f"an array of {array.dtype} cannot become {dtype} without a copy")
            return array.astype(dtype)
        return array.copy() if copy else array

    def __len__(self):
        if not self.shape:
            raise TypeError("len() of 0-dimensional array")
        return self.shape[0]

    def __getitem__(self, index):
        """Elements; slices and numbers on the leading axes read only the bytes that they need."""
        plan = None if self.is_loaded or not self._core else _plan(index, self.shape)
        if plan is None:
            return self.load()[index]
        axes, rest = plan
        return self._core.slice(axes)[rest]

    def __iter__(self):
        return iter(self.load())

    def __reduce__(self):
        backend = self._bound_backend() if self._core else self._backend
        return NpyRef, (self._about(), backend)

    def __repr__(self):
        state = "loaded" if self.is_loaded else "not loaded"
        shown = self._core.dtype_text if self._core else self._about()["dtype"]
        return f"NpyRef(shape={self.shape}, dtype={shown}, {state})"


def _plan(index, shape):
    """What to read, as (start, stop, step) of the leading axes, and the index into what was read; `None` to read all."""
    index = index if isinstance(index, tuple) else (index,)
    if Ellipsis in [part if part is Ellipsis else None for part in index]:
        at = [part is Ellipsis for part in index].index(True)
        fill = len(shape) - (len(index) - 1)
        index = index[:at] + (slice(None),) * fill + index[at + 1 :]
    if len(index) > len(shape):
        if all(isinstance(part, (int, slice, np.integer)) for part in index):
            raise IndexError(f"too many indices: array is {len(shape)}-dimensional, but {len(index)} were indexed")
        return None
    axes, rest = [], []
    for part, size in zip(index, shape):
        if isinstance(part, slice):
            start, stop, step = part.indices(size)
            count = len(range(start, stop, step))
            if step < 0:
                start, step = (start + (count - 1) * step, -step) if count else (0, 1)
                rest.append(slice(None, None, -1))
            else:
                rest.append(slice(None))
            axes.append((start, start + (count - 1) * step + 1 if count else start, step))
        elif isinstance(part, (int, np.integer)) and not isinstance(part, (bool, np.bool_)):
            at = int(part) + (size if part < 0 else 0)
            if not 0 <= at < size:
                raise IndexError(f"index {part} is out of bounds for axis {len(axes)} with size {size}")
            axes.append((at, at + 1, 1))
            rest.append(0)
        else:
            return None
    return axes, tuple(rest)
