"""Codecs of installed packages: found by entry points, loaded when one is asked for."""

import re
from importlib import metadata

from . import _core
from .errors import DataJointError

GROUPS = ("lapjoint.codecs", "datajoint.codecs", "datajoint.types")

# Why the codecs of a name could not be loaded. A failure is tried again the next time: the package may be mended.
failures: dict[str, str] = {}
_loaded: set[tuple[str, str, str]] = set()


def _name(spec):
    return spec.strip().lstrip("<").rstrip(">").partition("@")[0].strip()


def load():
    """Loads all plugins that are not loaded yet."""
    for group in GROUPS:
        for point in metadata.entry_points(group=group):
            if (group, point.name, point.value) not in _loaded and not _core.is_codec_registered(point.name):
                _load(group, point)


def _load(group, point):
    try:
        found = point.load()
        if not _core.is_codec_registered(point.name) and hasattr(found, "name"):
            # Defined for another registry, or under another name than its entry point's.
            # Imported here, because `codecs` looks for plugins.
            from .codecs import register_instance

            instance = found()
            instance.name = point.name
            register_instance(instance)
    except Exception as error:  # noqa: BLE001 - whatever a plugin raises is reported when its codec is asked for
        failures[point.name] = f"{point.value} could not be loaded: {type(error).__name__}: {error}"
    else:
        failures.pop(point.name, None)
        _loaded.add((group, point.name, point.value))


def find(spec):
    """Loads plugins if the codec of a type is not registered; raises the true reason if its plugin is broken."""
    name = _name(spec)
    if _core.is_codec_registered(name):
        return True
    load()
    if name in failures and not _core.is_codec_registered(name):
        raise DataJointError(f"Unknown codec: <{name}>. Its plugin {failures[name]}")
    return True


def find_all(definition):
    """Loads plugins for the codecs that a definition names."""
    for line in definition.splitlines():
        for name in re.findall(r"<\s*([a-z][\w-]*)\s*(?:@[^>]*)?>", line.split("#")[0]):
            find(name)
