from typing import Any

from .connection import Connection
from .schemas import Schema
from .settings import Config
from .settings import is_thread_safe as _load_thread_safe
from .tables import FreeTable

class Instance:
    config: Config
    connection: Connection
    def __init__(
        self,
        host: str | None = None,
        user: str | None = None,
        password: str | None = None,
        port: int | None = None,
        use_tls: bool | None = None,
        backend: str | None = None,
        **config_kwargs: Any,
    ) -> None: ...
    def Schema(self, schema_name: str | None = None, **options: Any) -> Schema: ...
    def FreeTable(self, full_table_name: str) -> FreeTable: ...

__all__ = ["Instance", "_load_thread_safe"]
