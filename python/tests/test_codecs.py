"""Codecs written in Python, alone and in chains with those of the engine."""

import numpy as np
import pytest

import lapjoint as dj
from lapjoint import codecs


class Pair:
    def __init__(self, left, right):
        self.left, self.right = left, right


class PairCodec(dj.Codec):
    """Two values."""

    name = "pair"

    def get_dtype(self, is_store):
        return "<blob@>" if is_store else "<blob>"

    def validate(self, value):
        if not isinstance(value, Pair):
            raise TypeError(f"Expected Pair, got {type(value).__name__}")

    def encode(self, value, *, key=None, store_name=None):
        PairCodec.seen = {**key, "store_name": store_name}
        return {"left": value.left, "right": value.right}

    def decode(self, stored, *, key=None):
        PairCodec.seen = dict(key)
        return Pair(**stored)


class Swapped(dj.Codec):
    name = "swapped"

    def get_dtype(self, is_store):
        return "<pair>"

    def encode(self, value, *, key=None):
        return Pair(value.right, value.left)

    def decode(self, stored, *, key=None, context=None):
        Swapped.seen = context
        return Pair(stored.right, stored.left)


class Settings(dj.Codec):
    name = "settings"

    def get_dtype(self, is_store):
        if is_store:
            raise dj.DataJointError("<settings> is internal-only")
        return "json"

    def encode(self, value, *, key=None, store_name=None):
        return value

    def decode(self, stored, *, key=None):
        return stored


@pytest.fixture
def table(schema):
    @schema
    class Thing(dj.Manual):
        definition = """
        thing : int32
        ---
        inline = null : <pair>
        stored = null : <pair@>
        named = null : <swapped@main>
        settings = null : <settings>
        """

    return Thing


def test_values_go_through_chains(table):
    array = np.arange(500.0)
    table.insert1({"thing": 1, "inline": Pair(1, "a"), "stored": Pair(array, None)})
    assert PairCodec.seen["_table"] == "thing" and PairCodec.seen["_field"] == "stored"
    assert PairCodec.seen["thing"] == 1 and PairCodec.seen["_schema"] == "lab"
    back = table.fetch1()
    assert (back["inline"].left, back["inline"].right) == (1, "a")
    assert np.array_equal(back["stored"].left, array) and back["named"] is None
    assert PairCodec.seen["thing"] == 1
    table.insert1({"thing": 2, "named": Pair("l", "r"), "settings": {"rate": 1.5, "on": [True]}})
    back = (table & {"thing": 2}).fetch1()
    assert (back["named"].left, back["named"].right) == ("l", "r")
    assert back["settings"] == {"rate": 1.5, "on": [True]}
    assert Swapped.seen["field"] == "named"


def test_what_a_codec_raises_is_raised(table):
    with pytest.raises(TypeError, match="Expected Pair, got int"):
        table.insert1({"thing": 1, "inline": 5})
    assert len(table()) == 0


def test_registry(schema):
    assert {"pair", "swapped", "blob", "npy"} <= set(dj.list_codecs())
    assert dj.get_codec("<pair@main>") is dj.get_codec("pair") and dj.get_codec("blob").name == "blob"
    assert repr(dj.get_codec("pair")) == "<PairCodec(name='pair')>"
    dtype, chain, store = codecs.resolve_dtype("<swapped@main>")
    assert (dtype, [codec.name for codec in chain], store) == ("json", ["swapped", "pair", "blob", "hash"], "main")
    assert codecs.resolve_dtype("<pair>") == ("bytes", [dj.get_codec("pair"), dj.get_codec("blob")], None)
    assert codecs.parse_type_spec("<blob@cold>") == ("blob", "cold")
    assert codecs.parse_type_spec("<blob@>") == ("blob", "") and codecs.parse_type_spec("blob") == ("blob", None)
    with pytest.raises(dj.DataJointError, match="internal-only"):
        codecs.resolve_dtype("<settings@>")
    with pytest.raises(dj.DataJointError, match="Did you mean <pair>"):
        dj.get_codec("pairr")


def test_a_class_defined_again_replaces_and_another_is_refused():
    def define(value):
        class Again(dj.Codec):
            name = "again"
            number = value

            def get_dtype(self, is_store):
                return "json"

            def encode(self, value, *, key=None):
                return value

            def decode(self, stored, *, key=None):
                return stored

        return Again

    define(1)
    define(2)
    assert dj.get_codec("again").number == 2
    with pytest.raises(dj.DataJointError, match="already registered by Python class .*Again"):
        class Other(define(3), register=True):
            pass
    codecs.unregister_codec("again")
    assert not codecs.is_codec_registered("again")

    class Quiet(PairCodec, register=False):
        pass

    assert type(dj.get_codec("pair")) is PairCodec


class Looking(dj.Codec):
    """Asks the database while it works."""

    name = "looking"
    table = None

    def get_dtype(self, is_store):
        return "json"

    def encode(self, value, *, key=None):
        return {"rows": len(Looking.table()), "value": value}

    def decode(self, stored, *, key=None):
        return {**stored, "now": len(Looking.table())}


def test_a_codec_may_query_the_connection_even_in_a_transaction(schema):
    @schema
    class Seen(dj.Manual):
        definition = "number : int32\n---\nx : <looking>"

    Looking.table = Seen
    Seen.insert1({"number": 1, "x": "a"})
    with dj.conn().transaction:
        Seen.insert([{"number": n, "x": "b"} for n in (2, 3)])
        assert [row["x"]["rows"] for row in Seen.to_dicts("KEY")] == [0, 1, 1]
    assert Seen.to_dicts("KEY")[2]["x"] == {"rows": 1, "value": "b", "now": 3}
