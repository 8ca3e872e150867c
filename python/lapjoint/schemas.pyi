from collections.abc import Iterator, Mapping, MutableMapping
from types import ModuleType
from typing import Any, TypeVar

from .connection import Connection
from .connection import list_schemas as list_schemas
from .jobs import Job
from .tables import FreeTable, UserTable

_T = TypeVar("_T", bound=type[UserTable])

class Schema:
    database: str | None
    context: Mapping[str, Any] | None
    add_objects: dict[str, Any]
    create_schema: bool
    create_tables: bool | None
    def __init__(
        self,
        schema_name: str | None = None,
        context: Mapping[str, Any] | None = None,
        *,
        connection: Connection | None = None,
        create_schema: bool = True,
        create_tables: bool | None = None,
        add_objects: Mapping[str, Any] | None = None,
    ) -> None: ...
    @property
    def connection(self) -> Connection: ...
    def is_activated(self) -> bool: ...
    def activate(
        self,
        schema_name: str | None = None,
        *,
        connection: Connection | None = None,
        create_schema: bool | None = None,
        create_tables: bool | None = None,
        add_objects: Mapping[str, Any] | None = None,
    ) -> None: ...
    def __call__(self, cls: _T, *, context: Mapping[str, Any] | None = None) -> _T: ...
    @property
    def exists(self) -> bool: ...
    @property
    def lineage(self) -> dict[str, str]: ...
    @property
    def lineage_table_exists(self) -> bool: ...
    def rebuild_lineage(self) -> None: ...
    @property
    def jobs(self) -> list[Job]: ...
    def list_tables(self) -> list[str]: ...
    def get_table(self, name: str) -> FreeTable: ...
    def __getitem__(self, name: str) -> FreeTable: ...
    def __iter__(self) -> Iterator[FreeTable]: ...
    def __contains__(self, name: str) -> bool: ...
    def make_classes(self, into: MutableMapping[str, Any] | None = None) -> None: ...
    def spawn_missing_classes(self, into: MutableMapping[str, Any] | None = None) -> None: ...
    def drop(self, prompt: bool | None = None) -> None: ...

class VirtualModule(ModuleType):
    schema: Schema
    def __init__(
        self,
        module_name: str,
        schema_name: str,
        *,
        create_schema: bool = False,
        create_tables: bool = False,
        connection: Connection | None = None,
        add_objects: Mapping[str, Any] | None = None,
    ) -> None: ...
    def __getattr__(self, name: str) -> Any: ...

def virtual_schema(
    schema_name: str,
    *,
    connection: Connection | None = None,
    create_schema: bool = False,
    create_tables: bool = False,
    add_objects: Mapping[str, Any] | None = None,
) -> VirtualModule: ...

__all__ = ["Schema", "VirtualModule", "list_schemas", "virtual_schema"]
