"""Built-in codecs against datajoint 2.3.5: the same paths and metadata given the same token, and the same values."""

import datetime
import json
import pathlib

import numpy as np
import pytest
import tagged

import datajoint as dj
from datajoint import storage
from datajoint.builtin_codecs import schema as dj_schema
from datajoint.codecs import get_codec

TOKEN = "Ab3-_xY9"
CONTEXT = {"schema": "lab", "table": "__spikes", "field": "value"}
KEY = {"subject": "mouse/1:a é", "day": datetime.date(2024, 1, 2), "number": 7}


class Pair:
    """A file store that both systems use, and a value's way through a chain of codecs in each."""

    def __init__(self, engine, folder):
        self.engine, self.folder = engine, folder
        self.location = folder / "store"
        self.location.mkdir()
        self.config = dj.settings.Config()
        self.config.stores = {
            "default": "main",
            "filepath_default": "main",
            "main": {"protocol": "file", "location": str(self.location)},
        }
        self.request = {"store": "main", "location": str(self.location), "downloads": str(folder / "down")}

    def theirs(self, codecs, value):
        key = {
            **KEY,
            "_schema": CONTEXT["schema"],
            "_table": CONTEXT["table"],
            "_field": CONTEXT["field"],
            "_config": self.config,
        }
        for name in codecs:
            value = get_codec(name).encode(value, key=key, store_name="main")
        return value

    def theirs_back(self, codecs, stored):
        for name in reversed(codecs):
            stored = get_codec(name).decode(stored, key={"_config": self.config})
        return stored

    def ours(self, spec, value):
        key = [[name, tagged.dump(part)] for name, part in KEY.items()]
        answer = self.engine.ask(
            "encode", type=spec, value=tagged.dump(value), key=key, token=TOKEN, **CONTEXT, **self.request
        )
        assert "error" not in answer, answer
        return answer["json"] if "json" in answer else tagged.load(answer["value"])

    def ours_back(self, spec, stored):
        request = {"json": stored} if isinstance(stored, dict) else {"value": tagged.dump(stored)}
        answer = self.engine.ask("decode", type=spec, **request, **self.request)
        assert "error" not in answer, answer
        return tagged.load(answer["value"])


@pytest.fixture
def pair(engine, tmp_path, monkeypatch):
    for module in (storage, dj_schema):
        if hasattr(module, "generate_token"):
            monkeypatch.setattr(module, "generate_token", lambda *_, **__: TOKEN)
    pair = Pair(engine, tmp_path)
    dj.config.stores = pair.config.stores
    dj.config.download_path = str(tmp_path / "down")
    return pair


def without(metadata, *keys):
    return {key: value for key, value in metadata.items() if key not in keys}


def same_metadata(theirs, ours, *ignored):
    """Their keys, in their order, with their values; what we add comes last."""
    assert list(ours)[: len(theirs)] == list(theirs)
    assert without({key: ours[key] for key in theirs}, *ignored) == without(theirs, *ignored)


def test_blob_in_the_table(pair):
    value = {"a": np.arange(10.0), "b": [1, None, "x"]}
    assert tagged.same(pair.ours_back("<blob>", pair.theirs(["blob"], value)), value)
    assert tagged.same(pair.theirs_back(["blob"], pair.ours("<blob>", value)), value)


def test_blob_in_a_store(pair):
    value = np.arange(40.0).reshape(5, 8)
    theirs, ours = pair.theirs(["blob", "hash"], value), pair.ours("<blob@main>", value)
    same_metadata(theirs, ours)
    assert tagged.same(pair.ours_back("<blob@main>", theirs), value)
    assert tagged.same(pair.theirs_back(["blob", "hash"], ours), value)


def test_hash(pair):
    value = b"some bytes"
    theirs, ours = pair.theirs(["hash"], value), pair.ours("<hash@>", value)
    same_metadata(theirs, ours)
    assert pair.ours_back("<hash@>", theirs) == value == pair.theirs_back(["hash"], ours)


