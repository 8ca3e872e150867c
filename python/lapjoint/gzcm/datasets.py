"""Windows of a matrix as a dataset for training; torch is not needed, and found when it is there."""

import bisect
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from itertools import accumulate
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from .reader import CacheInfo, GzcmReader, GzcmV4Reader, Reader, Region, Source

if TYPE_CHECKING:
    from ..storage import StorageBackend

__all__ = ["GzcmDataset", "GzcmReader", "GzcmTileDataset", "GzcmV4Reader", "collate"]

#: Tiles that are kept unless told otherwise.
_DEFAULT_TILE_CACHE_SIZE = 64
#: The axis of a region over all chromosomes.
_GENOME = "*"

Item = dict[str, Any]


class _Span(NamedTuple):
    """Windows along a chromosome, or the part of one that a region has: its first and last bins on the axis."""

    chrom: str
    start_bp: int
    first: int
    stop: int


class _Block(NamedTuple):
    """The windows of two spans of a region."""

    region: int
    rows: _Span
    cols: _Span
    #: Numbers of windows before each row of windows, then of all.
    counts: list[int]
    #: The first column of windows of each row of windows.
    starts: list[int]


class GzcmDataset:
    """Square windows of a file as items `{coords, features, target, info}`; PyTorch's `Dataset` protocol.

    - `coords`: int64 (n, 2), rows and columns of the cells that are not zero, in bins from the window's corner;
    - `features`: float32 (n, 1), their counts;
    - `target`: float32 (size, size), the window, zeros beyond the chromosome's end; balanced by the vector that `target` names,
      where masked bins give NaN;
    - `info`: `index`, `region`, `bin_size_bp`, `chrom1`, `start1_bp`, `chrom2`, `start2_bp`, `shape` (without what is beyond the end).

    Windows are `window_size` bp on each side and begin every `step` bp (`window_size` if not given); of a symmetric matrix, those on and
    above the diagonal, at most `max_distance` bp from it if given. `regions` are names or places; all at the finest resolution, or at
    `bin_size_bp`, if not given. `transform` gets each item and gives what the dataset gives. With `store`, `path` is in that store.

    Each process opens the file for itself and keeps `tile_cache_size` decoded tiles (0: none): the dataset can be pickled, and workers may be
    forked or spawned. Items have different numbers of cells: give `collate_fn=collate` to a `DataLoader`, or `batch_size=None`.
    """

    def __init__(
        self,
        path: Source,
        window_size: int = 1_000_000,
        *,
        step: int | None = None,
        tile_cache_size: int = _DEFAULT_TILE_CACHE_SIZE,
        regions: Sequence[int | str] | None = None,
        bin_size_bp: int | None = None,
        max_distance: int | None = None,
        target: str | None = None,
        transform: Callable[[Item], Any] | None = None,
        store: "str | StorageBackend | None" = None,
    ) -> None:
        self.reader = Reader(path, store=store, cache_tiles=tile_cache_size)
        self.window_size, self.step, self.target, self.transform = window_size, step or window_size, target, transform
        self.tile_cache_size = tile_cache_size
        if regions is None:
            size = bin_size_bp or min((region.bin_size_bp for region in self.reader.regions), default=0)
            places = [at for at, region in enumerate(self.reader.regions) if region.bin_size_bp == size]
        else:
            places = [self.reader._place(region) for region in regions]
        self._blocks = [block for place in places for block in self._blocks_of(place, max_distance)]
        self._ends = list(accumulate(block.counts[-1] for block in self._blocks))
        self._weights: dict[tuple[str, int], NDArray[np.float64]] = {}

    def _bins(self, length_bp: int, region: Region, what: str) -> int:
        if length_bp < 1 or length_bp % region.bin_size_bp:
            raise ValueError(f"{what}={length_bp} is no multiple of the {region.bin_size_bp} bp of a bin of {region.name}")
        return length_bp // region.bin_size_bp

    def _spans(self, chrom: str, start_bp: int, n_bins: int, bin_size_bp: int) -> Iterator[_Span]:
        if chrom != _GENOME:
            yield _Span(chrom, start_bp, 0, n_bins)
            return
        first = 0
        for chromosome in self.reader.chromosomes:
            stop = first + -(-chromosome.length_bp // bin_size_bp)
            yield _Span(chromosome.name, 0, first, stop)
            first = stop

    def _blocks_of(self, place: int, max_distance: int | None) -> Iterator[_Block]:
        region = self.reader.regions[place]
        self._bins(self.window_size, region, "window_size")
        step = self._bins(self.step, region, "step")
        size = region.bin_size_bp
        for rows in self._spans(region.chrom1, region.start1_bp, region.n_rows, size):
            for cols in self._spans(region.chrom2, region.start2_bp, region.n_cols, size):
                same = region.symmetric and rows == cols
                if region.symmetric and cols.first < rows.first or max_distance is not None and rows.chrom != cols.chrom:
                    continue
                n_rows, n_cols = (-(-(span.stop - span.first) // step) for span in (rows, cols))
                # Distances are those of the windows' beginnings.
                shift = (cols.start_bp - rows.start_bp) // size
                reach = n_cols if max_distance is None else max_distance // self.step
                starts, counts = [], [0]
                for row in range(n_rows):
                    middle = row - round(shift / step)
                    low = row if same else 0 if max_distance is None else max(0, middle - reach)
                    high = n_cols if max_distance is None else min(n_cols, middle + reach + 1)
                    starts.append(low)
                    counts.append(counts[-1] + max(0, high - low))
                yield _Block(place, rows, cols, counts, starts)

    def __len__(self) -> int:
        return self._ends[-1] if self._ends else 0

    def __getitem__(self, index: int) -> Any:
        index = range(len(self))[index]
        at = bisect.bisect_right(self._ends, index)
        block = self._blocks[at]
        within = index - (self._ends[at - 1] if at else 0)
        row = bisect.bisect_right(block.counts, within) - 1
        col = block.starts[row] + within - block.counts[row]
        item = self._item(index, block, row, col)
        return item if self.transform is None else self.transform(item)

    def __iter__(self) -> Iterator[Any]:
        return (self[index] for index in range(len(self)))

    def _item(self, index: int, block: _Block, row: int, col: int) -> Item:
        region = self.reader.regions[block.region]
        size, step = self.window_size // region.bin_size_bp, self.step // region.bin_size_bp
        starts = block.rows.first + row * step, block.cols.first + col * step
        stops = min(starts[0] + size, block.rows.stop), min(starts[1] + size, block.cols.stop)
        rows, cols, values = self.reader.pixels((starts[0], stops[0]), (starts[1], stops[1]), region=block.region)
        rows, cols = rows - starts[0], cols - starts[1]
        features = values.astype(np.float32)
        target = np.zeros((size, size), np.float32)
        if self.target is None:
            target[rows, cols] = features
        else:
            shape = stops[0] - starts[0], stops[1] - starts[1]
            weights = [
                self._of_vector(span, region)[start - span.first : stop - span.first]
                for span, start, stop in zip((block.rows, block.cols), starts, stops, strict=True)
            ]
            counts = np.zeros(shape)
            counts[rows, cols] = values
            target[: shape[0], : shape[1]] = counts * weights[0][:, None] * weights[1][None, :]
        info = {
            "index": index,
            "region": region.name,
            "bin_size_bp": region.bin_size_bp,
            "chrom1": block.rows.chrom,
            "start1_bp": block.rows.start_bp + row * self.step,
            "chrom2": block.cols.chrom,
            "start2_bp": block.cols.start_bp + col * self.step,
            "shape": (stops[0] - starts[0], stops[1] - starts[1]),
        }
        coords = np.stack([rows, cols], axis=1)
        return {"coords": coords, "features": features[:, None], "target": target, "info": info}

    def _of_vector(self, span: _Span, region: Region) -> NDArray[np.float64]:
        """What the counts of a span's bins are multiplied with."""
        name = self.target or ""
        key = span.chrom, region.bin_size_bp
        if key not in self._weights:
            kinds = {(k.name, k.chrom, k.bin_size_bp): k.kind for k in self.reader.vectors}
            values = self.reader.vector(name, span.chrom, bin_size_bp=region.bin_size_bp)
            with np.errstate(divide="ignore", invalid="ignore"):
                self._weights[key] = 1 / values if kinds[(name, *key)] == "divisive" else values
        return self._weights[key][span.start_bp // region.bin_size_bp :]

    def cache_info(self) -> CacheInfo:
        """What the tile cache did in this process; each worker has its own."""
        return self.reader.cache_info()

    @property
    def hits(self) -> int:
        """Tiles that were in this process's cache."""
        return self.cache_info().hits

    @property
    def misses(self) -> int:
        """Tiles that this process decoded."""
        return self.cache_info().misses

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {len(self)} windows of {self.window_size} bp of {self.reader!r} in process {os.getpid()}>"


#: The name of the same in an older guide.
GzcmTileDataset = GzcmDataset


def collate(items: Sequence[Item]) -> Item:
    """A batch of items: `coords` (n, 3) with the item's place first, `features` (n, 1), `target` (items, size, size), `info` a list.

    Tensors where torch is imported, else arrays.
    """
    batch: Item = {
        "coords": np.concatenate([np.insert(item["coords"], 0, at, axis=1) for at, item in enumerate(items)]),
        "features": np.concatenate([item["features"] for item in items]),
        "target": np.stack([item["target"] for item in items]),
    }
    torch = sys.modules.get("torch")
    if torch is not None:
        batch = {name: torch.from_numpy(array) for name, array in batch.items()}
    return {**batch, "info": [item["info"] for item in items]}
