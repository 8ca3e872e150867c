"""`<graph>`: every class of networkx's graphs, with all that they carry, in their order."""

import datetime
import decimal
import random
import uuid

import numpy as np
import pytest

import lapjoint as dj
from lapjoint.blob import pack, unpack

networkx = pytest.importorskip("networkx")

CLASSES = ["Graph", "DiGraph", "MultiGraph", "MultiDiGraph"]


def through(schema, spec, value, name="Row"):
    table = schema(type(name, (dj.Manual,), {"definition": f"id : int32\n---\nx = null : {spec}"}))
    table.insert([{"id": 1, "x": value}, {"id": 2}])
    assert (table & "id = 2").fetch1("x") is None
    return (table & "id = 1").fetch1("x")


def everything(graph):
    """All of a graph with its order and the types of its labels."""
    near = [(node, list(about.items())) for node, about in graph.adjacency()]
    behind = [(node, list(graph.pred[node])) for node in graph] if graph.is_directed() else None
    nodes = [(type(node), node, about) for node, about in graph.nodes(data=True)]
    return type(graph), list(graph.graph.items()), nodes, near, behind


def build(name, seed):
    chance = random.Random(seed)
    graph = getattr(networkx, name)(name="circuit", made=datetime.date(2026, 1, 2), nothing=None)
    labels = ["a", 7, 2.5, ("v1", 3), ("x", None, (1, 2)), b"raw", True, uuid.UUID(int=5), decimal.Decimal("1.50"), -4]
    labels += [datetime.datetime(2020, 1, 1)]
    chance.shuffle(labels)
    for label in labels[:9]:
        graph.add_node(label, volume=chance.random(), note=None, shape=np.arange(3), **({"tags": ["x", 1]} if chance.random() < 0.5 else {}))
    for number in range(60):
        source, target = chance.choice(labels), chance.choice(labels)
        graph.add_edge(source, target, weight=chance.random(), number=number)
        if chance.random() < 0.2:
            graph.remove_edge(source, target)
    graph.add_edge("a", "a", loop=True)
    return graph


@pytest.mark.parametrize("name", CLASSES)
@pytest.mark.parametrize("spec", ["<graph>", "<graph@>", "<graph@cold>"])
def test_graphs_come_back_exactly(schema, tmp_path, name, spec):
    (tmp_path / "cold").mkdir()
    dj.config.stores["cold"] = {"protocol": "file", "location": str(tmp_path / "cold")}
    for seed in range(3):
        graph = build(name, seed)
        back = through(schema, spec, graph, f"Row{seed}")
        assert repr(everything(back)) == repr(everything(graph))
    assert bool(list((tmp_path / "cold").rglob("*"))) == (spec == "<graph@cold>")


@pytest.mark.parametrize("name", CLASSES)
def test_many_random_graphs_keep_the_order_of_neighbours(name):
    codec = dj.get_codec("graph")
    for seed in range(40):
        graph = build(name, seed)
        assert repr(everything(codec.decode(unpack(pack(codec.encode(graph)))))) == repr(everything(graph))


def test_labels_of_numpy():
    codec = dj.get_codec("graph")
    labels = [np.int16(12), np.float64(0.25), np.uint64(2**63), np.complex64(1j), np.bool_(True), np.str_("text")]
    graph = networkx.path_graph(labels, create_using=networkx.DiGraph)
    back = codec.decode(unpack(pack(codec.encode(graph))))
    assert list(back.edges) == list(graph.edges)
    # Text of numpy becomes text of Python, which is equal.
    assert [type(node) for node in back] == [type(label) for label in labels[:-1]] + [str]


@pytest.mark.parametrize("name", CLASSES)
def test_empty_and_large_graphs(schema, name):
    kind = getattr(networkx, name)
    assert everything(through(schema, "<graph>", kind(), "Nothing")) == everything(kind())
    large = kind(networkx.gnm_random_graph(2000, 20_000, seed=1))
    assert everything(through(schema, "<graph>", large, "Large")) == everything(large)


