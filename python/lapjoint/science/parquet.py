"""`<parquet@>`: tables of columns as Parquet files.

What it does
------------
Takes a frame of pandas or polars, a table or batches of pyarrow, or anything that gives an Arrow stream (`__arrow_c_stream__`:
DuckDB's relations, a query of Lapjoint's), and stores one Parquet file. What is read batch by batch is written so. A fetch gives a
`ParquetRef`, which knows the shape, and reads columns, row groups or ranges of rows by their bytes: `ref.to_pandas(columns=[...])`,
`to_polars`, `to_arrow`, `scan()` (a lazy frame of polars), `dataset()` (of pyarrow, which DuckDB queries), `load()` (the kind of
frame that was stored). The index and the categories of pandas come back.

Specification
-------------
Apache Parquet 2.6 (https://parquet.apache.org/docs/file-format), one file a value: row groups of at most 131,072 rows, columns
compressed by zstd, statistics, and the Arrow schema in the metadata of the file, so that any reader of Parquet reads it and Arrow
gets its types back. The path is that of `<object@>` with `.parquet`.

Names
-----
`<parquet@>` and `<parquet@store>`; without `@` it is refused.

Stored form
-----------
    {"path": "_schema/lab/session/id=1/events_Zm7rLub1.parquet", "store": "main", "size": 20480, "ext": ".parquet",
     "is_dir": false, "item_count": null, "timestamp": "2026-01-02T03:04:05+00:00", "crc32c": "a1b2c3d4",
     "shape": [1000, 3], "columns": ["t", "unit", "label"], "row_groups": 1, "frame": "pandas",
     "codec_version": "1.0", "provenance": {"lapjoint": "0.1.0"}}

`shape` is (rows, columns); the columns of a pandas index count. `frame` is `pandas`, `polars` or `arrow`.

Compatibility
-------------
Reads what the class of DataJoint's documentation wrote (`path`, `store`, `shape`), and `ParquetRef.load` gives a frame of pandas
for it, as there. pyarrow is needed; pandas and polars only where they are asked for.
"""

import io
import json

from .. import _core
from ..codecs import SchemaCodec
from ..errors import DataJointError
from ..scratch import scratch_folder
from ._shared import backend_for, checked_version, library, refused, stored_object, unreadable

ROW_GROUP = 131_072
_NAME = "parquet"


class ParquetCodec(SchemaCodec):
    """A table of columns, as a Parquet file."""

    name = _NAME
    yields = True
    codec_version = "1.0"
    reads_versions = ("1.0",)
    arrow_type = "struct<path: text, store: text, size: int64, rows: int64, columns: list<text>, frame: text>"

    def validate(self, value):
        """Refuses what is no table of columns."""
        if not (hasattr(value, "__arrow_c_stream__") or hasattr(value, "__dataframe__")):
            raise refused(self.name, f"expects a frame of pandas or polars, a table of Arrow or an Arrow stream, got {_type(value)}")

    def encode(self, value, *, key=None, store_name=None, context=None):
        """Stores the file; gives its metadata."""
        self.validate(value)
        kind = _type(value).partition(".")[0]
        # Removed when the insert has uploaded it.
        file = scratch_folder() / "table.parquet"
        shape, names, groups = _write(value, kind, file)
        about = stored_object(str(file), key=key, store_name=store_name, context=context)
        frame = kind if kind in ("pandas", "polars") else "arrow"
        own = {"shape": shape, "columns": names, "row_groups": groups, "frame": frame}
        return about | own

    def to_arrow(self, values):
        """What is on record of each file; its rows stay where they are."""
        return [
            None if ref is None else {"path": ref.path, "store": ref.store, "size": ref.size, "rows": ref.num_rows, "columns": ref.columns, "frame": ref.frame}
            for ref in values
        ]  # fmt: skip

    def decode(self, stored, *, key=None, context=None):
        """A reference, which reads nothing until asked."""
        backend = backend_for(self, stored, key=key, context=context)
        checked_version(self, stored)
        return ParquetRef(stored, backend)


