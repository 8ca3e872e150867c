"""Documents that a JSON Schema describes: in tables of every database, with restrictions by path."""

import json
import socket
import uuid

import numpy as np
import pytest

import lapjoint as dj

pytest.importorskip("jsonschema")

from lapjoint.science import json_schema  # noqa: E402 - after the check for its library

SCHEMA = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "title": "Settings of an amplifier",
    "type": "object",
    "required": ["rate", "channels"],
    "properties": {
        "rate": {"type": "number", "exclusiveMinimum": 0},
        "channels": {"type": "array", "items": {"type": "object", "properties": {"gain": {"type": "integer", "maximum": 100}}}},
        "started": {"type": "string", "format": "date"},
        "note": {"type": ["string", "null"]},
    },
    "additionalProperties": False,
}
GOOD = {"rate": 30000.5, "channels": [{"gain": 5}, {}], "started": "2026-01-02", "note": None}


@pytest.fixture(autouse=True)
def no_network(monkeypatch):
    """Nothing may be fetched, whatever a schema refers to."""
    connect = socket.socket.connect

    def refuse(self, address):
        if self.family != socket.AF_UNIX and address[0] not in ("127.0.0.1", "localhost", "::1"):
            raise AssertionError(f"a connection to {address}")
        return connect(self, address)

    monkeypatch.setattr(socket.socket, "connect", refuse)


@pytest.fixture(autouse=True)
def registered(monkeypatch):
    monkeypatch.setattr(json_schema, "_schemas", {})


@pytest.fixture(scope="module")
def config():
    codec = json_schema.json_schema_codec("amplifier", SCHEMA)
    yield codec
    dj.codecs.unregister_codec("amplifier")


def test_documents_on_every_database(database, config):
    schema = database.schema()
    table = schema(type("Run", (dj.Manual,), {"definition": "id : int32\n---\nconfig = null : <amplifier>"}))
    table.insert([{"id": 1, "config": GOOD}, {"id": 2, "config": {"rate": 20000, "channels": []}}, {"id": 3}])
    rows = {row["id"]: row["config"] for row in table.to_dicts()}
    pytest.importorskip("pyarrow")
    columns = table.to_arrow(order_by="KEY")["config"].to_pylist()
    assert json.loads(columns[0]) == GOOD and columns[2] is None
    assert rows == {1: GOOD, 2: {"rate": 20000, "channels": []}, 3: None}
    assert (table & {"config.started": "2026-01-02"}).to_arrays("id").tolist() == [1]
    assert (table & {"config.channels[0].gain:unsigned": 5}).to_arrays("id").tolist() == [1]
    with pytest.raises(dj.DataJointError, match=r"\$\.rate: 0 is less than or equal to the minimum of 0"):
        table.insert1({"id": 4, "config": {"rate": 0, "channels": []}})
    with pytest.raises(dj.DataJointError, match="does not follow its schema"):
        table.update1({"id": 1, "config": {"rate": 1}})
    assert len(table()) == 3 and (table & "id = 1").fetch1("config") == GOOD


@pytest.mark.parametrize(
    "change, message",
    [
        ({"rate": "fast"}, r"\$\.rate: 'fast' is not of type 'number' \(rule type: 'number'\)"),
        ({"channels": [{}, {"gain": 500}]}, r"\$\.channels\[1\]\.gain: 500 is greater than the maximum of 100 \(rule maximum: 100\)"),
        ({"started": "yesterday"}, r"\$\.started: 'yesterday' is not a 'date' \(rule format"),
        ({"extra": 1}, r"\$: Additional properties are not allowed"),
        ({"rate": -1, "note": 5}, r"\$\.note: .*; \$\.rate: "),
        ({"note": float("nan")}, r"\$\.note: nan is no number of JSON; store None instead"),
        ({"channels": ({},)}, r"\$\.channels: a tuple is no value of JSON; make it a list"),
        ({"rate": np.float32(1)}, r"\$\.rate: a float32 is no value of JSON; use .item\(\)"),
        ({"channels": np.zeros(3)}, r"\$\.channels: a ndarray is no value of JSON; use .tolist\(\)"),
        ({"channels": [{1: 2}]}, r"\$\.channels\[0\]: the key 1 is of type int; keys of JSON are text"),
        ({"note": uuid.UUID(int=1)}, r"\$\.note: a UUID is no value of JSON"),
        ({"note": 1 << 70}, r"\$\.note: \d+ is larger than 64 bits"),
    ],
)
def test_errors_name_the_place_and_the_rule(config, change, message):
    with pytest.raises(dj.DataJointError, match=f"<amplifier> .*{message}"):
        config().validate({**GOOD, **change})
    with pytest.raises(TypeError):
        config().validate({**GOOD, **change})


