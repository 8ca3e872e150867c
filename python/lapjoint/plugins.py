"""Codecs of installed packages, found by entry points, and those for the sciences; both are loaded when one is asked for."""

import importlib.util
import os
import pathlib
import re
import sys
from importlib import import_module, metadata

from . import _core
from .errors import DataJointError
from .logs import logger
from .science import BUNDLED

GROUPS = ("lapjoint.codecs", "datajoint.codecs", "datajoint.types")

# Why the codecs of a name could not be loaded. A failure is tried again the next time: the package may be mended.
failures: dict[str, str] = {}
# Those of them that come from folders, which a setting names and may stop naming.
_folder_failures: set[str] = set()
_loaded: set[tuple[str, str, str]] = set()
# Packages that plugins' classes come with, by module.
packages: dict[str, str] = {}


def _name(spec):
    return spec.strip().lstrip("<").rstrip(">").partition("@")[0].strip()


def load(name=None):
    """Loads the plugins of a name, or all, that are not loaded yet."""
    _load_folders()
    for group in GROUPS:
        for point in metadata.entry_points(group=group):
            if name not in (None, point.name) or (group, point.name, point.value) in _loaded:
                continue
            # A codec that ships with Lapjoint gives way to that of an installed plugin.
            if not _core.is_codec_settled(point.name):
                _load(group, point)


def _folders():
    """The folders of the setting `codecs.plugin_path`. Their Python files are run: nothing but this setting names them."""
    from .settings import config

    given = config.get("codecs.plugin_path") or ""
    return [pathlib.Path(folder).expanduser() for folder in given.split(os.pathsep) if folder]


def _load_folders():
    # What a folder lacked that the setting no longer names, or a file that is mended or gone, is no longer anybody's error.
    for name in list(_folder_failures):
        _folder_failures.discard(name)
        failures.pop(name, None)
    for folder in _folders():
        if not folder.is_dir():
            _fail_in_folder(str(folder), f"{folder} (setting codecs.plugin_path) is no folder")
            continue
        for file in sorted(folder.glob("*.py")):
            key = ("file", file.stem, str(file.resolve()))
            if key in _loaded:
                continue
            module = f"lapjoint_plugins.{file.stem}"
            spec = importlib.util.spec_from_file_location(module, file)
            try:
                sys.modules[module] = made = importlib.util.module_from_spec(spec)
                spec.loader.exec_module(made)
            except Exception as error:  # noqa: BLE001 - as for entry points
                sys.modules.pop(module, None)
                _fail_in_folder(file.stem, f"{file} could not be loaded: {type(error).__name__}: {error}")
            else:
                _loaded.add(key)


def _fail_in_folder(name, reason):
    _fail(name, reason)
    _folder_failures.add(name)


def _fail(name, reason):
    if failures.get(name) != reason and (name in BUNDLED or _core.is_codec_registered(name)):
        logger.warning(f"<{name}>: its plugin {reason}. The codec that ships with Lapjoint is used.")
    failures[name] = reason


def load_all():
    """Loads all plugins and all codecs that ship with Lapjoint, and tells the engine which are broken or shadowed."""
    load()
    for name in BUNDLED:
        try:
            seek(name)
        except Exception as error:  # noqa: BLE001 - it is listed with its error
            failures[name] = f"{BUNDLED[name]} could not be loaded: {type(error).__name__}: {error}"
    _core.note_codec_problems(list(_problems()))


def _problems():
    """Codecs that are installed and not in use: name, origin, package and state."""
    seen = set()
    for group in GROUPS:
        for point in metadata.entry_points(group=group):
            package = (point.dist.name, point.dist.version) if point.dist is not None else None
            entry = (point.name, point.value, package)
            if entry in seen:
                continue
            seen.add(entry)
            if point.name in failures:
                yield point.name, f"entry point {point.value}", package, f"broken: {failures[point.name]}"
            elif (group, point.name, point.value) not in _loaded and not _is_in_use(point):
                _, origin, _ = _core.codec_info(point.name)
                yield point.name, f"entry point {point.value}", package, f"shadowed by {origin}"
    named = {name for name, _, _ in seen}
    for name, reason in failures.items():
        if name not in named:
            yield name, "plugin folder" if name not in BUNDLED else BUNDLED[name], None, f"broken: {reason}"


def _is_in_use(point):
    """Whether a plugin that was not loaded here is what has the name: its module was imported by somebody else."""
    if not _core.is_codec_registered(point.name):
        return True
    _, origin, _ = _core.codec_info(point.name)
    return origin == "Python class " + point.value.split("[")[0].strip().replace(":", ".")


def _load(group, point):
    try:
        found = point.load()
        if point.dist is not None and hasattr(found, "__module__"):
            packages[found.__module__] = point.dist.name
        if not _core.is_codec_settled(point.name) and hasattr(found, "name"):
            # Defined for another registry, or under another name than its entry point's.
            # Imported here, because `codecs` looks for plugins.
            from .codecs import register_instance

            instance = found()
            instance.name = point.name
            register_instance(instance)
    except Exception as error:  # noqa: BLE001 - whatever a plugin raises is reported when its codec is asked for
        _fail(point.name, f"{point.value} could not be loaded: {type(error).__name__}: {error}")
    else:
        failures.pop(point.name, None)
        _loaded.add((group, point.name, point.value))


def seek(name):
    """Loads what has a codec of this name; for a plugin that is broken, the reason why there is none."""
    # A plugin may register codecs under other names than its entry points, so all are loaded for a name that nobody has.
    load(name if name in BUNDLED or _core.is_codec_registered(name) else None)
    find_wasm()
    if not _core.is_codec_registered(name) and name in BUNDLED:
        module, _, cls = BUNDLED[name].partition(":")
        getattr(import_module(module), cls)
    return None if _core.is_codec_registered(name) else failures.get(name)


def find_wasm():
    """Tells the engine the present folders of modules; it then looks for them itself."""
    if hasattr(_core, "find_wasm"):
        # Imported here, because settings are made of what is loaded before.
        from .settings import config

        _core.find_wasm(config._core)


_core.add_codec_finder(seek)


def find(spec):
    """Loads plugins if the codec of a type is not registered; raises the true reason if its plugin is broken."""
    name = _name(spec)
    if not _core.is_codec_settled(name) and (reason := seek(name)):
        raise DataJointError(f"Unknown codec: <{name}>. Its plugin {reason}")
    return True


def find_all(definition):
    """Loads plugins for the codecs that a definition names."""
    for line in definition.splitlines():
        for name in re.findall(r"<\s*([a-z][\w-]*)\s*(?:@[^>]*)?>", line.split("#")[0]):
            find(name)
