"""Photon-limited movies: their noise, how `<photon@>` is to store them, and lazy references to them."""

import json
from typing import NamedTuple

import numpy as np

from . import _core
from .array_ref import ChunkedRef, plan

__all__ = ["Noise", "PhotonMovie", "PhotonRef"]


class Noise(NamedTuple):
    """What turns photons into values: the rise by one photon, the value without any, the variance that comes without photons."""

    gain: float = 1.0
    offset: float = 0.0
    variance: float = 0.0

    @classmethod
    def estimate(cls, movie):
        """The noise of a movie (time, height, width, …), from the differences of its frames."""
        return cls(*_core.photon_estimate(np.asarray(movie)))

    def sigma(self, values):
        """Standard deviation of the noise at values."""
        photons = np.maximum(np.asarray(values, float) - self.offset, 0)
        return np.sqrt(self.gain * photons + 0.375 * self.gain * self.gain + self.variance)

    def forward(self, values):
        """The generalized Anscombe transform, whose noise has a standard deviation of about 1."""
        return _core.photon_forward(np.asarray(values), tuple(self))

    def inverse(self, transformed, kind="algebraic"):
        """Values of transforms. "algebraic" undoes `forward`; "unbiased" is for averages, such as denoised movies."""
        return _core.photon_inverse(np.asarray(transformed, float), tuple(self), kind)


class PhotonMovie:
    """A movie (time, height, width, …) for `<photon@>`, and how it is to be stored.

    `mode` is "anscombe", the transform as float64, which loses nothing and which dj-photon-codecs reads; or "quantised", levels that
    are off by at most `beta`/2 of the noise of each pixel (`beta` is 0.5 if not given). `gain` is a number, or "estimate": so it is with
    "quantised" if nothing is given, and the zero level `offset` with it; with "anscombe" gain 1 and offset 0. `variance` is that of the
    read noise. `frames` is how many of them a chunk has, `clevel` (0 to 9) how hard blosc tries.
    """

    __slots__ = ("movie", "options")

    def __init__(self, movie, *, mode="anscombe", gain=None, offset=None, variance=None, beta=None, frames=None, clevel=None):
        self.movie = movie
        given = dict(mode=mode, gain=gain, offset=offset, variance=variance, beta=beta, frames=frames, clevel=clevel)
        self.options = {name: value for name, value in given.items() if value is not None}

    def __repr__(self):
        options = "".join(f", {name}={value!r}" for name, value in self.options.items())
        return f"PhotonMovie({type(self.movie).__name__}{options})"


class PhotonRef(ChunkedRef):
    """A movie in a store. Slicing gives the movie's values, and reads and decodes only the chunks that are touched.

    `transformed[…]` gives the transform of the values instead; `zarr()` the array as it is stored, as dj-photon-codecs gives it.
    """

    __slots__ = ()

    def __init__(self, metadata, backend):
        self._core, self._backend = _core.PhotonRef(json.dumps(metadata), backend._store), backend

    _store = property(lambda self: self._core.zarr.store)
    mode = property(lambda self: self._core.mode, doc='"anscombe" or "quantised".')
    noise = property(lambda self: Noise(*self._core.noise), doc="Gain, offset and variance.")
    beta = property(lambda self: self._core.beta, doc="Width of a level in standard deviations of the noise; `None` if nothing is lost.")
    chunks = property(lambda self: self._core.zarr.chunks, doc="Shape of a chunk: what is decoded at once.")
    attrs = property(lambda self: self._core.zarr.attrs, doc="Attributes of the array, a copy.")
    transformed = property(lambda self: _Transformed(self), doc="The movie's transform, to be sliced.")

    def load(self):
        """The whole movie."""
        return self._core.read([], "algebraic")

    def read(self, index=(), inverse="algebraic"):
        """Elements by a numpy index: values in their own type by the "algebraic" inverse, as float64 by the "unbiased" one, or the transform, with `None`."""
        axes, rest = plan(index, self.shape)
        return np.asarray(self._core.read(axes, inverse))[rest]

    def __getitem__(self, index):
        return self.read(index)

    def slabs(self):
        """The movie in pieces of as many frames as a chunk has."""
        rows = self.chunks[0]
        for start in range(0, self.shape[0], rows):
            yield self[start : start + rows]

    def __repr__(self):
        return f"PhotonRef(shape={self.shape}, mode={self.mode})"


class _Transformed:
    """The transform of a movie: float64, noise of a standard deviation of about 1."""

    __slots__ = ("_ref",)

    dtype = np.dtype(float)
    shape = property(lambda self: self._ref.shape)
    ndim = property(lambda self: self._ref.ndim)

    def __init__(self, ref):
        self._ref = ref

    def __getitem__(self, index):
        return self._ref.read(index, None)

    def __len__(self):
        return len(self._ref)

    def __array__(self, dtype=None, copy=None):
        whole = self[...]
        return whole if dtype is None else whole.astype(dtype)
