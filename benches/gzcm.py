"""Crate `gzcm` against cooler and hictkpy on the same matrices, in the same run.

    python benches/gzcm.py PROGRAM [--data FOLDER] [--json FILE]

PROGRAM is the crate's example `bench_gzcm`. FOLDER has the matrices (`examples/data/hic` unless told otherwise); of those that it does not
have, nothing is measured. Sizes are of whole files of bins and contacts alone, without weights, at one resolution; each peer's file is
written here by the peer. Times are the best of several. The figures of HiCMC were measured once, elsewhere, and are marked so: it cannot be
installed.
"""

import argparse
import concurrent.futures
import json
import multiprocessing
import pathlib
import random
import resource
import subprocess
import sys
import tempfile
import time

# Name: file, resolution within it (of several), and the ratio to cooler's file that is aimed for.
MATRICES = {
    "A": ("gm12878_chr20_25kb.cool", None, 0.48),
    "C": ("scer_w303_2kb.cool", None, 0.48),
    "G": ("fly_dm6_100kb_1mb.mcool", 100_000, 0.48),
    "H": ("yeast.10kb.cool", None, 0.60),
    "B": ("scc1ko_mm9_10kb.cool", None, None),
}
# Bytes: HiCMC with the parameters of its README, one chromosome whole, without random access. Measured elsewhere.
HICMC = {"A": 963_000}
# What is aimed for, in bytes, of whole files of A.
SIZES_A = {"zstd": 2_000_000, "bsc": 1_070_000, "cmc": 1_150_000, "ctx": 950_000}
# And in MB of raw tiles decoded a second by a core.
SPEEDS = {"lz4": 1500, "zstd": 600, "bsc": 60, "cmc": 60, "ctx": 15}
# And in milliseconds a window of A, that is not cached.
WINDOWS = {"zstd": 1.0, "lz4": 0.3, "bsc": 8.0}
SIDE = 256
ROWS = []


def row(number, what, ours, peer, peer_value, target="", met=None):
    """One line: our figure, the peer's, and ours as a multiple of the peer's."""
    ratio = f"{ours[0] / peer_value:.3g}" if peer_value else ""
    verdict = "" if met is None else ("yes" if met else "**no**")
    shown = f"{peer} {number_of(peer_value, ours[1])}".strip() if peer_value else peer
    ROWS.append([str(number), what, number_of(*ours), shown, ratio, target, verdict])


def number_of(value, unit):
    if unit == "bytes":
        return f"{value / 1e6:.3f} MB"
    if unit == "s":
        return f"{value * 1e3:.3g} ms" if value < 1 else f"{value:.3g} s"
    return f"{value:.4g} {unit}".strip()


def best(times, run):
    shortest = float("inf")
    for _ in range(times):
        started = time.perf_counter()
        run()
        shortest = min(shortest, time.perf_counter() - started)
    return shortest


def alone(run, *arguments):
    """What a function gives in a process of its own, which is gone then. Peers run so: a thread of hictkpy's keeps a core busy for as
    long as its process lives (seen with 1.4.0), beside which nothing can be timed."""
    with concurrent.futures.ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as executor:
        return executor.submit(run, *arguments).result()


class Bench:
    def __init__(self, program, data, folder):
        self.program, self.data, self.folder = program, data, folder
        self.codecs = self.ours("codecs")
        self.files = {}

    def ours(self, *arguments):
        done = subprocess.run([self.program, *map(str, arguments)], capture_output=True, text=True)
        if done.returncode:
            sys.exit(f"{arguments}: {done.stderr}")
        return json.loads(done.stdout)

    def convert(self, name, version, codec, times=1):
        """What we wrote; the file is kept for the reads."""
        file, size, _ = MATRICES[name]
        to = self.folder / f"{name}.{version}.{codec}.gzcm"
        found = self.ours("convert", self.data / file, to, version, codec, times, *([size] if size else []))
        self.files[name, version, codec] = to
        return found


def written_by_peers(name, data, folder):
    """The files of the peers from the same bins and contacts, with the seconds that each took, and the peak of memory when cooler was done, in bytes."""
    import cooler
    import hictkpy

    file, size, _ = MATRICES[name]
    path = data / file
    source = f"{path}::/resolutions/{size}" if path.suffix == ".mcool" else str(path)
    read = cooler.Cooler(source)
    size = read.binsize
    bins, pixels = read.bins()[:][["chrom", "start", "end"]], read.pixels()[:]
    found = {}
    to = folder / f"{name}.cool"
    started = time.perf_counter()
    cooler.create_cooler(str(to), bins, pixels, ordered=True)
    found["cooler"] = (to, time.perf_counter() - started)
    peak_bytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    chromosomes = {chrom: int(length) for chrom, length in read.chromsizes.items()}
    for kind, suffix in (("hictk .cool", "hictk.cool"), ("hictk .hic", "hic")):
        to = folder / f"{name}.{suffix}"
        started = time.perf_counter()
        try:
            if kind == "hictk .cool":
                with hictkpy.cooler.FileWriter(str(to), chromosomes, size) as writer:
                    writer.add_pixels(pixels[["bin1_id", "bin2_id", "count"]])
            else:
                with hictkpy.hic.FileWriter(str(to), chromosomes, size) as writer:
                    writer.add_pixels(pixels[["bin1_id", "bin2_id", "count"]])
        except Exception as error:  # a peer's refusal is a gap in the table, not the end of it
            print(f"{kind} of {name}: {type(error).__name__}: {error}", file=sys.stderr)
            continue
        found[kind] = (to, time.perf_counter() - started)
    return found, peak_bytes


