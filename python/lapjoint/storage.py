"""The stores as codecs see them: a backend whose writes during an insert are staged.

What a codec puts into a backend while it encodes is uploaded with the rest of the insert, after its intent is on record,
and is removed again if the insert fails. Outside of an insert, a backend writes at once.
"""

import datetime
import io
import os
import pathlib
import shutil
import tempfile
import threading

from . import _core
from .errors import DataJointError, MissingExternalFile
from .scratch import scratch_folder
from .urls import URL_PROTOCOLS, _path_to_file_url, is_url, normalize_to_url, parse_url

__all__ = [
    "StorageBackend", "TOKEN_ALPHABET", "URL_PROTOCOLS", "build_object_path", "encode_pk_value", "generate_token", "is_url",
    "normalize_to_url", "parse_url",
]  # fmt: skip

TOKEN_ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"

_current = threading.local()


def encode_staged(codec, value, arguments):
    """Calls a codec's `encode`; gives the encoded value and what the codec put into backends meanwhile."""
    before = getattr(_current, "staged", None)
    _current.staged = {}
    try:
        encoded = codec.encode(value, **arguments)
        return encoded, [(store, path, *what) for (store, path), what in _current.staged.items()]
    finally:
        _current.staged = before


def store_staged(config, objects):
    """Stores what a codec of the engine wants stored: with the insert that is under way, or now."""
    staged = getattr(_current, "staged", None)
    if staged is None:
        _core.upload(config._core, objects)
    else:
        staged.update({(store, path): tuple(what) for store, path, *what in objects})


def generate_token(length=8):
    """A random token of 4 to 16 letters."""
    return _core.token(max(0, length))


def encode_pk_value(value):
    """A value of a primary key as it stands in paths."""
    return _core.encode_pk_value(value)


def build_object_path(
    schema, table, field, primary_key, ext, partition_pattern=None, token_length=8, *, schema_prefix
):  # fmt: skip
    """A fresh path for an object of a cell, and its random token."""
    token = generate_token(token_length)
    key = list(primary_key.items())
    place = (schema, table, field)
    return _core.object_path(place, key, ext or "", partition_pattern, token, schema_prefix), token


def backend_of(store_name=None, config=None):
    """The backend of a configured store; without a name of the default store."""
    from .settings import config as default
    from .storage_adapter import adapter_of

    config = config or default
    if adapter_of(config, store_name) is not None:
        return StorageBackend(config.get_store_spec(store_name))
    return StorageBackend._of(config._core.store(store_name), config.get_store_spec(store_name), config)


