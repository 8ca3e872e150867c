"""Contents in stores under their hashes."""

import json

from . import _core
from .errors import DataJointError
from .storage import backend_of


def compute_hash(data):
    """The hash of a content: 26 letters."""
    return _core.content_hash(bytes(data))


def build_hash_path(content_hash, schema_name, subfolding=None, *, hash_prefix):
    """The path of a content."""
    return _core.hash_path(content_hash, schema_name, list(subfolding or ()), hash_prefix)


def get_store_backend(store_name=None, config=None):
    """The backend of a store."""
    return backend_of(store_name, config)


def _spec(store_name, config):
    from .settings import config as default

    return (config or default).get_store_spec(store_name)


def get_store_subfolding(store_name=None, config=None):
    """Lengths of the folder names that a store makes from hashes."""
    folds = _spec(store_name, config)["subfolding"]
    return tuple(folds) if folds else None


def put_hash(data, schema_name, store_name=None, config=None):
    """Stores a content unless it is there; returns its metadata."""
    spec = _spec(store_name, config)
    content_hash = compute_hash(data)
    path = build_hash_path(content_hash, schema_name, spec["subfolding"], hash_prefix=spec["hash_prefix"])
    backend = get_store_backend(store_name, config)
    if not backend.exists(path):
        backend.put_buffer(data, path)
    return {"hash": content_hash, "path": path, "schema": schema_name, "store": store_name, "size": len(data)}


def get_hash(metadata, config=None):
    """The content that metadata names, compared with its hash."""
    metadata = json.loads(metadata) if isinstance(metadata, str) else metadata
    data = get_store_backend(metadata.get("store"), config).get_buffer(metadata["path"])
    found = compute_hash(data)
    if found != metadata["hash"]:
        raise DataJointError(
            f"Hash mismatch: expected {metadata['hash']}, got {found}. Data at {metadata['path']} may be corrupted."
        )
    return data


def delete_path(path, store_name=None, config=None):
    """Removes an object; whether it was there."""
    backend = get_store_backend(store_name, config)
    if not backend.exists(path):
        return False
    backend.remove(path)
    return True
