"""The README's Python program."""

import pathlib
import re

import lapjoint as dj

README = pathlib.Path(__file__).parents[2] / "README.md"


def test_program(tmp_path, monkeypatch, capsys):
    (program,) = re.findall(r"```python\n(.*?)```", README.read_text(), re.S)
    monkeypatch.chdir(tmp_path)
    dj.config["database.backend"] = "sqlite"
    dj.config["database.name"] = str(tmp_path)
    dj.conn(reset=True)
    exec(compile(program, "README.md", "exec"), {"__name__": "readme"})
    printed = capsys.readouterr().out
    assert "NpyRef(shape=(100000,), dtype=float64, not loaded) [10. 11.]" in printed
    assert "*recording_id" in printed and "Total: 1" in printed
    dj.conn(reset=True)
