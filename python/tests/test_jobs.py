"""Jobs: shared by workers, readable by DataJoint."""

import os
import pathlib
import signal
import subprocess
import sys
import time

import pytest

import lapjoint as dj


@pytest.fixture
def pipeline(database):
    schema = database.schema()

    @schema
    class Number(dj.Manual):
        definition = "n : int32"

    @schema
    class Square(dj.Computed):
        definition = """
        -> Number
        ---
        square : int64
        """

        def make(self, key):
            if key["n"] == 3:
                raise ValueError("three fails")
            self.insert1({**key, "square": key["n"] ** 2})

    Number.insert({"n": n} for n in range(5))
    return schema, Number, Square


def test_jobs_are_a_table(pipeline):
    schema, Number, Square = pipeline
    assert schema.jobs == []
    assert Square.jobs.table_name == "~~square"
    assert Square.jobs.refresh() == {"added": 5, "removed": 0, "orphaned": 0, "re_pended": 0}
    assert len(Square.jobs.pending) == 5 and len(Square().jobs & "n < 2") == 2
    assert Square.jobs.reserve({"n": 1}) and not Square.jobs.reserve({"n": 1})
    job = Square.jobs.reserved.fetch1()
    assert job["pid"] == os.getpid() and job["host"] and job["user"] and job["reserved_time"] and job["priority"] == 5
    Square.jobs.error({"n": 2}, "oops", "the stack")
    Square.jobs.ignore({"n": 3})
    Square.jobs.complete({"n": 4})
    assert Square.jobs.progress() == {"pending": 1, "reserved": 1, "success": 0, "error": 1, "ignore": 1, "total": 4}
    assert Square.jobs.errors.fetch1("error_message", "error_stack") == ("oops", "the stack")
    assert Square.jobs.ignored.keys() == [{"n": 3}]
    assert [job.full_table_name for job in schema.jobs] == [Square.jobs.full_table_name]
    assert schema.jobs[0].refresh()["added"] == 1
    assert Square.jobs.errors.delete() == 1
    Square.jobs.drop()
    assert schema.jobs == []


def test_populate_by_jobs(pipeline):
    _, Number, Square = pipeline
    done = Square.populate("n <> 0", reserve_jobs=True, suppress_errors=True)
    assert done == {"success_count": 3, "error_list": [({"n": 3}, "ValueError: three fails")]}
    assert Square.jobs.progress()["total"] == 1
    error = Square.jobs.errors.fetch1()
    assert error["error_message"] == "ValueError: three fails"
    assert 'raise ValueError("three fails")' in error["error_stack"] and error["error_stack"].startswith("Traceback")
    # What has failed is not tried again.
    assert Square.populate(reserve_jobs=True)["success_count"] == 1
    Square.jobs.errors.delete()
    with pytest.raises(ValueError):
        Square.populate(reserve_jobs=True)
    assert len(Square.jobs.errors) == 1


def test_priority_and_time(pipeline):
    _, Number, Square = pipeline
    Square.jobs.refresh("n < 2", priority=9, delay=-1)
    Square.jobs.refresh("n = 2", priority=1, delay=-1)
    Square.jobs.refresh(delay=1000)
    assert Square.populate(reserve_jobs=True, refresh=False, priority=5)["success_count"] == 1
    assert Square.to_arrays("n").tolist() == [2]
    assert Square.populate(reserve_jobs=True, refresh=False, max_calls=1)["success_count"] == 1
    assert Square.populate(reserve_jobs=True, refresh=False)["success_count"] == 1
    assert len(Square.jobs.pending) == 2


@pytest.mark.parametrize("raised", [KeyboardInterrupt, SystemExit])
def test_who_is_interrupted_says_so(database, raised):
    schema = database.schema()

    @schema
    class Number(dj.Lookup):
        definition = "n : int32"
        contents = [(1,), (2,)]

    @schema
    class Stopped(dj.Computed):
        definition = "-> Number"

        def make(self, key):
            raise raised("SIGTERM received")

    with pytest.raises(raised):
        Stopped.populate(reserve_jobs=True, suppress_errors=True)
    assert Stopped.jobs.errors.fetch1("error_message") == f"{raised.__name__}: SIGTERM received"
    assert len(Stopped.jobs.pending) == 1


def test_a_signal_to_end_is_an_error_of_the_job(pipeline):
    schema, Number, _ = pipeline

    @schema
    class Ended(dj.Computed):
        definition = "-> Number"

        def make(self, key):
            os.kill(os.getpid(), signal.SIGTERM)
            time.sleep(1)

    before = signal.getsignal(signal.SIGTERM)
    with pytest.raises(SystemExit):
        Ended.populate(reserve_jobs=True)
    assert Ended.jobs.errors.fetch1("error_message") == "SystemExit: SIGTERM received"
    assert signal.getsignal(signal.SIGTERM) is before


def test_several_processes(pipeline):
    _, Number, Square = pipeline
    (Number & "n = 3").delete()
    assert Square.populate("n < 2", processes=2) == {"success_count": 2, "error_list": []}
    assert Square.populate(processes=2, reserve_jobs=True, display_progress=True)["success_count"] == 2
    assert sorted(Square.to_arrays("square")) == [0, 1, 4, 16]


def test_errors_come_back_from_other_processes(pipeline):
    _, Number, Square = pipeline
    done = Square.populate(processes=2, suppress_errors=True, return_exception_objects=True)
    assert done["success_count"] == 4
    [(key, error)] = done["error_list"]
    assert key == {"n": 3} and isinstance(error, ValueError)
    with pytest.raises(ValueError, match="three fails"):
        Square.populate(processes=2)


def test_metadata_columns(database):
    with database.connection._config.override(jobs__add_job_metadata=True, jobs__version_method="git"):
        schema = database.schema()

        @schema
        class Number(dj.Lookup):
            definition = "n : int32"
            contents = [(1,)]

        @schema
        class Timed(dj.Computed):
            definition = """
            -> Number
            ---
            square : int32
            """

            def make(self, key):
                time.sleep(0.01)
                self.insert1({**key, "square": 1})

        Timed.populate()
        assert list(Timed.heading) == ["n", "square"]
        name = f"{schema.database}.{Timed.table_name}"
        start, duration, version = database.connection.query(
            f"SELECT _job_start_time, _job_duration, _job_version FROM {name}"
        ).fetchone()
        assert start is not None and 0.01 <= duration < 5
        here = pathlib.Path(__file__).parent
        git = subprocess.run(["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, cwd=here)
        if os.getcwd().startswith(str(here.parent.parent)) and git.returncode == 0:
            assert version == git.stdout.strip()
