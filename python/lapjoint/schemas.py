"""Schemas: the decorator that declares tables."""

import gc
import inspect
import types
import warnings

from ._core import definition_warnings
from .connection import conn, list_schemas
from .errors import DataJointError
from .logs import logger
from .references import definition_of, parts_of, references
from .tables import Computed, FreeTable, Imported, Lookup, Manual, Part, UserTable
from .utils import to_camel_case

__all__ = ["Schema", "VirtualModule", "list_schemas", "virtual_schema"]


class Schema:
    """A schema of the database; decorates the classes of its tables.

    Names in foreign keys are looked up in `context`, by default the names around the decorated class, and in `add_objects`.
    """

    def __init__(
        self, schema_name=None, context=None, *, connection=None, create_schema=True, create_tables=None, add_objects=None,
    ):  # fmt: skip
        self.database = None
        self.context = context
        self.add_objects = dict(add_objects or {})
        self.create_schema, self.create_tables = create_schema, create_tables
        self._connection = connection
        self._core = None
        self._waiting = []
        if schema_name:
            self.activate(schema_name)

    @property
    def connection(self):
        """The connection that the schema is used by."""
        if self._connection is None:
            self._connection = conn()
        return self._connection

    def is_activated(self):
        """Whether the schema has a name."""
        return self._core is not None

    def activate(
        self, schema_name=None, *, connection=None, create_schema=None, create_tables=None, add_objects=None
    ):  # fmt: skip
        """Gives the schema its name, and declares the classes that were decorated before."""
        if schema_name is None:
            if self._core is None:
                raise DataJointError("Please provide a schema_name to activate the schema.")
            return
        if self._core is not None:
            if self.database != schema_name:
                raise DataJointError(f"The schema is already activated for schema {self.database}.")
            return
        if connection is not None:
            self._connection = connection
        if create_schema is not None:
            self.create_schema = create_schema
        if create_tables is not None:
            self.create_tables = create_tables
        self.add_objects.update(add_objects or {})
        if not self.create_schema and schema_name not in list_schemas(self.connection):
            raise DataJointError(
                f"Database `{schema_name}` has not yet been declared. Set argument create_schema=True to create it."
            )
        self._core = self.connection._core.schema(schema_name, self.create_schema)
        self.database = schema_name
        self.connection.register(self)
        for cls, context in self._waiting:
            self._declare(cls, context)
        self._waiting = []

    def _active(self):
        if self._core is None:
            raise DataJointError("The schema is not activated: call activate() with its name.")
        return self._core

    def __call__(self, cls, *, context=None):
        """Declares the table of a class, and those of its parts."""
        if not (isinstance(cls, type) and issubclass(cls, UserTable)):
            raise DataJointError(f"{cls!r} is no table: derive it from Manual, Lookup, Imported or Computed")
        if issubclass(cls, Part):
            raise DataJointError("The schema decorator should not be applied to Part tables.")
        if cls._tier == "none":
            raise DataJointError(f"{cls.__name__} has no tier: derive it from Manual, Lookup, Imported or Computed")
        if context is None:
            context = self.context if self.context is not None else _names_around(inspect.currentframe().f_back)
        if self._core is None:
            self._waiting.append((cls, context))
        else:
            self._declare(cls, context)
        return cls

    def _declare(self, cls, context):
        context = {**context, **self.add_objects}
        creates = self.create_tables
        if creates is None:
            creates = self.connection._config.get("database.create_tables", True)
        self._declare_one(cls, context, creates, None)
        for _, part in parts_of(cls):
            part._master = cls
            self._declare_one(part, {**context, "master": cls, cls.__name__: cls}, creates, cls._core)
        if issubclass(cls, Lookup) and creates:
            self._fill(cls)

    def _declare_one(self, cls, context, creates, master):
        cls._schema_connection = self.connection
        cls.declaration_context = context
        if cls.definition is None and creates:
            # A table that is there already needs no definition to be used.
            creates = master is not None or cls.__name__ not in self
        definition = definition_of(cls) if creates else None
        if creates:
            self._warn(cls, definition)
            around = {name: value for name, value in context.items() if value is not cls}
            found = references(definition, {**around, "self": cls()})
            cls._core = self._core.declare(cls._tier, cls.__name__, definition, found, master)
            self.connection.dependencies.clear()
        else:
            name = cls.__name__ if master is None else f"{master.class_name}.{cls.__name__}"
            cls._core = self._core.table(name)
        if definition and "Table definition:" not in (cls.__doc__ or ""):
            cls.__doc__ = f"{cls.__doc__ or ''}\nTable definition:\n\n{definition}"

    def _warn(self, cls, definition):
        """Says what may surprise in a definition, when its table is declared for the first time."""
        if "_" in cls.__name__:
            warnings.warn(
                f"Table class name `{cls.__name__}` contains underscores. CamelCase names are recommended.", stacklevel=4
            )
        about = definition_warnings(definition)
        if about and cls.__name__ not in self:
            for text in about:
                logger.warning(text)

    @staticmethod
    def _fill(cls):
        table = cls()
        contents = getattr(table, "contents", None)
        if contents is None:
            return
        if table.heading.has_autoincrement:
            warnings.warn(f"Contents of {cls.__name__} cannot be inserted: its key numbers itself.", stacklevel=4)
            return
        rows = list(contents)
        if len(rows) > len(table):
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", DeprecationWarning)
                table.insert(rows, skip_duplicates=True, allow_direct_insert=True)

    @property
    def exists(self):
        """Whether the schema is in the database."""
        return self.database in list_schemas(self.connection)

    @property
    def lineage(self):
        """Where each attribute comes from: `schema.table.attribute` and its origin."""
        return dict(self._active().lineage() or ())

    @property
    def lineage_table_exists(self):
        """Whether the schema has a record of where its attributes come from."""
        return self._active().lineage() is not None

    def rebuild_lineage(self):
        """Writes the record of where attributes come from anew."""
        self._active().rebuild_lineage()

    @property
    def jobs(self):
        """The jobs of the tables that have some."""
        from .jobs import Job

        return [Job(self.get_table(name)) for name in self._active().tables_with_jobs()]

    def list_tables(self):
        """Names of the tables, parents before children."""
        return self._active().sorted_tables()

    def get_table(self, name):
        """A table by class name (`Session`, `Session.Trial`) or table name."""
        return FreeTable(self.connection, f"{self.database}.{self._find(name).table_name}")

    def _find(self, name):
        """A table by class name, table name, or table name without the sign of its tier."""
        try:
            return self._active().table(name)
        except DataJointError:
            camel = to_camel_case(name)
            if camel == name:
                raise
            return self._active().table(camel)

    def __getitem__(self, name):
        return self.get_table(name)

    def __iter__(self):
        return (self.get_table(name) for name in self.list_tables())

    def __contains__(self, name):
        try:
            self._find(name)
        except DataJointError:
            return False
        return True

    def make_classes(self, into=None):
        """Makes classes for the tables that `into` (by default the names around the call) has no class for."""
        if into is None:
            into = inspect.currentframe().f_back.f_locals
        tiers = {cls._tier: cls for cls in (Manual, Lookup, Imported, Computed)}
        made = {}
        for table_name in self.list_tables():
            core = self._active().table(table_name)
            master, _, part = core.class_name.partition(".")
            if part:
                if master in made:
                    cls = type(part, (Part,), {"_master": made[master]})
                    setattr(made[master], part, cls)
                    self._bind(cls, core)
            elif master not in into:
                made[master] = into[master] = type(master, (tiers[core.tier],), {})
                self._bind(made[master], core)

    def _bind(self, cls, core):
        cls._core, cls._schema_connection = core, self.connection
        cls.definition = core.describe()

    spawn_missing_classes = make_classes

    def drop(self, prompt=None):
        """Drops the schema with all its tables."""
        from .prompt import confirmed

        core = self._active()
        if not self.exists:
            return
        tables = lambda: [(table.full_table_name, len(table)) for table in self]  # noqa: E731
        if confirmed(self, f"Proceed to delete entire schema `{self.database}`?", tables, prompt):
            # Connections that nobody holds any more, but for references in a circle, would keep the files of SQLite open.
            gc.collect()
            core.drop_schema()

    def __repr__(self):
        return f"Schema `{self.database}`\n"


def _names_around(frame):
    """Names that code sees: its own, and those of its module."""
    return {**frame.f_globals, **frame.f_locals}


class VirtualModule(types.ModuleType):
    """A module of classes for the tables of an existing schema."""

    def __init__(
        self, module_name, schema_name, *, create_schema=False, create_tables=False, connection=None, add_objects=None
    ):  # fmt: skip
        super().__init__(name=module_name)
        schema = Schema(schema_name, create_schema=create_schema, create_tables=create_tables, connection=connection)
        self.__dict__.update(add_objects or {})
        self.__dict__["schema"] = schema
        schema.make_classes(into=self.__dict__)


def virtual_schema(schema_name, *, connection=None, create_schema=False, create_tables=False, add_objects=None):
    """Classes for the tables of an existing schema."""
    return VirtualModule(
        schema_name, schema_name, connection=connection, create_schema=create_schema, create_tables=create_tables,
        add_objects=add_objects,
    )  # fmt: skip


