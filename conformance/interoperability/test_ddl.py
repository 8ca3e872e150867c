"""Tables that either system declares are the same to the server, but for the markers that foreign keys' columns keep with us."""

import re
import shutil
import subprocess
import uuid

import pytest
from cases import CASES
from conftest import SERVERS, server_of

TYPES = [case.type.format(store="file") for case in CASES]
DEFINITIONS = {
    "Everything": "# all of them\nid : int32  # the number\n---\n"
    + "\n".join(f"a{number} = null : {type_}  # attribute {number}" for number, type_ in enumerate(TYPES)),
    "Subject": """
        # animals
        subject : varchar(8)  # name: as on the cage
        day : date
        ---
        kind = 'a' : enum('a','b c')  # of two
        weight = 1.5 : float32
        count = 0 : int16
        active = 1 : bool
        born = CURRENT_TIMESTAMP : datetime
        note = "it's" : varchar(30)
        amount = 0.00 : decimal(8,2)
        index (weight, count)
        unique index (note)
        """,
    "Session": """
        -> Subject
        session : int32
        ---
        -> [nullable] Subject.proj(helper='subject', helper_day='day')
        -> [nullable, unique] Subject.proj(cover='subject', cover_day='day')
        text = null : varchar(255)
        """,
    "Session.Trial": """
        -> master
        trial : int16
        ---
        start : float64
        data : <blob>
        """,
    "Only": "---\nvalue = 1 : int32",
}


def of_mysql(side, schema):
    """`SHOW CREATE TABLE` of every table."""
    shown = {}
    for (name,) in side.connection.query(f"SHOW TABLES FROM `{schema}`").fetchall():
        row = side.connection.query(f"SHOW CREATE TABLE `{schema}`.`{name}`").fetchone()
        shown[name] = re.sub(r" AUTO_INCREMENT=\d+", "", row[1]).split("\n")
    return shown


def of_postgres(server, schema):
    """What pg_dump writes of the schema."""
    command = ["pg_dump", "--schema-only", "-n", schema, "-h", server["host"], "-p", str(server["port"])]
    command += ["-U", server["user"], server["database"]]
    text = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    text = re.sub(rf"\b{schema}\b", "the_schema", text)
    return [line for line in text.splitlines() if line and not line.startswith(("--", "\\", "SET ", "SELECT "))]


def without_foreign_markers(lines, keys):
    """Lines whose columns of foreign keys have no type in their comments."""
    kept = []
    for line in lines:
        column = re.match(r"\s*`(\w+)`", line)
        if column and column.group(1) in keys:
            line = re.sub(r"COMMENT ':[^:]+:", "COMMENT '", line)
            line = line.replace(" COMMENT ''", "")
        kept.append(line)
    return kept


FOREIGN = {
    "session": ("subject", "day", "helper", "helper_day", "cover", "cover_day"),
    "session__trial": ("subject", "day", "session"),
}


@pytest.mark.parametrize("name", SERVERS)
def test_tables_are_the_same_to_the_server(name, pairs):
    pair = pairs(name, "file")
    if pair is None:
        pytest.skip(f"no {name}")
    server = server_of(name)
    schemas = [f"ddl_{side.name.lower()}_{uuid.uuid4().hex[:6]}" for side in pair]
    try:
        for side, schema in zip(pair, schemas):
            side.declare(side.schema(schema), DEFINITIONS)
        if server["backend"] == "mysql":
            theirs, ours = (of_mysql(side, schema) for side, schema in zip(pair, schemas))
            ours = {table: without_foreign_markers(lines, FOREIGN.get(table, ())) for table, lines in ours.items()}
            assert ours == theirs
        else:
            if not shutil.which("pg_dump"):
                pytest.skip("no pg_dump")
            theirs, ours = (of_postgres(server, schema) for schema in schemas)
            marks = re.compile(r"COMMENT ON COLUMN the_schema\.(\w+)\.(\w+) IS")

            def is_foreign(line):
                found = marks.match(line)
                return bool(found) and found.group(2) in FOREIGN.get(found.group(1), ())

            ours = [line for line in ours if not is_foreign(line)]
            assert ours == theirs
    finally:
        for schema in schemas:
            pair[0].drop(schema)


@pytest.mark.parametrize("name", SERVERS)
def test_headings_are_rebuilt_from_what_either_wrote(name, pairs):
    pair = pairs(name, "file")
    if pair is None:
        pytest.skip(f"no {name}")
    lapjoint = pair[1]
    schemas = [f"head_{side.name.lower()}_{uuid.uuid4().hex[:6]}" for side in pair]
    try:
        described = []
        for side, schema in zip(pair, schemas):
            side.declare(side.schema(schema), DEFINITIONS)
            found = lapjoint.found(schema)
            described.append({table: repr(cls().heading) for table, cls in found.items()})
            assert set(found) == set(DEFINITIONS)
        assert described[0] == described[1]
        lineages = [lapjoint.schema(schema).lineage for schema in schemas]
        for lineage, schema in zip(lineages, schemas):
            assert len(lineage) == 15, lineage
        renamed = {
            key.replace(schemas[1], schemas[0]): value.replace(schemas[1], schemas[0]) for key, value in lineages[1].items()
        }
        assert renamed == lineages[0]
    finally:
        for schema in schemas:
            pair[0].drop(schema)
