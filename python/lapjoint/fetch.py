"""Forms in which rows are given: dicts, arrays, frames."""

import warnings

from .errors import DataJointError
from .progress import progress


class Fetch:
    """What fetches the rows of a query. The query gives `_ordered`, `heading` and `proj`."""

    def to_dicts(self, order_by=None, limit=None, offset=None, squeeze=False):
        """All rows as dicts."""
        rows = _fetched(self._ordered(order_by, limit, offset))
        return _squeezed(rows) if squeeze else rows

    def keys(self, order_by=None, limit=None, offset=None):
        """The primary keys of all rows."""
        names = self.primary_key
        query = self._ordered(order_by, limit, offset).proj([], [])
        return [{name: row[name] for name in names} for row in query.fetch()]

    def to_arrays(self, *attributes, include_key=False, order_by=None, limit=None, offset=None, squeeze=False):
        """Columns as numpy arrays: one for one attribute, a tuple for several; without attributes one array of records."""
        import numpy as np

        if attributes:
            return self._columns(attributes, include_key, order_by, limit, offset, squeeze)
        heading = self.heading
        columns = _fetched_columns(self._ordered(order_by, limit, offset), squeeze)
        records = np.empty(len(next(iter(columns.values()), ())), dtype=heading.as_dtype)
        for name in heading.names:
            records[name] = _column(columns[name], heading[name].dtype)
        return records

    def _columns(self, attributes, include_key, order_by, limit, offset, squeeze):
        heading = self.heading
        _refuse_unknown(attributes, heading)
        query = self._ordered(order_by, limit, offset).proj(list(attributes), [])
        fetched = _fetched_columns(query, squeeze)
        columns = [_column(fetched[name], heading[name].dtype) for name in attributes]
        if include_key:
            names = self.primary_key
            keys = [_listed(fetched[name]) for name in names]
            return [dict(zip(names, key)) for key in zip(*keys)], *columns
        return columns[0] if len(columns) == 1 else tuple(columns)

    def to_pandas(self, order_by=None, limit=None, offset=None, squeeze=False):
        """All rows as a pandas frame, indexed by the primary key."""
        import pandas

        columns = _fetched_columns(self._ordered(order_by, limit, offset), squeeze)
        frame = pandas.DataFrame(columns, columns=self.heading.names)
        return frame.set_index(self.primary_key) if self.primary_key else frame

    def to_polars(self, order_by=None, limit=None, offset=None, squeeze=False):
        """All rows as a polars frame."""
        polars = _needed("polars", "to_polars")
        columns = _fetched_columns(self._ordered(order_by, limit, offset), squeeze)
        return polars.DataFrame({name: _framed(column) for name, column in columns.items()}, strict=False)

    def to_arrow(self, order_by=None, limit=None, offset=None, squeeze=False):
        """All rows as an Arrow table."""
        pyarrow = _needed("pyarrow", "to_arrow")
        if squeeze:
            columns = _fetched_columns(self._ordered(order_by, limit, offset), squeeze)
            return pyarrow.table({name: pyarrow.array(_framed(column)) for name, column in columns.items()})
        batches = self.to_arrow_batches(order_by, limit, offset)
        return pyarrow.Table.from_batches(batches, schema=batches.schema)

    def to_arrow_batches(self, order_by=None, limit=None, offset=None):
        """All rows as Arrow record batches, one after the other; `schema` has the columns."""
        return _Batches(_needed("pyarrow", "to_arrow_batches"), self._ordered(order_by, limit, offset))

    def __arrow_c_stream__(self, requested_schema=None):
        """The rows as an Arrow stream, for libraries that read such streams: polars, DuckDB, pandas, pyarrow, DataFusion."""
        return self._query.arrow_stream()

    def __arrow_c_schema__(self):
        """The columns of that stream."""
        return self._query.arrow_schema()

    def fetch1(self, *attributes, squeeze=False):
        """The only row as a dict; or its value of one attribute, or a tuple of values (`"KEY"` gives the primary key)."""
        names = [name for name in attributes if name != "KEY"]
        if names:
            _refuse_unknown(names, self.heading)
        query = self._query.proj(names, []) if attributes else self._query
        rows = query.top(2, 0, []).fetch()
        if len(rows) != 1:
            found = f"{len(self)} tuples found" if rows else "0 tuples found"
            raise DataJointError(f"fetch1 requires exactly one tuple in the input set. {found}: {self._shown()}")
        row = (_squeezed(rows) if squeeze else rows)[0]
        if not attributes:
            return row
        key = {name: row[name] for name in self.primary_key}
        values = tuple(key if name == "KEY" else row[name] for name in attributes)
        return values[0] if len(values) == 1 else values

    def fetch(
        self, *attributes, offset=None, limit=None, order_by=None, format=None, as_dict=None, squeeze=False
    ):  # fmt: skip
        """Rows in DataJoint 1's forms: records, columns of attributes (`"KEY"` for primary keys), dicts or a frame."""
        warnings.warn(
            "fetch() is deprecated since DataJoint 2.0: use to_dicts(), to_pandas(), to_arrays(), keys() or fetch1()",
            DeprecationWarning,
            stacklevel=2,
        )
        options = {"order_by": order_by, "limit": limit, "offset": offset, "squeeze": squeeze}
        if format == "frame":
            if attributes or as_dict is not None:
                raise DataJointError("format='frame' cannot be combined with attributes or as_dict")
            return self.to_pandas(**options)
        if "KEY" in attributes and not as_dict:
            names = [name for name in attributes if name != "KEY"]
            if not names:
                return self.keys(order_by=order_by, limit=limit, offset=offset)
            keys, *columns = self.to_arrays(*names, include_key=True, **options)
            columns = dict(zip(names, columns), KEY=keys)
            return tuple(columns[name] for name in attributes)
        if as_dict:
            if not attributes:
                return self.to_dicts(**options)
            wanted = [n for name in attributes for n in (self.primary_key if name == "KEY" else [name])]
            rows = self.proj(*(name for name in attributes if name != "KEY")).to_dicts(**options)
            return [{name: row[name] for name in wanted if name in row} for row in rows]
        return self.to_arrays(*attributes, **options)

    def head(self, limit=25):
        """The first rows in the order of the primary key."""
        return self.to_dicts("KEY", limit)

    def tail(self, limit=25):
        """The last rows in the order of the primary key."""
        return self.to_dicts("KEY DESC", limit)[::-1]

    def __iter__(self):
        yield from self.to_dicts()


