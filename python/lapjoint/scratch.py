"""Local folders for what is on its way into a store."""

import atexit
import pathlib
import shutil
import tempfile
import threading
from contextlib import contextmanager

_current = threading.local()
_until_exit: list[str] = []


def scratch_folder():
    """A folder for copies that live until the insert that is under way has uploaded them; without one, until the process ends."""
    folder = tempfile.mkdtemp(prefix="lapjoint-")
    folders = getattr(_current, "folders", None)
    if folders is not None:
        folders.append(folder)
    else:
        if not _until_exit:
            atexit.register(lambda: [shutil.rmtree(path, ignore_errors=True) for path in _until_exit])
        _until_exit.append(folder)
    return pathlib.Path(folder)


@contextmanager
def released():
    """Folders that this thread makes in a block are removed at its end."""
    before = getattr(_current, "folders", None)
    _current.folders = []
    try:
        yield
    finally:
        for folder in _current.folders:
            shutil.rmtree(folder, ignore_errors=True)
        _current.folders = before
