"""Python values as tagged JSON and back: the encoding that `lapjoint_format::tagged` describes."""

import datetime
import decimal
import struct
import uuid

import numpy as np
from datajoint.blob import MatCell, MatStruct


def _bits(number):
    return struct.pack(">d", number).hex()


def _float(bits):
    return struct.unpack(">d", bytes.fromhex(bits))[0]


def dump(value):
    """A value as tagged JSON."""
    if value is None or isinstance(value, (bool, str)):
        return value
    if isinstance(value, MatCell):
        return {"cell": {"shape": list(value.shape), "elements": [dump(v) for v in value.flatten(order="F")]}}
    if isinstance(value, MatStruct):
        rows = value.flatten(order="F")
        names = list(value.dtype.names)
        return {
            "struct": {
                "shape": list(value.shape),
                "names": names,
                "values": [dump(row[name]) for row in rows for name in names],
            }
        }
    if isinstance(value, (np.ndarray, np.generic)):
        return _dump_array(np.asarray(value))
    if isinstance(value, int):
        return {"int": str(value)}
    if isinstance(value, float):
        return {"float": _bits(value)}
    if isinstance(value, complex):
        return {"complex": [_bits(value.real), _bits(value.imag)]}
    if isinstance(value, bytes):
        return {"bytes": value.hex()}
    if isinstance(value, uuid.UUID):
        return {"uuid": value.hex}
    if isinstance(value, decimal.Decimal):
        return {"decimal": str(value)}
    if isinstance(value, datetime.datetime):
        return {"datetime": value.isoformat()}
    if isinstance(value, datetime.date):
        return {"date": value.isoformat()}
    if isinstance(value, datetime.time):
        return {"time": value.isoformat()}
    for tag, kind in (("list", list), ("tuple", tuple), ("set", set)):
        if isinstance(value, kind):
            return {tag: [dump(v) for v in value]}
    if isinstance(value, dict):
        return {"dict": [[dump(k), dump(v)] for k, v in value.items()]}
    raise TypeError(type(value))


def _dump_array(array):
    shape = list(array.shape)
    if array.dtype.names:
        fields = [[name, _dump_array(np.asarray(array[name]))] for name in array.dtype.names]
        return {"records": {"shape": shape, "fields": fields}}
    if array.dtype == object:
        return {"objects": {"shape": shape, "elements": [dump(v) for v in array.flatten(order="F")]}}
    order = "C" if array.flags.c_contiguous and array.ndim > 1 else "F"
    data = array.tobytes(order=order).hex()
    tagged = {"dtype": str(array.dtype), "shape": shape, "data": data}
    return {"array": {**tagged, "order": "C"} if order == "C" else tagged}


def load(tagged):
    """The value of tagged JSON."""
    if tagged is None or isinstance(tagged, (bool, str)):
        return tagged
    ((tag, content),) = tagged.items()
    if tag == "array":
        flat = np.frombuffer(bytes.fromhex(content["data"]), dtype=content["dtype"])
        array = flat.reshape(content["shape"], order=content.get("order", "F"))
        return array if content["shape"] else array[()]
    if tag in ("objects", "cell"):
        array = np.empty(len(content["elements"]), dtype=object)
        for index, element in enumerate(content["elements"]):
            array[index] = load(element)
        array = array.reshape(content["shape"], order="F")
        return array if tag == "objects" else array.view(MatCell)
    if tag == "records":
        columns = [(name, load(column)) for name, column in content["fields"]]
        ndim = len(content["shape"])
        records = np.empty(content["shape"], [(n, c.dtype, c.shape[ndim:]) for n, c in columns])
        for name, column in columns:
            records[name] = column
        return records
    if tag == "struct":
        names, values = content["names"], [load(v) for v in content["values"]]
        rows = [tuple(values[i : i + len(names)]) for i in range(0, len(values), len(names))]
        array = np.array(rows, dtype=[(name, object) for name in names])
        return array.reshape(content["shape"], order="F").view(MatStruct)
    simple = {
        "int": int,
        "float": _float,
        "complex": lambda parts: complex(_float(parts[0]), _float(parts[1])),
        "bytes": bytes.fromhex,
        "uuid": lambda digits: uuid.UUID(hex=digits),
        "decimal": decimal.Decimal,
        "date": datetime.date.fromisoformat,
        "time": datetime.time.fromisoformat,
        "datetime": datetime.datetime.fromisoformat,
        "list": lambda items: [load(v) for v in items],
        "tuple": lambda items: tuple(load(v) for v in items),
        "set": lambda items: {load(v) for v in items},
        "dict": lambda pairs: {load(k): load(v) for k, v in pairs},
    }
    return simple[tag](content)


def same(a, b):
    """Whether two values are equal, NaN with NaN, arrays by type, shape and content."""
    if isinstance(a, (np.ndarray, np.generic)) or isinstance(b, (np.ndarray, np.generic)):
        a, b = np.asarray(a), np.asarray(b)
        if a.shape != b.shape:
            return False
        if a.dtype.names or b.dtype.names:
            return a.dtype.names == b.dtype.names and all(same(a[n], b[n]) for n in a.dtype.names)
        if a.dtype == object or b.dtype == object:
            return all(same(x, y) for x, y in zip(a.ravel().tolist(), b.ravel().tolist()))
        return a.dtype == b.dtype.newbyteorder("=") and a.tobytes() == b.tobytes()
    if isinstance(a, float) and isinstance(b, float):
        return _bits(a) == _bits(b)
    if isinstance(a, complex):
        return isinstance(b, complex) and same(a.real, b.real) and same(a.imag, b.imag)
    if isinstance(a, decimal.Decimal):
        return isinstance(b, decimal.Decimal) and str(a) == str(b)
    if type(a) is not type(b):
        return False
    if isinstance(a, (list, tuple)):
        return len(a) == len(b) and all(same(x, y) for x, y in zip(a, b))
    if isinstance(a, dict):
        return list(a) == list(b) and all(same(a[k], b[k]) for k in a)
    return a == b
