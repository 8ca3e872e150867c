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


def adapter_of(config, store_name):
    """The adapter of a configured store; `None` for the protocols of the engine."""
    from . import _core

    stores = config._core.get("stores")
    settings = stores.get(store_name or stores.get("default"))
    protocol = settings.get("protocol") if isinstance(settings, dict) else None
    return None if protocol in _core.PROTOCOLS else get_storage_adapter(protocol)
