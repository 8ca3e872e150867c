"""Servers and stores that both systems use. What is not there is not tested, and the table says so."""

import json
import os
import pathlib
import sys
import urllib.parse
import uuid

import pytest

HERE = pathlib.Path(__file__).parent
sys.path.insert(0, str(HERE))

import report  # noqa: E402
from cases import FILES  # noqa: E402

SERVERS = {"PostgreSQL": "LAPJOINT_TEST_POSTGRES", "MariaDB": "LAPJOINT_TEST_MYSQL", "MySQL": "LAPJOINT_TEST_MYSQL_PROPER"}
STORES = ("file", "s3")


def server_of(name):
    """Settings of a server, or `None` where there is none."""
    url = os.environ.get(SERVERS[name])
    if not url:
        return None
    parts = urllib.parse.urlsplit(url)
    postgres = parts.scheme.startswith("postgres")
    return {
        "backend": "postgresql" if postgres else "mysql",
        "host": parts.hostname,
        "port": parts.port or (5432 if postgres else 3306),
        "user": parts.username,
        "password": parts.password or "",
        "database": parts.path.strip("/") or ("postgres" if postgres else None),
    }


def store_settings(kind, root, unique):
    """Settings of a store, or `None` where there is none."""
    if kind == "file":
        (root / "store").mkdir(exist_ok=True)
        return {"protocol": "file", "location": str(root / "store")}
    given = os.environ.get("LAPJOINT_TEST_S3")
    if not given:
        return None
    known = ("protocol", "endpoint", "bucket", "access_key", "secret_key", "secure")
    settings = {key: value for key, value in json.loads(given).items() if key in known}
    # DataJoint takes an endpoint without its protocol, and knows no other settings.
    scheme, _, host = settings["endpoint"].rpartition("://")
    return {**settings, "endpoint": host, "secure": settings.get("secure", scheme == "https"), "location": unique}


def make_bucket(settings):
    """Makes the bucket, with a library of its own."""
    import s3fs

    client = {"endpoint_url": f"http://{settings['endpoint']}"}
    files = s3fs.S3FileSystem(key=settings["access_key"], secret=settings["secret_key"], client_kwargs=client)
    if not files.exists(settings["bucket"]):
        files.mkdir(settings["bucket"])
    return files


@pytest.fixture(scope="session")
def pairs(tmp_path_factory):
    """Both systems on one server and one store, made when first asked for."""
    made = {}
    root = tmp_path_factory.mktemp("shared")
    for name, content in FILES.items():
        for place in (root / "given" / name, root / "store" / "raw" / name):
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(content)
    stores = {}
    for kind in STORES:
        settings = store_settings(kind, root, uuid.uuid4().hex[:8])
        if settings is None:
            continue
        stores[kind] = settings
        if kind == "s3":
            files = make_bucket(settings)
            for name, content in FILES.items():
                files.pipe_file(f"{settings['bucket']}/{settings['location']}/raw/{name}", content)

    def pair(server, kind):
        if server_of(server) is None or kind not in stores:
            return None
        if server not in made:
            import sides

            settings = {"default": "file", **stores}
            downloads = root / "downloads"
            downloads.mkdir(exist_ok=True)
            modules = (("DataJoint", sides.datajoint), ("Lapjoint", sides.lapjoint))
            made[server] = [sides.Side(name, module, server_of(server), settings, downloads) for name, module in modules]
        for side in made[server]:
            # Both keep their settings by process: those of the server at work count.
            side.config["database.backend"] = server_of(server)["backend"]
        return made[server]

    pair.folder = root / "given"
    return pair


@pytest.fixture(scope="session", autouse=True)
def table():
    """What was carried; written down when all of it was tried."""
    results = report.Results()
    yield results
    if os.environ.get("LAPJOINT_WRITE_INTEROPERABILITY"):
        report.write(results)
