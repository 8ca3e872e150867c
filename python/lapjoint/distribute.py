"""Keys made by many workers: processes forked from this one, or any executor of `concurrent.futures`."""

import concurrent.futures
import contextlib
import importlib
import multiprocessing
import os
import pickle
import sys
from dataclasses import dataclass

from .errors import DataJointError
from .making import describe, make_key

# Keys handed to an executor before their outcomes are awaited.
_AHEAD = 4096

# Tables of this process for those that are forked from it.
_inherited: dict[int, type] = {}


@dataclass(frozen=True)
class TableRef:
    """A table's class, as another process finds it: by module and name, or among what it was forked with."""

    module: str
    name: str

    @classmethod
    def of(cls, table):
        """The reference to a table's class."""
        table_class = table if isinstance(table, type) else type(table)
        ref = cls(table_class.__module__, table_class.__qualname__)
        try:
            found = ref.resolve() is table_class
        except (ImportError, AttributeError):
            found = False
        if not found:
            raise DataJointError(
                f"Workers in other processes cannot find {ref.name}: define its class at the top of a module that they can "
                "import, or use populate(processes=...)."
            )
        return ref

    def resolve(self):
        """The class."""
        found = sys.modules.get(self.module) or importlib.import_module(self.module)
        for part in self.name.split("."):
            found = getattr(found, part)
        return found


@dataclass(frozen=True)
class _Inherited:
    """A table that a process was forked with."""

    number: int

    def resolve(self):
        return _inherited[self.number]


@dataclass
class Outcome:
    """What came of a key: `made` as `make_key` says it, or an error as text and, where it can travel, as exception."""

    made: bool | None = None
    message: str | None = None
    error: BaseException | None = None


def work(ref, key, options):
    """What a worker does: the outcome of one key."""
    table_class = ref if isinstance(ref, type) else ref.resolve()
    try:
        return Outcome(made=make_key(table_class(), key, options))
    except Exception as error:
        return Outcome(message=describe(error), error=_portable(error))


def _portable(error):
    """An exception that can go to another process, or `None`."""
    try:
        return pickle.loads(pickle.dumps(error))
    except Exception:
        return None


def on_processes(count, table, keys, options):
    """Outcomes of keys that processes forked from this one make."""
    number = len(_inherited)
    _inherited[number] = type(table)
    context = multiprocessing.get_context("fork")
    count = min(filter(None, (count, len(keys), os.cpu_count())))
    try:
        with (
            concurrent.futures.ProcessPoolExecutor(count, mp_context=context) as pool,
            contextlib.closing(_outcomes(pool, _Inherited(number), keys, options)) as outcomes,
        ):
            yield from outcomes
    finally:
        del _inherited[number]


def on_executor(executor, table, keys, options):
    """Outcomes of keys that an executor's workers make."""
    if isinstance(executor, concurrent.futures.ThreadPoolExecutor):
        ref, function = type(table), work_in_thread
    else:
        ref, function = TableRef.of(table), work
    yield from _outcomes(executor, ref, keys, options, function)


def work_in_thread(ref, key, options):
    """As `work`, by a session of the database of the thread's own."""
    return ref._schema_connection._core.in_own_session(work, (ref, key, options))


def _outcomes(executor, ref, keys, options, function=work):
    waiting = {}
    keys = iter(keys)
    try:
        while True:
            while len(waiting) < _AHEAD and (key := next(keys, None)) is not None:
                waiting[executor.submit(function, ref, key, options)] = key
            if not waiting:
                return
            done, _ = concurrent.futures.wait(waiting, return_when=concurrent.futures.FIRST_COMPLETED)
            for future in done:
                yield waiting.pop(future), future.result()
    finally:
        for future in waiting:
            future.cancel()
