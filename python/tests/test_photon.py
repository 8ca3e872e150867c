"""`<photon@>`: movies in and out, the plugin's and ours, and what quantisation promises, on real scans."""

import json
import pathlib
import pickle
import shutil

import numpy as np
import pytest

import lapjoint as dj
from lapjoint.photon import Noise, PhotonMovie, PhotonRef
from lapjoint.storage import StorageBackend

ROOT = pathlib.Path(__file__).parents[2]
SCANS = sorted((ROOT / "examples/data/imaging").glob("*.tif"))
FROZEN = ROOT / "conformance/codecs/photon/1.0"


@pytest.fixture
def scan(schema):
    @schema
    class Scan(dj.Manual):
        definition = """
        scan : int32
        ---
        movie = null : <photon@>
        """

    return Scan


def stored(scan, movie):
    scan.insert1({"scan": 1, "movie": movie}, replace=True)
    return (scan & {"scan": 1}).fetch1("movie")


def read_scan(path):
    tifffile = pytest.importorskip("tifffile")
    return tifffile.imread(path)


def counts(*shape, rate=6.0, dtype="uint16"):
    return np.random.default_rng(3).poisson(rate, shape).astype(dtype)


def size_of(tmp_path, ref):
    folder = tmp_path / "store" / ref.path
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())


def test_a_movie_comes_back_exactly(scan):
    movie = counts(30, 7, 5)
    ref = stored(scan, movie)
    assert isinstance(ref, PhotonRef) and (ref.shape, ref.dtype, ref.mode, ref.beta) == (movie.shape, movie.dtype, "anscombe", None)
    assert np.array_equal(np.asarray(ref), movie) and np.asarray(ref).dtype == movie.dtype
    for index in [0, -1, slice(3, 20, 4), (slice(None), 2), (..., 1), (5, slice(None), [0, 3]), slice(None, None, -3)]:
        assert np.array_equal(ref[index], movie[index]), index
        assert np.allclose(ref.transformed[index], 2 * np.sqrt(movie[index] + 0.375), rtol=1e-14)
    assert len(ref) == 30 and np.array_equal(np.stack(list(ref)), movie)
    assert ref.noise == Noise(1, 0, 0) and ref.attrs["original_dtype"] == "uint16" and ref.verify()
    assert np.array_equal(np.asarray(pickle.loads(pickle.dumps(ref))), movie)
    assert np.array_equal(np.asarray(stored(scan, ref)), movie)
    assert stored(scan, None) is None


@pytest.mark.parametrize("dtype", ["bool", "uint8", "int16", ">u2", "uint32", "int64", "float32", "float64"])
def test_every_type_of_number(scan, dtype):
    movie = (counts(4, 3, 2, 2) % 2 if dtype == "bool" else counts(4, 3, 2, 2)).astype(dtype)
    found = np.asarray(stored(scan, np.asfortranarray(movie)))
    assert np.allclose(found, movie, rtol=1e-7) and found.dtype == movie.dtype.newbyteorder("=")


def test_zarr_python_reads_what_is_stored(scan, tmp_path):
    zarr = pytest.importorskip("zarr")
    movie = counts(250, 6, 4)
    ref = stored(scan, movie)
    array = ref.zarr()
    assert isinstance(array, zarr.Array) and array.dtype == float and array.chunks == (100, 6, 4)
    assert np.allclose(array[...], 2 * np.sqrt(movie + 0.375), rtol=1e-14)
    opened = zarr.open_array(str(tmp_path / "store" / ref.path), mode="r")
    assert opened.metadata.zarr_format == 2 and dict(opened.attrs) == ref.attrs
    coarse = stored(scan, PhotonMovie(movie, mode="quantised", gain=1.0))
    levels = np.array(coarse.attrs["photon_levels"])
    assert np.array_equal(levels[coarse.zarr()[...]], coarse[...])


@pytest.mark.parametrize("path", SCANS, ids=lambda path: path.stem)
@pytest.mark.parametrize("beta", [0.5, 1.0])
def test_a_real_scan_is_within_its_noise(scan, tmp_path, path, beta):
    movie = read_scan(path)
    whole = stored(scan, movie)
    assert np.array_equal(whole.load(), movie)
    whole_bytes = size_of(tmp_path, whole)
    ref = stored(scan, PhotonMovie(movie, mode="quantised", beta=beta))
    noise = ref.noise
    # The three scans are of one microscope.
    assert 0.55 < noise.gain < 0.68 and 12 < noise.offset < 16 and noise == Noise.estimate(movie)
    found = ref.load()
    assert found.dtype == movie.dtype and ref.beta == beta
    error = np.abs(found.astype(float) - movie)
    assert (error <= beta / 2 * noise.sigma(movie)).all()
    # Not exact either, or the promise would be an empty one.
    assert error.max() > 0
    assert size_of(tmp_path, ref) * (10 if beta == 0.5 else 14) < whole_bytes
    assert size_of(tmp_path, ref) * 3 < movie.nbytes


