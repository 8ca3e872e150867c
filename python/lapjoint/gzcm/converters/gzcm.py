"""`convert_to_gzcm`: matrices of .cool, .mcool, .hic and text as GZCM."""

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import DTypeLike

from ... import _core
from ...progress import progress as _bar
from ..compressions import list_codecs

__all__ = ["Converted", "Salvaged", "convert_from_gzcm", "convert_to_gzcm", "salvage"]

Progress = Callable[[int, int | None, str], object]


class Converted(NamedTuple):
    """What was written: the names of the regions, their pixels and vectors, the type of the elements, the length of the file."""

    regions: list[str]
    n_pixels: int
    n_vectors: int
    dtype: str
    size_bytes: int


def version_numbers(version: int | float | str) -> tuple[int, int]:
    """Major and minor of 1, 2, 3, 4, 5, 5.1 or their texts."""
    major, _, minor = str(version).partition(".")
    return int(major), int(minor or 0)


def convert_to_gzcm(
    input: str | os.PathLike[str],
    output: str | os.PathLike[str],
    region1: str | None = None,
    region2: str | None = None,
    bin_size_bp: int | None = None,
    version: int | float | str = 3,
    tile_size: int = 256,
    codec: str = "zstd",
    adaptive_codec: bool = False,
    codec_candidates: Sequence[str] | None = None,
    codec_picker_weights: tuple[float, float, float] = (0.5, 0.3, 0.2),
    region_layouts: Mapping[str, str] | None = None,
    chunk_size: int = 10_000_000,
    enable_region_layout_picker: bool = True,
    enable_anti_diagonal_layout: bool = True,
    enable_roaring_row_index: bool = True,
    *,
    codec_picker_timing: Literal["model", "measured"] = "model",
    dtype: DTypeLike | None = None,
    genome: Literal["one", "pairs"] = "one",
    carry_weights: bool = True,
    chromosomes: Mapping[str, int] | None = None,
    progress: bool | Progress | None = None,
) -> Converted:
    """Writes the matrix of `region1` ("chrom" or "chrom:start-end"; all chromosomes if not given) against `region2` (the same if not
    given) at a resolution.

    `codec` writes the tiles, unless `adaptive_codec`: then for each region the best of `codec_candidates` (the published codecs and
    those that were added, if not given) by weights (decode, size, encode). `region_layouts` names the layouts of regions
    ("dense-tiled", "sparse-tiled-intra", "sparse-roaring"), and `enable_…` say which of them are chosen by themselves. At most `chunk_size` contacts
    are held. `genome="pairs"` makes a region of each pair of chromosomes. `chromosomes` are the lengths for a text that has none.

    `progress` is called with the contacts done, how many there are (or None) and the region; True shows a bar of tqdm, False none, and
    if not given there is a bar on terminals. The file appears when it is whole.
    """
    if adaptive_codec and codec_candidates is None:
        codec_candidates = list_codecs()
    decode, size, encode = codec_picker_weights
    options = {
        "region1": region1,
        "region2": region2,
        "bin_size_bp": bin_size_bp,
        "version": version_numbers(version),
        "tile_size": tile_size,
        "codec": codec,
        "adaptive_codec": adaptive_codec,
        "codec_candidates": list(codec_candidates or ()),
        "codec_picker_weights": (float(decode), float(size), float(encode)),
        "measured": {"model": False, "measured": True}[codec_picker_timing],
        "region_layouts": dict(region_layouts or {}),
        "chunk_size": chunk_size,
        "enable_region_layout_picker": enable_region_layout_picker,
        "enable_anti_diagonal_layout": enable_anti_diagonal_layout,
        "enable_roaring_row_index": enable_roaring_row_index,
        "dtype": None if dtype is None else np.dtype(dtype).name,
        "pairs": {"one": False, "pairs": True}[genome],
        "carry_weights": carry_weights,
        "chromosomes": None if chromosomes is None else list(chromosomes.items()),
    }
    with _told(progress) as tell:
        return Converted(*_core.gzcm_convert(os.fspath(input), os.fspath(output), options, tell))


def convert_from_gzcm(
    input: str | os.PathLike[str], output: str | os.PathLike[str], *, bin_size_bp: int | None = None, ends: bool = False
) -> int:
    """Writes a file as .cool (one resolution), .mcool (all), or, by any other ending of the name, as text: `chrom1 pos1 chrom2 pos2 count`,
    with both `ends` of each bin if asked for. Returns the number of contacts."""
    return _core.gzcm_export(os.fspath(input), os.fspath(output), bin_size_bp, ends)


class Salvaged(NamedTuple):
    """What was saved, and what is known to be lost."""

    regions: int
    tiles: int
    lost_tiles: int
    vectors: int
    skipped_bytes: int


def salvage(input: str | os.PathLike[str], output: str | os.PathLike[str]) -> Salvaged:
    """Writes what is intact of a damaged or unfinished file as a new one, of version 5.1. Its header must be readable."""
    return Salvaged(*_core.gzcm_salvage(os.fspath(input), os.fspath(output)))


@contextmanager
def _told(progress: bool | Progress | None) -> Iterator[Progress | None]:
    """What the engine calls."""
    if callable(progress):
        yield progress
    elif progress is None:
        with _bar("convert", unit="contact") as bar:
            yield None if bar is None else lambda done, total, region: bar(done, total)
    elif not progress:
        yield None
    else:
        import tqdm

        with tqdm.tqdm(desc="convert", unit="contact", unit_scale=True) as shown:

            def tell(done: int, total: int | None, region: str) -> None:
                if total is not None:
                    # An upper bound: the bar ends where the contacts do.
                    shown.total = total
                shown.set_postfix_str(region, refresh=False)
                shown.update(done - shown.n)

            yield tell
            shown.total = shown.n
