"""What is carried between the two systems: a type, values, and what a value looks like when it is read."""

import datetime
import decimal
import pathlib
import uuid
from dataclasses import dataclass, field
from typing import Any, Callable

import numpy as np

FLOAT32 = float(np.float32(3.14159274))


def same(value):
    """The value itself."""
    return value


def content(path):
    """Name and bytes of the file that a fetch of `<attach>` wrote."""
    path = pathlib.Path(path)
    return path.name, path.read_bytes()


def read(reference):
    """Bytes of an `ObjectRef`; those of a folder's files by name."""
    if reference.is_dir:
        names = sorted(f"{root}/{name}".lstrip("/") for root, _, files in reference.walk() for name in files)
        return {name: reference.open(name).read() for name in names}
    return reference.read()


def array(reference):
    """The array of an `NpyRef`."""
    loaded = np.asarray(reference)
    return loaded.dtype.str, loaded.shape, loaded.tolist()


def plain(value):
    """Arrays within a packed value as something that compares."""
    if isinstance(value, np.ndarray):
        return "array", value.dtype.str, value.shape, value.tolist()
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return type(value)(plain(item) for item in value)
    return value


@dataclass
class Case:
    """A type with two values of it. `files` are written below the folder that values name as `{folder}` or the store's root."""

    name: str
    type: str
    values: tuple
    seen: Callable[[Any], Any] = same
    expected: tuple | None = None
    is_key: bool = False
    # How DataJoint alone shows a value where that differs: it has no bool on MySQL, and rounds float32 to 6 digits.
    seen_by_datajoint: Callable[[Any], Any] = same
    store: bool = False
    extra: dict = field(default_factory=dict)


def core(name, *values, **options):
    return Case(name, options.pop("type", name), values, **options)


MOMENT = datetime.datetime(2024, 2, 29, 23, 59, 58)
TEXT = "Ωmega 'q' \"dq\" back\\slash 100% a_b"
BLOB = {"a": np.arange(6, dtype=np.int16).reshape(2, 3), "s": "text", "l": [1, 2.5, None, True]}
CASES = [
    core("int8", -128, 127, is_key=True),
    core("int16", -32768, 32767, is_key=True),
    core("int32", -(2**31), 2**31 - 1, is_key=True),
    core("int64", -(2**63), 2**63 - 1, is_key=True),
    core("float32", FLOAT32, -0.5, seen_by_datajoint=lambda value: float(np.float32(f"{value:.6g}"))),
    core("float64", 0.1, -1.7976931348623157e308),
    core("bool", True, False, is_key=True, seen_by_datajoint=bool),
    core("decimal(8,2)", decimal.Decimal("-123456.78"), decimal.Decimal("0.01"), is_key=True),
    core("char(8)", "abc", "Zürich", is_key=True),
    core("varchar(60)", TEXT, "", is_key=True),
    core("enum('a','b c')", "a", "b c", is_key=True),
    core("date", datetime.date(1999, 12, 31), datetime.date(2024, 2, 29), is_key=True),
    core("datetime", MOMENT, datetime.datetime(1970, 1, 1), is_key=True),
    core("datetime(6)", MOMENT.replace(microsecond=123456), datetime.datetime(1970, 1, 1), is_key=True),
    core("json", {"b": [1, 2.5, None, True, "é\\"], "a": {"n": 9007199254740993}}, [], seen=plain),
    core("uuid", uuid.UUID(int=1), uuid.UUID("12345678-1234-5678-1234-567812345678"), is_key=True),
    core("bytes", b"\x00\xff'\\%", b"", seen=bytes),
    Case("<blob>", "<blob>", (BLOB, np.zeros(2000)), seen=plain),
    Case("<attach>", "<attach>", ("{folder}/one.txt", "{folder}/two.bin"), seen=content),
    Case("<blob@>", "<blob@{store}>", (BLOB, np.zeros(2000)), seen=plain, store=True),
    Case("<attach@>", "<attach@{store}>", ("{folder}/one.txt", "{folder}/two.bin"), seen=content, store=True),
    Case("<hash@>", "<hash@{store}>", (b"content", b""), store=True),
    Case("<object@> of bytes", "<object@{store}>", (b"content", b"more"), seen=read, store=True),
    Case("<object@> of a file", "<object@{store}>", ("{folder}/one.txt", "{folder}/two.bin"), seen=read, store=True),
    Case("<object@> of a folder", "<object@{store}>", ("{folder}/tree", "{folder}/tree"), seen=read, store=True),
    Case(
        "<npy@>",
        "<npy@{store}>",
        (np.arange(12, dtype=np.float32).reshape(3, 4), np.array([True, False])),
        seen=array,
        store=True,
    ),
    Case("<filepath@>", "<filepath@{store}>", ("raw/one.txt", "raw/two.bin"), seen=read, store=True),
]
FILES = {"one.txt": "eins ü".encode(), "two.bin": bytes(range(256)), "tree/a.txt": b"a", "tree/b/c.bin": b"\x00c"}


def expected(case, number):
    """What is seen of a value, whoever reads it."""
    if case.seen is content or case.seen is read:
        value = case.values[number]
        if isinstance(value, bytes):
            return value
        name = value.split("/", 1)[1]
        if name == "tree":
            return {"a.txt": FILES["tree/a.txt"], "b/c.bin": FILES["tree/b/c.bin"]}
        return (name, FILES[name]) if case.seen is content else FILES[name]
    return case.seen(case.values[number])
