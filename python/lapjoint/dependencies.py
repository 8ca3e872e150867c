"""Who refers to whom: the graph of a connection's schemas, and the relatives of a table."""

from . import _core
from .errors import DataJointError
from .graph import Graph, edges_of, nodes_of

__all__ = ["Dependencies", "topo_sort"]


def topo_sort(graph):
    """Names of a graph's nodes, each after those that it has an edge from, and parts directly after their masters where that is
    possible. The graph is one of networkx, or `connection.dependencies`."""
    return _core.topo_sort([str(name) for name in graph.nodes], [(edge[0], edge[1]) for edge in graph.edges])


class Dependencies(Graph):
    """The tables of the schemas that a connection has activated, and their references. Loaded when it is first asked."""

    def __init__(self, connection=None):
        super().__init__()
        self._connection = connection
        self.clear()

    def clear(self):
        """Forgets the graph: it is loaded anew when it is asked for."""
        self._set((), ())
        self._loaded = False
        self._loaded_schemas = set()

    def load(self, force=True, schema_names=None):
        """Reads the tables of the activated schemas, or of those named, unless they are there and `force` is not set."""
        wanted = self._known(schema_names)
        if force or not self._loaded or not wanted <= self._loaded_schemas:
            self._read(wanted, False, False)

    def _known(self, schema_names=None):
        if self._connection is None:
            raise DataJointError("These dependencies belong to no connection")
        if schema_names is not None:
            return set(schema_names)
        # Schemas that were dropped meanwhile stay in the list of a connection.
        return set(self._connection.schemas) & set(self._connection._core.list_schemas())

    def _read(self, schemas, upstream, downstream):
        graph = _core.Dependencies(self._connection._core, sorted(schemas), upstream, downstream)
        found = edges_of(graph.edges())
        nodes = nodes_of(graph.nodes())
        here = {name for name, _ in nodes}
        nodes += [(parent, {}) for parent in dict.fromkeys(edge[0] for edge in found) if parent not in here]
        self._set(nodes, found)
        self._loaded = True
        self._loaded_schemas = set(schemas) | {name.split("`")[1] for name, _ in nodes}

    def load_all_downstream(self):
        """Reads also the tables of other schemas that refer to those here, directly or through others."""
        self._load_all("downstream")

    def load_all_upstream(self):
        """Reads also the tables of other schemas that those here refer to, directly or through others."""
        self._load_all("upstream")

    def _load_all(self, way):
        wanted = self._known() | self._loaded_schemas
        key = (way, frozenset(wanted))
        if self._loaded and self._reached == key:
            return
        self._read(wanted, way == "upstream", way == "downstream")
        self._reached = (way, frozenset(self._known() | self._loaded_schemas))

    _reached = None

    def _ready(self):
        if not self._loaded:
            self.load()

    @property
    def nodes(self):
        """Full names of the tables, with the sets of their primary keys."""
        self._ready()
        return self._nodes

    @property
    def edges(self):
        """The references, from the table referred to, to the table that refers."""
        self._ready()
        return super().edges

    def topo_sort(self):
        """Full names, each after those of the tables that it refers to."""
        return topo_sort(self)

    def parents(self, table_name, primary=None):
        """Tables that a table refers to, with what the foreign keys say; `primary` chooses those in the primary key, or not."""
        return [
            (edge[0], edge[2])
            for edge in self.in_edges(table_name, data=True)
            if primary is None or edge[2]["primary"] == primary
        ]

    def children(self, table_name, primary=None):
        """Tables that refer to a table, with what the foreign keys say; `primary` chooses those in the primary key, or not."""
        return [
            (edge[1], edge[2])
            for edge in self.out_edges(table_name, data=True)
            if primary is None or edge[2]["primary"] == primary
        ]

    def descendants(self, full_table_name):
        """A table and all that refer to it, directly or through others, in topological order."""
        return self._reach(full_table_name, self.successors)

    def ancestors(self, full_table_name):
        """A table and all that it refers to, directly or through others: what refers before what is referred to."""
        return self._reach(full_table_name, self.predecessors)[::-1]

    def _reach(self, name, following):
        if name not in self:
            raise DataJointError(f"{name} is not among the loaded dependencies; load() reads them anew")
        found, waiting = {name}, [name]
        while waiting:
            new = set(following(waiting.pop())) - found
            found |= new
            waiting.extend(new)
        return [other for other in self.topo_sort() if other in found]


class Relatives:
    """The methods of a table over the graph of tables."""

    def parents(self, primary=None, as_objects=False, foreign_key_info=False):
        """Tables that this one refers to: full names, or tables; with what the foreign keys say if that is asked for.

        `primary` chooses the references in the primary key, or the others.
        """
        return self._relatives(_core.parents_of, 0, primary, as_objects, foreign_key_info)

    def children(self, primary=None, as_objects=False, foreign_key_info=False):
        """Tables that refer to this one: full names, or tables; with what the foreign keys say if that is asked for.

        `primary` chooses the references in the primary key, or the others.
        """
        return self._relatives(_core.children_of, 1, primary, as_objects, foreign_key_info)

    def _relatives(self, of, end, primary, as_objects, foreign_key_info):
        found = [
            (edge[end], edge[3]) for edge in edges_of(of(self._bound())) if primary is None or edge[3]["primary"] == primary
        ]
        tables = self._tables([name for name, _ in found], as_objects)
        return list(zip(tables, (info for _, info in found))) if foreign_key_info else tables

    def ancestors(self, as_objects=False):
        """This table and all that it refers to, directly or through others: what refers before what is referred to."""
        return self._tables(_core.ancestors_of(self._bound()), as_objects)

    def descendants(self, as_objects=False):
        """This table and all that refer to it, directly or through others: what is referred to before what refers."""
        return self._tables(_core.descendants_of(self._bound()), as_objects)

    def parts(self, as_objects=False):
        """The parts of this table."""
        return self._tables(_core.parts_of(self._bound()), as_objects)

    def _tables(self, names, as_objects):
        if not as_objects:
            return names
        from .tables import FreeTable

        return [FreeTable(self.connection, name) for name in names]
