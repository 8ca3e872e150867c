"""A table in parts that other processes read."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ..connection import conn

__all__ = ["Part", "parts"]


@dataclass(frozen=True)
class Part:
    """The rows of a range of a table's primary key: plain data that can be sent to another process and read there.

    `connect` gives the connection there; without it, it is the one that the settings of that process name.
    """

    schema: str
    table: str
    attributes: tuple[str, ...]
    conditions: tuple[str, ...]
    connect: Callable[[], Any] | None = None

    def batches(self):
        """The rows as record batches of Arrow, at least one."""
        import pyarrow

        connection = (self.connect or conn)()
        query = connection._core.partition(self.schema, self.table, list(self.attributes), list(self.conditions))
        batches = query.arrow_batches()
        first = next(batches, None)
        if first is None:
            schema = pyarrow.schema(batches)
            nothing = [pyarrow.array([], field.type) for field in schema]
            yield pyarrow.RecordBatch.from_arrays(nothing, schema=schema)
            return
        yield pyarrow.record_batch(first)
        for batch in batches:
            yield pyarrow.record_batch(batch)

    def rows(self):
        """The rows as a table of Arrow."""
        import pyarrow

        return pyarrow.Table.from_batches(self.batches())


def parts(query, count, connect=None):
    """A table, restricted and with some of its attributes, in at most `count` parts of about as many rows each."""
    if isinstance(query, type):
        query = query()
    return [
        Part(schema, table, tuple(attributes), tuple(conditions), connect)
        for schema, table, attributes, conditions in query._query.partitions(count)
    ]