def test_keys_of_parallel_edges(schema):
    graph = networkx.MultiDiGraph()
    graph.add_edge("a", "b", key="late", weight=2)
    graph.add_edge("a", "b", weight=1)
    graph.add_edge("a", "b", key=("x", 3))
    graph["a"]["b"]["late"][5] = "a key that is no text"
    assert everything(through(schema, "<graph>", graph)) == everything(graph)


def test_a_graph_whose_neighbours_no_sequence_of_edges_gives(schema):
    # Each of three nodes has its neighbours the other way round: the edges can come in no order that gives all three.
    graph = networkx.Graph()
    graph.add_nodes_from("abc")
    for node, near in (("a", "bc"), ("b", "ca"), ("c", "ab")):
        for other in near:
            graph._adj[node][other] = graph._adj[other].get(node, {})
    back = through(schema, "<graph>", graph)
    assert networkx.utils.graphs_equal(back, graph)


@pytest.mark.parametrize("directed", [True, False, None])
def test_what_the_documented_class_wrote(schema, directed):
    """The example of DataJoint's documentation, also without `directed`."""
    stored = {"directed": directed, "nodes": [("a", {"layer": 4}), ("b", {})], "edges": [("a", "b", {"weight": 0.5})]}
    if directed is None:
        del stored["directed"]
    table = schema(type("Old", (dj.Manual,), {"definition": "id : int32\n---\nx : <blob>"}))
    table.insert1({"id": 1, "x": stored})
    graph = dj.get_codec("<graph>").decode(table.fetch1("x"))
    assert type(graph) is (networkx.DiGraph if directed else networkx.Graph)
    assert list(graph.nodes(data=True)) == stored["nodes"] and list(graph.edges(data=True)) == stored["edges"]


def test_values_that_are_no_graphs(schema):
    table = schema(type("Row", (dj.Manual,), {"definition": "id : int32\n---\nx : <graph>"}))

    class Circuit(networkx.DiGraph):
        pass

    class Label:
        pass

    odd = networkx.Graph([(Label(), 1)])
    frozen = networkx.Graph([(frozenset([1]), 1)])
    for value, message in [
        ({"nodes": []}, "expects a networkx Graph, .*, got dict"),
        (Circuit(), r"got .*Circuit; networkx.DiGraph\(value\) makes a plain one"),
        (odd, "is of type .*Label, which would not come back"),
        (frozen, "is of type frozenset"),
    ]:
        with pytest.raises(dj.DataJointError, match=message):
            table.insert1({"id": 1, "x": value})
    unpackable = networkx.Graph()
    unpackable.add_node(1, what=Label())
    with pytest.raises(dj.DataJointError, match="Label"):
        table.insert1({"id": 1, "x": unpackable})
    assert len(table()) == 0


@pytest.mark.parametrize(
    "stored, message",
    [
        ([1, 2], "expected a dict with nodes and edges, got list"),
        ({"nodes": []}, "expected a dict with nodes and edges"),
        ({"nodes": [("a", {})], "edges": [("a", "b", {})]}, "the edge from 'a' to 'b' has no such nodes"),
        ({"nodes": [(["a"], {})], "edges": []}, "TypeError"),
        ({"nodes": [("a", [5])], "edges": []}, "TypeError|ValueError"),
        ({"nodes": [("a", {})], "edges": [("a",)]}, "ValueError"),
        ({"nodes": [("a", {})], "edges": [("a", "a", 1, {})]}, "has 4 parts, not 3"),
        ({"nodes": 5, "edges": []}, "TypeError"),
        ({"nodes": [], "edges": [], "codec_version": "9.0"}, "version '9.0', and this package reads 1.0: upgrade"),
    ],
)
def test_damage_is_named(stored, message):
    with pytest.raises(dj.DataJointError, match=f"<graph> cannot read its stored value: .*({message})"):
        dj.get_codec("graph").decode(stored)
