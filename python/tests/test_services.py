"""Stores of services: S3 by moto's server, or by the service that LAPJOINT_TEST_S3 describes; others where they are given."""

import contextlib
import io
import json
import os
import pickle
import urllib.parse
import uuid

import numpy as np
import pytest
from forked import exit_code

import lapjoint as dj
from lapjoint.storage import StorageBackend, backend_of

KEYS = {"access_key": "AKIAFORTESTS", "secret_key": "hunter2/and+more"}
ODD = "odd/a b#%?+=&é漢😀%20.txt"


@pytest.fixture(scope="session")
def s3_service():
    given = os.environ.get("LAPJOINT_TEST_S3")
    if given:
        yield json.loads(given)
        return
    moto = pytest.importorskip("moto.server", reason="neither LAPJOINT_TEST_S3 nor moto is there")
    server = moto.ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    settings = {"protocol": "s3", "endpoint": f"{host}:{port}", "secure": False, "bucket": "lapjoint-tests", **KEYS}
    with contextlib.suppress(Exception):
        client(settings).create_bucket(Bucket=settings["bucket"])
    yield settings
    server.stop()


def client(settings):
    boto3 = pytest.importorskip("boto3")
    return boto3.client(
        "s3",
        endpoint_url=f"http://{settings['endpoint']}",
        aws_access_key_id=settings["access_key"],
        aws_secret_access_key=settings["secret_key"],
        region_name="us-east-1",
    )


@pytest.fixture
def s3(s3_service):
    return {**s3_service, "location": f"python-tests/{uuid.uuid4()}"}


@pytest.fixture
def stored(schema, s3):
    dj.config.stores["s3"] = s3
    return schema


def test_rows_with_objects_in_s3(stored, s3):
    @stored
    class Recording(dj.Manual):
        definition = """
        id : int32
        ---
        trace : <npy@s3>
        notes : <blob@s3>
        file : <object@s3>
        """

    rows = [
        {"id": i, "trace": np.arange(1000.0) + i, "notes": {"rig": i}, "file": (".bin", bytes([i]) * 100)} for i in range(40)
    ]
    Recording.insert(rows)
    found = Recording.to_dicts()
    assert [row["notes"]["rig"] for row in found] == list(range(40))
    assert (found[7]["trace"][10:12] == [17.0, 18.0]).all() and found[9]["file"].read() == bytes([9]) * 100
    # Another client sees them under the same keys.
    listed = client(s3).list_objects_v2(Bucket=s3["bucket"], Prefix=s3["location"])["Contents"]
    assert len(listed) == 120
    key = f"{s3['location']}/{found[3]['trace'].path}"
    content = client(s3).get_object(Bucket=s3["bucket"], Key=key)["Body"].read()
    assert (np.load(io.BytesIO(content)) == rows[3]["trace"]).all()
    with pytest.raises(dj.errors.DuplicateError):
        Recording.insert([{**rows[0], "id": 100}, {**rows[1], "notes": "a new object"}])
    assert len(client(s3).list_objects_v2(Bucket=s3["bucket"], Prefix=s3["location"])["Contents"]) == 120


def test_keys_are_byte_for_byte_what_others_see(s3):
    backend = StorageBackend(s3)
    backend.put_buffer(b"by us", ODD)
    full = f"{s3['location']}/{ODD}"
    assert client(s3).get_object(Bucket=s3["bucket"], Key=full)["Body"].read() == b"by us"
    client(s3).put_object(Bucket=s3["bucket"], Key=full + "2", Body=b"by them")
    assert backend.get_buffer(ODD + "2") == b"by them"
    assert backend._full_path(ODD) == f"{s3['bucket']}/{full}" and backend.get_url(ODD) == f"s3://{s3['bucket']}/{full}"
    names = [name.split("/", 1)[1] for name in backend.fs.find(f"{s3['bucket']}/{s3['location']}")]
    assert names == [full, full + "2"]


