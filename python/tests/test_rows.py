"""Rows in all the forms that `insert` takes and `fetch` gives."""

import dataclasses
import datetime
import decimal
import uuid
import warnings

import numpy as np
import pytest

import lapjoint as dj


@pytest.fixture
def point(schema):
    @schema
    class Point(dj.Manual):
        definition = """
        x : int32
        ---
        y = null : float64
        name = "" : varchar(20)
        data = null : <blob>
        """

    return Point


@dataclasses.dataclass
class Row:
    x: int
    y: float = 0.5
    name: str = "dataclass"


def test_dataclasses_models_and_records(point):
    pydantic = pytest.importorskip("pydantic")

    class Model(pydantic.BaseModel):
        x: int
        y: float | None = None
        name: str = "model"

    record = np.array([(3, 1.5, "record")], dtype=[("x", "i4"), ("y", "f8"), ("name", "U10")])
    point.insert([Row(1), Model(x=2), *record])
    assert [row["name"] for row in point.to_dicts(order_by="x")] == ["dataclass", "model", "record"]
    point.insert(np.rec.array([(4, 2.5, "recarray")], dtype=record.dtype))
    assert (point & {"x": 4}).fetch1("y", "name") == (2.5, "recarray")


def test_tuples_are_taken_with_a_warning(point):
    with pytest.warns(DeprecationWarning, match="Positional inserts"):
        point.insert1((1, 2.0, "a", None))
    with pytest.raises(dj.DataJointError, match="Incorrect number of attributes: 2 given; 4 expected"):
        point.insert1((1, 2))
    with pytest.raises(dj.DataJointError, match="cannot be inserted"):
        point.insert(["text"])


def test_frames(point):
    pandas, polars, pyarrow = map(pytest.importorskip, ("pandas", "polars", "pyarrow"))
    frame = {"x": [1, 2], "y": [0.5, None], "name": ["a", "b"]}
    point.insert(pandas.DataFrame(frame))
    point.insert(polars.DataFrame(frame).with_columns(polars.col("x") + 10))
    point.insert(pyarrow.table({**frame, "x": [21, 22]}), chunk_size=1)
    point.insert_dataframe(pandas.DataFrame({"name": ["c"]}, index=pandas.Index([31], name="x")))
    assert [row["y"] for row in point.to_dicts(order_by="x")] == [0.5, None] * 3 + [None]
    assert point.to_pandas().loc[31, "name"] == "c"
    assert point.proj("y").to_polars().shape == (7, 2) and point.proj("y").to_arrow().num_rows == 7
    with pytest.raises(dj.DataJointError, match="do not match the primary key"):
        point.insert_dataframe(pandas.DataFrame({"name": ["c"]}, index=pandas.Index([31], name="z")), index_as_pk=True)


def test_files(point, tmp_path):
    file = tmp_path / "rows.csv"
    file.write_text("x,y,name\n1,0.5,a\n2,,b\n")
    point.insert(file)
    assert point.proj("y", "name").to_dicts(order_by="x") == [
        {"x": 1, "y": 0.5, "name": "a"},
        {"x": 2, "y": None, "name": "b"},
    ]


def test_queries(point, schema):
    @schema
    class Copy(dj.Manual):
        definition = "x : int32\n---\ny = null : float64\ndata = null : <blob>"

    point.insert({"x": x, "y": x / 2, "data": {"n": x}} for x in range(5))
    Copy.insert((point & "x > 2").proj("y", "data"))
    assert Copy.to_dicts() == [{"x": 3, "y": 1.5, "data": {"n": 3}}, {"x": 4, "y": 2.0, "data": {"n": 4}}]
    Copy.insert(point, ignore_extra_fields=True, skip_duplicates=True)
    assert len(Copy()) == 5
    with pytest.raises(KeyError, match="`name` is not in the table heading"):
        Copy.insert(point)
    with pytest.raises(dj.DataJointError, match="chunk_size"):
        Copy.insert(point.proj(), chunk_size=2)


def test_empty_and_wrong_rows(point):
    point.insert([])
    with pytest.raises(dj.DataJointError, match=r"Cannot insert empty row.*\['x'\]"):
        point.insert1({})
    with pytest.raises(KeyError, match="did you mean `name`"):
        point.insert1({"x": 1, "nam": "a"})
    with pytest.raises(dj.errors.MissingAttributeError, match="`x`"):
        point.insert1({"name": "a"})
    point.insert1({"x": 1})
    with pytest.raises(dj.errors.DuplicateError):
        point.insert1({"x": 1})
    assert len(point()) == 1


