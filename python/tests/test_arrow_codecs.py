"""Codecs in columns of Arrow: declared types, whole columns at once, types found in the values."""

import numpy as np
import pyarrow as pa
import pytest

import lapjoint as dj


def codec(name, **methods):
    """A codec over `<blob>`, removed by the fixture below."""
    given = {
        "name": name,
        "get_dtype": lambda self, is_store: "<blob@>" if is_store else "<blob>",
        "encode": lambda self, value, *, key=None, store_name=None: value,
        "decode": lambda self, stored, *, key=None: stored,
    }
    return type(name.title(), (dj.Codec,), {**given, **methods})


@pytest.fixture
def table(schema):
    made = []

    def declare(spec, rows, before=None):
        if before is not None:
            made.append(before.name)
        name = f"Table{len(schema.list_tables())}"
        made_table = schema(type(name, (dj.Manual,), {"definition": f"n : int32\n---\nx = null : {spec}"}))
        made_table.insert([{"n": n, "x": x} for n, x in enumerate(rows)])
        return made_table()

    yield declare
    for name in made:
        dj.codecs.unregister_codec(name)


def extension(column):
    """Name and storage of an extension type, which not every pyarrow knows."""
    if isinstance(column.type, pa.BaseExtensionType):
        return column.type.extension_name, column.type.storage_type
    return column.metadata[b"ARROW:extension:name"].decode(), column.type


def column(query, name="x"):
    return query.to_arrow(order_by="n").column(name)


def test_arrays_of_one_shape_are_a_fixed_tensor(table):
    arrays = [np.full((2, 3), n, dtype="float32") for n in range(5)]
    found = column(table("<npy@>", arrays)).combine_chunks()
    assert found.type == pa.fixed_shape_tensor(pa.float32(), (2, 3))
    assert np.array_equal(found.to_numpy_ndarray(), np.stack(arrays))
    fortran = column(table("<npy@>", [np.asfortranarray(np.arange(6).reshape(2, 3))])).combine_chunks()
    assert fortran.to_numpy_ndarray()[0].tolist() == [[0, 1, 2], [3, 4, 5]]


def test_arrays_of_several_shapes_are_a_variable_tensor(table):
    arrays = [np.arange(6, dtype="uint16").reshape(2, 3), None, np.arange(4, dtype="uint16").reshape(1, 4)]
    query = table("<npy@>", arrays)
    storage = pa.struct([("data", pa.list_(pa.uint16())), ("shape", pa.list_(pa.int32(), 2))])
    assert extension(query.to_arrow().schema.field("x")) == ("arrow.variable_shape_tensor", storage)
    found = column(query).combine_chunks()
    rows = getattr(found, "storage", found).to_pylist()
    assert rows[1] is None
    for array, row in zip(arrays, rows):
        assert row is None or np.array_equal(np.reshape(row["data"], row["shape"]), array)


def test_a_table_without_arrays_has_no_tensor(table):
    assert str(column(table("<npy@>", [])).type) == "null"
    assert column(table("<npy@>", [None])).to_pylist() == [None]


def test_blobs_are_what_they_hold(table):
    for values, arrow_type in [
        ([np.array([1.5, 2]), np.array([])], pa.list_(pa.float64())),
        ([np.array([1], "int16"), np.array([2], "int32")], pa.list_(pa.int32())),
        ([1, 2.5, None], pa.float64()),
        (["a", "b"], pa.string()),
        ([[1, 2], [3]], pa.list_(pa.int64())),
        ([{"a": 1}, {"a": 2, "b": "x"}], pa.struct([("a", pa.int64()), ("b", pa.string())])),
        ([np.zeros((2, 2)), np.ones((2, 2))], pa.fixed_shape_tensor(pa.float64(), (2, 2))),
    ]:
        found = column(table("<blob>", values))
        assert found.type == arrow_type, values
        plain = [value.tolist() if isinstance(value, np.ndarray) else value for value in values]
        if not isinstance(arrow_type, pa.BaseExtensionType):
            rows = found.to_pylist()
            assert [{k: v for k, v in r.items() if v is not None} if type(r) is dict else r for r in rows] == plain


def test_values_of_no_one_kind_stay_packed(table):
    values = [{"a": 1}, [1, 2], "text", {1: 2}, None, 1 + 2j]
    query = table("<blob>", values)
    found = column(query)
    assert found.type == pa.binary() and query.to_arrow().schema.field("x").metadata[b"lapjoint.type"] == b"<blob>"
    assert [value and dj.blob.unpack(value) for value in found.to_pylist()] == values


def test_files_are_where_they_are(table, tmp_path):
    (tmp_path / "a.txt").write_text("some text")
    attached = column(table("<attach@>", [str(tmp_path / "a.txt")]))
    assert open(attached[0].as_py()).read() == "some text"
    (row,) = column(table("<object@>", [str(tmp_path / "a.txt")])).to_pylist()
    assert (row["store"], row["size"], row["is_dir"]) == ("main", 9, False) and row["path"].endswith(".txt")


