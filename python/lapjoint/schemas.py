"""Schemas: the decorator that declares tables."""

from . import plugins
from .connection import conn
from .errors import DataJointError
from .tables import Part, Table


class Schema:
    """A schema of the database; decorates the classes of its tables."""

    def __init__(self, schema_name, *, connection=None, create_schema=True):
        self.database = schema_name
        self.connection = connection or conn()
        self._core = self.connection._core.schema(schema_name, create_schema)

    def __call__(self, cls):
        """Declares the table of a class, and those of its parts."""
        if issubclass(cls, Part):
            raise DataJointError("The schema decorator should not be applied to Part tables.")
        if not (isinstance(cls, type) and issubclass(cls, Table)) or cls._tier is None:
            raise DataJointError(f"{cls!r} is no table: derive it from Manual, Lookup, Imported or Computed")
        cls._core = self._core.declare(cls._tier, cls.__name__, self._definition(cls))
        cls._database = self.database
        for name, part in list(vars(cls).items()):
            if name[:1].isupper() and isinstance(part, type) and issubclass(part, Part):
                part._core = self._core.part(cls._core, part.__name__, self._definition(part))
                part._database = self.database
                part.master = cls
        self._fill(cls)
        return cls

    @staticmethod
    def _definition(cls):
        definition = cls.definition if isinstance(cls.definition, str) else cls().definition
        if not isinstance(definition, str):
            raise NotImplementedError('Subclasses of Table must implement the property "definition"')
        plugins.find_all(definition)
        return definition

    @staticmethod
    def _fill(cls):
        contents = getattr(cls(), "contents", None)
        if contents is None:
            return
        rows = list(contents)
        if len(rows) > len(cls()):
            cls().insert(rows, skip_duplicates=True)

    def list_tables(self):
        """Names of the tables, parents before children."""
        return self._core.sorted_tables()

    def drop(self, prompt=None):
        """Drops the schema with all its tables."""
        from .tables import _asks, _confirmed

        if _asks(prompt) and not _confirmed(f"Proceed to delete entire schema `{self.database}`?", []):
            return
        self._core.drop_schema()

    def __repr__(self):
        return f"Schema `{self.database}`\n"