def test_validation(point):
    assert point.validate([{"x": 1}, {"x": 2, "y": 0.5}])
    result = point.validate([{"y": 1.0}, {"x": 1, "other": 2}, (1,)])
    assert [(row, name) for row, name, _ in result.errors] == [(0, "x"), (1, "other"), (2, None)]
    with pytest.raises(dj.DataJointError, match="Row 0, field 'x': Primary key field 'x' is missing or NULL"):
        result.raise_if_invalid()
    assert point.validate([{"x": 1, "other": 2}], ignore_extra_fields=True)


def test_every_scalar_type(schema):
    @schema
    class Scalars(dj.Manual):
        definition = """
        id : int8
        ---
        a : int16
        b : int64
        c : float32
        d : float64
        e : bool
        f : decimal(6,2)
        g : char(3)
        h : enum('one','two')
        i : date
        j : datetime(6)
        k : json
        l : uuid
        m : bytes
        """

    row = {
        "id": 1, "a": np.int16(-5), "b": 2**40, "c": np.float32(0.1), "d": float("nan"), "e": np.bool_(True),
        "f": decimal.Decimal("1.50"), "g": "abc", "h": "two", "i": datetime.date(2026, 1, 2),
        "j": datetime.datetime(2026, 1, 2, 3, 4, 5, 678901), "k": {"a": [1, None]}, "l": uuid.uuid4(), "m": b"\0\xff",
    }  # fmt: skip
    Scalars.insert1(row)
    back = Scalars.fetch1()
    assert np.isnan(back.pop("d")) and np.float32(back.pop("c")) == row.pop("c")
    del row["d"]
    assert back == {**row, "a": -5, "e": True}
    assert Scalars.heading["f"].numeric and Scalars.heading["l"].uuid and Scalars.heading["k"].json


def test_columns(point):
    point.insert([{"x": 1, "y": 0.5, "data": np.arange(3)}, {"x": 2, "data": [1]}])
    x, data = point.to_arrays("x", "data", order_by="x")
    assert x.dtype == np.int64 and data.dtype == object and data[0].tolist() == [0, 1, 2]
    records = point.to_arrays(order_by="x")
    assert records.dtype.names == ("x", "y", "name", "data") and np.isnan(records["y"][1])
    keys, names = point.to_arrays("name", include_key=True)
    assert keys == [{"x": 1}, {"x": 2}] and names.tolist() == ["", ""]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        keys, y = point.fetch("KEY", "y", order_by="x")
        assert keys == [{"x": 1}, {"x": 2}] and y[0] == 0.5
        assert point.fetch(as_dict=True, limit=1, offset=1, order_by="x")[0]["x"] == 2
    assert (point & "x=1").fetch1("KEY", "y") == ({"x": 1}, 0.5)
    with pytest.raises(dj.DataJointError, match="`z` not found"):
        point.to_arrays("z")
    with pytest.raises(dj.DataJointError, match="exactly one tuple.*2 tuples found"):
        point.fetch1()


def test_alter(point):
    point.insert([{"x": 1, "y": 2.0, "name": "a"}])
    point.definition = """
    x : int32
    ---
    y = null : float64
    label = "" : varchar(30)   # {name} of the point
    extra = 5 : int16
    """
    point.alter(prompt=False)
    assert point.fetch1() == {"x": 1, "y": 2.0, "label": "a", "extra": 5}
    point.definition = "x : int64\n---\ny = null : float64"
    with pytest.raises(NotImplementedError, match="cannot alter the primary key"):
        point.alter(prompt=False)
    point.definition = "x : int32\n---\ny = null : float64\nlabel = '' : varchar(30)\nextra = 5 : enum('a')"
    with pytest.raises(dj.DataJointError):
        point.alter(prompt=False)
    assert point.fetch1("extra") == 5, "a value that does not fit leaves the table as it was"


