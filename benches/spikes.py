"""`<spikes>` against `<blob>`, zstd and pcodec: bytes a spike, and the time to write and read trains. Usage: spikes.py

Trains are Poisson processes and bursts at 30 kHz, and the spikes of the recordings in examples/data (crossings of a threshold), one
after the other. Of each time the best of several runs.
"""

import pathlib
import time

import numpy as np

import lapjoint as dj
from lapjoint.blob import pack, unpack

RATE = 30_000.0
DATA = pathlib.Path(__file__).parents[1] / "examples" / "data"


def poisson(hertz, count=200_000):
    return np.cumsum(np.random.default_rng(1).geometric(hertz / RATE, count))


def bursts(count=200_000):
    chance = np.random.default_rng(2)
    within = chance.random(count) < 0.7
    return np.cumsum(np.where(within, chance.integers(60, 200, count), chance.lognormal(8, 1, count).astype("i8") + 60))


def recorded():
    """Samples where the recordings fall below three deviations, as if they were one; sampled at 30 kHz for the comparison."""
    found, before = [], 0
    for file in sorted(DATA.rglob("data_*.npy")):
        trace = np.load(file).ravel()
        below = trace < trace.mean() - 1.5 * trace.std()
        found.append(before + np.flatnonzero(below[1:] & ~below[:-1]))
        before += trace.size
    return np.concatenate(found)


def trains():
    for hertz in (2, 10, 50):
        yield f"Poisson, {hertz} Hz", poisson(hertz) / RATE
    yield "Poisson, 10 Hz, from 1234.5678 s", poisson(10) / 29_999.954846 + 1234.5678
    yield "bursts", bursts() / RATE
    yield "bursts, sample numbers", bursts()
    yield "on no grid, 10 Hz", np.cumsum(np.random.default_rng(3).exponential(0.1, 200_000))
    yield "recorded, threshold crossings", recorded() / RATE


def best(work, runs=5):
    times = []
    for _ in range(runs):
        start = time.perf_counter()
        made = work()
        times.append(time.perf_counter() - start)
    return min(times) * 1e3, made


def others(train):
    """Bytes by general compressors of arrays, where they are installed."""
    sizes = {}
    try:
        import zstandard

        sizes["zstd -19"] = len(zstandard.ZstdCompressor(level=19).compress(train.tobytes()))
    except ImportError:
        pass
    try:
        from pcodec import ChunkConfig, standalone

        sizes["pcodec"] = len(standalone.simple_compress(train, ChunkConfig()))
    except ImportError:
        pass
    return sizes


def main():
    codec = dj.get_codec("spikes")
    for name, train in trains():
        encode, packed = best(lambda: codec.encode(train))
        decode, back = best(lambda: codec.decode(packed))
        assert back.dtype == train.dtype and back.tobytes() == train.tobytes()
        blob_encode, blob = best(lambda: pack(train))
        blob_decode, _ = best(lambda: unpack(blob))
        sizes = {"spikes": len(packed), "blob": len(blob), "float64": train.nbytes, **others(train)}
        shown = ", ".join(f"{what} {size / len(train):.2f}" for what, size in sizes.items())
        print(f"{name} ({len(train)} spikes): bytes a spike: {shown}; {8 * len(packed) / len(train):.2f} bits")
        print(f"    ms to write {encode:.1f} (blob {blob_encode:.1f}), to read {decode:.1f} (blob {blob_decode:.1f})")


if __name__ == "__main__":
    main()
