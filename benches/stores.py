"""Objects in S3, 20 ms a request, against datajoint 2.3.5 in the same run.

    python benches/stores.py PROGRAM

PROGRAM is `lapjoint-testing`, built in release: it serves S3 and delays requests. Lapjoint works on SQLite in a folder; datajoint on the
PostgreSQL server of LAPJOINT_TEST_POSTGRES (a URL), without which only Lapjoint's figures are printed. Each side is a process of its own.
"""

import json
import os
import pathlib
import subprocess
import sys
import tempfile
import time
import urllib.parse
import uuid

DELAY_MS = 20
KEYS = {"bucket": "bucket", "access_key": "AKIATESTING", "secret_key": "hunter2-and-more"}


class Program:
    """A server or proxy; its address, and what has passed."""

    def __init__(self, *command):
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.address = self.process.stdout.readline().strip()

    def counts(self):
        """Requests, bytes sent and bytes received so far."""
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        return [int(count) for count in self.process.stdout.readline().split()]


def side(name, address, folder):
    """One side's figures, asked for by a parent that counts what passes: a line begins and a line ends each."""
    import numpy as np

    if name == "lapjoint":
        import lapjoint as dj

        dj.config["database.name"] = str(pathlib.Path(folder, "database"))
    else:
        url = urllib.parse.urlsplit(os.environ["LAPJOINT_TEST_POSTGRES"])
        os.environ.update(DJ_BACKEND="postgresql", DJ_HOST=url.hostname, DJ_PORT=str(url.port or 5432))
        os.environ.update(DJ_USER=url.username or "postgres", DJ_PASS=url.password or "")
        os.environ.update(DJ_DATABASE_NAME=url.path.strip("/") or "postgres")
        import datajoint as dj

        dj.logger.setLevel("ERROR")
    settings = {"protocol": "s3", "endpoint": address, "secure": False, "location": f"bench/{uuid.uuid4()}", **KEYS}
    dj.config["stores"] = {"default": "s3", "s3": settings}
    dj.config["safemode"] = False
    schema = dj.Schema(f"bench_{uuid.uuid4().hex[:8]}")
    random = np.random.default_rng(1)

    def table(definition):
        return schema(type("T" + uuid.uuid4().hex[:10], (dj.Manual,), {"definition": definition}))()

    def measure(what, work):
        print("begin", flush=True)
        sys.stdin.readline()
        started = time.perf_counter()
        work()
        print(json.dumps([what, time.perf_counter() - started]), flush=True)
        sys.stdin.readline()

    traces = table("id : int32\n---\ntrace : <blob@s3>")
    # The first object finds out what the service can do; connections are made.
    traces.insert1({"id": -1, "trace": 0})
    rows = [{"id": i, "trace": random.normal(size=25_000)} for i in range(100)]
    measure("insert 100 × 200 KB `<blob@s3>`", lambda: traces.insert(rows))
    measure("fetch them", lambda: (traces & "id >= 0").to_arrays("trace"))
    arrays = table("id : int32\n---\nvalues : <npy@s3>")
    arrays.insert1({"id": 1, "values": random.normal(size=25_000_000)})
    array = arrays.fetch1("values")
    measure("slice 10:20 of a 200 MB `<npy@s3>`", lambda: array[10:20])
    (schema.drop if name == "datajoint" else lambda: None)()


def run(name, program):
    server = Program(program, "s3")
    proxy = Program(program, "delay", server.address, str(DELAY_MS))
    figures = {}
    with tempfile.TemporaryDirectory() as folder:
        child = subprocess.Popen(
            [sys.executable, __file__, name, proxy.address, folder], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        before = None
        for line in child.stdout:
            if line == "begin\n":
                before = proxy.counts()
            else:
                what, seconds = json.loads(line)
                passed = [after - earlier for after, earlier in zip(proxy.counts(), before)]
                figures[what] = (seconds, passed[0], passed[2])
            child.stdin.write("\n")
            child.stdin.flush()
        child.wait()
    for one in (proxy, server):
        one.process.kill()
    return figures


def main(program):
    ours = run("lapjoint", program)
    theirs = run("datajoint", program) if os.environ.get("LAPJOINT_TEST_POSTGRES") else {}
    print("| | datajoint | Lapjoint | ratio | requests | bytes received |\n|---|---|---|---|---|---|")
    for what, (seconds, requests, received) in ours.items():
        other = theirs.get(what)
        shown = f"{other[0]:.2f} s | {seconds:.3f} s | {other[0] / seconds:.0f}×" if other else f"– | {seconds:.3f} s | –"
        counts = f"{other[1]} → {requests} | {other[2]:,} → {received:,}" if other else f"{requests} | {received:,}"
        print(f"| {what} | {shown} | {counts} |")


if __name__ == "__main__":
    main(sys.argv[1]) if len(sys.argv) == 2 else side(*sys.argv[1:])
