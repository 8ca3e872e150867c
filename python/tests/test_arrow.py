"""Queries as Arrow streams, read by the libraries that people use."""

import datetime
import decimal
import uuid

import numpy as np
import pyarrow as pa
import pytest

import lapjoint as dj

DEFINITION = """
# cells of all types
i8 : int8  # smallest
i64 : int64
---
i16 : int16
i32 = null : int32
f32 : float32
f64 = null : float64
flag : bool
price : decimal(9,2)
name : varchar(20)
letter : char(1)
kind : enum('nerve', 'glia')
day : date
moment : datetime(6)
id : uuid
doc : json
raw : bytes
"""


def row(number):
    return {
        "i8": number - 1,
        "i64": 2**40 + number,
        "i16": -number,
        "i32": None if number % 2 else 2**31 - 1,
        "f32": 0.5 * number,
        "f64": None if number == 2 else 0.1 * number,
        "flag": number % 2 == 0,
        "price": decimal.Decimal("-1234567.89") + number,
        "name": "zoë" * number,
        "letter": "abc"[number],
        "kind": ("nerve", "glia")[number % 2],
        "day": datetime.date(1969, 12, 31) + datetime.timedelta(number),
        "moment": datetime.datetime(2020, 2, 29, 23, 59, 59, 123456 + number),
        "id": uuid.UUID(int=number),
        "doc": {"number": number, "list": [1, None]},
        "raw": bytes([0, number, 255]),
    }


ROWS = [row(number) for number in range(3)]


@pytest.fixture
def cells(database):
    @database.schema()
    class Cells(dj.Manual):
        definition = DEFINITION

    Cells.insert(ROWS)
    return Cells()


def normal(rows):
    """Rows as they were inserted: a document is a text in Arrow."""
    import json

    return [{**row, "doc": json.loads(row["doc"])} for row in rows]


def test_all_core_types_are_whole_on_every_database(cells):
    table = cells.to_arrow(order_by="KEY")
    assert normal(table.to_pylist()) == ROWS
    types = {field.name: str(field.type) for field in table.schema}
    assert types == {
        "i8": "int8", "i64": "int64", "i16": "int16", "i32": "int32", "f32": "float", "f64": "double", "flag": "bool",
        "price": "decimal128(9, 2)", "name": "string", "letter": "string",
        "kind": "dictionary<values=string, indices=int8, ordered=0>", "day": "date32[day]", "moment": "timestamp[us]",
        "id": "extension<arrow.uuid>", "doc": "extension<arrow.json>", "raw": "binary",
    }  # fmt: skip
    nullable = [field.name for field in table.schema if field.nullable]
    assert nullable == ["i32", "f64"]
    assert table.column("kind").chunk(0).dictionary.to_pylist() == ["nerve", "glia"]


def test_the_schema_says_what_the_table_says(cells):
    schema = pa.schema(cells)
    assert schema.metadata[b"comment"] == b"cells of all types"
    assert schema.metadata[b"lapjoint.primary_key"] == b'["i8","i64"]'
    assert schema.field("i8").metadata == {b"comment": b"smallest", b"lapjoint.type": b"int8", b"lapjoint.key": b"true"}
    assert schema.field("price").metadata == {b"lapjoint.type": b"decimal(9,2)"}
    assert schema == cells.to_arrow().schema


def test_a_query_is_a_stream(cells):
    query = (cells & "i8 > -1").proj("name", double="2 * i16")
    assert pa.table(query).to_pylist() == [
        {"i8": r["i8"], "i64": r["i64"], "name": r["name"], "double": 2 * r["i16"]} for r in ROWS[1:]
    ]
    assert pa.table(cells & "i8 > 50").num_rows == 0
    assert pa.table(type(cells)).num_rows == 3
    assert pa.RecordBatchReader.from_stream(cells).read_all().num_rows == 3


def test_polars(cells):
    import polars

    frame = polars.DataFrame(cells).sort("i8")
    kept = ["i8", "i64", "i16", "i32", "f32", "f64", "flag", "price", "name", "letter", "kind", "day", "moment", "raw"]
    assert frame.select(kept).to_dicts() == [{name: row[name] for name in kept} for row in ROWS]
    assert frame["id"].to_list() == [row["id"].bytes for row in ROWS]


def test_pandas(cells):
    pandas = pytest.importorskip("pandas", minversion="3")

    frame = pandas.DataFrame.from_arrow(cells)
    assert frame["price"].tolist() == [row["price"] for row in ROWS]
    assert str(frame["i16"].dtype) == "int16" and str(frame["kind"].dtype) == "category"


