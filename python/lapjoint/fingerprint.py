"""Fingerprints: whether what was fetched twice is the same."""

import hashlib
import pickle
from collections.abc import Mapping

import numpy as np


def fingerprint(value):
    """A text that is the same for equal values, and another for others."""
    digest = hashlib.blake2b(digest_size=20)
    _add(digest.update, value)
    return digest.hexdigest()


def _add(update, value):
    if isinstance(value, np.ndarray) and value.dtype != object:
        update(f"array {value.dtype.str} {value.shape}".encode())
        update(np.ascontiguousarray(value).data if value.dtype.kind not in "mM" else value.tobytes())
    elif isinstance(value, Mapping):
        update(f"dict {len(value)}".encode())
        for part in sorted(fingerprint(pair) for pair in value.items()):
            update(part.encode())
    elif isinstance(value, (set, frozenset)):
        update(f"set {len(value)}".encode())
        for part in sorted(map(fingerprint, value)):
            update(part.encode())
    elif isinstance(value, (list, tuple, np.ndarray)):
        update(f"{type(value).__name__} {len(value)}".encode())
        for part in value:
            _add(update, part)
    elif hasattr(value, "to_arrow") or hasattr(value, "to_records"):
        # A frame: its values, not how it holds them.
        _add(update, value.to_dict("list") if hasattr(value, "to_records") else value.to_dict(as_series=False))
    else:
        # Of a single value pickle writes the same for the same.
        update(pickle.dumps(value, protocol=4))
