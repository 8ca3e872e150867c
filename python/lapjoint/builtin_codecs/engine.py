"""A codec of the engine behind the methods of `Codec`."""

from .. import _core
from ..codecs import Codec
from ..storage import store_staged


class EngineCodec(Codec, register=False):
    """Encodes and decodes by a codec of the engine. Outside of an insert, objects are stored at once."""

    _engine_name: str | None = None

    def _engine(self):
        return self._engine_name or self.name

    def _settings(self, key, context):
        from ..settings import config

        return self._codec_config(key, context) or config

    @staticmethod
    def _cell(key, context):
        key, place = key or {}, context or {}
        names = [place.get(name) or key.get(f"_{name}") for name in ("schema", "table", "field")]
        values = [(name, value) for name, value in key.items() if not name.startswith("_")]
        return names[0] or "unknown", names[1] or "unknown", names[2] or "data", values

    def prepare(self, value):
        """What the engine's codec takes of a value. Called for each value of an insert, before anything is encoded.

        A codec whose values may be objects of Python libraries turns them here into arrays, bytes or other values that
        the engine knows; what it cannot store it leaves to `validate`.
        """
        return value

    def get_dtype(self, is_store):
        """What the codec is stored as."""
        return _core.codec_dtype(self._engine(), is_store)

    def validate(self, value):
        """Raises an error for a value that the codec cannot store."""
        _core.codec_validate(self._engine(), self.prepare(value))

    def encode(self, value, *, key=None, store_name=None, context=None):
        """The stored form of a value."""
        settings = self._settings(key, context)
        cell = self._cell(key, context)
        stored, staged = _core.codec_encode(self._engine(), self.prepare(value), cell, store_name, settings._core)
        store_staged(settings, staged)
        return stored

    def decode(self, stored, *, key=None, context=None):
        """The value of a stored form."""
        settings = self._settings(key, context)
        cell = self._cell(key, context)
        folder = settings.get("download_path", ".")
        return _core.codec_decode(self._engine(), stored, cell, settings._core, folder)
