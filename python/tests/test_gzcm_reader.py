"""Converting to GZCM and reading it from Python, against numpy on made matrices and against cooler and hictkpy on real ones."""

import pathlib
import pickle
import threading

import hictk
import numpy as np
import pytest

from lapjoint import gzcm

HIC = pathlib.Path(__file__).parents[2] / "examples/data/hic"
SIZE = 1000
#: Base pairs; the last bin of each is cut short.
CHROMOSOMES = {"chr1": 299_500, "chr2": 120_100}


def triangle(n_bins, seed):
    """Symmetric counts that fall off from the diagonal."""
    generator = np.random.default_rng(seed)
    distance = np.abs(np.subtract.outer(np.arange(n_bins), np.arange(n_bins)))
    counts = np.triu(generator.poisson(20 / (1 + distance)))
    return counts + np.triu(counts, 1).T


MATRICES = {
    ("chr1", "chr1"): triangle(300, 1),
    ("chr2", "chr2"): triangle(121, 2),
    ("chr1", "chr2"): np.random.default_rng(3).poisson(0.05, (300, 121)),
}


@pytest.fixture(scope="session")
def text(tmp_path_factory):
    path = tmp_path_factory.mktemp("gzcm") / "contacts.txt"
    with path.open("w") as file:
        for (chrom1, chrom2), matrix in MATRICES.items():
            for row, col in np.argwhere(np.triu(matrix) if chrom1 == chrom2 else matrix):
                print(chrom1, row * SIZE, chrom2, col * SIZE, matrix[row, col], sep="\t", file=file)
    return path


def converted(text, folder, **options):
    path = folder / "matrix.gzcm"
    options = {"region1": "chr1", "bin_size_bp": SIZE, "chromosomes": CHROMOSOMES, "tile_size": 64, **options}
    done = gzcm.convert_to_gzcm(text, path, **options)
    assert done.size_bytes == path.stat().st_size
    return path


VERSIONS = [1, 2, 3, 4, 5, 5.1]


@pytest.mark.parametrize("version", VERSIONS)
def test_windows_of_every_version(text, tmp_path, version):
    path = converted(text, tmp_path, version=version)
    expected = MATRICES["chr1", "chr1"]
    for source in (path, str(path), path.read_bytes()):
        with gzcm.open_gzcm(source) as reader:
            assert reader.version == str(version) and type(reader).__name__ == {1: "GzcmReader", 2: "GzcmReader", 3: "GzcmReader", 4: "GzcmV4Reader"}.get(version, "Reader")
            about = reader.region()
            assert about.shape == (300, 300) and about.bin_size_bp == SIZE and (about.chrom1, about.chrom2) == ("chr1", "chr1")
            whole = reader.dense()
            assert np.array_equal(whole, expected) and whole.flags.writeable and whole.dtype == about.dtype
            assert np.array_equal(reader.dense((10, 200), (50, 290)), expected[10:200, 50:290])
            assert np.array_equal(reader.dense(slice(40, 90)), expected[40:90, 40:90])
            assert np.array_equal(reader.fetch("chr1:10,000-20,500"), expected[10:21, 10:21])
            assert np.array_equal(reader.fetch("chr1:100000-", "chr1:0-3000"), expected[100:, :3])
            rows, cols, values = reader.pixels((3, 70), (60, 300))
            assert np.array_equal(np.stack([rows, cols], 1) - [3, 60], np.argwhere(expected[3:70, 60:]))
            assert np.array_equal(values, expected[rows, cols])
            rows, cols, values = reader.stored_pixels()
            assert np.array_equal(np.stack([rows, cols], 1), np.argwhere(np.triu(expected)))
            assert reader.verify().ok and reader.dense((5, 5)).shape == (0, 0)


def test_scipy(text, tmp_path):
    sparse = pytest.importorskip("scipy.sparse")
    path = converted(text, tmp_path, region1="chr1", region2="chr2")
    reader, expected = gzcm.GzcmReader(path), MATRICES["chr1", "chr2"]
    coo, csr = reader.coo((20, 300), (5, 100)), reader.csr()
    assert isinstance(coo, sparse.coo_array) and np.array_equal(coo.toarray(), expected[20:, 5:100])
    assert isinstance(csr, sparse.csr_array) and np.array_equal(csr.toarray(), expected) and csr.dtype == np.uint32
    for kind in ("dense", "coo", "csr"):
        turned = reader.fetch("chr2:0-50000", "chr1:100000-200000", as_=kind)
        assert kind == "dense" or turned.format == kind
        assert np.array_equal(turned if kind == "dense" else turned.toarray(), expected[100:200, :50].T)


