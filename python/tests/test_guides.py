"""What the guides to Arrow and engines show works."""

import os
import pathlib
import re
import subprocess
import sys

import pytest

DOCS = pathlib.Path(__file__).parents[2] / "docs"


def programs(guide):
    """Programs of a guide: what stands behind `python`, and the text."""
    return re.findall(r"```python ?([^\n]*)\n(.*?)```", (DOCS / guide).read_text(), re.S)


def run(folder, program):
    (folder / "store").mkdir(exist_ok=True)
    script = folder / "program.py"
    script.write_text(program)
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("DJ_")},
        "DJ_BACKEND": "sqlite",
        "DJ_DATABASE_NAME": str(folder / "database"),
        "DJ_STORES": f'{{"default": "main", "main": {{"protocol": "file", "location": "{folder / "store"}"}}}}',
        "DJ_IGNORE_CONFIG_FILE": "true",
        "PYTHONPATH": str(folder),
        "RAY_USAGE_STATS_ENABLED": "0",
    }
    done = subprocess.run(
        [sys.executable, script], cwd=folder, env=environment, capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout


def test_the_guide_to_arrow(tmp_path):
    shown = run(tmp_path, "\n".join(text for _, text in programs("arrow.md")))
    assert "40.0" in shown and "extension<arrow.fixed_shape_tensor" in shown and "1.75" in shown


@pytest.mark.parametrize("engine", ["ray", "dask"])
def test_the_guide_to_engines(engine, tmp_path):
    pytest.importorskip({"ray": "ray", "dask": "distributed"}[engine])
    given = dict(programs("engines.md"))
    (tmp_path / "pipeline.py").write_text(given["file=pipeline.py"])
    run(tmp_path, given[engine])


def test_the_parts_of_the_guide_to_engines(tmp_path):
    given = programs("engines.md")
    (tmp_path / "pipeline.py").write_text(dict(given)["file=pipeline.py"])
    (parts,) = [text for _, text in given if "engines.parts(" in text]
    fill = "import pipeline\npipeline.Number.insert({'n': n, 'label': ''} for n in range(8))\n"
    shown = run(tmp_path, fill + parts + "print([table.num_rows for table in tables])")
    assert shown.strip() == "[2, 2, 2, 2]"
