"""`<gzcm@>` from Python: what it takes, what windows of a row read, and that all of it equals what cooler, hictkpy and scipy say."""

import base64
import json
import os
import pathlib
import pickle
import struct
import uuid

import hictk
import numpy as np
import pytest
from forked import exit_code

import lapjoint as dj
from lapjoint import gzcm
from lapjoint.storage import StorageBackend
from lapjoint.testing import codec_conformance

HIC = pathlib.Path(__file__).parents[2] / "examples/data/hic"
COUNTS = np.random.default_rng(5).poisson(2, (90, 70)).astype("uint32")


def symmetric(n=60, seed=6, dtype="int32"):
    upper = np.triu(np.random.default_rng(seed).poisson(1, (n, n)))
    return (upper + np.triu(upper, 1).T).astype(dtype)


def _session(tmp_path):
    """The settings of the fixture `schema`, for another process."""
    stores = {"default": "main", "main": {"protocol": "file", "location": str(tmp_path / "store")}}
    values = {"database.backend": "sqlite", "database.name": str(tmp_path / "database"), "stores": stores}
    return "import lapjoint as dj\n" + "".join(f"dj.config[{name!r}] = {value!r}\n" for name, value in values.items())


@pytest.fixture
def table(schema):
    @schema
    class Map(dj.Manual):
        definition = """
        sample : varchar(16)
        ---
        contacts : <gzcm@main>
        """

    return Map()


def fetched(table, matrix, sample="a"):
    table.insert1({"sample": sample, "contacts": matrix})
    return (table & {"sample": sample}).fetch1("contacts")


def test_a_matrix_and_what_the_row_says(table, tmp_path):
    reference = fetched(table, COUNTS)
    assert isinstance(reference, gzcm.GzcmRef)
    assert (reference.shape, reference.dtype, reference.ndim, len(reference)) == ((90, 70), np.dtype("uint32"), 2, 90)
    assert reference.nnz == np.count_nonzero(COUNTS) and reference.chromosomes is None and reference.bin_size_bp is None
    assert repr(reference) == f"GzcmRef(shape=(90, 70), dtype=uint32, nnz={reference.nnz})"
    assert reference.store == "main" and reference.path.endswith(".gzcm")
    assert np.array_equal(reference.load(), COUNTS) and np.array_equal(np.asarray(reference), COUNTS)
    assert np.array_equal(reference.dense((3, 40), (10, 20)), COUNTS[3:40, 10:20])
    assert np.array_equal(reference.csr().toarray(), COUNTS) and np.array_equal(reference.coo((5, 9)).toarray(), COUNTS[5:9])
    # A file of its own, which anything that reads GZCM opens.
    with gzcm.open_gzcm(tmp_path / "store" / reference.path) as reader:
        assert reader.version == "5.1" and np.array_equal(reader.dense(), COUNTS)
    assert reference.verify() and np.array_equal(gzcm.open_gzcm(reference.download(tmp_path / "copy.gzcm")).dense(), COUNTS)


@pytest.mark.parametrize("index", [
    np.s_[5], np.s_[-1, 3], np.s_[2:40:3, ::-2], np.s_[..., 0], np.s_[[3, 1, 70]], np.s_[[3, 1], [2, 60]], np.s_[10:10], np.s_[None, 4:6],
    np.s_[np.arange(90) % 7 == 0, 5],
])  # fmt: skip
def test_numpys_indices(table, index):
    reference = fetched(table, COUNTS)
    found = reference[index]
    assert np.array_equal(found, COUNTS[index]) and found.dtype == COUNTS.dtype and np.shape(found) == np.shape(COUNTS[index])


def test_indices_that_are_none(table):
    reference = fetched(table, COUNTS)
    for index in (90, (0, -71), (1, 2, 3), [[100]]):
        with pytest.raises(IndexError):
            reference[index]


@pytest.mark.parametrize("form", ["coo", "csr", "csc", "lil", "dia"])
def test_sparse_matrices_of_scipy(table, form):
    sparse = pytest.importorskip("scipy.sparse")
    matrix = symmetric(dtype="float32")
    for number, of in enumerate((sparse.coo_array, sparse.coo_matrix)):
        given = of(matrix).asformat(form)
        assert np.array_equal(fetched(table, given, str(number)).load(), matrix)
        assert np.array_equal(given.toarray(), matrix)


