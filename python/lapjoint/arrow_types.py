"""What a codec's `arrow_type` and `to_arrow` give, as the engine takes it."""

import importlib

from .errors import DataJointError

# pyarrow's names of types that have another one here.
_NAMES = {
    "halffloat": "float16", "float": "float32", "double": "float64", "string": "text", "large_string": "text",
    "string_view": "text", "binary": "bytes", "large_binary": "bytes", "date32[day]": "date", "date64[ms]": "date",
    "timestamp[s]": "datetime(0)", "timestamp[ms]": "datetime(3)", "timestamp[us]": "datetime(6)", "time64[us]": "time",
    "extension<arrow.uuid>": "uuid", "extension<arrow.json>": "json",
}  # fmt: skip


def type_text(arrow_type):
    """The engine's text for a type: a text as it is, or a type of pyarrow."""
    if isinstance(arrow_type, str):
        return arrow_type
    types = importlib.import_module("pyarrow").types
    if isinstance(arrow_type, type) or not hasattr(arrow_type, "__arrow_c_schema__"):
        raise DataJointError(f"arrow_type is {arrow_type!r}; it must be a type of pyarrow or a text such as 'list<float64>'")
    name = str(arrow_type)
    if name in _NAMES:
        return _NAMES[name]
    if types.is_decimal(arrow_type):
        return f"decimal({arrow_type.precision},{arrow_type.scale})"
    if types.is_list(arrow_type) or types.is_large_list(arrow_type) or types.is_list_view(arrow_type):
        return f"list<{type_text(arrow_type.value_type)}>"
    if types.is_struct(arrow_type):
        return "struct<" + ", ".join(f"{field.name}: {type_text(field.type)}" for field in arrow_type) + ">"
    if name.startswith("extension<arrow.fixed_shape_tensor"):
        return f"tensor<{type_text(arrow_type.value_type)}>[{','.join(map(str, arrow_type.shape))}]"
    return name


def columns_of(codec, values):
    """Decoded values of a codec as an array of Arrow, or as plain values."""
    if hasattr(codec, "to_arrow"):
        rendered = codec.to_arrow(values)
        if hasattr(rendered, "combine_chunks"):
            rendered = rendered.combine_chunks()
        return rendered if hasattr(rendered, "__arrow_c_array__") else list(rendered)
    # The default may be inherited from a base class that declares a type.
    if getattr(type(codec), "to_spark", None) not in (None, to_spark):
        return [None if value is None else codec.to_spark(value) for value in values]
    return values


def to_spark(self, decoded, *, key=None):
    """The plain form of a decoded value: what a column of the codec's `arrow_type` has for it."""
    if decoded is None:
        return None
    (rendered,) = columns_of(self, [decoded])
    return plain(rendered)


def plain(value):
    """A value made of numbers, texts, bytes, dates, lists and dicts only."""
    import numpy as np

    if hasattr(value, "as_py"):
        return plain(value.as_py())
    if isinstance(value, (np.ndarray, np.generic)):
        return plain(value.tolist()) if value.dtype != object else [plain(item) for item in value.tolist()]
    if isinstance(value, dict):
        return {name: plain(item) for name, item in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [plain(item) for item in value]
    return value
