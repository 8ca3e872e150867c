"""Collection of objects in stores that no row refers to.

Rows that are deleted, updated or replaced leave their objects. A collection finds them, *marks* them, and deletes those that
were marked long enough ago and are still referred to by nobody. It may run while others read and write.
"""

from . import _core
from .errors import DataJointError
from .hash_registry import get_store_backend
from .logs import logger

__all__ = ["ALL_STORES", "GarbageCollector", "Report"]

#: Given as `store`, collects in all stores of the configuration.
ALL_STORES = "*"


class Report(dict):
    """What a collection found and did, under DataJoint's keys and some of its own; as text, for people."""

    def __init__(self, items, text):
        super().__init__(items)
        self._text = text

    def __str__(self):
        return self._text


class GarbageCollector:
    """Collects the objects of schemas in one store (by default `stores.default`), or in all with `store="*"`.

    `grace` is in seconds, by default the setting `gc.grace_seconds`, which is one day unless it is set. An object is marked when
    it is older, deleted when it was marked longer ago, and one that rows may share lies aside for as long before it is gone.
    This protects writers of DataJoint, which store an object first and its row later. With 0 all is done in one call.

    `former` names earlier settings of the stores, whose sections are searched as well: dicts with any of `store`,
    `hash_prefix`, `schema_prefix` and `partitioned`. Rows of all schemas of the database are asked whether they refer to an
    object, unless `only_given_schemas` is set.
    """

    def __init__(self, *schemas, store=None, config=None, grace=None, former=(), only_given_schemas=False):
        if not schemas:
            raise DataJointError("At least one schema must be provided")
        self.schemas = schemas
        self.config = config if config is not None else schemas[0].connection._config
        self.store = store
        self.grace, self.former, self.only_given_schemas = grace, former, only_given_schemas
        named = None if store == ALL_STORES else store
        spec = self.config.get_store_spec(named)
        self._hash_prefix, self._schema_prefix = spec.get("hash_prefix"), spec.get("schema_prefix")
        self.backend = get_store_backend(named, config=self.config)

    def _store(self):
        if self.store == ALL_STORES:
            return None
        return self.config._core.checked_store_name(self.store, False)

    def _cores(self):
        return [schema._active() for schema in self.schemas]

    def _references(self, is_hash):
        store = self._store()
        found = (reference for core in self._cores() for reference in _core.object_references(core))
        return {path for by_hash, at, path in found if by_hash == is_hash and store in (None, at)}

    def hash_references(self):
        """Paths of the hash-addressed objects that rows refer to, by any codec of their chains."""
        return self._references(True)

    def schema_references(self):
        """Paths of the other objects that rows refer to; of folders, those of the folders."""
        return self._references(False)

    def _list(self, schema_name, is_hash):
        cores = [core for core in self._cores() if core.name == schema_name]
        cores = cores or [self.schemas[0].connection._core.schema(schema_name, False)]
        listed = _core.list_objects(cores, self._store())
        return {path: size for by_hash, path, size, _ in listed if by_hash == is_hash}

    def list_hash_paths(self, schema_name):
        """Hash-addressed objects of a schema in the store, with their sizes in bytes."""
        return self._list(schema_name, True)

    def list_schema_paths(self, schema_name):
        """Files of all other objects of a schema in the store, manifests among them, with their sizes in bytes."""
        return self._list(schema_name, False)

    def delete_schema_path(self, path):
        """Deletes an object, or a folder with its manifest, whoever refers to it; whether it was there."""
        if self.backend.isdir(path):
            self.backend.remove_folder(path)
            return True
        if not self.backend.exists(path):
            return False
        self.backend.remove(path)
        return True

    def collect(self, dry_run=True, verbose=False, *, grace=None):
        """Finds what no row refers to; unless it is a `dry_run`, marks it, or deletes it when its time has come.

        Raises a `DataJointError` and deletes nothing when anything could not be read that decides what is in use: a table,
        a column whose codec is missing, a stored value, a store.
        """
        for seconds in (grace, self.grace, self.config.get("gc.grace_seconds")):
            if seconds is not None:
                break
        former = [
            (one.get("store"), one.get("hash_prefix"), one.get("schema_prefix"), bool(one.get("partitioned")))
            for one in self.former
        ]
        found = _core.collect(
            self._cores(), delete=not dry_run, grace_seconds=float(seconds), store=self._store(), former=former,
            only_given_schemas=self.only_given_schemas,
        )  # fmt: skip
        if verbose:
            for _, path, size, fate in found["files"]:
                logger.info(f"{path} ({size} bytes): {fate}")
            for line in found["text"].splitlines():
                logger.info(line)
        stats = {}
        for index, (kind, is_hash) in enumerate((("hash", True), ("schema", False))):
            files = [file for file in found["files"] if file[0] == is_hash]
            stats[f"{kind}_paths_referenced"] = found["referenced"][index]
            stats[f"{kind}_paths_stored"] = found["stored_files"][index]
            stats[f"{kind}_paths_orphaned"] = len(files)
            stats[f"{kind}_paths_orphaned_bytes"] = sum(size for _, _, size, _ in files)
            stats[f"orphaned_{kind}_paths"] = sorted(path for _, path, _, _ in files)
            stats[f"{kind}_paths_deleted"] = sum(fate in ("deleted", "aside") for _, _, _, fate in files)
        errors = found["errors"]
        return Report(
            {
                **stats,
                "deleted": stats["hash_paths_deleted"] + stats["schema_paths_deleted"],
                "bytes_freed": found["freed_bytes"],
                "errors": 0 if dry_run else len(errors),
                "scan_errors": errors if dry_run else [],
                "dry_run": dry_run,
                **{key: found[key] for key in ("marked", "waiting", "waiting_until", "put_aside", "aside", "restored")},
                "leftovers": found["leftovers"],
                "error_messages": errors,
                "grace_seconds": float(seconds),
            },
            found["text"],
        )
