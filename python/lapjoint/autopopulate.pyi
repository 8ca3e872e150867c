from collections.abc import Mapping
from concurrent.futures import Executor
from typing import Any, Literal

from .distribute import TableRef
from .jobs import Job
from .making import MakeOptions as MakeOptions

class _JobsOfTable:
    def __get__(self, table: AutoPopulate | None, cls: type[AutoPopulate]) -> Job: ...

class AutoPopulate:
    jobs: _JobsOfTable
    @property
    def key_source(self) -> Any: ...
    def make(self, key: dict[str, Any], **make_kwargs: Any) -> Any: ...
    @classmethod
    def populate(
        cls,
        *restrictions: Any,
        suppress_errors: bool = False,
        return_exception_objects: bool = False,
        reserve_jobs: bool = False,
        max_calls: int | None = None,
        display_progress: bool = False,
        processes: int | None = 1,
        make_kwargs: Mapping[str, Any] | None = None,
        priority: int | None = None,
        refresh: bool | None = None,
        limit: int | None = None,
        order: Literal["original", "reverse", "random"] = "original",
        executor: Executor | None = None,
    ) -> dict[str, Any]: ...
    @classmethod
    def progress(cls, *restrictions: Any, display: bool = False) -> tuple[int, int]: ...

def make_one(
    table_ref: type[AutoPopulate] | TableRef, key: Mapping[str, Any], options: MakeOptions
) -> bool | None: ...

__all__ = ["AutoPopulate", "MakeOptions", "make_one"]
