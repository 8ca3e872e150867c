"""Each value means the same on every database: it comes back as it was given, or is refused with its attribute and a remedy."""

import datetime
import decimal
import math
import uuid

import numpy as np
import pytest

import lapjoint as dj
from lapjoint.errors import DataJointError, DuplicateError, IntegrityError

MOMENT = datetime.datetime(2024, 2, 29, 23, 59, 58, 123456)
SECOND = MOMENT.replace(microsecond=0)
SERVERS_OF_MYSQL = ("MySQL", "MariaDB")
ODD = "Ω 'single' \"double\" back\\slash \\' 100% %s ? `tick` $1 {x} ; -- # \u202e\U0001f9e0"


class Refused:
    """A value is refused, and the message has this in it."""

    def __init__(self, *words):
        self.words = words


# Type, value given, what comes back; a dict says what differs by product.
VALUES = [
    ("int8", 127, 127),
    ("int8", 300, Refused("-128 to 127")),
    ("int16", -32768, -32768),
    ("int32", 3.7, Refused("whole number")),
    ("int32", np.int64(5), 5),
    ("int32", True, 1),
    ("int64", 2**63 - 1, 2**63 - 1),
    ("int64", 2**63, Refused("outside")),
    ("float32", 3.14159274, float(np.float32(3.14159274))),
    ("float32", 1e39, Refused("float64")),
    ("float64", 0.1, 0.1),
    ("float64", 5e-324, 5e-324),
    ("float64", -1.7976931348623157e308, -1.7976931348623157e308),
    ("float64", math.nan, {"*": math.nan, "MySQL": Refused("NaN"), "MariaDB": Refused("NaN")}),
    ("float64", math.inf, {"*": math.inf, "MySQL": Refused("inf"), "MariaDB": Refused("inf")}),
    ("float32", math.nan, {"*": math.nan, "MySQL": Refused("NaN"), "MariaDB": Refused("NaN")}),
    ("bool", True, True),
    ("bool", 0, False),
    ("bool", 2, Refused("True, False")),
    ("decimal(8,2)", decimal.Decimal("-123456.78"), decimal.Decimal("-123456.78")),
    ("decimal(8,2)", decimal.Decimal("1.005"), Refused("after the point")),
    ("decimal(30,10)", decimal.Decimal("12345678901234567890.0123456789"), decimal.Decimal("12345678901234567890.0123456789")),
    ("char(4)", "ab", "ab"),
    ("varchar(100)", ODD, ODD),
    ("varchar(100)", "", ""),
    ("varchar(100)", " padded  ", " padded  "),
    ("varchar(4)", "abcde", Refused("4")),
    ("varchar(4)", "a\0b", Refused("NUL")),
    ("enum('a','B','it''s')", "B", "B"),
    ("enum('a','B')", "b", Refused("B")),
    ("date", datetime.date(1, 1, 1), datetime.date(1, 1, 1)),
    ("date", datetime.date(9999, 12, 31), datetime.date(9999, 12, 31)),
    ("date", "2024-02-29", datetime.date(2024, 2, 29)),
    ("datetime", SECOND, SECOND),
    ("datetime", MOMENT, {"*": MOMENT, "MySQL": Refused("datetime(6)"), "MariaDB": Refused("datetime(6)")}),
    ("datetime(6)", MOMENT, MOMENT),
    ("datetime(3)", MOMENT, Refused("fractional")),
    ("datetime(6)", datetime.datetime(9999, 12, 31, 23, 59, 59, 999999), datetime.datetime(9999, 12, 31, 23, 59, 59, 999999)),
    ("datetime", datetime.datetime(2024, 1, 1, tzinfo=datetime.timezone.utc), Refused("zone")),
    ("json", {"b": [1, 2.5, None, True], "é": "\\ ' \" %"}, {"b": [1, 2.5, None, True], "é": "\\ ' \" %"}),
    ("json", [2**53 + 1, 2**64 - 1, -(2**63), 1e300], [2**53 + 1, 2**64 - 1, -(2**63), 1e300]),
    ("json", "text", "text"),
    ("json", math.nan, Refused("JSON")),
    ("uuid", uuid.UUID(int=2**127 + 5), uuid.UUID(int=2**127 + 5)),
    ("uuid", "12345678-1234-5678-1234-567812345678", uuid.UUID("12345678-1234-5678-1234-567812345678")),
    ("bytes", bytes(range(256)), bytes(range(256))),
    ("bytes", b"", b""),
    ("<blob>", {"a": [1, None, (2.5, "x")]}, {"a": [1, None, (2.5, "x")]}),
    ("<blob@>", {"a": [1, None, (2.5, "x")]}, {"a": [1, None, (2.5, "x")]}),
    ("<hash@>", b"content", b"content"),
]


