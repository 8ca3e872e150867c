"""Tables as classes: tiers, parts, insert, delete, drop."""

from collections.abc import Mapping

from .errors import DataJointError
from .expression import QueryExpression
from .settings import config

# What a class does as if it were its table.
_FORWARDED = frozenset(
    "describe heading primary_key proj to_dicts to_pandas to_arrays keys fetch fetch1 head tail insert insert1 update1 "
    "drop drop_quick delete delete_quick table_name full_table_name restrict make_sql".split()
)


class TableMeta(type):
    """Lets a table's class stand for the table: `Session & key`, `Session.insert1(row)`."""

    def __getattribute__(cls, name):
        if name in _FORWARDED and cls.__dict__.get("_core") is not None:
            return getattr(cls(), name)
        return super().__getattribute__(name)

    def __and__(cls, condition):
        return cls() & condition

    def __sub__(cls, condition):
        return cls() - condition

    def __iter__(cls):
        return iter(cls())


class Table(QueryExpression, metaclass=TableMeta):
    """A table of a schema. Classes are declared by a schema's decorator."""

    _core = None
    _tier = None
    _database = None
    definition = None

    @property
    def _query(self):
        if type(self).__dict__.get("_core") is None:
            raise DataJointError(
                f"Table `{type(self).__name__}` is not properly configured. Ensure the schema is activated before "
                "using the table."
            )
        return self._core.query()

    @property
    def table_name(self):
        """Name in the database."""
        return self._core.table_name

    @property
    def full_table_name(self):
        """Schema and name in the database."""
        return f"`{self._database}`.`{self._core.table_name}`"

    def describe(self, printout=False):
        """A definition that declares the same table."""
        text = self._core.describe()
        if printout:
            print(text)
        return text

    def insert1(self, row, **options):
        """Inserts one row."""
        self.insert([row], **options)

    def insert(
        self, rows, replace=False, skip_duplicates=False, ignore_extra_fields=False, allow_direct_insert=False
    ):
        """Inserts rows: all of them with their objects, or nothing."""
        if hasattr(rows, "to_dict") and hasattr(rows, "columns"):
            rows = rows.to_dict("records")
        names = None
        converted = []
        for row in rows:
            if isinstance(row, Mapping):
                converted.append(row if type(row) is dict else dict(row))
                continue
            if hasattr(row, "dtype") and row.dtype.names:
                converted.append({name: row[name] for name in row.dtype.names})
                continue
            names = names or self.heading.names
            if isinstance(row, (str, bytes)) or not hasattr(row, "__len__"):
                raise DataJointError(f"Datatype {type(row)} cannot be inserted")
            if len(row) != len(names):
                raise DataJointError(
                    f"Invalid insert argument. Incorrect number of attributes: {len(row)} given; {len(names)} expected"
                )
            converted.append(dict(zip(names, row)))
        self._core.insert(
            converted,
            replace=replace,
            skip_duplicates=skip_duplicates,
            ignore_extra_fields=ignore_extra_fields,
            allow_direct_insert=bool(allow_direct_insert),
        )

    def update1(self, row):
        """Changes attributes of one existing row."""
        self._core.update1(dict(row))

    def drop(self, prompt=None):
        """Drops the table and all that refers to it."""
        preview = self._core.drop_preview()
        if _asks(prompt) and not _confirmed("Proceed?", preview):
            return
        self._core.drop_table()

    def drop_quick(self):
        """Drops without asking."""
        self.drop(prompt=False)


def _asks(prompt):
    return config.get("safemode", True) if prompt is None else prompt


def _confirmed(question, preview):
    for table, rows in preview:
        print(f"{table}: {rows} rows")
    return input(f"{question} [yes, No]: ").strip().lower() == "yes"


def _delete(self, prompt=None, part_integrity="enforce"):
    """Deletes the rows, with the rows of other tables that refer to them; returns the number of its own rows."""
    if _asks(prompt) and not _confirmed("Commit deletes?", self._query.delete_preview(part_integrity)):
        return 0
    return self._query.delete(part_integrity)[0][1]


QueryExpression.delete = _delete


class Manual(Table):
    """Rows entered by people."""

    _tier = "Manual"


class Lookup(Table):
    """Rows that belong to the definition, in `contents`."""

    _tier = "Lookup"


class Imported(Table):
    """Rows filled from files and instruments."""

    _tier = "Imported"


class Computed(Table):
    """Rows filled from other tables."""

    _tier = "Computed"


class Part(Table):
    """Rows that belong to a row of the class around it."""

    _tier = "Part"
    master = None
