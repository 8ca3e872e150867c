"""Ray: makes as its tasks, and tables as its data sets."""

import concurrent.futures

from .parts import parts

__all__ = ["RayExecutor", "executor", "read"]


class RayExecutor(concurrent.futures.Executor):
    """Runs calls as tasks of the Ray cluster that this process is connected to; one of this machine is started if there is none.

    `options` are those of Ray's tasks: `num_cpus`, `max_retries`, `runtime_env`, …
    """

    def __init__(self, **options):
        import ray

        if not ray.is_initialized():
            ray.init()
        self._task = ray.remote(_call)
        if options:
            self._task = self._task.options(**options)
        self._cancel = ray.cancel
        self._running = {}
        self._is_shut = False

    def submit(self, fn, /, *args, **kwargs):
        """A future of `fn(*args, **kwargs)`."""
        if self._is_shut:
            raise RuntimeError("cannot schedule new futures after shutdown")
        reference = self._task.remote(fn, args, kwargs)
        future = reference.future()
        self._running[future] = reference
        future.add_done_callback(lambda done: self._running.pop(done, None))
        return future

    def shutdown(self, wait=True, *, cancel_futures=False):
        """Takes no more calls; the cluster stays."""
        self._is_shut = True
        running = dict(self._running)
        if cancel_futures:
            for reference in running.values():
                self._cancel(reference)
        if wait:
            concurrent.futures.wait(running)


def _call(function, args, kwargs):
    return function(*args, **kwargs)


def executor(**options):
    """An executor for `populate(executor=...)`."""
    return RayExecutor(**options)


def read(query, partitions=8, connect=None):
    """A `ray.data.Dataset` of a table's rows: each part is read by a task of its own, when the data set is used.

    `connect` is a function that opens the connection in a worker; without it the worker's settings name the database.
    """
    import ray

    chosen = parts(query, partitions, connect)
    numbers = ray.data.from_items([{"part": number} for number in range(len(chosen))], override_num_blocks=len(chosen))

    def rows(batch):
        import pyarrow

        for number in batch["part"].to_pylist():
            for rows_of_part in chosen[number].batches():
                yield pyarrow.Table.from_batches([rows_of_part])

    return numbers.map_batches(rows, batch_size=1, batch_format="pyarrow")
