"""Values that cover every code of the blob format, by name."""

import datetime
import decimal
import uuid

import numpy as np
from datajoint.blob import MatCell, MatStruct


def cell(shape, *elements):
    array = np.empty(len(elements), dtype=object)
    for index, element in enumerate(elements):
        array[index] = element
    return array.reshape(shape, order="F").view(MatCell)


def struct(shape, names, *rows):
    return np.array(list(rows), dtype=[(n, object) for n in names]).reshape(shape, order="F").view(MatStruct)


def values():
    """Pairs of name and value."""
    yield "none", None
    yield "true", True
    yield "false", False
    for number in (0, 1, -1, 127, 128, -128, -129, 255, 256, 32767, 32768, 2**31, -(2**31), 2**63 - 1, -(2**63)):
        yield f"int {number}", number
    for power in (63, 64, 100, 1000):
        yield f"int 2**{power}", 2**power
        yield f"int -2**{power}", -(2**power)
        yield f"int 2**{power}-1", 2**power - 1
    for number in (0.0, -0.0, 1.0, 0.1, 1e308, 5e-324, float("inf"), float("-inf"), float("nan")):
        yield f"float {number!r}", number
    yield "complex", 1.5 - 2j
    for text in ("", "a", "é", "漢字 🧠", "a\0b", "x" * 300):
        yield f"text {len(text)} {text[:4]!r}", text
    for data in (b"", b"ab", bytes(range(256))):
        yield f"bytes {len(data)}", data
    for text in ("0", "1.50", "-1.50", "1E+3", "1E-30", "NaN", "Infinity", "-Infinity", "1" * 60):
        yield f"decimal {text[:10]}", decimal.Decimal(text)
    yield "date", datetime.date(2024, 3, 9)
    yield "date first", datetime.date.min
    yield "date last", datetime.date.max
    yield "time zero", datetime.time(0, 0)
    yield "time", datetime.time(23, 59, 59, 999999)
    yield "datetime", datetime.datetime(2024, 3, 9, 1, 2, 3, 4)
    yield "datetime first", datetime.datetime.min
    yield "datetime last", datetime.datetime.max
    yield "uuid", uuid.UUID(int=1)
    yield "uuid 2", uuid.UUID("6ba7b810-9dad-11d1-80b4-00c04fd430c8")
    yield "empty tuple", ()
    yield "tuple", (1, "a", None)
    yield "empty list", []
    yield "nested lists", [[], [[1, [2.5]], "x"], {"a": (True,)}]
    yield "set", {1}
    yield "empty set", set()
    yield "empty dict", {}
    yield "dict", {"a": 1, 2: [3], None: {"b": b"c"}, (1, "t"): 1.5}
    kinds = "bool int8 uint8 int16 uint16 int32 uint32 int64 uint64 float32 float64 complex64 complex128".split()
    for kind in kinds:
        array = (np.arange(6) - (2 if kind[0] in "ifc" else 0)).astype(kind)
        yield f"array {kind}", array
        yield f"array {kind} 2-d", array.reshape(2, 3)
        yield f"array {kind} column-major", np.asfortranarray(array.reshape(3, 2))
        yield f"scalar {kind}", array[1]
        yield f"empty {kind}", array[:0]
    yield "array 3-d", np.arange(24, dtype="i4").reshape(2, 3, 4)
    yield "array (0, 3)", np.zeros((0, 3))
    yield "array (1, 1)", np.ones((1, 1))
    yield "array strided", np.arange(20, dtype="f4").reshape(4, 5)[::2, 1::2]
    yield "array special floats", np.array([np.nan, np.inf, -0.0, 5e-324])
    for unit in "Y M W D h m s ms us ns ps fs as".split():
        yield f"datetime64 {unit}", np.array([0, 1, -1, 12345], dtype=f"M8[{unit}]")
    yield "datetime64 NaT", np.array(["NaT", "2024-01-01"], dtype="M8[s]")
    yield "datetime64 scalar", np.datetime64("2024-01-01", "D")
    yield "objects", np.array([1, None, "a", [2]], dtype=object)
    yield "objects 2-d", np.array([[1, None], ["a", 2.5]], dtype=object)
    yield "empty objects", np.array([], dtype=object)
    yield "records", np.array([(1, 2.0), (3, 4.0)], dtype=[("a", "i4"), ("b", "f8")])
    yield "records 2-d", np.zeros((2, 3), dtype=[("x", "u1"), ("größe", "f4")])
    yield "records with objects", np.array([(1, "a"), (2, None)], dtype=[("a", "i8"), ("b", "O")])
    yield "records nested", np.zeros(2, dtype=[("a", "i4"), ("b", [("c", "f4"), ("d", "i2")])])
    yield "cell", cell((1, 2), np.ones((1, 1)), np.array([[1.0, 2.0]]))
    yield "cell mixed", cell((2, 1), "a", {"b": 1})
    yield "cell nested", cell((1,), cell((2,), np.zeros(1), np.ones(2)))
    yield "struct", struct((1,), ["x", "y"], (1, "a"))
    yield "struct 2-d", struct((1, 2), ["x"], (np.ones((1, 1)),), (np.zeros((2, 2)),))
    yield "large list", list(range(400))
    yield "large array", np.arange(3000, dtype="f8").reshape(30, 100)
