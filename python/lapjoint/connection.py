"""The connection to the database that the configuration names."""

from contextlib import contextmanager

from ._core import Connection as _Connection
from .settings import config

_connection = None


class Connection:
    """A database with its stores; SQLite in the folder `database.name` unless configured otherwise."""

    def __init__(self, settings=config):
        self._core = _Connection(settings._core)

    @property
    def in_transaction(self):
        """Whether this thread has a transaction open."""
        return self._core.in_transaction()

    def start_transaction(self):
        """Opens a transaction of this thread."""
        self._core.start_transaction()

    def commit_transaction(self):
        """Commits the open transaction."""
        self._core.commit_transaction()

    def cancel_transaction(self):
        """Undoes the open transaction, with the objects that it stored."""
        self._core.cancel_transaction()

    @property
    @contextmanager
    def transaction(self):
        """All of a block is committed, or nothing."""
        self.start_transaction()
        try:
            yield self
        except BaseException:
            self.cancel_transaction()
            raise
        self.commit_transaction()


def conn(*, reset=False):
    """The connection of the process, opened when first asked for."""
    global _connection
    if _connection is None or reset:
        _connection = Connection()
    return _connection


def list_schemas(connection=None):
    """Names of the schemas of the database."""
    return (connection or conn())._core.list_schemas()