def test_cells_that_are_named_twice_are_summed(table):
    sparse = pytest.importorskip("scipy.sparse")
    given = sparse.coo_array(([1, 2, 4], ([0, 0, 2], [1, 1, 2])), shape=(3, 3))
    assert np.array_equal(fetched(table, given).load(), [[0, 3, 0], [0, 0, 0], [0, 0, 4]]) and given.nnz == 3


def test_a_file_and_what_it_is_of(table):
    cooler = pytest.importorskip("cooler")
    path = HIC / "yeast.10kb.cool"
    theirs = cooler.Cooler(str(path))
    chromosomes = list(theirs.chromnames)
    for number, given in enumerate((path, str(path), theirs)):
        reference = fetched(table, given, str(number))
        assert reference.shape == theirs.shape and reference.bin_size_bp == 10_000 and reference.chromosomes == chromosomes
        assert np.array_equal(reference.load(), theirs.matrix(balance=False)[:])
        window = reference.fetch("chrII:100,000-300,000", "chrIV")
        assert np.array_equal(window, theirs.matrix(balance=False).fetch("chrII:100,000-300,000", "chrIV"))
        # They mask bins by NaN, and so does what is carried along.
        assert np.allclose(reference.vector("weight", "chrII"), theirs.bins().fetch("chrII")["weight"], equal_nan=True)
        assert [region.bin_size_bp for region in reference.reader.regions] == [10_000]


def test_a_part_of_a_file_of_several_resolutions(table):
    cooler = pytest.importorskip("cooler")
    path = HIC / "fly_dm6_100kb_1mb.hic"
    expected = hictk.contacts(path, 100_000, "chr2L")
    part = fetched(table, gzcm.GzcmValue(path, region1="chr2L", bin_size_bp=100_000, codec="ctx"), "part")
    assert np.array_equal(part.load(), expected) and part.metadata["codec"] == "ctx"
    mcool = HIC / "fly_dm6_100kb_1mb.mcool"
    both = fetched(table, mcool, "both")
    assert np.array_equal(both.fetch("chr2L", bin_size_bp=100_000), expected)
    with pytest.raises(ValueError, match="several resolutions"):
        both.fetch("chr2L")
    opened = cooler.Cooler(f"{mcool}::/resolutions/1000000")
    coarse = fetched(table, opened, "coarse")
    assert coarse.bin_size_bp == 1_000_000 and np.array_equal(coarse.load(), opened.matrix(balance=False)[:])


def test_files_that_hictkpy_has_open(table, tmp_path):
    """In a process of its own, see `hictk`."""
    path = HIC / "fly_dm6_100kb_1mb.hic"
    program = """
import lapjoint as dj, numpy
table = dj.FreeTable(dj.conn(), "lab.map")
given = {"file": hictkpy.File(sys.argv[1], 100_000), "all": hictkpy.MultiResFile(sys.argv[1])}
table.insert({"sample": sample, "contacts": opened} for sample, opened in given.items())
for sample in given:
    found = (table & {"sample": sample}).fetch1("contacts")
    print([region.bin_size_bp for region in found.reader.regions], found.fetch("chr2L", bin_size_bp=100_000).sum())
"""
    shown = hictk.run(_session(tmp_path) + program, path).decode().splitlines()
    total = hictk.contacts(path, 100_000, "chr2L").sum()
    assert shown == [f"[100000] {total}"] * 2


def test_options_of_arrays(table):
    given = gzcm.GzcmValue(symmetric(), chrom1="chr7", bin_size_bp=5000, codec="cmc", tile_size=np.int64(16), layout="dense-tiled")
    assert repr(given).startswith("GzcmValue(ndarray, codec='cmc', tile_size=")
    reference = fetched(table, given)
    region = reference.reader.region(0)
    assert (region.chrom1, region.bin_size_bp, region.codec, region.tile_size, region.symmetric) == ("chr7", 5000, "cmc", 16, True)
    assert reference.chromosomes == ["chr7"] and np.array_equal(reference.fetch("chr7:10000-20000"), symmetric()[2:4, 2:4])
    chosen = fetched(table, gzcm.GzcmValue(symmetric(), adaptive_codec=True), "b").reader.region(0).codec_picker
    assert chosen is not None


