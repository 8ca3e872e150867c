"""Tables from Python on SQLite and a file store."""

import datetime
import decimal
import uuid

import numpy as np
import pytest

import lapjoint as dj


@pytest.fixture
def session(schema):
    @schema
    class Subject(dj.Lookup):
        definition = "subject : varchar(10)"
        contents = [["m1"], ["m2"]]

    @schema
    class Session(dj.Manual):
        definition = """
        # a day
        -> Subject
        session : int16
        ---
        note = null : varchar(80)
        trace = null : <npy@>
        extra = null : <blob>
        file = null : <object@main>
        """

        class Trial(dj.Part):
            definition = """
            -> master
            trial : int16
            ---
            score : float64
            """

    Session.subject = Subject
    return Session


def test_insert_and_fetch(session):
    trace = np.arange(1000.0)
    row = {"subject": "m1", "session": 1, "trace": trace, "extra": {"a": [1, None]}, "file": b"bytes"}
    session.insert1(row)
    session.insert([("m1", 2, "n", None, None, None)])
    back = (session & {"session": 1}).fetch1()
    assert back["note"] is None and back["extra"] == {"a": [1, None]}
    assert isinstance(back["trace"], dj.NpyRef) and back["trace"].shape == (1000,)
    assert back["trace"][10:12].tolist() == [10.0, 11.0] and not back["trace"].is_loaded
    assert np.mean(back["trace"]) == trace.mean() and back["trace"].is_loaded
    assert isinstance(back["file"], dj.ObjectRef) and back["file"].read() == b"bytes" and back["file"].verify()
    assert (session & "session = 2").fetch1("note") == "n"
    assert (session & {"session": 2}).fetch1("KEY", "note") == ({"subject": "m1", "session": 2}, "n")
    assert len(session()) == 2 and session.fetch("KEY")[1] == {"subject": "m1", "session": 2}
    assert session.to_arrays("session").tolist() == [1, 2]
    with pytest.raises(dj.DataJointError, match="exactly one"):
        session.fetch1()


def test_algebra(session):
    session.insert([{"subject": s, "session": n} for s in ("m1", "m2") for n in range(3)])
    session.Trial.insert([{"subject": "m1", "session": 0, "trial": t, "score": t / 2} for t in range(4)])
    assert len(session & session.Trial) == 1 and len(session - session.Trial) == 5
    assert len(session & [{"session": 1}, "session = 2"]) == 4
    assert len(session & dj.AndList([{"session": 1}, {"subject": "m2"}])) == 1
    assert len(session & dj.Not({"session": 1})) == 4
    assert session.proj("note", animal="subject").heading.names == ["animal", "session", "note"]
    assert (session.Trial & dj.Top(2, "score DESC")).to_dicts()[0]["score"] == 1.5
    assert session.head(1) == session.to_dicts("KEY", 1) and session.tail(1)[0]["session"] == 2
    assert bool(session & "session > 1") and {"session": 1} in session()
    frame = session.Trial.to_pandas()
    assert list(frame.index.names) == ["subject", "session", "trial"] and frame.score.sum() == 3.0
    assert "*subject" in repr(session()) and "Total: 6" in repr(session()) and "<table" in session()._repr_html_()


def test_changes(session):
    session.insert1({"subject": "m1", "session": 1, "trace": np.zeros(3)})
    with pytest.raises(dj.errors.DuplicateError):
        session.insert1({"subject": "m1", "session": 1})
    session.insert1({"subject": "m1", "session": 1}, skip_duplicates=True)
    session.update1({"subject": "m1", "session": 1, "note": "new"})
    assert session.fetch1("note") == "new"
    with pytest.raises(dj.errors.IntegrityError):
        session.insert1({"subject": "nobody", "session": 1})
    with pytest.raises(dj.DataJointError, match="did you mean `note`"):
        session.insert1({"subject": "m1", "session": 3, "not": 1})
    with pytest.raises(RuntimeError), dj.conn().transaction:
        session.insert1({"subject": "m1", "session": 2})
        raise RuntimeError
    assert len(session()) == 1
    session.Trial.insert1({"subject": "m1", "session": 1, "trial": 1, "score": 0})
    assert (session & {"session": 1}).delete() == 1 and len(session.Trial()) == 0
    assert session.describe().startswith("# a day\n-> Subject\n")
    session.drop()
    assert dj.Schema("lab").list_tables() == ["#subject"]


def test_core_types(schema):
    @schema
    class Everything(dj.Manual):
        definition = """
        id : uuid
        ---
        a : bool
        b : decimal(6,2)
        c : date
        d : datetime
        e : json
        f : bytes
        g : float32
        h : enum('x', 'y')
        i : float64
        """

    row = {
        "id": uuid.uuid4(), "a": True, "b": decimal.Decimal("1.50"), "c": datetime.date(2024, 2, 29),
        "d": datetime.datetime(2024, 2, 29, 1, 2, 3, 123456), "e": {"k": [1, None, "é"]}, "f": b"\0\xff", "g": 0.5,
        "h": "y", "i": float("inf"),
    }  # fmt: skip
    Everything.insert1(row)
    back = Everything.fetch1()
    assert back == row and type(back["a"]) is bool
    numpy_row = {**row, "id": uuid.uuid4(), "a": np.True_, "g": np.float32(0.5), "i": np.float64(2)}
    Everything.insert1(numpy_row)
    assert (Everything & {"id": numpy_row["id"]}).fetch1("i") == 2.0
    with pytest.raises(dj.DataJointError, match="`h`"):
        Everything.insert1({**row, "id": uuid.uuid4(), "h": "z"})


def test_wrong_definitions(schema):
    class Wrong(dj.Manual):
        definition = "id : int32\n---\nx : <blub@>"

    with pytest.raises(dj.DataJointError, match="Unknown codec: <blub>"):
        schema(Wrong)
    with pytest.raises(dj.DataJointError, match="not properly configured"):
        Wrong().fetch()
    with pytest.raises(dj.DataJointError, match="not be applied to Part"):
        schema(type("P", (dj.Part,), {}))


def test_settings():
    with dj.config.override(display__limit=3):
        assert dj.config["display.limit"] == 3 == dj.config.display["limit"]
    assert dj.config["display.limit"] == 12
    assert "blob" in dj.list_codecs()


def test_settings_changed_later_count_for_a_connection_with_a_database_of_its_own(schema, tmp_path):
    connection = dj.Connection(backend="sqlite", database_name=str(tmp_path / "other"))
    dj.config["stores"] = {"late": {"protocol": "file", "location": str(tmp_path / "store")}}
    other = dj.Schema("other", connection=connection)

    @other
    class Later(dj.Manual):
        definition = "id : int32\n---\nvalue : <blob@late>"

    Later.insert1({"id": 1, "value": [1, 2]})
    assert Later.fetch1("value") == [1, 2]
    assert (tmp_path / "other").exists() and "other" not in dj.list_schemas()


def test_adapter_quotes(schema):
    adapter = dj.conn().adapter
    assert adapter.backend == "sqlite"
    assert adapter.quote_identifier('a"b') == '"a""b"'
    assert adapter.quote_string("it's") == "'it''s'"
