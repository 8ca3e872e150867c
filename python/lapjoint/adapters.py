"""The SQL of a connection's database, as far as a program needs it that writes statements itself."""

BACKENDS = {"SQLite": "sqlite", "PostgreSQL": "postgresql", "MySQL": "mysql", "MariaDB": "mysql"}


class DatabaseAdapter:
    """How the database of a connection writes names and texts."""

    def __init__(self, connection):
        self._connection = connection

    @property
    def backend(self):
        """`sqlite`, `postgresql` or `mysql`, as the setting `database.backend`."""
        return BACKENDS[self._connection._core.product]

    def quote_identifier(self, name):
        """A name in quotes."""
        return self._connection._core.quote(name)

    def quote_string(self, value):
        """A text in quotes."""
        escaped = value.replace("\\", "\\\\") if self.backend == "mysql" else value
        return "'" + escaped.replace("'", "''") + "'"

    def make_full_table_name(self, schema_name, table_name):
        """The name of a table with that of its schema."""
        return f"{self.quote_identifier(schema_name)}.{self.quote_identifier(table_name)}"

    def __repr__(self):
        return f"DatabaseAdapter({self.backend})"
