from collections.abc import Mapping
from typing import Any

from .making import MakeOptions

class AutoPopulate:
    @property
    def key_source(self) -> Any: ...
    def make(self, key: dict[str, Any], **make_kwargs: Any) -> Any: ...
    @classmethod
    def populate(
        cls,
        *restrictions: Any,
        suppress_errors: bool = False,
        return_exception_objects: bool = False,
        max_calls: int | None = None,
        make_kwargs: Mapping[str, Any] | None = None,
    ) -> dict[str, Any]: ...
    @classmethod
    def progress(cls, *restrictions: Any, display: bool = False) -> tuple[int, int]: ...

def make_one(table_ref: type[AutoPopulate], key: Mapping[str, Any], options: MakeOptions) -> bool: ...

__all__ = ["AutoPopulate", "make_one"]
