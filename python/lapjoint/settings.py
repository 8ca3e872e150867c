"""Settings: `config["stores"] = …`, `config.database.host`, `config.override(…)`. The engine knows where each comes from."""

import json
import os
import pathlib
import warnings
from collections.abc import MutableMapping
from contextlib import contextmanager

from . import _core
from ._core import Config as _Config
from .errors import SettingNotFoundError, ThreadSafetyError

CONFIG_FILENAME = "datajoint.json"
SECRETS_DIRNAME = ".secrets"
SYSTEM_SECRETS_DIR = pathlib.Path("/run/secrets/datajoint")

SECTIONS = ("codecs", "connection", "database", "display", "gc", "jobs", "provenance")

# Settings that every store may have, with what they are when they are not given.
STORE_DEFAULTS = {
    "subfolding": None,
    "partition_pattern": None,
    "token_length": 8,
    "hash_prefix": "_hash",
    "schema_prefix": "_schema",
    "filepath_prefix": None,
}


# Environment variables that outrank a file loaded later.
ENV_VAR_MAPPING = {
    "database.host": "DJ_HOST", "database.user": "DJ_USER", "database.password": "DJ_PASS",
    "database.backend": "DJ_BACKEND", "database.port": "DJ_PORT", "database.name": "DJ_DATABASE_NAME",
    "database.database_prefix": "DJ_DATABASE_PREFIX", "database.create_tables": "DJ_CREATE_TABLES",
    "loglevel": "DJ_LOG_LEVEL", "display.diagram_direction": "DJ_DIAGRAM_DIRECTION",
    "display.diagram_theme": "DJ_DIAGRAM_THEME",
}  # fmt: skip


def _flat(content, prefix=""):
    """Settings by dotted key; a store is one setting."""
    for name, value in content.items():
        key = f"{prefix}{name}"
        if isinstance(value, dict) and key.count(".") < 1 and key in (*SECTIONS, "stores"):
            yield from _flat(value, f"{key}.")
        else:
            yield key, value


class SecretStr:
    """A credential that does not show itself when printed."""

    def __init__(self, value):
        self._value = value

    def get_secret_value(self):
        """The credential."""
        return self._value

    def __eq__(self, other):
        return isinstance(other, SecretStr) and self._value == other._value

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self):
        return "SecretStr('**********')"

    __str__ = __repr__


class Section:
    """One group of settings: `config.database`."""

    def __init__(self, config, name):
        object.__setattr__(self, "_config", config)
        object.__setattr__(self, "_name", name)

    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(name)
        value = self._config[f"{self._name}.{name}"]
        return SecretStr(value) if name == "password" and value is not None else value

    def __setattr__(self, name, value):
        self._config[f"{self._name}.{name}"] = value

    def __getitem__(self, name):
        return self._config[f"{self._name}.{name}"]

    def __setitem__(self, name, value):
        self._config[f"{self._name}.{name}"] = value

    def __dir__(self):
        return [key.partition(".")[2] for key in self._config.keys() if key.startswith(f"{self._name}.")]

    def __repr__(self):
        return "\n".join(line for line in repr(self._config).splitlines() if line.startswith(f"{self._name}."))


class StoreSpec(dict):
    """The settings of one store, with credentials that are not printed."""

    def __repr__(self):
        shown = {key: "********" if self._is_secret(key, value) else value for key, value in self.items()}
        return repr(shown)

    @staticmethod
    def _is_secret(key, value):
        # An address may have a user and a password in it.
        return value is not None and (_core.is_secret(key) or "@" in str(value))


class StoreSettings(StoreSpec):
    """The settings of one store; assignments reach the configuration."""

    def __init__(self, config, name, settings):
        super().__init__(settings)
        self._config, self._name = config, name

    def __setitem__(self, key, value):
        super().__setitem__(key, value)
        self._config._core.set(f"stores.{self._name}", dict(self))

    def __delitem__(self, key):
        super().__delitem__(key)
        self._config._core.set(f"stores.{self._name}", dict(self))

    def update(self, *settings, **named):
        """Assigns several settings."""
        for key, value in dict(*settings, **named).items():
            self[key] = value

    def copy(self):
        """The settings as a dict of their own."""
        return StoreSpec(self)


