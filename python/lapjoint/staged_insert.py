"""Insert of one row whose objects are written piece by piece."""

import os
import shutil
import tempfile
from contextlib import contextmanager

from .errors import DataJointError


class StagedInsert:
    """A row in the making: values in `rec`; objects written through `open` and `store`.

    What is written goes to a folder of this machine, and from there with the row into the store, or nowhere.
    """

    def __init__(self, table, folder):
        import fsspec

        self.rec = {}
        self.fs = fsspec.filesystem("file", auto_mkdir=True)
        self._table, self._folder = table, folder
        self._paths = {}

    def _path(self, field, ext):
        heading = self._table.heading
        if field not in heading or heading[field].codec_name != "object":
            raise DataJointError(f"Attribute '{field}' is not an <object> type")
        missing = {name for name in heading.primary_key if self.rec.get(name) is None}
        if missing:
            raise DataJointError(
                "Primary key values must be set in staged.rec before calling store() or open(). Missing: " + str(missing)
            )
        return self._paths.setdefault(field, os.path.join(self._folder, f"{field}{ext}"))

    def store(self, field, ext=""):
        """A mapping of names to bytes over the folder of an `<object>` attribute (needs fsspec)."""
        path = self._path(field, ext)
        os.makedirs(path, exist_ok=True)
        return self.fs.get_mapper(path)

    def open(self, field, ext="", mode="wb"):
        """The file of an `<object>` attribute."""
        return open(self._path(field, ext), mode)

    def finish(self):
        """Inserts the row; its objects are stored with it."""
        self._table.insert1({**self.rec, **self._paths})


@contextmanager
def staged_insert1(table):
    """A row in the making, inserted when the block ends without an error."""
    folder = tempfile.mkdtemp(prefix="lapjoint-")
    try:
        staged = StagedInsert(table, folder)
        yield staged
        staged.finish()
    finally:
        shutil.rmtree(folder, ignore_errors=True)
