"""Readers of GZCM files."""

import json
import os
import pathlib
from typing import TYPE_CHECKING, Any, ClassVar, Literal, NamedTuple, overload

import numpy as np
from numpy.typing import NDArray

from .. import _core
from ..gzcm_ref import GzcmRef
from .errors import UnsupportedError
from .registry import added, register_codec

if TYPE_CHECKING:
    from ..storage import StorageBackend

__all__ = ["CacheInfo", "Chromosome", "GzcmReader", "GzcmV4Reader", "Reader", "Region", "VectorKey", "Verified", "open_gzcm"]

#: A file: its path, its bytes, or what a row of a table has of it.
Source = str | os.PathLike[str] | bytes | GzcmRef
#: Bins of one axis, (start, stop) or a slice with step 1; `None`: all.
Bins = tuple[int, int] | slice | range | None


class Chromosome(NamedTuple):
    """A chromosome of the assembly."""

    name: str
    length_bp: int


class VectorKey(NamedTuple):
    """A normalisation vector: its name, chromosome and resolution; `kind` is "divisive" or "multiplicative"."""

    name: str
    chrom: str
    bin_size_bp: int
    kind: str


class Region(NamedTuple):
    """A matrix of the file: two chromosomes, or all of them ("*"), or parts, at one resolution."""

    name: str
    chrom1: str
    chrom2: str
    bin_size_bp: int
    start1_bp: int
    start2_bp: int
    n_rows: int
    n_cols: int
    symmetric: bool
    dtype: np.dtype[Any]
    layout: str
    tile_size: int
    codec: str
    codec_picker: dict[str, Any] | None

    @property
    def shape(self) -> tuple[int, int]:
        """(rows, columns) in bins."""
        return self.n_rows, self.n_cols


class CacheInfo(NamedTuple):
    """What the tile cache did: tiles that were there, tiles that were decoded; what it holds; how many tiles it may hold."""

    hits: int
    misses: int
    tiles: int
    nbytes: int
    max_tiles: int | None


class Verified(NamedTuple):
    """What is sound, and what is wrong with the rest."""

    tiles: int
    pixels: int
    vectors: int
    damaged: list[str]

    @property
    def ok(self) -> bool:
        """Whether nothing is damaged."""
        return not self.damaged


