"""Rows for an insert: from dicts, tuples, records, dataclasses, models, frames and files to dicts."""

import csv
import dataclasses
import itertools
import json
import pathlib
import warnings
from collections.abc import Mapping

from .errors import DataJointError

POSITIONAL = (
    "Positional inserts (tuples/lists) are deprecated: a change of the table's attributes gives them another meaning. "
    "Use dicts."
)


def rows_as_dicts(rows, heading):
    """Rows of any kind as dicts, one by one."""
    rows = _iterable(rows, heading)
    names = None
    for row in rows:
        if type(row) is dict:
            if not row:
                _refuse_empty(heading)
            yield row
        elif isinstance(row, Mapping):
            yield dict(row)
        elif getattr(getattr(row, "dtype", None), "names", None):
            yield {name: row[name] for name in row.dtype.names}
        elif dataclasses.is_dataclass(row) and not isinstance(row, type):
            yield {field.name: getattr(row, field.name) for field in dataclasses.fields(row)}
        elif hasattr(type(row), "model_fields"):
            yield dict(row)
        else:
            names = names or heading.names
            yield _positional(row, names)


def _refuse_empty(heading):
    """A row without values is one where every attribute has a default."""
    needed = [
        name for name, a in heading.attributes.items() if not a.nullable and a.default is None and not a.autoincrement
    ]  # fmt: skip
    if needed:
        raise DataJointError(f"Cannot insert empty row. The following attributes require values: {needed}")


def _positional(row, names):
    if isinstance(row, (str, bytes)) or not hasattr(row, "__len__"):
        raise DataJointError(f"Datatype {type(row)} cannot be inserted")
    if len(row) != len(names):
        raise DataJointError(
            f"Invalid insert argument. Incorrect number of attributes: {len(row)} given; {len(names)} expected"
        )
    warnings.warn(POSITIONAL, DeprecationWarning, stacklevel=2)
    return dict(zip(names, row))


def _iterable(rows, heading):
    """An iterable of rows: frames, Arrow tables and CSV files are taken apart."""
    module = type(rows).__module__.partition(".")[0]
    if module == "pandas":
        return _pandas_rows(rows, heading)
    if module == "polars":
        return rows.iter_rows(named=True)
    if isinstance(rows, pathlib.PurePath):
        return _csv_rows(rows, heading)
    if isinstance(rows, Mapping):
        raise DataJointError("insert() takes several rows; use insert1() for one")
    # Whatever library it is of.
    if hasattr(rows, "__arrow_c_stream__") or hasattr(rows, "__arrow_c_array__"):
        return _arrow_rows(rows)
    return rows


def _pandas_rows(frame, heading):
    import pandas

    named = [name for name in frame.index.names if name is not None]
    frame = frame.reset_index() if named else frame.reset_index(drop=True)
    columns = [(name, frame[name].tolist()) for name in frame.columns]
    nullable = {name for name in heading.names if heading[name].nullable or heading[name].default is not None}
    for values in zip(*(column for _, column in columns)):
        row = {}
        for (name, _), value in zip(columns, values):
            # A frame says "missing" by NaN; a column that cannot be null keeps it as the number that it is.
            missing = value is pandas.NaT or value is pandas.NA or (isinstance(value, float) and value != value)
            row[name] = None if missing and (name in nullable or not isinstance(value, float)) else value
        yield row


def _arrow_rows(rows):
    """Rows of an Arrow stream or batch, batch by batch."""
    import pyarrow

    is_stream = hasattr(rows, "__arrow_c_stream__")
    batches = pyarrow.RecordBatchReader.from_stream(rows) if is_stream else [pyarrow.record_batch(rows)]
    for batch in batches:
        columns = [_arrow_values(field, column) for field, column in zip(batch.schema, batch.columns)]
        for values in zip(*columns):
            yield dict(zip(batch.schema.names, values))


def _arrow_values(field, column):
    """A column of Arrow as Python's values: documents are read, tensors are arrays."""
    name = getattr(column.type, "extension_name", None) or (field.metadata or {}).get(b"ARROW:extension:name", b"").decode()
    values = column.to_pylist()
    if name == "arrow.json":
        return [None if text is None else json.loads(text) for text in values]
    if name == "arrow.fixed_shape_tensor":
        import numpy as np

        arrays = column.to_numpy_ndarray() if len(column) and not column.null_count else None
        if arrays is not None:
            return list(arrays)
        shape, element = column.type.shape, column.type.value_type.to_pandas_dtype()
        return [None if flat is None else np.array(flat, element).reshape(shape) for flat in column.storage.to_pylist()]
    if name == "arrow.variable_shape_tensor":
        import numpy as np

        storage = getattr(column, "storage", column)
        element = storage.type.field("data").type.value_type.to_pandas_dtype()
        return [None if v is None else np.array(v["data"], element).reshape(v["shape"]) for v in storage.to_pylist()]
    return values


def _csv_rows(path, heading):
    """Rows of a file with a header line; empty fields of numbers stand for the default."""
    with open(path, newline="") as file:
        for row in csv.DictReader(file):
            yield {
                name: _number(value, heading[name]) if name in heading and heading[name].numeric else value
                for name, value in row.items()
            }


def _number(text, attribute):
    text = text.strip()
    if not text:
        return None
    if attribute.sql_type.startswith("decimal"):
        return text
    try:
        return int(text)
    except ValueError:
        return float(text)


def in_chunks(rows, size):
    """Rows in lists of `size`."""
    rows = iter(rows)
    while chunk := list(itertools.islice(rows, size)):
        yield chunk
