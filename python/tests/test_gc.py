"""Collection of objects that no row refers to."""

import time

import numpy as np
import pytest

import lapjoint as dj


class Recording(dj.Manual):
    definition = """
    recording : int32
    ---
    blob = null : <blob@>
    trace = null : <npy@>
    pair = null : <gc_pair@>
    files = null : <gc_files@>
    """


class PairCodec(dj.Codec):
    """Leaves storing to `<blob>`, as the codecs of DataJoint's documentation do."""

    name = "gc_pair"

    def get_dtype(self, is_store):
        return "<blob>"

    def encode(self, value, *, key=None, store_name=None):
        return {"left": value[0], "right": value[1]}

    def decode(self, stored, *, key=None):
        return stored["left"], stored["right"]


class FilesCodec(dj.SchemaCodec):
    """Keeps two objects, of which the metadata names only the first: `referenced_paths` knows both."""

    name = "gc_files"

    def encode(self, value, *, key=None, store_name=None, context=None):
        schema, table, field, primary_key = self._extract_context(key, context)
        path, _ = self._build_path(schema, table, field, primary_key, ext=".first", store_name=store_name)
        backend = self._get_backend(store_name)
        backend.put_buffer(value, path)
        backend.put_buffer(value, f"{path}.second")
        return {"main": path, "store": store_name}

    def decode(self, stored, *, key=None):
        return self._get_backend(stored["store"]).get_buffer(stored["main"] + ".second")

    def referenced_paths(self, stored):
        if not isinstance(stored, dict):
            raise TypeError(f"no metadata: {stored!r}")
        return [(stored["main"], stored["store"]), (stored["main"] + ".second", stored["store"])]


@pytest.fixture
def recording(schema):
    table = schema(Recording)
    for number in range(3):
        table.insert1(
            {"recording": number, "blob": np.arange(50.0), "trace": np.arange(10), "pair": (number, "x"), "files": b"abc"}
        )
    return table


def stored(tmp_path):
    return {path for path in (tmp_path / "store").rglob("*") if path.is_file()}


def test_a_dry_run_is_the_default_and_has_datajoints_keys(schema, recording, tmp_path):
    (recording & "recording = 0").delete()
    before = stored(tmp_path)
    stats = dj.gc.GarbageCollector(schema).collect()
    assert stored(tmp_path) == before and stats["dry_run"] and stats["deleted"] == 0
    assert stats["hash_paths_referenced"] == 3 and stats["hash_paths_stored"] == 4
    assert stats["hash_paths_orphaned"] == 1 == len(stats["orphaned_hash_paths"])
    assert stats["schema_paths_orphaned"] == 3 == len(stats["orphaned_schema_paths"])
    assert stats["schema_paths_orphaned_bytes"] > 0 and stats["scan_errors"] == [] and stats["errors"] == 0
    for key in ("hash_paths_orphaned_bytes", "bytes_freed", "marked", "waiting", "schema_paths_deleted"):
        assert isinstance(stats[key], int)
    assert "13 objects stored" in str(stats)


def test_fresh_objects_wait_for_a_day_and_grace_zero_does_all_at_once(schema, recording, tmp_path):
    recording.delete()
    stats = dj.gc.GarbageCollector(schema).collect(dry_run=False)
    assert stats["deleted"] == 0 and stats["waiting"] == 13 and stats["waiting_until"]
    collector = dj.gc.GarbageCollector(schema, grace=0)
    stats = collector.collect(dry_run=False, verbose=True)
    assert stats["hash_paths_deleted"] == 4 and stats["schema_paths_deleted"] == 9 and stats["bytes_freed"] > 0
    assert not stored(tmp_path)
    assert collector.collect(dry_run=False)["deleted"] == 0


def test_marks_of_an_earlier_run_are_swept(schema, recording, tmp_path):
    recording.delete()
    collector = dj.gc.GarbageCollector(schema, store=dj.gc.ALL_STORES, grace=0.2)
    for marked, put_aside in ((13, 0), (0, 4), (0, 0)):
        time.sleep(0.25)
        stats = collector.collect(dry_run=False)
        assert (stats["marked"], stats["put_aside"]) == (marked, put_aside), str(stats)
    assert not stored(tmp_path)


def test_objects_of_custom_codecs_are_kept(schema, recording):
    (recording & "recording = 0").delete()
    collector = dj.gc.GarbageCollector(schema, grace=0)
    assert len(collector.hash_references()) == 3 and len(collector.schema_references()) == 6
    assert collector.collect(dry_run=False)["deleted"] == 4
    assert set(collector.list_hash_paths("lab")) == collector.hash_references()
    assert set(collector.list_schema_paths("lab")) == collector.schema_references()
    rows = recording.to_dicts(order_by="recording")
    assert [row["pair"] for row in rows] == [(1, "x"), (2, "x")]
    assert [bytes(row["files"]) for row in rows] == [b"abc", b"abc"]
    assert (rows[0]["blob"] == np.arange(50.0)).all()


def test_a_missing_codec_or_one_that_fails_refuses(schema, recording, tmp_path):
    (recording & "recording = 0").delete()
    before = stored(tmp_path)
    collector = dj.gc.GarbageCollector(schema, grace=0)
    schema.connection.query("UPDATE lab.recording SET files = '[1]' WHERE recording = 1")
    with pytest.raises(dj.DataJointError, match="Refusing to delete.*`files`.*no metadata"):
        collector.collect(dry_run=False)
    assert "no metadata" in collector.collect()["scan_errors"][0]
    codec = dj.get_codec("gc_pair")
    dj.codecs.unregister_codec("gc_pair")
    try:
        with pytest.raises(dj.DataJointError, match="2 things.*`pair`"):
            collector.collect(dry_run=False)
    finally:
        dj.codecs._codec_registry["gc_pair"] = codec
    assert stored(tmp_path) == before


def test_paths_are_deleted_with_what_belongs_to_them(schema, recording, tmp_path):
    collector = dj.gc.GarbageCollector(schema)
    (folder := tmp_path / "source").mkdir()
    (folder / "a").write_text("a")
    collector.backend.put_folder(folder, "_schema/lab/x/y_abcdef")
    assert len(collector.list_schema_paths("lab")) == 11
    assert collector.delete_schema_path("_schema/lab/x/y_abcdef")
    assert not collector.delete_schema_path("_schema/lab/x/y_abcdef")
    assert not (tmp_path / "store" / "_schema" / "lab" / "x").exists()
    path = sorted(collector.list_schema_paths("lab"))[0]
    assert collector.delete_schema_path(path) and len(collector.list_schema_paths("lab")) == 8


def test_wrong_arguments_are_refused(schema):
    with pytest.raises(dj.DataJointError, match="At least one schema"):
        dj.gc.GarbageCollector()
    with pytest.raises(dj.DataJointError, match="attic"):
        dj.gc.GarbageCollector(schema, store="attic")
    with pytest.raises(dj.DataJointError, match="grace=-1"):
        dj.gc.GarbageCollector(schema, grace=-1).collect()
    with pytest.raises(AttributeError):
        dj.garbage
