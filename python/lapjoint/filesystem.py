"""A store as a filesystem of fsspec, and its objects as files. For what reads and writes by fsspec: zarr, h5py, xarray."""

import concurrent.futures
import io

from fsspec.spec import AbstractFileSystem

from .errors import MissingExternalFile


class StoreFile(io.RawIOBase):
    """An object as a file: reads only the bytes that are asked for."""

    def __init__(self, store, path):
        self._store, self._path, self._at = store, path, 0
        found = store.head(path)
        if found is None:
            raise MissingExternalFile(f"Missing external file {path} (store '{store.name}')")
        self.size = int(found[0])

    def readable(self):
        """True."""
        return True

    def seekable(self):
        """True."""
        return True

    def tell(self):
        """Where the next byte is read."""
        return self._at

    def seek(self, offset, whence=io.SEEK_SET):
        """Goes to a place in bytes."""
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self.size}[whence]
        self._at = max(0, base + offset)
        return self._at

    def readinto(self, buffer):
        """Reads into a buffer; returns the number of bytes."""
        end = min(self._at + len(buffer), self.size)
        if end <= self._at:
            return 0
        content = self._store.get_range(self._path, self._at, end)
        buffer[: len(content)] = content
        self._at += len(content)
        return len(content)


class StoreFileSystem(AbstractFileSystem):
    """The objects of a store. Paths begin with the store's bucket and location, as `StorageBackend._full_path` gives them."""

    protocol = ("lapjoint", "s3", "s3a", "gs", "gcs", "az", "abfs")
    cachable = False

    def __init__(self, backend, **options):
        super().__init__(**options)
        self._backend = backend
        self._root = backend._full_path("").strip("/")

    def _inside(self, path):
        path = self._strip_protocol(path).strip("/")
        if self._root and path == self._root:
            return ""
        return path.removeprefix(f"{self._root}/") if self._root else path

    def _outside(self, path):
        return f"{self._root}/{path}" if self._root else path

    @property
    def _objects(self):
        return self._backend._store

    def info(self, path, **_):
        """Type and size."""
        inside = self._inside(path)
        found = self._objects.head(inside) if inside else None
        if found is not None:
            return {"name": self._outside(inside), "size": found[0], "type": "file", "mtime": found[1]}
        if not inside or self._objects.is_folder(inside):
            return {"name": self._outside(inside), "size": 0, "type": "directory"}
        raise FileNotFoundError(path)

    def ls(self, path, detail=True, **_):
        """What lies directly in a folder."""
        inside = self._inside(path)
        objects, folders = self._objects.level(inside)
        entries = [{"name": self._outside(name), "size": size, "type": "file"} for name, size in objects]
        entries += [{"name": self._outside(name), "size": 0, "type": "directory"} for name in folders]
        if not entries:
            entries = [self.info(path)]
        return entries if detail else [entry["name"] for entry in entries]

    def find(self, path, maxdepth=None, withdirs=False, detail=False, **kwargs):
        """All files below a folder, by one listing where no more is asked for."""
        inside = self._inside(path)
        if maxdepth is not None or withdirs:
            return super().find(path, maxdepth=maxdepth, withdirs=withdirs, detail=detail, **kwargs)
        found = {self._outside(name): size for name, size in self._objects.list(inside)}
        if not found and inside and self._objects.exists(inside):
            found = {self._outside(inside): self._objects.size(inside)}
        if not detail:
            return sorted(found)
        return {name: {"name": name, "size": found[name], "type": "file"} for name in sorted(found)}

    def cat(self, path, recursive=False, on_error="raise", **kwargs):
        """The content of a file, or of many as a dict: many are read at once."""
        paths = self.expand_path(path, recursive=recursive)
        if len(paths) == 1 and isinstance(path, str) and paths[0] == self._strip_protocol(path):
            return self.cat_file(paths[0], **kwargs)

        def read(one):
            try:
                return one, self.cat_file(one, **kwargs)
            except Exception as error:
                if on_error == "raise":
                    raise
                return one, error

        with concurrent.futures.ThreadPoolExecutor(self._objects.parallelism) as pool:
            found = dict(pool.map(read, paths))
        return {one: what for one, what in found.items() if on_error != "omit" or not isinstance(what, Exception)}

    def cat_file(self, path, start=None, end=None, **_):
        """The content of a file, or bytes `start` to `end` of it."""
        inside = self._inside(path)
        try:
            if start is None and end is None:
                return self._objects.get(inside)
            size = self._objects.size(inside)
            start, stop, _ = slice(start, end).indices(size)
            return self._objects.get_range(inside, start, stop) if start < stop else b""
        except MissingExternalFile:
            raise FileNotFoundError(path) from None

    def pipe_file(self, path, value, mode="overwrite", **_):
        """Writes a file."""
        self._backend.put_buffer(value, self._inside(path))

    def _open(self, path, mode="rb", **_):
        return self._backend.open(self._inside(path), mode)

    def mkdir(self, path, create_parents=True, **_):
        """Folders need not be made."""

    def makedirs(self, path, exist_ok=False):
        """Folders need not be made."""

    def rm_file(self, path):
        """Removes a file."""
        self._backend.remove(self._inside(path))

    def rm(self, path, recursive=False, maxdepth=None):
        """Removes files and, with `recursive`, folders."""
        for one in [path] if isinstance(path, str) else path:
            if recursive and self.isdir(one):
                self._objects.delete_prefix(self._inside(one))
            else:
                self.rm_file(one)

    def cp_file(self, path1, path2, **_):
        """Copies a file."""
        self.pipe_file(path2, self.cat_file(path1))

    def modified(self, path):
        """When a file was last written."""
        import datetime

        return datetime.datetime.fromtimestamp(self.info(path)["mtime"], datetime.timezone.utc)


def filesystem(store=None, config=None):
    """A configured store as a filesystem of fsspec; without a name the default store."""
    from .storage import backend_of

    return StoreFileSystem(backend_of(store, config))