def test_the_inverses(scan):
    rng = np.random.default_rng(1)
    noise = Noise(gain=20.0, offset=100.0)
    still = 20.0 * rng.poisson(np.full((400, 8, 8), 3.0)) + 100
    ref = stored(scan, PhotonMovie(still, gain=20.0, offset=100.0))
    assert np.allclose(ref[...], still)
    # An average over time is what a denoised movie is.
    average = ref.transformed[...].mean(axis=0)
    unbiased, algebraic = noise.inverse(average, "unbiased").mean(), noise.inverse(average).mean()
    assert abs(unbiased - 160) < 1 and algebraic < 157
    assert np.allclose(ref.read((), "unbiased"), noise.inverse(noise.forward(still), "unbiased"))
    assert abs(ref.transformed[...].std() - 1) < 0.1


def test_what_is_no_movie_is_refused(scan, tmp_path):
    for movie, words in [
        (counts(3, 3), "3D"),
        (-counts(3, 3, 3).astype(int), "non-negative"),
        (np.full((2, 2, 2), np.nan), "NaN"),
        (np.zeros((2, 2, 2), complex), "real numbers"),
        (np.zeros((2, 2, 2), object), "object"),
        (np.zeros((2, 2, 2), "float16"), "float32"),
        (np.ma.masked_less(counts(3, 3, 3), 3), "mask"),
        ([[[1]]], "requires a NumPy array"),
        (PhotonMovie(counts(3, 3, 3), mode="good"), "good"),
        (PhotonMovie(counts(3, 3, 3), mode="quantised", gain=1, beta=5), "beta"),
        (PhotonMovie(np.ones((3, 3, 3)), mode="quantised"), "give gain="),
        (PhotonMovie(counts(3, 3, 3), offset=50.0), "lower the offset"),
    ]:
        with pytest.raises(dj.DataJointError, match=words):
            scan.insert1({"scan": 2, "movie": movie})
    coarse = stored(scan, PhotonMovie(counts(3, 3, 3), mode="quantised", gain=1))
    with pytest.raises(dj.DataJointError, match="twice"):
        scan.insert1({"scan": 2, "movie": coarse})
    assert len(scan()) == 1 and len(list((tmp_path / "store").rglob("*.zarr"))) == 1


def test_damage_is_told(scan, tmp_path):
    ref = stored(scan, PhotonMovie(counts(30, 5, 5), frames=10))
    chunk = tmp_path / "store" / ref.path / "1.0.0"
    content = chunk.read_bytes()
    for damaged in (content[:-9], content[:-1] + bytes([content[-1] ^ 1]), b""):
        chunk.write_bytes(damaged)
        assert np.array_equal((scan & {"scan": 1}).fetch1("movie")[:10], counts(30, 5, 5)[:10])
        with pytest.raises(dj.DataJointError, match="1.0.0"):
            (scan & {"scan": 1}).fetch1("movie")[10:20]
    with pytest.raises(dj.DataJointError):
        ref.verify()


@pytest.mark.parametrize("case", sorted(FROZEN.iterdir()), ids=lambda case: case.name)
def test_what_the_plugin_wrote(case, tmp_path):
    shutil.copytree(case / "objects", tmp_path / "store")
    backend = StorageBackend({"protocol": "file", "location": str(tmp_path / "store")})
    ref = PhotonRef(json.loads((case / "case.json").read_text())["column"], backend)
    movie = np.load(case / "expected.npy")
    assert np.array_equal(np.asarray(ref), movie) and ref.dtype == movie.dtype and ref.mode == "anscombe"
    assert np.allclose(ref.transformed[...], 2 * np.sqrt(movie.astype(float) + 0.375), rtol=1e-14)


def test_a_newer_version_is_refused(scan):
    ref = stored(scan, counts(3, 3, 3))
    metadata = {**ref.metadata, "codec_version": "7.0"}
    with pytest.raises(dj.DataJointError, match="7.0"):
        PhotonRef(metadata, StorageBackend._of(ref._core.zarr.store))
