from collections.abc import Iterator, Sequence
from typing import Any, Literal

from numpy.typing import NDArray

from .array_ref import ChunkedRef

__all__ = ["ZarrRef", "ZarrValue"]

class ZarrValue:
    array: Any
    options: dict[str, Any]
    def __init__(
        self,
        array: Any,
        *,
        chunks: Sequence[int] | None = None,
        shards: Sequence[int] | bool | None = None,
        codec: str | dict[str, Any] | None = None,
        zarr_format: Literal[2, 3] | None = None,
        attrs: dict[str, Any] | None = None,
    ) -> None: ...

class ZarrRef(ChunkedRef):
    def __init__(self, metadata: dict[str, Any], backend: Any) -> None: ...
    @property
    def chunks(self) -> tuple[int, ...]: ...
    @property
    def shards(self) -> tuple[int, ...] | None: ...
    @property
    def attrs(self) -> dict[str, Any]: ...
    @property
    def zarr_format(self) -> int: ...
    @property
    def nchunks(self) -> int: ...
    def load(self) -> NDArray[Any]: ...
    def slabs(self) -> Iterator[NDArray[Any]]: ...
    def __getitem__(self, index: Any) -> Any: ...
    def __getattr__(self, name: str) -> Any: ...