class StorageBackend:
    """A store, by DataJoint's method names. Paths are relative to the store's root."""

    _store = None
    _config = None
    _fs = None

    def __init__(self, spec):
        from .settings import Config, StoreSpec
        from .storage_adapter import get_storage_adapter

        self.spec, self.protocol = StoreSpec(spec), spec.get("protocol", "")
        if self.protocol in _core.PROTOCOLS or get_storage_adapter(self.protocol) is None:
            config = Config()
            config.stores = {"store": {key: value for key, value in self.spec.items() if value is not None}}
            self._store, self._config = config._core.store("store"), config

    @classmethod
    def _of(cls, store, spec=None, config=None):
        from .settings import StoreSpec
        from .settings import config as default

        made = cls.__new__(cls)
        made._store, made.protocol, made._config = store, store.protocol, config or default
        made.spec = spec or StoreSpec(store.settings())
        return made

    def __reduce__(self):
        return StorageBackend, (self.spec,)

    # Staging.

    def _stage(self, path, kind, content):
        staged = getattr(_current, "staged", None)
        if staged is None or self._store is None:
            return False
        staged[self._store.name, str(path)] = (kind, content, False)
        return True

    def _staged(self, path):
        staged = getattr(_current, "staged", None)
        return staged.get((self._store.name, str(path))) if staged and self._store else None

    def _is_staging(self):
        return self._store is not None and getattr(_current, "staged", None) is not None

    # Places.

    @property
    def fs(self):
        """The store as a filesystem of fsspec; its paths are those of `_full_path`."""
        if self._fs is None:
            self._fs = self._create_filesystem()
        return self._fs

    def _adapter(self):
        from .storage_adapter import get_storage_adapter

        adapter = get_storage_adapter(self.protocol)
        if adapter is None:
            raise DataJointError(f"Unsupported storage protocol: {self.protocol}. Install a plugin package for it.")
        return adapter

    def _create_filesystem(self):
        if self.protocol == "file":
            import fsspec

            return fsspec.filesystem("file", auto_mkdir=True)
        if self._store is None:
            return self._adapter().create_filesystem(self.spec)
        from .filesystem import StoreFileSystem

        return StoreFileSystem(self)

    def _full_path(self, path):
        """Path in the filesystem `fs`."""
        path, location = str(path), str(self.spec.get("location") or "")
        if self.protocol == "http":
            return self._store.url(path) if path else self._store.url("x")[:-2]
        if self.protocol == "file":
            return pathlib.PurePath(location, path).as_posix()
        if self.protocol not in _core.PROTOCOLS:
            return self._adapter().full_path(self.spec, path)
        bucket = self.spec.get("bucket") or self.spec.get("container") or ""
        return "/".join(part.strip("/") for part in (bucket, location, path) if part.strip("/"))

    def get_url(self, path):
        """The object's URL."""
        if self.protocol == "file":
            return pathlib.Path(os.path.abspath(self._full_path(path))).as_uri()
        if self.protocol not in _core.PROTOCOLS:
            return self._adapter().get_url(self.spec, self._full_path(path))
        if self.protocol == "http":
            return self._store.url(str(path))
        scheme = {"gcs": "gs", "azure": "az"}.get(self.protocol, self.protocol)
        return f"{scheme}://{self._full_path(path)}"

    # Writing.

    def put_buffer(self, buffer, remote_path):
        """Stores bytes."""
        if self._stage(remote_path, "bytes", bytes(buffer)):
            return
        if self._store is not None:
            return self._store.put(str(remote_path), bytes(buffer))
        self.fs.pipe_file(self._full_path(remote_path), bytes(buffer))

    def put_file(self, local_path, remote_path, metadata=None):
        """Stores a file. The file may be removed as soon as this returns."""
        if self._is_staging():
            copy = scratch_folder() / pathlib.Path(local_path).name
            shutil.copyfile(local_path, copy)
            self._stage(remote_path, "file", str(copy))
        elif self._store is not None:
            self._store.put_file(str(remote_path), os.fspath(local_path))
        else:
            self.fs.put_file(os.fspath(local_path), self._full_path(remote_path))

    def put_folder(self, local_path, remote_path):
        """Stores a folder with its manifest, which is returned. The folder may be removed as soon as this returns."""
        local_path = pathlib.Path(local_path)
        if not local_path.is_dir():
            raise DataJointError(f"{local_path} is no folder")
        files = sorted(path for path in local_path.rglob("*") if path.is_file())
        sizes = [{"path": path.relative_to(local_path).as_posix(), "size": path.stat().st_size} for path in files]
        if self._is_staging():
            copy = scratch_folder() / "folder"
            shutil.copytree(local_path, copy)
            self._stage(remote_path, "folder", str(copy))
        elif self._store is not None:
            folder = (self._store.name, str(remote_path), "folder", str(local_path), False)
            _core.upload(self._config._core, [folder])
        else:
            self.fs.put(os.fspath(local_path), self._full_path(remote_path), recursive=True)
        return {
            "files": sizes,
            "total_size": sum(file["size"] for file in sizes),
            "item_count": len(sizes),
            "created": datetime.datetime.now(datetime.timezone.utc).isoformat(),
        }

    def copy_from_url(self, source_url, dest_path):
        """Copies a file, or a folder, from a URL that fsspec can read; returns its size in bytes."""
        import fsspec

        fs, path = fsspec.core.url_to_fs(source_url)
        with tempfile.TemporaryDirectory(prefix="lapjoint-") as folder:
            local = pathlib.Path(folder, "download")
            fs.get(path, str(local), recursive=fs.isdir(path))
            if local.is_dir():
                return self.put_folder(local, dest_path)["total_size"]
            self.put_file(local, dest_path)
            return local.stat().st_size

    # Reading.

    def get_buffer(self, remote_path):
        """The content of an object."""
        staged = self._staged(remote_path)
        if staged is not None:
            kind, content, _ = staged
            if kind in ("folder", "made"):
                raise MissingExternalFile(f"{remote_path} is a folder")
            return content if kind == "bytes" else pathlib.Path(content).read_bytes()
        if self._store is not None:
            return self._store.get(str(remote_path))
        try:
            return self.fs.cat_file(self._full_path(remote_path))
        except FileNotFoundError:
            raise MissingExternalFile(f"Missing external file {self._full_path(remote_path)}") from None

    def get_file(self, remote_path, local_path):
        """Copies an object to a local file."""
        pathlib.Path(local_path).parent.mkdir(parents=True, exist_ok=True)
        if self._store is not None and self._staged(remote_path) is None:
            self._store.download(str(remote_path), os.fspath(local_path))
        else:
            pathlib.Path(local_path).write_bytes(self.get_buffer(remote_path))

    def get_folder(self, remote_path, local_path):
        """Copies a folder to a local one."""
        if self._store is None:
            return self.fs.get(self._full_path(remote_path), os.fspath(local_path), recursive=True)
        root = str(remote_path).rstrip("/")
        for path, _ in self._store.list(root):
            self.get_file(path, pathlib.Path(local_path) / path[len(root) + 1 :])

    def get_fsmap(self, remote_path):
        """A mapping of names to bytes over a folder (needs fsspec), such as zarr takes for a store.

        During an insert it is a local folder, which is stored when the codec has finished.
        """
        import fsspec

        if self._is_staging():
            staged = self._staged(remote_path)
            folder = staged[1] if staged and staged[0] == "folder" else str(scratch_folder() / "folder")
            os.makedirs(folder, exist_ok=True)
            self._stage(remote_path, "folder", folder)
            return fsspec.filesystem("file", auto_mkdir=True).get_mapper(folder)
        return self.fs.get_mapper(self._full_path(remote_path))

    def open(self, remote_path, mode="rb"):
        """An object as a file object. What is written is stored when the file is closed."""
        if "w" in mode:
            return _Upload(self, remote_path, mode)
        if mode not in ("r", "rb", "rt"):
            raise DataJointError(f"mode {mode!r}: open objects with 'rb', 'r', 'wb' or 'w'")
        if self._store is not None and self._staged(remote_path) is None and mode == "rb":
            from .filesystem import StoreFile

            return io.BufferedReader(StoreFile(self._store, str(remote_path)), 1 << 20)
        binary = io.BytesIO(self.get_buffer(remote_path))
        return binary if mode == "rb" else io.TextIOWrapper(binary, encoding="utf-8")

    def exists(self, remote_path):
        """Whether an object or folder is there."""
        if self._store is None:
            return self.fs.exists(self._full_path(remote_path))
        return self._staged(remote_path) is not None or self._store.exists(str(remote_path))

    def isdir(self, remote_path):
        """Whether a folder is there."""
        if self._store is None:
            return self.fs.isdir(self._full_path(remote_path))
        staged = self._staged(remote_path)
        return staged[0] in ("folder", "made") if staged else self._store.is_folder(str(remote_path))

    def size(self, remote_path):
        """Size of an object in bytes."""
        if self._store is None:
            return self.fs.size(self._full_path(remote_path))
        return len(self.get_buffer(remote_path)) if self._staged(remote_path) else self._store.size(str(remote_path))

    # Removing.

    def remove(self, remote_path):
        """Removes an object; one that is not there is no error."""
        if self._staged(remote_path):
            del _current.staged[self._store.name, str(remote_path)]
        elif self._store is not None:
            self._store.delete(str(remote_path))
        elif self.exists(remote_path):
            self.fs.rm(self._full_path(remote_path))

    def remove_folder(self, remote_path):
        """Removes a folder and its manifest."""
        if self._staged(remote_path):
            return self.remove(remote_path)
        if self._store is not None:
            self._store.delete_prefix(str(remote_path))
        elif self.exists(remote_path):
            self.fs.rm(self._full_path(remote_path), recursive=True)
        self.remove(f"{str(remote_path).rstrip('/')}.manifest.json")

    # Sources outside of the store.

    def source_exists(self, source):
        """Whether a local path or URL is there."""
        fs, path = self._source(source)
        return fs.exists(path)

    def source_is_directory(self, source):
        """Whether a local path or URL is a folder."""
        fs, path = self._source(source)
        return fs.isdir(path)

    def get_source_size(self, source):
        """Size in bytes of a local path or URL; `None` when nobody says."""
        fs, path = self._source(source)
        return fs.size(path)

    @staticmethod
    def _source(source):
        import fsspec

        return fsspec.core.url_to_fs(normalize_to_url(str(source)))


class _Upload(io.FileIO):
    """A local file that is stored when it is closed without an error."""

    def __new__(cls, backend, remote_path, mode):
        self = super().__new__(cls)
        return self

    def __init__(self, backend, remote_path, mode):
        self._backend, self._remote_path, self._failed = backend, remote_path, False
        self._text = "b" not in mode
        self._local = scratch_folder() / "upload"
        super().__init__(self._local, "wb")

    def write(self, content):
        """Writes bytes, or text in UTF-8 when opened for text."""
        return super().write(content.encode() if self._text else content)

    def __exit__(self, kind, *_):
        self._failed = kind is not None
        self.close()

    def close(self):
        """Stores the file."""
        if self.closed:
            return
        super().close()
        try:
            if not self._failed:
                self._backend.put_file(self._local, self._remote_path)
        finally:
            shutil.rmtree(self._local.parent, ignore_errors=True)
