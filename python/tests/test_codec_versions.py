"""Versions that codecs in Python declare: what is written, refused and warned of."""

import json
import warnings

import pytest

import lapjoint as dj


def codec_class(name, **attributes):
    """A codec that keeps text in an object, and its version in the metadata."""

    def encode(self, value, *, key=None, store_name=None, context=None):
        path, _ = self._build_path(*self._extract_context(key, context), ext=".txt", store_name=store_name)
        self._get_backend(store_name).put_buffer(value.encode(), path)
        return {"path": path, "store": store_name, **self.more}

    def decode(self, stored, *, key=None, context=None):
        return self._get_backend(stored["store"]).get_buffer(stored["path"]).decode()

    body = {"name": name, "encode": encode, "decode": decode, "more": {}, "__module__": __name__, **attributes}
    return type(name.title(), (dj.SchemaCodec,), body)


def table_of(schema, name):
    @schema
    class Note(dj.Manual):
        definition = f"id : int32\n---\nnote : <{name}@>"

    return Note


def stored(connection, table):
    (row,) = connection.query(f"SELECT note FROM {table.full_table_name}").fetchall()
    return json.loads(row[0]) if isinstance(row[0], str) else row[0]


def change(connection, table, **changes):
    text = json.dumps({**stored(connection, table), **changes})
    connection.query(f"UPDATE {table.full_table_name} SET note = %s", (text,))


def test_metadata_gets_version_and_packages(schema):
    codec_class("vnoted", codec_version="2.0", package=("lab-codecs", "0.3"))
    table = table_of(schema, "vnoted")
    table.insert1({"id": 1, "note": "ä"})
    written = stored(schema.connection, table)
    assert written["codec_version"] == "2.0"
    assert written["provenance"] == {"lapjoint": dj.__version__, "lab-codecs": "0.3"}
    assert table.fetch1("note") == "ä"


@pytest.mark.parametrize("attributes", [
    {"codec_version": "2.0", "more": {"codec_version": "1.7", "mine": 1}},
    {"CURRENT_VERSION": "2.0", "more": {"mine": 1}},
    {"more": {"mine": 1}},
])  # fmt: skip
def test_what_a_class_writes_itself_stays_as_it_is(schema, attributes):
    codec_class("vown", **attributes)
    table = table_of(schema, "vown")
    table.insert1({"id": 1, "note": "a"})
    written = stored(schema.connection, table)
    assert list(written) == ["path", "store", *attributes["more"]]
    dj.codecs.unregister_codec("vown")


def test_a_version_that_is_not_read_is_refused_before_decode(schema):
    calls = []

    def decode(self, stored, *, key=None):
        calls.append(stored)

    codec_class("vrefusing", codec_version="2.0", reads_versions=("1.0",), package=("lab-codecs", "0.3"), decode=decode)
    table = table_of(schema, "vrefusing")
    table.insert1({"id": 1, "note": "a"})
    change(schema.connection, table, codec_version="3.0", provenance={"lapjoint": "9", "lab-codecs": "4.1"})
    with pytest.raises(dj.DataJointError) as raised:
        table.fetch1("note")
    text = str(raised.value)
    assert "<vrefusing> cannot read version 3.0 of its format; it reads 1.0, 2.0." in text
    assert "Upgrade lab-codecs (installed: 0.3) to 4.1 or later" in text and "note" in text
    assert not calls
    for version in ("1.0", "2.0"):
        change(schema.connection, table, codec_version=version)
        table.fetch1("note")
    assert len(calls) == 2


def test_without_versions_read_the_class_decides(schema):
    codec_class("vdeciding", CURRENT_VERSION="2.0")
    table = table_of(schema, "vdeciding")
    table.insert1({"id": 1, "note": "a"})
    change(schema.connection, table, codec_version="0.1")
    assert table.fetch1("note") == "a"


def test_a_deprecated_version_warns_once_for_a_table(schema):
    codec_class("vold", codec_version="2.0", reads_versions=("1.0",), deprecated_versions={"1.0": "migrate by 2027"})
    table = table_of(schema, "vold")
    table.insert([{"id": number, "note": "a"} for number in range(5)])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        table.to_arrays("note")
    connection = schema.connection
    rows = connection.query(f"SELECT id, note FROM {table.full_table_name}").fetchall()
    for number, text in rows:
        old = {**(json.loads(text) if isinstance(text, str) else text), "codec_version": "1.0"}
        connection.query(f"UPDATE {table.full_table_name} SET note = %s WHERE id = %s", (json.dumps(old), number))
    with pytest.warns(DeprecationWarning, match="version 1.0 of <vold> is deprecated: migrate by 2027") as caught:
        assert list(table.to_arrays("note")) == ["a"] * 5
        table.to_arrays("note")
    assert len(caught) == 1
    assert caught[0].filename == __file__


@pytest.mark.parametrize("attributes, message", [
    ({"codec_version": 2}, "codec_version of .* must be text"),
    ({"codec_version": "2", "reads_versions": "1.0"}, "reads_versions of .* must be several texts"),
    ({"codec_version": "2", "reads_versions": 5}, "reads_versions of .* must be several texts"),
    ({"deprecated_versions": ["1.0"]}, "deprecated_versions of .* must map versions to messages"),
])  # fmt: skip
def test_wrong_declarations_are_refused(attributes, message):
    with pytest.raises(dj.DataJointError, match=message):
        codec_class("vwrong", **attributes)
    assert not dj.codecs.is_codec_registered("vwrong")
