"""Diagrams: sets of tables, drawn with their references; which rows belong to which."""

import inspect
import io
import types

from . import _core
from .errors import DataJointError
from .expression import QueryExpression
from .graph import Graph, edges_of, nodes_of
from .schemas import Schema
from .tables import Computed, FreeTable, Imported, Lookup, Manual, Part, Table

__all__ = ["Diagram", "diagram_active", "plot_active"]



def _theme(name):
    palette, theme = _core.diagram_theme(name)
    classes = {"other": None, **{cls.__name__: cls for cls in (Manual, Lookup, Imported, Computed, Part)}}
    return {"palette": {classes.get(tier, tier): colors for tier, colors in palette.items()}, **theme}


_DIAGRAM_THEMES = {name: _theme(name) for name in ("light", "dark")}

# Diagrams are drawn without other programs. Code for DataJoint asks first.
diagram_active = plot_active = True


class Diagram(Graph):
    """Tables and the references between them.

    `source` is a schema, a table, a module that has a `schema`, or a list of these. Diagrams are put together (`+`), taken from one
    another (`-`) and intersected (`*`); a number adds the tables so many references downstream (`+ 1`) or upstream (`- 1`).
    Names of classes are those of `context`, by default the names around the call.
    """

    def __init__(self, source, context=None):
        around = _names_around(inspect.currentframe().f_back) if context is None else dict(context)
        if isinstance(source, Diagram):
            core, connection = source._core, source._connection
        elif isinstance(source, (list, tuple, set)):
            if not source:
                raise DataJointError("A diagram of nothing has no connection; give at least one table")
            diagrams = [Diagram(one, around) for one in source]
            core, connection = diagrams[0]._core, diagrams[0]._connection
            for other in diagrams[1:]:
                core = core.union(other._core)
        else:
            core, connection = _source(source)
        self._start(core, connection, around)

    def _start(self, core, connection, context):
        self._core, self._connection, self.context = core, connection, context
        self._set(nodes_of(core.nodes()), edges_of(core.edges()))

    def _derive(self, core):
        derived = object.__new__(Diagram)
        derived._start(core, self._connection, self.context)
        return derived

    @classmethod
    def _of_rows(cls, make, table_expr, *options):
        if isinstance(table_expr, type) and issubclass(table_expr, QueryExpression):
            table_expr = table_expr()
        if not isinstance(table_expr, QueryExpression):
            raise DataJointError(f"{table_expr!r} is no table and no restriction of one")
        diagram = object.__new__(cls)
        diagram._start(make(table_expr._query, *options), table_expr.connection, {})
        return diagram

    @classmethod
    def from_sequence(cls, sequence):
        """The union of the diagrams of several sources."""
        return cls(list(sequence), _names_around(inspect.currentframe().f_back))

    @classmethod
    def cascade(cls, table_expr, part_integrity="enforce"):
        """The rows of a restricted table with all rows that a delete of them would take."""
        return cls._of_rows(_core.Diagram.cascade, table_expr, part_integrity)

    @classmethod
    def trace(cls, table_expr):
        """The rows of a restricted table with all rows that they come from: `trace[Session]` are those of `Session`."""
        return cls._of_rows(_core.Diagram.trace, table_expr)

    def restrict(self, table_expr):
        """The diagram whose rows are restricted to those of a restricted table, and to those below that refer to them."""
        if isinstance(table_expr, type):
            table_expr = table_expr()
        return self._derive(self._core.restrict(table_expr._query))

    def counts(self):
        """Numbers of rows, by full name of the table."""
        return dict(self._core.counts())

    def prune(self):
        """The diagram without the tables that have no rows in it."""
        return self._derive(self._core.prune())

    def __getitem__(self, key):
        """The rows of a table that the diagram is about; the table is a class, an instance, or a full name."""
        if not isinstance(key, str):
            table = key() if isinstance(key, type) and issubclass(key, Table) else key
            if not isinstance(table, Table):
                raise DataJointError(f"{key!r} is no table and no full name of one")
            key = table.full_table_name
        return Rows(self._connection, key, self._core.rows(key))

    @property
    def nodes_to_show(self):
        """Full names of the tables."""
        return set(self.nodes)

    @property
    def _restrict_conditions(self):
        return {name: [self._core.rows(name).make_sql()] for name in self._core.restricted()}

    def topo_sort(self):
        """Full names of the tables, each after those of the tables that it refers to."""
        return self._core.sorted()

    def __iter__(self):
        """The tables with the rows that the diagram is about, parents before children."""
        return (self[name] for name in self._core.sorted())

    def __reversed__(self):
        return (self[name] for name in reversed(self._core.sorted()))

    def __add__(self, other):
        if isinstance(other, int):
            return self._derive(self._core.downstream(other) if other >= 0 else self._core.upstream(-other))
        return self._with(other, self._core.union)

    def __sub__(self, other):
        if isinstance(other, int):
            return self._derive(self._core.upstream(other) if other >= 0 else self._core.downstream(-other))
        return self._with(other, self._core.difference)

    def __mul__(self, other):
        return self._with(other, self._core.intersection)

    def _with(self, other, put_together):
        if not isinstance(other, Diagram):
            other = Diagram(other, self.context)
        derived = self._derive(put_together(other._core))
        derived.context = {**other.context, **self.context}
        return derived

    def add_parts(self):
        """The diagram with the parts of its tables."""
        return self._derive(self._core.add_parts())

    def collapse(self):
        """The diagram drawn with one node for each schema; tables that are added are drawn as such."""
        return self._derive(self._core.collapse())

    def _named(self):
        """The diagram by the names of the context."""
        return self._core.labelled(list(_labels(self.context, self.nodes)))

    def _make_graph(self):
        """What is drawn, as a graph of names of classes."""
        nodes, edges = self._named().drawn("light")
        graph = Graph([(node["name"], node) for node in nodes])
        graph._edges = [
            (edge["source"], edge["destination"], number, edge) for number, edge in enumerate(edges)
        ]
        return graph

    def _settings(self, theme=None):
        config = self._connection._config
        return theme or config["display.diagram_theme"], config["display.diagram_direction"]

    def make_text(self):
        """The diagram as lines for a terminal."""
        return self._named().text()

    def make_mermaid(self):
        """The diagram in the language of Mermaid."""
        return self._named().mermaid(self._settings()[1])

    def make_dot(self, theme=None):
        """The diagram in the language of Graphviz: `to_string()` gives the text."""
        from .dot import Dot

        return Dot(self._named(), *self._settings(theme))

    def svg_string(self):
        """The diagram as a picture in SVG; its theme is the setting `display.diagram_theme`."""
        return self._named().svg(*self._settings())

    def make_svg(self):
        """The diagram as a picture that notebooks show."""
        try:
            from IPython.display import SVG
        except ModuleNotFoundError:
            return self.svg_string()
        return SVG(self.svg_string())

    def make_png(self):
        """The diagram as a file of PNG in memory."""
        return io.BytesIO(self.make_dot().create_png())

    def make_image(self):
        """The diagram as an array of rows, columns and colours."""
        from .pictures import pixels

        return pixels(self.make_png())

    def draw(self):
        """Shows the diagram in a window of matplotlib."""
        import matplotlib.pyplot as plt

        plt.imshow(self.make_image())
        plt.gca().axis("off")
        plt.show()

    def _repr_svg_(self):
        return self.svg_string()

    def _infer(self, filename):
        ending = str(filename).rpartition(".")[2].lower()
        ending = {"mmd": "mermaid", "gv": "dot"}.get(ending, ending)
        if ending not in ("txt", "mermaid", "dot", "svg", "png"):
            raise DataJointError("Could not infer format from filename. Specify format explicitly.")
        return ending

    def save(self, filename, format=None):
        """Writes the diagram to a file: `svg`, `png`, `mermaid`, `dot` or `txt`, by default as the file's name ends."""
        format = (format or self._infer(filename)).lower()
        writers = {
            "txt": self.make_text, "text": self.make_text, "mermaid": self.make_mermaid, "mmd": self.make_mermaid,
            "dot": lambda: self.make_dot().to_string(), "svg": self.svg_string, "png": lambda: self.make_png().getvalue(),
        }  # fmt: skip
        if format not in writers:
            raise DataJointError(f"Unsupported file format {format}: it is one of {', '.join(writers)}")
        written = writers[format]()
        with open(filename, "wb") as file:
            file.write(written if isinstance(written, bytes) else written.encode())

    def __str__(self):
        return self.make_text()

    def __repr__(self):
        return self.make_text()


