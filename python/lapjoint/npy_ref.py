"""Lazy references to arrays in stores."""

import json
import os
import tempfile

import numpy as np

from . import _core
from .array_ref import ArrayRef, plan


class NpyRef(ArrayRef):
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

    def __getitem__(self, index):
        """Elements; slices and numbers on the leading axes read only the bytes that they need."""
        if self.is_loaded or not self._core or not _is_simple(index):
            return self.load()[index]
        axes, rest = plan(index, self.shape)
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


def _is_simple(index):
    """Whether an index has only numbers, slices and ellipses: of a file without chunks, all else is read whole."""
    parts = index if isinstance(index, tuple) else (index,)
    return all(
        part is Ellipsis or (isinstance(part, (int, slice, np.integer)) and not isinstance(part, (bool, np.bool_))) for part in parts
    )
