from collections.abc import Iterable, Mapping
from typing import Any

from .schemas import Schema
from .settings import Config
from .storage import StorageBackend

__all__ = ["ALL_STORES", "GarbageCollector", "Report"]

ALL_STORES: str

class Report(dict[str, Any]):
    def __init__(self, items: Mapping[str, Any], text: str) -> None: ...

class GarbageCollector:
    schemas: tuple[Schema, ...]
    config: Config
    store: str | None
    grace: float | None
    former: Iterable[Mapping[str, Any]]
    only_given_schemas: bool
    backend: StorageBackend
    def __init__(
        self,
        *schemas: Schema,
        store: str | None = None,
        config: Config | None = None,
        grace: float | None = None,
        former: Iterable[Mapping[str, Any]] = (),
        only_given_schemas: bool = False,
    ) -> None: ...
    def hash_references(self) -> set[str]: ...
    def schema_references(self) -> set[str]: ...
    def list_hash_paths(self, schema_name: str) -> dict[str, int]: ...
    def list_schema_paths(self, schema_name: str) -> dict[str, int]: ...
    def delete_schema_path(self, path: str) -> bool: ...
    def collect(self, dry_run: bool = True, verbose: bool = False, *, grace: float | None = None) -> Report: ...
