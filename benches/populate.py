"""Populate of 1,000 trivial makes against datajoint 2.3.5 on the same server: alone, by jobs, and by two processes.

    LAPJOINT_TEST_POSTGRES=postgresql://user@host/database python benches/populate.py

LAPJOINT_TEST_MYSQL names a MySQL or MariaDB server, which is measured as well. Each figure is the best of three, of a fresh process
each; the two take turns.
"""

import json
import os
import subprocess
import sys
import time
import uuid

from declaring import SERVERS, connection_of
from tables import shown

RUNS = 3
KEYS = 1000
WAYS = {"alone": {}, "by jobs": {"reserve_jobs": True}, "by two processes": {"processes": 2}}


def pipeline(dj, connection, name):
    """A table of numbers, and one that is made of them."""
    schema = dj.Schema(name, connection=connection)

    class Number(dj.Manual):
        definition = "n : int32"

    class Square(dj.Computed):
        definition = """
        -> Number
        ---
        square : int64
        """

        def make(self, key):
            self.insert1({**key, "square": key["n"] ** 2})

    schema(Number, context={})
    schema(Square, context={"Number": Number})
    return schema, Number, Square


def one(package, address, way):
    """Seconds of one run, printed as json."""
    dj, connection = connection_of(package, address)
    dj.config["safemode"] = False
    schema, Number, Square = pipeline(dj, connection, f"bench_{uuid.uuid4().hex[:10]}")
    try:
        Number.insert([{"n": n} for n in range(KEYS)])
        if way == "by jobs":
            Square.jobs.refresh(delay=-1)
            options = {**WAYS[way], "refresh": False}
        else:
            options = WAYS[way]
        start = time.perf_counter()
        done = Square.populate(**options)
        seconds = time.perf_counter() - start
        assert done["success_count"] == KEYS, done
    finally:
        schema.drop(prompt=False)
    print(json.dumps(seconds))


def measured(package, address, way):
    command = [sys.executable, __file__, package, address, way]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        sys.exit(done.stderr)
    return float(done.stdout.splitlines()[-1])


def main():
    for server, variable in SERVERS.items():
        address = os.environ.get(variable)
        if not address:
            print(f"not measured: {variable} is not set")
            continue
        for way in WAYS:
            times = {"datajoint": [], "lapjoint": []}
            for _ in range(RUNS):
                for package, seen in times.items():
                    seen.append(measured(package, address, way))
            ours, theirs = min(times["lapjoint"]), min(times["datajoint"])
            print(f"{server:<11} {way:<17} lapjoint {shown(ours, 's'):>9}  datajoint {shown(theirs, 's'):>9}  {theirs / ours:5.1f}×", flush=True)


if __name__ == "__main__":
    if len(sys.argv) == 4:
        one(*sys.argv[1:])
    else:
        main()
