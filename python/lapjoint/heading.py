"""Headings: the attributes of a table or query."""

import re
from dataclasses import dataclass

import numpy as np

from ._core import join_order

_NUMERIC = re.compile(r"^(int8|int16|int32|int64|float32|float64|bool|decimal|(tiny|small|medium|big)?int|integer|float|double|real|numeric)", re.I)  # fmt: skip
_FLOATS = re.compile(r"^(float32|float64|float|double|real)", re.I)
_INTEGERS = re.compile(r"^(int8|int16|int32|int64|bool|(tiny|small|medium|big)?int|integer)", re.I)
_TEXTS = re.compile(r"^(char|varchar|enum|date|datetime|time|timestamp)", re.I)


@dataclass(frozen=True)
class Attribute:
    """One attribute: `type` is as declared, `sql_type` the type of its column."""

    name: str
    type: str
    sql_type: str
    in_key: bool
    nullable: bool
    default: str | None
    comment: str
    autoincrement: bool
    codec_name: str | None
    store: str | None
    lineage: str | None = None

    is_hidden = property(lambda self: self.name.startswith("_"))
    uuid = property(lambda self: self.sql_type == "uuid")
    json = property(lambda self: self.sql_type == "json")
    is_blob = property(lambda self: "blob" in self.sql_type or self.sql_type == "bytes")
    numeric = property(lambda self: bool(_NUMERIC.match(self.sql_type)))
    string = property(lambda self: bool(_TEXTS.match(self.sql_type)))
    original_type = property(lambda self: None if self.codec_name else self.type)
    is_hash_object = property(lambda self: self.codec_name == "hash" or (self.codec_name in ("blob", "attach") and self.store is not None))  # fmt: skip

    @property
    def codec(self):
        """The codec object, or `None`."""
        if self.codec_name is None:
            return None
        from .codecs import get_codec

        return get_codec(self.codec_name)

    @property
    def is_schema_object(self):
        """Whether the codec keeps files of its own."""
        from .codecs import SchemaCodec

        return isinstance(self.codec, SchemaCodec)

    @property
    def dtype(self):
        """The numpy type of a column of values."""
        if self.codec_name is None and _FLOATS.match(self.sql_type):
            return np.dtype("float64")
        if self.codec_name is None and _INTEGERS.match(self.sql_type) and not self.nullable:
            return np.dtype("int64")
        return np.dtype(object)

    def todict(self):
        """The attribute's fields as a dict."""
        return dict(vars(self))


class Heading:
    """The attributes of a table or query, primary key first where the table declares it so."""

    def __init__(self, attributes, table_comment="", lineage_available=False):
        self._attributes = {
            part["name"]: Attribute(
                part["name"], part["type"], part["dtype"], part["in_key"], part["nullable"], part["default"],
                part["comment"], part["autoincrement"], part["codec"], part["store"], part["lineage"],
            )
            for part in attributes
        }  # fmt: skip
        self.table_status = {"comment": table_comment}
        self.lineage_available = lineage_available

    @property
    def attributes(self):
        """Visible attributes by name."""
        return {name: attribute for name, attribute in self._attributes.items() if not attribute.is_hidden}

    def _where(self, condition):
        return [name for name, attribute in self.attributes.items() if condition(attribute)]

    names = property(lambda self: list(self.attributes))
    primary_key = property(lambda self: self._where(lambda a: a.in_key))
    secondary_attributes = property(lambda self: self._where(lambda a: not a.in_key))
    blobs = property(lambda self: self._where(lambda a: a.is_blob))
    non_blobs = property(lambda self: self._where(lambda a: not (a.is_blob or a.json)))
    hash_objects = property(lambda self: self._where(lambda a: a.is_hash_object))
    schema_objects = property(lambda self: self._where(lambda a: a.is_schema_object))
    has_autoincrement = property(lambda self: any(a.autoincrement for a in self._attributes.values()))

    def determines(self, other):
        """Whether a row says which row of `other` belongs to it."""
        return all(name in self for name in other.primary_key)

    def join(self, other, nullable_pk=False):
        """The heading of a join with a query of the other heading."""
        sides = [[self._attributes[name] for name in self], [other._attributes[name] for name in other]]
        left, right = ([(attribute.name, attribute.in_key) for attribute in side] for side in sides)
        joined = Heading((), lineage_available=self.lineage_available and other.lineage_available)
        for is_left, place in join_order(left, right, nullable_pk):
            attribute = sides[0 if is_left else 1][place]
            joined._attributes[attribute.name] = attribute
        return joined

    @property
    def as_dtype(self):
        """The numpy type of a row."""
        return np.dtype([(name, attribute.dtype) for name, attribute in self.attributes.items()])

    def __getitem__(self, name):
        return self._attributes[name]

    def __contains__(self, name):
        return name in self.attributes

    def __iter__(self):
        return iter(self.attributes)

    def __len__(self):
        return len(self.attributes)

    def __repr__(self):
        def line(name):
            attribute = self._attributes[name]
            default = "" if attribute.default is None else f"={attribute.default}"
            return f"{name + default:<20} : {attribute.type:<28} # {attribute.comment}".rstrip(" #")

        comment = self.table_status["comment"]
        lines = [f"# {comment}"] if comment else []
        return "\n".join([*lines, *map(line, self.primary_key), "---", *map(line, self.secondary_attributes)]) + "\n"
