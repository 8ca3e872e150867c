"""What the key of a computation comes from."""

from .errors import DataJointError


class Upstream:
    """What a computed or imported table has besides within `make`."""

    _upstream_key = None
    _upstream = None

    @property
    def upstream(self):
        """Within `make`: the rows that the key comes from. `self.upstream[Session]` is `Session` restricted to its rows."""
        if self._upstream_key is None:
            raise DataJointError("self.upstream is only available inside make(): elsewhere, use Diagram.trace(table & key)")
        if self._upstream is None:
            from .diagram import Diagram

            self._upstream = Diagram.trace(self & self._upstream_key)
        return self._upstream
