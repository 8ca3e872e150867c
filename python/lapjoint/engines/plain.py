"""Arrow with the types that all engines have: no dictionaries, extension types and unsigned integers.

Labels and uuids are texts, a tensor is a list (with its shape, where that differs between rows), an unsigned integer is the next
larger signed one.
"""

__all__ = ["plain"]


def plain(table):
    """A table or batch of Arrow with types that engines have."""
    import pyarrow as pa

    columns = []
    for number, field in enumerate(table.schema):
        column = table.column(number)
        target = _plain_type(field.type)
        chunks = column.chunks if isinstance(column, pa.ChunkedArray) else [column]
        columns.append(pa.chunked_array([_plain_array(chunk, target) for chunk in chunks], target))
    return pa.table(dict(zip(table.schema.names, columns)))


def _plain_type(arrow_type):
    """The type that holds the values of another."""
    import pyarrow as pa

    types = pa.types
    if isinstance(arrow_type, pa.BaseExtensionType):
        return pa.string() if arrow_type.extension_name == "arrow.uuid" else _plain_type(arrow_type.storage_type)
    if types.is_dictionary(arrow_type):
        return _plain_type(arrow_type.value_type)
    if types.is_list(arrow_type) or types.is_fixed_size_list(arrow_type):
        return pa.list_(_plain_type(arrow_type.value_type))
    if types.is_struct(arrow_type):
        return pa.struct([(field.name, _plain_type(field.type)) for field in arrow_type])
    if types.is_decimal256(arrow_type) or types.is_time(arrow_type) or types.is_null(arrow_type):
        return pa.string()
    larger = {
        pa.uint8(): pa.int16(), pa.uint16(): pa.int32(), pa.uint32(): pa.int64(), pa.uint64(): pa.decimal128(20, 0),
        pa.float16(): pa.float32(),
    }  # fmt: skip
    return larger.get(arrow_type, arrow_type)


def _plain_array(array, target):
    """An array as one of the target type."""
    import pyarrow as pa

    if isinstance(array.type, pa.BaseExtensionType):
        if array.type.extension_name == "arrow.uuid":
            return pa.array([None if value is None else str(value) for value in array.to_pylist()], target)
        array = array.storage
    return array if array.type == target else array.cast(target)
