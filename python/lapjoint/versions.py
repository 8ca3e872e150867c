"""Packages that codecs come with, and warnings of old versions of stored values."""

import pathlib
import sys
import warnings
from importlib import metadata

import numpy as np

from . import plugins
from .version import __version__

_HERE = str(pathlib.Path(__file__).parent)


_known: dict[str, list[str]] = {}


def _distributions():
    """Distributions by the names of their modules. Reads the metadata of all that is installed, once."""
    if not _known:
        _known.update(metadata.packages_distributions())
    return _known


def package_of(cls):
    """Name and version of the package that a codec's class comes with, or `None`."""
    if (own := getattr(cls, "package", None)) is not None:
        return own
    module = cls.__module__.partition(".")[0]
    if module in ("lapjoint", "datajoint") and _is_ours(cls):
        return "lapjoint", __version__
    if module in ("__main__", "builtins"):
        return None
    names = {plugins.packages[cls.__module__]} if cls.__module__ in plugins.packages else _distributions().get(module, ())
    for name in sorted(names):
        try:
            return name, metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return None


def _is_ours(cls):
    file = getattr(sys.modules.get(cls.__module__), "__file__", None) or ""
    return file.startswith(_HERE)


def warn_deprecated(message):
    """Warns at the line of the user's code that is being run; the engine calls this once for a codec, version and table."""
    frame = sys._getframe(1)
    while frame is not None and frame.f_code.co_filename.startswith(_HERE):
        frame = frame.f_back
    if frame is None:
        # A thread of the engine, which no line of the user's started.
        warnings.warn_explicit(message, DeprecationWarning, "lapjoint", 1, module="__main__")
        return
    registry = frame.f_globals.setdefault("__warningregistry__", {})
    module = frame.f_globals.get("__name__", "__main__")
    warnings.warn_explicit(message, DeprecationWarning, frame.f_code.co_filename, frame.f_lineno, module, registry)


def is_same(codec, a, b):
    """Whether two decoded values are the same; `None` where nothing can say it."""
    own = getattr(codec, "equal", None)
    return bool(own(a, b)) if own is not None else _is_same(a, b)


def _is_same(a, b):
    if a is b:
        return True
    if isinstance(a, dict) and isinstance(b, dict):
        return list(a) == list(b) and _all(_is_same(a[key], b[key]) for key in a)
    if isinstance(a, (list, tuple)) and type(a) is type(b):
        return len(a) == len(b) and _all(map(_is_same, a, b))
    if hasattr(a, "__array__") and hasattr(b, "__array__"):
        return _is_same_array(np.asarray(a), np.asarray(b))
    if type(a) is not type(b):
        return False
    if isinstance(a, float):
        return a == b or (a != a and b != b)
    if type(a).__eq__ is object.__eq__:
        # Equal only to itself: that says nothing.
        return None
    found = a == b
    return found if isinstance(found, bool) else None


def _is_same_array(a, b):
    if (a.dtype, a.shape) != (b.dtype, b.shape):
        return False
    if a.dtype.hasobject:
        return _all(map(_is_same, a.ravel().tolist(), b.ravel().tolist()))
    # In bytes: NaN equals NaN, and 0.0 is not -0.0.
    return a.tobytes() == b.tobytes()


def _all(found):
    """False if any is false, `None` if any is unknown."""
    result = True
    for one in found:
        if one is False:
            return False
        if one is None:
            result = None
    return result