class Reader:
    """A file of any version, for reading; threads share it, and so do processes: each opens it anew.

    `source` is a path, the bytes of a file, or a `GzcmRef`; with `store`, the name of a configured store or a `StorageBackend`, it is a path in
    that store, of which ranges are read. `cache_tiles` is how many decoded tiles are kept (0: none), unless `cache_bytes` bounds their bytes.
    """

    #: The major versions that it opens.
    versions: ClassVar[range] = range(1, 6)

    def __init__(
        self, source: Source, *, store: "str | StorageBackend | None" = None, cache_tiles: int = 256, cache_bytes: int | None = None
    ) -> None:
        self._source = _kept(source, store)
        self._cache = cache_tiles, cache_bytes
        self._opened: tuple[int, Any] | None = None
        info = json.loads(self._file.info())
        self._version: tuple[int, int] = tuple(info["version"])
        if self._version[0] not in self.versions:
            others = [reader.__name__ for reader in (GzcmReader, GzcmV4Reader, Reader) if self._version[0] in reader.versions]
            raise UnsupportedError(
                f"{type(self).__name__} opens versions {self.versions[0]} to {self.versions[-1]}; this file is of version "
                f"{self._version[0]}, which {others[0]} opens, and so does open_gzcm()"
            )
        self.metadata: dict[str, Any] = info["metadata"] or {}
        self.chromosomes = [Chromosome(**chromosome) for chromosome in info["chromosomes"]]
        self.codecs: list[str] = info["codecs"]
        fields = Region._fields
        self.regions = [
            Region(**{name: region[name] for name in fields if name != "dtype"}, dtype=np.dtype(region["dtype"])) for region in info["regions"]
        ]
        self.vectors = [VectorKey(**key) for key in info["vectors"]]

    @property
    def _file(self) -> Any:
        """The open file of this process: threads, locks and tiles do not survive a fork."""
        opened = self._opened
        if opened is None or opened[0] != os.getpid():
            source = self._source
            if isinstance(source, GzcmRef):
                file = source._open(*self._cache)
            else:
                place = (source.backend._store, source.path) if isinstance(source, _Stored) else source
                file = _core.GzcmFile(place, *self._cache)
            self._opened = opened = os.getpid(), file
        return opened[1]

    def __getstate__(self) -> dict[str, Any]:
        # A process that begins anew does not know the codecs that were added to this one.
        codecs = {name: codec for name, codec in added().items() if name in self.codecs}
        return {**self.__dict__, "_opened": None, "_added": codecs}

    def __setstate__(self, state: dict[str, Any]) -> None:
        for name, codec in state.pop("_added").items():
            if name not in added():
                register_codec(name, *codec)
        self.__dict__.update(state)

    def __repr__(self) -> str:
        where = f"{len(self._source)} bytes" if isinstance(self._source, bytes) else self._source
        return f"<{type(self).__name__} {where}: version {self.version}, {len(self.regions)} regions>"

    @property
    def version(self) -> str:
        """"1" to "5", or "5.1"."""
        major, minor = self._version
        return f"{major}.{minor}" if minor else str(major)

    def region(self, region: int | str | None = None) -> Region:
        """A region by its place or name; the only one if not given."""
        return self.regions[self._place(region)]

    def _place(self, region: int | str | None) -> int:
        if region is None:
            if len(self.regions) != 1:
                names = ", ".join(region.name for region in self.regions[:20])
                raise ValueError(f"the file has {len(self.regions)} regions; name one of: {names}")
            return 0
        if isinstance(region, str):
            place: int = self._file.region(region)
            return place
        return range(len(self.regions))[region]

    def _window(self, rows: Bins, cols: Bins, region: int | str | None) -> tuple[int, tuple[int, int], tuple[int, int]]:
        place = self._place(region)
        about = self.regions[place]
        if cols is None and rows is not None and about.symmetric:
            cols = rows
        return place, _bins(rows, about.n_rows), _bins(cols, about.n_cols)

    def dense(self, rows: Bins = None, cols: Bins = None, *, region: int | str | None = None) -> NDArray[Any]:
        """A window of bins as an array; the columns are those of the rows if not given and the region is symmetric."""
        place, rows, cols = self._window(rows, cols, region)
        array: NDArray[Any] = self._file.dense(place, rows, cols)
        return array

    def pixels(
        self, rows: Bins = None, cols: Bins = None, *, region: int | str | None = None
    ) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[Any]]:
        """The cells of a window that are not zero, by row and column: rows, columns (bins of the region), values."""
        place, rows, cols = self._window(rows, cols, region)
        found: tuple[NDArray[np.int64], NDArray[np.int64], NDArray[Any]] = self._file.pixels(place, rows, cols)
        return found

    def stored_pixels(self, *, region: int | str | None = None) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[Any]]:
        """The cells that are stored: of a symmetric region those with column >= row."""
        found: tuple[NDArray[np.int64], NDArray[np.int64], NDArray[Any]] = self._file.stored_pixels(self._place(region))
        return found

    def coo(self, rows: Bins = None, cols: Bins = None, *, region: int | str | None = None) -> Any:
        """A window as scipy's `coo_array`, positions from the window's corner."""
        import scipy.sparse

        _, of_rows, of_cols = self._window(rows, cols, region)
        row, col, values = self.pixels(of_rows, of_cols, region=region)
        shape = of_rows[1] - of_rows[0], of_cols[1] - of_cols[0]
        return scipy.sparse.coo_array((values, (row - of_rows[0], col - of_cols[0])), shape=shape)

    def csr(self, rows: Bins = None, cols: Bins = None, *, region: int | str | None = None) -> Any:
        """A window as scipy's `csr_array`."""
        return self.coo(rows, cols, region=region).tocsr()

    @overload
    def fetch(
        self, range1: str, range2: str | None = None, *, bin_size_bp: int | None = None, as_: Literal["dense"] = "dense"
    ) -> NDArray[Any]: ...
    @overload
    def fetch(self, range1: str, range2: str | None = None, *, bin_size_bp: int | None = None, as_: Literal["coo", "csr"]) -> Any: ...
    def fetch(self, range1: str, range2: str | None = None, *, bin_size_bp: int | None = None, as_: str = "dense") -> Any:
        """The window of `range1` ("chr1" or "chr1:0-1,000,000", the end exclusive) against `range2` (the same if not given)."""
        if as_ not in ("dense", "coo", "csr"):
            raise ValueError(f"as_ is 'dense', 'coo' or 'csr', not {as_!r}")
        place, rows, cols, turned = self.locate(range1, range2, bin_size_bp=bin_size_bp)
        found = getattr(self, as_)(rows, cols, region=place)
        if not turned:
            return found
        return found.T if as_ != "csr" else found.T.tocsr()

    def locate(
        self, range1: str, range2: str | None = None, *, bin_size_bp: int | None = None
    ) -> tuple[int, tuple[int, int], tuple[int, int], bool]:
        """The region of two ranges, the bins of its rows and columns, and whether its rows are those of `range2`."""
        first = _core.gzcm_parse_range(range1)
        second = first if range2 is None else _core.gzcm_parse_range(range2)
        if bin_size_bp is None:
            sizes = sorted({region.bin_size_bp for region in self.regions})
            if len(sizes) != 1:
                raise ValueError(f"the file has several resolutions; give bin_size_bp= as one of: {', '.join(map(str, sizes))}")
            (bin_size_bp,) = sizes
        place, turned = self._file.region_of(first[0], second[0], bin_size_bp)
        if turned:
            first, second = second, first
        return place, self._file.bins(place, 0, *first), self._file.bins(place, 1, *second), turned

    def vector(self, name: str, chrom: str, *, bin_size_bp: int | None = None) -> NDArray[np.float64]:
        """The weights of a chromosome's bins; NaN where a bin was masked."""
        for at, key in enumerate(self.vectors):
            if (key.name, key.chrom) == (name, chrom) and bin_size_bp in (None, key.bin_size_bp):
                values: NDArray[np.float64] = self._file.vector(at)
                return values
        there = sorted({f"{key.name} of {key.chrom} at {key.bin_size_bp} bp" for key in self.vectors})
        raise KeyError(f"no {name} of {chrom}; there are: {', '.join(there[:20]) or 'none'}")

    def picture(
        self,
        range1: str | None = None,
        range2: str | None = None,
        *,
        bin_size_bp: int | None = None,
        side_pixels: int = 768,
        axes: bool = True,
    ) -> bytes:
        """A heat map of two ranges as the bytes of a PNG file, its longer side `side_pixels` at most; without ranges, of the first matrix."""
        if range1 is None:
            about = self.regions[0]
            window = 0, (0, about.n_rows), (0, about.n_cols), False
        else:
            window = self.locate(range1, range2, bin_size_bp=bin_size_bp)
        png: bytes = self._file.picture(*window, side_pixels, axes)
        return png

    def cache_info(self) -> CacheInfo:
        """What the tile cache did in this process."""
        tiles, nbytes = self._cache
        hits, misses, held, held_bytes = self._file.cache_stats()
        return CacheInfo(hits, misses, held, held_bytes, tiles if nbytes is None else None)

    def verify(self) -> Verified:
        """Reads and decodes everything, past the cache."""
        return Verified(*self._file.verify())

    def close(self) -> None:
        """Lets go of the file and the tiles; they are there again when asked for."""
        self._opened = None

    def __enter__(self) -> "Reader":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class GzcmReader(Reader):
    """Reads versions 1 to 3."""

    versions = range(1, 4)


