"""What codecs there are, what data need of them, lock files, and the command."""

import json
import os
import subprocess
import sys

import migrating
import numpy as np
import pytest

import lapjoint as dj


@pytest.fixture(autouse=True)
def unregistered():
    yield
    dj.codecs.use_lock(None)
    for name in ("twoform", "gone", "foldered"):
        if dj.codecs.is_codec_registered(name):
            dj.codecs.unregister_codec(name)


def lapjoint(place, *arguments, paths=()):
    """The command in a folder, with packages of the test's own."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([*map(str, paths), os.environ.get("PYTHONPATH", "")])}
    environment["DJ_IGNORE_CONFIG_FILE"] = "false"
    command = [sys.executable, "-m", "lapjoint.command", *arguments]
    return subprocess.run(command, cwd=place, env=environment, capture_output=True, text=True)


def installed(folder, name, version, modules, points):
    """A distribution with plugins, as a package manager leaves it."""
    folder.mkdir(exist_ok=True)
    for module, text in modules.items():
        (folder / f"{module}.py").write_text(text)
    info = folder / f"{name.replace('-', '_')}-{version}.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
    lines = "".join(f"{point} = {value}\n" for point, value in points.items())
    (info / "entry_points.txt").write_text(f"[datajoint.codecs]\n{lines}")
    return folder


PLUGIN = """
import lapjoint as dj

class {cls}(dj.Codec):
    name = "{name}"
    codec_version = "{version}"
    reads_versions = ["{version}"]
    def get_dtype(self, is_store):
        return "json"
    def encode(self, value, *, key=None, store_name=None):
        return {{"text": value, "codec_version": self.codec_version, "provenance": {{"{package}": "3.1"}}}}
    def decode(self, stored, *, key=None):
        return stored["text"]
