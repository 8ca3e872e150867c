from collections.abc import Iterable, Iterator, Mapping
from contextlib import AbstractContextManager
from typing import Any, ClassVar, Literal, NoReturn

from .autopopulate import AutoPopulate
from .condition import Not
from .connection import Connection
from .dependencies import Relatives
from .expression import QueryExpression
from .staged_insert import StagedInsert
from .upstream import Upstream
from .utils import user_choice as user_choice
from .validation import ValidationResult as ValidationResult

class TableMeta(type):
    def __and__(cls, condition: Any) -> QueryExpression: ...
    def __sub__(cls, condition: Any) -> QueryExpression: ...
    def __mul__(cls, other: Any) -> QueryExpression: ...
    def __add__(cls, other: Any) -> QueryExpression: ...
    def __matmul__(cls, other: Any) -> NoReturn: ...
    def __xor__(cls, other: Any) -> NoReturn: ...
    def __neg__(cls) -> Not: ...
    def __iter__(cls) -> Iterator[dict[str, Any]]: ...

class Table(Relatives, QueryExpression):
    @property
    def database(self) -> str: ...
    @property
    def table_name(self) -> str: ...
    @property
    def full_table_name(self) -> str: ...
    @property
    def class_name(self) -> str: ...
    @property
    def is_declared(self) -> bool: ...
    @classmethod
    def describe(cls, context: Mapping[str, Any] | None = None, printout: bool = False) -> str: ...
    @classmethod
    def alter(cls, prompt: bool = True, context: Mapping[str, Any] | None = None) -> None: ...
    @classmethod
    def insert1(cls, row: Any, **options: Any) -> None: ...
    @classmethod
    def insert(
        cls,
        rows: Iterable[Any] | type[QueryExpression],
        replace: bool = False,
        skip_duplicates: bool = False,
        ignore_extra_fields: bool = False,
        allow_direct_insert: bool | None = None,
        chunk_size: int | None = None,
    ) -> None: ...
    @classmethod
    def insert_dataframe(cls, df: Any, index_as_pk: bool | None = None, **options: Any) -> None: ...
    @classmethod
    def update1(cls, row: Mapping[str, Any]) -> None: ...
    @classmethod
    def validate(cls, rows: Iterable[Any], *, ignore_extra_fields: bool = False) -> ValidationResult: ...
    @property
    def staged_insert1(self) -> AbstractContextManager[StagedInsert]: ...
    @classmethod
    def drop(
        cls, prompt: bool | None = None, part_integrity: Literal["enforce", "ignore"] = "enforce"
    ) -> None: ...
    @classmethod
    def drop_quick(cls) -> None: ...

class FreeTable(Table):
    def __init__(self, connection: Connection | str, full_table_name: str | None = None) -> None: ...

class UserTable(Table, metaclass=TableMeta):
    definition: Any
    tier_regexp: ClassVar[str | None]

class Manual(UserTable): ...

class Lookup(UserTable): ...

class Imported(AutoPopulate, Upstream, UserTable): ...

class Computed(AutoPopulate, Upstream, UserTable): ...

class PartMeta(TableMeta):
    @property
    def master(cls) -> type[UserTable] | None: ...

class Part(UserTable, metaclass=PartMeta):
    @property
    def master(self) -> type[UserTable] | None: ...

def is_tier(table_name: str, tier: type[UserTable]) -> bool: ...

__all__ = [
    "Computed",
    "FreeTable",
    "Imported",
    "Lookup",
    "Manual",
    "Part",
    "Table",
    "UserTable",
    "ValidationResult",
    "is_tier",
    "user_choice",
]

Entry = Manual
Ingest = Imported
Compute = Computed
