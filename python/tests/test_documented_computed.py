"""The examples of `docs/computed.md`, one after the other."""

import pathlib
import re
import subprocess
import sys

DOCUMENT = pathlib.Path(__file__).parents[2] / "docs" / "computed.md"


def test_the_examples_of_the_page_work(tmp_path):
    examples = re.findall(r"```python\n(.*?)```", DOCUMENT.read_text(), re.DOTALL)
    assert len(examples) >= 6
    program = tmp_path / "pipeline.py"
    settings = 'import lapjoint\nlapjoint.config["database.name"] = "data"\nlapjoint.config["safemode"] = False\n'
    program.write_text(settings + "\n".join(examples))
    done = subprocess.run([sys.executable, program], capture_output=True, text=True, cwd=tmp_path, timeout=120)
    assert done.returncode == 0, done.stderr
