"""Every contact of every file, through every codec and every version of GZCM, against cooler and hictkpy.

    python benches/gzcm_equality.py [--data FOLDER]

For each `.cool`, `.mcool` and `.hic` of the folder (`examples/data/hic` unless told otherwise) and each of its resolutions: the contacts as cooler
or hictkpy reads them are the truth; the file is converted in each version with each codec, and all contacts that are stored are compared in
order, then random windows as dense matrices. Versions 1 and 2 are dense arrays, and version 3 has dense tiles only: of genomes that are too large
for that, chromosomes are taken in their place, and the table says so.
"""

import argparse
import concurrent.futures
import functools
import multiprocessing
import pathlib
import sys
import tempfile
import time

import cooler
import numpy as np

from lapjoint import gzcm

CODECS = ("lz4", "zstd", "bsc", "cmc", "cmc_zstd", "bsc_cmc", "ctx", "shuffle_zstd")
VERSIONS = (1, 2, 3, 4, 5, 5.1)
# Bins a side of what is written as one dense array, and of what is written as dense tiles.
DENSE_BINS, TILED_BINS = 10_500, 20_000
WINDOWS, WINDOW_BINS = 20, 300


def by_cooler(uri):
    """Reads a range (or all) as rows, columns, counts of one triangle."""
    opened = cooler.Cooler(uri)

    @functools.cache
    def read(chrom):
        selector = opened.matrix(balance=False, as_pixels=True)
        table = opened.pixels()[:] if chrom is None else selector.fetch(chrom)
        first = 0 if chrom is None else opened.offset(chrom)
        return [table[name].to_numpy() - offset for name, offset in (("bin1_id", first), ("bin2_id", first), ("count", 0))]

    return [(name, int(length)) for name, length in opened.chromsizes.items()], int(opened.binsize), read


def by_hictk(path, bin_size_bp):
    @functools.cache
    def read(chrom):
        return alone(_read_by_hictk, str(path), bin_size_bp, chrom)

    return alone(_about, str(path), bin_size_bp), bin_size_bp, read


def alone(run, *arguments):
    """What a function gives in a process of its own: a thread of hictkpy's keeps a core busy for as long as its process lives."""
    with concurrent.futures.ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as executor:
        return executor.submit(run, *arguments).result()


def _about(path, bin_size_bp):
    import hictkpy

    return list(hictkpy.File(path, bin_size_bp).chromosomes().items())


def _resolutions(path):
    import hictkpy

    return [int(size) for size in hictkpy.MultiResFile(path).resolutions()]


def _read_by_hictk(path, bin_size_bp, chrom):
    import hictkpy

    opened = hictkpy.File(path, bin_size_bp)
    table = (opened.fetch(chrom, count_type="float") if chrom else opened.fetch(count_type="float")).to_df()
    # Bins are counted from the genome's first.
    first = 0
    for name, length in opened.chromosomes().items():
        if chrom is None or name == chrom:
            break
        first += -(-length // bin_size_bp)
    return [table["bin1_id"].to_numpy() - first, table["bin2_id"].to_numpy() - first, table["count"].to_numpy()]


def sources(folder):
    """Name, what reads the truth, and whether only chromosomes are compared (a .hic may have scaffolds that are in no matrix)."""
    for path in sorted(folder.iterdir()):
        if path.suffix == ".cool":
            yield path, by_cooler(str(path))
        elif path.suffix == ".mcool":
            for group in cooler.fileops.list_coolers(str(path)):
                yield path, by_cooler(f"{path}::{group}")
        elif path.suffix == ".hic":
            for bin_size_bp in alone(_resolutions, str(path)):
                yield path, by_hictk(path, bin_size_bp)


def fullest(chromosomes, bin_size_bp, limit, read):
    """Of the longest chromosomes that are not too long, the one with the most contacts, and these."""
    fits = [(length, name) for name, length in chromosomes if name.lower() != "all" and length // bin_size_bp < limit]
    found = [(name, read(name)) for _, name in sorted(fits, reverse=True)[:25]]
    return max(found, key=lambda pair: len(pair[1][2]), default=(None, None))


def same(truth, path, generator):
    """Whether a file has exactly these contacts; how many."""
    with gzcm.open_gzcm(path, cache_tiles=16) as reader:
        order = np.lexsort((truth[1], truth[0]))
        expected = [part[order] for part in truth]
        keep = expected[2] != 0
        found = reader.stored_pixels()
        for name, one, other in zip(("rows", "columns", "counts"), expected, found):
            if not np.array_equal(one[keep], other):
                sys.exit(f"{path}: {name} differ")
        n_bins = reader.regions[0].n_rows
        for _ in range(WINDOWS):
            (row, col), side = generator.integers(0, n_bins, 2), min(WINDOW_BINS, n_bins)
            row, col = min(row, n_bins - side), min(col, n_bins - side)
            window = np.zeros((side, side))
            for rows, cols in ((expected[0], expected[1]), (expected[1], expected[0])):
                inside = (rows >= row) & (rows < row + side) & (cols >= col) & (cols < col + side)
                window[rows[inside] - row, cols[inside] - col] = expected[2][inside]
            if not np.array_equal(reader.dense((row, row + side), (col, col + side)), window):
                sys.exit(f"{path}: the window at ({row}, {col}) differs")
        return int(keep.sum())


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=pathlib.Path, default=pathlib.Path(__file__).parents[1] / "examples/data/hic")
    data = parser.parse_args().data
    generator = np.random.default_rng(7)
    compared = total = 0
    print("| file | bin size, bp | what | version | codecs | contacts each | s |\n|---|---|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as folder:
        output = pathlib.Path(folder) / "matrix.gzcm"
        for path, (chromosomes, bin_size_bp, read) in sources(data):
            n_bins = sum(-(-length // bin_size_bp) for _, length in chromosomes)
            for version in VERSIONS:
                started, limit = time.perf_counter(), DENSE_BINS if version < 3 else TILED_BINS
                region, truth = None, None
                if n_bins > limit and (version < 4 or path.suffix != ".cool"):
                    region, truth = fullest(chromosomes, bin_size_bp, limit, read)
                    if region is None:
                        print(f"| {path.name} | {bin_size_bp} | no chromosome is small enough | {version} | | | |", flush=True)
                        continue
                # The codec of a file of sparse tiles is theirs.
                sparse = version >= 4 and n_bins > TILED_BINS and region is None
                codecs = (None,) if version < 3 or sparse else CODECS
                truth = truth or read(None)
                for codec in codecs:
                    options = {} if codec is None else {"codec": codec}
                    # All codecs on dense tiles, whatever the picker of layouts would say.
                    options["enable_region_layout_picker"] = codec is None
                    gzcm.convert_to_gzcm(
                        path, output, region1=region, bin_size_bp=int(bin_size_bp), version=version, carry_weights=False, progress=False, **options
                    )
                    contacts = same(truth, output, generator)
                    compared, total = compared + 1, total + contacts
                named = ", ".join(codecs) if codecs[0] else ("sparse" if version >= 4 else "dense")
                seconds = time.perf_counter() - started
                print(f"| {path.name} | {bin_size_bp} | {region or 'genome'} | {version} | {named} | {contacts} | {seconds:.0f} |", flush=True)
    print(f"{compared} files equal, {total} contacts compared, every one the same")


if __name__ == "__main__":
    main()
