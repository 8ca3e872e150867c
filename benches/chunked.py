"""A 1 GB array as `<zarr@>` against zarr-python 3 on the same chunks, and a slice of one in S3.

    python benches/chunked.py [PROGRAM]

PROGRAM is `lapjoint-testing`, which serves S3 and counts what passes; without it the slice is left out. Each side is a process of its
own. zarr-python leaves its files to the system to be written when it likes; Lapjoint has flushed them to disk when the insert returns.
So there are two figures of zarr-python: as it is, and with a flush of each file at the end. Each by its default compression (ours is blosc
with zstd over shuffled bits, zarr-python's is zstd), and both with the same, of either kind.
"""

import json
import os
import pathlib
import resource
import subprocess
import sys
import tempfile
import time
import uuid

SHAPE = (512, 1024, 1024)
CHUNKS = (4, 1024, 1024)
CODECS = {
    "zstd": {"name": "zstd", "level": 3},
    "blosc": {"name": "blosc", "cname": "zstd", "clevel": 3, "shuffle": "bitshuffle"},
}


def movie():
    """1 GiB of photon counts, in 16 bits."""
    import numpy as np

    random = np.random.default_rng(1)
    plane = random.poisson(30, (16, *SHAPE[1:])).astype("uint16")
    array = np.empty(SHAPE, "uint16")
    for at in range(0, SHAPE[0], 16):
        array[at : at + 16] = np.roll(plane, at, axis=1)
    return array


def peak_mb():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def seconds(work):
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def size_mb(folder):
    return sum(path.stat().st_size for path in pathlib.Path(folder).rglob("*") if path.is_file()) / 1e6


def flush(folder):
    for path in pathlib.Path(folder).rglob("*"):
        descriptor = os.open(path, os.O_RDONLY)
        os.fsync(descriptor)
        os.close(descriptor)


def table(folder, stores):
    import lapjoint as dj

    dj.config["database.backend"], dj.config["database.name"] = "sqlite", str(folder / "database")
    dj.config["stores"] = stores
    schema = dj.Schema("bench")

    @schema
    class Scan(dj.Manual):
        definition = "scan : int32\n---\nmovie : <zarr@main>"

    return dj, Scan


def ours(folder, codec):
    (folder / "store").mkdir()
    dj, Scan = table(folder, {"default": "main", "main": {"protocol": "file", "location": str(folder / "store")}})
    array = movie()
    before = peak_mb()
    value = dj.ZarrValue(array, chunks=CHUNKS, codec=CODECS.get(codec))
    figures = {"write": seconds(lambda: Scan.insert1({"scan": 1, "movie": value}))}
    figures["memory_of_write_mb"] = peak_mb() - before
    figures["size_mb"] = size_mb(folder / "store")
    reference = Scan.fetch1("movie")
    read = []
    figures["read"] = min(seconds(lambda: read.append(reference.load()) or read.clear()) for _ in range(3))
    assert (reference.load() == array).all()
    return figures


def theirs(folder, codec):
    import numpy as np
    import zarr
    from zarr.codecs import BloscCodec, ZstdCodec

    array = movie()
    before = peak_mb()
    path = str(folder / "theirs.zarr")
    made = {"zstd": lambda: ZstdCodec(level=3), "blosc": lambda: BloscCodec(typesize=2, cname="zstd", clevel=3, shuffle="bitshuffle")}
    compressors = made[codec]() if codec in made else "auto"
    figures = {"write": seconds(lambda: zarr.create_array(path, data=array, chunks=CHUNKS, compressors=compressors))}
    figures["memory_of_write_mb"] = peak_mb() - before
    figures["size_mb"] = size_mb(path)
    figures["flush"] = seconds(lambda: flush(path))
    opened = zarr.open_array(path, mode="r")
    figures["read"] = min(seconds(lambda: np.asarray(opened[...])) for _ in range(3))
    return figures


def slices(folder, program):
    """Requests and bytes of one slice in S3, chunk by chunk and in shards."""
    from stores import DELAY_MS, KEYS, Program

    server = Program(program, "s3")
    proxy = Program(program, "delay", server.address, str(DELAY_MS))
    place = {"protocol": "s3", "endpoint": proxy.address, "secure": False, "location": f"b/{uuid.uuid4()}", **KEYS}
    dj, Scan = table(folder, {"default": "main", "main": place})
    array = movie()[:64]
    Scan.insert1({"scan": 1, "movie": dj.ZarrValue(array, chunks=CHUNKS)})
    Scan.insert1({"scan": 2, "movie": dj.ZarrValue(array, chunks=(4, 256, 256), shards=(32, 1024, 1024))})
    figures = {}
    for scan, name in ((1, "chunks"), (2, "shards")):
        for again in ("first", "second"):
            reference = (Scan & {"scan": scan}).fetch1("movie") if again == "first" else reference
            before = proxy.counts()
            taken = seconds(lambda: reference[40:44, 100:200, 100:200])
            passed = [now - then for now, then in zip(proxy.counts(), before)]
            figures[f"{name}, {again}"] = {"seconds": taken, "counts": passed}
    for one in (proxy, server):
        one.process.kill()
    return figures


def main():
    if len(sys.argv) > 2 and sys.argv[1] == "--side":
        folder = pathlib.Path(sys.argv[3])
        given = sys.argv[4:]
        print(json.dumps({"ours": ours, "theirs": theirs, "slices": slices}[sys.argv[2]](folder, *given)))
        return
    def run(side, *given):
        with tempfile.TemporaryDirectory() as folder:
            command = [sys.executable, __file__, "--side", side, folder, *given]
            done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
            return json.loads(done.stdout.splitlines()[-1])

    for codec in ("default", *CODECS):
        a, b = run("ours", codec), run("theirs", codec)
        flushed = b["write"] + b["flush"]
        print(f"{codec if codec != 'default' else 'each by default'}:")
        print(f"  write: {a['write']:.2f} s; zarr-python {b['write']:.2f} s ({b['write'] / a['write']:.1f}×), "
              f"flushed {flushed:.2f} s ({flushed / a['write']:.1f}×)")  # fmt: skip
        print(f"  memory of the write: {a['memory_of_write_mb']:.0f} MB; zarr-python {b['memory_of_write_mb']:.0f} MB")
        print(f"  read: {a['read']:.2f} s; zarr-python {b['read']:.2f} s ({b['read'] / a['read']:.1f}×)")
        print(f"  size: {a['size_mb']:.0f} MB; zarr-python {b['size_mb']:.0f} MB")
    for name, slice_ in (run("slices", sys.argv[1]) if sys.argv[1:] else {}).items():
        print(f"a slice in S3, {name}: {slice_['seconds'] * 1000:.0f} ms, requests and bytes {slice_['counts']}")


if __name__ == "__main__":
    main()
