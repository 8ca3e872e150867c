import builtins
from abc import ABC, ABCMeta, abstractmethod
from collections.abc import Iterable, Iterator, MutableMapping
from os import PathLike
from pathlib import Path
from typing import Any, NamedTuple

from ._core import unregister_codec as unregister_codec
from .codec_tools import Check as Check
from .codec_tools import CodecInfo as CodecInfo
from .codec_tools import Migration as Migration
from .codec_tools import check as check
from .codec_tools import list as list
from .codec_tools import lock as lock
from .codec_tools import migrate as migrate
from .codec_tools import use_lock as use_lock
from .settings import Config

class Codec(ABC):
    name: str | None
    yields: bool
    arrow_type: Any
    codec_version: str | None
    reads_versions: Iterable[str] | None
    writes_versions: Iterable[str] | None
    deprecated_versions: dict[str, str]
    def __init_subclass__(cls, *, register: bool = True, **kwargs: Any) -> None: ...
    @abstractmethod
    def get_dtype(self, is_store: bool) -> str: ...
    @abstractmethod
    def encode(self, value: Any, *, key: dict[str, Any] | None = None, store_name: str | None = None) -> Any: ...
    @abstractmethod
    def decode(self, stored: Any, *, key: dict[str, Any] | None = None) -> Any: ...
    def validate(self, value: Any) -> None: ...
    def referenced_paths(self, stored: Any) -> builtins.list[tuple[str, str | None]]: ...

class SchemaCodec(Codec, register=False, metaclass=ABCMeta):
    def get_dtype(self, is_store: bool) -> str: ...
    @staticmethod
    def _extract_context(
        key: dict[str, Any] | None, context: dict[str, Any] | None = None
    ) -> tuple[str, str, str, dict[str, Any]]: ...
    @staticmethod
    def _build_path(
        schema: str,
        table: str,
        field: str,
        primary_key: dict[str, Any],
        ext: str | None = None,
        store_name: str | None = None,
        config: Config | None = None,
    ) -> tuple[str, str]: ...
    @staticmethod
    def _get_backend(store_name: str | None = None, config: Config | None = None) -> Any: ...

class CellKey(dict[str, Any]): ...

class _Registry(MutableMapping[str, Codec]):
    def __getitem__(self, name: str) -> Codec: ...
    def __setitem__(self, name: str, codec: Codec) -> None: ...
    def __delitem__(self, name: str) -> None: ...
    def __iter__(self) -> Iterator[str]: ...
    def __len__(self) -> int: ...

_codec_registry: _Registry

def register_instance(codec: Codec) -> None: ...
class WasmModule(NamedTuple):
    name: str
    version: str
    sha256: str
    summary: str

def load_wasm(source: bytes | str | PathLike[str], *, embed_decoder: bool | None = None) -> WasmModule: ...
def wasm_modules(config: Config | None = None) -> dict[Path, WasmModule | str]: ...
def trust_wasm(sha256: str) -> None: ...
def distrust_wasm(sha256: str) -> bool: ...
def list_codecs() -> builtins.list[str]: ...
def is_codec_registered(name: str) -> bool: ...
def resolve_dtype(dtype: str) -> tuple[str, builtins.list[Codec], str | None]: ...
def get_codec(name: str) -> Codec: ...
def lookup_codec(codec_spec: str) -> tuple[Codec, str | None]: ...
def parse_type_spec(spec: str) -> tuple[str, str | None]: ...

__all__ = [
    "Codec",
    "SchemaCodec",
    "distrust_wasm",
    "get_codec",
    "is_codec_registered",
    "list_codecs",
    "load_wasm",
    "lookup_codec",
    "parse_type_spec",
    "resolve_dtype",
    "trust_wasm",
    "unregister_codec",
    "wasm_modules",
    "Check",
    "CodecInfo",
    "Migration",
    "check",
    "list",
    "lock",
    "migrate",
    "use_lock",
]