class GzcmV4Reader(Reader):
    """Reads version 4."""

    versions = range(4, 5)


def open_gzcm(source: Source, **options: Any) -> Reader:
    """The reader of the file's version: `GzcmReader` for 1 to 3, `GzcmV4Reader` for 4, `Reader` for 5."""
    reader = Reader(source, **options)
    for special in (GzcmReader, GzcmV4Reader):
        if reader._version[0] in special.versions:
            # Opened already: the same state serves.
            made = special.__new__(special)
            made.__dict__.update(reader.__dict__)
            return made
    return reader


class _Stored(NamedTuple):
    """A file in a store."""

    #: A `StorageBackend` of the engine.
    backend: Any
    path: str

    def __repr__(self) -> str:
        return f"{self.path} in {self.backend._store.name}"


def _kept(source: Source, store: "str | StorageBackend | None") -> "str | bytes | GzcmRef | _Stored":
    if store is not None:
        if not isinstance(source, (str, os.PathLike)):
            raise ValueError(f"in a store a file is named by its path, not by {type(source).__name__}")
        from ..storage import StorageBackend, backend_of

        backend = store if isinstance(store, StorageBackend) else backend_of(store)
        if backend._store is None:
            raise UnsupportedError(f"stores of protocol {backend.protocol!r} give no ranges here: open_gzcm(backend.get_buffer(path)) reads all")
        return _Stored(backend, pathlib.PurePath(source).as_posix())
    if isinstance(source, GzcmRef):
        return source
    return bytes(source) if isinstance(source, (bytes, bytearray, memoryview)) else os.path.abspath(source)


def _bins(bins: Bins, n_bins: int) -> tuple[int, int]:
    if bins is None:
        return 0, n_bins
    if isinstance(bins, slice):
        bins = range(n_bins)[bins]
    if isinstance(bins, range):
        if bins.step != 1:
            raise ValueError(f"bins come one after the other, not by {bins.step}")
        return bins.start, max(bins.start, bins.stop)
    start, stop = bins
    if start < 0 or stop < start:
        raise ValueError(f"({start}, {stop}) are no bins")
    return int(start), int(stop)
