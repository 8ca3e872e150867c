"""Blob packing and unpacking against datajoint 2.3.5, in the same run. Usage: blob.py PATH_TO_blob_times

The Rust side is timed in its own process by `crates/lapjoint-format/examples/blob_times.rs` on the same values. Figures
are the fastest of several runs; ratios say how many times faster Lapjoint is.
"""

import json
import subprocess
import sys
import time
import warnings

import numpy as np

warnings.simplefilter("ignore")
from datajoint import blob  # noqa: E402


class Random:
    """The generator of blob_times.rs."""

    def __init__(self, seed):
        self.state = seed

    def next(self):
        self.state = (self.state * 6364136223846793005 + 1442695040888963407) & 0xFFFFFFFFFFFFFFFF
        return (self.state >> 11) / 9007199254740992.0


def cases():
    random = Random(1)
    nested = [
        {"id": i, "name": f"item {i}", "values": [random.next() for _ in range(48)]} for i in range(2000)
    ]
    yield "100k scalars, nested", nested
    yield "10k arrays of 8", [np.array([random.next() for _ in range(8)]) for _ in range(10_000)]
    yield "8 MB random", np.array([random.next() for _ in range(1 << 20)])
    walk = np.cumsum(np.array([random.next() for _ in range(1 << 20)]) - 0.5)
    yield "8 MB rounded walk", np.round(walk * 100.0) / 100.0
    yield "8 MB zeros", np.zeros(1 << 20)


def best(runs, work):
    fastest = float("inf")
    for _ in range(runs):
        started = time.perf_counter()
        work()
        fastest = min(fastest, time.perf_counter() - started)
    return fastest


def reference():
    """Seconds and sizes of datajoint, by case and operation."""
    measured = {}
    for case, value in cases():
        raw, packed = blob.pack(value, compress=False), blob.pack(value)
        runs = 2 if len(raw) < 8_000_000 else 3
        measured[case, "pack raw"] = best(runs, lambda: blob.pack(value, compress=False)), len(raw)
        measured[case, "pack"] = best(runs, lambda: blob.pack(value)), len(packed)
        measured[case, "unpack raw"] = best(runs, lambda: blob.unpack(raw)), len(raw)
        measured[case, "unpack"] = best(runs, lambda: blob.unpack(packed)), len(packed)
    return measured


def main():
    output = subprocess.run([sys.argv[1]], check=True, capture_output=True, text=True).stdout
    ours = [json.loads(line) for line in output.splitlines()]
    theirs = reference()
    print(f"{'value':<22} {'operation':<11} {'datajoint':>11} {'lapjoint':>11} {'ratio':>8}  detail")
    for row in ours:
        seconds, size = theirs[row["case"], row["operation"]]
        if row["elements"] > 1:
            detail = f"{row['seconds'] / row['elements'] * 1e6:.3f} µs an element"
        elif row["seconds"] < 1e-6:
            detail = "a view: nothing is copied"
        else:
            detail = f"{8.388608e-3 / row['seconds']:.2f} GB/s"
        detail += f", {row['bytes']:,} bytes (datajoint {size:,})"
        print(
            f"{row['case']:<22} {row['operation']:<11} {seconds * 1e3:>8.2f} ms {row['seconds'] * 1e3:>8.3f} ms "
            f"{seconds / row['seconds']:>7.1f}x  {detail}"
        )


if __name__ == "__main__":
    main()