def test_a_service_is_a_filesystem(s3, tmp_path):
    backend = StorageBackend(s3)
    fs, root = backend.fs, backend._full_path("tree")
    fs.pipe({f"{root}/a/x": b"one", f"{root}/a/y": b"two", f"{root}/b/z": b"three"})
    assert fs.isdir(f"{root}/a") and not fs.isdir(f"{root}/a/x") and fs.exists(f"s3://{root}/b/z")
    assert fs.cat([f"{root}/a/x", f"{root}/b/z"]) == {f"{root}/a/x": b"one", f"{root}/b/z": b"three"}
    assert fs.cat(f"{root}/a/x") == b"one" and fs.cat_file(f"{root}/b/z", 1, 3) == b"hr"
    assert [name.rsplit("/", 1)[1] for name in fs.glob(f"{root}/a/*")] == ["x", "y"]
    with fs.open(f"{root}/big", "wb") as file:
        file.write(bytes(range(256)) * 80_000)  # 20 MB: in parts
    with fs.open(f"{root}/big") as file:
        file.seek(20_000_000)
        assert file.read(3) == bytes([0, 1, 2])
    fs.get(f"{root}/a", str(tmp_path / "copy"), recursive=True)
    assert (tmp_path / "copy" / "y").read_bytes() == b"two"
    mapping = backend.get_fsmap("tree/map")
    mapping["0.0"] = b"chunk"
    assert dict(backend.get_fsmap("tree/map")) == {"0.0": b"chunk"} and "0.1" not in mapping
    again = pickle.loads(pickle.dumps(backend))
    assert again.get_buffer("tree/a/x") == b"one"
    with pytest.raises(FileNotFoundError):
        fs.cat_file(f"{root}/none")
    backend.remove_folder("tree")
    assert not backend.exists("tree/a/x") and fs.find(root) == []


def test_zarr_works_in_a_service(stored, s3):
    zarr = pytest.importorskip("zarr")
    backend = backend_of("s3")
    array = zarr.create_array(zarr.storage.FsspecStore.from_mapper(backend.get_fsmap("z.zarr")), shape=(64, 64), chunks=(16, 16), dtype="f4")
    array[:] = np.arange(4096, dtype="f4").reshape(64, 64)
    again = zarr.open_array(zarr.storage.FsspecStore.from_mapper(backend.get_fsmap("z.zarr")), mode="r")
    assert (again[10:20, 5] == np.arange(4096).reshape(64, 64)[10:20, 5]).all()


def test_settings_are_checked_as_datajoint_does(s3):
    def error(**changes):
        with pytest.raises(dj.DataJointError) as caught:
            StorageBackend({**s3, **changes})
        return str(caught.value)

    assert error(endpoint="").startswith("Missing S3 configuration: endpoint")
    assert error(bucket="", endpoint="").startswith("Missing S3 configuration: endpoint, bucket")
    assert error(secret_key="").startswith("Incomplete S3 credentials: set both access_key and secret_key")
    assert "Invalid key(s)" in error(acess_key="x") and "did you mean 'access_key'?" in error(acess_key="x")


def test_no_credential_is_printed(s3, capsys):
    secrets = {"access_key": "AKIAWR0NG", "secret_key": "wr0ngsecret", "session_token": "t0kent0ken"}
    # Nobody listens there.
    bad = {**s3, **secrets, "endpoint": "127.0.0.1:9"}
    backend = StorageBackend(bad)
    dj.config.stores["bad"] = bad
    said = [repr(backend), repr(backend.spec), repr(backend.fs), repr(dj.config), repr(dj.config.stores), str(dj.config.stores["bad"])]
    said.append(repr(dj.config.get_store_spec("bad")))
    for call in (
        lambda: backend.put_buffer(b"x", "a"), lambda: backend.get_buffer("a"), lambda: backend.exists("a"),
        lambda: backend.fs.ls("a"), lambda: backend.remove("a"),
    ):  # fmt: skip
        with pytest.raises(dj.DataJointError) as caught:
            call()
        said.append(f"{caught.value} {caught.value!r}")
    said.append("".join(capsys.readouterr()))
    for secret in secrets.values():
        assert not [text for text in said if secret in text or urllib.parse.quote(secret, safe="") in text]
    assert "refused" in said[-2] and backend.spec["secret_key"] == "wr0ngsecret"
    del dj.config.stores["bad"]


def test_profiles_and_variables_give_credentials(s3, tmp_path, monkeypatch):
    keys = s3.pop("access_key"), s3.pop("secret_key")
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    file = tmp_path / "credentials"
    file.write_text(f"[lab]\naws_access_key_id = {keys[0]}\naws_secret_access_key = {keys[1]}\n")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(file))
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    StorageBackend({**s3, "profile": "lab"}).put_buffer(b"1", "a")
    monkeypatch.setenv("AWS_PROFILE", "lab")
    assert StorageBackend(s3).get_buffer("a") == b"1"
    monkeypatch.delenv("AWS_PROFILE")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", keys[0])
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", keys[1])
    assert StorageBackend(s3).get_buffer("a") == b"1"
    with pytest.raises(dj.DataJointError, match="no 'nobody'"):
        StorageBackend({**s3, "profile": "nobody"}).get_buffer("a")


