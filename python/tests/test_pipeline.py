"""The pipelines of examples/pipeline.py over real data: killed again and again, they end as if nothing had happened."""

import hashlib
import os
import pathlib
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

import lapjoint as dj

EXAMPLE = pathlib.Path(__file__).parents[2] / "examples" / "pipeline.py"


def started(folder, workers):
    command = [sys.executable, EXAMPLE, folder, str(workers)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True)


def finished(folder, workers=1):
    process = started(folder, workers)
    output, _ = process.communicate(timeout=300)
    assert process.returncode == 0, output
    return output


def contents(folder):
    """Every row of every table, arrays read, and what the stores hold beside them."""
    dj.config["database.backend"] = "sqlite"
    dj.config["database.name"] = str(folder / "database")
    dj.config["stores"] = {"default": "main", "main": {"protocol": "file", "location": str(folder / "store")}}
    dj.conn(reset=True)
    schema = dj.Schema("pipeline", create_tables=False)
    digests = {}
    for table in schema:
        digest = hashlib.sha256()
        for row in table.to_dicts(order_by="KEY"):
            for name, value in row.items():
                value = np.asarray(value) if isinstance(value, dj.NpyRef) else value
                digest.update(name.encode() + (value.tobytes() if isinstance(value, np.ndarray) else repr(value).encode()))
        digests[table.table_name] = (len(table), digest.hexdigest())
    jobs = {job.full_table_name: job.progress() for job in schema.jobs}
    unused = dj.gc.GarbageCollector(schema).collect(dry_run=True)
    dj.conn(reset=True)
    return digests, jobs, unused


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    folder = tmp_path_factory.mktemp("undisturbed")
    output = finished(folder)
    assert "Fluorescence         made   9, 9 of 9 are there" in output and "made  15, 15 of 15" in output
    return contents(folder)


@pytest.mark.parametrize("workers", [1, 2])
def test_killed_pipelines_are_resumed(undisturbed, tmp_path, workers):
    kills = 0
    # A fast machine is done after a second: the first ones are killed as they begin, the later ones at some table on the way.
    for tenths in (2, 3, 4, 5, 6, 7, 8, 12):
        process = started(tmp_path, workers)
        time.sleep(tenths / 10)
        if process.poll() is None:
            # The workers of a pool die with it: they are of its group.
            os.killpg(process.pid, signal.SIGKILL)
            kills += 1
        process.communicate()
    assert kills
    # What killed workers had reserved is free again a few seconds later.
    deadline = time.monotonic() + 60
    while finished(tmp_path, workers).count("made   0,") < 7:
        assert time.monotonic() < deadline
        time.sleep(1)
    time.sleep(6)
    finished(tmp_path, workers)
    digests, jobs, unused = contents(tmp_path)
    assert digests == undisturbed[0]
    assert all(count["reserved"] == count["error"] == count["pending"] == 0 for count in jobs.values()), jobs
    assert unused["hash_paths_orphaned"] == unused["schema_paths_orphaned"] == 0, unused


def test_two_of_them_side_by_side(undisturbed, tmp_path):
    outputs = []
    processes = [started(tmp_path, 1) for _ in range(2)]
    for process in processes:
        output, _ = process.communicate(timeout=300)
        assert process.returncode == 0, output
        outputs.append(output)
    # One may end before the other has done its last job.
    finished(tmp_path)
    assert contents(tmp_path)[0] == undisturbed[0]
