"""Versions of a codec's format: reading old values, and moving them to the new format."""

import warnings

import numpy as np
import pytest

import lapjoint as dj


class Scaled(dj.Codec):
    """Arrays whose format has had two versions: whole arrays at first, a scale and small integers now."""

    name = "scaled"
    CURRENT_VERSION = "2.0"
    writes = CURRENT_VERSION

    def get_dtype(self, is_store):
        return "<blob>"

    def encode(self, value, *, key=None, store_name=None):
        if self.writes == "1.0":
            return {"data": value}
        scale = float(np.abs(value).max()) / 32000 or 1.0
        return {"codec_version": "2.0", "scale": scale, "ticks": np.round(value / scale).astype("i2")}

    def decode(self, stored, *, key=None):
        version = stored.get("codec_version", "1.0")
        if version == "2.0":
            return stored["ticks"] * stored["scale"]
        if version == "1.0":
            warnings.warn("values of <scaled> 1.0 will not be read by 3.0: update them", DeprecationWarning, stacklevel=2)
            return stored["data"]
        raise dj.DataJointError(f"Cannot decode {self.name} version {version}. Upgrade its package or migrate the data.")


@pytest.fixture
def trace(schema):
    @schema
    class Trace(dj.Manual):
        definition = "id : int32\n---\nx : <scaled>"

    codec = dj.get_codec("scaled")
    codec.writes = "1.0"
    Trace.insert({"id": number, "x": np.array([1.0, 2.0, number])} for number in range(3))
    codec.writes = "2.0"
    Trace.insert1({"id": 3, "x": np.array([1.0, 2.0, 3.0])})
    return Trace


def stored_versions(trace):
    """Versions of the stored values, read past the codec."""
    blobs = dj.conn().query(f"SELECT x FROM {trace.full_table_name} ORDER BY id").fetchall()
    return [dj.blob.unpack(blob).get("codec_version", "1.0") for (blob,) in blobs]


def test_values_of_all_versions_are_read(trace):
    with pytest.warns(DeprecationWarning, match="will not be read by 3.0"):
        values = trace.to_arrays("x", order_by="id")
    assert values[2].tolist() == [1.0, 2.0, 2.0] and np.allclose(values[3], [1, 2, 3], atol=1e-3)
    assert stored_versions(trace) == ["1.0", "1.0", "1.0", "2.0"]


def test_an_unknown_version_is_refused(trace):
    later = dj.blob.pack({"codec_version": "9.0"})
    dj.conn().query(f"UPDATE {trace.full_table_name} SET x = %s WHERE id = 3", (later,))
    with pytest.raises(dj.DataJointError, match="Cannot decode scaled version 9.0"):
        (trace & "id = 3").fetch1("x")


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_script_migrates_row_by_row(trace):
    for key in trace.fetch("KEY"):
        trace.update1({**key, "x": (trace & key).fetch1("x")})
    assert stored_versions(trace) == ["2.0"] * 4
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert np.allclose((trace & "id = 2").fetch1("x"), [1, 2, 2], atol=1e-3)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_values_are_migrated_when_they_are_read(trace):
    """Lazy migration: a fetch that meets the old version stores the value anew."""

    def current(key):
        value = (trace & key).fetch1("x")
        if stored_versions(trace)[key["id"]] != Scaled.CURRENT_VERSION:
            trace.update1({**key, "x": value})
        return value

    assert current({"id": 1}).tolist() == [1.0, 2.0, 1.0]
    assert stored_versions(trace) == ["1.0", "2.0", "1.0", "2.0"]


def test_what_a_type_is_stored_as():
    from lapjoint.codecs import is_codec_registered, parse_type_spec, resolve_dtype

    final, chain, store = resolve_dtype("<scaled@cold>")
    assert (final, [codec.name for codec in chain], store) == ("json", ["scaled", "blob", "hash"], "cold")
    assert resolve_dtype("<scaled>")[0] == "bytes" and parse_type_spec("<scaled@cold>") == ("scaled", "cold")
    codec = dj.get_codec("scaled")
    assert codec.get_dtype(is_store=False) == codec.get_dtype(is_store=True) == "<blob>"
    assert is_codec_registered("scaled") and not is_codec_registered("nothing_of_this_name")
    missing = [name for name in ("scaled", "absent") if name not in dj.list_codecs()]
    assert missing == ["absent"]


def test_round_trips_without_a_table():
    codec = dj.get_codec("blob")
    for value in ({"key": "value"}, [1, 2, 3], "text", np.array([1.0, 2.0])):
        back = codec.decode(codec.encode(value))
        assert np.array_equal(back, value) if isinstance(value, np.ndarray) else back == value
