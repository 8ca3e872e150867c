"""Codecs in WebAssembly modules, from Python."""

import hashlib
import pathlib
import shutil

import lapjoint as dj
import numpy as np
import pytest

MODULES = pathlib.Path(__file__).parents[2] / "examples" / "wasm" / "modules"
FROZEN = pathlib.Path(__file__).parents[2] / "conformance" / "codecs" / "wasm" / "embedded-1.0"


@pytest.fixture
def place(tmp_path, monkeypatch):
    """A folder with a store, and no WebAssembly codec registered before or after."""
    (tmp_path / "store").mkdir()
    stores = {"default": "main", "main": {"protocol": "file", "location": str(tmp_path / "store")}}
    names = {path.stem for path in MODULES.glob("*.wasm")}
    with dj.config.override(stores=stores, database__backend="sqlite", database__name=str(tmp_path / "db")):
        yield tmp_path
    for name in names & set(dj.list_codecs()):
        dj.codecs.unregister_codec(name)


def test_a_module_is_a_codec(place):
    loaded = dj.codecs.load_wasm(MODULES / "delta.wasm")
    assert loaded.name == "delta" and loaded.version == "1.0"
    assert loaded.sha256 == hashlib.sha256((MODULES / "delta.wasm").read_bytes()).hexdigest()
    assert "delta" in dj.list_codecs()
    schema = dj.Schema("wasm_codec", connection=dj.Connection())

    @schema
    class Event(dj.Manual):
        definition = """
        event_id : int32
        ---
        inside : <delta>
        outside : <delta@>
        """

    times = np.cumsum(np.arange(1000)).astype("int64")
    Event.insert1({"event_id": 1, "inside": times, "outside": times.reshape(10, 100)})
    row = Event.fetch1()
    np.testing.assert_array_equal(row["inside"], times)
    np.testing.assert_array_equal(row["outside"], times.reshape(10, 100))
    assert row["outside"].dtype == np.int64
    with pytest.raises(dj.DataJointError, match="expects integers"):
        Event.insert1({"event_id": 2, "inside": np.zeros(3), "outside": times})
    assert len(Event()) == 1
    assert list((place / "store" / "_hash" / "wasm_codec").iterdir()), "the object of the store codec"


def test_bytes_and_faults(place):
    assert dj.codecs.load_wasm((MODULES / "runs.wasm").read_bytes()).name == "runs"
    with pytest.raises(FileNotFoundError):
        dj.codecs.load_wasm(place / "none.wasm")
    with pytest.raises(dj.DataJointError, match="is no WebAssembly module"):
        dj.codecs.load_wasm(b"\0asm\1\0\0")
    with pytest.raises(dj.DataJointError, match="is no SHA-256"):
        dj.codecs.trust_wasm("newest")


def test_a_folder_of_plugins(place):
    plugins = place / "plugins"
    plugins.mkdir()
    shutil.copy(MODULES / "xor.wasm", plugins)
    (plugins / "broken.wasm").write_bytes(b"nothing")
    with dj.config.override(codecs__wasm_path=str(plugins)):
        found = {path.name: loaded for path, loaded in dj.codecs.wasm_modules().items() if path.parent == plugins}
        assert found["xor.wasm"].name == "xor"
        assert "is no WebAssembly module" in found["broken.wasm"]
        schema = dj.Schema("wasm_folder", connection=dj.Connection())

        @schema
        class Trace(dj.Manual):
            definition = """
            trace_id : int32
            ---
            volts : <xor@>
            """

        volts = np.round(np.sin(np.arange(500) / 50), 2)
        Trace.insert1({"trace_id": 1, "volts": volts})
        np.testing.assert_array_equal(Trace.fetch1("volts"), volts)


def test_a_reader_without_the_codec_decides(place):
    loaded = dj.codecs.load_wasm(MODULES / "lz4-delta.wasm", embed_decoder=True)
    schema = dj.Schema("wasm_reader", connection=dj.Connection())

    @schema
    class Image(dj.Manual):
        definition = """
        image_id : int32
        ---
        counts : <lz4-delta@>
        small : <lz4-delta>
        """

    counts = np.arange(4096, dtype="uint32").reshape(64, 64)
    Image.insert1({"image_id": 1, "counts": counts, "small": counts[:2]})
    dj.codecs.unregister_codec("lz4-delta")

    def read():
        image = dj.VirtualModule("wasm_reader_there", "wasm_reader", connection=dj.Connection()).Image
        return image.fetch1("counts", "small")

    with pytest.raises(dj.DataJointError, match=loaded.sha256):
        read()
    dj.codecs.trust_wasm(loaded.sha256)
    try:
        for got, expected in zip(read(), (counts, counts[:2]), strict=True):
            np.testing.assert_array_equal(got, expected)
    finally:
        assert dj.codecs.distrust_wasm(loaded.sha256)
    with pytest.raises(dj.DataJointError, match="codecs.trusted_wasm"):
        read()
    with dj.config.override(codecs__trusted_wasm=[loaded.sha256]):
        np.testing.assert_array_equal(read()[0], counts)


def test_frozen_values_with_their_decoder(tmp_path):
    """A database and a store as they were written once: nothing that is installed is needed to read them."""
    shutil.copytree(FROZEN, tmp_path / "kept")
    kept = [path for path in (tmp_path / "kept/store").rglob("*") if path.is_file() and path.read_bytes()[:4] == b"\0asm"]
    assert len(kept) == 1
    trusted = hashlib.sha256(kept[0].read_bytes()).hexdigest()
    assert trusted == "976c105e5b931df2ed1e026d554e51b63e96ac619d1aa1b812d14e7c6936df8c"
    assert "lz4-delta" not in dj.list_codecs()
    stores = {"default": "main", "main": {"protocol": "file", "location": str(tmp_path / "kept/store")}}
    settings = {"database__backend": "sqlite", "database__name": str(tmp_path / "kept/database")}
    with dj.config.override(stores=stores, codecs__trusted_wasm=[trusted], **settings):
        image = dj.VirtualModule("microscope_kept", "microscope", connection=dj.Connection()).Image
        counts = (np.arange(4096, dtype="uint32") ** 2 % 10007).reshape(64, 64)
        for got, expected in zip(image.fetch1("counts", "small"), (counts, counts[:2]), strict=True):
            assert got.dtype == expected.dtype
            np.testing.assert_array_equal(got, expected)
