"""The stores as codecs see them: a backend whose writes during an insert are staged.

What a codec puts into a backend while it encodes is uploaded with the rest of the insert, after its intent is on record,
and is removed again if the insert fails. Outside of an insert, a backend writes at once.
"""

import atexit
import datetime
import io
import os
import pathlib
import shutil
import tempfile
import threading

from .errors import DataJointError, MissingExternalFile

_current = threading.local()
_scratch = []


def _scratch_folder():
    """A folder for copies that live until the insert has uploaded them, at the longest until the process ends."""
    folder = tempfile.mkdtemp(prefix="lapjoint-")
    if not _scratch:
        atexit.register(lambda: [shutil.rmtree(path, ignore_errors=True) for path in _scratch])
    _scratch.append(folder)
    return pathlib.Path(folder)


def encode_staged(codec, value, arguments):
    """Calls a codec's `encode`; gives the encoded value and what the codec put into backends meanwhile."""
    before = getattr(_current, "staged", None)
    _current.staged = {}
    try:
        encoded = codec.encode(value, **arguments)
        staged = [(store, path, kind, content) for (store, path), (kind, content) in _current.staged.items()]
    finally:
        _current.staged = before
    return encoded, staged


class StorageBackend:
    """A store, by DataJoint's method names. Paths are relative to the store's root."""

    def __init__(self, store_name=None, config=None):
        from .settings import config as default

        self._config = (config or default)._core
        self._store = self._config.store(store_name)
        self.protocol = self._store.protocol

    @property
    def spec(self):
        """The store's settings."""
        return {"protocol": self._store.protocol, "location": self._store.location, "name": self._store.name}

    def _stage(self, path, kind, content):
        staged = getattr(_current, "staged", None)
        if staged is None:
            return False
        staged[self._store.name, str(path)] = (kind, content)
        return True

    def _staged(self, path):
        staged = getattr(_current, "staged", None) or {}
        return staged.get((self._store.name, str(path)))

    def put_buffer(self, buffer, remote_path):
        """Stores bytes."""
        if not self._stage(remote_path, "bytes", bytes(buffer)):
            self._store.put(str(remote_path), bytes(buffer))

    def put_file(self, local_path, remote_path, metadata=None):
        """Stores a file. The file may be removed as soon as this returns."""
        if getattr(_current, "staged", None) is None:
            return self._store.put_file(str(remote_path), os.fspath(local_path))
        copy = _scratch_folder() / pathlib.Path(local_path).name
        shutil.copyfile(local_path, copy)
        self._stage(remote_path, "file", str(copy))

    def put_folder(self, local_path, remote_path):
        """Stores a folder with its manifest, which is returned. The folder may be removed as soon as this returns."""
        local_path = pathlib.Path(local_path)
        files = sorted(path for path in local_path.rglob("*") if path.is_file())
        sizes = [{"path": path.relative_to(local_path).as_posix(), "size": path.stat().st_size} for path in files]
        if getattr(_current, "staged", None) is None:
            self._store.put_folder(str(remote_path), str(local_path), self._config)
        else:
            copy = _scratch_folder() / "folder"
            shutil.copytree(local_path, copy)
            self._stage(remote_path, "folder", str(copy))
        return {
            "files": sizes,
            "total_size": sum(file["size"] for file in sizes),
            "item_count": len(sizes),
            "created": datetime.datetime.now(datetime.timezone.utc).isoformat(),
        }

    def get_buffer(self, remote_path):
        """The content of an object."""
        staged = self._staged(remote_path)
        if staged is None:
            return self._store.get(str(remote_path))
        kind, content = staged
        if kind == "folder":
            raise MissingExternalFile(f"{remote_path} is a folder")
        return content if kind == "bytes" else pathlib.Path(content).read_bytes()

    def get_file(self, remote_path, local_path):
        """Copies an object to a local file."""
        if self._staged(remote_path) is None:
            self._store.download(str(remote_path), os.fspath(local_path))
        else:
            pathlib.Path(local_path).write_bytes(self.get_buffer(remote_path))

    def get_fsmap(self, remote_path):
        """A mapping of names to bytes over a folder (needs fsspec), such as zarr takes for a store.

        During an insert it is a local folder, which is stored when the codec has finished.
        """
        import fsspec

        if getattr(_current, "staged", None) is not None:
            staged = self._staged(remote_path)
            folder = staged[1] if staged else str(_scratch_folder() / "folder")
            os.makedirs(folder, exist_ok=True)
            self._stage(remote_path, "folder", folder)
            return fsspec.filesystem("file", auto_mkdir=True).get_mapper(folder)
        local = self._store.local_path(str(remote_path))
        if local is None:
            raise DataJointError(f"a mapping over a store of protocol {self.protocol} is not there yet")
        return fsspec.filesystem("file", auto_mkdir=True).get_mapper(str(local))

    def open(self, remote_path, mode="rb"):
        """An object as a file object, for reading."""
        if mode not in ("r", "rb"):
            raise DataJointError("open objects for reading; write them with put_buffer, put_file or put_folder")
        binary = io.BytesIO(self.get_buffer(remote_path))
        return binary if mode == "rb" else io.TextIOWrapper(binary, encoding="utf-8")

    def exists(self, remote_path):
        """Whether an object or folder is there."""
        return self._staged(remote_path) is not None or self._store.exists(str(remote_path))

    def isdir(self, remote_path):
        """Whether a folder is there."""
        return self._store.is_folder(str(remote_path))

    def size(self, remote_path):
        """Size of an object in bytes."""
        return self._store.size(str(remote_path))

    def remove(self, remote_path):
        """Removes an object; one that is not there is no error."""
        self._store.delete(str(remote_path))

    def remove_folder(self, remote_path):
        """Removes a folder and its manifest."""
        self._store.delete_prefix(str(remote_path))
        self._store.delete(f"{str(remote_path).rstrip('/')}.manifest.json")

    def get_url(self, remote_path):
        """The object's URL."""
        return self._store.url(str(remote_path))

    def _full_path(self, remote_path):
        local = self._store.local_path(str(remote_path))
        return str(local) if local is not None else self._store.url(str(remote_path))
