"""Dask: makes on its workers, and tables as its frames."""

from .parts import parts
from .plain import plain

__all__ = ["executor", "read"]


def executor(client, **options):
    """An executor for `populate(executor=...)`. `client` is a `distributed.Client`, or the address of a scheduler; `options` are
    those of `Client.submit`: `workers`, `resources`, `retries`, …"""
    if isinstance(client, str):
        from distributed import Client

        client = Client(client)
    # A make is called for what it does: the same call twice is two calls.
    return client.get_executor(**{"pure": False, **options})


def read(query, partitions=8, connect=None):
    """A Dask frame of a table's rows: each part is read by a worker, when the frame is used.

    `connect` is a function that opens the connection in a worker; without it the worker's settings name the database.
    """
    import dask.dataframe

    # Types that the values decide are those of the first row.
    first = plain(query.to_arrow(limit=1))
    meta = _frame(first.slice(0, 0))
    return dask.dataframe.from_map(_read, parts(query, partitions, connect), schema=first.schema, meta=meta)


def _read(part, schema):
    return _frame(plain(part.rows()).cast(schema))


def _frame(table):
    import pandas

    # Columns stay Arrow's: lists are lists, and a null is no NaN.
    return table.to_pandas(types_mapper=pandas.ArrowDtype)
