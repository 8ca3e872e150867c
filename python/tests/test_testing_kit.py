"""The rules that every codec must keep: the built-in codecs keep them, and each break is noticed."""

import json

import migrating
import numpy as np
import pytest

import lapjoint as dj
from lapjoint.testing import codec_conformance

ARRAYS = [np.arange(6.0).reshape(2, 3), np.zeros((0, 2), "i2"), np.array(["a", "ä"])]


@pytest.fixture(autouse=True)
def unregistered():
    yield
    for name in ("twoform", "broken"):
        if dj.codecs.is_codec_registered(name):
            dj.codecs.unregister_codec(name)


@pytest.mark.parametrize("name, values, options", [
    ("blob", [1, "text", {"a": [1, None]}, *ARRAYS[:2]], {}),
    ("npy", ARRAYS, {}),
    ("hash", [b"", b"bytes"], {}),
    ("object", [b"bytes", (".dat", b"raw")], {"equal": lambda value, ref: ref.read() == (value if isinstance(value, bytes) else value[1])}),
    ("filepath", ["raw/a.bin"], {"equal": lambda _, ref: ref.read() == b"12", "objects": {"raw/a.bin": b"12"}}),
], ids=lambda given: given if isinstance(given, str) else "")  # fmt: skip
def test_the_core_codecs_keep_the_rules(name, values, options):
    codec_conformance(name, values, **options)


def test_attached_files(tmp_path):
    file = tmp_path / "notes.txt"
    file.write_bytes(b"content")

    def equal(value, fetched):
        return open(fetched, "rb").read() == b"content"

    codec_conformance("attach", [str(file)], equal=equal)


def test_a_codec_in_python_keeps_the_rules():
    codec_conformance(migrating.codec_class(), [[], [1, 2]])


def broken_codec(**changes):
    """A codec that keeps text in a file, with some methods replaced."""

    class Broken(dj.SchemaCodec, register=False):
        codec_version = "1.0"
        reads_versions = ("1.0",)

        def encode(self, value, *, key=None, store_name=None, context=None):
            config = context["config"]
            path, _ = self._build_path(*self._extract_context(key, context), ".txt", store_name, config)
            self._get_backend(store_name, config=config).put_buffer(value.encode(), path)
            return {"path": path, "store": store_name}

        def decode(self, stored, *, key=None, context=None):
            return self._get_backend(stored["store"], config=context["config"]).get_buffer(stored["path"]).decode()

    Broken.name = "broken"
    for name, value in changes.items():
        setattr(Broken, name, value)
    dj.codecs.register_instance(Broken())
    return Broken


def writes_two(self, value, *, key=None, store_name=None, context=None):
    config = context["config"]
    paths = []
    for part in (value, "rest"):
        path, _ = self._build_path(*self._extract_context(key, context), ".txt", store_name, config)
        self._get_backend(store_name, config=config).put_buffer(part.encode(), path)
        paths.append(path)
    return {"path": paths[0], "store": store_name}


KEPT = {}


def remembers(self, value, *, key=None, store_name=None, context=None):
    path, _ = self._build_path(*self._extract_context(key, context), ".txt", store_name, context["config"])
    self._get_backend(store_name, config=context["config"]).put_buffer(b"", path)
    KEPT[path] = value
    return {"path": path, "store": store_name}


@pytest.mark.parametrize("changes, message", [
    ({"decode": lambda self, stored, *, key=None, context=None: "other"}, "came back as 'other'"),
    ({"encode": writes_two}, "no reference leads to the stored object"),
    ({"encode": remembers, "decode": lambda self, stored, *, key=None: KEPT.get(stored.get("path"))}, "nobody noticed|was followed"),
    ({"referenced_paths": lambda self, stored: [("nowhere", None)]}, "nobody stored"),
    ({"get_dtype": lambda self, is_store: 1 / 0}, "supports neither"),
    ({"decode": lambda self, stored, *, key=None: object()}, "came back as|cannot be compared"),
])  # fmt: skip
def test_a_broken_rule_is_noticed(changes, message):
    with pytest.raises(AssertionError, match=message):
        codec_conformance(broken_codec(**changes), ["text", "ä"])


def test_the_codec_without_changes_is_not_broken():
    codec_conformance(broken_codec(), ["text", "ä"])


def test_frozen_values_are_read(tmp_path):
    codec = broken_codec()
    with pytest.raises(AssertionError, match="no frozen values"):
        codec_conformance(codec, ["a"], fixtures=tmp_path)
    case = tmp_path / "1.0" / "one"
    (case / "objects").mkdir(parents=True)
    (case / "objects" / "a.txt").write_text("frozen")
    document = {"spec": "<broken@main>", "column": {"path": "a.txt", "store": "main"}, "expected": {"json": "frozen"}}
    (case / "case.json").write_text(json.dumps(document))
    codec_conformance(codec, ["a"], fixtures=tmp_path)
    (case / "case.json").write_text(json.dumps({**document, "expected": {"json": "thawed"}}))
    with pytest.raises(AssertionError, match="'frozen' came back, not 'thawed'"):
        codec_conformance(codec, ["a"], fixtures=tmp_path)


def test_settings_are_as_before():
    before = dj.config.get("stores")
    codec_conformance("hash", [b"x"])
    assert dj.config.get("stores") == before
    with pytest.raises(AssertionError, match="no value is no test"):
        codec_conformance("hash", [])
