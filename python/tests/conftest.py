"""A fresh database and store for every test."""

import os
import pathlib
import sys

os.environ["DJ_IGNORE_CONFIG_FILE"] = "true"

import pytest

import lapjoint as dj

sys.path.insert(0, str(pathlib.Path(__file__).parents[2] / "conformance"))


@pytest.fixture
def schema(tmp_path):
    (tmp_path / "store").mkdir()
    dj.config["database.backend"] = "sqlite"
    dj.config["database.name"] = str(tmp_path / "database")
    dj.config["stores"] = {"default": "main", "main": {"protocol": "file", "location": str(tmp_path / "store")}}
    dj.config["download_path"] = str(tmp_path / "downloads")
    dj.config["safemode"] = False
    dj.conn(reset=True)
    yield dj.Schema("lab")
    dj.conn(reset=True)
