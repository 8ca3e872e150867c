"""Jobs: which keys of a table are to be made, who is at which, and what went wrong."""

from ._core import Computation
from ._core import Jobs as _Jobs
from .autopopulate import AutoPopulate
from .logs import logger
from .tables import Table

__all__ = ["ERROR_MESSAGE_LENGTH", "TRUNCATION_APPENDIX", "Job"]

# What a long message is cut to, and how it then ends.
ERROR_MESSAGE_LENGTH = 2047
TRUNCATION_APPENDIX = "...truncated"


class Job(Table):
    """The table of the jobs of an imported or computed table, or some of its rows."""

    def __init__(self, target):
        self.target = target
        is_new = target._bound().table_name not in target._schema_core().tables_with_jobs()
        self._jobs = _Jobs(target._bound())
        self._core, self._schema_connection = self._jobs.table(), target.connection
        self._restricted = None
        if is_new:
            for name in self._jobs.ignored_attributes():
                logger.warning(
                    f"Ignoring non-FK primary key attribute '{name}' in jobs table for {target.full_table_name}. "
                    "Job granularity will be degraded."
                )

    @property
    def _query(self):
        return self._core.query() if self._restricted is None else self._restricted

    @property
    def is_declared(self):
        """Whether the table of the jobs is in the database."""
        return self.target.table_name in self._schema_core().tables_with_jobs()

    def _some(self, query):
        some = object.__new__(Job)
        some.__dict__.update(self.__dict__, _restricted=query._query)
        return some

    def restrict(self, restriction, semantic_check=True):
        """Jobs for which a condition holds."""
        return self._some(super().restrict(restriction, semantic_check))

    def __sub__(self, condition):
        return self._some(super().__sub__(condition))

    @property
    def definition(self):
        """The definition that declares the table of the jobs."""
        return self._jobs.definition()

    @property
    def pending(self):
        """Jobs that are to be done."""
        return self & {"status": "pending"}

    @property
    def reserved(self):
        """Jobs that a worker is at."""
        return self & {"status": "reserved"}

    @property
    def errors(self):
        """Jobs that have failed."""
        return self & {"status": "error"}

    @property
    def ignored(self):
        """Jobs that are not to be done."""
        return self & {"status": "ignore"}

    @property
    def completed(self):
        """Jobs that are done, kept with the setting `jobs.keep_completed`."""
        return self & {"status": "success"}

    def refresh(self, *restrictions, delay=0, priority=None, stale_timeout=None, orphan_timeout=None):
        """Adds jobs for keys that are to be made, removes those of keys that are gone, gives back those of dead workers.

        `restrictions` restrict the keys that are added, which are due `delay` seconds from now. `orphan_timeout` gives back
        all that was reserved so many seconds ago; jobs of workers that renew their leases are given back without it when
        these die. Returns numbers of jobs: `added`, `removed`, `orphaned`, `re_pended`.
        """
        if isinstance(self.target, AutoPopulate):
            source, conditions = self.target._source_and_conditions(restrictions)
        else:
            # A table without a class is made for what its foreign keys say.
            source = Computation(self.target._bound()).key_source()
            conditions = [self.target._condition(restriction) for restriction in restrictions]
        return self._jobs.refresh(
            source, conditions, delay=delay, priority=priority, timeouts=(stale_timeout, orphan_timeout)
        )

    def reserve(self, key):
        """Takes a job that is pending and due; whether this call has got it."""
        return self._jobs.reserve(dict(key))

    def complete(self, key, duration=None):
        """Says that a job is done."""
        self._jobs.complete(dict(key), duration)

    def error(self, key, error_message, error_stack=None):
        """Says that a job has failed."""
        self._jobs.error(dict(key), error_message, error_stack or "")

    def ignore(self, key):
        """Says that a key is not to be made."""
        self._jobs.ignore(dict(key))

    def progress(self):
        """Numbers of jobs by status, and the total."""
        return self._jobs.progress()

    def delete(self, transaction=True, prompt=None, part_integrity="enforce"):
        """Deletes these jobs, without asking."""
        return self._query.delete_quick()

    def drop(self, prompt=None, part_integrity="enforce"):
        """Drops the table of the jobs, without asking."""
        self._core.drop_table(True)
