"""The choice of a region's codec: `gunz_cm.compressions.scheme_picker`."""

import json
from collections.abc import Sequence
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ... import _core
from . import list_codecs

__all__ = ["DEFAULT_WEIGHTS", "Weights", "pick_codec"]


class Weights(NamedTuple):
    """What each axis counts in the score."""

    decode: float = 0.5
    size: float = 0.3
    encode: float = 0.2


DEFAULT_WEIGHTS = Weights()


def pick_codec(
    tiles: Sequence[NDArray[Any]],
    candidates: Sequence[str] | None = None,
    weights: tuple[float, float, float] = DEFAULT_WEIGHTS,
    timing: Literal["model", "measured"] = "model",
) -> dict[str, Any]:
    """The choice for sample tiles, as a file's header records it: `winner`, and the numbers of all candidates.

    The score is the sum of weight * x / min(x) over the time to decode, the size and the time to encode; the lowest wins. Times are
    those of a table, the same on every machine, unless `timing` is "measured".
    """
    if timing not in ("model", "measured"):
        raise ValueError(f"timing is 'model' or 'measured', not {timing!r}")
    tiles = [np.asarray(tile) for tile in tiles]
    names = list_codecs() if candidates is None else list(candidates)
    decode, size, encode = weights
    pixels = sum(int(np.count_nonzero(tile)) for tile in tiles)
    record: dict[str, Any] = json.loads(
        _core.gzcm_pick(names, tiles, pixels, (float(decode), float(size), float(encode)), timing == "measured")
    )
    return record
