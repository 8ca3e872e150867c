"""Windows as a dataset: what an item is, and workers of any kind."""

import multiprocessing
import pickle

import numpy as np
import pytest
from test_gzcm_reader import MATRICES, SIZE, converted, text  # noqa: F401

from lapjoint import gzcm

WINDOW = 40 * SIZE


@pytest.fixture
def path(text, tmp_path):  # noqa: F811
    return converted(text, tmp_path, region1=None, version=5.1, genome="pairs")


def check(item, size=WINDOW // SIZE, step=SIZE):
    """An item is its part of the matrix."""
    info = item["info"]
    rows, cols = info["start1_bp"] // SIZE, info["start2_bp"] // SIZE
    expected = MATRICES[info["chrom1"], info["chrom2"]][rows : rows + size, cols : cols + size]
    assert expected.shape == tuple(info["shape"])
    height, width = expected.shape
    assert np.array_equal(item["target"][:height, :width], expected) and item["target"].shape == (size, size)
    assert not item["target"][height:].any() and not item["target"][:, width:].any()
    coords, features = np.asarray(item["coords"]), np.asarray(item["features"])
    assert np.array_equal(coords, np.argwhere(expected)) and features.shape == (len(coords), 1)
    assert np.array_equal(features[:, 0], expected[tuple(coords.T)]) and features.dtype == np.float32
    return info["chrom1"], info["start1_bp"], info["chrom2"], info["start2_bp"]


@pytest.mark.parametrize("genome", ["one", "pairs"])
def test_items_cover_the_matrix(text, tmp_path, genome):  # noqa: F811
    dataset = gzcm.GzcmDataset(converted(text, tmp_path, region1=None, version=5.1, genome=genome), WINDOW)
    seen = {check(item) for item in dataset}
    # 8 and 4 windows along the chromosomes.
    assert len(seen) == len(dataset) == 8 * 9 // 2 + 4 * 5 // 2 + 8 * 4
    check(dataset[-1])
    with pytest.raises(IndexError):
        dataset[len(dataset)]


def test_windows_by_steps_and_near_the_diagonal(path):
    near = gzcm.GzcmDataset(path, WINDOW, regions=[0], max_distance=WINDOW)
    places = [check(item) for item in near]
    assert len(places) == 8 + 7 and all(0 <= col - row <= WINDOW for _, row, _, col in places)
    dense = gzcm.GzcmDataset(path, WINDOW, step=WINDOW // 2, regions=[0], max_distance=0)
    assert [row for _, row, _, col in map(check, dense)] == [at * WINDOW // 2 for at in range(15)]
    with pytest.raises(ValueError, match="no multiple"):
        gzcm.GzcmDataset(path, WINDOW + 1)


@pytest.mark.parametrize("version", [1, 3, 4])
def test_items_of_a_part_of_a_chromosome(text, tmp_path, version):  # noqa: F811
    dataset = gzcm.GzcmDataset(converted(text, tmp_path, region1="chr1:100000-200000", version=version), WINDOW)
    info = dataset[0]["info"]
    assert info["start1_bp"] == 100_000 and len(dataset) == 6
    part = MATRICES["chr1", "chr1"][100:140, 100:140]
    assert np.array_equal(dataset[0]["target"], part)


def test_the_cache_of_a_dataset(path):
    dataset = gzcm.GzcmDataset(path, WINDOW, tile_cache_size=8)
    dataset[0], dataset[0]
    assert (dataset.hits, dataset.misses) == (1, 1)
    off = gzcm.GzcmDataset(path, WINDOW, tile_cache_size=0)
    off[0], off[0]
    assert (off.hits, off.misses) == (0, 2)


def test_batches(path):
    dataset = gzcm.GzcmDataset(path, WINDOW, transform=lambda item: item)
    items = [dataset[0], dataset[9]]
    batch = gzcm.collate(items)
    coords = np.asarray(batch["coords"])
    assert coords.shape == (sum(len(item["coords"]) for item in items), 3) and set(coords[:, 0]) == {0, 1}
    assert tuple(batch["target"].shape) == (2, 40, 40) and batch["info"][1]["index"] == 9


def _sums(dataset, places, results):
    results.put([(float(dataset[at]["target"].sum()), dataset.misses > 0) for at in places])


class Tripled:
    """A codec of the test, which other processes must find too."""

    def __init__(self, tile_size):
        pass

    def encode_tile(self, tile):
        return np.repeat(tile, 3).tobytes()

    def decode_tile(self, payload, shape):
        return np.frombuffer(payload[8:], np.uint32)[::3].reshape(shape)


METHODS = [method for method in ("fork", "spawn") if method in multiprocessing.get_all_start_methods()]


@pytest.mark.parametrize("method", METHODS)
def test_processes_open_the_file_for_themselves(text, tmp_path, method):  # noqa: F811
    """Also after this one has used its threads and cache, and with a codec of this one's."""
    gzcm.register_codec("tripled", Tripled, Tripled, gzcm.WireFormat.OPAQUE_PAYLOAD)
    dataset = gzcm.GzcmDataset(converted(text, tmp_path, codec="tripled", version=5.1), WINDOW)
    expected = [(float(item["target"].sum()), True) for item in dataset]
    dataset.reader.dense()
    context = multiprocessing.get_context(method)
    results = context.Queue()
    workers = [context.Process(target=_sums, args=(dataset, range(len(dataset)), results), daemon=True) for _ in range(2)]
    for worker in workers:
        worker.start()
    found = [results.get(timeout=60) for _ in workers]
    for worker in workers:
        worker.join(timeout=60)
    assert found == [expected, expected] and [worker.exitcode for worker in workers] == [0, 0]


def _convert(text, folder, results):  # noqa: F811
    results.put(converted(text, folder).stat().st_size)


@pytest.mark.parametrize("method", METHODS)
def test_another_process_converts(text, tmp_path, method):  # noqa: F811
    size = converted(text, tmp_path).stat().st_size
    context = multiprocessing.get_context(method)
    results = context.Queue()
    worker = context.Process(target=_convert, args=(text, tmp_path, results), daemon=True)
    worker.start()
    assert results.get(timeout=60) == size
    worker.join(timeout=60)


def test_a_dataset_pickles(path):
    dataset = gzcm.GzcmDataset(path, WINDOW)
    again = pickle.loads(pickle.dumps(dataset))
    assert len(again) == len(dataset) and np.array_equal(again[3]["target"], dataset[3]["target"])


@pytest.mark.parametrize("workers, method", [(0, None), (2, "fork"), (2, "spawn")])
def test_a_real_data_loader(path, workers, method):
    torch = pytest.importorskip("torch", reason="torch is not installed")
    dataset = gzcm.GzcmDataset(path, WINDOW)
    # Threads and tiles of this process must not reach the workers.
    dataset.reader.dense(region=0)
    options = dict(multiprocessing_context=method, persistent_workers=True) if workers else {}
    loader = torch.utils.data.DataLoader(dataset, batch_size=5, collate_fn=gzcm.collate, num_workers=workers, **options)
    for _epoch in range(2):
        batches = list(loader)
        assert len(batches) == -(-len(dataset) // 5)
        for at, batch in enumerate(batches):
            expected = gzcm.collate([dataset[i] for i in range(5 * at, min(5 * at + 5, len(dataset)))])
            assert batch["info"] == expected["info"]
            for name in ("coords", "features", "target"):
                assert isinstance(batch[name], torch.Tensor) and torch.equal(batch[name], expected[name])
    alone = torch.utils.data.DataLoader(dataset, batch_size=None, num_workers=workers, **options)
    assert all(torch.is_tensor(item["target"]) and check(item) for item in alone)
