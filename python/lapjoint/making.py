"""One key of a table: its `make`, in one part or in three."""

import inspect
import os
import threading
import traceback
from dataclasses import dataclass, field

from ._core import Computation
from .errors import DataJointError
from .fingerprint import fingerprint

_CHANGED = "Referential integrity failed! The `make_fetch` data has changed"


@dataclass(frozen=True)
class MakeOptions:
    """What a worker has to know besides table and key."""

    make_kwargs: dict = field(default_factory=dict)
    reserve_jobs: bool = False


class Making:
    """The make of one key, in the parts that the engine calls."""

    def __init__(self, table, options):
        self._table, self._kwargs = table, options.make_kwargs
        # Older classes have their make under another name.
        self._make = getattr(table, "_make_tuples", None) or table.make
        self.is_in_parts = inspect.isgeneratorfunction(self._make)
        self._before = self._computed = None

    def prepare(self, key):
        """Fetches and computes, before the transaction."""
        parts = self._make(key, **self._kwargs)
        fetched = next(parts)
        self._before = fingerprint(fetched)
        self._computed = next(parts)
        parts.close()

    def make(self, key):
        """Makes and inserts the rows, in the transaction."""
        if not self.is_in_parts:
            self._make(key, **self._kwargs)
            return
        parts = self._make(key, **self._kwargs)
        if fingerprint(next(parts)) != self._before:
            raise DataJointError(_CHANGED)
        try:
            parts.send(self._computed)
        except StopIteration:
            pass
        parts.close()


def describe(error):
    """An exception in one line."""
    return f"{type(error).__name__}: {error}" if str(error) else type(error).__name__


def failure(error):
    """What is written down of an exception: a line, and the stack."""
    return describe(error), "".join(traceback.format_exception(type(error), error, error.__traceback__))


def make_key(table, key, options):
    """Makes the rows of one key: `True` if they were made now, `False` if they were there, `None` if it is another worker's."""
    making = Making(table, options)
    worker = _worker(table) if options.reserve_jobs else None
    # `upstream` is there while the key is made.
    table._upstream_key = dict(key)
    try:
        prepare = making.prepare if making.is_in_parts else None
        return Computation(table._bound()).make_one(key, prepare, making.make, failure, worker)
    finally:
        table._upstream_key = table._upstream = None


# One worker for each table, of a thread.
_workers = threading.local()


def _worker(table):
    """This thread's worker on the jobs of a table."""
    known = _workers.__dict__.setdefault("known", {})
    name = (os.getpid(), id(table.connection._core), table.full_table_name)
    if name not in known:
        # Workers of another process, or of a connection that is closed, are no use any more.
        known.clear()
        known[name] = table.jobs._jobs.worker()
    return known[name]
