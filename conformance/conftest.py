"""The engine as a process that answers requests: `lapjoint conformance`."""

import json
import os
import pathlib
import subprocess
import sys
import warnings

import pytest

HERE = pathlib.Path(__file__).parent
sys.path[:0] = [str(HERE), str(HERE / "blob")]
warnings.filterwarnings("ignore", message="No datajoint.json found")
os.environ.setdefault("DJ_IGNORE_CONFIG_FILE", "true")


class Engine:
    """Asks the command `lapjoint`, whose path the environment variable LAPJOINT has."""

    def __init__(self):
        self.process = subprocess.Popen(
            [os.environ["LAPJOINT"], "conformance"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def ask(self, do, **request):
        self.process.stdin.write(json.dumps({"do": do, **request}) + "\n")
        self.process.stdin.flush()
        return json.loads(self.process.stdout.readline())


@pytest.fixture(scope="session")
def engine():
    engine = Engine()
    yield engine
    engine.process.stdin.close()
    assert engine.process.wait(10) == 0


@pytest.fixture(scope="session")
def command():
    """Path of the command `lapjoint`."""
    return os.environ["LAPJOINT"]
