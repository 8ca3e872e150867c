"""What references to arrays in stores have in common: what follows from shape and type, and what an index has to read."""

import numpy as np


class ArrayRef:
    """An array that is somewhere else. A subclass has `shape`, `dtype` and `load`."""

    __slots__ = ()

    ndim = property(lambda self: len(self.shape), doc="Number of axes.")
    size = property(lambda self: int(np.prod(self.shape, dtype=object)), doc="Number of elements.")
    nbytes = property(lambda self: self.size * self.dtype.itemsize, doc="Size of the loaded array in bytes.")

    def __array__(self, dtype=None, copy=None):
        array = np.asarray(self.load())
        if dtype is not None and array.dtype != dtype:
            if copy is False:
                raise ValueError(f"an array of {array.dtype} cannot become {dtype} without a copy")
            return array.astype(dtype)
        return array.copy() if copy else array

    def __len__(self):
        if not self.shape:
            raise TypeError("len() of 0-dimensional array")
        return self.shape[0]


class ChunkedRef(ArrayRef):
    """A reference to a Zarr folder. A subclass has `_core`, `_backend`, and the store that `_store` gives."""

    __slots__ = ("_core", "_backend", "__weakref__")

    @classmethod
    def _of(cls, core):
        made = cls.__new__(cls)
        made._core, made._backend = core, None
        return made

    shape = property(lambda self: self._core.shape, doc="Shape, without reading the array.")
    dtype = property(lambda self: self._core.dtype, doc="Element type, without reading the array.")
    metadata = property(lambda self: self._core.metadata, doc="What the row has of the array.")
    path = property(lambda self: self.metadata["path"], doc="Path in the store.")
    store = property(lambda self: self._store.name, doc="Name of the store.")

    def verify(self):
        """Compares all files with the checksums that were written with them; true, or an error that names what is wrong."""
        self._core.verify()
        return True

    def zarr(self):
        """The array as it is stored, as zarr-python has it, for reading (needs zarr 3)."""
        from .zarr_store import open_array

        return open_array(self._store, self.path)

    def __iter__(self):
        if not self.shape:
            raise TypeError("iteration over a 0-d array")
        for slab in self.slabs():
            yield from slab

    def __reduce__(self):
        from .storage import StorageBackend

        if self._backend is None:
            self._backend = StorageBackend._of(self._store)
        return type(self), (self.metadata, self._backend)


def plan(index, shape):
    """What to read of each axis - (start, stop, step), or a list of places - and the index into what was read."""
    index = _expanded(index if isinstance(index, tuple) else (index,), shape)
    axes, rest = [], []
    for part in index:
        if part is None:
            rest.append(None)
            continue
        axis, size = len(axes), shape[len(axes)]
        if isinstance(part, slice):
            start, stop, step = part.indices(size)
            count = len(range(start, stop, step))
            if step < 0:
                start, step = (start + (count - 1) * step, -step) if count else (0, 1)
                rest.append(slice(None, None, -1))
            else:
                rest.append(slice(None))
            axes.append((start, start + (count - 1) * step + 1 if count else start, step))
        elif isinstance(part, np.ndarray):
            part = np.where(part < 0, part + size, part)
            wrong = part[(part < 0) | (part >= size)]
            if wrong.size:
                raise IndexError(f"index {wrong.flat[0]} is out of bounds for axis {axis} with size {size}")
            places, back = np.unique(part, return_inverse=True)
            axes.append([int(place) for place in places])
            rest.append(back.reshape(part.shape))
        else:
            at = part + size if part < 0 else part
            if not 0 <= at < size:
                raise IndexError(f"index {part} is out of bounds for axis {axis} with size {size}")
            axes.append((at, at + 1, 1))
            rest.append(0)
    return axes, tuple(rest)


def _expanded(index, shape):
    """The index with one part for each axis: a slice, a number, an array of numbers, or `None` for a new axis."""
    parts = []
    for number, part in enumerate(index):
        if part is None or part is Ellipsis or isinstance(part, slice):
            parts.append(part)
            continue
        if isinstance(part, (bool, np.bool_)):
            raise IndexError("one truth value is no index of an array in a store: load() it first")
        if hasattr(part, "__index__") and not isinstance(part, np.ndarray):
            parts.append(part.__index__())
            continue
        part = np.asarray(part)
        if part.dtype == bool:
            # An ellipsis before it moves it to axes that are counted from the end.
            before = sum(p is not None and p is not Ellipsis for p in parts)
            if any(p is Ellipsis for p in parts):
                after = index[number + 1 :]
                later = sum(np.ndim(p) if not isinstance(p, slice) and np.asarray(p).dtype == bool else 1 for p in after if p is not None)
                before = len(shape) - later - part.ndim
            if part.shape != shape[before : before + part.ndim]:
                raise IndexError(f"a mask of shape {part.shape} does not fit an array of shape {shape}")
            parts.extend(part.nonzero())
        elif part.dtype.kind in "iu" or part.size == 0:
            parts.append(part.astype(np.intp) if part.ndim else int(part))
        else:
            raise IndexError("only whole numbers, slices, `...`, `None` and arrays of whole numbers or truth values are indices")
    used = sum(part is not None and part is not Ellipsis for part in parts)
    if used > len(shape):
        raise IndexError(f"too many indices: array is {len(shape)}-dimensional, but {used} were indexed")
    ellipses = [at for at, part in enumerate(parts) if part is Ellipsis]
    if len(ellipses) > 1:
        raise IndexError("an index can only have a single ellipsis ('...')")
    at = ellipses[0] if ellipses else len(parts)
    fill = [slice(None)] * (len(shape) - used)
    return parts[:at] + fill + parts[at + 1 :] if ellipses else parts + fill
