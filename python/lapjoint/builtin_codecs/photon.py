"""`<photon@>`: a photon-limited movie with even noise, or in levels that the noise hides.

# What it does
Turns movies with options (`PhotonMovie`), arrays of zarr-python and references to arrays into what the engine takes. A movie of
`<photon@>` in mode "anscombe" may be inserted again as it is fetched; one that is quantised would lose once more, and is refused.

# Specification, Stored form
Those of the engine's codec: `lapjoint_codec::science::photon`.

# Names
`<photon@>` and `<photon@store>`.

# Compatibility
Takes what the codec of dj-photon-codecs takes. A fetch gives a `PhotonRef`, whose `zarr()` is what that one gives.
"""

import sys

import numpy as np

from ..codecs import SchemaCodec
from ..errors import CodecValueError
from ..photon import PhotonMovie, PhotonRef
from ..zarr_ref import ZarrRef
from .engine import EngineCodec


class PhotonCodec(EngineCodec, SchemaCodec, register=False):
    """A photon-limited movie with even noise, or in levels that the noise hides."""

    name = "photon"
    _engine_name = "photon"

    def prepare(self, value):
        """The movie as an array; with options, a dictionary."""
        if isinstance(value, PhotonMovie):
            return {"movie": _array(value.movie), **{name: _plain(option) for name, option in value.options.items()}}
        if isinstance(value, PhotonRef):
            if value.mode != "anscombe":
                raise CodecValueError(
                    "<photon> does not quantise a movie twice: insert PhotonMovie(ref.load(), …), which chooses levels anew, or ref.load()"
                )
            return {"movie": value.load(), **value.noise._asdict()}
        return _array(value)


def _plain(option):
    return option.item() if isinstance(option, np.generic) else option


def _array(value):
    zarr = sys.modules.get("zarr")
    if isinstance(value, ZarrRef) or (zarr is not None and isinstance(value, zarr.Array)):
        return np.asarray(value)
    return value if type(value) is np.ndarray or not isinstance(value, np.ndarray) else _of_subclass(value)


def _of_subclass(array):
    if isinstance(array, np.ma.MaskedArray):
        raise CodecValueError("<photon> has no masks: fill the masked elements first")
    return np.asarray(array)
