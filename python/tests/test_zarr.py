"""`<zarr@>` from Python: what it takes, what any Zarr library sees, and what slices read."""

import json
import pathlib
import pickle
import subprocess
import sys
import time

import lapjoint as dj
import numpy as np
import pytest

zarr = pytest.importorskip("zarr")


@pytest.fixture
def table(schema):
    @schema
    class Scan(dj.Manual):
        definition = """
        scan : int32
        ---
        movie : <zarr@main>
        """

    return Scan()


def stored(tmp_path, table, scan=1):
    """The folder of a row."""
    return tmp_path / "store" / (table & {"scan": scan}).fetch1("movie").path


def fetched(table, value, scan=1):
    table.insert1({"scan": scan, "movie": value})
    return (table & {"scan": scan}).fetch1("movie")


def test_an_array_is_a_folder_that_zarr_opens(table, tmp_path):
    movie = np.random.default_rng(1).normal(size=(100, 32, 3))
    reference = fetched(table, movie)
    assert isinstance(reference, dj.ZarrRef)
    assert (reference.shape, reference.dtype, reference.ndim) == ((100, 32, 3), np.dtype("float64"), 3)
    assert (reference.size, reference.nbytes, len(reference)) == (9600, 76800, 100)
    assert (reference.chunks, reference.shards, reference.nchunks, reference.zarr_format) == ((100, 32, 3), None, 1, 3)
    assert reference.store == "main" and reference.path.endswith(".zarr")
    assert repr(reference) == "ZarrRef(shape=(100, 32, 3), dtype=float64)"
    theirs = zarr.open_array(str(stored(tmp_path, table)), mode="r")
    np.testing.assert_array_equal(theirs[...], movie)
    np.testing.assert_array_equal(reference.load(), movie)
    np.testing.assert_array_equal(np.asarray(reference), movie)
    assert np.mean(reference) == np.mean(movie)
    assert reference.verify()
    about = reference.metadata
    assert set(about) >= {"path", "store", "shape", "dtype", "provenance", "codec_version", "is_dir"}


OPTIONS = [
    {},
    {"chunks": (10, 2, 3)},
    {"chunks": (10, 2, 2), "codec": "none"},
    {"chunks": (7, 5, 3), "codec": {"name": "zstd", "level": 9}},
    {"chunks": (7, 5, 3), "codec": "gzip", "zarr_format": 2},
    {"chunks": (7, 5, 3), "codec": {"name": "blosc", "cname": "lz4", "shuffle": "bitshuffle"}},
    {"chunks": (7, 5, 3), "codec": "blosc", "zarr_format": 2},
    {"chunks": (7, 5, 3), "zarr_format": 2},
    {"chunks": (5, 2, 3), "shards": (20, 4, 3)},
    {"shards": True, "attrs": {"gain": 2.5, "cells": ["a", "b"]}},
]


@pytest.mark.parametrize("options", OPTIONS, ids=lambda options: "-".join(map(str, options)) or "default")
def test_options_are_what_zarr_sees(table, tmp_path, options):
    movie = np.arange(37 * 5 * 3, dtype="uint16").reshape(37, 5, 3)
    reference = fetched(table, dj.ZarrValue(movie, **options))
    theirs = zarr.open_array(str(stored(tmp_path, table)), mode="r")
    np.testing.assert_array_equal(theirs[...], movie)
    np.testing.assert_array_equal(reference.load(), movie)
    assert theirs.chunks == reference.chunks == options.get("chunks", (37, 5, 3))
    assert theirs.metadata.zarr_format == reference.zarr_format == options.get("zarr_format", 3)
    assert theirs.shards == reference.shards
    assert dict(theirs.attrs) == reference.attrs == options.get("attrs", {})


TYPES = [
    "bool", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64", "float16", "float32", "float64",
    "complex64", "complex128", ">i2", ">f8", ">c16", "datetime64[ns]", "datetime64[D]", "timedelta64[ms]",
]  # fmt: skip


