"""What the README says to type works. Its program is a doc test of the crate `lapjoint`."""

import os
import pathlib
import re
import shlex
import subprocess

import pytest

ROOT = pathlib.Path(__file__).parent.parent
# The other tests tell datajoint to read no configuration; here it is read.
ENVIRONMENT = {name: value for name, value in os.environ.items() if not name.startswith("DJ_")}


def commands():
    for block in re.findall(r"```sh\n(.*?)```", (ROOT / "README.md").read_text(), re.S):
        for line in block.splitlines():
            if line := line.split("#")[0].strip():
                yield shlex.split(line)


@pytest.fixture(scope="module")
def demonstration(command, tmp_path_factory):
    folder = tmp_path_factory.mktemp("readme")
    data = str(ROOT / "examples" / "data")
    subprocess.run([command, "demo", "--data", data, "--output", "demo-output"], cwd=folder, check=True, env=ENVIRONMENT)
    return folder


def test_there_are_commands():
    assert len(list(commands())) >= 9


@pytest.mark.parametrize("words", list(commands()), ids=" ".join)
def test_command(words, command, demonstration):
    if words[0] == "make":
        # The targets are there; running them is what runs this test.
        subprocess.run([*words[:1], "-n", *words[1:]], cwd=ROOT, check=True, capture_output=True)
    else:
        assert words[0] == "lapjoint"
        done = subprocess.run(
            [command, *words[1:]], cwd=demonstration, env=ENVIRONMENT, check=True, capture_output=True, text=True
        )
        assert done.stdout.strip()
