"""Queries: restriction, projection, fetch."""

from . import preview
from .condition import Top
from .errors import DataJointError


class Heading:
    """The attributes of a table or query."""

    def __init__(self, parts):
        keys = ("name", "type", "in_key", "nullable", "default", "comment", "codec")
        self.attributes = {part[0]: dict(zip(keys, part)) for part in parts}

    names = property(lambda self: list(self.attributes))
    primary_key = property(lambda self: [n for n, a in self.attributes.items() if a["in_key"]])
    secondary_attributes = property(lambda self: [n for n, a in self.attributes.items() if not a["in_key"]])

    def __getitem__(self, name):
        return self.attributes[name]

    def __contains__(self, name):
        return name in self.attributes

    def __iter__(self):
        return iter(self.attributes)

    def __len__(self):
        return len(self.attributes)

    def __repr__(self):
        line = "{name:<20} : {type:<28} # {comment}".format
        key = [line(**self[name]).rstrip(" #") for name in self.primary_key]
        rest = [line(**self[name]).rstrip(" #") for name in self.secondary_attributes]
        return "\n".join([*key, "---", *rest])


class QueryExpression:
    """Rows of the database that are fetched when asked for."""

    _query = None

    def _derive(self, query):
        derived = QueryExpression()
        derived._query = query
        return derived

    @property
    def heading(self):
        """The attributes of the result."""
        return Heading(self._query.heading())

    @property
    def primary_key(self):
        """Names of the primary key's attributes."""
        return self.heading.primary_key

    def restrict(self, condition):
        """Rows for which a condition holds: a dict, SQL, a list (any of them), another table or query."""
        if isinstance(condition, Top):
            return self._derive(self._query.top(condition.limit, condition.offset, condition.order_by))
        return self._derive(self._query.restrict(_instance(condition)))

    def __and__(self, condition):
        return self.restrict(condition)

    def __sub__(self, condition):
        return self._derive(self._query.exclude(_instance(condition)))

    def proj(self, *attributes, **named):
        """Other attributes of the same rows; the primary key is always kept."""
        keep = ["..." if attribute is Ellipsis else attribute for attribute in attributes]
        return self._derive(self._query.proj(keep, list(named.items())))

    def _ordered(self, order_by, limit, offset):
        if order_by is None and limit is None and offset is None:
            return self._query
        order_by = [order_by] if isinstance(order_by, str) else list(order_by or [])
        return self._query.top(limit, offset or 0, order_by)

    def to_dicts(self, order_by=None, limit=None, offset=None):
        """All rows as dicts."""
        return self._ordered(order_by, limit, offset).fetch()

    def keys(self, order_by=None, limit=None, offset=None):
        """Primary keys of all rows, as dicts."""
        return self._ordered(order_by, limit, offset).proj([], []).fetch()

    def to_arrays(self, *attributes, order_by=None, limit=None, offset=None):
        """Columns as numpy arrays: one for one attribute, a tuple for several."""
        import numpy as np

        rows = self.proj(*attributes).to_dicts(order_by, limit, offset)
        columns = []
        for name in attributes:
            values = [row[name] for row in rows]
            if all(isinstance(value, (bool, int, float)) for value in values):
                columns.append(np.array(values))
                continue
            column = np.empty(len(values), dtype=object)
            for index, value in enumerate(values):
                column[index] = value
            columns.append(column)
        return columns[0] if len(columns) == 1 else tuple(columns)

    def to_pandas(self, order_by=None, limit=None, offset=None):
        """All rows as a pandas frame, indexed by the primary key."""
        import pandas

        frame = pandas.DataFrame(self.to_dicts(order_by, limit, offset), columns=self.heading.names)
        return frame.set_index(self.primary_key) if self.primary_key else frame

    def fetch1(self, *attributes):
        """The only row as a dict; or its value of one attribute, or a tuple of values."""
        rows = self._query.top(2, 0, []).fetch()
        if len(rows) != 1:
            found = "more than one row" if rows else "no row"
            raise DataJointError(f"fetch1 requires exactly one tuple in the input set. Found {found}.")
        row = rows[0]
        if not attributes:
            return row
        key = {name: row[name] for name in self.primary_key}
        missing = [name for name in attributes if name != "KEY" and name not in row]
        if missing:
            raise DataJointError(f"Attribute `{missing[0]}` not found.")
        values = tuple(key if name == "KEY" else row[name] for name in attributes)
        return values[0] if len(values) == 1 else values

    def fetch(self, *attributes, order_by=None, limit=None, offset=None, as_dict=None):
        """Rows as dicts; `"KEY"` gives primary keys, other attributes their columns."""
        if attributes == ("KEY",):
            return self.keys(order_by, limit, offset)
        if not attributes:
            return self.to_dicts(order_by, limit, offset)
        if as_dict:
            names = [name for name in attributes if name != "KEY"]
            return [{n: row[n] for n in names} for row in self.proj(*names).to_dicts(order_by, limit, offset)]
        return self.to_arrays(*attributes, order_by=order_by, limit=limit, offset=offset)

    def head(self, limit=25):
        """The first rows in the order of the primary key."""
        return self.to_dicts("KEY", limit)

    def tail(self, limit=25):
        """The last rows in the order of the primary key."""
        return self.to_dicts("KEY DESC", limit)[::-1]

    def __len__(self):
        return self._query.count()

    def __bool__(self):
        return self._query.exists()

    def __contains__(self, item):
        return bool(self & item)

    def __iter__(self):
        return iter(self.to_dicts())

    def make_sql(self):
        """The statement that fetches all attributes."""
        return self._query.make_sql()

    def __repr__(self):
        return preview.text(self)

    def _repr_html_(self):
        return preview.html(self)


def _instance(condition):
    """A table's class stands for its table."""
    if isinstance(condition, type) and issubclass(condition, QueryExpression):
        return condition()
    return condition