def sizes(bench, name, peers):
    """Targets 1 to 3."""
    codecs = bench.codecs if name != "B" else [codec for codec in bench.codecs if codec in ("zstd", "lz4")]
    found = {codec: bench.convert(name, "5.1", codec) for codec in codecs}
    target = MATRICES[name][2]
    cool = peers["cooler"][0].stat().st_size
    for codec, of in sorted(found.items(), key=lambda item: item[1]["size_bytes"]):
        aim = SIZES_A.get(codec) if name == "A" else None
        row(
            1 if aim else "",
            f"{name} size, `{codec}` ({of['layout']})",
            (of["size_bytes"], "bytes"),
            "cooler",
            cool,
            f"≤ {aim / 1e6} MB" if aim else "",
            of["size_bytes"] <= aim if aim else None,
        )
    codec, of = min(found.items(), key=lambda item: item[1]["size_bytes"])
    smallest = of["size_bytes"]
    for peer, (path, _) in peers.items():
        size, aim = path.stat().st_size, target if peer == "cooler" else None
        what = f"{name} size, smallest (`{codec}`)"
        row(2 if aim else "", what, (smallest, "bytes"), peer, size, f"≤ {aim}" if aim else "", smallest <= aim * size if aim else None)
    if name in HICMC:
        ctx = found["ctx"]["size_bytes"] if "ctx" in found else smallest
        what = f"{name} size, `{'ctx' if 'ctx' in found else codec}`"
        row(2, what, (ctx, "bytes"), "HiCMC (measured elsewhere)", HICMC[name], "≤ 1.00", ctx <= HICMC[name])
    if name == "B":
        row(3, "B size, whole genome", (smallest, "bytes"), "cooler", cool, "≤ 6.0 MB", smallest <= 6_000_000)


def dense_of_peers(peers):
    """Reads of dense windows `(row, col, rows, cols)` of the whole of a file by each peer."""
    import cooler
    import hictkpy

    ways = {}
    if "cooler" in peers:
        matrix = cooler.Cooler(str(peers["cooler"][0])).matrix(balance=False)
        ways["cooler"] = lambda row, col, rows, cols: matrix[row : row + rows, col : col + cols]
    for kind, label in (("hictk .cool", "hictkpy .cool"), ("hictk .hic", "hictkpy .hic")):
        if kind not in peers:
            continue
        path, size = str(peers[kind][0]), cooler.Cooler(str(peers["cooler"][0])).binsize
        file = hictkpy.File(path, size)
        [(chromosome, length)] = file.chromosomes().items()

        def read(row, col, rows, cols, file=file, chromosome=chromosome, length=length, size=size):
            def span(start, bins):
                return f"{chromosome}:{start * size + 1}-{min((start + bins) * size, length)}"

            if col < row + rows and (row, rows) != (col, cols):
                # hictk refuses windows that cross the diagonal: the square around them is read, and cut.
                around = file.fetch(span(row, col + cols - row)).to_numpy()
                return around[:rows, col - row : col - row + cols]
            return file.fetch(span(row, rows), span(col, cols)).to_numpy()

        ways[label] = read
    return ways


def timed_peers(peers, places, bins):
    """Seconds of a window and of the whole matrix, and the sum of the first window, by each peer."""
    seconds, whole, sums = {}, {}, {}
    for label, way in dense_of_peers(peers).items():
        times = 1 if "hic" in label.split()[-1] else 2
        seconds[label] = best(times, lambda: [way(row, col, SIDE, SIDE) for row, col in places]) / len(places)
        whole[label] = best(3, lambda: way(0, 0, bins, bins))
        sums[label] = int(way(*places[0], SIDE, SIDE).sum())
    return seconds, whole, sums


