"""The kinds of codecs that the codec documentation shows, on SQLite and a file store."""

import json
import pickle
import zlib

import numpy as np
import pytest

import lapjoint as dj

networkx = pytest.importorskip("networkx", reason="networkx comes with datajoint in the test environment")


class GraphCodec(dj.Codec):
    """Graphs as nodes and edges; the store, if there is one, passes on."""

    name = "graph"

    def get_dtype(self, is_store):
        return "<blob@>" if is_store else "<blob>"

    def encode(self, graph, *, key=None, store_name=None):
        return {
            "directed": graph.is_directed(),
            "nodes": list(graph.nodes(data=True)),
            "edges": list(graph.edges(data=True)),
        }

    def decode(self, stored, *, key=None):
        graph = networkx.DiGraph() if stored["directed"] else networkx.Graph()
        graph.add_nodes_from(stored["nodes"])
        graph.add_edges_from(stored["edges"])
        return graph


class ReversedGraph(dj.Codec):
    """A chain of three codecs. The published example hands bytes to the graph codec, which cannot take them."""

    name = "reversed_graph"

    def get_dtype(self, is_store):
        return "<graph>"

    def encode(self, graph, *, key=None, store_name=None):
        return graph.reverse()

    def decode(self, stored, *, key=None):
        return stored.reverse()


class ModelCodec(dj.Codec):
    """Any object that can be pickled, as bytes."""

    name = "model"

    def get_dtype(self, is_store):
        return "<hash>" if is_store else "bytes"

    def encode(self, value, *, key=None, store_name=None):
        return pickle.dumps(value)

    def decode(self, stored, *, key=None):
        return pickle.loads(stored)

    def validate(self, value):
        if not hasattr(value, "predict"):
            raise TypeError("a model has a method predict")


class ZippedJson(dj.Codec):
    """JSON, compressed."""

    name = "zjson"

    def get_dtype(self, is_store):
        return "<blob>"

    def encode(self, value, *, key=None, store_name=None):
        return zlib.compress(json.dumps(value).encode())

    def decode(self, stored, *, key=None):
        return json.loads(zlib.decompress(stored))


class SpikeTrain(dj.Codec):
    """Spike times as differences, exact. (The published example keeps float32 differences and so loses precision.)"""

    name = "spike_train"

    def get_dtype(self, is_store):
        return "<blob>"

    def validate(self, value):
        if not isinstance(value, np.ndarray) or value.ndim != 1:
            raise TypeError("Expected a 1-D array")
        if np.any(np.diff(value) < 0):
            raise ValueError("Spike times must be sorted")

    def encode(self, times, *, key=None, store_name=None):
        ticks = np.asarray(times, dtype="f8").view("i8")
        return np.diff(ticks, prepend=np.int64(0))

    def decode(self, stored, *, key=None):
        return np.cumsum(stored).view("f8")


class Versioned(dj.Codec):
    """The version of the format is the row's own."""

    name = "versioned"

    def get_dtype(self, is_store):
        return "<blob>"

    def encode(self, value, *, key=None, store_name=None):
        return {"v": key["version"], "data": value * key["version"]}

    def decode(self, stored, *, key=None):
        return stored["data"] / stored["v"]


class Small(dj.Codec):
    name = "small"

    def get_dtype(self, is_store):
        if is_store:
            raise dj.DataJointError("<small> is internal-only")
        return "json"

    def encode(self, value, *, key=None, store_name=None):
        return value

    def decode(self, stored, *, key=None):
        return stored


class Large(dj.Codec):
    name = "large"

    def get_dtype(self, is_store):
        if not is_store:
            raise dj.DataJointError("<large> requires @: use <large@>")
        return "<object>"

    def encode(self, value, *, key=None, store_name=None):
        return value

    def decode(self, stored, *, key=None):
        return stored


class Model:
    def __init__(self, slope):
        self.slope = slope

    def predict(self, x):
        return self.slope * x


def table(schema, types):
    lines = [f"x{number} = null : {spec}" for number, spec in enumerate(types)]
    definition = "version : int32\n---\n" + "\n".join(lines)
    return schema(type("Row", (dj.Manual,), {"definition": definition}))


def through(schema, spec, value):
    rows = table(schema, [spec])
    rows.insert1({"version": 3, "x0": value})
    return rows.fetch1("x0")


@pytest.mark.parametrize("spec", ["<graph>", "<graph@>", "<graph@main>", "<reversed_graph>", "<reversed_graph@main>"])
def test_graph(schema, spec):
    graph = networkx.DiGraph()
    graph.add_edge("a", "b", weight=0.5)
    graph.add_node("c", size=3)
    back = through(schema, spec, graph)
    assert networkx.utils.graphs_equal(back, graph)
    assert isinstance(back, networkx.DiGraph)


@pytest.mark.parametrize("spec", ["<model>", "<model@>", "<model@main>"])
def test_model(schema, spec):
    assert through(schema, spec, Model(2)).predict(21) == 42


def test_model_is_validated(schema):
    with pytest.raises(TypeError, match="predict"):
        through(schema, "<model>", 5)


def test_zipped_json(schema):
    value = {"a": [1, 2.5, None, "é"], "b": {"c": []}}
    assert through(schema, "<zjson>", value) == value


def test_spike_train_is_exact(schema):
    times = np.sort(np.random.default_rng(0).uniform(0, 3600, 1000))
    assert np.array_equal(through(schema, "<spike_train>", times), times)
    with pytest.raises(ValueError, match="sorted"):
        dj.Schema("other")(type("T", (dj.Manual,), {"definition": "id : int8\n---\nx : <spike_train>"})).insert1(
            {"id": 1, "x": np.array([2.0, 1.0])}
        )


def test_the_key_reaches_the_codec(schema):
    assert through(schema, "<versioned>", 7) == 7


def test_places(schema):
    assert through(schema, "<small>", {"a": 1}) == {"a": 1}
    other = dj.Schema("other")
    assert through(other, "<large@>", b"bytes").read() == b"bytes"
    with pytest.raises(dj.DataJointError, match="<small> is internal-only"):
        table(dj.Schema("third"), ["<small@>"])
    with pytest.raises(dj.DataJointError, match="<large> requires @: use <large@>"):
        table(dj.Schema("third"), ["<large>"])


def test_none_never_reaches_a_codec(schema):
    rows = table(schema, ["<graph>", "<model@>", "<small>"])
    rows.insert1({"version": 1})
    assert rows.fetch1() == {"version": 1, "x0": None, "x1": None, "x2": None}