"""


def test_the_list_names_broken_and_shadowed_plugins(tmp_path):
    one = installed(
        tmp_path / "one", "one-codecs", "1.5", {"one_plugin": PLUGIN.format(cls="One", name="word", version="1.0", package="one")},
        {"word": "one_plugin:One", "broken": "no_such_module:Broken"},
    )  # fmt: skip
    two = installed(
        tmp_path / "two", "two-codecs", "2.5", {"two_plugin": PLUGIN.format(cls="Two", name="word", version="2.0", package="two")},
        {"word": "two_plugin:Two"},
    )  # fmt: skip
    done = lapjoint(tmp_path, "codecs", "list", "--json", paths=[one, two])
    assert done.returncode == 0, done.stderr
    found = {}
    for codec in json.loads(done.stdout):
        found.setdefault(codec["name"], []).append(codec)
    (blob,) = found["blob"]
    assert (blob["origin"], blob["state"], blob["places"]) == ("built in", "ok", ["<blob>", "<blob@>"])
    assert blob["package"] == {"name": "lapjoint", "version": dj.__version__}
    used, shadowed = found["word"]
    assert (used["origin"], used["format_version"], used["state"]) == ("Python class one_plugin.One", "1.0", "ok")
    assert used["package"] == {"name": "one-codecs", "version": "1.5"}
    assert shadowed["origin"] == "entry point two_plugin:Two"
    assert shadowed["state"] == "shadowed by Python class one_plugin.One"
    assert shadowed["package"] == {"name": "two-codecs", "version": "2.5"}
    (broken,) = found["broken"]
    assert broken["package"]["name"] == "one-codecs" and broken["state"].startswith("broken: no_such_module:Broken could not")
    text = lapjoint(tmp_path, "codecs", "list", paths=[one, two]).stdout
    assert "one-codecs 1.5" in text and "shadowed by Python class one_plugin.One" in text


def test_what_a_class_and_a_plugin_both_want_names_both(schema):
    migrating.codec_class()
    with pytest.raises(dj.DataJointError, match=r"migrating\.codec_class.*test_codec_tools.*cannot take the name"):
        class Other(dj.Codec):
            name = "twoform"

            def get_dtype(self, is_store):
                return "json"

            def encode(self, value, *, key=None, store_name=None):
                return value

            def decode(self, stored, *, key=None):
                return stored


def test_python_files_of_a_folder_are_loaded_only_where_the_setting_says_so(tmp_path):
    folder = tmp_path / "plugins"
    folder.mkdir()
    (folder / "good.py").write_text(PLUGIN.format(cls="Foldered", name="foldered", version="1.0", package="x"))
    (folder / "bad.py").write_text("raise RuntimeError('no')")
    with pytest.raises(dj.DataJointError, match="Unknown codec: <foldered>"):
        dj.get_codec("foldered")
    dj.config["codecs.plugin_path"] = str(folder)
    try:
        assert dj.get_codec("foldered").codec_version == "1.0"
        bad = [codec for codec in dj.codecs.list() if codec.name == "bad"]
        assert len(bad) == 1 and "RuntimeError: no" in bad[0].state
        with pytest.raises(dj.DataJointError, match="RuntimeError: no"):
            dj.get_codec("bad")
    finally:
        dj.config["codecs.plugin_path"] = None
    # A folder that is no longer named has no errors either.
    assert not dj.codecs.is_codec_registered("bad")
    assert [codec for codec in dj.codecs.list() if codec.name == "bad"] == []


def test_what_data_need(database):
    schema = database.schema()
    migrating.codec_class("1.0")

    @schema
    class Kept(dj.Manual):
        definition = """
        id : int32
        ---
        numbers = null : <twoform@>
        packed = null : <blob>
        away = null : <blob@>
        array = null : <npy@>
        """

    Kept.insert([{"id": 0}, {"id": 1, "numbers": [1], "packed": np.zeros(3), "array": np.zeros(3)}])
    Kept.insert([{"id": number, "numbers": [1], "packed": {"a": "x" * 2000}, "away": 1} for number in (2, 3)])

    def needs(attribute):
        report = dj.codecs.check(schema)
        (need,) = [need for need in report.needs if need["attribute"] == attribute]
        return report, need

    report, need = needs("numbers")
    assert report.ok and report and "can be read" in repr(report)
    (count,) = need["versions"]
    assert (count["version"], count["rows"], count["state"]) == ("1.0", 3, "deprecated")
    assert count["message"] == "run lapjoint migrate"
    assert {v["version"]: v["rows"] for v in needs("packed")[1]["versions"]} == {"mYm": 1, "dj0": 2}
    assert [(v["version"], v["rows"]) for v in needs("away")[1]["versions"]] == [(None, 2)]
    # Without the codec: from the data alone.
    dj.codecs.unregister_codec("twoform")
    report, need = needs("numbers")
    assert not report.ok and need["state"] == "missing" and "Unknown codec: <twoform>" in need["message"]
    assert [(v["version"], v["rows"]) for v in need["versions"]] == [("1.0", 3)]
    assert all(v["state"] == "missing" for v in need["versions"])
    # With one that does not read them.
    newer = migrating.codec_class("2.0")
    newer.reads_versions = ("2.0",)
    dj.codecs.register_instance(newer())
    report, need = needs("numbers")
    assert not report.ok and need["versions"][0]["state"] == "unreadable"
    assert "Upgrade twoform-codec (installed: 2.0)" in need["versions"][0]["message"]
    assert "reads 2.0" in repr(report)


def test_the_command_says_what_to_install(tmp_path):
    plugin = installed(
        tmp_path / "site", "lab-codecs", "3.1", {"lab_plugin": PLUGIN.format(cls="Lab", name="gone", version="1.0", package="lab-codecs")},
        {"gone": "lab_plugin:Lab"},
    )  # fmt: skip
    (tmp_path / "lapjoint.json").write_text(json.dumps({"database": {"backend": "sqlite", "name": str(tmp_path / "data")}}))
    program = (
        "import lapjoint as dj\nschema = dj.Schema('lab')\n@schema\nclass Word(dj.Manual):\n"
        "    definition = 'id : int32\\n---\\nword : <gone>'\nWord.insert1({'id': 1, 'word': 'a'})"
    )
    environment = {**os.environ, "PYTHONPATH": str(plugin), "DJ_IGNORE_CONFIG_FILE": "false"}
    subprocess.run([sys.executable, "-c", program], cwd=tmp_path, env=environment, check=True)
    there = lapjoint(tmp_path, "codecs", "check", paths=[plugin])
    assert there.returncode == 0 and "version 1.0" in there.stdout, there.stderr
    gone = lapjoint(tmp_path, "codecs", "check", "lab")
    assert gone.returncode == 1 and "Install lab-codecs (lab-codecs 3.1 wrote values of it)" in gone.stdout
    assert "1 columns cannot be read completely" in gone.stderr
    as_json = json.loads(lapjoint(tmp_path, "codecs", "check", "lab", "--json").stdout)
    assert as_json["ok"] is False and as_json["needs"][0]["versions"][0]["rows"] == 1


def test_lock_files(schema, tmp_path):
    migrating.codec_class("1.0")
    path = tmp_path / "a.lock"
    assert dj.codecs.lock(path) == path
    pins = json.loads(path.read_text())["codecs"]
    assert pins["twoform"]["format_version"] == "1.0"
    assert pins["twoform"]["package"] == {"name": "twoform-codec", "version": "1.0"}
    assert dj.codecs.lock(path, check=True) == []
    dj.codecs.use_lock(path)
    assert dj.get_codec("twoform") and dj.get_codec("blob")
    dj.codecs.unregister_codec("twoform")
    migrating.codec_class("2.0")
    (difference,) = dj.codecs.lock(path, check=True)
    assert "format version is 2.0, locked is 1.0" in difference
    with pytest.raises(dj.DataJointError, match=r"<twoform>: package is twoform-codec 2.0.*keeps it out"):
        schema(type("Locked", (dj.Manual,), {"definition": "id : int32\n---\nn : <twoform@>"}))
    dj.codecs.use_lock(None)
    schema(type("Locked", (dj.Manual,), {"definition": "id : int32\n---\nn : <twoform@>"}))
    with pytest.raises(dj.DataJointError, match="nowhere"):
        dj.codecs.use_lock("nowhere.lock")


def test_the_setting_locks_a_session(tmp_path):
    done = lapjoint(tmp_path, "codecs", "lock")
    assert done.returncode == 0, done.stderr
    text = (tmp_path / "lapjoint.codecs.lock").read_text()
    assert lapjoint(tmp_path, "codecs", "lock", "--check").returncode == 0
    (tmp_path / "lapjoint.codecs.lock").write_text(text.replace(f'"version": "{dj.__version__}"', '"version": "9.9"'))
    changed = lapjoint(tmp_path, "codecs", "lock", "--check")
    assert changed.returncode == 1 and "locked is lapjoint 9.9" in changed.stdout
    program = (
        "import lapjoint as dj\ndj.config['database.backend'] = 'sqlite'\ndj.config['database.name'] = ':memory:'\n"
        "dj.config['codecs.lock'] = 'lapjoint.codecs.lock'\nschema = dj.Schema('lab')\n"
        "schema(type('Word', (dj.Manual,), {'definition': 'id : int32\\n---\\nword : <blob>'}))"
    )
    refused = subprocess.run([sys.executable, "-c", program], cwd=tmp_path, capture_output=True, text=True)
    assert refused.returncode != 0 and "keeps it out" in refused.stderr
