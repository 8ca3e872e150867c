"""`<graph>`: graphs of networkx.

What it does
------------
Takes a `networkx.Graph`, `DiGraph`, `MultiGraph` or `MultiDiGraph` and gives an equal one back: class, nodes, edges, keys of
parallel edges, and the attributes of nodes, edges and the graph, all in their order. Other classes, also subclasses of these,
are refused, because what they add would be lost; `networkx.Graph(graph)` makes a plain one. A frozen graph comes back unfrozen.

Specification
-------------
A dict, packed by `<blob>`. `nodes` is a list of pairs (label, attributes), `edges` a list of triples (from, to, attributes), in
multigraphs of four (from, to, key, attributes). Edges stand in an order in which adding them one by one gives every node its
neighbours in the order that the graph has.

Labels and keys of edges are text, bytes, numbers and bools, also numpy's, dates, times, UUIDs, decimals or
tuples of these (with `None` in them): what the blob format keeps as it is and Python can hash.
Text of numpy comes back as Python's, which is equal. Attributes are anything that `<blob>` takes.

Names
-----
`<graph>` is `<blob>`; `<graph@>` and `<graph@store>` are `<blob@…>` in the same store.

Stored form
-----------
    {"codec_version": "1.0", "directed": True, "multigraph": False, "graph": {"name": "V1"},
     "nodes": [("a", {"layer": 4}), (("b", 2), {})], "edges": [("a", ("b", 2), {"weight": 0.5})]}

Compatibility
-------------
Reads what the class of DataJoint's documentation wrote (`directed`, `nodes`, `edges`; also without `directed`), and that class
reads ours unless the graph is a multigraph. An edge to a node that is not in the list is refused as damage.
"""

import datetime
import decimal
import uuid

from ..codecs import Codec
from ._shared import checked_version, library, refused, unreadable

_SCALARS = (
    str, bytes, bool, int, float, complex, datetime.datetime, datetime.date, datetime.time, decimal.Decimal, uuid.UUID,
)  # fmt: skip


class GraphCodec(Codec):
    """A graph of networkx, with its attributes and its order."""

    name = "graph"
    yields = True
    codec_version = "1.0"
    reads_versions = ("1.0",)
    # Labels as text; edges by the numbers of their nodes.
    arrow_type = "struct<directed: bool, nodes: list<text>, edges: list<struct<source: int64, target: int64>>>"

    def get_dtype(self, is_store):
        """A blob, in the store that was named."""
        return "<blob>"

    def validate(self, value):
        """Refuses what is not one of the four classes of graphs."""
        networkx = library(self.name, "networkx")
        known = (networkx.Graph, networkx.DiGraph, networkx.MultiGraph, networkx.MultiDiGraph)
        if type(value) not in known:
            remedy = f"; networkx.{'Di' * value.is_directed()}Graph(value) makes a plain one" if isinstance(value, known) else ""
            raise refused(
                self.name, f"expects a networkx Graph, DiGraph, MultiGraph or MultiDiGraph, got {_type_name(value)}{remedy}"
            )

    def encode(self, value, *, key=None, store_name=None):
        """The graph as a dict of plain values."""
        self.validate(value)
        many = value.is_multigraph()
        edges = []
        for source, target in _insertion_order(value):
            between = value.adj[source][target]
            if many:
                edges += [(source, target, at, dict(about)) for at, about in between.items()]
            else:
                edges.append((source, target, dict(between)))
        for label in value:
            _check_label(label, "node")
        for source, target, at, _ in edges if many else ():
            _check_label(at, f"the edge from {source!r} to {target!r} has a key, which")
        return {
            "codec_version": "1.0",
            "directed": value.is_directed(),
            "multigraph": many,
            "graph": dict(value.graph),
            "nodes": [(label, dict(about)) for label, about in value.nodes(data=True)],
            "edges": edges,
        }

    def to_arrow(self, values):
        """Nodes and edges, without attributes."""
        return [None if graph is None else _columns(graph) for graph in values]

    def decode(self, stored, *, key=None):
        """The graph of a dict."""
        networkx = library(self.name, "networkx")
        if not isinstance(stored, dict) or "nodes" not in stored or "edges" not in stored:
            raise unreadable(self.name, f"expected a dict with nodes and edges, got {_type_name(stored)}")
        checked_version(self, stored)
        many = bool(stored.get("multigraph", False))
        graph = getattr(networkx, f"{'Multi' * many}{'Di' * bool(stored.get('directed', False))}Graph")()
        try:
            graph.graph.update(stored.get("graph") or {})
            graph.add_nodes_from(stored["nodes"])
            for edge in stored["edges"]:
                source, target, *rest = edge
                if source not in graph or target not in graph:
                    raise unreadable(self.name, f"the edge from {source!r} to {target!r} has no such nodes")
                about = rest[-1] if rest else {}
                if many and len(rest) == 2:
                    graph.add_edge(source, target, key=rest[0])
                    graph[source][target][rest[0]].update(about)
                elif many:
                    graph[source][target][graph.add_edge(source, target)].update(about)
                elif len(rest) > 1:
                    raise unreadable(self.name, f"the edge from {source!r} to {target!r} has {len(edge)} parts, not 3")
                else:
                    graph.add_edge(source, target)
                    graph[source][target].update(about)
        except (TypeError, ValueError, networkx.NetworkXError) as error:
            raise unreadable(self.name, f"{type(error).__name__}: {error}") from error
        return graph


