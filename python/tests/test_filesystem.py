"""Stores as filesystems of fsspec, for what reads and writes by them; backends; adapters of further kinds of stores."""

import io
import pickle

import numpy as np
import pytest

import lapjoint as dj
from lapjoint.storage import StorageBackend, backend_of

fsspec = pytest.importorskip("fsspec")


@pytest.fixture(params=["file", "memory"])
def backend(request, schema, tmp_path):
    if request.param == "memory":
        dj.config.stores["ram"] = {"protocol": "memory"}
        return backend_of("ram")
    return backend_of()


def test_a_backend_writes_and_reads(backend, tmp_path):
    backend.put_buffer(b"0123456789", "a/b.bin")
    assert backend.get_buffer("a/b.bin") == b"0123456789" and backend.size("a/b.bin") == 10
    assert backend.exists("a/b.bin") and backend.isdir("a") and not backend.exists("a/c")
    with backend.open("a/b.bin") as file:
        file.seek(-3, io.SEEK_END)
        assert file.read() == b"789"
    with backend.open("a/text.txt", "w") as file:
        file.write("é")
    assert backend.open("a/text.txt", "r").read() == "é"
    with pytest.raises(RuntimeError), backend.open("a/lost.bin", "wb") as file:
        file.write(b"half")
        raise RuntimeError("stop")
    assert not backend.exists("a/lost.bin")
    folder = tmp_path / "source" / "deep"
    folder.mkdir(parents=True)
    (folder / "x").write_bytes(b"xx")
    manifest = backend.put_folder(folder.parent, "f")
    assert (manifest["total_size"], manifest["item_count"]) == (2, 1) and backend.exists("f.manifest.json")
    backend.get_folder("f", tmp_path / "copy")
    assert (tmp_path / "copy" / "deep" / "x").read_bytes() == b"xx"
    assert backend.copy_from_url((folder / "x").as_uri(), "u") == 2 and backend.get_buffer("u") == b"xx"
    backend.remove_folder("f")
    backend.remove("a/b.bin")
    backend.remove("a/b.bin")
    assert not backend.exists("f/deep/x") and not backend.exists("f.manifest.json") and not backend.exists("a/b.bin")
    with pytest.raises(dj.errors.MissingExternalFile, match="a/b.bin"):
        backend.get_buffer("a/b.bin")


def test_a_store_is_a_filesystem(backend):
    fs, root = backend.fs, backend._full_path("tree")
    fs.pipe(f"{root}/a/x", b"one")
    fs.pipe({f"{root}/a/y": b"two", f"{root}/b/z": b"three"})
    assert sorted(path.rsplit("/", 1)[1] for path in fs.find(root)) == ["x", "y", "z"]
    assert fs.isdir(f"{root}/a") and fs.size(f"{root}/b/z") == 5
    assert fs.cat_file(f"{root}/b/z", start=1, end=3) == b"hr" and fs.cat_file(f"{root}/b/z", start=-2) == b"ee"
    assert [entry["type"] for entry in sorted(fs.ls(root, detail=True), key=lambda e: e["name"])] == ["directory", "directory"]
    mapper = backend.get_fsmap("tree")
    assert sorted(mapper) == ["a/x", "a/y", "b/z"] and mapper["a/y"] == b"two" and "c" not in mapper
    fs.rm(f"{root}/a", recursive=True)
    assert sorted(mapper) == ["b/z"]
    with pytest.raises(FileNotFoundError):
        fs.info(f"{root}/a/x")


def test_zarr_on_a_store(backend):
    zarr = pytest.importorskip("zarr")
    data = np.arange(60.0).reshape(12, 5)
    array = zarr.create_array(backend.get_fsmap("x.zarr"), shape=data.shape, dtype=data.dtype, chunks=(4, 5))
    array[...] = data
    back = zarr.open_array(backend.get_fsmap("x.zarr"), mode="r")
    assert back.chunks == (4, 5) and np.array_equal(back[3:7], data[3:7])


def test_hdf5_and_xarray_on_a_store(backend):
    h5py, xarray = pytest.importorskip("h5py"), pytest.importorskip("xarray")
    buffer = io.BytesIO()
    with h5py.File(buffer, "w") as file:
        file["x"] = np.arange(1000)
    backend.put_buffer(buffer.getvalue(), "data.h5")
    with backend.open("data.h5") as stream, h5py.File(stream, "r") as file:
        assert file["x"][10:13].tolist() == [10, 11, 12]
    pytest.importorskip("zarr")
    dataset = xarray.Dataset({"t": (("y", "x"), np.arange(6.0).reshape(2, 3))})
    dataset.to_zarr(backend.get_fsmap("data.zarr"), mode="w", consolidated=False)
    back = xarray.open_zarr(backend.get_fsmap("data.zarr"), consolidated=False)
    assert back.load().equals(dataset)


