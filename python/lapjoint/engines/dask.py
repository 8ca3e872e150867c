"""Dask: makes on its workers, and tables as its frames."""

from .parts import parts

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
    meta = query.to_arrow(limit=1).slice(0, 0).to_pandas()
    return dask.dataframe.from_map(_frame, parts(query, partitions, connect), meta=meta)


def _frame(part):
    return part.rows().to_pandas()
