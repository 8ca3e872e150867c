"""The examples run as they are, in an empty folder."""

import json
import pathlib
import subprocess
import sys

import pytest

EXAMPLES = pathlib.Path(__file__).parents[2] / "examples"


def test_quickstart(tmp_path):
    command = [sys.executable, EXAMPLES / "quickstart.py"]
    first = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True).stdout
    assert "(Total: 5)" in first and "NpyRef(shape=" in first and "not loaded" in first
    stored = sorted((tmp_path / "quickstart-output" / "store").rglob("*.npy"))
    assert len(stored) == 5
    again = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True).stdout
    assert again == first, "a second run inserts nothing"
    assert sorted((tmp_path / "quickstart-output" / "store").rglob("*.npy")) == stored


def test_notebook(tmp_path):
    nbclient, nbformat = pytest.importorskip("nbclient"), pytest.importorskip("nbformat")
    notebook = nbformat.read(EXAMPLES / "notebook.ipynb", as_version=4)
    assert not any(cell.get("outputs") for cell in notebook.cells), "the notebook is kept without outputs"
    for _ in range(2):
        nbclient.NotebookClient(notebook, timeout=120, resources={"metadata": {"path": str(tmp_path)}}).execute()
    shown = json.dumps(notebook)
    assert "text/html" in shown and "lapjoint" in shown and "NpyRef(shape=(50, 32, 32)" in shown
