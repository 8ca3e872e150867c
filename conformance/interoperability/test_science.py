"""Zarr folders that either system wrote are read by the other: DataJoint's side opens them with zarr-python, as its plugins do."""

import uuid

import numpy as np
import pytest
import zarr
from conftest import SERVERS
from datajoint.builtin_codecs import SchemaCodec

TABLES = {
    "Recording": """
        id : int
        ---
        trace = null : <zarr@file>
        movie = null : <photon@file>
        """
}


class Opened(SchemaCodec, register=False):
    """A folder as zarr-python opens it through DataJoint's own mapping of the store."""

    def decode(self, stored, *, key=None):
        return zarr.open_array(self._get_backend(stored["store"]).get_fsmap(stored["path"]), mode="r")


class Zarr(Opened):
    name = "zarr"

    def encode(self, value, *, key=None, store_name=None):
        schema, table, field, primary_key = self._extract_context(key)
        path, _ = self._build_path(schema, table, field, primary_key, ext=".zarr", store_name=store_name)
        zarr.create_array(self._get_backend(store_name).get_fsmap(path), data=value)
        return {"path": path, "store": store_name, "shape": list(value.shape), "dtype": str(value.dtype), "provenance": {"plugin": "1"}}


class Photon(Opened):
    name = "photon"


@pytest.mark.parametrize("server", SERVERS)
def test_zarr_folders(server, pairs):
    pair = pairs(server, "file")
    if pair is None:
        pytest.skip(f"no {server}")
    datajoint, lapjoint = pair
    name = f"science_{uuid.uuid4().hex[:10]}"
    trace = np.random.default_rng(1).normal(size=(700, 33)).astype("float32")
    movie = np.random.default_rng(2).poisson(9, (130, 20, 30)).astype("uint16")
    try:
        schema = lapjoint.schema(name)
        ours = lapjoint.declare(schema, TABLES)["Recording"]
        ours.insert([{"id": 1, "trace": trace, "movie": movie}, {"id": 2}])
        theirs = datajoint.found(name)["Recording"]
        row = (theirs & {"id": 1}).fetch1()
        assert row["trace"].shape == trace.shape and row["trace"].dtype == trace.dtype
        assert np.array_equal(row["trace"][:], trace) and np.array_equal(row["trace"][650:, ::5], trace[650:, ::5])
        # The plugin's transform: 2 √(x + 3/8), and its parameters.
        assert np.allclose(row["movie"][:], 2 * np.sqrt(movie + 0.375), rtol=0, atol=1e-12)
        assert row["movie"].attrs["codec_version"] == "1.0" and row["movie"].attrs["anscombe_gain"] == 1
        assert (theirs & {"id": 2}).fetch1("trace") is None
        theirs.insert1({"id": 3, "trace": trace.T.copy()})
        reference = (ours & {"id": 3}).fetch1("trace")
        assert type(reference) is lapjoint.dj.ZarrRef and reference.shape == trace.T.shape
        assert np.array_equal(reference[:, 100:200], trace.T[:, 100:200]) and np.array_equal(reference, trace.T)
        # What DataJoint deletes, our collection finds; what is left, it leaves.
        (theirs & {"id": 1}).delete_quick()
        found = lapjoint.dj.gc.GarbageCollector(schema, store="file", grace=0).collect(dry_run=False)
        assert not found["errors"] and found["schema_paths_orphaned"] > 0, found
        assert np.array_equal((ours & {"id": 3}).fetch1("trace"), trace.T)
    finally:
        lapjoint.drop(name)