def expected_on(product, result):
    if isinstance(result, dict) and "*" in result:
        return result.get(product, result["*"])
    return result


def is_same(found, wanted):
    if isinstance(wanted, float) and math.isnan(wanted):
        return isinstance(found, float) and math.isnan(found)
    return found == wanted and type(found) is type(wanted)


def declare(schema, name, definition):
    cls = type(name, (dj.Manual,), {"definition": definition})
    return schema(cls, context={})()


def test_values_mean_the_same(database):
    schema, product = database.schema(), database.product
    tables, wrong = {}, []
    for number, (type_, given, result) in enumerate(VALUES):
        if type_ not in tables:
            tables[type_] = declare(schema, f"T{len(tables)}", f"id : int32\n---\nv = null : {type_}")
        table, wanted = tables[type_], expected_on(product, result)
        row = {"id": number, "v": given}
        try:
            table.insert1(row)
        except Exception as error:  # noqa: BLE001 - the message is what counts
            fits = isinstance(wanted, Refused) and all(word in str(error) for word in wanted.words)
            if not fits or "`v`" not in str(error):
                wrong.append(f"{type_}: {given!r} refused: {error}")
            continue
        if isinstance(wanted, Refused):
            wrong.append(f"{type_}: {given!r} was taken and is {(table & {'id': number}).fetch1('v')!r}")
            continue
        found = (table & {"id": number}).fetch1("v")
        if not is_same(found, wanted):
            wrong.append(f"{type_}: {given!r} came back as {found!r}")
        # What comes back can be given again, and finds its row.
        table.update1({"id": number, "v": found})
        is_text = "<" not in type_ and type_ != "json"
        if is_text and found == found and number not in [row["id"] for row in (table & {"v": found}).to_dicts()]:
            wrong.append(f"{type_}: no row is found by {found!r}")
    assert not wrong, "\n".join(wrong)


def test_files_come_back(database, tmp_path):
    schema = database.schema()
    table = declare(schema, "Attached", "id : int32\n---\ninside : <attach>\noutside : <attach@>")
    (tmp_path / "file.txt").write_bytes(b"\x00content")
    table.insert1({"id": 1, "inside": tmp_path / "file.txt", "outside": str(tmp_path / "file.txt")})
    for name in ("inside", "outside"):
        with open(table.fetch1(name), "rb") as file:
            assert file.read() == b"\x00content"


def test_rows_are_replaced_and_skipped(database):
    schema = database.schema()
    table = declare(schema, "Point", "x : int32\nname : varchar(20)\n---\ny = 0 : float64\nunique index (y)")
    table.insert([{"x": 1, "name": "a", "y": 1.0}, {"x": 2, "name": "b", "y": 2.0}])
    table.insert1({"x": 1, "name": "a", "y": 5.0}, replace=True)
    table.insert([{"x": 1, "name": "a", "y": 9.0}, {"x": 3, "name": "c", "y": 3.0}], skip_duplicates=True)
    assert [(row["x"], row["y"]) for row in table.to_dicts(order_by="KEY")] == [(1, 5.0), (2, 2.0), (3, 3.0)]
    with pytest.raises(DuplicateError):
        table.insert1({"x": 1, "name": "a"})
    # A second unique index is not the key: nothing is skipped or replaced because of it.
    with pytest.raises(DuplicateError):
        table.insert1({"x": 4, "name": "d", "y": 3.0}, skip_duplicates=True)
    with pytest.raises(DuplicateError):
        table.insert1({"x": 4, "name": "d", "y": 3.0}, replace=True)
    assert len(table) == 3


