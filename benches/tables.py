"""Tables in Python against datajoint 2.3.5, each in a process of its own, in the same run.

    python benches/tables.py [CASE ...]

Lapjoint works on SQLite in a folder. DataJoint has no embedded database: it works on the server that DJ_BACKEND, DJ_HOST,
DJ_PORT, DJ_USER and DJ_PASS name (by default MySQL or MariaDB on this machine, user root without a password); without one,
only Lapjoint's figures are printed. Figures are the best of three; ratios say how many times faster Lapjoint is.
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

ROWS = 200_000
RUNS = 3


def best(work, prepare=lambda: None):
    """Seconds of the fastest run."""
    seconds = []
    for _ in range(RUNS):
        given = prepare()
        started = time.perf_counter()
        work(given) if given is not None else work()
        seconds.append(time.perf_counter() - started)
    return min(seconds)


class Side:
    """One of the two packages, with a schema of its own."""

    def __init__(self, name, folder):
        import numpy as np

        self.np, self.is_ours = np, name == "lapjoint"
        self.random = np.random.default_rng(1)
        if self.is_ours:
            import lapjoint as dj

            dj.config["database.backend"] = "sqlite"
            dj.config["database.name"] = str(folder / "database")
        else:
            os.environ.setdefault("DJ_USER", "root")
            os.environ.setdefault("DJ_PASS", "")
            os.environ.setdefault("DJ_HOST", "127.0.0.1")
            import datajoint as dj

            dj.logger.setLevel("ERROR")
            dj.conn(os.environ["DJ_HOST"], os.environ["DJ_USER"], os.environ["DJ_PASS"])
        (folder / "store").mkdir(exist_ok=True)
        dj.config["stores"] = {"main": {"protocol": "file", "location": str(folder / "store")}}
        dj.config["safemode"] = False
        self.dj = dj
        self.schema = dj.Schema(f"bench_{uuid.uuid4().hex[:8]}")

    def table(self, definition):
        name = "T" + uuid.uuid4().hex[:10]
        return self.schema(type(name, (self.dj.Manual,), {"definition": definition}))()

    # The cases: each gives lines of (what, seconds or figure, unit).

    def blobs(self):
        """Containers and arrays packed and unpacked, without a table."""
        blob = self.dj.blob if self.is_ours else __import__("datajoint.blob").blob
        nested = [{"id": i, "name": f"item {i}", "values": [float(j) for j in range(48)]} for i in range(2000)]
        small = [self.random.normal(size=8) for _ in range(10_000)]
        for what, value in (("100k scalars, nested", nested), ("10k arrays of 8", small)):
            packed = blob.pack(value, compress=False)
            yield f"pack {what}", best(lambda: blob.pack(value, compress=False)), "s"
            yield f"unpack {what}", best(lambda: blob.unpack(packed)), "s"

    def scalars(self):
        """200,000 rows of four scalars."""
        definition = "id : int32\n---\na : float64\nb : int64\nc : varchar(20)"
        rows = [{"id": i, "a": i / 7, "b": i * i, "c": f"row {i}"} for i in range(ROWS)]
        yield f"insert {ROWS} rows", best(lambda table: table.insert(rows), lambda: self.table(definition)), "s"
        table = self.table(definition)
        table.insert(rows)
        yield f"fetch {ROWS} rows as dicts", best(table.to_dicts), "s"

    def arrays(self):
        """100 arrays of 1 MB in `<blob>`: noise, which no codec makes smaller, and a walk rounded to 0.01."""
        size = 1 << 17
        noise = [self.random.normal(size=size) for _ in range(100)]
        walk = [self.np.round(self.np.cumsum(array) * 100) / 100 for array in noise]
        for what, arrays in (("noise", noise), ("rounded walk", walk)):
            rows = [{"id": i, "x": array} for i, array in enumerate(arrays)]

            def insert(table, rows=rows):
                # A statement of a MySQL server is by default no longer than 16 MB.
                for first in range(0, len(rows), 5):
                    table.insert(rows[first : first + 5])

            definition = "id : int32\n---\nx : <blob>"
            yield f"insert 100 × 1 MB <blob>, {what}", best(insert, lambda: self.table(definition)), "s"
            table = self.table(definition)
            insert(table)
            yield f"fetch 100 × 1 MB <blob>, {what}", best(table.to_dicts), "s"

    def small(self):
        """5,000 small values in `<blob>`."""
        rows = [{"id": i, "x": {"n": i, "v": [1.0, 2.0]}} for i in range(5000)]
        definition = "id : int32\n---\nx : <blob>"
        yield "insert 5,000 small <blob>", best(lambda table: table.insert(rows), lambda: self.table(definition)), "s"
        table = self.table(definition)
        table.insert(rows)
        yield "fetch 5,000 small <blob>", best(table.to_dicts), "s"

    def large(self):
        """A 1 GB array in `<npy@>`: peak memory of the process, as a multiple of the array."""
        table = self.table("id : int32\n---\nx : <npy@main>")
        array = self.np.ones(1 << 27)
        started = time.perf_counter()
        table.insert1({"id": 1, "x": array})
        yield "insert 1 GB <npy@>", time.perf_counter() - started, "s"
        yield "peak memory of the insert", resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / array.nbytes, "× array"

    def load(self):
        """Loading it, in a process that never had the array."""
        table = self.table("id : int32\n---\nx : <npy@main>")
        code = (
            "import sys, numpy as np; f = np.lib.format.open_memmap(sys.argv[1], 'w+', 'f8', (1 << 27,)); f[:] = 1; f.flush()"
        )
        table.insert1({"id": 1, "x": self.np.ones(1 << 10)})
        reference = table.fetch1("x")
        path = next(pathlib.Path(self.dj.config["stores"]["main"]["location"]).rglob("*.npy"))
        path.unlink()
        subprocess.run([sys.executable, "-c", code, path], check=True)
        about = {"path": reference.path, "store": "main", "dtype": "float64", "shape": [1 << 27]}
        backend = reference._bound_backend() if self.is_ours else reference._backend
        started = time.perf_counter()
        array = type(reference)(about, backend).load()
        yield "load 1 GB <npy@>", time.perf_counter() - started, "s"
        yield "peak memory of the load", resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / array.nbytes, "× array"

    def slices(self):
        """Rows 10:20 of a 200 MB array of shape (25,000, 1,000)."""
        table = self.table("id : int32\n---\nx : <npy@main>")
        table.insert1({"id": 1, "x": self.np.ones((25_000, 1_000))})
        reference = table.fetch1("x")

        def read_bytes():
            return int(pathlib.Path("/proc/self/io").read_text().split()[1])

        before, started = read_bytes(), time.perf_counter()
        assert reference[10:20].shape == (10, 1_000)
        yield "slice 10:20 of 200 MB <npy@>", time.perf_counter() - started, "s"
        yield "bytes read for it", read_bytes() - before, "bytes"

    def imports(self):
        """Import of the package, and of numpy alone."""
        package = "lapjoint" if self.is_ours else "datajoint"
        for name in ("numpy", package):
            run = lambda name=name: subprocess.run([sys.executable, "-c", f"import {name}"], check=True)  # noqa: E731
            yield "import numpy" if name == "numpy" else "import the package", best(run), "s"


CASES = ("imports", "blobs", "scalars", "small", "arrays", "large", "load", "slices")


def work(name, case):
    """Runs one case in this process and prints its lines as JSON."""
    with tempfile.TemporaryDirectory(prefix="lapjoint-bench-") as folder:
        side = Side(name, pathlib.Path(folder))
        try:
            for line in getattr(side, case)():
                print(json.dumps(line), flush=True)
        finally:
            side.schema.drop()


def measured(name, case):
    done = subprocess.run([sys.executable, __file__, "--work", name, case], capture_output=True, text=True)
    if done.returncode:
        print(f"  {name} could not run {case}: {done.stderr.strip().splitlines()[-1][:120]}", file=sys.stderr)
    return {what: (figure, unit) for what, figure, unit in map(json.loads, done.stdout.splitlines())}


def shown(figure, unit):
    if unit == "s":
        return f"{figure * 1000:.1f} ms" if figure < 1 else f"{figure:.2f} s"
    return f"{figure:.2f} {unit}" if isinstance(figure, float) else f"{figure:,} {unit}"


def main():
    print(f"{'':<42} {'datajoint':>16} {'lapjoint':>16} {'ratio':>8}")
    for case in sys.argv[1:] or CASES:
        ours, theirs = measured("lapjoint", case), measured("datajoint", case)
        for what, (figure, unit) in ours.items():
            other = theirs.get(what)
            ratio = f"{other[0] / figure:.1f}×" if other and figure else ""
            print(f"{what:<42} {shown(*other) if other else '-':>16} {shown(figure, unit):>16} {ratio:>8}", flush=True)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--work"]:
        work(*sys.argv[2:])
    else:
        main()