@pytest.mark.parametrize("zarr_format", [2, 3])
@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.filterwarnings("ignore::zarr.errors.UnstableSpecificationWarning")
def test_every_type_of_number_is_stored(table, tmp_path, dtype, zarr_format):
    values = np.arange(24).reshape(6, 4) % (2 if dtype == "bool" else 100)
    values = values.astype("int64").astype(dtype)
    if np.dtype(dtype).kind in "mM":
        values[0, 0] = "NaT"
    reference = fetched(table, dj.ZarrValue(values, chunks=(4, 3), zarr_format=zarr_format))
    theirs = zarr.open_array(str(stored(tmp_path, table)), mode="r")
    np.testing.assert_array_equal(theirs[...], values)
    np.testing.assert_array_equal(reference.load(), values)
    assert reference.dtype == values.dtype.newbyteorder("<")
    # The plugin writes the same by zarr-python; read as ours.
    mine = zarr.create_array(str(tmp_path / "other.zarr"), data=values, zarr_format=zarr_format)
    np.testing.assert_array_equal(fetched(table, mine, 2).load(), values)


def test_arrays_of_no_axes_or_elements(table, tmp_path):
    for scan, value in enumerate([np.array(7.5), np.empty((0, 3)), np.empty((4, 0), "int8"), np.zeros((1, 1))]):
        reference = fetched(table, value, scan)
        np.testing.assert_array_equal(np.asarray(reference), value)
        assert np.asarray(reference).shape == value.shape == reference.shape
        theirs = zarr.open_array(str(stored(tmp_path, table, scan)), mode="r")
        np.testing.assert_array_equal(theirs[...], value)


def test_memory_in_any_order(table):
    base = np.arange(4000).reshape(20, 10, 20)
    views = [base.T, base[::2], base[:, ::-1], np.asfortranarray(base), base[..., 3], base.swapaxes(1, 2)]
    for scan, view in enumerate(views):
        np.testing.assert_array_equal(fetched(table, dj.ZarrValue(view, chunks=(3,) * view.ndim), scan).load(), view)


@pytest.mark.parametrize("value", [[1, 2], "text", 5, {"a": 1}, np.array(["a", None], object), np.array(["abc"]),
                                   np.zeros(2, "M8"), np.zeros(3, [("x", "f8")]), iter([]), iter([[1.0]]),
                                   iter([np.float64(1.0)]), np.ma.masked_array([1, 2], [True, False])])  # fmt: skip
def test_what_is_no_array_of_numbers_is_refused(table, value):
    with pytest.raises(dj.DataJointError) as error:
        table.insert1({"scan": 1, "movie": value})
    assert "zarr" in str(error.value) or "mask" in str(error.value)
    assert len(table) == 0
    with pytest.raises((TypeError, dj.DataJointError)):
        dj.get_codec("zarr").validate(value)


def test_mistakes_in_options_are_named(table):
    for options, word in [({"chunks": (1,)}, "[4, 4]"), ({"codec": "lzma"}, "lzma"), ({"attrs": {"a": object()}}, "JSON"),
                          ({"zarr_format": 1}, "2 or 3"), ({"shards": (3, 3), "chunks": (2, 2)}, "multiples")]:  # fmt: skip
        with pytest.raises(TypeError, match=word.replace("[", r"\[")):
            table.insert1({"scan": 1, "movie": dj.ZarrValue(np.zeros((4, 4)), **options)})


INDICES = [
    (), 3, -1, slice(2, 30, 7), slice(30, 2, -7), (slice(None), 2), (Ellipsis, 1), (2, Ellipsis), (None, 3, slice(1, 3)),
    (slice(5, 5),), ([1, 5, 5, 0],), (slice(None), [4, -1], slice(None, None, -1)), ([1, 2], [0, 3]), ([1, 2], slice(None), [0, 2]),
    (0, slice(None), [1, 2]), np.arange(37) % 5 == 0, (Ellipsis, np.array([True, False, True])), np.array([[1, 2], [3, 36]]),
    (np.int64(4), np.uint8(2)), (slice(None), None, 1), ([], 1),
]  # fmt: skip


@pytest.mark.parametrize("sharded", [False, True])
def test_every_index_gives_what_numpy_gives(table, sharded):
    movie = np.arange(37 * 5 * 3, dtype="int32").reshape(37, 5, 3)
    options = {"chunks": (5, 2, 2), "shards": (10, 4, 2)} if sharded else {"chunks": (5, 2, 2)}
    reference = fetched(table, dj.ZarrValue(movie, **options))
    for index in [*INDICES, movie % 7 == 0, movie[:, :, 0] > 100]:
        np.testing.assert_array_equal(reference[index], movie[index], err_msg=str(index))
        assert np.shape(reference[index]) == np.shape(movie[index]), index
    for index in [40, (0, 0, 0, 0), 2.5, "a", True, (Ellipsis, Ellipsis), [40], np.zeros((3, 3), bool)]:
        with pytest.raises(IndexError):
            reference[index]
    np.testing.assert_array_equal(np.stack(list(reference)), movie)
    np.testing.assert_array_equal(np.concatenate(list(reference.slabs())), movie)
    np.testing.assert_array_equal(reference.zarr()[2:9], movie[2:9])
    with pytest.raises(AttributeError, match=r"\.zarr\(\)"):
        reference.oindex


