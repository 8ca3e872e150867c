"""Codecs that keep files of their own: staged with the row, or not at all."""

import io
import pathlib
import tempfile

import numpy as np
import pytest

import lapjoint as dj


class NpzCodec(dj.SchemaCodec):
    """Several arrays in one file."""

    name = "npz"

    def encode(self, value, *, key=None, store_name=None):
        schema, table, field, primary_key = self._extract_context(key)
        path, _ = self._build_path(schema, table, field, primary_key, ext=".npz", store_name=store_name)
        buffer = io.BytesIO()
        np.savez(buffer, **value)
        backend = self._get_backend(store_name)
        backend.put_buffer(buffer.getvalue(), path)
        assert backend.exists(path) and backend.get_buffer(path) == buffer.getvalue()
        return {"path": path, "store": store_name, "names": sorted(value)}

    def decode(self, stored, *, key=None):
        content = self._get_backend(stored.get("store")).get_buffer(stored["path"])
        return dict(np.load(io.BytesIO(content)))


class FolderCodec(dj.SchemaCodec):
    """A folder of files, written to a place that is gone when encode returns."""

    name = "folder"

    def encode(self, value, *, key=None, store_name=None):
        path, _ = self._build_path(*self._extract_context(key), store_name=store_name)
        with tempfile.TemporaryDirectory() as folder:
            for name, content in value.items():
                file = pathlib.Path(folder, name)
                file.parent.mkdir(exist_ok=True)
                file.write_bytes(content)
            manifest = self._get_backend(store_name).put_folder(folder, path)
        return {"path": path, "store": store_name, "is_dir": True, "size": manifest["total_size"], "names": list(value)}

    def decode(self, stored, *, key=None):
        backend = self._get_backend(stored["store"])
        return {name: backend.get_buffer(f"{stored['path']}/{name}") for name in stored["names"]}


@pytest.fixture
def table(schema):
    @schema
    class Files(dj.Manual):
        definition = """
        subject : varchar(20)
        number : int32
        ---
        arrays = null : <npz@>
        folder = null : <folder@main>
        """

    return Files


def objects(tmp_path):
    return sorted(str(p.relative_to(tmp_path / "store")) for p in (tmp_path / "store" / "_schema").rglob("*") if p.is_file())


def test_files_are_stored_under_the_tables_path(table, tmp_path):
    arrays = {"a": np.arange(5), "b": np.eye(2)}
    folder = {"x.txt": b"x", "sub/y.bin": b"\0" * 1000}
    table.insert1({"subject": "m/1", "number": 7, "arrays": arrays, "folder": folder})
    back = table.fetch1()
    assert {name: value.tolist() for name, value in back["arrays"].items()} == {
        name: value.tolist() for name, value in arrays.items()
    }
    assert back["folder"] == folder
    stored = objects(tmp_path)
    assert len(stored) == 4 and all(path.startswith("_schema/lab/files/subject=m%2F1/number=7/") for path in stored)
    assert sum(path.endswith(".manifest.json") for path in stored) == 1


def test_a_failed_insert_leaves_no_files(table, tmp_path):
    row = {"subject": "m", "number": 1, "arrays": {"a": np.zeros(3)}, "folder": {"f": b"1"}}
    table.insert1(row)
    before = objects(tmp_path)
    with pytest.raises(dj.errors.DuplicateError):
        table.insert([{**row, "number": 2}, row])
    assert objects(tmp_path) == before
    with pytest.raises(ZeroDivisionError), dj.conn().transaction:
        table.insert1({**row, "number": 2})
        assert len(objects(tmp_path)) == 2 * len(before)
        raise ZeroDivisionError
    assert objects(tmp_path) == before and len(table()) == 1


def test_outside_of_an_insert_a_backend_writes_at_once(schema, tmp_path):
    backend = NpzCodec._get_backend()
    backend.put_buffer(b"abc", "raw/x.bin")
    assert backend.size("raw/x.bin") == 3 and backend.open("raw/x.bin").read() == b"abc"
    assert backend.exists("raw") and backend.isdir("raw") and backend._full_path("raw/x.bin").endswith("store/raw/x.bin")
    (tmp_path / "source").mkdir()
    (tmp_path / "source" / "f").write_bytes(b"12")
    assert backend.put_folder(tmp_path / "source", "folders/a")["item_count"] == 1
    assert backend.get_buffer("folders/a/f") == b"12" and backend.exists("folders/a.manifest.json")
    backend.remove_folder("folders/a")
    backend.remove("raw/x.bin")
    assert not backend.exists("raw/x.bin") and not backend.exists("folders/a.manifest.json")
    with pytest.raises(dj.errors.MissingExternalFile):
        backend.get_buffer("raw/x.bin")
    with pytest.raises(dj.DataJointError, match="requires @"):
        schema(type("T", (dj.Manual,), {"definition": "id : int8\n---\nx : <npz>"}))


def test_a_mapping_is_stored_as_a_folder(schema):
    pytest.importorskip("fsspec", reason="fsspec comes with datajoint in the test environment")

    class Mapped(dj.SchemaCodec):
        name = "mapped"

        def encode(self, value, *, key=None, store_name=None):
            path, _ = self._build_path(*self._extract_context(key), ext=".map", store_name=store_name)
            mapping = self._get_backend(store_name).get_fsmap(path)
            for name, content in value.items():
                mapping[name] = content
            return {"path": path, "store": store_name, "is_dir": True}

        def decode(self, stored, *, key=None):
            mapping = self._get_backend(stored["store"]).get_fsmap(stored["path"])
            return {name: mapping[name] for name in mapping}

    table = schema(type("Maps", (dj.Manual,), {"definition": "id : int8\n---\nx : <mapped@main>"}))
    table.insert1({"id": 1, "x": {"c/0/0": b"chunk", "zarr.json": b"{}"}})
    assert table.fetch1("x") == {"c/0/0": b"chunk", "zarr.json": b"{}"}


def test_copies_on_their_way_are_removed(table, tmp_path, monkeypatch):
    (tmp_path / "scratch").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "scratch"))
    row = {"subject": "m", "number": 1, "arrays": {"a": np.arange(3)}, "folder": {"x": b"1", "y/z": b"2"}}
    table.insert1(row)
    with pytest.raises(dj.errors.DuplicateError):
        table.insert1(row)
    assert list((tmp_path / "scratch").iterdir()) == []
