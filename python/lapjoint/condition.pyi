from collections.abc import Sequence
from typing import Any

class AndList(list[Any]):
    def append(self, restriction: Any) -> None: ...

class Not:
    restriction: Any
    def __init__(self, restriction: Any) -> None: ...
    @property
    def restriction_of_not(self) -> Any: ...

class Top:
    limit: int | None
    order_by: list[str] | None
    offset: int
    def __init__(
        self, limit: int | None = 1, order_by: str | Sequence[str] | None = "KEY", offset: int = 0
    ) -> None: ...
    def __eq__(self, other: object) -> bool: ...
    def merge(self, other: Top) -> Top | None: ...