class ParquetRef:
    """A Parquet file in a store: its shape is known, its rows and columns are read when asked for."""

    __slots__ = ("_about", "_backend", "_opened")

    def __init__(self, metadata, backend):
        self._about, self._backend, self._opened = metadata, backend, None

    path = property(lambda self: self._about["path"], doc="Path in the store.")
    store = property(lambda self: self._about.get("store"), doc="Name of the store.")
    size = property(lambda self: self._about.get("size"), doc="Size of the file in bytes.")
    frame = property(lambda self: self._about.get("frame", "pandas"), doc="The kind of frame that was stored.")
    metadata = property(lambda self: dict(self._about), doc="What is on record.")

    @property
    def shape(self):
        """Rows and columns, without reading the file."""
        return tuple(self._about["shape"]) if "shape" in self._about else (self.num_rows, len(self.columns))

    @property
    def num_rows(self):
        """Number of rows, without reading the file."""
        return self._about["shape"][0] if "columns" in self._about else self._file().metadata.num_rows

    @property
    def columns(self):
        """Names of the columns, without reading the file."""
        return list(self._about["columns"]) if "columns" in self._about else list(self.schema.names)

    @property
    def schema(self):
        """The schema, of pyarrow; reads the file's footer."""
        return self._file().schema_arrow

    @property
    def num_row_groups(self):
        """Number of row groups."""
        return self._about["row_groups"] if "row_groups" in self._about else self._file().num_row_groups

    def __len__(self):
        return self.num_rows

    def open(self):
        """The file as a file object that reads the byte ranges asked for."""
        return self._backend.open(self.path)

    def _file(self):
        if self._opened is None:
            parquet = library(_NAME, "pyarrow.parquet", "pyarrow")
            # Not buffered: pyarrow itself asks for the ranges that it needs, and joins those that lie side by side.
            file = self._raw()
            self._opened = _guarded(self.path, lambda: parquet.ParquetFile(file, pre_buffer=True))
        return self._opened

    def _raw(self):
        store = self._backend._store
        if store is None:
            return self.open()
        from ..filesystem import StoreFile

        return StoreFile(store, self.path)

    def to_arrow(self, columns=None, row_groups=None):
        """A table of pyarrow: all of it, or some columns, or some row groups (numbers, counted from 0)."""
        if columns is None and row_groups is None and "crc32c" in self._about:
            # A whole read is compared with the checksum on record.
            parquet = library(_NAME, "pyarrow.parquet", "pyarrow")
            content = self._whole()
            return _guarded(self.path, lambda: parquet.ParquetFile(io.BytesIO(content)).read())
        return self._part(columns, row_groups)

    def _part(self, columns, row_groups, with_index=False):
        file = self._file()
        self._known(columns)
        if row_groups is None:
            return _guarded(self.path, lambda: file.read(columns=columns, use_pandas_metadata=with_index))
        wanted = [row_groups] if isinstance(row_groups, int) else list(row_groups)
        if bad := [group for group in wanted if not 0 <= group < file.num_row_groups]:
            raise DataJointError(f"{self.path} has no row group {bad[0]}: it has {file.num_row_groups}")
        return _guarded(self.path, lambda: file.read_row_groups(wanted, columns=columns, use_pandas_metadata=with_index))

    def _known(self, columns):
        if missing := [name for name in columns or () if name not in self.columns]:
            raise DataJointError(f"{self.path} has no column {missing[0]!r}; its columns are {', '.join(map(str, self.columns))}")

    def _whole(self):
        store = self._backend._store
        if store is None:
            return self._backend.get_buffer(self.path)
        return _core.ObjectRef(json.dumps({**self._about, "is_dir": False}), store).read()

    def iter_batches(self, rows=65_536, columns=None):
        """Batches of pyarrow, one after the other, for tables that are larger than memory."""
        self._known(columns)
        return self._file().iter_batches(batch_size=rows, columns=columns)

    def to_pandas(self, columns=None, row_groups=None):
        """A frame of pandas, with its index."""
        library(_NAME, "pandas")
        if columns is None and row_groups is None:
            return self.to_arrow().to_pandas()
        return self._part(columns, row_groups, with_index=True).to_pandas()

    def to_polars(self, columns=None, row_groups=None):
        """A frame of polars."""
        polars = library(_NAME, "polars")
        return polars.from_arrow(self.to_arrow(columns, row_groups))

    def load(self):
        """The kind of frame that was stored: of pandas, of polars, or a table of pyarrow."""
        return getattr(self, {"pandas": "to_pandas", "polars": "to_polars"}.get(self.frame, "to_arrow"))()

    def dataset(self):
        """A dataset of pyarrow, which reads the columns and row groups that a query needs; DuckDB and polars take it."""
        dataset = library(_NAME, "pyarrow.dataset", "pyarrow")
        filesystem = library(_NAME, "pyarrow.fs", "pyarrow")
        handler = filesystem.PyFileSystem(filesystem.FSSpecHandler(self._backend.fs))
        return _guarded(self.path, lambda: dataset.dataset(self._backend._full_path(self.path), format="parquet", filesystem=handler))

    def scan(self):
        """A lazy frame of polars, which reads the columns and row groups that a query needs."""
        return library(_NAME, "polars").scan_pyarrow_dataset(self.dataset())

    def __arrow_c_stream__(self, requested_schema=None):
        pyarrow = library(_NAME, "pyarrow")
        return pyarrow.RecordBatchReader.from_batches(self.schema, self.iter_batches()).__arrow_c_stream__(requested_schema)

    def __reduce__(self):
        return ParquetRef, (self._about, self._backend)

    def __repr__(self):
        rows, columns = self.shape
        return f"ParquetRef({rows} rows, {columns} columns, {self.path})"


