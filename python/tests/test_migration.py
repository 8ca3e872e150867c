"""Values in another version of their codec's format."""

import json
import os
import pathlib
import signal
import subprocess
import sys
import time
import warnings

import migrating
import pytest
from conftest import DATABASES

import lapjoint as dj

ROWS = 60


@pytest.fixture(autouse=True)
def unregistered():
    yield
    for name in ("twoform", "liar"):
        if dj.codecs.is_codec_registered(name):
            dj.codecs.unregister_codec(name)


def filled(schema, rows=ROWS):
    """A table with values of version 1.0."""
    codec = migrating.codec_class()
    codec.written = "1.0"

    @schema
    class Kept(dj.Manual):
        definition = "id : int32\n---\nnumbers = null : <twoform@>\nother = 0 : int32"

    Kept.insert([{"id": number, "numbers": [number, number + 1]} for number in range(rows)])
    Kept.insert1({"id": -1, "numbers": None})
    codec.written = "2.0"
    return dj.FreeTable(schema.connection, f"{schema.database}.{Kept.table_name}")


def versions(table):
    (need,) = dj.codecs.check(dj.Schema(table.database, connection=table.connection)).needs
    return {count["version"]: count["rows"] for count in need["versions"]}


def is_whole(table, rows=ROWS):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = table.to_dicts(order_by="id")
    assert [row["numbers"] for row in found] == [None, *([number, number + 1] for number in range(rows))]


def test_a_migration(database):
    schema = database.schema()
    table = filled(schema)
    assert versions(table) == {"1.0": ROWS}
    planned = dj.codecs.migrate(table, "numbers", dry_run=True)
    assert (planned.migrated, planned.current) == (ROWS, 0) and versions(table) == {"1.0": ROWS}
    done = dj.codecs.migrate(table, "numbers", batch_size=7)
    assert done.ok and (done.to, done.rows, done.migrated, done.current) == ("2.0", ROWS, ROWS, 0)
    assert done.left_objects == ROWS and done.deleted_objects == 0
    assert versions(table) == {"2.0": ROWS}
    is_whole(table)
    again = dj.codecs.migrate(table, "numbers")
    assert (again.migrated, again.current) == (0, ROWS)
    # Nobody refers to the old objects any more, and collection takes just these.
    back = dj.codecs.migrate(table, "numbers", to="1.0", collect=0)
    assert (back.migrated, back.deleted_objects) == (ROWS, 2 * ROWS)
    assert versions(table) == {"1.0": ROWS}
    is_whole(table)


@pytest.mark.parametrize("product", DATABASES)
def test_a_migration_that_is_killed_goes_on(product, tmp_path):
    url = os.environ.get(DATABASES[product]) if DATABASES[product] else None
    if DATABASES[product] and not url:
        pytest.skip(f"no server: {DATABASES[product]} is not set")
    (tmp_path / "store").mkdir()
    settings = {
        **({"database__url": url} if url else {"database__backend": "sqlite", "database__name": str(tmp_path / "database")}),
        "stores": {"default": "main", "main": {"protocol": "file", "location": str(tmp_path / "store")}},
        "safemode": False,
    }
    instance = dj.Instance(**settings)
    schema = dj.Schema(f"test_migrate_{os.getpid()}_{product.replace('-', '_')}", connection=instance.connection)
    try:
        table = filled(schema)
        name = table.full_table_name
        kills, partly = 0, False
        for attempt in range(12):
            program = [sys.executable, str(pathlib.Path(__file__).with_name("migrating.py"))]
            process = subprocess.Popen([*program, json.dumps({**settings, "schema": schema.database})], stdout=subprocess.PIPE)
            assert process.stdout.readline() == b"ready\n"
            time.sleep(0.01 + 0.02 * attempt)
            if process.poll() is None:
                process.send_signal(signal.SIGKILL)
                kills += 1
            process.wait()
            process.stdout.close()
            is_whole(table)
            seen = versions(table)
            partly = partly or len(seen) == 2
            if seen == {"2.0": ROWS}:
                break
        assert kills >= 3 and partly, (kills, partly, name)
        assert dj.codecs.migrate(table, "numbers").ok
        assert versions(table) == {"2.0": ROWS}
        is_whole(table)
        # What killed runs left is undone, and what old values referred to is collected: one object for each row stays.
        dj.Schema(schema.database, connection=dj.Instance(**settings).connection)
        dj.codecs.migrate(table, "numbers", collect=0)
        files = [path for path in (tmp_path / "store").rglob("*.txt")]
        assert len(files) == ROWS
    finally:
        schema.drop(prompt=False)
        instance.connection.close()


def test_what_cannot_be_migrated(schema):
    table = filled(schema, 3)

    def refused(message, attribute="numbers", **options):
        with pytest.raises(dj.DataJointError, match=message):
            dj.codecs.migrate(table, attribute, **options)

    refused("does not write version 7.0; it writes 1.0, 2.0", to="7.0")
    refused("has no codec", attribute="other")
    refused("`nothing` is not an attribute", attribute="nothing")
    with schema.connection.transaction:
        refused("inside a transaction")
    with pytest.raises(dj.DataJointError, match="expects a table"):
        dj.codecs.migrate("table", "numbers")


def test_a_row_that_does_not_come_back_keeps_its_value(schema):
    table = filled(schema, 5)
    codec = dj.get_codec("twoform")
    encode = type(codec).encode

    def wrong(self, value, *, key=None, store_name=None, context=None, codec_version=None):
        value = [0] if value == [3, 4] else value
        return encode(self, value, key=key, store_name=store_name, context=context, codec_version=codec_version)

    type(codec).encode = wrong
    done = dj.codecs.migrate(table, "numbers")
    assert not done.ok and (done.migrated, len(done.failed)) == (4, 1)
    assert done.failed[0] == ("id=3", "the new value is another one than the old")
    assert versions(table) == {"1.0": 1, "2.0": 4}
    is_whole(table, 5)
    # The object of the refused value is gone again.
    assert len([*pathlib.Path(dj.config["stores.main.location"]).rglob("*.txt")]) == 5 + 4
    type(codec).encode = encode
    assert dj.codecs.migrate(table, "numbers").migrated == 1


def test_a_damaged_row_does_not_stop_the_others(schema):
    table = filled(schema, 4)
    sql = f"SELECT numbers FROM {table.full_table_name} WHERE id = 2"
    ((column,),) = schema.connection.query(sql).fetchall()
    pathlib.Path(dj.config["stores.main.location"], json.loads(column)["path"]).unlink()
    done = dj.codecs.migrate(table, "numbers")
    assert done.migrated == 3 and done.failed[0][0] == "id=2" and "issing" in done.failed[0][1]


def test_migration_on_read(schema):
    table = filled(schema, 6)
    dj.config["codecs.migrate_on_read"] = True
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            assert (table & "id = 2").fetch1("numbers") == [2, 3]
            assert versions(table) == {"1.0": 5, "2.0": 1}
            with schema.connection.transaction:
                table.to_dicts()
            assert versions(table) == {"1.0": 5, "2.0": 1}
            table.to_dicts()
        assert versions(table) == {"2.0": 6}
        is_whole(table, 6)
    finally:
        dj.config["codecs.migrate_on_read"] = False
