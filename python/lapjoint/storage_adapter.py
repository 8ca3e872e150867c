"""Adapters for further kinds of stores, found by entry points of the group `datajoint.storage`."""

import importlib.metadata
import logging
from abc import ABC, abstractmethod

from .errors import DataJointError

_COMMON_STORE_KEYS = frozenset(
    "protocol location subfolding partition_pattern token_length hash_prefix schema_prefix filepath_prefix stage".split()
)

logger = logging.getLogger("datajoint")

_adapter_registry: dict[str, "StorageAdapter"] = {}
_adapters_loaded = False


class StorageAdapter(ABC):
    """A kind of store that is reached by a filesystem of fsspec."""

    protocol = None
    required_keys = ()
    allowed_keys = ()

    @abstractmethod
    def create_filesystem(self, spec):
        """The filesystem that a store's settings describe."""

    def validate_spec(self, spec):
        """Raises an error for settings that are missing or unknown."""
        missing = [key for key in self.required_keys if key not in spec]
        if missing:
            raise DataJointError(f"{self.protocol} store is missing: {', '.join(missing)}")
        if self.allowed_keys:
            invalid = [key for key in spec if key not in self.allowed_keys and key not in _COMMON_STORE_KEYS]
            if invalid:
                raise DataJointError(f"Invalid key(s) for {self.protocol}: {', '.join(invalid)}")

    def full_path(self, spec, relpath):
        """Path in the filesystem of a path in the store."""
        location = spec.get("location", "")
        return f"{location}/{relpath}" if location else relpath

    def get_url(self, spec, path):
        """The URL of a path in the filesystem."""
        return f"{self.protocol}://{path}"


def _discover_adapters():
    global _adapters_loaded
    _adapters_loaded = True
    for group in ("datajoint.storage", "lapjoint.storage"):
        for point in importlib.metadata.entry_points(group=group):
            if point.name in _adapter_registry:
                continue
            try:
                adapter = point.load()
                _adapter_registry[point.name] = adapter() if isinstance(adapter, type) else adapter
            except Exception as error:  # noqa: BLE001 - a broken plugin must not take the others with it
                logger.warning("Failed to load storage adapter '%s': %s", point.name, error)


def get_storage_adapter(protocol):
    """The adapter of a protocol, or `None`."""
    if protocol not in _adapter_registry and not _adapters_loaded:
        _discover_adapters()
    return _adapter_registry.get(protocol)


class Driver:
    """An open store of an adapter, as the engine uses it: whole objects by paths within the store."""

    def __init__(self, adapter, spec):
        adapter.validate_spec(spec)
        self._adapter, self._spec = adapter, spec
        self._fs = adapter.create_filesystem(spec)
        self._root = self._fs._strip_protocol(adapter.full_path(spec, "")).rstrip("/")

    def _full(self, path):
        return self._adapter.full_path(self._spec, path)

    @staticmethod
    def _time(info):
        moment = next((info[name] for name in ("mtime", "modified", "LastModified", "created") if info.get(name)), 0)
        return moment.timestamp() if hasattr(moment, "timestamp") else float(moment)

    def put(self, path, content):
        """Writes an object."""
        full = self._full(path)
        self._fs.makedirs(full.rpartition("/")[0], exist_ok=True)
        self._fs.pipe_file(full, content)

    def get(self, path):
        """The content of an object, or `None`."""
        try:
            return self._fs.cat_file(self._full(path))
        except FileNotFoundError:
            return None

    def get_range(self, path, start, end):
        """Bytes of an object."""
        return self._fs.cat_file(self._full(path), start=start, end=end)

    def head(self, path):
        """Size and time of an object, or `None`."""
        try:
            info = self._fs.info(self._full(path))
        except FileNotFoundError:
            return None
        return (info["size"] or 0, self._time(info)) if info["type"] == "file" else None

    def list(self, prefix):
        """Path, size and time of all objects below a folder."""
        self._fs.invalidate_cache()
        try:
            found = self._fs.find(self._full(prefix), detail=True)
        except FileNotFoundError:
            return []
        inside = len(self._root) + 1 if self._root else 0
        return [(path[inside:], info["size"] or 0, self._time(info)) for path, info in found.items()]

    def delete(self, path):
        """Removes an object that may not be there."""
        try:
            self._fs.rm_file(self._full(path))
        except FileNotFoundError:
            pass

    def url(self, path):
        """The object's URL."""
        return self._adapter.get_url(self._spec, self._full(path))


def open_driver(protocol, spec):
    """Opens a store for the engine."""
    return Driver(get_storage_adapter(protocol), spec)


def adapter_of(config, store_name):
    """The adapter of a configured store; `None` for the protocols of the engine."""
    from . import _core

    stores = config._core.get("stores")
    settings = stores.get(store_name or stores.get("default"))
    protocol = settings.get("protocol") if isinstance(settings, dict) else None
    return None if protocol in _core.PROTOCOLS else get_storage_adapter(protocol)