def test_references_are_found_in_the_context(schema, tmp_path):
    other = dj.Schema("other")

    @other
    class Subject(dj.Manual):
        definition = "subject : varchar(8)"

    @schema
    class Session(dj.Manual):
        definition = "-> Subject\nsession : int16"

        class Trial(dj.Part):
            definition = "-> master\ntrial : int16"

    @schema
    class Pair(dj.Manual):
        definition = "-> Session.proj(first='session')\n---\n-> [nullable] Subject.proj(owner='subject')"

    assert Pair.primary_key == ["subject", "first"] and Pair.heading.secondary_attributes == ["owner"]
    Subject.insert1({"subject": "m1"})
    Session.insert1({"subject": "m1", "session": 1})
    Session.Trial.insert1({"subject": "m1", "session": 1, "trial": 1})
    virtual = dj.VirtualModule("lab", "lab")
    assert len(virtual.Session.Trial()) == 1 and issubclass(virtual.Session, dj.Manual)
    assert "Session" in schema and schema["session"].primary_key == ["subject", "session"]


def test_deferred_activation(schema):
    later = dj.Schema()

    @later
    class Late(dj.Lookup):
        definition = "x : int8"
        contents = [{"x": 1}]

    with pytest.raises(dj.DataJointError, match="not properly configured"):
        Late.to_dicts()
    later.activate("late")
    assert Late.keys() == [{"x": 1}]
    with pytest.raises(dj.DataJointError, match="already activated for schema late"):
        later.activate("other")


def test_an_instance_has_settings_of_its_own(schema, tmp_path):
    @schema
    class Elsewhere(dj.Manual):
        definition = "x : int32"

    instance = dj.Instance(database__name=str(tmp_path / "own"), safemode=False)
    instance.config.stores = {"default": "s", "s": {"protocol": "file", "location": str(tmp_path / "store")}}
    seen = []

    class Placed(dj.Codec):
        name = "placed"

        def get_dtype(self, is_store):
            return "<npy>"

        def encode(self, value, *, key=None, store_name=None, context=None):
            seen.append((key["_config"], context["config"]))
            return value

        def decode(self, stored, *, key=None):
            return stored.load()

    try:

        @instance.Schema("own")
        class Point(dj.Manual):
            definition = "x : int32\n---\ny : <placed@>"

        Point.insert1({"x": 1, "y": np.arange(3)})
        assert Point.fetch1("y").tolist() == [0, 1, 2]
        assert seen == [(instance.config, instance.config)] and seen[0][0] != dj.config
        with pytest.raises(dj.DataJointError, match="different connections"):
            Point & Elsewhere
    finally:
        dj.codecs.unregister_codec("placed")


def test_staged_insert(schema, tmp_path):
    pytest.importorskip("fsspec")

    @schema
    class Movie(dj.Manual):
        definition = "id : int32\n---\nfile : <object@>\nfolder = null : <object@>"

    with Movie.staged_insert1 as staged:
        staged.rec["id"] = 1
        with staged.open("file", ".txt") as file:
            file.write(b"frames")
        staged.store("folder", ".zarr")["a/b"] = b"chunk"
    file, folder = Movie.fetch1("file", "folder")
    assert file.read() == b"frames" and file.ext == ".txt" and folder.is_dir and folder.listdir() == ["a"]
    assert folder.open("a/b").read() == b"chunk" and folder.fsmap["a/b"] == b"chunk"
    before = sorted((tmp_path / "store").rglob("*"))
    with pytest.raises(RuntimeError), Movie.staged_insert1 as staged:
        staged.rec["id"] = 2
        staged.open("file").write(b"lost")
        raise RuntimeError("the instrument failed")
    assert len(Movie()) == 1 and sorted((tmp_path / "store").rglob("*")) == before
    with pytest.raises(dj.DataJointError, match="Primary key values must be set"), Movie.staged_insert1 as staged:
        staged.open("file")


def test_statements_of_the_database(point):
    point.insert({"x": x, "y": x / 4} for x in range(3))
    cursor = dj.conn().query("SELECT x, y FROM lab.point WHERE y < %s ORDER BY x DESC", (0.5,))
    assert cursor.fetchall() == [(1, 0.25), (0, 0.0)] and [column[0] for column in cursor.description] == ["x", "y"]
    assert dj.conn().query("SELECT count(*) AS n FROM lab.point", as_dict=True).fetchone() == {"n": 3}
    with pytest.raises(dj.errors.QuerySyntaxError):
        dj.conn().query("SELEKT 1")