def test_a_matrix_of_a_row_goes_into_another(table):
    reference = fetched(table, symmetric())
    again = fetched(table, reference, "again")
    other = fetched(table, gzcm.GzcmValue(reference, codec="bsc"), "other")
    assert np.array_equal(again.load(), symmetric()) and np.array_equal(other.load(), symmetric()) and other.metadata["codec"] == "bsc"


@pytest.mark.parametrize("given, says", [
    (np.zeros((2, 2, 2), "u4"), "two dimensions"),
    (np.zeros((0, 3), "u4"), "at least one cell"),
    (np.ones((2, 2), "uint64"), "takes uint8"),
    (np.ones((2, 2), complex), "takes uint8"),
    (np.array([[1.0, np.nan]]), "finite"),
    (np.ma.masked_array([[1, 2]], mask=[[True, False]]), "no masks"),
    ([[1, 2], [3, 4]], "requires a matrix"),
    (b"bytes", "requires a matrix"),
    (gzcm.GzcmValue(COUNTS, codec="none"), "none"),
    (gzcm.GzcmValue(COUNTS, layout="round"), "layout"),
    (gzcm.GzcmValue(COUNTS, region1="chr1"), "files only"),
    (gzcm.GzcmValue([[1]], codec="zstd"), "requires a matrix"),
    (gzcm.GzcmValue(COUNTS, tile_size=object()), "as JSON"),
    (gzcm.GzcmValue(COUNTS, tile_size=0), "tile_size"),
])  # fmt: skip
def test_what_is_refused_leaves_nothing(table, tmp_path, given, says):
    with pytest.raises(dj.DataJointError, match=says) as error:
        table.insert1({"sample": "a", "contacts": given})
    assert "contacts" in str(error.value) or "<gzcm>" in str(error.value)
    assert len(table) == 0 and not [path for path in (tmp_path / "store").rglob("*") if path.is_file()]


def test_files_that_are_none(table, tmp_path):
    (tmp_path / "broken.cool").write_bytes((HIC / "yeast.10kb.cool").read_bytes()[:5000])
    (tmp_path / "empty.gzcm").write_bytes(b"")
    for path in ("no such file.cool", tmp_path, tmp_path / "broken.cool", tmp_path / "empty.gzcm"):
        with pytest.raises(dj.DataJointError):
            table.insert1({"sample": "a", "contacts": path})
    assert len(table) == 0


def test_damage_is_an_error_that_names_the_object(table, tmp_path):
    reference = fetched(table, COUNTS)
    path = tmp_path / "store" / reference.path
    content = bytearray(path.read_bytes())
    content[200] ^= 1
    path.write_bytes(content)
    with pytest.raises(dj.DataJointError, match="gzcm"):
        reference.load()
    with pytest.raises(dj.DataJointError):
        reference.verify()
    path.write_bytes(content[:100])
    with pytest.raises(dj.DataJointError):
        (table & "sample = 'a'").fetch1("contacts").load()
    path.unlink()
    with pytest.raises(dj.DataJointError):
        (table & "sample = 'a'").fetch1("contacts").load()


def _size(png):
    assert png[:8] == b"\x89PNG\r\n\x1a\n"
    return struct.unpack(">II", png[16:24])


def test_pictures(table):
    reference = fetched(table, gzcm.GzcmValue(symmetric(), chrom1="chr7", bin_size_bp=5000))
    assert _size(reference.picture(side_pixels=120, axes=False)) == (120, 120)
    wide, high = _size(reference.picture("chr7:0-100000", "chr7"))
    assert wide > high > 200
    shown = reference._repr_html_()
    assert "GzcmRef(shape=(60, 60)" in shown
    assert _size(base64.b64decode(shown.split("base64,")[1].split('"')[0]))[0] <= 256


def _matches(reference, queue=None):
    return np.array_equal(reference.dense((5, 50), (7, 30)), COUNTS[5:50, 7:30])


