"""Many workers on one table of jobs: processes, killed and started again, and executors.

`LAPJOINT_TEST_WORKERS=8x2000` says how many processes and jobs; by default few.
"""

import collections
import concurrent.futures
import multiprocessing
import os
import pathlib
import random
import signal
import subprocess
import sys
import time

import pytest

HERE = pathlib.Path(__file__).parent
PROCESSES, JOBS = map(int, os.environ.get("LAPJOINT_TEST_WORKERS", "3x90").split("x"))


@pytest.fixture
def program(database, tmp_path):
    """The pipeline's module, anew and bound to a schema of the database."""
    sys.modules.pop("worker_program", None)
    sys.path.insert(0, str(HERE))
    import worker_program

    place = database.connection._config.get("database.url") or str(tmp_path / "database")
    name = f"test_workers_{os.urandom(5).hex()}"
    worker_program.connect(place, name, 2)
    worker_program.place, worker_program.name = place, name
    yield worker_program
    worker_program.schema.drop(prompt=False)
    worker_program.schema.connection.close()
    sys.path.remove(str(HERE))


def start(program):
    command = [sys.executable, HERE / "worker_program.py", program.name, program.place]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def outcome(worker):
    out, err = worker.communicate(timeout=500)
    assert worker.returncode == 0, err
    return int(out.split()[-1])


def assert_each_once(program, jobs):
    log = collections.Counter(program.Log.to_arrays("n").tolist())
    assert set(log.values()) == {1} and len(log) == jobs
    assert len(program.Result()) == jobs and program.Result.progress() == (0, jobs)
    assert program.Result.jobs.progress()["total"] == 0


def test_processes_share_the_jobs(program):
    program.Item.insert({"n": n} for n in range(JOBS))
    program.Result.jobs.refresh(delay=-1)
    workers = [start(program) for _ in range(PROCESSES)]
    made = [outcome(worker) for worker in workers]
    assert sum(made) == JOBS
    assert_each_once(program, JOBS)


def test_killed_workers_lose_nothing(program):
    program.Item.insert({"n": n} for n in range(JOBS))
    program.Result.jobs.refresh(delay=-1)
    workers = [start(program) for _ in range(PROCESSES)]
    killed = 0
    for _ in range(PROCESSES):
        # When all of them are at work, one of them dies.
        seen = len(program.Result())
        deadline = time.monotonic() + 30
        while len(program.Result()) < seen + 3 and time.monotonic() < deadline:
            time.sleep(0.01)
        victim = random.choice(workers)
        if victim.poll() is None:
            victim.send_signal(signal.SIGKILL)
            killed += 1
        victim.communicate()
        workers[workers.index(victim)] = start(program)
    assert killed
    for worker in workers:
        outcome(worker)
    # What the dead had reserved goes to others once their leases have ended.
    deadline = time.monotonic() + 30
    while program.Result.progress()[0] and time.monotonic() < deadline:
        time.sleep(0.2)
        outcome(start(program))
    assert_each_once(program, JOBS)


def test_threads_have_sessions_of_their_own(program):
    program.Item.insert({"n": n} for n in range(20))
    with concurrent.futures.ThreadPoolExecutor(3) as executor:
        assert program.InParts.populate("n < 10", executor=executor) == {"success_count": 10, "error_list": []}
        assert program.InParts.populate(executor=executor, reserve_jobs=True)["success_count"] == 10
        assert program.Result.populate(executor=executor)["success_count"] == 20
    assert sorted(program.InParts.to_arrays("doubled").tolist()) == [2 * n for n in range(20)]


def test_executors_with_processes(program):
    program.Item.insert({"n": n} for n in range(6))
    context = multiprocessing.get_context("fork")
    with concurrent.futures.ProcessPoolExecutor(2, mp_context=context) as executor:
        assert program.InParts.populate(executor=executor, reserve_jobs=True)["success_count"] == 6
        assert program.Result.populate(executor=executor, max_calls=4)["success_count"] == 4
    assert len({int(pid) for pid in program.Result.to_arrays("pid")} - {os.getpid()}) >= 1


def test_what_executors_cannot_find_is_said(program):
    import lapjoint as dj

    @program.schema
    class Local(dj.Computed):
        definition = "-> Item"

    program.Item.insert1({"n": 1})
    with concurrent.futures.ProcessPoolExecutor(1) as executor, pytest.raises(dj.DataJointError, match="top of a module"):
        Local.populate(executor=executor)
