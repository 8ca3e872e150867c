"""What every codec must do, as a test that any codec can be put through: `codec_conformance`.

The codec works as it does for users: in tables of a SQLite database of its own, with a store of files, both gone afterwards.
"""

import contextlib
import importlib.util
import json
import pathlib
import shutil
import tempfile
import uuid

import numpy as np

from . import _core, plugins
from .blob import unpack
from .codecs import Codec, get_codec
from .errors import DataJointError
from .instance import Instance
from .schemas import Schema
from .settings import config
from .tables import FreeTable
from .versions import is_same

__all__ = ["check_frozen", "codec_conformance", "frozen_cases"]


class Broken(AssertionError):
    """A rule that a codec broke."""


def codec_conformance(codec, values, *, fixtures=None, equal=None, objects=None):
    """Puts a codec through every rule, in each place that it supports; raises an error for the first that is broken.

    1. Values come back: `equal(value, fetched)` says whether one did; without it they are compared by content, arrays and what
       converts to arrays by type, shape and bytes.
    2. Nulls stay null.
    3. Of two equal values either both can be stored or none, and the second comes back as the first did.
    4. A json column holds JSON; the version that the codec declares stands in the metadata of objects.
    5. References are complete: every object that was stored is referred to, and every one that is referred to is there.
    6. A value of a version that is not among `reads_versions` is refused.
    7. Damaged columns and missing objects give errors: never a crash, and a missing object never a value.
    8. Frozen values are read: `fixtures` is a folder of cases, or of folders of them.

    `codec` is a name, a class or an object; `objects` are files that must be in the store first, by their paths.
    """
    codec = _codec(codec)
    values = [*values]
    if not values:
        raise Broken(f"<{codec.name}>: no value is no test")
    places = [place for place in ("", "@main") if _is_supported(codec, bool(place))]
    if not places:
        raise Broken(f"<{codec.name}> supports neither <{codec.name}> nor <{codec.name}@>")
    for place in places:
        with _Bed(objects or {}) as bed:
            _Trial(bed, codec, f"<{codec.name}{place}>", equal).run(values)
    cases = frozen_cases(fixtures) if fixtures is not None else []
    if fixtures is not None and not cases:
        raise Broken(f"<{codec.name}>: there are no frozen values in {fixtures}")
    for case in cases:
        with _Bed({}) as bed:
            check_frozen(bed.schema, case, bed.store)


def _codec(codec):
    if isinstance(codec, str):
        return get_codec(codec)
    if isinstance(codec, type):
        return get_codec(codec.name)
    if not isinstance(codec, Codec):
        raise DataJointError(f"expects a codec or its name, got {codec!r}")
    return codec


def _is_supported(codec, is_store):
    try:
        codec.get_dtype(is_store)
    except Exception:  # noqa: BLE001 - that is how a codec says it
        return False
    return True


class _Bed:
    """A database and a store in a folder of their own. Codecs that know only the global settings find the store there too."""

    def __init__(self, objects):
        self._folder = tempfile.TemporaryDirectory(prefix="lapjoint-codec-")
        place = pathlib.Path(self._folder.name)
        self.store = place / "store"
        self.store.mkdir()
        for path, content in objects.items():
            (self.store / path).parent.mkdir(parents=True, exist_ok=True)
            (self.store / path).write_bytes(content)
        self._stores = {
            "default": "main", "filepath_default": "main", "main": {"protocol": "file", "location": str(self.store)}
        }  # fmt: skip
        self._settings = {
            "database__backend": "sqlite", "database__name": str(place / "database"), "safemode": False,
            "download_path": str(place / "downloads"), "stores": self._stores,
        }  # fmt: skip

    def __enter__(self):
        self._before = config.get("stores")
        config["stores"] = self._stores
        self.connection = Instance(**self._settings).connection
        self.schema = Schema("conformance", connection=self.connection)
        return self

    def __exit__(self, *_):
        self.connection.close()
        config["stores"] = self._before or {}
        self._folder.cleanup()

    def table(self, spec):
        name = f"Case{uuid.uuid4().hex[:8]}"
        core = self.schema._active().declare("Manual", name, f"id : int32\n---\nvalue = null : {spec}", [])
        return FreeTable(self.connection, f"{self.schema.database}.{core.table_name}")

    def files(self):
        return {path.relative_to(self.store).as_posix() for path in self.store.rglob("*") if path.is_file()}


