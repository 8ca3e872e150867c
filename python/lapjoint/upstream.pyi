from typing import Any

class Upstream:
    @property
    def upstream(self) -> Any: ...
