"""`<spikes>`: trains bit for bit through tables, and smaller than what there was."""

import pathlib
import zlib

import numpy as np
import pytest
from test_services import s3, s3_service  # noqa: F401 - fixtures

import lapjoint as dj
from lapjoint.blob import pack

RATE = 30_000.0


def same(back, given):
    return back.dtype == given.dtype and back.shape == given.shape and back.tobytes() == given.tobytes()


def poisson(hertz, count, seed=1):
    return np.cumsum(np.random.default_rng(seed).geometric(hertz / RATE, count))


TRAINS = {
    "seconds": poisson(10, 2000) / RATE,
    "milliseconds": poisson(10, 2000) / 30.0,
    "odd rate": poisson(10, 2000) / 29_999.954846,
    "from anywhere": poisson(10, 2000) / RATE + 1234.5678,
    "no grid": np.cumsum(np.random.default_rng(1).exponential(0.1, 500)),
    "single precision": (poisson(100, 500) / RATE).astype("f4"),
    "samples": poisson(10, 2000),
    "small integers": np.array([5, 3, 250], "u1"),
    "unsorted": np.random.default_rng(1).permutation(poisson(10, 500)) / RATE,
    "strange": np.array([np.nan, -0.0, np.inf, -np.inf, 5e-324, 1.0]),
    "one": np.array([0.1]),
    "empty": np.array([]),
    "strided": (poisson(10, 3000) / RATE)[::3],
}


@pytest.mark.parametrize("place", ["folder", "s3"])
def test_trains_come_back_bit_for_bit(schema, request, place):
    if place == "s3":
        dj.config.stores["main"] = request.getfixturevalue("s3")
    definition = "id : int32\n---\ninline = null : <spikes>\nstored = null : <spikes@main>"
    table = schema(type("Unit", (dj.Manual,), {"definition": definition}))
    table.insert({"id": number, "inline": train, "stored": train} for number, train in enumerate(TRAINS.values()))
    table.insert1({"id": 99})
    rows = table.to_dicts(order_by="id")
    for row, (name, train) in zip(rows, TRAINS.items()):
        assert same(row["inline"], train) and same(row["stored"], train), name
    assert rows[-1]["inline"] is None and rows[-1]["stored"] is None


def test_on_every_database(database):
    table = database.schema()(type("Unit", (dj.Manual,), {"definition": "id : int32\n---\ntimes : <spikes>"}))
    table.insert({"id": number, "times": train} for number, train in enumerate(TRAINS.values()))
    assert all(same(back, train) for back, train in zip(table.to_arrays("times", order_by="id"), TRAINS.values()))


def test_lists_become_arrays(schema):
    table = schema(type("Unit", (dj.Manual,), {"definition": "id : int32\n---\ntimes : <spikes>"}))
    table.insert([{"id": 1, "times": [1, 5, 9]}, {"id": 2, "times": [0.5, 2]}, {"id": 3, "times": []}])
    ints, floats, empty = table.to_arrays("times", order_by="id")
    assert same(ints, np.array([1, 5, 9])) and same(floats, np.array([0.5, 2])) and same(empty, np.array([]))


def recorded():
    """Crossings of a threshold in the recordings of the examples."""
    folder = pathlib.Path(__file__).parents[2] / "examples" / "data" / "ephys"
    for file in sorted(folder.glob("*.npy")):
        trace = np.load(file).ravel()
        below = trace < trace.mean() - trace.std()
        yield np.flatnonzero(below[1:] & ~below[:-1]) / RATE


def test_they_are_small():
    codec = dj.get_codec("spikes")
    for hertz, bits in ((2, 15.5), (10, 13.2), (50, 10.9)):
        train = poisson(hertz, 20_000) / RATE
        packed = codec.encode(train)
        # Within a fifth of a bit of the entropy of the intervals.
        chance = hertz / RATE
        entropy = (-chance * np.log2(chance) - (1 - chance) * np.log2(1 - chance)) / chance
        assert len(packed) * 8 / len(train) < min(bits, entropy + 0.2)
        assert len(packed) < train.nbytes / 4 and len(packed) < len(zlib.compress(train.tobytes(), 9)) / 2
        assert len(packed) < len(pack(train)) / 2
    trains = [train for train in recorded() if len(train) > 5]
    assert trains, "the recordings have spikes"
    for train in trains:
        assert len(codec.encode(train)) < min(train.nbytes, len(pack(train))) / 2
    assert len(codec.encode(np.arange(100_000) / 40.0)) < 200


def test_values_that_are_no_trains(schema):
    table = schema(type("Unit", (dj.Manual,), {"definition": "id : int32\n---\ntimes : <spikes>"}))
    for value, message in [
        (np.zeros((2, 3)), r"a spike train has one axis, got an array of shape \[2, 3\]"),
        (np.array([1j]), "a spike train has floats of 4 or 8 bytes or integers, got complex128"),
        (np.array(["a"]), "a spike train has floats"),
        (np.array(["2020-01-01"], "M8[us]"), "a spike train has floats"),
        ("text", "expects an array of one axis or a list of numbers, got str"),
        ([1.0, None], "expects numbers, got None at place 1 of the list"),
        ([0.5, 1 << 60], "expects numbers, got int at place 1"),
    ]:
        with pytest.raises(dj.DataJointError, match=message):
            table.insert1({"id": 1, "times": value})
    assert len(table()) == 0


def test_damage_is_told(schema):
    codec = dj.get_codec("spikes")
    packed = codec.encode(TRAINS["seconds"])
    for bad, message in [
        (packed[: len(packed) // 2], "checksum"),
        (packed[:50] + bytes([packed[50] ^ 1]) + packed[51:], "checksum"),
        (b"mYm\0", "not a spike train"),
        (b"", "not a spike train"),
        ("text", "expected bytes, got str"),
    ]:
        with pytest.raises(dj.DataJointError, match=f"<spikes> .*{message}"):
            codec.decode(bad)
    table = schema(type("Unit", (dj.Manual,), {"definition": "id : int32\n---\ntimes : <spikes>"}))
    newer = packed[:4] + b"\x09" + packed[5:]
    schema.connection.query(f"INSERT INTO {table.full_table_name} (id, times) VALUES (1, %s)", (newer,))
    with pytest.raises(dj.DataJointError, match="spikes.*version.*9"):
        table.fetch1("times")


def test_a_class_of_the_users_takes_its_place(schema):
    class Spikes(dj.Codec):
        name = "spikes"

        def get_dtype(self, is_store):
            return "<blob>"

        def encode(self, value, *, key=None, store_name=None):
            return {"mine": value}

        def decode(self, stored, *, key=None):
            return stored["mine"]

    table = schema(type("Unit", (dj.Manual,), {"definition": "id : int32\n---\ntimes : <spikes>"}))
    table.insert1({"id": 1, "times": [1, "x"]})
    assert table.fetch1("times") == [1, "x"]
    dj.codecs.unregister_codec("spikes")
    assert "LSPK" in repr(dj.get_codec("spikes").encode(np.array([0.1])))