def test_other_processes(table):
    import multiprocessing

    reference = fetched(table, COUNTS)
    assert _matches(reference)
    assert _matches(pickle.loads(pickle.dumps(reference)))
    child = os.fork()
    if child == 0:
        try:
            os._exit(0 if _matches(reference) and reference.verify() else 1)
        finally:
            os._exit(2)
    assert exit_code(child) == 0
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        assert pool.apply_async(_matches, (reference,)).get(timeout=60)


def test_it_keeps_the_rules_of_codecs():
    values = [COUNTS, symmetric(dtype="float64"), np.zeros((3, 5), "u1")]
    codec_conformance("gzcm", values, equal=lambda a, b: np.array_equal(np.asarray(a), np.asarray(b)))


def test_in_columns_of_arrow(table):
    pytest.importorskip("pyarrow")
    table.insert([{"sample": "a", "contacts": COUNTS}, {"sample": "b", "contacts": COUNTS * 2}])
    column = table.to_arrow()["contacts"]
    assert column.type.extension_name == "arrow.fixed_shape_tensor"
    assert np.array_equal(column.combine_chunks().to_numpy_ndarray(), [COUNTS, COUNTS * 2])


def test_on_another_kind_of_store(schema):
    """What a window costs is in Rust's tests."""
    dj.config["stores"] = {**dj.config["stores"], "quick": {"protocol": "memory", "location": "gzcm"}}

    @schema
    class Quick(dj.Manual):
        definition = "sample : int32\n---\ncontacts : <gzcm@quick>"

    reference = fetched(Quick(), COUNTS, 1)
    assert _matches(reference) and reference.verify()
    assert np.array_equal(fetched(Quick(), reference, 2).load(), COUNTS)


def _backend(name):
    """Of a file that no row has, in the store that a variable names."""
    given = os.environ.get(f"LAPJOINT_TEST_{name}")
    if not given:
        pytest.skip(f"LAPJOINT_TEST_{name} is not set")
    return StorageBackend({**json.loads(given), "location": f"python-tests/{uuid.uuid4()}"})


@pytest.mark.parametrize("name", ["S3", "AZURE", "GCS"])
def test_a_file_in_a_store_is_read_by_ranges(tmp_path, name):
    backend = _backend(name)
    path = tmp_path / "fly.gzcm"
    gzcm.convert_to_gzcm(HIC / "fly_dm6_100kb_1mb.mcool", path, version=5.1)
    backend.put_file(path, "maps/fly.gzcm")
    local = gzcm.open_gzcm(path)
    for source in ("maps/fly.gzcm", pathlib.Path("maps/fly.gzcm")):
        reader = gzcm.open_gzcm(source, store=backend)
        assert np.array_equal(reader.fetch("chr2L", bin_size_bp=100_000), local.fetch("chr2L", bin_size_bp=100_000))
    again = pickle.loads(pickle.dumps(reader))
    assert np.array_equal(again.dense((5, 9), region=0), local.dense((5, 9), region=0)) and "maps/fly.gzcm" in repr(again)
    dataset = gzcm.GzcmDataset("maps/fly.gzcm", 5_000_000, bin_size_bp=100_000, store=backend)
    assert np.array_equal(dataset[3]["target"], gzcm.GzcmDataset(path, 5_000_000, bin_size_bp=100_000)[3]["target"])
    with pytest.raises(dj.errors.MissingExternalFile):
        gzcm.open_gzcm("maps/none.gzcm", store=backend)
    with pytest.raises(gzcm.GzcmError, match='no chromosome "chr9"; the file has chr2L, chr2R'):
        reader.fetch("chr9", bin_size_bp=100_000)


def test_a_file_in_a_configured_store(schema, tmp_path):
    gzcm.convert_to_gzcm(HIC / "yeast.10kb.cool", tmp_path / "store" / "yeast.gzcm")
    assert np.array_equal(gzcm.open_gzcm("yeast.gzcm", store="main").dense(), gzcm.open_gzcm(tmp_path / "store/yeast.gzcm").dense())
    with pytest.raises(ValueError, match="by its path"):
        gzcm.open_gzcm(b"bytes", store="main")
    with pytest.raises(dj.DataJointError):
        gzcm.open_gzcm("../yeast.gzcm", store="main")
