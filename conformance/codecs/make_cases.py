"""Writes the cases of the six core codecs: by datajoint, and by the command `lapjoint` (environment variable LAPJOINT).

A case that is there already is left alone.
"""

import datetime
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
from importlib import metadata

HERE = pathlib.Path(__file__).parent
sys.path.insert(0, str(HERE.parent))
os.environ["DJ_IGNORE_CONFIG_FILE"] = "true"

import numpy as np  # noqa: E402
import tagged  # noqa: E402

import datajoint as dj  # noqa: E402
from datajoint.codecs import get_codec, resolve_dtype  # noqa: E402

CELL = {"schema": "lab", "table": "__scan", "field": "value"}
KEY = {"subject": "mouse/1", "day": datetime.date(2024, 1, 2), "number": 7}


class Datajoint:
    """The published package."""

    written_by = f"datajoint {metadata.version('datajoint')}"

    def encode(self, spec, value, location):
        config = dj.settings.Config()
        config.stores = {
            "default": "main",
            "filepath_default": "main",
            "main": {"protocol": "file", "location": str(location)},
        }
        key = {**KEY, **{f"_{name}": place for name, place in CELL.items()}, "_config": config}
        _, codecs, _ = resolve_dtype(spec)
        for codec in codecs:
            value = get_codec(codec.name).encode(value, key=key, store_name="main")
        return value


class Lapjoint:
    """This package, as its command."""

    def __init__(self):
        command = os.environ["LAPJOINT"]
        self.written_by = subprocess.run([command, "--version"], capture_output=True, text=True, check=True).stdout.strip()
        self.process = subprocess.Popen([command, "conformance"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def encode(self, spec, value, location):
        request = {
            "do": "encode", "type": spec, "value": tagged.dump(value), "store": "main", "location": str(location),
            "downloads": str(location), "key": [[name, tagged.dump(part)] for name, part in KEY.items()], **CELL,
        }  # fmt: skip
        self.process.stdin.write(json.dumps(request) + "\n")
        self.process.stdin.flush()
        answer = json.loads(self.process.stdout.readline())
        assert "error" not in answer, answer
        return answer["json"] if "json" in answer else tagged.load(answer["value"])


def sources(folder):
    """Files and a folder to be stored."""
    (folder / "tree" / "sub").mkdir(parents=True)
    (folder / "tree" / "a.txt").write_bytes(b"a\n")
    (folder / "tree" / "sub" / "b.bin").write_bytes(bytes(range(256)))
    (folder / "tree" / "sub" / "empty").write_bytes(b"")
    (folder / "notes é.txt").write_bytes(b"content\0with NUL\n")


STRUCTURED = np.array([(1, 2.5, "a"), (2, -0.0, "ä")], dtype=[("id", "i4"), ("x", "f8"), ("s", "U3")])
MIXED = {
    "list": [1, None, "text", 2.5, True],
    "array": np.arange(6, dtype="i2").reshape(2, 3),
    "when": datetime.datetime(2024, 1, 2, 3, 4, 5, 678901),
    "big": 2**70,
    "nested": {"tuple": (1, b"bytes"), "set": {1}},
}


def cases(folder):
    """Codec, version, name, type, value, and what is expected: a tag and what it holds."""
    yield "blob", "mYm", "array", "<blob>", np.arange(12.0).reshape(3, 4), ("npy", None)
    yield "blob", "mYm", "array_compressed", "<blob>", np.zeros((40, 50), dtype="u2"), ("npy", None)
    yield "blob", "dj0", "mixed", "<blob>", MIXED, ("blob", None)
    yield "blob", "dj0", "text", "<blob>", "ä" * 700, ("blob", None)
    yield "blob", "mYm", "array_in_store", "<blob@main>", np.arange(300, dtype="i8"), ("npy", None)
    yield "blob", "dj0", "mixed_in_store", "<blob@main>", MIXED, ("blob", None)
    for name, array in {
        "float64": np.arange(24.0).reshape(4, 6),
        "fortran": np.asfortranarray(np.arange(6, dtype="i4").reshape(2, 3)),
        "empty": np.zeros((0, 3), dtype="f4"),
        "big_endian": np.array([1.5, -2.5], dtype=">f8"),
        "dates": np.array(["2024-01-01", "NaT"], dtype="M8[us]"),
        "text": np.array(["a", "äöü"]),
    }.items():
        yield "npy", "1.0", name, "<npy@main>", array, ("npy", None)
    attached = {"name": "notes é.txt", "bytes": (folder / "notes é.txt").read_bytes().hex()}
    yield "attach", "1", "inline", "<attach>", str(folder / "notes é.txt"), ("file", attached)
    yield "attach", "1", "in_store", "<attach@main>", str(folder / "notes é.txt"), ("file", attached)
    for name, content in {"bytes": b"some bytes", "empty": b""}.items():
        yield "hash", "1", name, "<hash@main>", content, ("bytes", content.hex())
    yield "object", "1", "bytes", "<object@main>", b"raw", ("bytes", b"raw".hex())
    yield "object", "1", "named_bytes", "<object@main>", (".dat", b"raw"), ("bytes", b"raw".hex())
    yield "object", "1", "file", "<object@main>", str(folder / "tree" / "a.txt"), ("bytes", b"a\n".hex())
    tree = folder / "tree"
    files = {path.relative_to(tree).as_posix(): path.read_bytes().hex() for path in sorted(tree.rglob("*")) if path.is_file()}
    yield "object", "1", "folder", "<object@main>", str(tree), ("files", files)
    yield "filepath", "1", "file", "<filepath@main>", "raw/data.bin", ("bytes", b"12345".hex())


def write(writer, label, codec, version, name, spec, value, expected):
    place = HERE / codec / version / f"{name}_by_{label}"
    if place.exists():
        return
    tag, content = expected
    with tempfile.TemporaryDirectory() as scratch:
        scratch = pathlib.Path(scratch)
        objects = scratch / "objects"
        objects.mkdir()
        if codec == "filepath":
            (objects / "raw").mkdir()
            (objects / "raw" / "data.bin").write_bytes(b"12345")
        column = writer.encode(spec, value, objects)
        if tag == "npy":
            np.save(scratch / "expected.npy", value, allow_pickle=False)
            content = "expected.npy"
        elif tag == "blob":
            (scratch / "expected.blob").write_bytes(dj.blob.pack(value))
            content = "expected.blob"
        case = {
            "spec": spec,
            "column": {"bytes": column.hex()} if isinstance(column, bytes) else column,
            "written_by": writer.written_by,
            "expected": {tag: content},
        }
        (scratch / "case.json").write_text(json.dumps(case, indent=1, ensure_ascii=False) + "\n")
        if not any(objects.iterdir()):
            objects.rmdir()
        shutil.copytree(scratch, place)
    print(place.relative_to(HERE))


def main():
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        sources(folder)
        for label, writer in (("datajoint", Datajoint()), ("lapjoint", Lapjoint())):
            for case in cases(folder):
                write(writer, label, *case)


if __name__ == "__main__":
    main()
