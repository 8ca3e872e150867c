"""Threads, forks and fresh processes."""

import os
import subprocess
import sys
import threading

import numpy as np
from forked import exit_code

import lapjoint as dj


def declare(schema):
    @schema
    class Made(dj.Manual):
        definition = """
        worker : int32
        number : int32
        ---
        inline : <blob>
        stored : <blob@>
        array : <npy@>
        """

    return Made


def row(worker, number):
    # Large enough that compression is spread over threads.
    large = np.round(np.arange(200_000) * 0.37) % (10 + worker)
    return {"worker": worker, "number": number, "inline": large, "stored": large, "array": large[:100]}


def test_eight_threads(schema):
    table = declare(schema)
    errors = []

    def work(worker):
        try:
            for number in range(3):
                table.insert1(row(worker, number))
                back = (table & {"worker": worker, "number": number}).fetch1()
                assert np.array_equal(back["stored"], row(worker, number)["stored"])
        except BaseException as error:  # noqa: BLE001 - reported by the main thread
            errors.append(error)

    threads = [threading.Thread(target=work, args=(worker,)) for worker in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert not errors and len(table()) == 24


def test_a_forked_child_inserts_and_fetches(schema):
    table = declare(schema)
    table.insert1(row(0, 0))
    assert np.array_equal(table.fetch1("stored"), row(0, 0)["stored"])
    child = os.fork()
    if child == 0:
        try:
            table.insert1(row(1, 0))
            same = np.array_equal((table & {"worker": 1}).fetch1("array").load(), row(1, 0)["array"])
            os._exit(0 if same and len(table()) == 2 else 1)
        finally:
            os._exit(2)
    assert exit_code(child) == 0
    table.insert1(row(2, 0))
    assert len(table()) == 3


def test_a_fresh_process_finds_everything(schema, tmp_path):
    table = declare(schema)
    table.insert1(row(5, 1))
    code = f"""
import lapjoint as dj
dj.config["database.backend"] = "sqlite"
dj.config["database.name"] = {str(tmp_path / "database")!r}
dj.config["stores"] = {{"default": "main", "main": {{"protocol": "file", "location": {str(tmp_path / "store")!r}}}}}
schema = dj.Schema("lab")
@schema
class Made(dj.Manual):
    definition = "worker : int32"
print(Made.heading.names, Made.fetch1("stored").shape)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout == "['worker', 'number', 'inline', 'stored', 'array'] (200000,)\n", done.stderr


def test_import_needs_numpy_only():
    code = "import sys, lapjoint; print(sorted({'pandas', 'networkx', 'fsspec', 'pydantic'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout == "[]\n", done.stderr