def _columns(graph):
    number = {label: at for at, label in enumerate(graph)}
    edges = [{"source": number[edge[0]], "target": number[edge[1]]} for edge in graph.edges]
    return {"directed": graph.is_directed(), "nodes": [str(label) for label in graph], "edges": edges}


def _insertion_order(graph):
    """Pairs of joined nodes, so ordered that adding them gives every node its neighbours in the graph's order.

    An edge may be added when it is the next one of both of its ends. Graphs that were built by adding edges always have such
    an order; of others the rest comes as networkx gives it.
    """
    # Nodes by number: labels of some types cannot be compared with others.
    labels = list(graph)
    number = {label: at for at, label in enumerate(labels)}
    directed = graph.is_directed()
    ahead = [[number[near] for near in list(graph.adj[label])[::-1]] for label in labels]
    behind = [[number[near] for near in list(graph.pred[label])[::-1]] for label in labels] if directed else ahead
    order, ready = [], list(reversed(range(len(labels))))
    while ready:
        source = ready.pop()
        while ahead[source]:
            target = ahead[source][-1]
            if behind[target][-1] != source:
                break
            ahead[source].pop()
            # A loop stands once among the neighbours of its node.
            if directed or source != target:
                behind[target].pop()
            order.append((source, target))
            # Both ends have come to their next edge: whoever waits for them can go on.
            if not directed:
                ready.append(target)
            elif behind[target]:
                ready.append(behind[target][-1])
    if any(ahead):
        seen = set(order) if directed else {*order, *((target, source) for source, target in order)}
        for source, near in enumerate(ahead):
            for target in reversed(near):
                if (source, target) not in seen:
                    seen |= {(source, target)} if directed else {(source, target), (target, source)}
                    order.append((source, target))
    return [(labels[source], labels[target]) for source, target in order]


def _check_label(label, what):
    """Refuses what would not come back as it is, or could not be a node any more."""
    if isinstance(label, tuple) and type(label) is tuple:
        for part in label:
            if part is not None:
                _check_label(part, what)
    elif type(label) not in _SCALARS and getattr(getattr(label, "dtype", None), "kind", "O") not in "biufcU":
        raise refused(
            "graph",
            f"{what} {label!r} is of type {_type_name(label)}, which would not come back as it is; labels are text, bytes, "
            "numbers, dates, UUIDs or tuples of these",
        )


def _type_name(value):
    return f"{type(value).__module__}.{type(value).__qualname__}".removeprefix("builtins.")
