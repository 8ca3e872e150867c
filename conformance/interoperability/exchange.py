"""One type carried between the two systems, by every way in which they may meet."""

import traceback

from cases import expected

KEYS = (1, 2)


def definitions(case, store):
    """Tables that hold the type as an attribute, as one that may be null, in a part, and in a key that another refers to."""
    type_ = case.type.format(store=store)
    tables = {
        "Holder": f"id : int32\n---\nvalue : {type_}  # the value\nmaybe = null : {type_}",
        "Holder.Piece": f"-> master\npiece : int16\n---\nvalue : {type_}",
    }
    if case.is_key:
        tables["Origin"] = f"k : {type_}\n---\nnote = '' : varchar(20)"
        tables["Referrer"] = "-> Origin\nnumber : int32\n---\n-> [nullable] Origin.proj(other='k')"
    return tables


def insert(case, tables, folder):
    """Inserts the case's values into all tables."""
    values = [value.format(folder=folder) if isinstance(value, str) and "{" in value else value for value in case.values]
    tables["Holder"].insert(
        [{"id": KEYS[0], "value": values[0], "maybe": values[1]}, {"id": KEYS[1], "value": values[1], "maybe": None}]
    )
    tables["Holder.Piece"].insert1({"id": KEYS[0], "piece": 7, "value": values[0]})
    if case.is_key:
        tables["Origin"].insert([{"k": value} for value in values])
        tables["Referrer"].insert([{"k": values[0], "number": 1, "other": values[1]}, {"k": values[1], "number": 2, "other": None}])


def check(case, side, tables):
    """Reads all tables, and compares."""

    def compare(found, number):
        wanted = expected(case, number)
        found = case.seen(found)
        if side.name == "DataJoint":
            found, wanted = case.seen_by_datajoint(found), case.seen_by_datajoint(wanted)
        assert found == wanted, f"{side.name} reads {found!r} instead of {wanted!r}"
        if side.name != "DataJoint":
            assert type(found) is type(wanted), f"{side.name} reads a {type(found).__name__}"

    holder, piece = tables["Holder"](), tables["Holder.Piece"]()
    first = (holder & {"id": KEYS[0]}).fetch1()
    compare(first["value"], 0)
    compare(first["maybe"], 1)
    second = (holder & {"id": KEYS[1]}).fetch1()
    compare(second["value"], 1)
    assert second["maybe"] is None, f"{side.name} reads {second['maybe']!r} instead of null"
    compare((piece & {"id": KEYS[0], "piece": 7}).fetch1("value"), 0)
    if case.is_key:
        referrer = tables["Referrer"]()
        rows = {row["number"]: row for row in referrer.to_dicts()}
        compare(rows[1]["k"], 0)
        compare(rows[1]["other"], 1)
        compare(rows[2]["k"], 1)
        assert rows[2]["other"] is None
        found = (referrer & {"k": case.values[0]}).to_dicts()
        assert [row["number"] for row in found] == [1], f"{side.name} finds {len(found)} rows by their key"
        assert len(tables["Origin"]() & (referrer & "number = 2")) == 1


def change(case, tables, folder):
    """Updates one row and deletes another."""
    value = case.values[1]
    value = value.format(folder=folder) if isinstance(value, str) and "{" in value else value
    holder = tables["Holder"]()
    holder.update1({"id": KEYS[0], "value": value})
    (holder & {"id": KEYS[1]}).delete(**({"prompt": False}))


def check_changed(case, side, tables):
    """Reads what `change` left."""
    holder = tables["Holder"]()
    assert len(holder) == 1
    found, wanted = case.seen(holder.fetch1("value")), expected(case, 1)
    if side.name == "DataJoint":
        found, wanted = case.seen_by_datajoint(found), case.seen_by_datajoint(wanted)
    assert found == wanted, f"{side.name} reads {found!r} instead of {wanted!r} after the update"


def attempt(work):
    """`None`, or why it failed in one line."""
    try:
        work()
    except Exception as error:  # noqa: BLE001 - whatever fails is a result
        place = traceback.extract_tb(error.__traceback__)[-1]
        return f"{type(error).__name__}: {error} [{place.name}]".replace("\n", " ")
    return None


def carry(case, declarer, writer, reader, changer, schema_name, store, folder):
    """Declared by one, written by another, read and changed by any. Each but the declarer finds the tables by itself."""
    schema = declarer.schema(schema_name)
    tables = declarer.declare(schema, definitions(case, store))
    if writer is not declarer:
        tables = writer.found(schema_name)
    insert(case, tables, folder)
    read_by = tables if reader is writer else reader.found(schema_name)
    check(case, reader, read_by)
    changed_by = tables if changer is writer else changer.found(schema_name)
    change(case, changed_by, folder)
    check_changed(case, reader, read_by)