def test_attach(pair, tmp_path, monkeypatch):
    # Attached files come back in the working directory.
    monkeypatch.chdir(tmp_path)
    file = tmp_path / "notes.txt"
    file.write_bytes(b"content\0with NUL")
    assert pair.ours("<attach>", str(file)) == pair.theirs(["attach"], str(file))
    theirs, ours = pair.theirs(["attach", "hash"], str(file)), pair.ours("<attach@main>", str(file))
    same_metadata(theirs, ours)
    for path in (pair.ours_back("<attach@main>", theirs), pair.theirs_back(["attach", "hash"], ours)):
        assert pathlib.Path(path).name == "notes.txt"
        assert pathlib.Path(path).read_bytes() == file.read_bytes()


@pytest.mark.parametrize(
    "array",
    [
        np.arange(12, dtype="i4").reshape(3, 4),
        np.asfortranarray(np.arange(6.0).reshape(2, 3)),
        np.zeros((0, 2), dtype="f4"),
        np.array(["2024-01-01"], dtype="M8[us]"),
        np.array([1.5], dtype=">f8"),
    ],
    ids=lambda array: f"{array.dtype}{array.shape}",
)
def test_npy(pair, array):
    theirs = pair.theirs(["npy"], array)
    their_file = (pair.location / theirs["path"]).read_bytes()
    (pair.location / theirs["path"]).unlink()
    ours = pair.ours("<npy@main>", array)
    same_metadata(theirs, ours)
    assert (pair.location / ours["path"]).read_bytes() == their_file
    assert np.array_equal(pair.theirs_back(["npy"], ours).load(), array)
    assert np.array_equal(pair.ours_back("<npy@main>", theirs), array)


@pytest.mark.parametrize("kind", ["bytes", "named bytes", "file", "folder"])
def test_object(pair, tmp_path, kind):
    folder = tmp_path / "folder"
    (folder / "sub").mkdir(parents=True)
    (folder / "a.txt").write_text("a")
    (folder / "sub" / "b é.bin").write_bytes(b"bb")
    sources = {
        "bytes": b"raw",
        "named bytes": (".dat", b"raw"),
        "file": str(folder / "a.txt"),
        "folder": str(folder),
    }
    theirs = pair.theirs(["object"], sources[kind])
    their_reference = pair.theirs_back(["object"], theirs)
    stored = pair.location / theirs["path"]
    if kind == "folder":
        manifest = pair.location / (theirs["path"] + ".manifest.json")
        their_manifest = json.loads(manifest.read_text())
        assert pair.ours_back("<object@main>", theirs) is None
        their_reference._backend.remove_folder(theirs["path"])
    else:
        assert pair.ours_back("<object@main>", theirs) == stored.read_bytes()
        stored.unlink()
    ours = pair.ours("<object@main>", sources[kind])
    same_metadata(theirs, ours, "timestamp")
    reference = pair.theirs_back(["object"], ours)
    assert reference.verify()
    if kind == "folder":
        our_manifest = json.loads(manifest.read_text())
        assert list(our_manifest) == list(their_manifest)
        by_path = lambda file: file["path"]  # noqa: E731
        files = [without(file, "crc32c") for file in our_manifest["files"]]
        assert sorted(files, key=by_path) == sorted(their_manifest["files"], key=by_path)
        assert (stored / "sub" / "b é.bin").read_bytes() == b"bb"
    else:
        assert reference.read() == stored.read_bytes()


def test_filepath(pair):
    (pair.location / "raw").mkdir()
    (pair.location / "raw" / "data.bin").write_bytes(b"12345")
    theirs, ours = pair.theirs(["filepath"], "raw/data.bin"), pair.ours("<filepath@main>", "raw/data.bin")
    same_metadata(theirs, ours, "timestamp")
    assert pair.ours_back("<filepath@main>", theirs) == b"12345" == pair.theirs_back(["filepath"], ours).read()
