"""Imported and computed tables: their rows are made key by key."""

import contextlib
import inspect
import random
import signal
import threading

from . import distribute
from ._core import Computation
from .errors import DataJointError
from .expression import QueryExpression
from .making import MakeOptions, describe, make_key

__all__ = ["AutoPopulate", "MakeOptions", "make_one"]


class _JobsOfTable:
    """The attribute `jobs` of imported and computed tables, and of their classes."""

    def __get__(self, table, cls):
        from .jobs import Job

        if table is None:
            if cls._core is None:
                return self
            table = cls()
        return Job(table)


class AutoPopulate:
    """What `Imported` and `Computed` add to a table: `make` says how the rows of one key come about.

    `make(key)` runs in a transaction. A computation that takes long is better given in three parts: `make_fetch(key)` reads,
    `make_compute(key, *fetched)` computes, `make_insert(key, *computed)` inserts. The first two run before the transaction; the
    results are only inserted if what was fetched has not changed.
    """

    _key_source = None
    # The key that is being made, and what `upstream` has found for it.
    _upstream_key = None
    _upstream = None

    jobs = _JobsOfTable()

    @property
    def key_source(self):
        """The keys that the table is made for: by default the join of the tables that its primary key refers to."""
        if self._key_source is None:
            self._key_source = self._derive(Computation(self._bound()).key_source())
        return self._key_source

    def make(self, key, **make_kwargs):
        """Makes the rows of one key: in the class itself, or in three parts."""
        parts = [getattr(self, f"make_{part}", None) for part in ("fetch", "compute", "insert")]
        if not all(parts):
            raise NotImplementedError(
                "Subclasses of AutoPopulate must implement the method `make` or (`make_fetch` + `make_compute` + `make_insert`)"
            )
        fetch, compute, insert = parts
        fetched = fetch(key, **make_kwargs)
        computed = yield fetched
        if computed is None:
            computed = compute(key, *fetched)
            yield computed
        insert(key, *computed)
        yield

    def populate(
        self, *restrictions, suppress_errors=False, return_exception_objects=False, reserve_jobs=False, max_calls=None,
        display_progress=False, processes=1, make_kwargs=None, priority=None, refresh=None, limit=None, order="original",
        executor=None,
    ):  # fmt: skip
        """Makes the rows of all keys that have none, each key in a transaction of its own.

        `restrictions` restrict the key source. With `suppress_errors` it goes on after errors. `reserve_jobs` shares the keys
        with workers elsewhere through the table's `jobs`, refreshed before unless `refresh` is false; `priority` then takes only
        jobs of this number or a lower one. `limit` looks at so many keys and `max_calls` makes so many; `order` is `"original"`,
        `"reverse"` or `"random"`. `processes` forks so many workers (`None`: one for each core); `executor`, any executor of
        `concurrent.futures`, runs the makes instead. Returns `{"success_count": …, "error_list": [(key, message), …]}`.
        """
        if self.connection.in_transaction:
            raise DataJointError("Populate cannot be called during a transaction.")
        if order not in ("original", "reverse", "random"):
            raise DataJointError(f"order is {order!r}; it must be 'original', 'reverse' or 'random'")
        options = MakeOptions(dict(make_kwargs or {}), bool(reserve_jobs))
        is_alone = executor is None and processes == 1
        with _sigterm_as_exit() if reserve_jobs else contextlib.nullcontext():
            if reserve_jobs:
                keys = self._keys_of_jobs(restrictions, priority, refresh, is_alone and order == "original", limit)
            else:
                keys = self._keys_to_do(restrictions).keys(limit=limit)
            if order != "original":
                keys = list(keys)[::-1] if order == "reverse" else random.sample(list(keys), len(keys))
            if not is_alone:
                keys = list(keys)[:max_calls]
            if executor is not None:
                outcomes = distribute.on_executor(executor, self, keys, options)
            elif is_alone:
                outcomes = ((key, self._attempt(key, options)) for key in keys)
            else:
                outcomes = distribute.on_processes(processes, self, keys, options)
            # Whatever ends it, workers end with it.
            with contextlib.closing(outcomes):
                seen = outcomes
                if display_progress:
                    seen = _shown(outcomes, type(self).__name__, len(keys) if hasattr(keys, "__len__") else None)
                return _collected(seen, suppress_errors, return_exception_objects, max_calls)

    def _attempt(self, key, options):
        try:
            return distribute.Outcome(made=make_key(self, key, options))
        except Exception as error:
            return distribute.Outcome(message=describe(error), error=error)

    def _keys_to_do(self, restrictions):
        return self._derive(Computation(self._bound()).keys_to_do(*self._source_and_conditions(restrictions)))

    def _keys_of_jobs(self, restrictions, priority, refresh, one_by_one, limit):
        """Keys of jobs that are due: all at once, or one by one, as long as there are any."""
        jobs = self.jobs
        if self.connection._config["jobs.auto_refresh"] if refresh is None else refresh:
            # Due a second ago, whatever fractions of a second the database keeps.
            jobs.refresh(*restrictions, delay=-1)
        wanted = None
        if restrictions:
            wanted = Computation(self._bound()).wanted_keys(*self._source_and_conditions(restrictions))
        if one_by_one and limit is None:
            worker = jobs._jobs.worker()
            return iter(lambda: worker.next(wanted, priority), None)
        return self._derive(jobs._jobs.due(wanted, priority, limit)).keys()

    def progress(self, *restrictions, display=False):
        """How many keys are still to be made, and how many there are."""
        source, restrictions = self._source_and_conditions(restrictions)
        remaining, total = Computation(self._bound()).progress(source, restrictions)
        if display:
            done = total - remaining
            share = f" ({100 * done / total:.1f}%)" if total else ""
            print(f"{type(self).__name__:<20} Completed {done} of {total}{share}")
        return remaining, total

    def _source_and_conditions(self, restrictions):
        source = self.key_source
        if inspect.isclass(source) and issubclass(source, QueryExpression):
            source = source()
        if not isinstance(source, QueryExpression):
            raise DataJointError("Invalid key_source value")
        return source._query, [source._condition(restriction) for restriction in restrictions]


def make_one(table_ref, key, options):
    """Makes the rows of one key, in any process or thread: what a worker does.

    `table_ref` is the table's class, or a `distribute.TableRef` to it. `True` if they were made now, `False` if the table had
    them, `None` if another worker has the job.
    """
    table_class = table_ref if isinstance(table_ref, type) else table_ref.resolve()
    return make_key(table_class(), key, options)


def _collected(outcomes, suppress_errors, return_exception_objects, max_calls):
    done = {"success_count": 0, "error_list": []}
    calls = 0
    if max_calls is not None and max_calls <= 0:
        return done
    for key, outcome in outcomes:
        if outcome.message is not None:
            if not suppress_errors:
                raise outcome.error or DataJointError(outcome.message)
            error = outcome.error or DataJointError(outcome.message)
            done["error_list"].append((key, error if return_exception_objects else outcome.message))
        done["success_count"] += outcome.made is True
        # What another worker has is no call of this one.
        calls += outcome.message is not None or outcome.made is not None
        if calls == max_calls:
            break
    return done


def _shown(outcomes, name, total):
    import tqdm

    yield from tqdm.tqdm(outcomes, desc=name, total=total)


@contextlib.contextmanager
def _sigterm_as_exit():
    """A worker that is told to end says of its job that it has failed. Only the main thread hears of signals."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def leave(signum, frame):
        raise SystemExit("SIGTERM received")

    former = signal.signal(signal.SIGTERM, leave)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, former)
