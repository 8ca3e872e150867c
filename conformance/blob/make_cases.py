"""Writes cases.json: values and the blobs that datajoint 2.3.5 makes of them. Present cases are never changed.

Usage: python conformance/blob/make_cases.py, with datajoint==2.3.5 installed.
"""

import json
import pathlib
import sys
import warnings

warnings.simplefilter("ignore")
HERE = pathlib.Path(__file__).parent
sys.path[:0] = [str(HERE), str(HERE.parent)]

import tagged  # noqa: E402
from datajoint import blob  # noqa: E402
from values import values  # noqa: E402


def main():
    file = HERE / "cases.json"
    present = json.loads(file.read_text()) if file.exists() else []
    known = {case["name"] for case in present}
    for name, value in values():
        if name not in known:
            packed = blob.pack(value, compress=False).hex()
            unpacked = tagged.dump(blob.unpack(bytes.fromhex(packed)))
            present.append({"name": name, "value": tagged.dump(value), "blob": packed, "unpacked": unpacked})
    file.write_text("[\n" + ",\n".join(json.dumps(case) for case in present) + "\n]\n")
    print(len(present), "cases")


if __name__ == "__main__":
    main()