def _type(value):
    return f"{type(value).__module__}.{type(value).__qualname__}".removeprefix("builtins.")


def _write(value, kind, file):
    """Writes the file; gives its shape, the names of its columns and the number of its row groups."""
    pyarrow = library(_NAME, "pyarrow")
    parquet = library(_NAME, "pyarrow.parquet", "pyarrow")
    try:
        if kind == "pandas":
            table = pyarrow.Table.from_pandas(value)
        elif kind == "polars":
            # Its newest layout of text has categories that Parquet's writer does not know.
            frame = value.collect() if hasattr(value, "collect") else value
            table = frame.to_arrow(compat_level=library(_NAME, "polars").CompatLevel.oldest())
        elif isinstance(value, pyarrow.RecordBatch):
            table = pyarrow.Table.from_batches([value])
        else:
            table = value if isinstance(value, pyarrow.Table) else pyarrow.RecordBatchReader.from_stream(value)
        if len(set(table.schema.names)) != len(table.schema.names):
            twice = next(name for name in table.schema.names if table.schema.names.count(name) > 1)
            raise refused(_NAME, f"cannot store two columns of one name ({twice!r}); rename one of them")
        batches = table.to_reader(ROW_GROUP) if isinstance(table, pyarrow.Table) else table
        rows = 0
        with parquet.ParquetWriter(file, table.schema, compression="zstd") as writer:
            for batch in _row_groups(pyarrow, batches):
                writer.write_table(batch, row_group_size=ROW_GROUP)
                rows += batch.num_rows
        return [rows, len(table.schema.names)], list(table.schema.names), parquet.read_metadata(file).num_row_groups
    except (pyarrow.ArrowException, TypeError, OverflowError) as error:
        raise refused(_NAME, f"cannot store {_type(value)} as columns: {error}") from error


def _row_groups(pyarrow, batches):
    """Tables of the rows of a row group: a stream may come in small batches."""
    held, rows = [], 0
    for batch in batches:
        held.append(batch)
        rows += batch.num_rows
        if rows >= ROW_GROUP:
            yield pyarrow.Table.from_batches(held)
            held, rows = [], 0
    if held:
        yield pyarrow.Table.from_batches(held)


def _guarded(path, work):
    """What reads a file; damage is an error that names the file."""
    pyarrow = library(_NAME, "pyarrow")
    try:
        return work()
    except (pyarrow.ArrowException, OSError) as error:
        raise unreadable(_NAME, f"{path}: {error}") from error
