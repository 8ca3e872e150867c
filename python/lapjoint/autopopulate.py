"""Imported and computed tables: their rows are made key by key."""

import inspect

from ._core import Computation
from .errors import DataJointError
from .expression import QueryExpression
from .making import MakeOptions, describe, make_key

__all__ = ["AutoPopulate", "make_one"]


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
        self, *restrictions, suppress_errors=False, return_exception_objects=False, max_calls=None, make_kwargs=None
    ):  # fmt: skip
        """Makes the rows of all keys that have none.

        `restrictions` restrict the key source. Returns `{"success_count": …, "error_list": [(key, message), …]}`.
        """
        if self.connection.in_transaction:
            raise DataJointError("Populate cannot be called during a transaction.")
        options = MakeOptions(make_kwargs or {})
        done = {"success_count": 0, "error_list": []}
        for key in self._keys_to_do(restrictions).keys(limit=max_calls):
            try:
                done["success_count"] += make_key(self, key, options)
            except Exception as error:
                if not suppress_errors:
                    raise
                done["error_list"].append((key, error if return_exception_objects else describe(error)))
        return done

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

    def _keys_to_do(self, restrictions):
        return self._derive(Computation(self._bound()).keys_to_do(*self._source_and_conditions(restrictions)))


def make_one(table_ref, key, options):
    """Makes the rows of one key, in any process or thread; whether they were made now. `table_ref` is the table's class."""
    return make_key(table_ref(), key, options)