def test_a_forked_child_has_connections_of_its_own(s3):
    backend = StorageBackend(s3)
    backend.put_buffer(b"parent", "p")
    child = os.fork()
    if child == 0:
        try:
            is_good = all(backend.get_buffer("p") == b"parent" for _ in range(20))
            backend.put_buffer(b"child", "c")
            os._exit(0 if is_good else 1)
        finally:
            os._exit(2)
    assert all(backend.get_buffer("p") == b"parent" for _ in range(20))
    assert exit_code(child) == 0 and backend.get_buffer("c") == b"child"


@pytest.mark.parametrize("name", ["AZURE", "GCS"])
def test_other_services(name):
    given = os.environ.get(f"LAPJOINT_TEST_{name}")
    if not given:
        pytest.skip(f"LAPJOINT_TEST_{name} is not set")
    backend = StorageBackend({**json.loads(given), "location": f"python-tests/{uuid.uuid4()}"})
    scheme = {"AZURE": "az", "GCS": "gs"}[name]
    assert backend.get_url("x").startswith(f"{scheme}://")
    backend.put_buffer(b"content", ODD)
    assert backend.get_buffer(ODD) == b"content" and [*backend.get_fsmap("odd")] == [ODD[4:]]
    backend.remove_folder("odd")
    assert not backend.exists(ODD)


def test_a_slice_of_an_array_in_s3_reads_what_it_touches(stored, s3):
    @stored
    class Movie(dj.Manual):
        definition = "id : int32\n---\nframes : <zarr@s3>"

    frames = np.arange(60 * 40 * 30, dtype="int32").reshape(60, 40, 30)
    options = {1: {"chunks": (10, 20, 30)}, 2: {"chunks": (5, 10, 10), "shards": (20, 40, 30)}, 3: {"chunks": (10, 20, 30), "zarr_format": 2}}
    Movie.insert({"id": id, "frames": dj.ZarrValue(frames, **option)} for id, option in options.items())
    for id in options:
        reference = (Movie & {"id": id}).fetch1("frames")
        np.testing.assert_array_equal(reference.load(), frames)
        np.testing.assert_array_equal(reference[7:33:5, 3], frames[7:33:5, 3])
        np.testing.assert_array_equal(pickle.loads(pickle.dumps(reference))[59], frames[59])
        if pytest.importorskip("zarr"):
            np.testing.assert_array_equal(reference.zarr()[20:31, 5], frames[20:31, 5])
        # What a slice does not touch may be gone.
        service, root = client(s3), f"{s3['location']}/{reference.path}/"
        keys = [found["Key"] for found in service.list_objects_v2(Bucket=s3["bucket"], Prefix=root)["Contents"]]
        touched = {1: "c/1/0/0", 2: "c/0/0/0", 3: "1.0.0"}[id]
        assert root + touched in keys
        for key in keys:
            if key.removeprefix(root) not in (touched, "zarr.json", ".zarray", ".zattrs"):
                service.delete_object(Bucket=s3["bucket"], Key=key)
        reference = (Movie & {"id": id}).fetch1("frames")
        np.testing.assert_array_equal(reference[12:17, 2:9], frames[12:17, 2:9])
        with pytest.raises(dj.errors.MissingExternalFile, match="zarr"):
            reference.load()
    (Movie & "id = 1").delete(prompt=False)


def test_references_of_a_service_go_to_other_processes(stored, s3):
    @stored
    class Kept(dj.Manual):
        definition = "id : int32\n---\ntrace : <npy@s3>\nfile : <object@s3>"

    Kept.insert1({"id": 1, "trace": np.arange(6), "file": b"whole"})
    trace, file = Kept.fetch1("trace", "file")
    packed = pickle.dumps((trace, file))
    # The store's name may mean another place there, or nothing.
    del dj.config.stores["s3"]
    trace, file = pickle.loads(packed)
    np.testing.assert_array_equal(trace[2:4], [2, 3])
    assert file.read() == b"whole" and s3["secret_key"] not in repr(trace._backend.spec)
