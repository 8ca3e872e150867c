"""A graph as JSON: all that it carries, in its order."""


def plain(graph):
    nodes = [[repr(node), repr(about)] for node, about in graph.nodes(data=True)]
    near = [[repr(node), [[repr(other), repr(about)] for other, about in others.items()]] for node, others in graph.adjacency()]
    return [type(graph).__name__, repr(graph.graph), nodes, near]
