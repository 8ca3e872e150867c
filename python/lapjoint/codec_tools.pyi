import builtins
from collections.abc import Iterable
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import Any, Literal, overload

from .connection import Connection
from .schemas import Schema
from .tables import Table

LOCK_FILE: str

@dataclass(frozen=True)
class CodecInfo:
    name: str
    places: builtins.list[str]
    origin: str
    package: tuple[str, str] | None
    format_version: str | None
    reads_versions: builtins.list[str]
    writes_versions: builtins.list[str]
    summary: str
    state: str

@dataclass(frozen=True)
class Check:
    needs: tuple[dict[str, Any], ...]
    text: str
    @property
    def ok(self) -> bool: ...
    def __bool__(self) -> bool: ...

@dataclass(frozen=True)
class Migration:
    to: str
    rows: int
    current: int
    migrated: int
    changed: int
    failed: tuple[tuple[str, str], ...]
    left_objects: int
    deleted_objects: int
    @property
    def ok(self) -> bool: ...

def list() -> builtins.list[CodecInfo]: ...
def check(source: Schema | Connection | Iterable[Schema]) -> Check: ...
@overload
def lock(path: str | PathLike[str] = ..., *, check: Literal[False] = ...) -> Path: ...
@overload
def lock(path: str | PathLike[str] = ..., *, check: Literal[True]) -> builtins.list[str]: ...
def use_lock(path: str | PathLike[str] | None = ...) -> None: ...
def migrate(
    table: Table | type[Table],
    attribute: str,
    to: str | None = None,
    *,
    batch_size: int = 100,
    dry_run: bool = False,
    collect: float | None = None,
) -> Migration: ...