class StoresSettings(MutableMapping):
    """All stores by name, with `default` and `filepath_default`; assignments reach the configuration."""

    def __init__(self, config):
        self._config = config

    def _all(self):
        return self._config._core.get("stores")

    def __getitem__(self, name):
        found = self._all()[name]
        return StoreSettings(self._config, name, found) if isinstance(found, dict) else found

    def __setitem__(self, name, value):
        self._config._core.set("stores", {**self._all(), name: value})

    def __delitem__(self, name):
        remaining = self._all()
        del remaining[name]
        self._config._core.set("stores", remaining)

    def __iter__(self):
        return iter(self._all())

    def __len__(self):
        return len(self._all())

    def clear(self):
        """Removes all stores."""
        self._config._core.set("stores", {})

    def copy(self):
        """The stores as a dict of its own."""
        return self._all()

    def __repr__(self):
        lines = (line for line in repr(self._config).splitlines() if line.startswith("stores."))
        return "\n".join(lines)


class Config:
    """Settings by item (`config["database.host"]`) or attribute (`config.database.host`)."""

    def __init__(self, *, core=None):
        object.__setattr__(self, "_core", core or _Config(None))

    def _guard(self):
        """Nothing to check for settings that belong to one connection."""

    def _read(self, key):
        self._guard()
        if key == "stores":
            return StoresSettings(self)
        if key in SECTIONS:
            return Section(self, key)
        value = self._core.get(key)
        return pathlib.Path(value) if key == "query_cache" and value is not None else value

    def keys(self):
        """Names of all settings."""
        return [key for key, _, _ in self._core.entries()]

    def get(self, key, default=None):
        """The value of a setting, or `default` where there is none."""
        try:
            value = self._read(key)
        except SettingNotFoundError:
            return default
        return default if value is None else value

    def __getitem__(self, key):
        return self._read(key)

    def __setitem__(self, key, value):
        self._guard()
        if isinstance(value, (StoresSettings, StoreSettings)):
            value = value.copy()
        self._core.set(key, str(value) if isinstance(value, os.PathLike) else value)

    def __delitem__(self, key):
        self._guard()
        self._core.reset(key)

    def __contains__(self, key):
        return key in SECTIONS or key == "stores" or key in self.keys()

    def __getattr__(self, name):
        if name.startswith("_"):
            raise AttributeError(name)
        try:
            return self._read(name)
        except SettingNotFoundError as error:
            raise AttributeError(str(error)) from None

    def __setattr__(self, name, value):
        self[name] = value

    def __dir__(self):
        return [*super().__dir__(), "stores", *SECTIONS, *(key for key in self.keys() if "." not in key)]

    def __eq__(self, other):
        return isinstance(other, Config) and self._core.is_same(other._core)

    __hash__ = None  # type: ignore[assignment]

    def load(self, filename):
        """Assigns the settings of a further file; those that the environment sets stay, unknown ones are passed over."""
        if not os.path.exists(filename):
            raise FileNotFoundError(f"Config file not found: {filename}")
        known = self.keys()
        for key, value in _flat(json.loads(pathlib.Path(filename).read_text())):
            if key.startswith("stores.") or (key in known and not os.environ.get(ENV_VAR_MAPPING.get(key, ""))):
                self[key] = value

    @contextmanager
    def override(self, **settings):
        """Other settings for a while; `database__name` stands for `database.name`."""
        keys = {name: name.replace("__", ".") for name in settings}
        before = {key: self._core.get(key) for key in keys.values()}
        try:
            for name, key in keys.items():
                self[key] = settings[name]
            yield self
        finally:
            for key, value in before.items():
                self[key] = value

    def get_store_spec(self, store=None, *, use_filepath_default=False):
        """All settings of a store, checked and completed; without a name those of the default store."""
        from .storage_adapter import adapter_of

        stores = self._core.get("stores")
        adapter = adapter_of(self, store)
        if adapter is None:
            name = self._core.checked_store_name(store or None, use_filepath_default)
        else:
            name = store or stores["default"]
            adapter.validate_spec(stores[name])
        return StoreSpec({**STORE_DEFAULTS, **stores[name]})

    @staticmethod
    def save_template(path=CONFIG_FILENAME, minimal=True, create_secrets_dir=True):
        """Writes a configuration file to start from, and a folder for credentials; returns the file's path."""
        path = pathlib.Path(path)
        if path.exists():
            raise FileExistsError(f"File already exists: {path}. Remove it, or write the template elsewhere.")
        defaults = Config()
        content = {"database": {"host": "localhost", "port": 3306}}
        if not minimal:
            content = {section: {} for section in SECTIONS}
            for key in defaults.keys():
                section, dot, name = key.partition(".")
                if name not in ("user", "password") and section != "stores":
                    target, name = (content[section], name) if dot else (content, section)
                    target[name] = defaults._core.get(key)
            content["stores"] = {"default": "main", "main": {"protocol": "file", "location": "/data/my-project"}}
        path.write_text(json.dumps(content, indent=2) + "\n")
        if create_secrets_dir:
            folder = path.parent / SECRETS_DIRNAME
            folder.mkdir(mode=0o700, exist_ok=True)
            for name in ("database.user", "database.password"):
                if not (folder / name).exists():
                    (folder / name).touch(mode=0o600)
            (folder / ".gitignore").write_text("# Credentials stay out of version control.\n*\n")
        return path.absolute()

    def __repr__(self):
        return "\n".join(f"{key} = {value}  ({source})" for key, value, source in self._core.entries())


