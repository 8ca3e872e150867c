"""Tables on a database server and an S3 store against datajoint 2.3.5 on the same ones, each in a process of its own.

    LAPJOINT_TEST_POSTGRES=postgresql://user@host/database python benches/servers.py [CASE ...]

The S3 store is moto's server behind a proxy that waits 20 ms before each request and counts them. Figures are the best of three;
ratios say how many times faster Lapjoint is. With LAPJOINT_TEST_MYSQL set and no PostgreSQL, MySQL or MariaDB is measured.
"""

import contextlib
import json
import os
import pathlib
import re
import resource
import subprocess
import sys
import tempfile
import time
import urllib.parse
import urllib.request
import uuid

from tables import best, shown

ROWS = 200_000
DELAY_MS = 20
URL = os.environ.get("LAPJOINT_TEST_POSTGRES") or os.environ.get("LAPJOINT_TEST_MYSQL")


class Side:
    """One of the two packages, with a schema of its own on the server."""

    def __init__(self, name, folder, s3_port):
        import numpy as np

        self.np, self.is_ours, self.s3_port = np, name == "lapjoint", s3_port
        self.random = np.random.default_rng(1)
        parts = urllib.parse.urlsplit(URL)
        if self.is_ours:
            import lapjoint as dj

            connection = dj.Connection(URL)
        else:
            import datajoint as dj

            dj.logger.setLevel("ERROR")
            backend = "postgresql" if parts.scheme.startswith("postgres") else "mysql"
            dj.config["database.backend"] = backend
            dj.config["database.name"] = parts.path.strip("/") or "postgres"
            connection = dj.Connection(
                parts.hostname, parts.username, parts.password or "", port=parts.port, backend=backend, use_tls=False
            )
        (folder / "store").mkdir(exist_ok=True)
        s3 = {"protocol": "s3", "endpoint": f"127.0.0.1:{s3_port}", "bucket": "bench", "location": uuid.uuid4().hex[:8]}
        s3 |= {"access_key": "test", "secret_key": "test", "secure": False}
        stores = {"default": "file", "file": {"protocol": "file", "location": str(folder / "store")}, "s3": s3}
        for config in (dj.config, connection._config):
            config["stores"] = stores
            config["safemode"] = False
        self.dj, self.connection = dj, connection
        self.schema = dj.Schema(f"bench_{uuid.uuid4().hex[:8]}", connection=connection)

    def table(self, definition):
        name = "T" + uuid.uuid4().hex[:10]
        return self.schema(type(name, (self.dj.Manual,), {"definition": definition}), context={})()

    def counted(self):
        """Requests and bytes at the S3 store since the last call."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self.s3_port}/~count") as answer:
            return json.load(answer)

    # The cases: each gives lines of (what, seconds or figure, unit).

    def scalars(self):
        """200,000 rows of four scalars."""
        definition = "id : int32\n---\na : float64\nb : int64\nc : varchar(20)"
        rows = [{"id": i, "a": i / 7, "b": i * i, "c": f"row {i}"} for i in range(ROWS)]
        yield f"insert {ROWS} rows", best(lambda table: table.insert(rows), lambda: self.table(definition)), "s"
        table = self.table(definition)
        table.insert(rows)
        yield f"fetch {ROWS} rows as dicts", best(table.to_dicts), "s"
        yield f"fetch {ROWS} rows as arrays", best(table.to_arrays), "s"
        yield f"fetch {ROWS} rows as pandas", best(table.to_pandas), "s"

    def small(self):
        """5,000 small values in `<blob>`."""
        rows = [{"id": i, "x": {"n": i, "v": [1.0, 2.0]}} for i in range(5000)]
        definition = "id : int32\n---\nx : <blob>"
        yield "insert 5,000 small <blob>", best(lambda table: table.insert(rows), lambda: self.table(definition)), "s"
        table = self.table(definition)
        table.insert(rows)
        yield "fetch 5,000 small <blob>", best(table.to_dicts), "s"

    def megabytes(self):
        """200 arrays of 1 MB in `<blob@file>`."""
        definition = "id : int32\n---\nx : <blob@file>"

        def prepare():
            rows = [{"id": i, "x": self.random.normal(size=1 << 17)} for i in range(200)]
            return self.table(definition), rows

        yield "insert 200 × 1 MB <blob@file>", best(lambda given: given[0].insert(given[1]), prepare), "s"

    def s3(self):
        """100 values of 200 KB in `<blob@s3>`, 20 ms a request."""
        definition = "id : int32\n---\nx : <blob@s3>"

        def prepare():
            rows = [{"id": i, "x": self.random.bytes(200_000)} for i in range(100)]
            return self.table(definition), rows

        yield "insert 100 × 200 KB <blob@s3>", best(lambda given: given[0].insert(given[1]), prepare), "s"
        table, rows = prepare()
        self.counted()
        table.insert(rows)
        yield "requests for the insert", self.counted()["requests"], "requests"
        yield "fetch 100 × 200 KB <blob@s3>", best(table.to_dicts), "s"
        self.counted()
        assert table.to_dicts()[99]["x"] == rows[99]["x"]
        yield "requests for the fetch", self.counted()["requests"], "requests"

    def slices(self):
        """Rows 10:20 of a 200 MB array of shape (25,000, 1,000) on S3."""
        table = self.table("id : int32\n---\nx : <npy@s3>")
        array = self.random.normal(size=(25_000, 1_000))
        table.insert1({"id": 1, "x": array})
        reference = table.fetch1("x")
        self.counted()
        started = time.perf_counter()
        assert (reference[10:20] == array[10:20]).all()
        yield "slice 10:20 of 200 MB <npy@s3>", time.perf_counter() - started, "s"
        counted = self.counted()
        yield "bytes transferred for it", counted["received_bytes"], "bytes"
        yield "requests for it", counted["requests"], "requests"

    def large(self):
        """A 1 GB array in `<blob@file>`: peak memory of the process."""
        table = self.table("id : int32\n---\nx : <blob@file>")
        array = self.random.normal(size=1 << 27)
        started = time.perf_counter()
        table.insert1({"id": 1, "x": array})
        yield "insert 1 GB <blob@file>", time.perf_counter() - started, "s"
        yield "peak memory of the insert", resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e9, "GB"


CASES = ("scalars", "small", "megabytes", "s3", "slices", "large")


@contextlib.contextmanager
def s3_server():
    """moto's server with a bucket, behind the proxy; gives the proxy's port."""
    import socket

    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    moto = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
    server = subprocess.Popen(moto, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    proxy = None
    try:
        request = urllib.request.Request(f"http://127.0.0.1:{port}/bench", method="PUT")
        for _ in range(200):
            with contextlib.suppress(OSError):
                urllib.request.urlopen(request).close()
                break
            time.sleep(0.1)
        delaying = pathlib.Path(__file__).with_name("delaying.py")
        proxy = subprocess.Popen([sys.executable, delaying, str(port), str(DELAY_MS)], stdout=subprocess.PIPE, text=True)
        yield int(proxy.stdout.readline())
    finally:
        for process in (proxy, server):
            if process:
                process.kill()


def work(name, case, port):
    """Runs one case in this process and prints its lines as JSON."""
    with tempfile.TemporaryDirectory(prefix="lapjoint-bench-") as folder:
        side = Side(name, pathlib.Path(folder), int(port))
        try:
            for line in getattr(side, case)():
                print(json.dumps(line), flush=True)
        finally:
            side.schema.drop(prompt=False)


def measured(name, case, port):
    command = [sys.executable, __file__, "--work", name, case, str(port)]
    done = subprocess.run(command, capture_output=True, text=True, env=os.environ | {"DJ_IGNORE_CONFIG_FILE": "true"})
    if done.returncode:
        print(f"  {name} could not run {case}: {done.stderr.strip().splitlines()[-1][:200]}", file=sys.stderr)
    lines = [line for line in done.stdout.splitlines() if line.startswith("[") and not re.match(r"\[\d{4}-", line)]
    return {what: (figure, unit) for what, figure, unit in map(json.loads, lines)}


def main():
    if not URL:
        sys.exit("Set LAPJOINT_TEST_POSTGRES or LAPJOINT_TEST_MYSQL to the address of a server.")
    print(f"{'on ' + URL.partition(':')[0]:<42} {'datajoint':>16} {'lapjoint':>16} {'ratio':>8}")
    with s3_server() as port:
        for case in sys.argv[1:] or CASES:
            ours, theirs = measured("lapjoint", case, port), measured("datajoint", case, port)
            for what, (figure, unit) in ours.items():
                other = theirs.get(what)
                ratio = f"{other[0] / figure:.1f}×" if other and figure else ""
                print(f"{what:<42} {shown(*other) if other else '-':>16} {shown(figure, unit):>16} {ratio:>8}", flush=True)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--work"]:
        work(*sys.argv[2:])
    else:
        main()
