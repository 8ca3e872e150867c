"""Spark: tables as its frames."""

from .parts import parts
from .plain import plain

__all__ = ["read"]


def read(session, query, partitions=8, connect=None):
    """A Spark frame of a table's rows: each part is read by a task of its own, when the frame is used.

    Spark has no dictionaries, extension types and unsigned integers: labels are texts, a uuid is a text, a tensor is a list (with
    its shape, where that differs between rows), and an unsigned integer is the next larger signed one. `connect` is a function
    that opens the connection in a worker; without it the worker's settings name the database.
    """
    from pyspark.sql.pandas.types import from_arrow_schema

    chosen = parts(query, partitions, connect)
    # Types that the values decide are those of the first row.
    schema = plain(query.to_arrow(limit=1)).schema

    def rows(batches):
        for batch in batches:
            for number in batch.column(0).to_pylist():
                for rows_of_part in chosen[number].batches():
                    yield from plain(rows_of_part).cast(schema).to_batches()

    numbers = session.range(0, len(chosen), 1, len(chosen))
    return numbers.mapInArrow(rows, from_arrow_schema(schema))
