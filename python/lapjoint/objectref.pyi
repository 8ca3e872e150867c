from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from os import PathLike
from pathlib import Path
from typing import Any

from .errors import ObjectIntegrityError as IntegrityError

@dataclass
class ObjectRef:
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
    _backend: Any = None
    @classmethod
    def from_json(cls, json_data: dict[str, Any] | str, backend: Any = None) -> ObjectRef: ...
    def to_json(self) -> dict[str, Any]: ...
    @property
    def fs(self) -> Any: ...
    @property
    def full_path(self) -> str: ...
    @property
    def fsmap(self) -> Any: ...
    def read(self) -> bytes: ...
    def open(self, subpath: str | None = None, mode: str = "rb") -> Any: ...
    def listdir(self, subpath: str = "") -> list[str]: ...
    def walk(self) -> Iterator[tuple[str, list[str], list[str]]]: ...
    def download(self, destination: str | PathLike[str], subpath: str | None = None) -> Path: ...
    def exists(self, subpath: str | None = None) -> bool: ...
    def verify(self) -> bool: ...

__all__ = ["IntegrityError", "ObjectRef"]
