"""Tables of a schema that workers of engines import; where the database is, their settings say."""

import os

import numpy as np

import lapjoint as dj

schema = dj.Schema(os.environ["ENGINE_SCHEMA"])


class SpikeCodec(dj.Codec):
    name = "engine_spikes"
    arrow_type = "list<float64>"

    def get_dtype(self, is_store):
        return "<blob@>" if is_store else "<blob>"

    def encode(self, value, *, key=None, store_name=None):
        return np.asarray(value)

    def decode(self, stored, *, key=None):
        return stored


@schema
class Number(dj.Manual):
    definition = """
    letter : varchar(4)
    n : int32
    ---
    id : uuid
    kind : enum('odd', 'even')
    spikes : <engine_spikes>
    image : <npy@>
    """


@schema
class Square(dj.Computed):
    definition = """
    -> Number
    ---
    square : int64
    pid : int64
    """

    def make(self, key):
        if key["n"] == 13:
            raise ValueError("13 is not computed")
        self.insert1({**key, "square": key["n"] ** 2, "pid": os.getpid()})


def connect():
    """The connection of a worker."""
    return schema.connection