class _Trial:
    """One codec in one place."""

    def __init__(self, bed, codec, spec, equal):
        self.bed, self.codec, self.spec = bed, codec, spec
        self._equal = equal or (lambda value, fetched: is_same(codec, value, fetched))
        self.table = bed.table(spec)

    def broken(self, message):
        return Broken(f"{self.spec}: {message}")

    def same(self, value, fetched):
        found = self._equal(value, fetched)
        if found is None:
            raise self.broken(f"values of type {type(fetched).__name__} cannot be compared: give `equal`")
        return bool(found)

    def run(self, values):
        given = self.bed.files()
        for number, value in enumerate(values):
            self.comes_back(number, value)
        self.table.insert1({"id": -1, "value": None})
        if self.fetch(-1) is not None:
            raise self.broken("null did not stay null")
        final = _core.resolve_dtype(self.spec)[0]
        rows = {number: self.stored(number) for number in range(len(values))}
        if final == "json":
            for number, column in rows.items():
                self.metadata(number, column)
        self.references(given)
        for number, column in rows.items():
            self.damage(number, values[number], column, final)
        if final == "json":
            self.missing_objects(values)

    def fetch(self, number):
        return (self.table & {"id": number}).fetch1("value")

    def comes_back(self, number, value):
        for row in (number, 10_000 + number):
            # Twice: what one value left behind must not change the next.
            self.table.insert1({"id": row, "value": value})
            fetched = self.fetch(row)
            if not self.same(value, fetched):
                raise self.broken(f"value {number} came back as {fetched!r:.200}")

    def stored(self, number):
        sql = f"SELECT value FROM {self.table.full_table_name} WHERE id = {number}"
        ((column,),) = self.bed.connection.query(sql).fetchall()
        return column

    def put(self, number, column):
        sql = f"UPDATE {self.table.full_table_name} SET value = %s WHERE id = {number}"
        self.bed.connection.query(sql, (column,))

    def metadata(self, number, column):
        document = json.loads(column) if isinstance(column, str) else column
        if not isinstance(document, dict) or "path" not in document:
            return
        # Where the codec hands on to another one, the metadata are that one's, and the version is in the content.
        if self.codec.get_dtype("@" in self.spec) != "json":
            return
        declared = getattr(self.codec, "codec_version", None)
        if declared is not None and document.get("codec_version") != declared:
            raise self.broken(f"its version is {declared}, and the metadata says {document.get('codec_version')!r}")
        if not getattr(self.codec, "reads_versions", None):
            return
        self.put(number, json.dumps({**document, "codec_version": "0.0.unknown"}))
        try:
            self.fetch(number)
        except DataJointError as error:
            if "0.0.unknown" not in str(error):
                raise self.broken(f"an unknown version gave another error: {error}") from error
        else:
            raise self.broken("a value of an unknown version was read")
        self.put(number, json.dumps(document))

    def references(self, given):
        referred = [path for _, _, path in _core.object_references(self.bed.schema._active())]
        files = self.bed.files()
        for path in referred:
            if path not in files and not any(file.startswith(f"{path}/") for file in files):
                raise self.broken(f"a reference leads to {path}, which nobody stored")
        for file in files - given:
            is_of = (file == path or file.startswith(f"{path}/") or file == f"{path}.manifest.json" for path in referred)
            if not any(is_of):
                raise self.broken(f"no reference leads to the stored object {file}")

    def attempt(self, number, value):
        """Fetches, and reads what a lazy reference refers to: an error, or whether it is the value."""
        try:
            return self.same(value, self.fetch(number))
        except Broken:
            raise
        except Exception as error:  # noqa: BLE001 - any error will do, and a crash is none
            return error

    def damage(self, number, value, column, final):
        if final == "bytes":
            for cut in sorted({0, 1, len(column) // 2, max(len(column) - 1, 0)}):
                self.put(number, column[:cut])
                self.attempt(number, value)
        elif final == "json":
            document = json.loads(column) if isinstance(column, str) else column
            for damaged in _damaged(document):
                self.put(number, json.dumps(damaged))
                self.attempt(number, value)
            if isinstance(document, dict) and "path" in document:
                for path in ("../../etc/passwd", "/etc/passwd", "a/../../../etc/passwd", ".."):
                    self.put(number, json.dumps({**document, "path": path}))
                    if not isinstance(self.attempt(number, value), Exception):
                        raise self.broken(f"metadata with the path {path} was followed")
        self.put(number, json.dumps(column) if isinstance(column, (dict, list)) else column)
        if not self.same(value, self.fetch(number)):
            raise self.broken(f"value {number} did not come back after the column was mended")

    def missing_objects(self, values):
        paths = {path for _, _, path in _core.object_references(self.bed.schema._active())}
        for path in paths:
            target = self.bed.store / path
            shutil.rmtree(target) if target.is_dir() else target.unlink(missing_ok=True)
        if not paths:
            return
        for number, value in enumerate(values):
            if not isinstance(self.attempt(number, value), Exception):
                raise self.broken(f"the objects of value {number} are gone, and nobody noticed")


def _damaged(document):
    if not isinstance(document, dict):
        return
    for name in document:
        yield {key: value for key, value in document.items() if key != name}
        for wrong in (None, True, -1, 1.5, "x", "", [], {}):
            yield {**document, name: wrong}


def frozen_cases(folder):
    """Folders of the frozen values below a folder, sorted: those with a `case.json`."""
    return sorted(path.parent for path in pathlib.Path(folder).rglob("case.json"))


def check_frozen(schema, case, store):
    """Puts a frozen value into a table as it was stored, and its objects into the folder of the store `main`; fetches and compares.

    What a case is, `conformance/codecs/README.md` of Lapjoint's source says.
    """
    case = pathlib.Path(case)
    given = json.loads((case / "case.json").read_text())
    if (case / "objects").exists():
        shutil.copytree(case / "objects", store, dirs_exist_ok=True)
    plugins.find(given["spec"])
    name = f"Frozen{uuid.uuid4().hex[:8]}"
    core = schema._active().declare("Manual", name, f"id : int32\n---\nvalue : {given['spec']}", [])
    table = FreeTable(schema.connection, f"{schema.database}.{core.table_name}")
    column = given["column"]
    is_bytes = isinstance(column, dict) and set(column) == {"bytes"}
    stored = bytes.fromhex(column["bytes"]) if is_bytes else json.dumps(column)
    schema.connection.query(f"INSERT INTO {table.full_table_name} (id, value) VALUES (1, %s)", (stored,))
    value = table.fetch1("value")
    ((form, expected),) = given["expected"].items()
    try:
        _COMPARE[form](value, expected, case)
    except Broken as error:
        raise Broken(f"{case}: {error}") from error


def _expect(found, expected):
    if is_same(None, found, expected) is not True:
        raise Broken(f"{found!r:.200} came back, not {expected!r:.200}")


def _compare_npy(value, name, case):
    _expect(np.asarray(value), np.load(case / name))


def _compare_blob(value, name, case):
    _expect(value, unpack((case / name).read_bytes()))


def _compare_bytes(value, digits, _):
    _expect(value if isinstance(value, bytes) else value.read(), bytes.fromhex(digits))


def _compare_json(value, document, case):
    file = next((folder / "plain.py" for folder in case.parents[:3] if (folder / "plain.py").exists()), None)
    if file is not None:
        spec = importlib.util.spec_from_file_location("plain_of_frozen_values", file)
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        value = module.plain(value)
    _expect(value, document)


def _compare_file(value, file, _):
    path = pathlib.Path(value)
    _expect((path.name, path.read_bytes()), (file["name"], bytes.fromhex(file["bytes"])))


def _compare_files(reference, files, _):
    found = {}
    for folder, _, names in reference.walk():
        for name in names:
            path = f"{folder}/{name}".lstrip("/")
            with contextlib.closing(reference.open(path)) as file:
                found[path] = file.read()
    reference.verify()
    _expect({path: found[path] for path in sorted(found)}, {path: bytes.fromhex(files[path]) for path in sorted(files)})


_COMPARE = {
    "npy": _compare_npy, "blob": _compare_blob, "bytes": _compare_bytes, "json": _compare_json, "file": _compare_file,
    "files": _compare_files,
}  # fmt: skip
