"""Settings: `config["stores"] = …`, `config["stores.main.location"]`, `config.override(…)`."""

from contextlib import contextmanager

from ._core import Config as _Config


class Config:
    """Settings by dotted key. Where each value comes from is the engine's matter."""

    def __init__(self, directory="."):
        object.__setattr__(self, "_core", _Config(directory))

    def get(self, key, default=None):
        """The value of a setting, or `default` where there is none."""
        value = self._core.get(key)
        return default if value is None else value

    def __getitem__(self, key):
        return self._core.get(key)

    def __setitem__(self, key, value):
        self._core.set(key, value)

    def __getattr__(self, name):
        if name.startswith("_"):
            raise AttributeError(name)
        return self._core.get(name)

    def __setattr__(self, name, value):
        self._core.set(name, value)

    @contextmanager
    def override(self, **settings):
        """Other settings for a while; `database__name` stands for `database.name`."""
        keys = {name: name.replace("__", ".") for name in settings}
        before = {name: self.get(key) for name, key in keys.items()}
        try:
            for name, key in keys.items():
                self[key] = settings[name]
            yield self
        finally:
            for name, key in keys.items():
                self[key] = before[name]

    def __repr__(self):
        return "\n".join(f"{key} = {value}  ({source})" for key, value, source in self._core.entries())


config = Config()