def test_the_whole_genome_as_one_and_as_pairs(text, tmp_path):
    for genome in ("one", "pairs"):
        reader = gzcm.open_gzcm(converted(text, tmp_path, region1=None, version=5.1, genome=genome))
        assert len(reader.regions) == {"one": 1, "pairs": 3}[genome] and reader.chromosomes == list(CHROMOSOMES.items())
        for (chrom1, chrom2), expected in MATRICES.items():
            assert np.array_equal(reader.fetch(chrom1, chrom2), expected)
            assert np.array_equal(reader.fetch(chrom2, chrom1), expected.T)


@pytest.mark.parametrize("codec", gzcm.list_codecs())
@pytest.mark.parametrize("version", [3, 4, 5.1])
def test_every_codec_in_files(text, tmp_path, codec, version):
    path = converted(text, tmp_path, version=version, codec=codec)
    reader = gzcm.open_gzcm(path)
    assert np.array_equal(reader.dense(), MATRICES["chr1", "chr1"]) and reader.region().codec == codec


class Words:
    """A codec of the test: the elements in decimal."""

    def __init__(self, tile_size):
        pass

    def encode_tile(self, tile):
        return " ".join(map(str, tile.ravel())).encode()

    def decode_tile(self, payload, shape):
        return np.array(payload[8:].split(), np.uint32).reshape(shape)


@pytest.mark.parametrize("version", [3, 4, 5.1])
def test_a_codec_in_python_writes_and_reads_files(text, tmp_path, version):
    gzcm.register_codec("words", Words, Words, gzcm.WireFormat.OPAQUE_PAYLOAD)
    path = converted(text, tmp_path, version=version, codec="words")
    reader = gzcm.open_gzcm(path)
    assert "words" in reader.codecs and np.array_equal(reader.dense(), MATRICES["chr1", "chr1"]) and reader.verify().ok
    assert reader.cache_info().misses == 15
    # Types that it does not take go through another.
    path = converted(text, tmp_path, version=version, codec="words", dtype="float64")
    assert np.array_equal(gzcm.open_gzcm(path).dense(), MATRICES["chr1", "chr1"])


def test_the_cache_counts_and_can_be_off(text, tmp_path):
    path = converted(text, tmp_path, version=4)
    reader = gzcm.GzcmV4Reader(path, cache_tiles=4)
    for _ in range(3):
        reader.dense((0, 64))
    info = reader.cache_info()
    assert (info.hits, info.misses, info.tiles, info.max_tiles) == (2, 1, 1, 4) and info.nbytes == 64 * 64 * 4
    reader.dense()
    assert reader.cache_info().tiles == 4
    off = gzcm.GzcmV4Reader(path, cache_tiles=0)
    for _ in range(3):
        off.dense((0, 64))
    assert off.cache_info()[:3] == (0, 3, 0)


