"""The stubs say what the package does, and type checkers accept what users write."""

import pathlib
import subprocess
import sys

import pytest

HERE = pathlib.Path(__file__).parent
pytest.importorskip("mypy")

PROGRAM = '''
import lapjoint as dj
import numpy as np

schema = dj.Schema("lab")

@schema
class Session(dj.Manual):
    definition = "session : int32"

    class Trial(dj.Part):
        definition = "-> master"

class Doubling(dj.Codec):
    name = "doubling"

    def get_dtype(self, is_store: bool) -> str:
        return "<blob>"

    def encode(self, value: int, *, key: object = None, store_name: str | None = None) -> int:
        return 2 * value

    def decode(self, stored: int, *, key: object = None) -> int:
        return stored // 2

Session.insert1({"session": 1})
Session.insert([{"session": 2}], skip_duplicates=True)
some = (Session & {"session": 1}) - "session > 5"
rows: list[dict[str, object]] = some.to_dicts(order_by="KEY", limit=3)
first = Session.fetch1("session")
names: list[str] = Session().heading.names
with dj.conn().transaction:
    Session.Trial.update1({"session": 1})
reference = (Session & "session = 1").fetch1("wave")
dj.config.stores["main"] = {"protocol": "file", "location": "."}
count: int = len(Session()) + some.delete(prompt=False)
'''


def test_stubs_agree_with_the_package(tmp_path):
    """`mypy.stubtest` compares every stub with the module that it describes."""
    root = HERE.parent
    command = [sys.executable, "-m", "mypy.stubtest", "lapjoint", "--concise"]
    options = ["--allowlist", root / "stubtest-allowlist.txt", "--mypy-config-file", root / "pyproject.toml"]
    done = subprocess.run([*command, *options], capture_output=True, text=True, cwd=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_typed_program_is_accepted(tmp_path):
    file = tmp_path / "program.py"
    file.write_text(PROGRAM)
    config = ["--config-file", HERE.parent / "pyproject.toml"]
    done = subprocess.run([sys.executable, "-m", "mypy", "--strict", *config, file], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    file.write_text(PROGRAM + "\nSession.insert1()\nnumber: str = len(Session())\n")
    done = subprocess.run([sys.executable, "-m", "mypy", *config, file], capture_output=True, text=True)
    assert done.returncode == 1 and "Found 2 errors" in done.stdout, done.stdout