def reads(bench, peers):
    """Targets 4 and 5, on A."""
    import cooler

    bins = cooler.Cooler(str(peers["cooler"][0])).shape[0]
    chance = random.Random(20)
    places = [sorted(chance.randrange(bins - SIDE) for _ in range(2)) for _ in range(200)]
    told = [f"{row}:{col}" for row, col in places]
    seconds, whole, sums = alone(timed_peers, peers, places, bins)
    for codec in bench.codecs:
        of = bench.ours("windows", bench.files["A", "5.1", codec], 3, *told)
        for label, total in sums.items():
            assert total == of["first_sum"], f"{label} reads another window: {total}, not {of['first_sum']}"
        aim = WINDOWS.get(codec)
        uncached = of["uncached_seconds"]
        for label in seconds:
            mine = aim and label == "cooler"
            met = uncached * 1e3 <= aim if mine else None
            row(4 if mine else "", f"A window, `{codec}`", (uncached, "s"), label, seconds[label], f"≤ {aim} ms" if mine else "", met)
        if codec == "zstd":
            cached = of["cached_seconds"]
            row(4, "A window, cached", (cached, "s"), "cooler", seconds["cooler"], "≤ 0.05 ms", cached <= 0.00005)
    for codec in ("zstd", "lz4"):
        of = bench.ours("whole", bench.files["A", "5.1", codec], 2, 5)["seconds"]
        for label in seconds:
            mine = codec == "zstd" and label == "hictkpy .cool"
            target, met = ("≤ 60 ms", of <= 0.06) if mine else ("", None)
            row(5 if mine else "", f"A whole chromosome, `{codec}`, 2 threads", (of, "s"), label, whole[label], target, met)


def speeds(bench):
    """Target 6, on A."""
    for codec in bench.codecs:
        of = bench.ours("decode", bench.files["A", "5.1", codec], 3)
        speed, aim = of["raw_bytes"] / of["seconds"] / 1e6, SPEEDS.get(codec)
        row(6 if aim else "", f"A decode a core, `{codec}`", (speed, "MB/s"), "", None, f"≥ {aim} MB/s" if aim else "", speed >= aim if aim else None)


def conversions(bench, peers, peaks):
    """Target 7."""
    if "A" in peers:
        of = bench.convert("A", "4", "zstd", 3)
        row(7, "A .cool to version 4, `zstd`", (of["seconds"], "s"), "cooler create", peers["A"]["cooler"][1], "≤ 1.5 s", of["seconds"] <= 1.5)
    if "B" in peers:
        of = bench.convert("B", "5.1", "zstd")
        mebibytes = of["peak_kib"] * 1024 / 1e6
        row(7, "B conversion, peak memory", (mebibytes, "MB"), "cooler create", peaks["B"] / 1e6, "≤ 300 MB", mebibytes <= 300)
        row("", "B conversion, time", (of["seconds"], "s"), "cooler create", peers["B"]["cooler"][1])


def requests(bench, name):
    """Target 8."""
    of = bench.ours("requests", bench.files[name, "5.1", "zstd"], "100:200")
    row(8, f"{name} open and first window", (of["with_window"], "requests"), f"opening alone {of['open']}", None, "≤ 4", of["with_window"] <= 4)


def flips(bench):
    """Target 8: every bit of a small file."""
    text = bench.folder / "small.cool"
    import cooler
    import pandas

    bins = pandas.DataFrame({"chrom": "chr1", "start": range(0, 400, 10), "end": range(10, 410, 10)})
    pixels = [(row, col, 1 + (row * 7 + col) % 5) for row in range(40) for col in range(row, 40) if (row + col) % 3 == 0]
    cooler.create_cooler(str(text), bins, pandas.DataFrame(pixels, columns=["bin1_id", "bin2_id", "count"]), ordered=True)
    to = bench.folder / "small.gzcm"
    bench.ours("convert", text, to, "5.1", "zstd", 1)
    of = bench.ours("flips", to)
    found = 100 * (1 - of["missed"] / of["bits"])
    row(8, f"`verify` of {of['bits']} flipped bits", (found, "%"), "", None, "100 %", of["missed"] == 0)


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("program", type=pathlib.Path)
    arguments.add_argument("--data", type=pathlib.Path, default=pathlib.Path("examples/data/hic"))
    arguments.add_argument("--json", type=pathlib.Path)
    told = arguments.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(told.program.resolve(), told.data, pathlib.Path(folder))
        peers, peaks = {}, {}
        for name, (file, _, _) in MATRICES.items():
            if not (told.data / file).exists():
                print(f"{file} is not in {told.data}: matrix {name} is left out", file=sys.stderr)
                continue
            peers[name], peaks[name] = alone(written_by_peers, name, bench.data, bench.folder)
            sizes(bench, name, peers[name])
        if "A" in peers:
            reads(bench, peers["A"])
            speeds(bench)
        conversions(bench, peers, peaks)
        for name in peers:
            requests(bench, name)
        flips(bench)
    head = ["target", "what", "gzcm", "peer", "ratio", "aim", "met"]
    print("| " + " | ".join(head) + " |\n|" + "---|" * len(head))
    for line in ROWS:
        print("| " + " | ".join(line) + " |")
    if told.json:
        told.json.write_text(json.dumps([dict(zip(head, line)) for line in ROWS], indent=1, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main()