class GlobalConfig(Config):
    """The settings of the process, which `DJ_THREAD_SAFE` switches off."""

    def _guard(self):
        refuse_if_thread_safe()


def is_thread_safe():
    """Whether the process is to be used through `Instance` only."""
    return os.environ.get("DJ_THREAD_SAFE", "").lower() in ("true", "1", "yes")


def refuse_if_thread_safe():
    """Refuses what belongs to the process as a whole."""
    if is_thread_safe():
        raise ThreadSafetyError(
            "Global DataJoint state is disabled in thread-safe mode. Use dj.Instance() to create an isolated instance."
        )


def config_of(core):
    """The settings object of an engine's configuration: the process's own, or one for a connection of its own."""
    return config if core.is_same(config._core) else Config(core=core)


def find_config_file(start=None):
    """The configuration file of a folder or the nearest above it; the search ends at a repository's root."""
    folder = pathlib.Path(start or ".").resolve()
    for folder in (folder, *folder.parents):
        if (folder / CONFIG_FILENAME).is_file():
            return folder / CONFIG_FILENAME
        if any((folder / mark).exists() for mark in (".git", ".hg")):
            return None
    return None


def find_secrets_dir(config_file=None):
    """The folder of credentials beside a configuration file, or the system's."""
    if config_file is not None and (pathlib.Path(config_file).parent / SECRETS_DIRNAME).is_dir():
        return pathlib.Path(config_file).parent / SECRETS_DIRNAME
    return SYSTEM_SECRETS_DIR if SYSTEM_SECRETS_DIR.is_dir() else None


def read_secret_file(folder, name):
    """Content of a file of credentials, or `None`."""
    file = pathlib.Path(folder) / name if folder is not None else None
    return file.read_text().strip() if file is not None and file.is_file() else None


def _create_config():
    """Settings read anew from files and environment."""
    made = Config(core=_Config(".", str(SYSTEM_SECRETS_DIR)))
    for note in made._core.notes():
        warnings.warn(note, UserWarning, stacklevel=2)
    return made


config = GlobalConfig(core=_Config("."))
