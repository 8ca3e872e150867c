"""The query algebra means the same on every database."""

import datetime
import decimal
import pathlib
import re
import uuid

import numpy as np
import pytest

import lapjoint as dj
from lapjoint.errors import DataJointError


@pytest.fixture
def lab(database):
    schema = database.schema()

    class Mouse(dj.Manual):
        definition = """
        mouse : int32
        ---
        born = null : date
        sex : enum('M', 'F', 'U')
        """

    class Session(dj.Manual):
        definition = """
        -> Mouse
        session : int32
        ---
        score = null : float64
        begun : datetime
        ended : datetime
        """

        class Trial(dj.Part):
            definition = """
            -> master
            trial : int32
            ---
            reward : decimal(6,2)
            """

    names = {"Mouse": Mouse, "Session": Session}
    for cls in (Mouse, Session):
        schema(cls, context=names)
    Mouse.insert([(1, "2024-01-31", "M"), (2, None, "F"), (3, "2024-06-01", "F")])
    at = datetime.datetime(2025, 3, 1, 12)
    day = datetime.timedelta(days=1)
    Session.insert([(1, 1, 0.5, at, at + day / 24), (1, 2, 1.5, at + day, at + 3 * day), (2, 1, None, at, at + day)])
    Session.Trial.insert([(1, 1, t, decimal.Decimal(t) / 4) for t in range(3)] + [(2, 1, 0, 7)])
    return names


def test_joins_and_aggregation(lab):
    Mouse, Session = lab["Mouse"], lab["Session"]
    joined = Mouse * Session * Session.Trial
    assert joined.primary_key == ["mouse", "session", "trial"] and len(joined) == 4
    assert joined.heading["mouse"].lineage.endswith(".mouse.mouse")
    counted = Mouse.aggr(Session, "sex", n="count(session)", best="max(score)", last="max(ended)")
    assert counted.heading.names == ["mouse", "sex", "n", "best", "last"]
    assert counted.to_dicts("KEY") == [
        {"mouse": 1, "sex": "M", "n": 2, "best": 1.5, "last": datetime.datetime(2025, 3, 4, 12)},
        {"mouse": 2, "sex": "F", "n": 1, "best": None, "last": datetime.datetime(2025, 3, 2, 12)},
        {"mouse": 3, "sex": "F", "n": 0, "best": None, "last": None},
    ]
    assert len(Mouse.aggr(Session, n="count(*)", exclude_nonmatching=True) & "n > 1") == 1
    assert dj.U("sex").aggr(Mouse, n="count(*)").to_dicts("sex DESC", 1)[0]["n"] in (1, 2)
    assert dj.U().aggr(Session.Trial, total="sum(reward)").fetch1("total") == decimal.Decimal("7.75")
    assert sorted((dj.U("sex") & Mouse).to_arrays("sex")) == ["F", "M"]
    assert len(Session.extend(Mouse)) == 3
    either = Mouse.proj("sex") + Mouse.aggr(Session, n="count(session)", exclude_nonmatching=True)
    assert either.heading.names == ["mouse", "sex", "n"]
    assert [row["n"] for row in either.to_dicts("KEY")] == [2, 1, None]


def test_exclusion(lab):
    Mouse, Session = lab["Mouse"], lab["Session"]
    assert (Mouse - Session.proj()).fetch1("mouse") == 3
    assert len(Mouse & Session) == 2
    # A condition on a null neither holds nor does not.
    assert len(Session & "score > 1") == 1 and len(Session - "score > 1") == 1
    assert len(Mouse - {"born": datetime.date(2024, 1, 31)}) == 1
    assert len(Mouse - [{"mouse": 1}, {"mouse": 2}]) == 1
    assert len(Mouse & []) == 0 and len(Mouse - []) == 3
    assert len(Mouse & dj.AndList()) == 3 and len(Mouse - dj.AndList()) == 0
    assert len(Mouse & dj.Not(dj.AndList(["sex = 'F'", {"mouse": 2}]))) == 2


def test_functions_of_other_databases(lab):
    Session = lab["Session"]
    spans = Session.proj(h="TIMESTAMPDIFF(HOUR, begun, ended)", y="YEAR(begun)", m="month(ended)", d="DAY(ended)")
    assert spans.to_dicts("KEY")[1] == {"mouse": 1, "session": 2, "h": 48, "y": 2025, "m": 3, "d": 4}
    long = dj.U().aggr(spans, n="sum(h = 24)", all="group_concat(session SEPARATOR '/')")
    assert long.fetch1("n") == 1 and sorted(long.fetch1("all").split("/")) == ["1", "1", "2"]
    assert len(Session & "score is not null and begun < NOW()") == 2
    assert len(lab["Mouse"] & '`sex` = "F"') == 2


def test_wrong_expressions_are_refused_where_they_are_written(lab):
    Mouse, Session = lab["Mouse"], lab["Session"]
    with pytest.raises(DataJointError, match="nothing"):
        Mouse & "nothing = 1"
    with pytest.raises(DataJointError, match="nothing"):
        Mouse.proj("nothing")
    with pytest.raises(DataJointError, match="already exists"):
        Mouse.proj("sex", sex="upper(sex)")
    with pytest.raises(DataJointError, match="exclude primary key"):
        Mouse.proj("-mouse")
    with pytest.raises(DataJointError, match=r"A → B"):
        Mouse.extend(Session)
    with pytest.raises(DataJointError, match=r"Missing attributes: \['session'\]"):
        Session.aggr(Mouse, n="count(*)")
    with pytest.raises(DataJointError, match="same primary key"):
        Mouse + Session
    with pytest.raises(DataJointError, match="lineage missing on one side"):
        Session * Session
    for refused in (lambda: Mouse ^ Session, lambda: Mouse @ Session, lambda: dj.U("a") * Mouse, lambda: Mouse * dj.U("a")):
        with pytest.raises(DataJointError, match="DataJoint 2.0"):
            refused()
    with pytest.raises(DataJointError, match="Invalid restriction type None"):
        Mouse & None


