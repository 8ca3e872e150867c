"""A pipeline for many workers, and the program of one: `python worker_program.py SCHEMA URL_OR_FOLDER`."""

import os
import sys
import time
import uuid

os.environ.setdefault("DJ_IGNORE_CONFIG_FILE", "true")

import lapjoint as dj

schema = dj.Schema()


@schema
class Item(dj.Manual):
    definition = "n : int32"


@schema
class Log(dj.Manual):
    definition = """
    entry : uuid
    ---
    n : int32
    """


@schema
class Result(dj.Computed):
    definition = """
    -> Item
    ---
    pid : int64
    """

    def make(self, key):
        # What is committed twice stands in the log twice.
        self.insert1({**key, "pid": os.getpid()})
        Log.insert1({"entry": uuid.uuid4(), "n": key["n"]})
        time.sleep(0.002)


@schema
class InParts(dj.Computed):
    definition = """
    -> Item
    ---
    doubled : int64
    """

    def make_fetch(self, key):
        return ((Item & key).fetch1("n"),)

    def make_compute(self, key, n):
        time.sleep(0.002)
        return (2 * n,)

    def make_insert(self, key, doubled):
        self.insert1({**key, "doubled": doubled})


def connect(place, name, lease_seconds):
    """Binds the classes to a schema of a database."""
    settings = {"database__url": place} if "://" in place else {"database__backend": "sqlite", "database__name": place}
    instance = dj.Instance(**settings, safemode=False, jobs__lease_seconds=lease_seconds)
    schema.activate(name, connection=instance.connection)


if __name__ == "__main__":
    connect(sys.argv[2], sys.argv[1], 2)
    done = Result.populate(reserve_jobs=True, refresh=False)
    print(done["success_count"])
