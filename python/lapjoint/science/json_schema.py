"""`<json-schema>`: JSON documents that a JSON Schema describes.

What it does
------------
Keeps documents in a json column, after they have been compared with a schema on insert. A pipeline names its own kinds:

    from lapjoint.science.json_schema import json_schema_codec
    json_schema_codec("config", {"type": "object", "required": ["rate"], "properties": {"rate": {"type": "number", "minimum": 1}}})

and writes `<config>` in definitions; a subclass of `JsonSchemaCodec` with `name` and `schema` is the same. `<json-schema>` itself
takes documents that name their schema in `"$schema"`, one of those that `register_schema` was given. Fetched documents are given
back as they are stored, also when the schema has changed since.

Specification
-------------
JSON Schema by the package jsonschema: drafts 3 to 2020-12, 2020-12 where the schema does not say; `format` is compared where
jsonschema can. References lead to registered schemas only: nothing is ever fetched. Documents are dicts with text as keys, lists,
text, bools, `None`, integers and finite floats; tuples, numpy's values and NaN are refused, since JSON would give something else
back. An error names the place in the document (`$.channels[3].rate`) and the rule.

Names
-----
`<json-schema>`, and the names of your own codecs; always in the table, never with `@`.

Stored form
-----------
The document, in a column of type `json`: restrictions by path (`"config.rate"`) work.

Compatibility
-------------
DataJoint reads the column as `json`. Its documentation's class, which calls `jsonschema.validate`, stores the same.
"""

import json
import math

from ..codecs import Codec
from ..errors import DataJointError
from ._shared import library, refused

_NAME = "json-schema"
_schemas: dict[str, dict] = {}


def register_schema(schema, uri=None):
    """Makes a schema known, under its `$id` or the given URI: to documents that name it in `$schema`, and to `$ref`."""
    uri = uri or (schema.get("$id") if isinstance(schema, dict) else None)
    if not isinstance(uri, str) or not uri:
        raise DataJointError('a registered schema needs a URI: its "$id", or register_schema(schema, uri)')
    _check_schema(schema, uri)
    _schemas[uri.removesuffix("#")] = schema


def json_schema_codec(name, schema):
    """A registered codec `<name>` for documents that the schema describes."""
    title = "".join(part.capitalize() for part in name.replace("_", "-").split("-"))
    doc = schema.get("description") or schema.get("title") if isinstance(schema, dict) else None
    # One class for each name: called again, as a notebook's cell is, it replaces its predecessor.
    body = {"name": name, "schema": schema, "__doc__": doc or f"Documents of the schema {name}.", "__module__": __name__}
    return type(f"{title}Codec", (JsonSchemaCodec,), body)


class JsonSchemaCodec(Codec, register=False):
    """A JSON document that a schema describes."""

    schema = None
    arrow_type = "text"

    def __init_subclass__(cls, **kwargs):
        if cls.schema is not None:
            _check_schema(cls.schema, f"of <{cls.name}>")
        super().__init_subclass__(**kwargs)

    def get_dtype(self, is_store):
        """JSON, in the table."""
        if is_store:
            raise DataJointError(f"<{self.name}> keeps json in the table: write <{self.name}> without @")
        return "json"

    def schema_of(self, value):
        """The schema that a document must follow."""
        if self.schema is None:
            raise DataJointError(f"<{self.name}> has no schema: set the class attribute `schema`")
        return self.schema

    def validate(self, value):
        """Compares a document with its schema."""
        try:
            _check_document(self.name, value, "$")
            self._compare(value)
        except RecursionError:
            raise refused(self.name, "is nested too deep, or its schema refers to itself without end") from None

    def _compare(self, value):
        validators = library(self.name, "jsonschema.validators", "jsonschema")
        schema = self.schema_of(value)
        kind = validators.validator_for(schema, default=validators.Draft202012Validator)
        validator = kind(schema, registry=_registry(), format_checker=kind.FORMAT_CHECKER)
        try:
            found = sorted(validator.iter_errors(value), key=lambda error: (list(map(str, error.absolute_path)), str(error.validator)))
        except library(self.name, "referencing.exceptions", "jsonschema").Unresolvable as error:
            raise DataJointError(
                f"the schema of <{self.name}> refers to {error.ref!r}, which is not registered; schemas are never fetched: "
                "call lapjoint.science.json_schema.register_schema"
            ) from error
        if found:
            lines = [f"{_place(error.absolute_path)}: {_shortened(error.message)} (rule {_rule(error)})" for error in found[:5]]
            more = f"; and {len(found) - 5} more" if len(found) > 5 else ""
            raise refused(self.name, f"the document does not follow its schema: {'; '.join(lines)}{more}")

    def encode(self, value, *, key=None, store_name=None):
        """The document."""
        self.validate(value)
        return value

    def decode(self, stored, *, key=None):
        """The document."""
        return stored

    def to_arrow(self, values):
        """The documents as text of JSON: they may differ in what they have."""
        return [None if value is None else json.dumps(value, ensure_ascii=False) for value in values]