def test_a_replaced_parent_keeps_its_children(database):
    schema = database.schema()
    parent = type("Parent", (dj.Manual,), {"definition": "x : int32\n---\nnote : varchar(8)"})
    schema(parent, context={})
    child = type("Child", (dj.Manual,), {"definition": "-> Parent\ny : int32"})
    schema(child, context={"Parent": parent})
    parent().insert1({"x": 1, "note": "old"})
    child().insert1({"x": 1, "y": 1})
    parent().insert1({"x": 1, "note": "new"}, replace=True)
    assert len(child()) == 1 and parent().fetch1("note") == "new"
    with pytest.raises(IntegrityError):
        child().insert1({"x": 9, "y": 1})
    with pytest.raises(IntegrityError):
        parent().delete_quick()
    parent().delete(prompt=False)
    assert len(child()) == 0


def test_restrictions_take_any_text(database):
    schema = database.schema()
    table = declare(schema, "Named", "name : varchar(100)\n---\nu = null : uuid\nd = null : datetime")
    names = [ODD, "back\\", "'", "''", "%", "_", "a%b", "\\'", '"', "`", "?", "x' OR '1'='1", "\n\t", "é"]
    table.insert([{"name": name, "u": uuid.UUID(int=number)} for number, name in enumerate(names)])
    for number, name in enumerate(names):
        assert (table & {"name": name}).fetch1("name") == name
        assert (table & {"u": uuid.UUID(int=number)}).fetch1("name") == name
        assert len(table - {"name": name}) == len(names) - 1
    assert len(table & [{"name": name} for name in names[:3]]) == 3
    assert len(table & "d is null") == len(names)


def test_a_failed_insert_leaves_nothing_and_the_transaction_usable(database):
    schema = database.schema()
    table = declare(schema, "Item", "x : int32\n---\nv = null : <blob@>")
    table.insert1({"x": 1})
    with pytest.raises(DuplicateError):
        table.insert([{"x": 2, "v": 1}, {"x": 1, "v": 2}])
    assert len(table) == 1
    with database.connection.transaction:
        table.insert1({"x": 3, "v": [3]})
        with pytest.raises(DuplicateError):
            table.insert([{"x": 4, "v": 4}, {"x": 1, "v": 5}])
        table.insert1({"x": 5, "v": [5]})
    assert sorted(row["x"] for row in table.to_dicts()) == [1, 3, 5]
    with pytest.raises(RuntimeError), database.connection.transaction:
        table.insert1({"x": 6, "v": [6]})
        raise RuntimeError("given up")
    assert len(table) == 3
    assert (table & {"x": 5}).fetch1("v") == [5]


def test_names_of_any_kind_are_quoted(database):
    schema = database.schema()
    table = declare(
        schema, "Selection", "select : int32  # a word of SQL, 100% \"quoted\" 'too' \\\n---\norder = 'x' : varchar(30)\ngroup = 1 : bool"
    )
    table.insert1({"select": 1})
    assert table.fetch1() == {"select": 1, "order": "x", "group": True}
    assert "100% \"quoted\" 'too' \\" in repr(table.heading)
    assert (table & {"order": "x"}).proj(user="order").fetch1("user") == "x"


def test_a_table_is_altered(database):
    schema = database.schema()
    table = declare(schema, "Changing", "x : int32\n---\na : int16\nb = 'b' : varchar(8)")
    table.insert([{"x": 1, "a": 5}, {"x": 2, "a": 6}])
    cls = type(table)
    cls.definition = "x : int32\n---\na : int32  # {a} wider\nc = null : float64\nname = 'b' : varchar(12)  # {b} renamed"
    table.alter(prompt=False)
    rows = cls().to_dicts(order_by="KEY")
    assert rows == [{"x": 1, "a": 5, "c": None, "name": "b"}, {"x": 2, "a": 6, "c": None, "name": "b"}]
    cls().insert1({"x": 3, "a": 70000, "name": "twelve chars"})


def test_what_is_wrong_is_said(database):
    schema = database.schema()
    table = declare(schema, "Wrong", "x : int32\n---\ny : varchar(4)")
    with pytest.raises(DataJointError, match=r"row 1.*`y`|`y`.*row 1"):
        table.insert([{"x": 1, "y": "a"}, {"x": 2, "y": "too long"}])
    with pytest.raises(DataJointError, match="`y`"):
        table.insert1({"x": 1})
    with pytest.raises(DataJointError):
        (table & "nothing = 1").to_dicts()
    with pytest.raises(DataJointError):
        (table & "x = = 1").to_dicts()
    assert len(table) == 0
