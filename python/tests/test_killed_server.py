"""The server is killed while rows with objects are inserted; when it is back, rows and objects agree."""

import os
import subprocess
import sys
import time

import pytest
from servers import Mariadb, Postgres

import lapjoint as dj

KILLS = int(os.environ.get("LAPJOINT_SERVER_KILLS", "3"))
WRITER = """
import sys, numpy as np, lapjoint as dj
url, store, first = sys.argv[1], sys.argv[2], int(sys.argv[3])
stores = {"default": "main", "main": {"protocol": "file", "location": store}}
table = dj.Instance(database__url=url, stores=stores).Schema("killed")["Item"]
number = first
while True:
    rows = [
        {"id": number + i, "plain": f"row {number + i}", "value": {"shared": i % 5}, "array": np.arange(number + i + 1)}
        for i in range(20)
    ]
    table.insert(rows)
    print(number, flush=True)
    number += 20
"""


@pytest.mark.parametrize("kind", [Postgres, Mariadb], ids=["postgres", "mariadb"])
def test_a_server_is_killed_during_inserts(kind, tmp_path_factory):
    if not kind.available:
        pytest.skip(f"the programs of {kind.__doc__} are not installed")
    folder = tmp_path_factory.mktemp("server")
    store = tmp_path_factory.mktemp("store")
    server = kind(folder)

    def opened():
        stores = {"default": "main", "main": {"protocol": "file", "location": str(store)}}
        return dj.Instance(database__url=server.url, stores=stores, safemode=False)

    try:
        instance = opened()
        definition = "id : int32\n---\nplain : varchar(40)\nvalue : <blob@>\narray : <npy@>"
        instance.Schema("killed")(type("Item", (dj.Manual,), {"definition": definition}), context={})
        instance.connection.close()
        acknowledged, first = set(), 0
        for kill in range(KILLS):
            command = [sys.executable, "-c", WRITER, server.url, str(store), str(first)]
            writer = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
            writer.stdout.readline()
            time.sleep(0.3 + 0.17 * kill)
            server.kill()
            out, error = writer.communicate(timeout=60)
            assert "Lost" in error or "cannot be reached" in error, error
            acknowledged.add(first)
            acknowledged.update(int(line) for line in out.split())
            server.start()
            instance = opened()
            table = instance.Schema("killed")["Item"]
            found = {row["id"]: row for row in table.to_dicts()}
            assert len(found) % 20 == 0, "an insert is half done"
            lost = [number for start in acknowledged for number in range(start, start + 20) if number not in found]
            assert not lost, f"acknowledged rows are lost: {lost}"
            for number, row in found.items():
                assert row["plain"] == f"row {number}" and len(row["array"].load()) == number + 1
            stored = [path for path in store.rglob("*.npy")]
            assert len(stored) == len(found), f"{len(stored)} arrays for {len(found)} rows"
            first = max(found) + 1
            instance.connection.close()
    finally:
        server.kill()