def test_many_errors_and_long_values_are_cut_short(config):
    with pytest.raises(dj.DataJointError) as error:
        config().validate({**GOOD, "channels": [{"gain": "x" * 1000}] * 50})
    assert "and 45 more" in str(error.value) and len(str(error.value)) < 2000


def test_a_subclass_is_a_codec_of_its_own(schema):
    class Volume(json_schema.JsonSchemaCodec):
        """Litres."""

        name = "volume"
        schema = {"type": "number", "minimum": 0}

    table = schema(type("Tank", (dj.Manual,), {"definition": "id : int32\n---\nlitres : <volume>"}))
    table.insert([{"id": 1, "litres": 2.5}, {"id": 2, "litres": 3}])
    assert table.to_arrays("litres").tolist() == [2.5, 3]
    with pytest.raises(dj.DataJointError, match=r"<volume> .*\$: -1 is less than the minimum of 0"):
        table.insert1({"id": 3, "litres": -1})
    with pytest.raises(dj.DataJointError, match="<volume> keeps json in the table: write <volume> without @"):
        schema(type("Other", (dj.Manual,), {"definition": "id : int32\n---\nlitres : <volume@>"}))
    dj.codecs.unregister_codec("volume")


def test_documents_that_name_their_schema(schema):
    json_schema.register_schema({"$id": "https://lab.example/point", "type": "object", "required": ["x"], "properties": {"x": {"type": "number"}}})
    json_schema.register_schema({"items": {"$ref": "https://lab.example/point"}, "type": "array"}, "urn:lab:line")
    json_schema.register_schema(
        {"$id": "urn:lab:shape", "properties": {"line": {"$ref": "urn:lab:line"}, "inside": {"$ref": "#"}}}
    )
    table = schema(type("Shape", (dj.Manual,), {"definition": "id : int32\n---\nshape = null : <json-schema>"}))
    good = {"$schema": "urn:lab:shape", "line": [{"x": 1}, {"x": 2.5}], "inside": {"line": []}}
    table.insert([{"id": 1, "shape": good}, {"id": 2}])
    assert (table & "id = 1").fetch1("shape") == good and (table & {"shape.line[1].x:double": 2.5}).to_arrays("id").tolist() == [1]
    for bad, message in [
        ({**good, "inside": {"line": [{"y": 1}]}}, r"\$\.inside\.line\[0\]: 'x' is a required property"),
        ({**good, "$schema": "https://elsewhere.example/s"}, r"'https://elsewhere.example/s' is not registered \(registered: https://lab"),
        ({"line": []}, r'names its schema in "\$schema"'),
        ([1], r'names its schema in "\$schema"'),
    ]:
        with pytest.raises(dj.DataJointError, match=f"<json-schema> .*{message}"):
            table.insert1({"id": 3, "shape": bad})


def test_nothing_is_fetched():
    """`no_network` fails the test at the first attempt."""
    remote = json_schema.json_schema_codec("remote", {"properties": {"a": {"$ref": "https://example.org/other.json"}}})
    with pytest.raises(dj.DataJointError, match="refers to 'https://example.org/other.json', which is not registered; schemas are never"):
        remote().validate({"a": 1})
    json_schema.register_schema({"type": "integer"}, "https://example.org/other.json")
    remote().validate({"a": 1})
    dj.codecs.unregister_codec("remote")


def test_schemas_that_are_none():
    for schema, message in [
        ({"type": "numbr"}, r"the schema of <bad> is no JSON Schema: \$\.type"),
        ({"properties": {"a": {"minimum": "x"}}}, r"\$\.properties\.a\.minimum"),
        ("text", "the schema of <bad> is a str, not a dict"),
    ]:
        with pytest.raises(dj.DataJointError, match=message):
            json_schema.json_schema_codec("bad", schema)
    assert not dj.codecs.is_codec_registered("bad")
    with pytest.raises(dj.DataJointError, match="a registered schema needs a URI"):
        json_schema.register_schema({"type": "object"})


def test_hostile_documents_and_schemas_end():
    deep = json_schema.json_schema_codec("deep", {"$ref": "#"})
    nested = value = []
    for _ in range(100_000):
        value.append([])
        value = value[0]
    for given in (nested, {"a": 1}):
        with pytest.raises(dj.DataJointError, match="<deep> is nested too deep, or its schema refers to itself without end"):
            deep().validate(given)
    dj.codecs.unregister_codec("deep")


def test_the_factory_called_again_replaces_its_codec():
    json_schema.json_schema_codec("again", {"type": "string"})
    json_schema.json_schema_codec("again", {"type": "integer"})
    dj.get_codec("again").validate(5)
    with pytest.raises(dj.DataJointError):
        dj.get_codec("again").validate("text")
    dj.codecs.unregister_codec("again")