def test_references_cross_to_other_processes(schema):
    @schema
    class Trace(dj.Manual):
        definition = "id : int32\n---\nwave : <npy@>\nfile : <object@>"

    Trace.insert1({"id": 1, "wave": np.arange(1000.0), "file": (".txt", io.BytesIO(b"text"))})
    wave, file = pickle.loads(pickle.dumps(Trace.fetch1("wave", "file")))
    assert wave[-3:].tolist() == [997.0, 998.0, 999.0] and not wave.is_loaded
    assert file.read() == b"text" and file.verify() and file.to_json()["size"] == 4


@pytest.mark.parametrize(
    "index",
    [
        3, -1, slice(2, 5), slice(None, None, -2), (slice(1, 4), 2), (Ellipsis, slice(3, 0, -1)), (0, Ellipsis), (slice(0, 0),),
        (slice(-3, None), -2, slice(None, None, 3)), [0, 2], np.array([True, False] * 3),
    ],
    ids=str,
)  # fmt: skip
@pytest.mark.parametrize("order", ["C", "F"])
def test_slices_are_those_of_numpy(schema, index, order):
    table = schema(type("Cube", (dj.Manual,), {"definition": "id : int32\n---\ncube : <npy@>"}))
    cube = np.asarray(np.arange(6 * 5 * 7).reshape(6, 5, 7), order=order)
    table.insert1({"id": 1, "cube": cube})
    part = table.fetch1("cube")[index]
    assert np.array_equal(part, cube[index]) and np.shape(part) == cube[index].shape


def test_slices_out_of_bounds(schema):
    table = schema(type("Line", (dj.Manual,), {"definition": "id : int32\n---\nline : <npy@>"}))
    table.insert1({"id": 1, "line": np.arange(3)})
    line = table.fetch1("line")
    with pytest.raises(IndexError, match="index 3 is out of bounds for axis 0 with size 3"):
        line[3]
    with pytest.raises(IndexError):
        line[0, 0]
    assert line.load(mmap_mode="r").__class__ is np.memmap and not line.is_loaded


class RamAdapter(dj.StorageAdapter):
    """A kind of store that only fsspec knows."""

    protocol = "fsspecram"
    required_keys = ("protocol", "location")
    allowed_keys = ("protocol", "location", "flavour")

    def create_filesystem(self, spec):
        return fsspec.filesystem("memory")


class Note(dj.SchemaCodec):
    """Text in a file, by whatever backend the store has."""

    name = "note"

    def encode(self, value, *, key=None, store_name=None):
        self._get_backend(store_name).put_buffer(value.encode(), f"notes/{key['id']}")
        return {"path": f"notes/{key['id']}", "store": store_name}

    def decode(self, stored, *, key=None):
        return self._get_backend(stored["store"]).get_buffer(stored["path"]).decode()


def test_adapters_of_further_stores(schema, monkeypatch, tmp_path):
    from lapjoint import storage_adapter

    monkeypatch.setitem(storage_adapter._adapter_registry, "fsspecram", RamAdapter())
    dj.config.stores["far"] = {"protocol": "fsspecram", "location": "/bucket"}
    assert dj.config.get_store_spec("far")["token_length"] == 8
    backend = backend_of("far")
    backend.put_buffer(b"bytes", "a/b")
    assert backend.get_buffer("a/b") == b"bytes" and backend.fs.cat("/bucket/a/b") == b"bytes"
    table = schema(type("Far", (dj.Manual,), {"definition": "id : int32\n---\ntext : <note@far>"}))
    table.insert1({"id": 1, "text": "é"})
    assert table.fetch1("text") == "é"
    # The engine's own codecs use it, too.
    table = schema(
        type("Both", (dj.Manual,), {"definition": "id : int32\n---\nx : <npy@far>\ny : <blob@far>\nz : <object@far>"})
    )
    (tmp_path / "tree").mkdir()
    (tmp_path / "tree" / "leaf").write_bytes(b"green")
    wave = np.arange(1000.0)
    table.insert1({"id": 1, "x": wave, "y": {"a": wave}, "z": tmp_path / "tree"})
    row = table.fetch1()
    assert row["x"][10:13].tolist() == [10, 11, 12] and np.array_equal(row["x"], wave) and np.array_equal(row["y"]["a"], wave)
    assert row["z"].listdir() == ["leaf"] and row["z"].open("leaf").read() == b"green" and row["z"].verify()
    paths = {path for path, _ in dj.config._core.store("far").list("")}
    with pytest.raises(dj.errors.DuplicateError):
        table.insert1({"id": 1, "x": wave, "y": 5, "z": b"bytes"})
    assert {path for path, _ in dj.config._core.store("far").list("")} == paths, "nothing is left of a failed insert"
    dj.config.stores["wrong"] = {"protocol": "fsspecram", "location": "/b", "colour": 1}
    with pytest.raises(dj.DataJointError, match=r"Invalid key\(s\) for fsspecram: colour"):
        backend_of("wrong")
    with pytest.raises(dj.DataJointError, match="Install a plugin"):
        StorageBackend({"protocol": "nowhere", "location": ""})
