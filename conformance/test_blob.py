"""Blobs between Lapjoint and datajoint 2.3.5, for every type code, in both directions."""

import json
import pathlib

import numpy as np
import pytest
import tagged
from datajoint import blob
from values import values

VALUES = list(values())
MATLAB = json.loads((pathlib.Path(__file__).parent / "blob" / "matlab.json").read_text())


@pytest.mark.parametrize(("name", "value"), VALUES, ids=[name for name, _ in VALUES])
@pytest.mark.parametrize("compress", [False, True])
def test_both_ways(engine, name, value, compress):
    theirs = blob.pack(value, compress=compress)
    ours = engine.ask("pack", value=tagged.dump(value), compress=compress)
    assert "error" not in ours, ours
    ours = bytes.fromhex(ours["hex"])
    if not compress:
        assert ours == theirs
    # What we pack, datajoint unpacks as it does its own.
    expected = blob.unpack(theirs)
    assert tagged.same(blob.unpack(ours), expected)
    # What datajoint packs, we unpack as it does.
    read = engine.ask("unpack", hex=theirs.hex())
    assert "error" not in read, read
    assert tagged.same(tagged.load(read["value"]), expected)


@pytest.mark.parametrize("case", MATLAB, ids=[case["name"] for case in MATLAB])
def test_matlab(engine, case):
    read = engine.ask("unpack", hex=case["blob"], dims_32bit=case["dims_32bit"])
    expected = tagged.load(case["unpacked"])
    actual = tagged.load(read["value"])
    if np.iscomplexobj(expected):
        # datajoint adds real and imaginary parts, which loses the sign of zeros.
        assert np.array_equal(actual, expected)
    else:
        assert tagged.same(actual, expected)


def test_objects_of_equal_length_come_back(engine):
    """datajoint packs an object array of equal-length lists, and cannot unpack it."""
    array = np.empty(2, dtype=object)
    array[:] = [[1, 2], [3, 4]]
    packed = blob.pack(array)
    with pytest.raises(ValueError):
        blob.unpack(packed)
    read = tagged.load(engine.ask("unpack", hex=packed.hex())["value"])
    assert read.tolist() == [[1, 2], [3, 4]]


def test_records_with_arrays_come_back(engine):
    """datajoint packs fields that are arrays, and cannot unpack them, or gives them another shape."""
    records = np.zeros(5, dtype=[("a", "i4"), ("b", "f4", (2,))])
    records["b"] = np.arange(10).reshape(5, 2)
    packed = blob.pack(records)
    with pytest.raises(ValueError):
        blob.unpack(packed)
    read = tagged.load(engine.ask("unpack", hex=packed.hex())["value"])
    assert tagged.same(read, records)
    only_arrays = np.zeros(2, dtype=[("b", "f4", (2,))])
    answer = engine.ask("pack", value=tagged.dump(only_arrays))
    assert "plain field" in answer["error"]


def test_damaged_blobs_are_errors(engine):
    whole = blob.pack({"a": np.arange(300.0), "b": [1, 2, 3]})
    for length in range(1, len(whole)):
        assert "error" in engine.ask("unpack", hex=whole[:length].hex())