class _Batches:
    """Record batches of an engine's query, as pyarrow has them."""

    def __init__(self, pyarrow, query):
        with progress("fetch") as seen:
            self._batches = query.arrow_batches(seen)
        self._pyarrow = pyarrow
        self.schema = pyarrow.schema(self._batches)

    def __iter__(self):
        return self

    def __next__(self):
        return self._pyarrow.record_batch(next(self._batches))


def _fetched(query):
    """The rows of an engine's query."""
    with progress("fetch") as seen:
        return query.fetch(seen)


def _fetched_columns(query, squeeze):
    """The columns of an engine's query by name: arrays of numbers, lists of all else."""
    with progress("fetch") as seen:
        names, columns = query.columns(seen)
    if squeeze:
        columns = [[_squeezed_value(value) for value in column] if type(column) is list else column for column in columns]
    return dict(zip(names, columns))


def _listed(column):
    """A column as a list of Python's own values."""
    return column if type(column) is list else column.tolist()


def _framed(column):
    """A column as frames take it."""
    return [_plain(value) for value in column] if type(column) is list else column


def _refuse_unknown(names, heading):
    for name in names:
        if name not in heading:
            raise DataJointError(f"Attribute `{name}` not found.")


def _needed(module, method):
    import importlib

    try:
        return importlib.import_module(module)
    except ImportError:
        raise ImportError(f"{module} is required for {method}(): pip install {module}") from None


def _column(values, dtype):
    """A column as an array; of objects where numpy has no type that holds all of them."""
    import numpy as np

    if type(values) is not list:
        return values.astype(dtype, copy=False) if dtype != object else np.fromiter(values.tolist(), object, len(values))
    if dtype != object and None not in values:
        return np.array(values, dtype=dtype)
    if dtype == np.float64:
        return np.array([np.nan if value is None else value for value in values], dtype=dtype)
    return np.fromiter(values, object, len(values))


def _plain(value):
    """A value as frames hold it: what they have no type for stands as text or list."""
    import uuid

    import numpy as np

    if isinstance(value, uuid.UUID):
        return str(value)
    return value.tolist() if isinstance(value, np.ndarray) else value


def _squeezed_value(value):
    """An array without its axes of length 1; anything else as it is."""
    import numpy as np

    return value.squeeze() if isinstance(value, np.ndarray) else value


def _squeezed(rows):
    """Rows whose arrays have lost their axes of length 1."""
    return [{name: _squeezed_value(value) for name, value in row.items()} for row in rows]
