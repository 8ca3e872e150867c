"""What Graphviz draws, read by the methods that pydot has for it. Neither is needed."""


class Item:
    """A node or an edge: `get_…` reads a property, as it is written."""

    def __init__(self, properties):
        self._properties = properties

    def get(self, name):
        """A property, or `None`."""
        return self._properties.get(name)

    def __getattr__(self, name):
        if not name.startswith("get_"):
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")
        return lambda: self._properties.get(name[4:])

    def __repr__(self):
        return f"{type(self).__name__}({self._properties!r})"


class Dot:
    """A diagram as text, picture, or nodes and edges."""

    def __init__(self, core, theme, direction):
        self._core, self._theme, self._direction = core, theme, direction

    def to_string(self):
        """The diagram in the language of Graphviz."""
        return self._core.dot(self._theme, self._direction)

    def create_svg(self):
        """The diagram as a picture, drawn without Graphviz."""
        return self._core.svg(self._theme, self._direction).encode()

    def create_png(self):
        """The diagram as a picture of points, drawn without Graphviz."""
        from .pictures import png

        return png(self._core.svg("light" if self._theme == "auto" else self._theme, self._direction))

    def get_nodes(self):
        """The nodes, with their names and colours."""
        return [Item(node) for node in self._core.drawn(self._theme)[0]]

    def get_edges(self):
        """The edges, with their ends, widths, styles and colours."""
        return [Item(edge) for edge in self._core.drawn(self._theme)[1]]

    def __str__(self):
        return self.to_string()
