"""Writes the cases of the codecs that ship for the sciences: through a table, whose column and store are then kept.

A case that is there already is left alone.
"""

import json
import os
import pathlib
import shutil
import tempfile

HERE = pathlib.Path(__file__).parent
os.environ["DJ_IGNORE_CONFIG_FILE"] = "true"

import networkx  # noqa: E402
import numpy as np  # noqa: E402
import pandas  # noqa: E402
import polars  # noqa: E402
import pysam  # noqa: E402
import SimpleITK as sitk  # noqa: E402
from scipy import sparse  # noqa: E402

import lapjoint as dj  # noqa: E402
from lapjoint.science import json_schema  # noqa: E402


def graph(kind):
    made = getattr(networkx, kind)(name="circuit")
    made.add_node(("v1", 3), layer=4, note=None)
    made.add_edge("a", 7, weight=0.5)
    made.add_edge(7, ("v1", 3), tags=["x", b"y"], shape=np.arange(3))
    made.add_edge("a", 7, weight=0.25)
    return made


def image(size, kind, components=0):
    made = sitk.Image(size, kind, components) if components else sitk.Image(size, kind)
    made.SetSpacing([0.5 + axis / 3 for axis in range(len(size))])
    made.SetOrigin([-1.0 / (axis + 3) for axis in range(len(size))])
    made.SetMetaData("patient", "é")
    return made + 1


def reads():
    header = pysam.AlignmentHeader.from_dict({"HD": {"VN": "1.6"}, "SQ": [{"SN": "chr1", "LN": 10_000}]})
    made = []
    for number in (30, 10, 20):
        read = pysam.AlignedSegment(header)
        read.query_name, read.query_sequence, read.cigarstring = f"read{number}", "ACGTACGTAC", "10M"
        read.reference_id, read.reference_start, read.mapping_quality = 0, number * 100, 60
        made.append(read)
    return header, made


FRAME = {"t": [0.5, None, -0.0], "text": ["a", "", "é"], "count": [1, 2, 3]}


def cases():
    """Codec, version, name, type, value; what is expected is made by `plain` of the codec, but for arrays."""
    for kind in ("Graph", "DiGraph", "MultiGraph", "MultiDiGraph"):
        yield "graph", "1.0", kind.lower(), "<graph>", graph(kind)
    yield "graph", "1.0", "in_store", "<graph@main>", graph("DiGraph")
    dense = np.array([[0, 1.5, 0, 0], [2, 0, 0, 0], [0, 0, 0, -3], [0, 0, 0, 0]])
    for form in ("csr", "csc", "coo", "dia", "lil", "dok"):
        yield "sparse", "1.0", f"{form}_array", "<sparse>", getattr(sparse, f"{form}_array")(dense)
        yield "sparse", "1.0", f"{form}_matrix", "<sparse>", getattr(sparse, f"{form}_matrix")(dense.astype("i4"))
    yield "sparse", "1.0", "bsr_in_store", "<sparse@main>", sparse.bsr_array(dense, blocksize=(2, 2))
    yield "medimg", "1.0", "volume", "<medimg>", image([4, 3, 2], sitk.sitkInt16)
    yield "medimg", "1.0", "vectors_in_store", "<medimg@main>", image([4, 3], sitk.sitkVectorFloat32, 3)
    yield "parquet", "1.0", "pandas", "<parquet@main>", pandas.DataFrame(FRAME, index=pandas.Index([3, 1, 2], name="trial"))
    yield "parquet", "1.0", "polars", "<parquet@main>", polars.DataFrame(FRAME)
    yield "parquet", "1.0", "arrow", "<parquet@main>", polars.DataFrame(FRAME).to_arrow(compat_level=polars.CompatLevel.oldest())
    yield "bam", "1.0", "reads", "<bam@main>", reads()
    yield "json-schema", "1.0", "document", "<json-schema>", {"$schema": "urn:lapjoint:case", "rate": 30000.5, "list": [1, None]}
    ticks = np.cumsum(np.random.default_rng(1).geometric(1 / 3000, 500))
    for name, train in {
        "seconds": ticks / 30_000,
        "seconds_from_anywhere": ticks / 29_999.954846 + 17.25,
        "period": ticks * (1 / 24_414.0625),
        "single": (ticks / 20_000).astype("f4"),
        "samples": ticks,
        "samples_unsorted": ticks[::-1].astype("i4").copy(),
        "microseconds": ticks.astype("u8") * 50,
        "no_grid": np.cumsum(np.random.default_rng(2).exponential(0.1, 200)),
        "strange": np.array([np.nan, -0.0, np.inf, -np.inf, 5e-324, 1.5]),
        "regular": np.arange(1000) / 40.0,
        "empty": np.array([]),
    }.items():
        yield "spikes", "1", name, "<spikes>", train
    yield "spikes", "1", "in_store", "<spikes@main>", ticks / 30_000


def main():
    json_schema.register_schema({"type": "object"}, "urn:lapjoint:case")
    for number, (codec, version, name, spec, value) in enumerate(cases()):
        place = HERE / codec / version / name
        if place.exists():
            continue
        with tempfile.TemporaryDirectory() as scratch:
            keep(pathlib.Path(scratch), place, number, codec, spec, value)
        print(place.relative_to(HERE))


def keep(scratch, place, number, codec, spec, value):
    objects, case_folder = scratch / "objects", scratch / "case"
    objects.mkdir()
    case_folder.mkdir()
    instance = dj.Instance(
        database__backend="sqlite", database__name=str(scratch / "database"),
        stores={"default": "main", "main": {"protocol": "file", "location": str(objects)}},
    )  # fmt: skip
    schema = instance.Schema("lab")
    table = schema(type("Kept", (dj.Manual,), {"definition": f"id : int32\n---\nvalue : {spec}"}))
    table.insert1({"id": 1, "value": value})
    (column,) = instance.connection.query(f"SELECT value FROM {table.full_table_name}").fetchone()
    column = {"bytes": bytes(column).hex()} if isinstance(column, (bytes, memoryview)) else json.loads(column)
    back = table.fetch1("value")
    plain = HERE / codec / "plain.py"
    if codec == "spikes":
        np.save(case_folder / "expected.npy", value)
        expected = {"npy": "expected.npy"}
    else:
        # What went in, not what came out: a reference is compared with the value that it stands for.
        names = {}
        exec(plain.read_text(), names) if plain.exists() else names.update(plain=lambda value: value)
        given = names.get("given", names["plain"])(value)
        assert names["plain"](back) == given, (names["plain"](back), given)
        expected = {"json": given}
    case = {"spec": spec, "column": column, "written_by": f"lapjoint {dj.__version__}", "expected": expected}
    if codec != "spikes":
        case["read_by"] = ["python"]
    (case_folder / "case.json").write_text(json.dumps(case, indent=1, ensure_ascii=False) + "\n")
    if any(objects.iterdir()):
        shutil.copytree(objects, case_folder / "objects")
    instance.connection.close()
    shutil.copytree(case_folder, place)
    assert sum(file.stat().st_size for file in place.rglob("*") if file.is_file()) < 200_000


if __name__ == "__main__":
    main()
