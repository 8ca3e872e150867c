"""The codecs that ship for the sciences keep the rules of all codecs, and read what they once wrote."""

import pathlib

import numpy as np
import pytest

import lapjoint as dj
from lapjoint.testing import codec_conformance

FROZEN = pathlib.Path(__file__).parents[2] / "conformance" / "codecs"


def graphs():
    networkx = pytest.importorskip("networkx")
    kinds = (networkx.Graph, networkx.DiGraph, networkx.MultiGraph, networkx.MultiDiGraph)
    return [networkx.path_graph(4, create_using=kind) for kind in kinds], networkx.utils.graphs_equal


def matrices():
    sparse = pytest.importorskip("scipy.sparse")
    forms = ("csr", "csc", "coo", "dia", "lil", "dok")
    made = [getattr(sparse, f"{form}_{kind}")(np.eye(3)) for form in forms for kind in ("array", "matrix")]
    return made, lambda a, b: type(a) is type(b) and (a != b).nnz == 0


def images():
    sitk = pytest.importorskip("SimpleITK")
    made = [sitk.GetImageFromArray(np.arange(12, dtype=kind).reshape(3, 4)) for kind in ("u1", "i2", "f8")]
    return made, lambda a, b: sitk.GetArrayFromImage(a).tobytes() == sitk.GetArrayFromImage(b).tobytes()


def frames():
    pandas, polars = pytest.importorskip("pandas"), pytest.importorskip("polars")
    pytest.importorskip("pyarrow")
    content = {"a": [1, 2], "b": ["x", None]}
    return [pandas.DataFrame({"a": [1.5]}), polars.DataFrame(content)], lambda a, b: loaded(a).equals(loaded(b))


def loaded(frame):
    return frame.load() if hasattr(frame, "num_row_groups") else frame


def alignments():
    pysam = pytest.importorskip("pysam")
    header = pysam.AlignmentHeader.from_dict({"HD": {"VN": "1.6"}, "SQ": [{"SN": "chr1", "LN": 1000}]})
    read = pysam.AlignedSegment(header)
    read.query_name, read.query_sequence, read.cigarstring, read.reference_id, read.reference_start = "r", "ACGT", "4M", 0, 5

    def lines(value):
        found = value.fetch("chr1") if hasattr(value, "fetch") else value[1]
        return [one.to_string() for one in found]

    return [(header, [read])], lambda a, b: lines(a) == lines(b)


def trains():
    made = [np.arange(50) / 30_000, np.array([3, 1, 2]), np.array([np.nan, -0.0]), np.array([])]
    return made, lambda a, b: a.dtype == b.dtype and a.tobytes() == b.tobytes()


VALUES = {"graph": graphs, "sparse": matrices, "medimg": images, "parquet": frames, "bam": alignments, "spikes": trains}


@pytest.mark.parametrize("name", VALUES)
def test_the_rules_of_codecs(name):
    values, equal = VALUES[name]()
    codec_conformance(name, values, fixtures=FROZEN / name, equal=equal)


def test_the_rules_of_codecs_for_documents():
    pytest.importorskip("jsonschema")
    from lapjoint.science import json_schema

    json_schema.register_schema({"type": "object"}, "urn:test:any")
    try:
        documents = [{"$schema": "urn:test:any", "list": [1, 2.5, None, {"a": True}]}, {"$schema": "urn:test:any"}]
        codec_conformance("json-schema", documents, fixtures=FROZEN / "json-schema")
    finally:
        del json_schema._schemas["urn:test:any"]


def test_all_of_them_are_listed():
    assert {*VALUES, "json-schema"} <= set(dj.list_codecs())
