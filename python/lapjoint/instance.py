"""Settings and a connection of their own, beside those of the process."""

from . import settings
from .connection import Connection
from .settings import is_thread_safe as _load_thread_safe

__all__ = ["Instance", "_load_thread_safe"]


class Instance:
    """A database with settings of its own: `Instance(database__name="/data/lab", safemode=False)`."""

    def __init__(
        self, host=None, user=None, password=None, port=None, use_tls=None, backend=None, **config_kwargs
    ):  # fmt: skip
        self.config = settings.Config(core=settings._Config(".", str(settings.SYSTEM_SECRETS_DIR)))
        given = {"host": host, "user": user, "password": password, "port": port, "use_tls": use_tls, "backend": backend}
        for name, value in given.items():
            if value is not None:
                self.config[f"database.{name}"] = value
        for name, value in config_kwargs.items():
            self.config[name.replace("__", ".")] = value
        self.connection = Connection(config_override=self.config)

    def Schema(self, schema_name=None, **options):
        """A schema of this database."""
        from .schemas import Schema

        return Schema(schema_name, connection=self.connection, **options)

    def FreeTable(self, full_table_name):
        """A table of this database by its full name."""
        from .tables import FreeTable

        return FreeTable(self.connection, full_table_name)

    def __repr__(self):
        return f"Instance({self.connection!r})"
