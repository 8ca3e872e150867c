"""Directed graphs with parallel edges, by the names that networkx has for them. networkx itself is not needed."""


class Nodes(dict):
    """Nodes and their properties: iterates over names; called with `data=True`, gives pairs."""

    def __call__(self, data=False):
        return list(self.items()) if data else list(self)


class Edges:
    """Edges: iterates over pairs of names; called, also with keys and properties."""

    def __init__(self, edges):
        self._edges = edges

    def __call__(self, data=False, keys=False):
        found = []
        for parent, child, key, properties in self._edges:
            edge = (parent, child)
            edge += (key,) if keys else ()
            edge += (properties,) if data else ()
            found.append(edge)
        return found

    def __iter__(self):
        return iter(self())

    def __len__(self):
        return len(self._edges)

    def __contains__(self, pair):
        return tuple(pair) in self()


class Graph:
    """Nodes, and edges from a table to the tables that refer to it."""

    def __init__(self, nodes=(), edges=()):
        self._set(nodes, edges)

    def _set(self, nodes, edges):
        """`nodes` are pairs of a name and properties; `edges` are parent, child, key and properties."""
        self._nodes = Nodes(nodes)
        self._edges = list(edges)

    @property
    def nodes(self):
        """Names of the nodes, with their properties."""
        return self._nodes

    @property
    def edges(self):
        """The edges, from parent to child."""
        return Edges(self._edges)

    def __contains__(self, name):
        return name in self.nodes

    def __iter__(self):
        return iter(self.nodes)

    def __len__(self):
        return len(self.nodes)

    def number_of_nodes(self):
        """How many nodes there are."""
        return len(self.nodes)

    def number_of_edges(self, u=None, v=None):
        """How many edges there are, of one node to another if both are given."""
        pairs = self.edges()
        return len(pairs) if u is None or v is None else pairs.count((u, v))

    def in_edges(self, name, data=False, keys=False):
        """Edges to a node."""
        return [edge for edge in self.edges(data=data, keys=keys) if edge[1] == name]

    def out_edges(self, name, data=False, keys=False):
        """Edges from a node."""
        return [edge for edge in self.edges(data=data, keys=keys) if edge[0] == name]

    def predecessors(self, name):
        """Nodes with an edge to a node, each once."""
        return iter(dict.fromkeys(parent for parent, child in self.edges() if child == name))

    def successors(self, name):
        """Nodes that a node has an edge to, each once."""
        return iter(dict.fromkeys(child for parent, child in self.edges() if parent == name))

    def to_networkx(self):
        """The same as a `networkx.MultiDiGraph`, for its algorithms."""
        import networkx

        graph = networkx.MultiDiGraph()
        graph.add_nodes_from(self.nodes.items())
        for parent, child, key, properties in self.edges(data=True, keys=True):
            graph.add_edge(parent, child, key=key, **properties)
        return graph


def nodes_of(found):
    """Nodes as the engine gives them."""
    return [(name, {"primary_key": set(key)}) for name, key in found]


def edges_of(found):
    """Edges as the engine gives them, with DataJoint's names for their properties."""
    return [
        (parent, child, tuple(own for own, _ in attributes), properties(attributes, primary, aliased, multi, nullable))
        for parent, child, attributes, primary, aliased, multi, nullable in found
    ]


def properties(attributes, primary, aliased, multi, nullable):
    """Properties of a foreign key: `attr_map` has the parent's attribute for each of the child's."""
    return {"primary": primary, "attr_map": dict(attributes), "aliased": aliased, "multi": multi}
