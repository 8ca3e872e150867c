from collections.abc import Iterator, Sequence
from typing import Any, Literal

_Row = dict[str, Any]
_Order = str | Sequence[str] | None

class _Batches:
    schema: Any
    def __init__(self, pyarrow: Any, query: Any) -> None: ...
    def __iter__(self) -> _Batches: ...
    def __next__(self) -> Any: ...

class Fetch:
    @classmethod
    def to_dicts(
        cls, order_by: _Order = None, limit: int | None = None, offset: int | None = None, squeeze: bool = False
    ) -> list[_Row]: ...
    @classmethod
    def keys(cls, order_by: _Order = None, limit: int | None = None, offset: int | None = None) -> list[_Row]: ...
    @classmethod
    def to_arrays(
        cls,
        *attributes: str,
        include_key: bool = False,
        order_by: _Order = None,
        limit: int | None = None,
        offset: int | None = None,
        squeeze: bool = False,
    ) -> Any: ...
    @classmethod
    def to_pandas(
        cls, order_by: _Order = None, limit: int | None = None, offset: int | None = None, squeeze: bool = False
    ) -> Any: ...
    @classmethod
    def to_polars(
        cls, order_by: _Order = None, limit: int | None = None, offset: int | None = None, squeeze: bool = False
    ) -> Any: ...
    @classmethod
    def to_arrow(
        cls, order_by: _Order = None, limit: int | None = None, offset: int | None = None, squeeze: bool = False
    ) -> Any: ...
    @classmethod
    def to_arrow_batches(
        cls, order_by: _Order = None, limit: int | None = None, offset: int | None = None
    ) -> _Batches: ...
    def __arrow_c_stream__(self, requested_schema: object = None) -> object: ...
    def __arrow_c_schema__(self) -> object: ...
    @classmethod
    def fetch1(cls, *attributes: str, squeeze: bool = False) -> Any: ...
    @classmethod
    def fetch(
        cls,
        *attributes: str,
        offset: int | None = None,
        limit: int | None = None,
        order_by: _Order = None,
        format: Literal["array", "frame"] | None = None,
        as_dict: bool | None = None,
        squeeze: bool = False,
    ) -> Any: ...
    @classmethod
    def head(cls, limit: int = 25) -> list[_Row]: ...
    @classmethod
    def tail(cls, limit: int = 25) -> list[_Row]: ...
    def __iter__(self) -> Iterator[_Row]: ...
