"""Jobs are one table to both systems: either makes it, and workers of both share it."""

import re
import time
import uuid

import pytest
from conftest import SERVERS, server_of
from test_ddl import of_mysql, of_postgres, without_foreign_markers


def declare(side, schema_name):
    """The pipeline in one of the systems."""
    dj, schema = side.dj, side.schema(schema_name)

    class Item(dj.Manual):
        definition = """
        n : int32
        day : date
        """

    class Result(dj.Computed):
        definition = """
        -> Item.proj(number='n')
        ---
        made_by : varchar(20)
        """

        def make(self, key):
            if key["number"] % 5 == 4:
                raise ValueError("it does not work")
            self.insert1({**key, "made_by": side.name})

    context = {"Item": Item, "Result": Result}
    for cls in (Item, Result):
        schema(cls, context=context)
    return Item, Result


@pytest.fixture(params=SERVERS)
def both(request, pairs):
    """The two systems on a server, the name of a schema, and what the server says of its tables."""
    sides = pairs(request.param, "file")
    if sides is None:
        pytest.skip(f"no {request.param}")
    name = f"jobs_{uuid.uuid4().hex[:8]}"
    server = server_of(request.param)
    show = (lambda side: of_postgres(server, name)) if server["backend"] == "postgresql" else (lambda side: of_mysql(side, name))
    yield *sides, name, show
    sides[0].drop(name)


def rows(count):
    return [{"n": n, "day": "2026-01-31"} for n in range(count)]


def without_markers_of_keys(tables):
    """What a server says, without the types that columns of foreign keys have in their comments with us."""
    if isinstance(tables, dict):
        tables = [line for name in sorted(tables) for line in without_foreign_markers(tables[name], ("number", "day"))]
    return [line for line in tables if not re.match(r"COMMENT ON COLUMN .*\.(number|day) IS", line)]


def test_the_layout_is_the_same(both):
    datajoint, lapjoint, name, show = both
    shown = []
    for side in (datajoint, lapjoint):
        with side.config.override(jobs__add_job_metadata=True):
            _, Result = declare(side, name)
        assert Result.jobs.table_name == "~~result"
        shown.append(without_markers_of_keys(show(side)))
        side.drop(name)
    assert shown[0] == shown[1]
    assert any("~~result" in line for line in shown[0])


@pytest.mark.parametrize("maker", [0, 1])
def test_either_works_on_the_jobs_of_the_other(both, maker):
    *sides, name, _ = both
    first, second = sides[maker], sides[1 - maker]
    Item, Result = declare(first, name)
    Item.insert(rows(10))
    Result.jobs.refresh(delay=-1)
    _, Theirs = declare(second, name)
    assert len(Theirs.jobs.pending) == 10
    assert Result.jobs.reserve({"number": 0, "day": "2026-01-31"})
    assert not Theirs.jobs.reserve({"number": 0, "day": "2026-01-31"})
    assert len(Theirs.jobs.reserved) == 1
    assert first.dj is not second.dj
    Result.populate(reserve_jobs=True, refresh=False, max_calls=4, suppress_errors=True)
    Theirs.populate(reserve_jobs=True, refresh=False, suppress_errors=True)
    made = list(Result.to_arrays("made_by"))
    assert made.count(first.name) in (3, 4) and len(made) == 7
    for table in (Result, Theirs):
        # What failed is an error to both, with its stack.
        errors = table.jobs.errors.to_dicts()
        assert {error["number"] for error in errors} == {4, 9}
        for error in errors:
            assert error["error_message"] == "ValueError: it does not work"
            assert 'raise ValueError("it does not work")' in error["error_stack"]
        assert table.jobs.progress()["reserved"] == 1
        assert table.progress() == (3, 10)


def test_a_lease_is_only_ours_to_end(both):
    datajoint, lapjoint, name, _ = both
    Item, Theirs = declare(datajoint, name)
    Item.insert(rows(2))
    Theirs.jobs.refresh(delay=-1)
    assert Theirs.jobs.reserve({"number": 0, "day": "2026-01-31"})
    with lapjoint.config.override(jobs__lease_seconds=1):
        _, Ours = declare(lapjoint, name)
        worker = Ours.jobs._jobs.worker()
        assert worker.next() == {"number": 1, "day": Item.to_arrays("day")[0]}
        time.sleep(1.2)
        # DataJoint's workers say nothing while they work: what they have reserved stays theirs.
        assert Ours.jobs.refresh()["orphaned"] == 0
        assert Ours.jobs.refresh(orphan_timeout=1)["orphaned"] == 1
    assert len(Theirs.jobs.pending) == 2
