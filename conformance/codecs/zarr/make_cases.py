"""Writes the frozen cases of `<zarr@>`: by DataJoint with the plugin dj-zarr-codecs, or by this package.

    python make_cases.py datajoint mysql://root@127.0.0.1:3306     needs datajoint, dj-zarr-codecs, zarr 3
    python make_cases.py lapjoint

Cases that are there are left as they are.
"""

import json
import pathlib
import shutil
import sys
import tempfile
import urllib.parse
import uuid

import numpy as np

HERE = pathlib.Path(__file__).parent
RNG = np.random.default_rng(6)
MOVIE = RNG.poisson(20, (30, 16, 16)).astype("uint16")
VALUES = {
    "float64": RNG.normal(size=(100, 8)),
    "uint16": MOVIE,
    "bool": RNG.random((9, 5)) > 0.5,
    "complex": RNG.normal(size=7) + 1j * RNG.normal(size=7),
    "big_endian": np.arange(6, dtype=">i4").reshape(2, 3),
    "datetime": np.array(["2026-01-02T03:04:05.678901", "NaT"], "M8[us]"),
    "scalar": np.array(2.5),
    "empty": np.empty((0, 4), "float32"),
    "zeros": np.zeros((12, 3)),
}
# Options of this package, beside what it does without any.
OPTIONS = {
    "chunks": {"chunks": (7, 16, 10), "attrs": {"gain": 2.5}},
    "v2": {"zarr_format": 2, "chunks": (7, 16, 10), "attrs": {"gain": 2.5}},
    "v2_blosc": {"zarr_format": 2, "chunks": (7, 16, 16), "codec": {"name": "blosc", "shuffle": "bitshuffle"}},
    "blosc": {"chunks": (7, 16, 16), "codec": {"name": "blosc", "cname": "lz4"}},
    "gzip": {"chunks": (7, 16, 16), "codec": "gzip"},
    "uncompressed": {"chunks": (15, 16, 16), "codec": "none"},
    "sharded": {"chunks": (5, 16, 8), "shards": (20, 16, 16)},
}


def freeze(name, column, folder, value, written_by):
    """Keeps one stored value."""
    case = HERE / "1.0" / name
    (case / "objects").mkdir(parents=True)
    shutil.copytree(folder / column["path"], case / "objects" / column["path"])
    manifest = f"{column['path']}.manifest.json"
    if (folder / manifest).exists():
        shutil.copy(folder / manifest, case / "objects" / manifest)
    # A store's name is not always on record; arrays are read in the machine's byte order.
    np.save(case / "expected.npy", value.astype(value.dtype.newbyteorder("=")))
    about = {"spec": "<zarr@main>", "column": column, "written_by": written_by, "expected": {"npy": "expected.npy"}}
    (case / "case.json").write_text(json.dumps(about, indent=1) + "\n")


def stores(folder):
    return {"default": "main", "main": {"protocol": "file", "location": str(folder)}}


def by_datajoint(folder, url):
    import datajoint as dj
    import dj_zarr_codecs
    import zarr

    place = urllib.parse.urlsplit(url)
    dj.config["database.host"], dj.config["database.port"] = place.hostname, place.port
    dj.config["database.user"], dj.config["database.password"] = place.username, place.password or ""
    dj.config.stores = stores(folder)
    schema = dj.Schema(f"zarr_{uuid.uuid4().hex[:8]}")

    @schema
    class Scan(dj.Manual):
        definition = "scan : varchar(30)\n---\nmovie : <zarr@main>"

    written_by = f"datajoint {dj.__version__}, dj-zarr-codecs {dj_zarr_codecs.__version__}, zarr {zarr.__version__}"
    for name, value in VALUES.items():
        if (HERE / "1.0" / f"{name}_by_plugin").exists():
            continue
        Scan.insert1({"scan": name, "movie": value})
        rows = schema.connection.query(f"SELECT movie FROM {Scan.full_table_name} WHERE scan = %s", (name,))
        freeze(f"{name}_by_plugin", json.loads(rows.fetchone()[0]), folder, value, written_by)
    schema.drop(prompt=False)


def by_lapjoint(folder, _):
    import lapjoint as dj

    dj.config["database.backend"], dj.config["database.name"] = "sqlite", str(folder / "database")
    dj.config["stores"] = stores(folder)
    schema = dj.Schema("lab")

    @schema
    class Scan(dj.Manual):
        definition = "scan : varchar(30)\n---\nmovie : <zarr@main>"

    cases = {name: (value, value) for name, value in VALUES.items()}
    cases |= {name: (MOVIE, dj.ZarrValue(MOVIE, **options)) for name, options in OPTIONS.items()}
    for name, (value, given) in cases.items():
        if (HERE / "1.0" / f"{name}_by_lapjoint").exists():
            continue
        Scan.insert1({"scan": name, "movie": given})
        column = (Scan & {"scan": name}).fetch1("movie").metadata
        freeze(f"{name}_by_lapjoint", column, folder, value, f"lapjoint {dj.__version__}")


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as scratch:
        who = {"datajoint": by_datajoint, "lapjoint": by_lapjoint}[sys.argv[1]]
        who(pathlib.Path(scratch), (sys.argv[2:] or [""])[0])
