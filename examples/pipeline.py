"""Two pipelines over real data: calcium imaging and electrophysiology, each computed table made from the tables above it.

    python examples/pipeline.py [FOLDER [WORKERS]]

Needs numpy and tifffile. Everything is kept in FOLDER (by default `pipeline-output`). Kill it whenever you like and start it again: what is
done stays done, and what was half done is not there. Several of them may run side by side on one FOLDER.
"""

import datetime
import pathlib
import sys

import numpy as np

import lapjoint as dj

DATA = pathlib.Path(__file__).resolve().parent / "data"
FOLDER = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else "pipeline-output")
WORKERS = int(sys.argv[2]) if len(sys.argv) > 2 else 1

(FOLDER / "store").mkdir(parents=True, exist_ok=True)
dj.config["database.backend"] = "sqlite"
dj.config["database.name"] = str(FOLDER / "database")
dj.config["stores"] = {"default": "main", "main": {"protocol": "file", "location": str(FOLDER / "store")}}
# A worker that was killed gives its job back after this time.
dj.config["jobs.lease_seconds"] = 5

schema = dj.Schema("pipeline")


@schema
class Scan(dj.Manual):
    definition = """
    # two-photon calcium imaging
    scan_id : int16
    ---
    file : varchar(255)
    """


@schema
class Movie(dj.Imported):
    definition = """
    -> Scan
    ---
    movie : <npy@>             # shape (frames, rows, cols)
    frames : int32
    """

    def make(self, key):
        import tifffile

        movie = tifffile.imread(DATA / "imaging" / (Scan & key).fetch1("file"))
        self.insert1({**key, "movie": movie, "frames": len(movie)})


@schema
class AverageFrame(dj.Computed):
    definition = """
    -> Movie
    ---
    average : <blob>           # shape (rows, cols)
    """

    def make(self, key):
        movie = (Movie & key).fetch1("movie")
        self.insert1({**key, "average": np.asarray(movie).mean(axis=0)})


@schema
class SegmentationParameters(dj.Lookup):
    definition = """
    segmentation : int8
    ---
    threshold : float64        # standard deviations above the mean
    min_pixels : int32
    """
    contents = [(1, 1.0, 30), (2, 1.5, 20), (3, 2.0, 10)]


@schema
class Segmentation(dj.Computed):
    definition = """
    # bright regions of a scan's average
    -> AverageFrame
    -> SegmentationParameters
    ---
    cells : int32
    """

    class Cell(dj.Part):
        definition = """
        -> master
        cell : int32
        ---
        pixels : int32
        mask : <blob>          # shape (rows, cols)
        """

    # In three parts: only the last one is in a transaction, however long the second takes.
    def make_fetch(self, key):
        average = (AverageFrame & key).fetch1("average")
        threshold, min_pixels = (SegmentationParameters & key).fetch1("threshold", "min_pixels")
        return average, threshold, min_pixels

    def make_compute(self, key, average, threshold, min_pixels):
        labels = label(average > average.mean() + threshold * average.std())
        masks = [labels == number for number in np.unique(labels[labels > 0])]
        return ([mask for mask in masks if mask.sum() >= min_pixels],)

    def make_insert(self, key, masks):
        self.insert1({**key, "cells": len(masks)})
        self.Cell.insert(
            {**key, "cell": number, "pixels": int(mask.sum()), "mask": mask} for number, mask in enumerate(masks)
        )


@schema
class Fluorescence(dj.Computed):
    definition = """
    -> Segmentation
    """

    class Trace(dj.Part):
        definition = """
        -> master
        -> Segmentation.Cell
        ---
        trace : <npy@>         # one value a frame
        """

    def make(self, key):
        movie = np.asarray((Movie & key).fetch1("movie"))
        self.insert1(key)
        for cell in (Segmentation.Cell & key).to_dicts():
            trace = movie[:, cell["mask"]].mean(axis=1)
            self.Trace.insert1({**key, "cell": cell["cell"], "trace": trace})


@schema
class Recording(dj.Manual):
    definition = """
    # one recording of one neuron
    mouse_id : int32
    day : date
    ---
    file : varchar(255)
    """


@schema
class Activity(dj.Imported):
    definition = """
    -> Recording
    ---
    trace : <npy@>             # volts, one value a sample
    """

    def make(self, key):
        file = (Recording & key).fetch1("file")
        self.insert1({**key, "trace": np.load(DATA / "ephys" / file).ravel()})


@schema
class ActivityStatistics(dj.Computed):
    definition = """
    -> Activity
    ---
    mean : float64
    sd : float64
    largest : float64
    """

    def make(self, key):
        trace = np.asarray((Activity & key).fetch1("trace"))
        self.insert1({**key, "mean": trace.mean(), "sd": trace.std(), "largest": trace.max()})


@schema
class SpikeParameters(dj.Lookup):
    definition = """
    threshold : decimal(4,2)   # volts
    """
    contents = [{"threshold": text} for text in ("0.25", "0.50", "0.90")]


@schema
class Spikes(dj.Computed):
    definition = """
    -> Activity
    -> SpikeParameters
    ---
    count : int32
    samples : <blob>           # sample number of each spike
    """

    class Waveform(dj.Part):
        definition = """
        -> master
        spike : int32
        ---
        waveform : <npy@>      # 40 samples before the spike, 40 after it
        """

    def make(self, key):
        trace = np.asarray((Activity & key).fetch1("trace"))
        above = trace > float(key["threshold"])
        samples = np.flatnonzero(above[1:] & ~above[:-1]) + 1
        self.insert1({**key, "count": len(samples), "samples": samples})
        whole = [sample for sample in samples if 40 <= sample < len(trace) - 40]
        self.Waveform.insert(
            {**key, "spike": number, "waveform": trace[sample - 40 : sample + 40]} for number, sample in enumerate(whole)
        )


def label(mask):
    """Numbers the connected regions of a mask: every pixel takes the smallest number beside it, until none changes."""
    labels = np.where(mask, np.arange(1, mask.size + 1).reshape(mask.shape), 0)
    while True:
        padded = np.pad(np.where(mask, labels, mask.size + 1), 1, constant_values=mask.size + 1)
        beside = [padded[1:-1, 1:-1], padded[:-2, 1:-1], padded[2:, 1:-1], padded[1:-1, :-2], padded[1:-1, 2:]]
        smallest = np.where(mask, np.minimum.reduce(beside), 0)
        if np.array_equal(smallest, labels):
            return labels
        labels = smallest


def main():
    # What people enter; all else follows from it.
    scans = sorted((DATA / "imaging").glob("*.tif"))
    Scan.insert(({"scan_id": n, "file": file.name} for n, file in enumerate(scans, 1)), skip_duplicates=True)
    recordings = []
    for file in sorted((DATA / "ephys").glob("*.npy")):
        _, mouse, day = file.stem.split("_")
        recordings.append({"mouse_id": int(mouse), "day": datetime.date.fromisoformat(day), "file": file.name})
    Recording.insert(recordings, skip_duplicates=True)

    for table in (Movie, AverageFrame, Segmentation, Fluorescence, Activity, ActivityStatistics, Spikes):
        done = table.populate(reserve_jobs=True, processes=WORKERS)
        remaining, total = table.progress()
        print(f"{table.__name__:<20} made {done['success_count']:>3}, {total - remaining} of {total} are there", flush=True)

    # What is in it, over both pipelines.
    print(Segmentation.aggr(Segmentation.Cell, cells="count(cell)", pixels="sum(pixels)"))
    print(dj.U("threshold").aggr(Spikes, recordings="count(*)", spikes="sum(count)"))


if __name__ == "__main__":
    main()
