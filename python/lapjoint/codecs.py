"""Codecs: how values become stored forms and come back.

Subclass `Codec` with a `name`; defining the class registers it.
"""

import json
from abc import ABC, abstractmethod

from . import _core
from . import plugins
from ._core import unregister_codec
from .errors import DataJointError

__all__ = [
    "Codec", "SchemaCodec", "get_codec", "is_codec_registered", "list_codecs", "parse_type_spec", "resolve_dtype", "unregister_codec",
]  # fmt: skip

# Instances of the Python codecs by name, so that `get_codec` gives the object that was registered.
_instances = {}


class Codec(ABC):
    """A named, reversible mapping from a value to a stored form.

    On insert, `validate` and `encode` are called from the outermost codec of a chain to the innermost; on fetch, `decode`
    from the innermost to the outermost. `None` never reaches a codec.
    """

    name = None

    def __init_subclass__(cls, *, register=True, **kwargs):
        super().__init_subclass__(**kwargs)
        if not register or cls.name is None:
            return
        if not isinstance(cls.name, str) or not cls.name:
            raise DataJointError(f"Codec name must be a non-empty string, got {cls.name!r}")
        instance = cls()
        _core.register_codec(instance)
        _instances[cls.name] = instance

    @abstractmethod
    def get_dtype(self, is_store):
        """What the codec is stored as: a core type (`"json"`, `"bytes"`, …) or another codec (`"<blob>"`)."""

    @abstractmethod
    def encode(self, value, *, key=None, store_name=None):
        """The stored form of a value."""

    @abstractmethod
    def decode(self, stored, *, key=None):
        """The value of a stored form."""

    def validate(self, value):
        """Raises an error for a value that the codec cannot store."""

    def referenced_paths(self, stored):
        """Paths and stores of the objects that a stored form refers to."""
        if isinstance(stored, str):
            try:
                stored = json.loads(stored)
            except ValueError:
                return []
        if isinstance(stored, dict) and "path" in stored:
            return [(stored["path"], stored.get("store"))]
        return []

    def __repr__(self):
        return f"<{type(self).__name__}(name={self.name!r})>"


class SchemaCodec(Codec, register=False):
    """A codec that keeps files of its own, under paths that mirror the tables."""

    def get_dtype(self, is_store):
        """JSON metadata; the files are in the store."""
        if not is_store:
            raise DataJointError(f"<{self.name}> requires @ (store only)")
        return "json"

    @staticmethod
    def _extract_context(key, context=None):
        """Schema, table, field and primary key of the cell that `key` and `context` describe."""
        key = key or {}
        place = context or {name: key.get(f"_{name}") for name in ("schema", "table", "field")}
        primary_key = {name: value for name, value in key.items() if not name.startswith("_")}
        return (
            place.get("schema") or "unknown", place.get("table") or "unknown", place.get("field") or "data", primary_key
        )  # fmt: skip

    @staticmethod
    def _build_path(schema, table, field, primary_key, ext=None, store_name=None, config=None):
        """A fresh path in the store for a cell, and its random token."""
        from .settings import config as default

        store = (config or default)._core.store(store_name)
        return store.schema_path(schema, table, field, list(primary_key.items()), ext or "")

    @staticmethod
    def _get_backend(store_name=None, config=None):
        """The store. What is put into it during an insert is stored with the row, or not at all."""
        from .storage import StorageBackend

        return StorageBackend(store_name, config)


class BuiltinCodec:
    """A codec of the engine, as `get_codec` shows it."""

    def __init__(self, name, origin, summary):
        self.name, self.origin, self.__doc__ = name, origin, summary

    def get_dtype(self, is_store):
        """What the codec is stored as."""
        return _core.codec_dtype(self.name, is_store)

    def __repr__(self):
        return f"<codec {self.name!r}, {self.origin}>"


def list_codecs():
    """Names of all codecs, those of installed plugins included, sorted."""
    plugins.load()
    return _core.list_codecs()


def is_codec_registered(name):
    """Whether there is a codec of this name, in a plugin too."""
    return _core.is_codec_registered(name) or (plugins.find(name) and _core.is_codec_registered(name))


def resolve_dtype(spec):
    """Final type, codec names (outermost first) and store of a type in angle brackets."""
    plugins.find(spec)
    return _core.resolve_dtype(spec)


def get_codec(name):
    """The codec of a name, given as `blob`, `<blob>` or `<blob@store>`."""
    plugins.find(name)
    found, origin, summary = _core.codec_info(name)
    if origin.startswith("Python class"):
        return _instances[found]
    return BuiltinCodec(found, origin, summary)


def parse_type_spec(spec):
    """Name and store of a type: `None` without `@`, the empty text for `@` alone."""
    inner = spec.strip().removeprefix("<").removesuffix(">").strip()
    name, at, store = inner.partition("@")
    return name.strip(), (store.strip() if at else None)
