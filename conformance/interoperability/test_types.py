"""Every type, carried between the two systems on every server and store."""

import re
import uuid

import pytest
from cases import CASES
from conftest import SERVERS, STORES
from exchange import attempt, carry, check, definitions, insert

CELLS = [
    pytest.param(server, store, case, id=f"{server}-{store}-{case.name}")
    for server in SERVERS
    for store in STORES
    for case in CASES
    # What is in no store is tried with one.
    if case.store or store == "file"
]


@pytest.mark.parametrize(("server", "store", "case"), CELLS)
def test_a_type_is_carried(server, store, case, pairs, table):
    pair = pairs(server, store)
    if pair is None:
        pytest.skip(f"no {server} or no {store} store")
    datajoint, lapjoint = pair
    folder = pairs.folder
    schemas = [f"carry_{uuid.uuid4().hex[:10]}" for _ in range(6)]
    try:

        def alone():
            tables = datajoint.declare(datajoint.schema(schemas[0]), definitions(case, store))
            insert(case, tables, folder)

        def alone_read():
            check(case, datajoint, datajoint.found(schemas[0]))

        cannot_write = attempt(alone)
        cannot_read = cannot_write or attempt(alone_read)
        failures = {}

        def way(number, *sides):
            why = attempt(lambda: carry(case, *sides, schemas[number], store, folder))
            if why:
                failures[number] = why

        if not cannot_write:
            way(1, datajoint, datajoint, lapjoint, lapjoint)
            way(4, lapjoint, datajoint, lapjoint, lapjoint)
        if not cannot_read:
            way(2, datajoint, lapjoint, datajoint, datajoint)
            way(3, lapjoint, lapjoint, datajoint, datajoint)
        else:
            way(5, datajoint, lapjoint, lapjoint, lapjoint)
        assert not failures, "\n".join(f"way {number}: {why}" for number, why in failures.items())
        reason = cannot_read and ("cannot write: " if cannot_write else "cannot read: ") + cannot_read
        if reason:
            reason = re.sub(r"carry_\w+", "schema", reason)[:200]
        table.note(server, store, case, reason)
    finally:
        for name in schemas:
            datajoint.drop(name)
