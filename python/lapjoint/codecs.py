"""Codecs: how values become stored forms and come back.

Subclass `Codec` with a `name`; defining the class registers it.
"""

import json
import warnings
from abc import ABC, abstractmethod
from collections.abc import MutableMapping
from typing import NamedTuple

from . import _core, arrow_types, plugins
from ._core import unregister_codec
from .codec_tools import Check, CodecInfo, Migration, check, list, lock, migrate, use_lock  # noqa: A004
from .errors import DataJointError

__all__ = [
    "Codec", "SchemaCodec", "get_codec", "is_codec_registered", "list_codecs", "lookup_codec", "parse_type_spec",
    "resolve_dtype", "unregister_codec",
    "distrust_wasm", "load_wasm", "trust_wasm", "wasm_modules",
    "Check", "CodecInfo", "Migration", "check", "list", "lock", "migrate", "use_lock",
]  # fmt: skip

# Instances of the Python codecs by name and class, so that `get_codec` gives the object that was registered.
_instances = {}


class Codec(ABC):
    """A named, reversible mapping from a value to a stored form.

    On insert, `validate` and `encode` are called from the outermost codec of a chain to the innermost; on fetch, `decode`
    from the innermost to the outermost. `None` never reaches a codec.
    """

    name = None
    # Whether any other codec of the name takes this one's place.
    yields = False
    # What decoded values are in columns of Arrow: a type of pyarrow, or a text such as "list<float64>" or "tensor<uint16>[?,?]".
    # A method `to_arrow(values)` may give an array for a list of decoded values, `None` among them.
    arrow_type = None
    # Version of the stored form that `encode` writes, as text: "1.0". Metadata of objects gets it, where `encode` does not
    # write it itself, and the names of the packages beside it.
    codec_version = None
    # Versions that `decode` reads; a value of any other is refused before it is decoded. Without them `decode` decides.
    reads_versions = None
    # Versions that `encode` writes when its argument `codec_version` asks for one.
    writes_versions = None
    # Messages for readers of versions that will not be read for ever, by version.
    deprecated_versions: dict[str, str] = {}

    def __init_subclass__(cls, *, register=True, **kwargs):
        super().__init_subclass__(**kwargs)
        if cls.arrow_type is not None and not hasattr(cls, "to_spark"):
            cls.to_spark = arrow_types.to_spark
        if not register or cls.name is None:
            return
        if not isinstance(cls.name, str) or not cls.name:
            raise DataJointError(f"Codec name must be a non-empty string, got {cls.name!r}")
        register_instance(cls())

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
            return [(stored["path"], stored.get("store") or None)]
        return []

    @staticmethod
    def _codec_config(key=None, context=None):
        """The settings that `context` or `key` carry."""
        return (context or {}).get("config") or (key or {}).get("_config")

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
        if context is None and "_schema" in key and not isinstance(key, CellKey):
            warnings.warn(
                "Reading _schema, _table and _field from key is deprecated: take `context` "
                "(datajoint-python issue #1550)",
                DeprecationWarning,
                stacklevel=3,
            )
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
        return store.schema_path(schema, table, field, [*primary_key.items()], ext or "")

    @staticmethod
    def _get_backend(store_name=None, config=None):
        """The store. What is put into it during an insert is stored with the row, or not at all."""
        from .storage import backend_of

        return backend_of(store_name, config)


class CellKey(dict):
    """The `key` that the engine gives to codecs: whoever reads the place from it is not warned row by row."""


class _Registry(MutableMapping):
    """All registered codecs by name."""

    def __getitem__(self, name):
        if not is_codec_registered(name):
            raise KeyError(name)
        return get_codec(name)

    def __setitem__(self, name, codec):
        codec.name = name
        register_instance(codec)

    def __delitem__(self, name):
        if not _core.is_codec_registered(name):
            raise KeyError(name)
        unregister_codec(name)

    def __iter__(self):
        return iter(_core.list_codecs())

    def __len__(self):
        return len(_core.list_codecs())


_codec_registry = _Registry()


def register_instance(codec):
    """Registers a codec object under its name; a class defined again in the same place replaces its predecessor."""
    _core.register_codec(codec)
    cls = type(codec)
    _instances[codec.name, f"{cls.__module__}.{cls.__qualname__}"] = codec


class WasmModule(NamedTuple):
    """A codec in a WebAssembly module."""

    name: str
    version: str
    sha256: str
    summary: str


def _wasm(function):
    found = getattr(_core, function, None)
    if found is None:
        raise DataJointError("this build of lapjoint has no WebAssembly: install one with it, such as the published wheel")
    return found


def load_wasm(source, *, embed_decoder=None):
    """Loads a codec in a WebAssembly module, given as its file or its bytes, and registers it.

    With `embed_decoder=True` the values that it writes carry the module, `False` they do not; without it the setting
    `codecs.embed_decoder` decides.
    """
    return WasmModule(*_wasm("load_wasm")(source, embed_decoder))


def wasm_modules(config=None):
    """The modules in the plugin folders: by file a `WasmModule`, or the text of what is wrong with it."""
    from .settings import config as default

    found = _wasm("scan_wasm")((config or default)._core)
    return {path: WasmModule(*loaded) if loaded else error for path, loaded, error in found}


def trust_wasm(sha256):
    """Lets values be decoded, in this process, by the module with this SHA-256 that they carry."""
    _wasm("trust_wasm")(sha256)


def distrust_wasm(sha256):
    """Takes back what `trust_wasm` allowed; whether it had."""
    return _wasm("distrust_wasm")(sha256)


def list_codecs():
    """Names of all codecs, those of installed plugins and those that ship with Lapjoint included, sorted."""
    plugins.load()
    return sorted({*_core.list_codecs(), *plugins.BUNDLED})


def is_codec_registered(name):
    """Whether there is a codec of this name, in a plugin too."""
    return _core.is_codec_registered(name) or (plugins.find(name) and _core.is_codec_registered(name))


def resolve_dtype(dtype):
    """Final type, codecs (outermost first) and store of a type such as `<blob@cold>`."""
    plugins.find(dtype)
    final, names, store = _core.resolve_dtype(dtype)
    return final, [get_codec(name) for name in names], store


def get_codec(name):
    """The codec of a name, given as `blob`, `<blob>` or `<blob@store>`."""
    plugins.find(name)
    found, origin, _ = _core.codec_info(name)
    if origin.startswith("Python class "):
        return _instances[found, origin.removeprefix("Python class ")]
    from .builtin_codecs import builtin_codec

    return builtin_codec(found, origin)


def lookup_codec(codec_spec):
    """The codec and the store of a type."""
    name, store = parse_type_spec(codec_spec)
    return get_codec(name), store


def parse_type_spec(spec):
    """Name and store of a type: `None` without `@`, the empty text for `@` alone."""
    inner = spec.strip().removeprefix("<").removesuffix(">").strip()
    name, at, store = inner.partition("@")
    return name.strip(), (store.strip() if at else None)
