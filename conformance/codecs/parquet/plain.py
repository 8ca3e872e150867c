"""A table as JSON: the kind of frame, its columns with their types, its rows."""


def given(frame):
    kind = type(frame).__module__.partition(".")[0]
    if kind == "pandas":
        types = [[name, str(kind)] for name, kind in frame.reset_index().dtypes.items()]
        return [kind, types, repr(frame.reset_index().to_dict("records"))]
    if kind == "polars":
        return [kind, [[name, str(kind)] for name, kind in frame.schema.items()], repr(frame.rows())]
    return [kind, [[field.name, str(field.type)] for field in frame.schema], repr(frame.to_pylist())]


def plain(reference):
    return given(reference.load())
