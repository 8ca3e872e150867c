"""Progress of long inserts, fetches and conversions: a bar of tqdm on a terminal, nothing elsewhere."""

import sys
import time
from contextlib import contextmanager

# Work that is done sooner shows no bar.
PATIENCE_SECONDS = 1.0


class _Bar:
    """Receives how many are done; shows a bar when it takes long."""

    def __init__(self, what, unit):
        self._what, self._unit, self._start, self._bar = what, unit, time.monotonic(), None

    def __call__(self, done, total):
        if self._bar is None and time.monotonic() - self._start > PATIENCE_SECONDS:
            import tqdm

            self._bar = tqdm.tqdm(total=total, desc=self._what, unit=self._unit, leave=False)
        if self._bar is not None:
            self._bar.update(done - self._bar.n)

    def close(self):
        """Takes the bar away."""
        if self._bar is not None:
            self._bar.close()


@contextmanager
def progress(what, unit="row"):
    """What the engine tells how many rows, or other units, are done; `None` where nobody would see it."""
    if not _is_seen():
        yield None
        return
    bar = _Bar(what, unit)
    try:
        yield bar
    finally:
        bar.close()


def _is_seen():
    import importlib.util

    return sys.stderr is not None and sys.stderr.isatty() and importlib.util.find_spec("tqdm") is not None
