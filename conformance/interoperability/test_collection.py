"""What either system collects, the other does not miss."""

import uuid

import pytest
from cases import CASES
from conftest import SERVERS, STORES
from exchange import attempt, check, definitions, insert

CELLS = [pytest.param(server, store, id=f"{server}-{store}") for server in SERVERS for store in STORES]


@pytest.mark.parametrize(("server", "store"), CELLS)
def test_collections_leave_what_the_other_refers_to(server, store, pairs):
    pair = pairs(server, store)
    if pair is None:
        pytest.skip(f"no {server} or no {store} store")
    datajoint, lapjoint = pair
    name = f"collect_{uuid.uuid4().hex[:10]}"
    filled = []
    try:
        schemas = {side.name: side.schema(name) for side in pair}
        for number, case in enumerate(case for case in CASES if case.store):
            tables = {
                key.replace("Holder", f"Of{side.name[0]}{number}"): text.replace("Holder", f"Of{side.name[0]}{number}")
                for side in pair
                for key, text in definitions(case, store).items()
            }
            made = lapjoint.declare(schemas["Lapjoint"], tables)
            found = datajoint.found(name)
            for side, by_name in ((lapjoint, made), (datajoint, found)):
                prefix = f"Of{side.name[0]}{number}"
                mine = {key.replace(prefix, "Holder"): cls for key, cls in by_name.items() if key.startswith(prefix)}
                # Some types DataJoint cannot write: the other tests say which, and why.
                why = attempt(lambda mine=mine: insert(case, mine, pairs.folder))
                assert why is None or side is datajoint, why
                if why is None:
                    filled.append((case, prefix))
        assert any(prefix.startswith("OfD") for _, prefix in filled)

        def look():
            for side in pair:
                tables = side.found(name)
                for case, prefix in filled:
                    mine = {key.replace(prefix, "Holder"): cls for key, cls in tables.items() if key.startswith(prefix)}
                    why = attempt(lambda mine=mine, case=case: check(case, side, mine))
                    # What DataJoint cannot read of its own is not for this test.
                    assert why is None or (side is datajoint and "FileNotFound" not in why and "Missing" not in why), why

        look()
        theirs = datajoint.dj.gc.GarbageCollector(schemas["DataJoint"], store=store)
        outcome = attempt(lambda: theirs.collect(dry_run=False))
        look()
        ours = lapjoint.dj.gc.GarbageCollector(schemas["Lapjoint"], store=store, grace=0)
        found = ours.collect(dry_run=False)
        assert not found["errors"], found
        look()
        # What is deleted by either is collected by us, and nothing else.
        before = found["hash_paths_referenced"] + found["schema_paths_referenced"]
        assert before > 0, outcome
        case, prefix = filled[0]
        table = datajoint.found(name)[prefix]()
        (table & {"id": 2}).delete(prompt=False)
        filled = filled[1:]
        assert ours.collect(dry_run=False)["errors"] in ([], 0)
        look()
    finally:
        datajoint.drop(name)
