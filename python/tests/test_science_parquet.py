"""`<parquet@>`: frames of three libraries there and back, and reads of parts, counted in bytes."""

import json
import pickle

import numpy as np
import pytest
from test_services import s3, s3_service  # noqa: F401 - fixtures

import lapjoint as dj
from lapjoint import filesystem

pyarrow = pytest.importorskip("pyarrow")
pandas = pytest.importorskip("pandas")
polars = pytest.importorskip("polars")
import pyarrow.parquet  # noqa: E402 - after the check that it is there

from lapjoint.science.parquet import ParquetRef  # noqa: E402


@pytest.fixture
def counted(monkeypatch):
    """Bytes that are read by ranges."""
    read = []
    plain = filesystem.StoreFile.readinto

    def readinto(self, buffer):
        read.append(plain(self, buffer))
        return read[-1]

    monkeypatch.setattr(filesystem.StoreFile, "readinto", readinto)
    return read


@pytest.fixture(params=["folder", "s3"])
def table(request, schema):
    if request.param == "s3":
        dj.config.stores["main"] = request.getfixturevalue("s3")
    return schema(type("Session", (dj.Manual,), {"definition": "id : int32\n---\nevents = null : <parquet@main>"}))


def of_pandas():
    index = pandas.MultiIndex.from_tuples([("a", 1), ("a", 2), ("b", 1)], names=["group", "trial"])
    return pandas.DataFrame(
        {
            "t": [0.1, np.nan, -0.0],
            "unit": pandas.Categorical(["x", None, "y"], categories=["y", "x", "never"], ordered=True),
            "count": pandas.array([1, None, 3], dtype="Int64"),
            "at": pandas.to_datetime(["2026-01-02 03:04:05.678901234", None, "2020-01-01 00:00:00.0"]).tz_localize("Europe/Berlin"),
            "text": ["é", "", "漢"],
        },
        index=index,
    )


def of_polars():
    return polars.DataFrame(
        {
            "t": [0.1, None, -0.0],
            "list": [[1, 2], [], None],
            "struct": [{"a": 1, "b": "x"}, {"a": None, "b": "y"}, {"a": 3, "b": None}],
            "kind": polars.Series(["x", "y", None], dtype=polars.Categorical),
            "u": polars.Series([1, 2**64 - 1, 0], dtype=polars.UInt64),
        }
    )


def test_frames_of_pandas_come_back(table):
    frame = of_pandas()
    table.insert([{"id": 1, "events": frame}, {"id": 2}])
    ref = (table & "id = 1").fetch1("events")
    assert isinstance(ref, ParquetRef) and (table & "id = 2").fetch1("events") is None
    pandas.testing.assert_frame_equal(ref.load(), frame)
    pandas.testing.assert_frame_equal(ref.to_pandas(columns=["t", "unit"]), frame[["t", "unit"]])
    assert ref.frame == "pandas" and ref.shape == (3, 7) and ref.columns[:2] == ["t", "unit"] and len(ref) == 3
    assert repr(ref) == f"ParquetRef(3 rows, 7 columns, {ref.path})" and ref.path.endswith(".parquet")


def test_frames_of_polars_come_back(table):
    frame = of_polars()
    table.insert1({"id": 1, "events": frame})
    ref = table.fetch1("events")
    assert ref.load().equals(frame) and ref.load().schema == frame.schema
    assert ref.to_polars(["u"]).equals(frame[["u"]])
    assert ref.scan().filter(polars.col("t") > 0).select("t", "u").collect().equals(frame.filter(polars.col("t") > 0)[["t", "u"]])


def test_tables_of_arrow_and_streams(table):
    duckdb = pytest.importorskip("duckdb")
    plain = pyarrow.table({"a": pyarrow.array([1, None, 3], "int16"), "b": [["x"], [], None]}, metadata={"made": "by hand"})
    rows = [
        plain,
        plain.to_batches()[0],
        pyarrow.RecordBatchReader.from_batches(plain.schema, plain.to_batches(max_chunksize=1)),
        duckdb.sql("SELECT a, b FROM plain"),
    ]
    table.insert({"id": number, "events": row} for number, row in enumerate(rows))
    for number, ref in enumerate(table.to_arrays("events", order_by="id")):
        assert ref.load().to_pylist() == plain.to_pylist() and ref.frame == "arrow"
        assert number == 3 or ref.schema.equals(plain.schema, check_metadata=False)
    assert (table & "id = 0").fetch1("events").schema.metadata[b"made"] == b"by hand"
    # A query is a stream of Arrow, and so is a reference.
    assert pyarrow.table((table & "id = 0").fetch1("events")).to_pylist() == plain.to_pylist()


def test_nothing_in_it(table):
    for number, frame in enumerate([pandas.DataFrame({"a": pandas.Series([], dtype="f8")}), polars.DataFrame(), pandas.DataFrame()]):
        table.insert1({"id": number, "events": frame})
        back = (table & {"id": number}).fetch1("events").load()
        assert type(back) is type(frame) and back.shape == frame.shape
    empty = pyarrow.table({"a": pyarrow.array([], "int8")})
    table.insert1({"id": 9, "events": empty})
    assert (table & "id = 9").fetch1("events").load().equals(empty)


