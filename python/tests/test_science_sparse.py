"""`<sparse>`: every format of scipy's sparse matrices and arrays, there and back."""

import numpy as np
import pytest

import lapjoint as dj
from lapjoint.blob import pack, unpack

sparse = pytest.importorskip("scipy.sparse")

FORMATS = ["csr", "csc", "bsr", "coo", "dia", "lil", "dok"]
DTYPES = ["bool", "int8", "uint16", "int64", "float32", "float64", "complex64", "complex128"]


def parts(matrix):
    """All that makes up a matrix."""
    if matrix.format == "dok":
        return [list(matrix.items())]
    if matrix.format == "lil":
        return [matrix.rows.tolist(), matrix.data.tolist()]
    names = {"coo": ["data", "row", "col"], "dia": ["data", "offsets"]}.get(matrix.format, ["data", "indices", "indptr"])
    return [getattr(matrix, name) for name in names]


def assert_same(back, given):
    assert type(back) is type(given) and back.shape == given.shape and back.dtype == given.dtype and back.nnz == given.nnz
    for ours, theirs in zip(parts(back), parts(given), strict=True):
        if isinstance(theirs, np.ndarray):
            assert ours.dtype == theirs.dtype and np.array_equal(ours, theirs), (ours, theirs)
        else:
            assert ours == theirs
    for flag in ("has_sorted_indices", "has_canonical_format"):
        assert getattr(back, flag, None) == getattr(given, flag, None), flag
    assert (back.todense() == given.todense()).all()


def example(form, kind, dtype="float64"):
    dense = np.zeros((6, 8), dtype)
    dense[[0, 1, 4, 5, 5], [1, 0, 7, 2, 3]] = [1, 2, 3, 1, 5]
    family = getattr(sparse, f"{form}_{kind}")
    return family(dense, blocksize=(2, 4)) if form == "bsr" else family(dense)


@pytest.mark.parametrize("kind", ["array", "matrix"])
@pytest.mark.parametrize("form", FORMATS)
def test_every_format_through_tables(schema, tmp_path, form, kind):
    (tmp_path / "cold").mkdir()
    dj.config.stores["cold"] = {"protocol": "file", "location": str(tmp_path / "cold")}
    definition = "id : int32\n---\na = null : <sparse>\nb = null : <sparse@>\nc = null : <sparse@cold>"
    table = schema(type("Row", (dj.Manual,), {"definition": definition}))
    given = example(form, kind)
    table.insert([{"id": 1, "a": given, "b": given, "c": given}, {"id": 2}])
    row = (table & "id = 1").fetch1()
    for name in "abc":
        assert_same(row[name], given)
    assert (table & "id = 2").fetch1("c") is None
    assert [path for path in (tmp_path / "cold").rglob("*") if path.is_file()]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("form", FORMATS)
def test_every_type_of_element(form, dtype):
    codec = dj.get_codec("sparse")
    for kind in ("array", "matrix"):
        given = example(form, kind, dtype)
        assert_same(codec.decode(unpack(pack(codec.encode(given)))), given)


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("shape", [(0, 0), (0, 5), (3, 0), (1, 1), (4, 3)])
def test_nothing_in_it(form, shape):
    codec = dj.get_codec("sparse")
    for kind in ("array", "matrix"):
        given = getattr(sparse, f"{form}_{kind}")(shape, dtype="f4")
        assert_same(codec.decode(unpack(pack(codec.encode(given)))), given)


def test_what_is_neither_sorted_nor_canonical_stays_so():
    codec = dj.get_codec("sparse")
    wide = [np.array([1.0, 2.0, 0.0, 4.0]), np.array([3, 0, 0, 1], "i8"), np.array([0, 3, 4], "i8")]
    for kind in ("array", "matrix"):
        given = getattr(sparse, f"csr_{kind}")((2, 5))
        given.data, given.indices, given.indptr = wide
        assert not given.has_sorted_indices and not given.has_canonical_format
        back = codec.decode(unpack(pack(codec.encode(given))))
        assert_same(back, given)
        assert back.indices.dtype == "i8" and not back.has_sorted_indices
        twice = getattr(sparse, f"coo_{kind}")(([1.0, 2.0, 0.0], ([0, 0, 1], [1, 1, 1])), shape=(2, 2))
        assert_same(codec.decode(unpack(pack(codec.encode(twice)))), twice)
    # Room behind the last element belongs to no matrix.
    roomy = sparse.csr_array(example("csr", "array"))
    tight = roomy.copy()
    roomy.data, roomy.indices = np.append(roomy.data, [9.0]), np.append(roomy.indices, [0]).astype(roomy.indices.dtype)
    assert_same(codec.decode(unpack(pack(codec.encode(roomy)))), tight)


def test_arrays_of_one_and_three_axes():
    codec = dj.get_codec("sparse")
    for given in (
        sparse.coo_array(np.array([0.0, 3, 0, 4])),
        sparse.csr_array(np.array([0.0, 3, 0, 4])),
        sparse.dok_array(np.array([0.0, 3, 0, 4])),
        sparse.coo_array(np.arange(24).reshape(2, 3, 4) % 5),
    ):
        back = codec.decode(unpack(pack(codec.encode(given))))
        assert type(back) is type(given) and back.shape == given.shape and (back.todense() == given.todense()).all()


