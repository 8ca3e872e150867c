"""Fixtures of DataJoint's tests on one database with file stores: the names are theirs, no server is started.

LAPJOINT_SUITE_BACKEND names the backend: `sqlite`, or a server that LAPJOINT_TEST_POSTGRES or LAPJOINT_TEST_MYSQL names.
"""

import os
import sys
import types
import urllib.parse

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

PREFIX = os.environ["DJ_TEST_DB_PREFIX"]
BACKEND = os.environ.get("LAPJOINT_SUITE_BACKEND", "sqlite")
VARIABLES = {"postgresql": "LAPJOINT_TEST_POSTGRES", "mysql": "LAPJOINT_TEST_MYSQL"}
SERVER = urllib.parse.urlsplit(os.environ[VARIABLES[BACKEND]]) if BACKEND in VARIABLES else None


def credentials():
    """Who may do everything."""
    if SERVER is None:
        return {"host": "localhost", "user": "root", "password": "password"}
    port = SERVER.port or {"postgresql": 5432, "mysql": 3306}[BACKEND]
    return {"host": f"{SERVER.hostname}:{port}", "user": SERVER.username, "password": SERVER.password or ""}


@pytest.fixture(scope="session", autouse=True)
def database(tmp_path_factory):
    """The database of a run: a fresh folder, or the server with schemas of the tests' names."""
    dj.config["database.backend"] = BACKEND
    if SERVER is None:
        dj.config["database.name"] = str(tmp_path_factory.mktemp("databases"))
    else:
        host, _, port = credentials()["host"].partition(":")
        dj.config["database.host"], dj.config["database.port"] = host, int(port)
        dj.config["database.user"], dj.config["database.password"] = SERVER.username, SERVER.password or ""
        if BACKEND == "postgresql":
            dj.config["database.name"] = SERVER.path.strip("/") or "postgres"
        drop_schemas()
    dj.config["safemode"] = False
    # The tests expect that what was unreferenced a moment ago is deleted; nobody else is at work in their stores.
    dj.config["gc.grace_seconds"] = 0
    yield
    if SERVER is not None:
        drop_schemas()


def drop_schemas():
    """Drops what tests have left on the server, of this run or of one that was killed."""
    with dj.Connection(**credentials()) as connection:
        for name in dj.list_schemas(connection=connection):
            if not name.startswith(PREFIX):
                continue
            if BACKEND == "postgresql":
                connection.query(f'DROP SCHEMA "{name}" CASCADE')
            else:
                connection.query("SET FOREIGN_KEY_CHECKS=0")
                connection.query(f"DROP SCHEMA `{name}`")


@pytest.fixture(scope="session")
def db_creds_root(database):
    return credentials()


@pytest.fixture(scope="session")
def configure_datajoint(database):
    return None


@pytest.fixture(scope="session", params=[BACKEND])
def backend(request):
    return request.param


@pytest.fixture(scope="session")
def db_creds_by_backend(backend, database):
    return {"backend": BACKEND, **credentials()}


@pytest.fixture
def connection_by_backend(db_creds_by_backend):
    dj.config["safemode"] = False
    connection = dj.Connection(**credentials())
    yield connection
    connection.close()


@pytest.fixture(scope="session")
def db_creds_test(database):
    # A user of this run: another run may be at work on the same server.
    return credentials() if BACKEND == "postgresql" else {**credentials(), "user": f"{PREFIX}_user", "password": "datajoint"}


@pytest.fixture(scope="session")
def connection_root_bare(db_creds_root):
    return dj.Connection(**db_creds_root)


@pytest.fixture(scope="session")
def connection_root(connection_root_bare):
    """On MySQL and MariaDB with the users of the tests. Those of fixed names stay: another run may be at work with them."""
    own = f"{PREFIX}_user"
    if BACKEND == "mysql":
        users = {own: ("datajoint", "ALL PRIVILEGES", ""), "djview": ("djview", "SELECT", "")}
        users["djssl"] = ("djssl", "SELECT", " REQUIRE SSL")
        for user, (password, rights, more) in users.items():
            connection_root_bare.query(f"CREATE USER IF NOT EXISTS '{user}'@'%' IDENTIFIED BY '{password}'{more}")
            connection_root_bare.query(f"GRANT {rights} ON `{PREFIX}%`.* TO '{user}'@'%'")
    yield connection_root_bare
    if BACKEND == "mysql":
        connection_root_bare.query(f"DROP USER '{own}'@'%'")


@pytest.fixture(scope="session")
def connection_test(connection_root, db_creds_test):
    return dj.Connection(**db_creds_test)


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
