"""A fresh database and store for every test."""

import os
import pathlib
import sys
import uuid

os.environ["DJ_IGNORE_CONFIG_FILE"] = "true"

import pytest

import lapjoint as dj
from lapjoint import _core
from lapjoint.science import BUNDLED

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


@pytest.fixture(autouse=True)
def names_of_other_modules(request):
    """All test modules are one program: classes of others under the names of codecs that ship are set aside meanwhile."""
    aside = []
    for name in (*BUNDLED, "figpack", "photon", "spikes", "zarr"):
        if _core.is_codec_settled(name):
            module = type(codec := dj.get_codec(name)).__module__
            if module.startswith("test_") and module != request.module.__name__:
                dj.codecs.unregister_codec(name)
                aside.append(codec)
    yield
    for codec in aside:
        dj.codecs.register_instance(codec)


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