def test_a_codec_declares_its_type(table):
    spikes = codec("spikes", arrow_type=pa.list_(pa.float32()))
    query = table("<spikes>", [np.array([0.5, 1]), None, np.array([])], spikes)
    assert column(query).type == pa.list_(pa.float32())
    assert column(query).to_pylist() == [[0.5, 1.0], None, []]
    assert pa.schema(query & "n > 9").field("x").type == pa.list_(pa.float32())
    image = codec("image", arrow_type="tensor<uint8>[?,?]")
    query = table("<image@>", [np.zeros((2, 2), "uint8")], image)
    assert extension(query.to_arrow().schema.field("x"))[0] == "arrow.variable_shape_tensor"


def test_a_codec_gives_whole_columns(table):
    calls = []

    def to_arrow(self, values):
        calls.append(len(values))
        return pa.array([None if value is None else len(value) for value in values], pa.int16())

    query = table("<measured>", ["abc", None, "de"] * 100, codec("measured", to_arrow=to_arrow))
    assert column(query).to_pylist() == [3, None, 2] * 100
    assert column(query).type == pa.int16() and calls == [300, 300]
    listed = codec("listed", arrow_type="list<int64>", to_arrow=lambda self, values: [[len(v)] for v in values])
    assert column(table("<listed>", ["abc"], listed)).to_pylist() == [[3]]


def test_what_a_codec_gives_must_be_what_it_declares(table):
    wrong = codec("wrong", arrow_type="int32", to_arrow=lambda self, values: pa.array([0.5] * len(values)))
    with pytest.raises(dj.DataJointError, match="`x` .<wrong>.: its codec gave Float64, not Int32"):
        table("<wrong>", ["a"], wrong).to_arrow()
    short = codec("short", to_arrow=lambda self, values: pa.array([1]))
    with pytest.raises(dj.DataJointError, match="the codec made 1 of 2 values"):
        table("<short>", ["a", "b"], short).to_arrow()
    failing = codec("failing", to_arrow=lambda self, values: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        table("<failing>", ["a"], failing).to_arrow()
    narrow = codec("narrow", arrow_type="list<int8>")
    with pytest.raises(dj.DataJointError, match="row 1: attribute `x` .<narrow>.: 300 is outside of Int8"):
        table("<narrow>", [[1], [300]], narrow).to_arrow()
    with pytest.raises(Exception, match="300 is outside of Int8"):
        pa.table(table("<narrow>", [[1], [300]]))
    with pytest.raises(dj.DataJointError, match="'list<lost>' is no type of a column|\"list<lost>\" is no type"):
        codec("lost", arrow_type="list<lost>")


def test_objects_of_a_codec_need_a_type(table):
    class Thing:
        pass

    things = codec("things", decode=lambda self, stored, *, key=None: Thing())
    query = table("<things>", [1], things)
    with pytest.raises(dj.DataJointError, match="type Thing has no form in a column; let its codec declare `arrow_type`"):
        query.to_arrow()
    assert query.proj().to_arrow().to_pylist() == [{"n": 0}]


def test_to_spark_is_a_rendering(table):
    graph = codec("graphs", to_spark=lambda self, decoded, *, key=None: [list(edge) for edge in decoded])
    assert column(table("<graphs>", [[(1, 2), (2, 3)], None], graph)).to_pylist() == [[[1, 2], [2, 3]], None]
    assert isinstance(dj.get_codec("graphs"), dj.SparkAdapter)


def test_to_spark_is_derived_from_the_declared_type(table):
    declared = codec("waves", arrow_type="struct<t: float64, v: list<float32>>")
    table("<waves>", [], declared)
    assert isinstance(declared(), dj.SparkAdapter) and not isinstance(dj.get_codec("blob"), dj.SparkAdapter)
    assert declared().to_spark({"t": np.float64(1), "v": np.array([1, 2])}) == {"t": 1.0, "v": [1, 2]}
    rendered = codec("counts", arrow_type=pa.int64(), to_arrow=lambda self, values: pa.array([len(v) for v in values]))
    table("<counts>", [], rendered)
    assert rendered().to_spark("abc", key={"n": 1}) == 3


def test_large_arrays_come_in_small_batches(table):
    arrays = [np.full(1 << 20, n, dtype="float64") for n in range(6)]
    query = table("<npy@>", arrays)
    sizes = [batch.num_rows for batch in query.to_arrow_batches(order_by="n")]
    assert sizes == [2, 2, 2]
    tables = pa.Table.from_batches(query.to_arrow_batches(order_by="n"))
    assert [value.to_numpy()[0] for value in tables.column("x")] == [0, 1, 2, 3, 4, 5]