def test_columns_and_row_groups_are_read_by_ranges(table, counted):
    rows, groups = 400_000, 4
    chance = np.random.default_rng(1)
    wide = pyarrow.table({f"c{number}": chance.random(rows) for number in range(8)})
    table.insert1({"id": 1, "events": wide})
    ref = table.fetch1("events")
    assert ref.shape == (rows, 8) and ref.num_row_groups == groups and ref.columns[7] == "c7" and not counted
    size = ref.size
    assert size > 20_000_000
    assert ref.schema == wide.schema and sum(counted) < 100_000
    counted.clear()
    assert ref.to_arrow(columns=["c3"]).equals(wide.select(["c3"]))
    assert size / 8 * 0.9 < sum(counted) < size / 8 * 1.1, (sum(counted), size)
    counted.clear()
    some = ref.to_arrow(columns=["c0"], row_groups=1)
    assert some.equals(wide.select(["c0"]).slice(131_072, 131_072)) and sum(counted) < size / 8 / 2
    counted.clear()
    first = next(ref.iter_batches(1000, ["c5"]))
    assert first.column(0).to_pylist() == wide["c5"][:1000].to_pylist() and sum(counted) < size / 8 * 1.1
    duckdb = pytest.importorskip("duckdb")
    dataset = ref.dataset()
    assert duckdb.sql("SELECT count(*), max(c1) FROM dataset").fetchall() == [(rows, wide["c1"].to_numpy().max())]
    again = pickle.loads(pickle.dumps(ref))
    assert again.to_arrow(columns=["c3"], row_groups=[0]).num_rows == 131_072


def test_metadata_and_files_are_anyones(table, tmp_path):
    table.insert1({"id": 1, "events": of_pandas()})
    ref = table.fetch1("events")
    about = ref.metadata
    assert about["shape"] == [3, 7] and about["codec_version"] == "1.0" and about["provenance"] == {"lapjoint": dj.__version__}
    assert about["store"] == "main" and len(about["crc32c"]) == 8 and json.loads(json.dumps(about)) == about
    with ref.open() as file:
        assert file.read(4) == b"PAR1"
    # What DataJoint's class wrote has fewer keys.
    old = dj.get_codec("parquet").decode({name: about[name] for name in ("path", "store", "shape")}, context={"config": dj.config})
    assert old.shape == (3, 7) and old.load().equals(of_pandas())


def test_a_failed_insert_leaves_no_file(schema, tmp_path):
    table = schema(type("Session", (dj.Manual,), {"definition": "id : int32\n---\nevents : <parquet@>"}))
    table.insert1({"id": 1, "events": of_polars()})
    files = [path for path in (tmp_path / "store").rglob("*") if path.is_file()]
    with pytest.raises(dj.errors.DuplicateError):
        table.insert([{"id": 2, "events": of_polars()}, {"id": 1, "events": of_polars()}])
    assert [path for path in (tmp_path / "store").rglob("*") if path.is_file()] == files and len(files) == 1


def test_values_that_are_no_tables(schema):
    table = schema(type("Session", (dj.Manual,), {"definition": "id : int32\n---\nevents : <parquet@>"}))
    twice = pyarrow.table([[1], [2]], names=["a", "a"])
    for value, message in [
        ({"a": [1]}, "expects a frame of pandas or polars, a table of Arrow or an Arrow stream, got dict"),
        (np.eye(2), "got numpy.ndarray"),
        (twice, "cannot store two columns of one name"),
        (pandas.DataFrame({"a": [1, "x", object()]}), "<parquet> cannot store pandas"),
    ]:
        with pytest.raises(dj.DataJointError, match=message):
            table.insert1({"id": 1, "events": value})
    assert len(table()) == 0
    with pytest.raises(dj.DataJointError, match="<parquet> requires @"):
        schema(type("Other", (dj.Manual,), {"definition": "id : int32\n---\nevents : <parquet>"}))


def test_damage_is_named(schema, tmp_path):
    table = schema(type("Session", (dj.Manual,), {"definition": "id : int32\n---\nevents : <parquet@>"}))
    table.insert1({"id": 1, "events": pyarrow.table({"a": list(range(1000))})})
    ref = table.fetch1("events")
    file = tmp_path / "store" / ref.path
    good = file.read_bytes()
    file.write_bytes(good[:100] + b"XX" + good[102:])
    with pytest.raises(dj.DataJointError, match="crc32c|checksum"):
        ref.load()
    file.write_bytes(good[: len(good) // 2])
    with pytest.raises(dj.DataJointError, match="<parquet> cannot read its stored value: .*parquet"):
        table.fetch1("events").to_arrow(columns=["a"])
    file.write_bytes(good)
    for work, message in [
        (lambda: ref.to_arrow(columns=["b"]), "has no column 'b'; its columns are a"),
        (lambda: ref.to_arrow(row_groups=5), "has no row group 5: it has 1"),
        (lambda: dj.get_codec("parquet").decode([1]), "expected metadata with a path, got list"),
        (lambda: dj.get_codec("parquet").decode({**ref.metadata, "codec_version": "7.0"}), "version '7.0'"),
    ]:
        with pytest.raises(dj.DataJointError, match=message):
            work()
    file.unlink()
    with pytest.raises(dj.errors.MissingExternalFile):
        table.fetch1("events").load()