def test_datajoint_reads_it_as_a_blob():
    blob = pytest.importorskip("datajoint.blob")
    given = example("csr", "array")
    stored = blob.unpack(pack(dj.get_codec("sparse").encode(given)))
    again = sparse.csr_array((stored["data"], stored["indices"], stored["indptr"]), shape=stored["shape"])
    assert (again.todense() == given.todense()).all()


def test_large(schema):
    table = schema(type("Large", (dj.Manual,), {"definition": "id : int32\n---\nx : <sparse@>"}))
    given = sparse.random_array((50_000, 40_000), density=0.0005, format="csr", rng=np.random.default_rng(1))
    table.insert1({"id": 1, "x": given})
    assert_same_arrays = [np.array_equal(a, b) for a, b in zip(parts(table.fetch1("x")), parts(given), strict=True)]
    assert all(assert_same_arrays)


def test_values_that_are_not_sparse(schema):
    table = schema(type("Row", (dj.Manual,), {"definition": "id : int32\n---\nx : <sparse>"}))
    for value, message in [
        (np.eye(3), "expects a matrix or array of scipy.sparse, got ndarray"),
        (sparse.csr_array(np.eye(2, dtype="g")), r"cannot store elements of type .*; convert them with .astype\('float64'\)"),
    ]:
        with pytest.raises(dj.DataJointError, match=message):
            table.insert1({"id": 1, "x": value})
    assert len(table()) == 0


def spoiled(form="csr", **changes):
    stored = dj.get_codec("sparse").encode(example(form, "array"))
    return {name: value for name, value in {**stored, **changes}.items() if value is not ...}


@pytest.mark.parametrize(
    "stored, message",
    [
        (lambda: [1], "expected a dict with one of the formats"),
        (lambda: spoiled(format="xyz"), "expected a dict with one of the formats"),
        (lambda: spoiled(kind="list"), "kind is 'list', neither array nor matrix"),
        (lambda: spoiled(codec_version="2.0"), "version '2.0'"),
        (lambda: spoiled(shape=[6, -8]), "is no shape"),
        (lambda: spoiled(shape=None), "is no shape"),
        (lambda: spoiled(shape=[6, 1 << 70]), "is no shape"),
        (lambda: spoiled(data=...), "data is no array of numbers"),
        (lambda: spoiled(data=np.array(["a"])), "data is no array of numbers"),
        (lambda: spoiled(shape=[1 << 60, 8]), "do not fit the shape"),
        (lambda: spoiled(indices=np.array([0, 1, 2, 3, 8])), "index 8 is outside of 0 to 7"),
        (lambda: spoiled(indices=np.array([0, 1, -2, 3, 7])), "index -2 is outside of 0 to 7"),
        (lambda: spoiled(indices=np.array([0.0, 1, 2, 3, 4])), "elements of type float64, not integers"),
        (lambda: spoiled(indptr=np.array([0, 3, 2, 2, 2, 3, 5])), "pointers do not rise from 0 to 5"),
        (lambda: spoiled(indptr=np.array([0, 1, 2, 2, 2, 3, 1 << 40])), "pointers do not rise from 0 to 5"),
        (lambda: spoiled(indptr=np.array([-1, 1, 2, 2, 2, 3, 5])), "pointers do not rise"),
        (lambda: spoiled(indptr=np.array([0, 5])), "2 pointers, 5 indices and 5 elements do not fit"),
        (lambda: spoiled("bsr", shape=[5, 8]), "do not divide a matrix of shape"),
        (lambda: spoiled("bsr", data=np.zeros((4, 0, 2))), "do not divide"),
        (lambda: spoiled("coo", coords=[np.array([0, 1])]), "coords must be 2 arrays"),
        (lambda: spoiled("coo", coords=[np.array([0, 1, 2, 3, 6]), np.arange(5)]), "index of axis 0, 6 is outside of 0 to 5"),
        (lambda: spoiled("coo", coords=[np.zeros(5, "i4"), np.zeros(5, "i4")]), "said to be canonical"),
        (lambda: spoiled("coo", coords=[np.arange(4), np.arange(5)]), "4 indices of axis 0 for 5 elements"),
        (lambda: spoiled("dok", coords=[np.zeros(5, "i8"), np.zeros(5, "i8")]), r"two elements at \(0, 0\)"),
        (lambda: spoiled("dia", offsets=np.array([0])), "do not fit the shape"),
        (lambda: spoiled("dia", offsets=np.zeros(4, "i4")), "do not fit the shape"),
    ],
)
def test_damage_is_found_before_anything_is_built(stored, message):
    with pytest.raises(dj.DataJointError, match=f"<sparse> cannot read its stored value: .*{message}"):
        dj.get_codec("sparse").decode(stored())
