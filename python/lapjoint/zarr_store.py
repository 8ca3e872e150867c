"""Folders of our stores as stores of zarr-python 3, for reading."""

import asyncio

from .errors import DataJointError, MissingExternalFile


def open_array(store, path):
    """The array in a folder, as zarr-python has it."""
    try:
        import zarr
        from zarr.abc.store import Store as ZarrStore
    except ImportError as error:
        raise DataJointError(f"zarr() needs zarr-python 3: pip install 'zarr>=3' ({error})") from None
    return zarr.open_array(_class(ZarrStore)(store, path), mode="r")


_made: dict[type, type] = {}


def _class(base):
    """The class, which can only be made where zarr is installed."""
    if base in _made:
        return _made[base]

    class FolderStore(base):
        """A folder of a store."""

        supports_writes = supports_deletes = supports_listing = supports_consolidated_metadata = False
        supports_partial_writes = False

        def __init__(self, store, path):
            super().__init__(read_only=True)
            self._store, self._path = store, path

        def __eq__(self, other):
            mine = (self._store.name, self._path)
            return isinstance(other, type(self)) and mine == (other._store.name, other._path)

        def __reduce__(self):
            from .storage import StorageBackend

            return _reopened, (StorageBackend._of(self._store), self._path)

        def __str__(self):
            return self._store.url(self._path)

        def _read(self, key, byte_range):
            path = f"{self._path}/{key}"
            try:
                if byte_range is None:
                    return self._store.get(path)
                kind = type(byte_range).__name__
                if kind == "RangeByteRequest":
                    return self._store.get_range(path, byte_range.start, byte_range.end)
                size = self._store.size(path)
                start = byte_range.offset if kind == "OffsetByteRequest" else max(0, size - byte_range.suffix)
                return self._store.get_range(path, start, size)
            except MissingExternalFile:
                return None

        async def get(self, key, prototype, byte_range=None):
            """The content of a key, or a part of it; `None` if it is not there."""
            content = await asyncio.to_thread(self._read, key, byte_range)
            return None if content is None else prototype.buffer.from_bytes(content)

        async def get_partial_values(self, prototype, key_ranges):
            """Parts of several keys."""
            return list(await asyncio.gather(*(self.get(key, prototype, part) for key, part in key_ranges)))

        async def exists(self, key):
            """Whether a key is there."""
            return await asyncio.to_thread(self._store.head, f"{self._path}/{key}") is not None

        async def set(self, key, value):
            """Refused: stored values do not change."""
            raise DataJointError("arrays in a store are for reading; insert another row, or update1() this one")

        async def delete(self, key):
            """Refused: stored values do not change."""
            raise DataJointError("arrays in a store are for reading; delete the row instead")

        async def _keys(self, prefix):
            root = f"{self._path}/"
            for path, _ in await asyncio.to_thread(self._store.list, self._path):
                if path[len(root) :].startswith(prefix):
                    yield path[len(root) :]

        async def list(self):
            """All keys."""
            async for key in self._keys(""):
                yield key

        async def list_prefix(self, prefix):
            """Keys that begin with a text."""
            async for key in self._keys(prefix):
                yield key

        async def list_dir(self, prefix):
            """Names directly in a folder."""
            start, seen = (f"{prefix.rstrip('/')}/" if prefix else ""), set()
            async for key in self._keys(start):
                name = key[len(start) :].partition("/")[0]
                if name not in seen:
                    seen.add(name)
                    yield name

    _made[base] = FolderStore
    return FolderStore


def _reopened(backend, path):
    from zarr.abc.store import Store as ZarrStore

    return _class(ZarrStore)(backend._store, path)
