"""A sparse matrix as JSON: its class, type and elements in their order."""


def plain(matrix):
    if matrix.format == "dok":
        parts = [[[int(axis) for axis in place], value.item()] for place, value in matrix.items()]
    elif matrix.format == "lil":
        parts = [matrix.rows.tolist(), [[float(value) for value in row] for row in matrix.data]]
    else:
        names = {"coo": ["data", "row", "col"], "dia": ["data", "offsets"]}.get(matrix.format, ["data", "indices", "indptr"])
        parts = [[str(getattr(matrix, name).dtype), getattr(matrix, name).tolist()] for name in names]
    return [type(matrix).__name__, list(matrix.shape), str(matrix.dtype), parts]
