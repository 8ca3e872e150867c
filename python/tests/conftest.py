"""A fresh database and store for every test."""

import os
import pathlib
import sys
import uuid

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


# Servers are found by these variables; the script of the tests starts them.
DATABASES = {"sqlite": None, "postgres": "LAPJOINT_TEST_POSTGRES", "mysql": "LAPJOINT_TEST_MYSQL"}
DATABASES["mysql-proper"] = "LAPJOINT_TEST_MYSQL_PROPER"


class Database:
    """A database of some product, with schemas of its own that are gone after the test."""

    def __init__(self, connection):
        self.connection = connection
        self.product = connection._core.product
        self._schemas = []

    def schema(self):
        schema = dj.Schema(f"test_{uuid.uuid4().hex[:12]}", connection=self.connection)
        self._schemas.append(schema)
        return schema

    def drop(self):
        for schema in reversed(self._schemas):
            schema.drop(prompt=False)


@pytest.fixture(params=DATABASES)
def database(request, tmp_path):
    variable = DATABASES[request.param]
    url = os.environ.get(variable) if variable else None
    if variable and not url:
        pytest.skip(f"no server: {variable} is not set")
    (tmp_path / "store").mkdir()
    place = {"database__url": url} if url else {"database__backend": "sqlite", "database__name": str(tmp_path / "database")}
    instance = dj.Instance(
        **place,
        stores={"default": "main", "main": {"protocol": "file", "location": str(tmp_path / "store")}},
        download_path=str(tmp_path / "downloads"),
        safemode=False,
    )
    made = Database(instance.connection)
    yield made
    made.drop()
    instance.connection.close()
