"""The codecs that ship for the sciences, on every database, with their objects in a folder and in S3."""

import numpy as np
import pytest
from test_services import s3, s3_service  # noqa: F401 - fixtures

import lapjoint as dj

networkx = pytest.importorskip("networkx")
pandas = pytest.importorskip("pandas")
sparse = pytest.importorskip("scipy.sparse")
sitk = pytest.importorskip("SimpleITK")
pysam = pytest.importorskip("pysam")
pytest.importorskip("pyarrow")

DEFINITION = """
id : int32
---
graph : <graph@s3>
matrix : <sparse@s3>
image : <medimg@s3>
times : <spikes@s3>
frame : <parquet@s3>
reads : <bam@s3>
"""


def row(number):
    header = pysam.AlignmentHeader.from_dict({"HD": {"VN": "1.6"}, "SQ": [{"SN": "chr1", "LN": 10_000}]})
    read = pysam.AlignedSegment(header)
    read.query_name, read.query_sequence, read.cigarstring = f"read{number}", "ACGT", "4M"
    read.reference_id, read.reference_start = 0, 100 * number
    return {
        "id": number,
        "graph": networkx.path_graph(number + 2),
        "matrix": sparse.eye_array(number + 2, format="csr"),
        "image": sitk.GetImageFromArray(np.full((3, 4), number, "i2")),
        "times": np.arange(number, number + 50) / 30_000,
        "frame": pandas.DataFrame({"a": [number, 2.5]}),
        "reads": (header, [read]),
    }


def test_all_of_them_on_every_database(database, s3, tmp_path):
    config = database.connection._config
    config.stores["s3"] = s3
    table = database.schema()(type("Everything", (dj.Manual,), {"definition": DEFINITION}))
    table.insert(row(number) for number in range(3))
    for number, back in enumerate(table.to_dicts(order_by="id")):
        given = row(number)
        assert networkx.utils.graphs_equal(back["graph"], given["graph"])
        assert (back["matrix"] != given["matrix"]).nnz == 0
        assert sitk.GetArrayFromImage(back["image"]).tolist() == [[number] * 4] * 3
        assert back["times"].tobytes() == given["times"].tobytes()
        assert back["frame"].load().equals(given["frame"])
        assert [read.query_name for read in back["reads"].fetch("chr1")] == [f"read{number}"]
        assert back["reads"].store == back["frame"].store == "s3"
    table.update1({"id": 0, "frame": pandas.DataFrame({"b": [1]})})
    assert (table & "id = 0").fetch1("frame").columns == ["b"]
    assert not list((tmp_path / "store").rglob("*.*"))


def test_columns_of_arrow(schema):
    definition = "id : int32\n---\ngraph = null : <graph>\nmatrix = null : <sparse>\ntimes = null : <spikes>\n"
    definition += "frame = null : <parquet@>\nreads = null : <bam@>\n"
    table = schema(type("Columns", (dj.Manual,), {"definition": definition}))
    given = row(1)
    table.insert([{name: given[name] for name in ("id", "graph", "matrix", "times", "frame", "reads")}, {"id": 2}])
    columns = table.to_arrow(order_by="KEY").to_pydict()
    edges = [{"source": 0, "target": 1}, {"source": 1, "target": 2}]
    assert columns["graph"] == [{"directed": False, "nodes": ["0", "1", "2"], "edges": edges}, None]
    assert columns["matrix"] == [{"shape": [3, 3], "coords": [[0, 1, 2], [0, 1, 2]], "data": [1.0, 1.0, 1.0]}, None]
    assert columns["times"] == [given["times"].tolist(), None]
    frame, reads = columns["frame"][0], columns["reads"][0]
    assert (frame["rows"], frame["columns"], frame["frame"], frame["store"]) == (2, ["a"], "pandas", "main")
    assert reads["mapped"] == 1 and reads["path"].startswith("_schema/lab/columns/id=1/reads_")
    assert columns["frame"][1] is None and columns["reads"][1] is None
