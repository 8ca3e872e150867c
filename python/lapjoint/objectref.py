"""Lazy references to files and folders in stores."""

import json
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from . import _core
from .errors import DataJointError
from .errors import ObjectIntegrityError as IntegrityError

__all__ = ["IntegrityError", "ObjectRef"]


@dataclass
class ObjectRef:
    """A file or folder in a store. The fields come from the row; the store is read when a method is called."""

    path: str
    size: int | None
    hash: str | None
    ext: str | None
    is_dir: bool
    timestamp: datetime | None
    url: str | None = None
    store: str | None = None
    mime_type: str | None = None
    item_count: int | None = None
    _backend: object = field(default=None, repr=False, compare=False)

    @classmethod
    def from_json(cls, json_data, backend=None):
        """The object that metadata describes, in a store."""
        about = json.loads(json_data) if isinstance(json_data, str) else json_data
        timestamp = about.get("timestamp")
        if isinstance(timestamp, str):
            timestamp = datetime.fromisoformat(timestamp.replace("Z", "+00:00"))
        return cls(
            path=about["path"],
            size=about["size"],
            hash=about.get("hash"),
            ext=about.get("ext"),
            is_dir=bool(about.get("is_dir", False)),
            timestamp=timestamp,
            url=about.get("url"),
            store=about.get("store"),
            mime_type=about.get("mime_type"),
            item_count=about.get("item_count"),
            _backend=backend,
        )

    @classmethod
    def _of(cls, core):
        made = cls.from_json(core.metadata)
        made._engine = core
        return made

    def to_json(self):
        """The metadata."""
        about = {
            "path": self.path,
            "size": self.size,
            "hash": self.hash,
            "ext": self.ext,
            "is_dir": self.is_dir,
            "timestamp": self.timestamp.isoformat() if self.timestamp else None,
        }
        optional = ("url", "store", "mime_type", "item_count")
        return about | {name: getattr(self, name) for name in optional if getattr(self, name) is not None}

    def _core(self):
        """The engine's reference."""
        if getattr(self, "_engine", None) is None:
            store = getattr(self._backend, "_store", None)
            if not isinstance(store, _core.Store):
                raise DataJointError(
                    "ObjectRef has no storage backend configured: it was made from metadata alone. Fetch it from a "
                    "table, or give it a backend."
                )
            self._engine = _core.ObjectRef(json.dumps(self.to_json()), store)
        return self._engine

    def _store_backend(self):
        if self._backend is None:
            from .storage import StorageBackend

            self._backend = StorageBackend._of(self._core().store)
        return self._backend

    @property
    def fs(self):
        """The filesystem (of fsspec) that the object is in."""
        return self._store_backend().fs

    @property
    def full_path(self):
        """Path in that filesystem."""
        return self._store_backend()._full_path(self.path)

    @property
    def fsmap(self):
        """A mapping of names to bytes over a folder, such as zarr takes for a store."""
        return self._store_backend().get_fsmap(self.path)

    def _path(self, subpath):
        if subpath and not self.is_dir:
            raise DataJointError(f"{self.path} is a file: it has no {subpath}")
        if self.is_dir and subpath is not None and (subpath.startswith("/") or ".." in subpath.split("/")):
            raise DataJointError(f"{subpath!r} leaves the folder {self.path}")
        return f"{self.path}/{subpath}" if subpath else self.path

    def read(self):
        """The whole content of a file, compared with its checksum."""
        return self._core().read()

    def open(self, subpath=None, mode="rb"):
        """The file, or a file of the folder, as a file object for reading; reads what is asked for."""
        if self.is_dir and not subpath:
            raise DataJointError("Cannot open() a directory without a subpath. Use listdir() or walk() instead.")
        return self._store_backend().open(self._path(subpath), mode)

    def listdir(self, subpath=""):
        """Names in a folder."""
        return self._core().listdir(subpath)

    def walk(self):
        """Folders with names of folders and files in them, as `os.walk`; paths are relative to the object."""
        yield from self._core().walk()

    def download(self, destination, subpath=None):
        """Copies the file, the folder or a file of it into a folder; returns its path there."""
        return Path(self._core().download(Path(destination), subpath))

    def exists(self, subpath=None):
        """Whether the object, or a file of it, is there."""
        return self._core().exists(subpath)

    def verify(self):
        """Compares the stored object with its metadata; true, or an `IntegrityError`."""
        self._core().verify()
        return True

    def __getstate__(self):
        self._store_backend()
        return {name: value for name, value in self.__dict__.items() if name != "_engine"}

    def __str__(self):
        return self.path

    def __repr__(self):
        kind = "folder" if self.is_dir else "file"
        return f"ObjectRef({kind}: {self.path}, size={self.size})"


