"""Connections to databases, and the one of the process."""

from contextlib import contextmanager

from ._core import Connection as _Connection
from .adapters import DatabaseAdapter
from .dependencies import Dependencies
from .errors import DataJointError, LostConnectionError
from .settings import config, refuse_if_thread_safe

_connection = None


class Cursor:
    """The outcome of a statement, with the methods of a DB-API cursor that read."""

    def __init__(self, names, rows, rowcount, as_dict):
        self.description = [(name, None, None, None, None, None, None) for name in names] or None
        self.rowcount = rowcount
        self._rows = iter([dict(zip(names, row)) for row in rows] if as_dict else rows)

    def fetchone(self):
        """The next row, or `None`."""
        return next(self._rows, None)

    def fetchall(self):
        """All rows that are left."""
        return list(self._rows)

    def __iter__(self):
        return self._rows


def _own_settings(settings, host, user, password, port, use_tls, database_name, backend):
    """What the arguments of a connection say, as settings. A host means a server, unless SQLite is chosen by name."""
    sources = {key: source for key, _, source in settings._core.entries()}
    is_chosen = sources["database.backend"] != "default"
    chosen = backend or (settings["database.backend"] if is_chosen else None)
    own = {"database.backend": backend, "database.name": database_name}
    if chosen == "sqlite" or not (host or chosen or settings["database.backend"] != "sqlite"):
        return own
    if host and "://" in host:
        return {"database.url": host, "database.user": user, "database.password": password, "database.use_tls": use_tls}
    if host and host.count(":") == 1:
        host, _, host_port = host.partition(":")
        port = port or int(host_port)
    own |= {"database.host": host, "database.user": user, "database.password": password}
    return own | {"database.port": port, "database.use_tls": use_tls}


class Connection:
    """A database with its stores; SQLite in the folder `database.name` unless a server is configured or given.

    `host` is a name, an address, the path of a Unix socket, or all at once: `postgresql://user:password@host:port/database`.
    Arguments that are given count for this connection in place of the settings. SQLite needs neither host nor user.
    """

    def __init__(
        self, host=None, user=None, password=None, port=None, use_tls=None, *, database_name=None, backend=None,
        config_override=None,
    ):  # fmt: skip
        settings = config_override if config_override is not None else config
        own = _own_settings(settings, host, user, password, port, use_tls, database_name, backend)
        own = {key: value for key, value in own.items() if value is not None and value != settings[key]}
        # Stores and all that is set later are those of the settings, whatever database this is.
        self._config = self._database = settings
        if own:
            from .settings import Config

            self._database = Config(core=settings._core.copy())
            for key, value in own.items():
                self._database[key] = value
        self._user = user
        self.schemas = {}
        self.dependencies = Dependencies(self)
        self._opened = None
        self._had_transaction = False
        self._address = ""
        self.connect()

    @property
    def _core(self):
        if self._opened is None:
            raise DataJointError("The connection is closed. Open it again with connect().")
        return self._opened

    def connect(self):
        """Opens the database, if it is not open."""
        self._opened = self._opened or _Connection(self._config._core, self._database._core)
        self._address, self._had_transaction = self._opened.address, False

    def close(self):
        """Closes the connection."""
        if self._opened is not None:
            self._had_transaction = self._opened.in_transaction()
            self._opened.close()
            self._opened = None

    @property
    def adapter(self):
        """What the database's SQL looks like."""
        return DatabaseAdapter(self)

    @property
    def is_connected(self):
        """Whether the connection is open."""
        return self._opened is not None

    def ping(self):
        """Raises an error if the database does not answer."""
        self._core.list_schemas()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def get_user(self):
        """Who is connected: `user@host`."""
        product = self._core.product
        if product == "SQLite":
            import getpass

            return f"{self._user or getpass.getuser()}@{self._database.get('database.host', 'localhost')}"
        if product == "PostgreSQL":
            user, host = self.query("SELECT current_user, host(inet_client_addr())").fetchone()
            return f"{user}@{host or 'localhost'}"
        return self.query("SELECT USER()").fetchone()[0]

    @property
    def connection_id(self):
        """Number that the server knows the connection by; `None` for SQLite."""
        sql = {"SQLite": None, "PostgreSQL": "SELECT pg_backend_pid()"}.get(self._core.product, "SELECT CONNECTION_ID()")
        return self.query(sql).fetchone()[0] if sql else None

    def register(self, schema):
        """Notes a schema that is in use."""
        self.schemas[schema.database] = schema
        self.dependencies.clear()

    def query(self, query, args=(), *, as_dict=False, suppress_warnings=True, reconnect=None):
        """Runs a statement of the database's SQL, with `%s` for arguments; a cursor over its rows.

        `reconnect` opens a connection again that was closed.
        """
        if reconnect and not self.is_connected:
            if self._had_transaction:
                raise LostConnectionError("Connection was lost during a transaction.")
            self.connect()
        if args:
            query = query.replace("%%", "\0").replace("%s", "?").replace("\0", "%")
        else:
            query = query.replace("%%", "%")
        names, rows, count = self._core.query(query, list(args))
        return Cursor(names, rows, count, as_dict)

    @property
    def in_transaction(self):
        """Whether this thread has a transaction open."""
        return self._core.in_transaction()

    def start_transaction(self):
        """Opens a transaction of this thread."""
        if self.in_transaction:
            raise DataJointError("Nested connections are not supported.")
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

    def __repr__(self):
        state = "connected" if self.is_connected else "disconnected"
        backend, name = self._database["database.backend"], self._database.get("database.name", ".")
        place = f"{backend}:{name}" if backend == "sqlite" else self._address
        return f"DataJoint connection ({state}) {place}"


def conn(host=None, user=None, password=None, *, reset=False, use_tls=None):
    """The connection of the process, opened when first asked for."""
    global _connection
    refuse_if_thread_safe()
    if _connection is None or reset or not _connection.is_connected:
        # One that somebody still holds stays open for them.
        _connection = Connection(host, user, password, use_tls=use_tls)
    return _connection


def list_schemas(connection=None):
    """Names of the schemas of the database."""
    return (connection or conn())._core.list_schemas()
