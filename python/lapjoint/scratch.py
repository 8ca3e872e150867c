"""Local folders for what is on its way into a store."""

import atexit
import pathlib
import shutil
import tempfile

_folders: list[str] = []


def scratch_folder():
    """A folder for copies that live until the insert has uploaded them, at the longest until the process ends."""
    if not _folders:
        atexit.register(lambda: [shutil.rmtree(folder, ignore_errors=True) for folder in _folders])
    _folders.append(tempfile.mkdtemp(prefix="lapjoint-"))
    return pathlib.Path(_folders[-1])


def release(paths):
    """Removes the scratch folders that hold these paths."""
    for path in paths:
        folder = str(pathlib.Path(path).parent)
        if folder in _folders:
            _folders.remove(folder)
            shutil.rmtree(folder, ignore_errors=True)
