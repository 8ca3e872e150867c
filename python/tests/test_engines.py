"""Ray, Dask and Spark themselves, on this machine: makes run on their workers, tables are read by them in parts."""

import json
import os
import pathlib
import shutil
import subprocess
import sys
import uuid

import pytest
from conftest import DATABASES

import lapjoint as dj
from lapjoint import engines

HERE = pathlib.Path(__file__).parent


def session(engine, database, folder):
    """What a session of an engine has found."""
    (folder / "store").mkdir()
    variable = DATABASES[database]
    url = os.environ.get(variable) if variable else None
    if variable and not url:
        pytest.skip(f"no server: {variable} is not set")
    place = {"DJ_DATABASE_URL": url} if url else {"DJ_BACKEND": "sqlite", "DJ_DATABASE_NAME": str(folder / "database")}
    stores = {"default": "main", "main": {"protocol": "file", "location": str(folder / "store")}}
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("DJ_")},
        **place,
        "DJ_STORES": json.dumps(stores),
        "DJ_IGNORE_CONFIG_FILE": "true",
        "ENGINE_SCHEMA": f"engine_{uuid.uuid4().hex[:10]}",
        "PYTHONPATH": os.pathsep.join([str(HERE), os.environ.get("PYTHONPATH", "")]),
        "PYSPARK_PYTHON": sys.executable,
        "RAY_USAGE_STATS_ENABLED": "0",
        "RAY_ENABLE_UV_RUN_RUNTIME_ENV": "0",
    }
    done = subprocess.run(
        [sys.executable, HERE / "engine_session.py", engine], env=environment, cwd=folder, capture_output=True, text=True,
        timeout=300,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-4000:]
    return json.loads(done.stdout.strip().splitlines()[-1])


READ = [[n, ("even", "odd")[n % 2], [x / 2 for x in range(n % 5)]] for n in range(30)]


@pytest.mark.parametrize("engine, database", [
    ("ray", "sqlite"), ("ray", "postgres"), ("dask", "sqlite"), ("dask", "mysql"),
])  # fmt: skip
def test_makes_run_on_workers_and_tables_are_read_by_them(engine, database, tmp_path):
    pytest.importorskip({"ray": "ray", "dask": "distributed"}[engine])
    found = session(engine, database, tmp_path)
    assert found["success_count"] == 39
    assert found["errors"] == [[13, "ValueError: 13 is not computed"]]
    assert found["squares"] == {str(n): n * n for n in range(40) if n != 13}
    assert found["workers"] >= 1 and not found["here"]
    assert found["read"] == READ and found["parts"] == 4
    if "images" in found:
        assert found["images"] == [6.0 * n for n in range(30)]


def test_spark_reads_a_table(tmp_path):
    pytest.importorskip("pyspark")
    if not shutil.which("java"):
        pytest.skip("no Java on this machine: Spark needs it")
    found = session("spark", "sqlite", tmp_path)
    assert found["read"] == READ and found["parts"] == 4
    assert found["types"] == {
        "letter": "string", "n": "int", "id": "string", "kind": "string", "spikes": "array<double>", "image": "array<float>"
    }  # fmt: skip
    assert found["images"] == [6.0 * n for n in range(30)]
    assert found["ids"] == [str(uuid.UUID(int=0)), str(uuid.UUID(int=1))]
    assert found["sum"] == [["even", 210], ["odd", 225]]


def test_parts_hold_every_row_once(database):
    @database.schema()
    class Wide(dj.Manual):
        definition = """
        name : varchar(20)
        day : date
        id : uuid
        ---
        x : int32
        """

    rows = [
        {"name": name, "day": f"2020-01-{1 + n % 28:02}", "id": uuid.uuid5(uuid.NAMESPACE_DNS, f"{name}{n}"), "x": n}
        for name in ("a'b", "A", "é", "zz", "")
        for n in range(60)
    ]
    Wide.insert(rows)
    for query, count in ((Wide(), 7), (Wide & "x < 30", 4), (Wide() & {"name": "zz"}, 3), (Wide & "x > 99", 5)):
        chosen = engines.parts(query, count, connect=lambda: database.connection)
        found = [part.rows().to_pylist() for part in chosen]
        total = [row["x"] for part in found for row in part]
        assert sorted(total) == sorted(query.to_arrays("x").tolist())
        if total:
            assert len(found) == count and max(map(len, found)) - min(map(len, found)) <= 1
        else:
            assert found == [[]]
    assert engines.parts(Wide.proj("x"), 2)[0].attributes == ("name", "day", "id", "x")
    with pytest.raises(dj.DataJointError, match="only a table, restricted and with some of its attributes, can be read in parts"):
        engines.parts(Wide.proj(y="2 * x"), 2)
