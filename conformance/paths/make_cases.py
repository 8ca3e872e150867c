"""Writes the cases in this folder from the reference implementation, datajoint 2.3.5.

    python make_cases.py

Values are `{"type": …, "value": …}` with the value as text, so that any language can read them. A case with
`"refused": true` is one that the reference accepts and Lapjoint refuses on purpose.
"""

import base64
import datetime as dt
import decimal
import json
import pathlib
import random
import uuid

import numpy as np
from datajoint import hash_registry, storage

HERE = pathlib.Path(__file__).parent


def value(kind, thing):
    if kind == "bytes":
        text = base64.b64encode(thing).decode()
    elif kind == "float":
        text = thing.hex()
    elif kind in ("date", "time", "datetime"):
        text = thing.isoformat()
    else:
        text = str(thing)
    return {"type": kind, "value": text}


def samples():
    rng = random.Random(20240102)
    for number in (0, -1, 7, 2**63 - 1, -(2**63), 2**70, -(10**30)):
        yield "int", number
    yield "bool", True
    yield "bool", False
    floats = [0.0, -0.0, 1.5, 4.0, 0.1, 1e15, 1e16, 1.25e-5, 0.0001, 123456789.125, 1e22, 5e-324, 1.7976931348623157e308]
    floats += [float("inf"), float("-inf"), float("nan")]
    floats += [rng.uniform(-1, 1) * 10 ** rng.randint(-30, 30) for _ in range(60)]
    for number in floats:
        yield "float", number
    yield "date", dt.date(2024, 1, 2)
    yield "date", dt.date(1900, 12, 31)
    yield "datetime", dt.datetime(2024, 1, 2, 3, 4, 5)
    yield "datetime", dt.datetime(2024, 1, 2, 3, 4, 5, 678901)
    yield "time", dt.time(3, 4, 5)
    yield "time", dt.time(23, 59, 59, 600)
    yield "decimal", decimal.Decimal("1.50")
    yield "decimal", decimal.Decimal("-1E+30")
    yield "uuid", uuid.UUID("12345678-1234-5678-1234-567812345678")
    yield "bytes", b"abc"
    yield "bytes", b"a'b\"\\\n\x00\xff"
    yield "bytes", b"it's"
    yield "numpy.int64", np.int64(-5)
    yield "numpy.uint8", np.uint8(200)
    yield "numpy.float64", np.float64(2.5)
    texts = ["mouse/1:a é%20", "plain", "with space", "100%", "é", "漢字", "a\\b", 'q"uote', "a*b", "a?b", "a<b>c", "a|b"]
    texts += ["~_.-:", "line\nbreak", "tab\t", "#1", "x" * 100, "x" * 101, "é" * 100, "é" * 101, "/" * 120, "😀" * 101]
    alphabet = "aZ09_-. ~%#/\\:*?\"<>|éß漢😀'&=+,;@$!()[]{}^`"
    texts += ["".join(rng.choice(alphabet) for _ in range(rng.randint(1, 130))) for _ in range(150)]
    texts += ["", ".", "..", "a\0b"]
    for text in texts:
        yield "str", text


def is_refused(kind, thing):
    return kind == "str" and (thing in ("", ".", "..") or "\0" in thing)


def pk_values():
    cases = []
    for kind, thing in samples():
        case = value(kind, thing) | {"encoded": storage.encode_pk_value(thing)}
        if is_refused(kind, thing):
            case["refused"] = True
        cases.append(case)
    return cases


def schema_paths():
    rng = random.Random(7)
    tokens = iter(lambda: "".join(rng.choice(storage.TOKEN_ALPHABET) for _ in range(rng.randint(4, 16))), None)
    full = [("subj", "str", "mouse/1:a é%20"), ("d", "date", dt.date(2024, 1, 2))]
    full += [("t", "datetime", dt.datetime(2024, 1, 2, 3, 4, 5)), ("f", "float", 1.5)]
    keys = [[], [("k", "int", 1)], full, [("a_b", "str", "x"), ("c", "str", "y")]]
    patterns = [None, "", "{subj}/{d}", "{d}{subj}", "no braces", "{nothing}/{k}", "{a_b}x{c", "{{c}}", "{c d}{k}", "{k}{k}"]
    tables = [("st_test", "__proc"), ("db", "#lookup"), ("db", "_imp__part"), ("schéma", "manual table")]
    cases = []
    for key in keys:
        for pattern in patterns:
            for prefix in ("_schema", "", "/a/b/", "/"):
                for ext in (None, "", ".npy", "tar.gz"):
                    schema, table = rng.choice(tables)
                    token = next(tokens)
                    storage.generate_token = lambda length, token=token: token
                    path, _ = storage.build_object_path(
                        schema,
                        table,
                        "field",
                        {name: thing for name, _, thing in key},
                        ext,
                        pattern,
                        8,
                        schema_prefix=prefix,
                    )
                    cases.append(
                        {
                            "schema": schema,
                            "table": table,
                            "field": "field",
                            "key": [{"name": name} | value(kind, thing) for name, kind, thing in key],
                            "ext": ext or "",
                            "partition_pattern": pattern,
                            "schema_prefix": prefix,
                            "token": token,
                            "path": path,
                        }
                    )
    return cases


def hash_paths():
    rng = random.Random(11)
    contents = [b"", b"hello", bytes(range(256)), b"\0" * 1000] + [rng.randbytes(rng.randint(1, 60)) for _ in range(30)]
    cases = []
    for content in contents:
        folds = rng.choice([None, [], [2, 2], [1], [3, 5, 7], [13, 13], [26]])
        prefix = rng.choice(["_hash", "", "a/b", "/x/", "/"])
        digest = hash_registry.compute_hash(content)
        path = hash_registry.build_hash_path(digest, "sch", tuple(folds) if folds else None, hash_prefix=prefix)
        cases.append(
            {
                "content": base64.b64encode(content).decode(),
                "hash": digest,
                "schema": "sch",
                "subfolding": folds,
                "hash_prefix": prefix,
                "path": path,
            }
        )
    return cases


if __name__ == "__main__":
    for name, cases in [("pk_values", pk_values()), ("schema_paths", schema_paths()), ("hash_paths", hash_paths())]:
        text = "[\n" + ",\n".join(json.dumps(case) for case in cases) + "\n]\n"
        (HERE / f"{name}.json").write_text(text)
        print(name, len(cases))