def test_references_go_to_workers(table):
    movie = np.arange(100.0)
    reference = fetched(table, movie)
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(reference))[10:20], movie[10:20])
    opened = pickle.loads(pickle.dumps(reference.zarr()))
    np.testing.assert_array_equal(opened[10:20], movie[10:20])
    with pytest.raises(Exception, match="read"):
        reference.zarr()[0] = 1.0


def test_zarr_arrays_keep_their_layout(table, tmp_path):
    movie = np.random.default_rng(2).integers(0, 1000, (60, 20)).astype("int16")
    for scan, options in enumerate([{"chunks": (7, 6)}, {"chunks": (5, 5), "shards": (20, 10)}, {"zarr_format": 2, "chunks": (9, 20)}]):
        source = zarr.create_array(str(tmp_path / f"source{scan}.zarr"), data=movie, **options)
        source.attrs["unit"] = "mV"
        reference = fetched(table, source, scan)
        np.testing.assert_array_equal(reference.load(), movie)
        assert reference.chunks == source.chunks and reference.shards == source.shards
        assert reference.attrs == {"unit": "mV"}
    copy = fetched(table, reference, 10)
    np.testing.assert_array_equal(copy.load(), movie)
    assert copy.path != reference.path and copy.attrs == {"unit": "mV"}


def test_slabs_of_an_iterator_become_one_array(table, tmp_path):
    movie = np.arange(1000 * 7).reshape(1000, 7)
    for scan, options in enumerate([{}, {"chunks": (30, 4)}, {"chunks": (30, 4), "shards": (60, 8)}]):
        slabs = (movie[at : at + 13] for at in range(0, 1000, 13))
        reference = fetched(table, dj.ZarrValue(slabs, **options), scan)
        np.testing.assert_array_equal(reference.load(), movie)
        np.testing.assert_array_equal(zarr.open_array(str(stored(tmp_path, table, scan)), mode="r")[...], movie)


def test_what_an_iterator_raises_reaches_the_user_and_leaves_nothing(table, tmp_path):
    def slabs():
        yield np.zeros((10, 3))
        raise RuntimeError("the microscope stopped")

    with pytest.raises(Exception, match="the microscope stopped"):
        table.insert1({"scan": 1, "movie": slabs()})
    assert len(table) == 0 and not list((tmp_path / "store").rglob("*.zarr"))
    with pytest.raises(TypeError, match="slabs of one type and shape"):
        table.insert1({"scan": 1, "movie": iter([np.zeros((10, 3)), np.zeros((10, 4))])})


def test_a_failed_insert_leaves_no_folder(table, tmp_path):
    rows = [{"scan": 1, "movie": np.arange(10)}, {"scan": 1, "movie": np.arange(20)}]
    with pytest.raises(dj.errors.DuplicateError):
        table.insert(rows)
    assert [path for path in (tmp_path / "store").rglob("*") if path.is_file()] == []


def test_a_missing_or_damaged_chunk_is_an_error_that_names_it(table, tmp_path):
    movie = np.arange(400).reshape(40, 10)
    reference = fetched(table, dj.ZarrValue(movie, chunks=(10, 10)))
    chunk = stored(tmp_path, table) / "c" / "2" / "0"
    content = chunk.read_bytes()
    chunk.write_bytes(content[:-1] + b"\0")
    with pytest.raises(dj.errors.ObjectIntegrityError, match="c/2/0"):
        reference.load()
    np.testing.assert_array_equal(reference[:20], movie[:20])
    chunk.unlink()
    with pytest.raises(dj.errors.MissingExternalFile, match="c/2/0"):
        reference[25]