def test_threads_share_a_reader(text, tmp_path):
    reader, wrong = gzcm.Reader(converted(text, tmp_path), cache_tiles=3), []

    def look(seed):
        generator = np.random.default_rng(seed)
        for _ in range(50):
            row, col = generator.integers(0, 250, 2)
            if not np.array_equal(reader.dense((row, row + 50), (col, col + 50)), MATRICES["chr1", "chr1"][row : row + 50, col : col + 50]):
                wrong.append((row, col))

    threads = [threading.Thread(target=look, args=(seed,)) for seed in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


def test_readers_pickle_and_name_each_other(text, tmp_path):
    path = converted(text, tmp_path, version=4)
    reader = pickle.loads(pickle.dumps(gzcm.GzcmV4Reader(path)))
    assert np.array_equal(reader.dense(), MATRICES["chr1", "chr1"])
    with pytest.raises(gzcm.UnsupportedError, match="which GzcmV4Reader opens"):
        gzcm.GzcmReader(path)
    with pytest.raises(FileNotFoundError):
        gzcm.Reader(tmp_path / "nothing")
    with pytest.raises(gzcm.GzcmError, match="not within"):
        reader.dense((0, 301))
    with pytest.raises(gzcm.GzcmError, match="no region|none of"):
        reader.fetch("chr9")
    with pytest.raises(IndexError):
        reader.dense(region=1)


def test_damage_is_told(text, tmp_path):
    path = converted(text, tmp_path, version=5.1)
    whole = path.read_bytes()
    damaged = bytearray(whole)
    damaged[len(damaged) // 2] ^= 1
    found = gzcm.Reader(bytes(damaged)).verify()
    assert not found.ok and found.damaged and gzcm.Reader(whole).verify().ok
    for end in (0, 3, 100, len(whole) - 1):
        with pytest.raises(gzcm.CorruptError):
            gzcm.Reader(whole[:end])


def test_the_picker_is_recorded(text, tmp_path):
    path = converted(text, tmp_path, version=4, adaptive_codec=True, codec_picker_weights=(0, 1, 0), enable_region_layout_picker=False)
    about = gzcm.open_gzcm(path).region()
    assert about.codec_picker["winner"] == about.codec and about.codec_picker["weights"] == {"decode": 0, "size": 1, "encode": 0}
    assert about.layout == "dense-tiled"
    path = converted(text, tmp_path, version=4, region_layouts={"chr1": "sparse-roaring"})
    reader = gzcm.open_gzcm(path)
    assert reader.region().layout == "sparse-roaring" and np.array_equal(reader.dense(), MATRICES["chr1", "chr1"])
    with pytest.raises(gzcm.GzcmError, match="no layout 'round'|no layout \"round\""):
        converted(text, tmp_path, version=4, region_layouts={"chr1": "round"})


def test_progress_is_told_and_can_end_it(text, tmp_path, capsys):
    seen = []
    path = converted(text, tmp_path, progress=lambda *at: seen.append(at))
    pixels = np.count_nonzero(np.triu(MATRICES["chr1", "chr1"]))
    assert seen and seen[-1][0] == pixels and all(isinstance(region, str) for *_, region in seen)
    before = path.read_bytes()

    def stop(done, total, region):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        converted(text, tmp_path, progress=stop)
    assert path.read_bytes() == before and list(tmp_path.iterdir()) == [path]
    pytest.importorskip("tqdm")
    converted(text, tmp_path, progress=True)
    assert "convert" in capsys.readouterr().err


def test_there_and_back(text, tmp_path):
    path = converted(text, tmp_path, region1=None, version=5.1, genome="pairs")
    n_pixels = gzcm.convert_from_gzcm(path, tmp_path / "back.txt", bin_size_bp=SIZE)
    lines = {tuple(line.split()) for line in (tmp_path / "back.txt").read_text().splitlines()}
    assert lines == {tuple(line.split()) for line in text.read_text().splitlines()} and n_pixels == len(lines)
    assert gzcm.convert_from_gzcm(path, tmp_path / "back.cool") == n_pixels
    gzcm.convert_to_gzcm(tmp_path / "back.cool", tmp_path / "again.gzcm", region1="chr2")
    assert np.array_equal(gzcm.open_gzcm(tmp_path / "again.gzcm").dense(), MATRICES["chr2", "chr2"])


def test_the_published_arguments(tmp_path):
    """As the published guide calls it, on a real file."""
    for version in (3, 4):
        extra = {} if version == 3 else dict(
            chunk_size=10_000_000,
            enable_region_layout_picker=True,
            enable_anti_diagonal_layout=True,
            enable_roaring_row_index=True,
            codec_picker_weights=(0.5, 0.3, 0.2),
        )
        path = tmp_path / f"out_v{version}.gzcm"
        gzcm.convert_to_gzcm(HIC / "hg19_chr22_9res.hic", path, region1="22", bin_size_bp=50_000, version=version, **extra)
        assert gzcm.open_gzcm(path).version == str(version)
    gzcm.convert_to_gzcm(HIC / "hg19_chr22_9res.hic", tmp_path / "default.gzcm", region1="22", bin_size_bp=50_000)
    assert gzcm.GzcmReader(tmp_path / "default.gzcm").version == "3"


FILES = {
    "yeast.10kb.cool": (10_000, "chrI", "chrIV"),
    "fly_dm6_100kb_1mb.mcool": (100_000, "chr2L", "chr3R"),
    "fly_dm6_100kb_1mb.hic": (100_000, "chr2L", "chr3R"),
    "hg19_chr22_9res.hic": (25_000, "22", "22"),
}


@pytest.mark.parametrize("version, codec", [(3, "zstd"), (4, "bsc"), (5.1, "cmc"), (5.1, "shuffle_zstd")])
@pytest.mark.parametrize("name", FILES)
def test_real_files_equal_their_readers(tmp_path, name, version, codec):
    size, *chroms = FILES[name]
    # hictkpy does not find the resolution of the yeast's file, which is an old one.
    if name.startswith("yeast"):
        source = pytest.importorskip("cooler").Cooler(str(HIC / name))
        chromosomes, fetch = source.chromnames, source.matrix(balance=False).fetch
    else:
        chromosomes, fetch = hictk.chromosomes(HIC / name, size), lambda *pair: hictk.contacts(HIC / name, size, *pair)
    for chrom1, chrom2 in {(chroms[0], chroms[0]), tuple(chroms)}:
        path = tmp_path / "matrix.gzcm"
        one, two = (next(real for real in chromosomes if real.removeprefix("chr") == chrom.removeprefix("chr")) for chrom in (chrom1, chrom2))
        expected = fetch(one, two)
        gzcm.convert_to_gzcm(HIC / name, path, region1=one, region2=two, bin_size_bp=size, version=version, codec=codec)
        got = gzcm.open_gzcm(path).dense()
        assert got.shape == expected.shape and np.array_equal(got, expected)


def test_weights_equal_coolers(tmp_path):
    cooler = pytest.importorskip("cooler")
    source = cooler.Cooler(str(HIC / "yeast.10kb.cool"))
    gzcm.convert_to_gzcm(HIC / "yeast.10kb.cool", tmp_path / "m.gzcm", version=5.1)
    reader = gzcm.open_gzcm(tmp_path / "m.gzcm")
    for chrom in source.chromnames:
        expected = source.bins().fetch(chrom)["weight"].to_numpy()
        assert np.array_equal(reader.vector("weight", chrom), expected, equal_nan=True)
    dataset = gzcm.GzcmDataset(tmp_path / "m.gzcm", 200_000, max_distance=0, target="weight")
    for item in (dataset[at] for at in range(0, len(dataset), 7)):
        info = item["info"]
        start = info["start1_bp"]
        end = min(start + 200_000, source.chromsizes[info["chrom1"]])
        expected = source.matrix(balance=True).fetch((info["chrom1"], start, end))
        height, width = info["shape"]
        assert info["start2_bp"] == start and (height, width) == expected.shape
        assert np.allclose(item["target"][:height, :width], expected, equal_nan=True, rtol=1e-5)
    with pytest.raises(KeyError, match="no KR of chr.*; there are: weight"):
        reader.vector("KR", source.chromnames[0])


@pytest.mark.parametrize("version", [3, 5.1])
def test_what_is_intact_of_a_damaged_file_is_saved(text, tmp_path, version):
    path = converted(text, tmp_path, version=version)
    content, expected = bytearray(path.read_bytes()), MATRICES["chr1", "chr1"]
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    assert not gzcm.open_gzcm(path).verify().ok
    saved = gzcm.salvage(path, tmp_path / "saved.gzcm")
    assert (saved.regions, saved.lost_tiles) == (1, 1) and saved.tiles > 5
    reader = gzcm.open_gzcm(tmp_path / "saved.gzcm")
    wrong = np.argwhere(reader.dense() != expected)
    assert reader.version == "5.1" and reader.verify().ok and 0 < len(wrong) <= 2 * 64 * 64
    path.write_bytes(b"nothing")
    with pytest.raises(gzcm.GzcmError):
        gzcm.salvage(path, tmp_path / "none.gzcm")
    assert not (tmp_path / "none.gzcm").exists()
