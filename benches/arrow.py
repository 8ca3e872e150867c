"""Queries as Arrow against rows and against datajoint 2.3.5: speed, and memory at its peak. Each case in a process of its own.

    python benches/arrow.py

200,000 rows of four scalars. Lapjoint works on SQLite in a folder and on the server of `LAPJOINT_TEST_POSTGRES`, DataJoint on the
same server. Times are the best of three; memory is what the process had at most above what it had before.
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
DEFINITION = "id : int32\n---\na : float64\nb : int64\nc : varchar(20)"
POSTGRES = os.environ.get("LAPJOINT_TEST_POSTGRES")


def package(side):
    """The package of a side, connected."""
    if side == "datajoint":
        import urllib.parse

        import datajoint as dj

        at = urllib.parse.urlsplit(POSTGRES)
        dj.config["database.backend"] = "postgresql"
        dj.config["database.name"] = at.path.strip("/")
        dj.config["database.port"] = at.port or 5432
        dj.conn(at.hostname, at.username, at.password)
        dj.logger.setLevel("ERROR")
    else:
        import lapjoint as dj

        if side == "lapjoint, PostgreSQL":
            dj.config["database.url"] = POSTGRES
        else:
            dj.config["database.backend"] = "sqlite"
            dj.config["database.name"] = os.environ["BENCH_FOLDER"]
    dj.config["safemode"] = False
    return dj


def peak():
    """Largest size of the process so far, in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def work(side, case, name):
    """One case in this process."""
    dj = package(side)
    import pandas  # noqa: F401 (imports are not measured)
    import polars
    import pyarrow as pa

    schema = dj.Schema(name)
    table = schema(type("Row", (dj.Manual,), {"definition": DEFINITION}))()
    if case == "fill":
        rows = [{"id": i, "a": i / 7, "b": i * i, "c": f"row {i}"} for i in range(ROWS)]
        for first in range(0, ROWS, 50_000):
            table.insert(rows[first : first + 50_000])
        return
    if case == "drop":
        schema.drop()
        return
    cases = {
        "to_dicts": table.to_dicts,
        "to_arrays": lambda: table.to_arrays("id", "a", "b", "c"),
        "to_arrow": table.to_arrow,
        "to_pandas": table.to_pandas,
        "to_polars": table.to_polars,
        "pyarrow.table(query)": lambda: pa.table(table),
        "polars.DataFrame(query)": lambda: polars.DataFrame(table),
        "batches, one by one": lambda: sum(batch.num_rows for batch in table.to_arrow_batches()),
    }
    run, before = cases[case], peak()
    seconds = []
    for _ in range(RUNS):
        started = time.perf_counter()
        found = run()
        seconds.append(time.perf_counter() - started)
        del found
        if len(seconds) == 1:
            used = peak() - before
    print(json.dumps([min(seconds), used]))


def measured(side, case, name):
    done = subprocess.run([sys.executable, __file__, "--work", side, case, name], capture_output=True, text=True)
    if done.returncode:
        print(f"  {side} could not run {case}: {(done.stderr.strip().splitlines() or ['?'])[-1][:120]}", file=sys.stderr)
        return None
    # DataJoint's log is on the same output.
    last = (done.stdout.strip().splitlines() or [""])[-1]
    return json.loads(last) if last.startswith("[") and case not in ("fill", "drop") else None


def main():
    sides = ["lapjoint, SQLite", *(["lapjoint, PostgreSQL", "datajoint"] if POSTGRES else [])]
    cases = [
        "to_dicts", "to_arrays", "to_arrow", "to_pandas", "to_polars", "pyarrow.table(query)", "polars.DataFrame(query)",
        "batches, one by one",
    ]  # fmt: skip
    with tempfile.TemporaryDirectory(prefix="lapjoint-bench-") as folder:
        os.environ["BENCH_FOLDER"] = str(pathlib.Path(folder) / "database")
        names = {side: f"bench_{uuid.uuid4().hex[:8]}" for side in sides}
        for side in sides:
            measured(side, "fill", names[side])
        print(f"{ROWS:,} rows of four scalars" + "".join(f"{side:>26}" for side in sides))
        for case in cases:
            line = f"{case:<31}"
            for side in sides:
                ours = side != "datajoint"
                found = measured(side, case, names[side]) if ours or case.startswith("to_") else None
                line += f"{f'{found[0] * 1000:,.0f} ms, {found[1]:,.0f} MB' if found else '-':>26}"
            print(line, flush=True)
        for side in sides:
            measured(side, "drop", names[side])


if __name__ == "__main__":
    if sys.argv[1:2] == ["--work"]:
        work(*sys.argv[2:])
    else:
        main()