class RegisteredSchemaCodec(JsonSchemaCodec):
    """A JSON document that names its schema in `$schema`."""

    name = _NAME
    yields = True

    def schema_of(self, value):
        """The registered schema that the document names."""
        uri = value.get("$schema") if isinstance(value, dict) else None
        if not isinstance(uri, str):
            raise refused(self.name, 'expects a document (a dict) that names its schema in "$schema"')
        found = _schemas.get(uri.removesuffix("#"))
        if found is None:
            known = ", ".join(sorted(_schemas)) or "none"
            raise refused(
                self.name, f"schema {uri!r} is not registered (registered: {known}); "
                "call lapjoint.science.json_schema.register_schema, schemas are never fetched"
            )  # fmt: skip
        return found


def _registry():
    referencing = library(_NAME, "referencing", "jsonschema")
    specifications = library(_NAME, "jsonschema_specifications", "jsonschema")
    draft = library(_NAME, "referencing.jsonschema", "jsonschema").DRAFT202012
    known = [
        (uri, referencing.Resource.from_contents(schema, default_specification=draft)) for uri, schema in _schemas.items()
    ]
    return specifications.REGISTRY.with_resources(known)


def _check_schema(schema, what):
    validators = library(_NAME, "jsonschema.validators", "jsonschema")
    if not isinstance(schema, (dict, bool)):
        raise DataJointError(f"the schema {what} is a {type(schema).__name__}, not a dict")
    kind = validators.validator_for(schema, default=validators.Draft202012Validator)
    try:
        kind.check_schema(schema)
    except library(_NAME, "jsonschema.exceptions", "jsonschema").SchemaError as error:
        raise DataJointError(f"the schema {what} is no JSON Schema: {_place(error.absolute_path)}: {error.message}") from error


def _check_document(name, value, place):
    """Refuses what JSON would not give back as it is."""
    if type(value) is dict:
        for key, item in value.items():
            if type(key) is not str:
                raise refused(name, f"{place}: the key {key!r} is of type {type(key).__name__}; keys of JSON are text")
            _check_document(name, item, f"{place}.{key}")
    elif type(value) is list:
        for index, item in enumerate(value):
            _check_document(name, item, f"{place}[{index}]")
    elif type(value) is float:
        if not math.isfinite(value):
            raise refused(name, f"{place}: {value} is no number of JSON; store None instead")
    elif type(value) is int:
        if not -(1 << 63) <= value < 1 << 64:
            raise refused(name, f"{place}: {value} is larger than 64 bits; store it as text")
    elif value is not None and type(value) not in (str, bool):
        remedy = {"tuple": "; make it a list", "ndarray": "; use .tolist()"}.get(type(value).__name__, "")
        remedy = remedy or ("; use .item()" if hasattr(value, "item") else "")
        raise refused(name, f"{place}: a {type(value).__name__} is no value of JSON{remedy}")


def _place(path):
    return "$" + "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path)


def _rule(error):
    return _shortened(f"{error.validator}: {error.validator_value!r}", 80)


def _shortened(text, length=200):
    return text if len(text) <= length else f"{text[: length - 1]}…"
