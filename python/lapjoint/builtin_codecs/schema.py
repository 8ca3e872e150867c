"""The base of codecs that keep files of their own."""

from ..codecs import SchemaCodec

__all__ = ["SchemaCodec"]
