"""Fixtures of DataJoint's tests on SQLite with file stores: the names are theirs, no server is started."""

import sys
import types

import pytest

import datajoint as dj

# Names of DataJoint's inner modules that test files import besides the public API: a test that uses one fails, the others of
# its file run.
for _name, _names in {
    "declare": ("declare", "CORE_TYPE_SQL", "SPECIAL_TYPES", "match_type", "compile_attribute", "compile_foreign_key"),
}.items():
    _module = types.ModuleType(f"datajoint.{_name}")
    for _inner in _names:
        setattr(_module, _inner, None)
    sys.modules[_module.__name__] = _module

from .conftest_upstream import *  # noqa: F403 - the fixtures that need no server


@pytest.fixture(scope="session", autouse=True)
def database(tmp_path_factory):
    """A fresh folder for the databases of a run."""
    folder = tmp_path_factory.mktemp("databases")
    dj.config["database.backend"] = "sqlite"
    dj.config["database.name"] = str(folder)
    dj.config["safemode"] = False
    # The tests expect that what was unreferenced a moment ago is deleted; nobody else is at work in their stores.
    dj.config["gc.grace_seconds"] = 0
    return folder


@pytest.fixture(scope="session")
def db_creds_root(database):
    return {"host": "localhost", "user": "root", "password": "password"}


@pytest.fixture(scope="session")
def db_creds_test(database):
    return {"host": "localhost", "user": "datajoint", "password": "datajoint"}


@pytest.fixture(scope="session")
def configure_datajoint(database):
    return None


@pytest.fixture(scope="session")
def connection_root_bare(db_creds_root):
    return dj.Connection(**db_creds_root)


@pytest.fixture(scope="session")
def connection_root(connection_root_bare):
    return connection_root_bare


@pytest.fixture(scope="session")
def connection_test(db_creds_test):
    return dj.Connection(**db_creds_test)


@pytest.fixture(scope="session", params=["sqlite"])
def backend(request):
    return request.param


@pytest.fixture(scope="session")
def db_creds_by_backend(backend, database):
    return {"backend": "sqlite", "host": "localhost", "user": "root", "password": "password"}


@pytest.fixture
def connection_by_backend(db_creds_by_backend):
    dj.config["safemode"] = False
    connection = dj.Connection(host="localhost", user="root", password="password")
    yield connection
    connection.close()


@pytest.fixture(scope="session")
def s3_creds():
    return {"endpoint": "localhost", "access_key": "", "secret_key": "", "bucket": "none"}


@pytest.fixture(scope="session")
def minio_client():
    """Stores are folders here: no client is needed."""
    return None


@pytest.fixture(scope="session")
def stores_config(tmp_path_factory):
    """The stores of the tests by their names; those on S3 there are folders here."""
    return {
        name: {"protocol": "file", "location": str(tmp_path_factory.mktemp(name))}
        for name in ("raw", "repo", "repo-s3", "local", "share")
    }
