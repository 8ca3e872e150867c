"""Writes cases.json: arrays and the .npy files that numpy.save makes of them. Present cases are never changed."""

import io
import json
import pathlib

import numpy as np

HERE = pathlib.Path(__file__).parent


def arrays():
    """Pairs of name and array."""
    plain = "bool int8 uint8 int16 uint16 int32 uint32 int64 uint64 float16 float32 float64 complex64 complex128"
    for kind in plain.split():
        yield kind, np.arange(6).astype(kind).reshape(2, 3)
    for code in (">i2", ">u4", ">f8", ">c8", ">M8[us]", "<m8[ns]", "<m8[25s]", "<M8[D]", "<M8[ns]", "S3", "U2", ">U3", "V5"):
        yield code, np.zeros(3, dtype=code)
    yield "text", np.array(["ab", "é", "漢字"])
    yield "0-d", np.array(1.5)
    yield "empty", np.zeros((0, 3))
    yield "column-major", np.asfortranarray(np.arange(6.0).reshape(2, 3))
    yield "column-major 3-d", np.asfortranarray(np.arange(24).reshape(2, 3, 4))
    yield "column", np.arange(5.0).reshape(5, 1)
    yield "long", np.zeros(1234567, dtype="?")[:0].reshape(0, 1234567)
    yield "records", np.zeros(2, dtype=[("a", "<i4"), ("b", "<f8", (2, 3)), ("c", ">u2"), ("d", [("e", "S2")])])
    yield "records aligned", np.zeros(2, dtype=np.dtype([("a", "i1"), ("b", "f8"), ("c", "i2")], align=True))
    yield "records named", np.zeros(1, dtype=[("größe", "f4"), ("it's", "i2"), ("漢", "i1")])


def main():
    file = HERE / "cases.json"
    present = json.loads(file.read_text()) if file.exists() else []
    known = {case["name"] for case in present}
    for name, array in arrays():
        if name not in known:
            out = io.BytesIO()
            np.save(out, array, allow_pickle=False)
            present.append({"name": name, "dtype": str(array.dtype), "file": out.getvalue().hex()})
    file.write_text("[\n" + ",\n".join(json.dumps(case) for case in present) + "\n]\n")
    print(len(present), "cases")


if __name__ == "__main__":
    main()