def test_collection_takes_the_folder_with_the_row(table, schema, tmp_path):
    fetched(table, dj.ZarrValue(np.arange(100), chunks=(10,)))
    folder = stored(tmp_path, table)
    # As the plugin leaves it: no manifest, and metadata that do not say that it is a folder.
    fetched(table, np.arange(50), 2)
    other = stored(tmp_path, table, 2)
    pathlib.Path(f"{other}.manifest.json").unlink()
    column = json.dumps({"path": str(other.relative_to(tmp_path / "store")), "store": "main", "shape": [50], "dtype": "int64"})
    schema.connection.query(f"UPDATE {table.full_table_name} SET movie = %s WHERE scan = 2", (column,))
    collector = dj.gc.GarbageCollector(schema, grace=0)
    assert collector.collect(dry_run=False)["deleted"] == 0
    np.testing.assert_array_equal((table & "scan = 2").fetch1("movie").load(), np.arange(50))
    for scan, path in ((1, folder), (2, other)):
        (table & {"scan": scan}).delete(prompt=False)
        assert collector.collect(dry_run=False)["deleted"] > 0 and not [file for file in path.rglob("*") if file.is_file()]
    assert not [path for path in (tmp_path / "store").rglob("*") if path.is_file()]


KILLED = """
import sys
import lapjoint as dj, numpy as np
dj.config["database.backend"] = "sqlite"
dj.config["database.name"] = sys.argv[1] + "/database"
dj.config["stores"] = {"default": "main", "main": {"protocol": "file", "location": sys.argv[1] + "/store"}}
schema = dj.Schema("lab")
@schema
class Scan(dj.Manual):
    definition = "scan : int32\\n---\\nmovie : <zarr@main>"
if len(sys.argv) > 2:
    movie = np.random.default_rng(0).integers(0, 255, (4000, 50_000), dtype="uint8")
    Scan.insert1({"scan": 1, "movie": dj.ZarrValue(movie, chunks=(1, 50_000))})
print(len(Scan()))
"""


def test_a_killed_insert_leaves_nothing(tmp_path):
    (tmp_path / "store").mkdir(exist_ok=True)

    def files():
        return [path for path in (tmp_path / "store").rglob("*") if path.is_file() and "zarr" in str(path)]

    program = [sys.executable, "-c", KILLED, str(tmp_path)]
    writing = subprocess.Popen([*program, "write"], cwd=tmp_path)
    while len(files()) < 50 and writing.poll() is None:
        time.sleep(0.01)
    writing.kill()
    assert writing.wait() != 0 and files()
    shown = subprocess.run(program, check=True, capture_output=True, text=True, cwd=tmp_path).stdout
    assert shown.strip() == "0" and not files()


def test_update1_and_codec_objects_take_the_same_values(table):
    fetched(table, np.arange(5))
    table.update1({"scan": 1, "movie": dj.ZarrValue(iter([np.arange(3), np.arange(4)]), chunks=(2,))})
    np.testing.assert_array_equal((table & "scan=1").fetch1("movie")[...], [0, 1, 2, 0, 1, 2, 3])
    codec = dj.get_codec("<zarr@>")
    key = {"_schema": "s", "_table": "t", "_field": "f", "scan": 1}
    stored = codec.encode(dj.ZarrValue(np.arange(6), chunks=(2,)), key=key, store_name="main")
    np.testing.assert_array_equal(codec.decode(stored, key=key)[1:5], [1, 2, 3, 4])


PROGRAM = """
import resource, sys
import lapjoint as dj, numpy as np
dj.config["database.backend"] = "sqlite"
dj.config["database.name"] = sys.argv[1] + "/database"
dj.config["stores"] = {"default": "main", "main": {"protocol": "file", "location": sys.argv[1] + "/main"}}
schema = dj.Schema("memory")
@schema
class Scan(dj.Manual):
    definition = "scan : int32\\n---\\nmovie : <zarr@main>"
base = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
rng = np.random.default_rng(0)
Scan.insert1({"scan": 1, "movie": (rng.integers(0, 255, (64, 512, 512), dtype="uint8") for _ in range(32))})
print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - base) / 1024)
"""


def test_memory_of_an_iterator_is_bounded(tmp_path):
    (tmp_path / "main").mkdir()
    run = [sys.executable, "-c", PROGRAM, str(tmp_path)]
    grown_mb = float(subprocess.run(run, check=True, capture_output=True, text=True, cwd=tmp_path).stdout)
    # 512 MB come in slabs of 16 MB.
    assert grown_mb < 250, grown_mb
