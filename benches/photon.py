"""`<photon@>` against the way of dj-photon-codecs (zarr-python with numcodecs, and numpy for the transform), on the real scans.

    python benches/photon.py [folder of scans]

The scans are repeated in time to about 300 MB of 16-bit values, so that there are chunks to work on; sizes are also given as they are. Both
sides write into a folder on this machine, Lapjoint with a table on SQLite, checksums and a synchronised disk. Best of three.
"""

import pathlib
import shutil
import sys
import tempfile
import time

import numpy as np
import tifffile
import zarr
from numcodecs import Blosc

import lapjoint as dj
from lapjoint.photon import PhotonMovie

RUNS = 3
REPEATS = 30
SCANS = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else pathlib.Path(__file__).parents[1] / "examples/data/imaging"


def size_of(folder):
    return sum(file.stat().st_size for file in pathlib.Path(folder).rglob("*") if file.is_file())


class Plugin:
    """What dj-photon-codecs does with a movie, without its database."""

    def __init__(self, folder):
        self.folder = folder / "plugin"

    def write(self, movie):
        shutil.rmtree(self.folder, ignore_errors=True)
        transformed = 2.0 * np.sqrt(movie.astype(float) + 0.375)
        chunks = (min(100, movie.shape[0]), *movie.shape[1:])
        array = zarr.create_array(
            str(self.folder), shape=movie.shape, dtype=float, chunks=chunks, zarr_format=2,
            compressors=Blosc(cname="zstd", clevel=5, shuffle=Blosc.BITSHUFFLE),
        )  # fmt: skip
        array[...] = transformed
        return size_of(self.folder)

    def read(self, index):
        transformed = zarr.open_array(str(self.folder), mode="r")[index]
        return np.round(transformed**2 / 4 - 0.375).astype("uint16")


class Lapjoint:
    def __init__(self, folder, table, store, **options):
        self.table, self.store, self.options = table, store, options

    def write(self, movie):
        self.table.insert1({"scan": 1, "movie": PhotonMovie(movie, **self.options)}, replace=True)
        self.ref = self.table.fetch1("movie")
        return size_of(self.store / self.ref.path)

    def read(self, index):
        return self.table.fetch1("movie")[index]


def best(work):
    times = []
    for _ in range(RUNS):
        start = time.perf_counter()
        result = work()
        times.append(time.perf_counter() - start)
    return min(times), result


def main():
    scans = [tifffile.imread(path) for path in sorted(SCANS.glob("*.tif"))]
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        (folder / "store").mkdir()
        dj.config["database.backend"] = "sqlite"
        dj.config["database.name"] = str(folder / "database")
        dj.config["stores"] = {"default": "main", "main": {"protocol": "file", "location": str(folder / "store")}}
        schema = dj.Schema("bench")

        @schema
        class Scan(dj.Manual):
            definition = "scan : int32\n---\nmovie : <photon@>"

        sides = {
            "dj-photon-codecs' way": Plugin(folder),
            "anscombe": Lapjoint(folder, Scan, folder / "store"),
            "quantised, beta 0.5": Lapjoint(folder, Scan, folder / "store", mode="quantised"),
            "quantised, beta 1": Lapjoint(folder, Scan, folder / "store", mode="quantised", beta=1.0),
        }
        print("| sizes | " + " | ".join(f"scan {number + 1}" for number in range(len(scans))) + " | of raw |\n|---|" + "---|" * (len(scans) + 1))
        raw = sum(movie.nbytes for movie in scans)
        print("| raw, 16 bits | " + " | ".join(f"{movie.nbytes / 1e6:.2f} MB" for movie in scans) + " | 1 |")
        for name, side in sides.items():
            sizes = [side.write(movie) for movie in scans]
            print(f"| {name} | " + " | ".join(f"{size / 1e6:.2f} MB" for size in sizes) + f" | {sum(sizes) / raw:.2f} |")
        movie = np.concatenate(scans * REPEATS)
        print(f"\n{movie.shape} of uint16, {movie.nbytes / 1e6:.0f} MB\n\n| | write | read | 100 frames | size |\n|---|---|---|---|---|")
        base = None
        for name, side in sides.items():
            wrote, size = best(lambda: side.write(movie))
            read, found = best(lambda: side.read(slice(None)))
            part, _ = best(lambda: side.read(slice(1234, 1334)))
            assert found.shape == movie.shape and ("quantised" in name or np.array_equal(found, movie))
            base = base or (wrote, read, part, size)
            cells = [f"{now * 1e3:.0f} ms ({then / now:.1f}×)" for now, then in zip((wrote, read, part), base)]
            print(f"| {name} | " + " | ".join(cells) + f" | {size / 1e6:.0f} MB ({base[3] / size:.1f}×) |")


if __name__ == "__main__":
    main()
