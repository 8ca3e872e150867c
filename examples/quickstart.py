"""A small pipeline in Python: real electrophysiology traces, a codec of our own, files and a look into a stored array.

    python examples/quickstart.py [FOLDER]

Everything is kept in FOLDER (by default `quickstart-output`), which may be there already: nothing is inserted twice.
"""

import datetime
import pathlib
import sys

import numpy as np

import lapjoint as dj

DATA = pathlib.Path(__file__).parent / "data"
FOLDER = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else "quickstart-output")

# Rows go to SQLite files in a folder, large values to a store, here another folder. No server is started.
(FOLDER / "store").mkdir(parents=True, exist_ok=True)
dj.config["database.backend"] = "sqlite"
dj.config["database.name"] = str(FOLDER / "database")
dj.config["stores"] = {"default": "main", "main": {"protocol": "file", "location": str(FOLDER / "store")}}

schema = dj.Schema("quickstart")


class SpikeTimes(dj.Codec):
    """Sample numbers of spikes, kept as differences, which are small and compress well."""

    name = "spike_times"

    def get_dtype(self, is_store):
        return "<blob>"

    def validate(self, value):
        if np.any(np.diff(value) < 0):
            raise ValueError("spikes must be in the order of their time")

    def encode(self, value, *, key=None, store_name=None):
        return np.diff(value, prepend=0).astype("i4")

    def decode(self, stored, *, key=None):
        return np.cumsum(stored)


@schema
class Mouse(dj.Lookup):
    definition = """
    mouse_id : int32   # number of the animal
    """
    contents = [{"mouse_id": number} for number in (0, 5, 100)]


@schema
class Recording(dj.Manual):
    definition = """
    # one recording of one neuron
    -> Mouse
    day : date
    ---
    trace : <npy@>        # volts, one value a sample; read when asked
    source : <attach@>    # the file that it came from
    """


@schema
class Spikes(dj.Manual):
    definition = """
    -> Recording
    threshold : decimal(4,2)   # volts
    ---
    spikes : <spike_times>     # sample numbers
    settings : json
    """


def insert_recordings():
    """A row for each file, with the array and the file itself."""
    rows = []
    for file in sorted((DATA / "ephys").glob("*.npy")):
        _, mouse, day = file.stem.split("_")
        trace = np.load(file).ravel()
        rows.append(
            {"mouse_id": int(mouse), "day": datetime.date.fromisoformat(day), "trace": trace, "source": file}
        )
    # All rows with all their objects, or nothing.
    Recording.insert(rows, skip_duplicates=True)


def find_spikes(threshold):
    """A row of spikes for each recording that has none for this threshold."""
    for key in (Recording - (Spikes & {"threshold": threshold})).keys():
        trace = (Recording & key).fetch1("trace")
        above = np.asarray(trace) > float(threshold)
        spikes = np.flatnonzero(above[1:] & ~above[:-1]) + 1
        Spikes.insert1({**key, "threshold": threshold, "spikes": spikes, "settings": {"edge": "rising"}})


insert_recordings()
find_spikes("0.50")

print(Recording())
print(Spikes())
reference = (Recording & {"mouse_id": 5}).fetch1("trace")
print("Not read yet:", reference)
print("Ten samples of it, and nothing else is read:", reference[100:110].round(2))
for row in Spikes.to_dicts(order_by="KEY"):
    print(f"mouse {row['mouse_id']:>3}, {row['day']}: {len(row['spikes'])} spikes, the first at {row['spikes'][:3]}")