def test_places_in_json(database):
    schema = database.schema()

    @schema
    class Car(dj.Manual):
        definition = """
        name : varchar(20)
        ---
        specs = null : json
        """

    Car.insert1({"name": "one", "specs": {"length": 20.5, "tires": [{"inches": 18}], "safe": True, "maker": "it's"}})
    Car.insert1({"name": "two", "specs": {"length": 100, "tires": [{"inches": 21}], "safe": False, "deep": {"a": [1, 2]}}})
    Car.insert1({"name": "none", "specs": None})
    name = lambda query: sorted(query.to_arrays("name"))  # noqa: E731
    assert name(Car & {"specs.length": 100}) == ["two"]
    assert name(Car & {"specs.length": 20.5}) == ["one"]
    assert name(Car & {"specs.tires[0].inches": 18}) == ["one"]
    assert name(Car & {"specs.tires[0].inches:unsigned": 21}) == ["two"]
    assert name(Car & {"specs.maker": "it's"}) == ["one"]
    assert name(Car & {"specs.safe": True}) == ["one"]
    assert name(Car & {"specs.safe": False}) == ["two"]
    assert name(Car & {"specs.deep": {"a": [1, 2]}}) == ["two"]
    assert name(Car & {"specs.maker": None}) == ["none", "two"]
    assert name(Car.proj(length="specs.length:float") & "length > 50") == ["two"]
    assert (Car.proj(n="specs.tires[0].inches:decimal(5,1)") & "n = 18").fetch1("name") == "one"
    assert Car.proj(maker="specs.maker").to_dicts("name")[1]["maker"] == "it's"


def test_restrictions_by_values_of_every_kind(database):
    schema = database.schema()

    @schema
    class Thing(dj.Manual):
        definition = """
        id : uuid
        day : date
        ---
        amount : decimal(8,3)
        at = null : datetime(6)
        note : varchar(80)
        ratio : float32
        flag : bool
        """

    one = uuid.uuid5(uuid.NAMESPACE_DNS, "one")
    at = datetime.datetime(2025, 1, 2, 3, 4, 5, 678901)
    note = "50% 'single' \"double\" back\\slash"
    Thing.insert1((one, "2025-01-02", decimal.Decimal("1.250"), at, note, 0.1, True))
    Thing.insert1((uuid.uuid4(), "2025-01-03", 2, None, "", 0.2, False))
    for key in ({"id": one}, {"id": str(one)}, {"day": "2025-01-02"}, {"day": at.date()}, {"amount": decimal.Decimal("1.25")},
                {"at": at}, {"note": note}, {"ratio": np.float32(0.1)}, {"flag": True}, {"flag": np.int8(1)},
                {"id": one, "unknown": 3}):  # fmt: skip
        assert (Thing & key).fetch1("id") == one, key
        assert (Thing & [key, key]).fetch1("id") == one, key
        assert len(Thing - key) == 1 or key.keys() == {"at"}, key
    assert len(Thing & {"at": None}) == 1
    assert len(Thing & Thing.keys()) == 2
    assert len(Thing & Thing.proj().to_pandas()) == 2


def test_lineages_are_on_record(lab, database):
    from lapjoint import lineage

    Session, Trial = lab["Session"], lab["Session"].Trial
    connection, name = database.connection, Session().database
    assert lineage.lineage_table_exists(connection, name)
    origins = lineage.get_table_lineages(connection, name, Trial().table_name)
    assert origins == {
        "mouse": f"{name}.mouse.mouse", "session": f"{name}.session.session", "trial": f"{name}.session__trial.trial",
    }  # fmt: skip
    assert lineage.get_lineage(connection, name, "mouse", "sex") is None
    connection.query(f"DELETE FROM {_quoted(connection, name, '~lineage')}")
    assert lineage.get_schema_lineages(connection, name) == {}
    with pytest.raises(DataJointError, match="rebuild_lineage"):
        _opened_anew(connection, Session) * _opened_anew(connection, Trial)
    lineage.rebuild_schema_lineage(connection, name)
    assert lineage.get_table_lineages(connection, name, Trial().table_name) == origins
    assert len(_opened_anew(connection, Session) * _opened_anew(connection, Trial)) == 4


def _quoted(connection, schema, table):
    mark = "`" if "M" in connection._core.product[:1] else '"'
    return f"{mark}{schema}{mark}.{mark}{table}{mark}"


def _opened_anew(connection, cls):
    return dj.FreeTable(connection, cls().full_table_name)


def test_guide(schema, tmp_path):
    guide = (pathlib.Path(__file__).parents[2] / "docs" / "queries.md").read_text()
    program = "\n".join(re.findall(r"```python\n(.*?)```", guide, re.S))
    exec(compile(program, "queries.md", "exec"), {"__name__": "queries"})
