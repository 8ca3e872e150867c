"""Declaring and activating 50 tables, and a program's first query, against datajoint 2.3.5 on the same server.

    LAPJOINT_TEST_POSTGRES=postgresql://user@host/database python benches/declaring.py

LAPJOINT_TEST_MYSQL names a MySQL or MariaDB server, which is measured as well; Lapjoint is measured on SQLite, too, and compared
with datajoint on the first server. The tables are chains of foreign keys with parts, as pipelines have them. Each figure is the
best of three, of a fresh process each.
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

from tables import shown

RUNS = 3
SERVERS = {"PostgreSQL": "LAPJOINT_TEST_POSTGRES", "MariaDB": "LAPJOINT_TEST_MYSQL"}


def connection_of(package, address):
    """A connection of either package; `address` is a server's, or a folder."""
    if package == "lapjoint":
        import lapjoint as dj

        if "://" in address:
            return dj, dj.Connection(address, use_tls=False)
        dj.config["database.backend"], dj.config["database.name"] = "sqlite", address
        return dj, dj.Connection()
    import datajoint as dj

    parts = urllib.parse.urlsplit(address)
    backend = "postgresql" if parts.scheme.startswith("postgres") else "mysql"
    dj.logger.setLevel("ERROR")
    dj.config["database.backend"] = backend
    if backend == "postgresql":
        dj.config["database.name"] = parts.path.strip("/") or "postgres"
    connection = dj.Connection(
        parts.hostname, parts.username, parts.password or "", port=parts.port, backend=backend, use_tls=False
    )
    return dj, connection


def tables(dj):
    """Ten chains of four tables, one of which has a part: 50 tables."""
    made = []
    for chain in "Abcdefghij":
        name = chain.upper()
        piece = type("Piece", (dj.Part,), {"definition": "-> master\npiece : int16\n---\nsize : float64"})
        made += [
            type(f"{name}Subject", (dj.Manual,), {"definition": "id : int32\n---\nname : varchar(40)\nborn = null : date"}),
            type(f"{name}Session", (dj.Manual,), {"definition": f"-> {name}Subject\nnumber : int16\n---\nnote = '' : varchar(200)"}),
            type(
                f"{name}Recording", (dj.Manual,), {"definition": f"-> {name}Session\nrecording : int16\n---\nrate : float64", "Piece": piece}
            ),
            type(f"{name}Analysis", (dj.Manual,), {"definition": f"-> {name}Recording\n---\nscore : float64\nmore = null : json"}),
        ]  # fmt: skip
    return made


def work(package, case, address, schema_name):
    """Runs one case in this process; prints its seconds."""
    if case == "first query":
        started = time.perf_counter()
        dj, connection = connection_of(package, address)
        table = dj.FreeTable(connection, f'"{schema_name}"."a_subject"' if "postgres" in address else f"`{schema_name}`.`a_subject`")
        assert len(table.to_dicts()) == 0
        print(time.perf_counter() - started)
        return
    dj, connection = connection_of(package, address)
    if case == "drop":
        dj.config["safemode"] = False
        connection._config["safemode"] = False
        dj.Schema(schema_name, connection=connection).drop(prompt=False)
        return
    made = tables(dj)
    started = time.perf_counter()
    if case == "virtual module":
        module = dj.VirtualModule("bench", schema_name, connection=connection)
        assert len(module.AAnalysis.heading.names) == 5
    else:
        schema = dj.Schema(schema_name, connection=connection)
        context = {}
        for table in made:
            schema(table, context=context)
            context[table.__name__] = table
    print(time.perf_counter() - started)


def measured(package, case, address, schema_name):
    """Seconds of one case in a process of its own."""
    done = subprocess.run(
        [sys.executable, __file__, "--work", package, case, address, schema_name], capture_output=True, text=True,
        env=os.environ | {"DJ_IGNORE_CONFIG_FILE": "true"},
    )  # fmt: skip
    if done.returncode:
        sys.exit(f"{package} could not run {case}: {done.stderr.strip()[-400:]}")
    return json.loads(done.stdout.splitlines()[-1]) if case != "drop" else None


def figures(package, address):
    """The best seconds of all cases."""
    best = {}
    for _ in range(RUNS):
        name = f"bench_{uuid.uuid4().hex[:8]}"
        for case in ("declare", "activate", "virtual module", "first query"):
            seconds = measured(package, case, address, name)
            best[case] = min(best.get(case, seconds), seconds)
        measured(package, "drop", address, name)
    return best


TITLES = {
    "declare": "declare 50 tables",
    "activate": "activate them again",
    "virtual module": "virtual module of them",
    "first query": "import, connect, first query",
}


def main():
    addresses = {title: os.environ[variable] for title, variable in SERVERS.items() if os.environ.get(variable)}
    if not addresses:
        sys.exit("Set LAPJOINT_TEST_POSTGRES or LAPJOINT_TEST_MYSQL to the address of a server.")
    theirs = {title: figures("datajoint", address) for title, address in addresses.items()}
    with tempfile.TemporaryDirectory(prefix="lapjoint-bench-") as folder:
        ours = {title: figures("lapjoint", address) for title, address in addresses.items()}
        ours["SQLite"] = figures("lapjoint", str(pathlib.Path(folder) / "database"))
    print(f"{'':<44} {'datajoint':>16} {'lapjoint':>16} {'ratio':>8}")
    for title, best in ours.items():
        other = theirs.get(title) or next(iter(theirs.values()))
        for case, seconds in best.items():
            print(f"{title + ': ' + TITLES[case]:<44} {shown(other[case], 's'):>16} {shown(seconds, 's'):>16} {other[case] / seconds:>7.1f}×")


if __name__ == "__main__":
    if sys.argv[1:2] == ["--work"]:
        work(*sys.argv[2:])
    else:
        main()