class Rows(FreeTable):
    """The rows of a table that a diagram is about."""

    def __init__(self, connection, full_table_name, query):
        super().__init__(connection, full_table_name)
        self._rows = query

    @property
    def _query(self):
        return self._rows

    drop, update1, insert, insert1 = (
        getattr(QueryExpression, name) for name in ("drop", "update1", "insert", "insert1")
    )


def _names_around(frame):
    return {**frame.f_globals, **frame.f_locals}


def _source(source):
    """The engine's diagram of a schema, a table or a module, and the connection."""
    if isinstance(source, types.ModuleType):
        schema = next((value for value in vars(source).values() if isinstance(value, Schema)), None)
        source = schema or source
    if isinstance(source, Schema):
        return _core.Diagram.of_schema(source._active()), source.connection
    if isinstance(source, type) and issubclass(source, Table):
        source = source()
    if isinstance(source, Table):
        return _core.Diagram.of_table(source._bound()), source.connection
    raise DataJointError(f"Could not find database connection in {source!r}")


def _labels(context, names):
    """Full names of tables and what the context calls them, where that is not the name of the class alone."""
    for name, value in context.items():
        if isinstance(value, type) and issubclass(value, Table):
            yield from _label(value, name, names)
        elif isinstance(value, types.ModuleType) and not name.startswith("_"):
            if any(isinstance(inner, Schema) for inner in vars(value).values()):
                for inner_name, inner in vars(value).items():
                    if isinstance(inner, type) and issubclass(inner, Table) and inner.__name__ not in context:
                        yield from _label(inner, f"{name}.{inner_name}", names)


def _label(cls, name, names):
    from .references import parts_of

    if cls.__dict__.get("_core") is None:
        return
    if cls.full_table_name in names:
        yield cls.full_table_name, name
    for part_name, part in parts_of(cls):
        if part.__dict__.get("_core") is not None and part.full_table_name in names:
            yield part.full_table_name, f"{name}.{part_name}"