def test_duckdb(cells):
    import duckdb

    rows = cells  # noqa: F841 (DuckDB finds it by its name)
    found = duckdb.sql("SELECT kind, sum(price), max(moment), min(id) FROM rows GROUP BY kind ORDER BY kind").fetchall()
    by_kind = {kind: [row for row in ROWS if row["kind"] == kind] for kind in ("glia", "nerve")}
    assert found == [
        (kind, sum(r["price"] for r in of_kind), max(r["moment"] for r in of_kind), min(r["id"] for r in of_kind))
        for kind, of_kind in by_kind.items()
    ]


def test_datafusion(cells):
    import datafusion

    frame = datafusion.SessionContext().from_arrow(cells)
    total = frame.aggregate([], [datafusion.functions.sum(datafusion.col("price"))]).to_pydict()
    assert list(total.values()) == [[sum(row["price"] for row in ROWS)]]


def test_batches_come_one_by_one(schema):
    @schema
    class Many(dj.Manual):
        definition = "n : int32\n---\ntext : varchar(100)"

    Many.insert({"n": n, "text": f"row {n}"} for n in range(70_000))
    batches = Many().to_arrow_batches(order_by="n")
    assert batches.schema.names == ["n", "text"]
    sizes = [batch.num_rows for batch in batches]
    assert sum(sizes) == 70_000 and len(sizes) == 2
    assert pa.table(Many()).num_rows == 70_000
    limited = Many().to_arrow(order_by="n DESC", limit=2, offset=1)
    assert limited.to_pylist() == [{"n": 69_998, "text": "row 69998"}, {"n": 69_997, "text": "row 69997"}]


def test_computed_attributes_are_what_their_values_are(schema):
    @schema
    class Number(dj.Manual):
        definition = "n : int32\n---\nx = null : float64"

    Number.insert([{"n": 1, "x": 0.5}, {"n": 2, "x": None}])
    table = Number().proj(half="n / 2.0", text="'t' || n", none="nullif(1, 1)", both="CASE n WHEN 1 THEN 1 ELSE 2.5 END").to_arrow()
    assert [str(t) for t in table.schema.types] == ["int32", "double", "string", "null", "double"]
    assert table.column("both").to_pylist() == [1.0, 2.5]


def test_numpy_arrays_are_lists(schema):
    @schema
    class Trace(dj.Manual):
        definition = "n : int32\n---\nspikes = null : <blob>"

    Trace.insert([{"n": 0, "spikes": np.array([0.5, 1.5])}, {"n": 1, "spikes": None}, {"n": 2, "spikes": np.zeros(0)}])
    table = pa.table(Trace())
    assert table.schema.field("spikes").type == pa.list_(pa.float64())
    assert table.column("spikes").to_pylist() == [[0.5, 1.5], None, []]


def test_what_is_read_can_be_inserted(cells):
    @cells.connection.schemas[cells.database]
    class Copy(dj.Manual):
        definition = DEFINITION

    class Stream:
        """An object of some library that knows only the interface."""

        def __arrow_c_stream__(self, requested_schema=None):
            return (cells & "i8 > 0").__arrow_c_stream__(requested_schema)

    Copy.insert(cells.to_arrow().slice(0, 2))
    Copy.insert(Stream())
    assert Copy.to_dicts(order_by="KEY") == cells.to_dicts(order_by="KEY") == ROWS
    (Copy & "i8 = 1").delete_quick()
    Copy.insert(cells.to_arrow(order_by="KEY").slice(2).to_batches()[0])
    assert Copy.to_dicts(order_by="KEY") == ROWS


def test_arrays_can_be_inserted_from_tensors(schema):
    @schema
    class Image(dj.Manual):
        definition = "n : int32\n---\nimage = null : <npy@>"

    @schema
    class Copy(dj.Manual):
        definition = Image.definition

    uniform = [np.full((2, 3), n, "uint16") for n in range(2)]
    for images in (uniform, [*uniform, None], [uniform[0], np.zeros((1, 4), "uint16"), None]):
        Image.insert(({"n": n, "image": image} for n, image in enumerate(images)), replace=True)
        Copy.insert(Image(), replace=True)
        Copy.insert(pa.table(Image()), replace=True)
        found = (Copy & f"n < {len(images)}").to_dicts(order_by="n")
        for row, image in zip(found, images):
            assert (row["image"] is None) == (image is None)
            assert image is None or (row["image"].dtype == "uint16" and np.array_equal(row["image"].load(), image))
