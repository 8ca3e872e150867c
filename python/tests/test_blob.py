"""`lapjoint.blob` on values of every kind."""

import datetime
import decimal
import json
import pathlib
import uuid

import numpy as np
import pytest

from lapjoint import DataJointError, blob

CASES = pathlib.Path(__file__).parents[2] / "conformance" / "blob" / "cases.json"


@pytest.mark.parametrize("case", json.loads(CASES.read_text()), ids=lambda case: case["name"])
def test_blobs_of_datajoint_come_back_byte_for_byte(case):
    """Values that datajoint packed are unpacked and packed again."""
    value = blob.unpack(bytes.fromhex(case["blob"]))
    # Text arrays come back as arrays of objects, and scalars of text as texts: as in datajoint.
    assert blob.pack(value, compress=False).hex() == case["blob"]


@pytest.mark.parametrize(
    "value",
    [
        None, True, -(2**70), 1.5, 1 - 2j, "é", b"\0\xff", (1, [2, {"a": {3}}]), {"k": (None, b"")},
        decimal.Decimal("1.50"), datetime.date(2024, 2, 29), datetime.time(1, 2, 3, 4),
        datetime.datetime(2024, 2, 29, 1, 2, 3, 4), uuid.UUID(int=5),
    ],
    ids=repr,
)  # fmt: skip
def test_plain_values(value):
    back = blob.unpack(blob.pack(value))
    assert back == value and type(back) is type(value)


@pytest.mark.parametrize("dtype", ["?", "i1", "u2", "i8", "f4", "f8", "c16", ">f8", "M8[us]"])
@pytest.mark.parametrize("order", ["C", "F"])
def test_arrays(dtype, order):
    array = np.asarray(np.arange(12).reshape(3, 4), order=order).astype(dtype)
    back = blob.unpack(blob.pack(array))
    assert back.dtype == array.dtype.newbyteorder("=") and np.array_equal(back, array)
    part = array[::2, 1:]
    assert np.array_equal(blob.unpack(blob.pack(part)), part)


def test_arrays_of_unpacked_blobs_share_memory_that_lives_on():
    array = np.arange(100_000.0)
    back = blob.unpack(blob.pack(array, compress=False))
    assert not back.flags.writeable
    part = back[10:20]
    del back
    assert part.tolist() == array[10:20].tolist()


def test_records():
    records = np.array([(1, 2.0, [1, 2])], dtype=[("a", "i4"), ("b", "f8"), ("c", "u1", (2,))])
    back = blob.unpack(blob.pack(records))
    assert isinstance(back, np.recarray) and back.dtype["c"].shape == (2,) and back.b[0] == 2.0


def test_what_would_be_lost_is_refused():
    with pytest.raises(DataJointError, match="mask"):
        blob.pack(np.ma.masked_array([1, 2], mask=[True, False]))
    with pytest.raises(DataJointError, match="time zone"):
        blob.pack(datetime.datetime.now(datetime.timezone.utc))
    with pytest.raises(DataJointError, match="float32"):
        blob.pack(np.zeros(2, dtype="f2"))
    with pytest.raises(DataJointError, match="not supported"):
        blob.pack(object())
