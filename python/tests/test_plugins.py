"""Installed plugins, and code written for DataJoint."""

import os
import subprocess
import sys
import textwrap

import pytest

import lapjoint as dj
from lapjoint import plugins

PLUGIN = """
import datajoint as dj
from datajoint import DataJointError
from datajoint.builtin_codecs import SchemaCodec

class Upper(dj.Codec):
    name = "upper"
    def get_dtype(self, is_store):
        return "varchar(50)"
    def encode(self, value, *, key=None, store_name=None):
        return value.upper()
    def decode(self, stored, *, key=None):
        return stored.lower()
"""

SCRIPT = """
import datajoint as dj
from datajoint.errors import DataJointError
from datajoint.user_tables import Manual
from datajoint.codecs import is_codec_registered

dj.config["database.backend"] = "sqlite"
dj.config["database.name"] = ":memory:"
assert not any(name.startswith("upper_plugin") for name in __import__("sys").modules)
schema = dj.Schema("lab")

@schema
class Word(dj.Manual):
    definition = "id : int32\\n---\\nword : <upper>"

Word.insert1({"id": 1, "word": "Hi"})
assert Word.fetch1("word") == "hi" and issubclass(Word, Manual) and dj.DataJointError is DataJointError
assert (Word & "word = 'HI'").fetch1("KEY") == {"id": 1}
assert "upper" in dj.list_codecs()
try:
    dj.get_codec("broken")
except DataJointError as error:
    assert "no_such_module" in str(error), error
else:
    raise AssertionError("a broken plugin was loaded")
print("ran as", dj.__name__)
"""


@pytest.fixture
def site(tmp_path):
    (tmp_path / "upper_plugin.py").write_text(PLUGIN)
    (tmp_path / "broken_plugin.py").write_text("import no_such_module\n")
    info = tmp_path / "upper_plugin-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: upper-plugin\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(
        "[datajoint.codecs]\nupper = upper_plugin:Upper\nbroken = broken_plugin:Broken\n"
    )
    return tmp_path


def test_a_script_for_datajoint_with_a_plugin(site):
    script = site / "script.py"
    script.write_text(textwrap.dedent(SCRIPT))
    code = f"import sys; sys.path.insert(0, {str(site)!r}); sys.argv = ['x', {str(script)!r}]; " \
        "import runpy; runpy.run_module('lapjoint.as_datajoint', run_name='__main__')"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=site)
    assert done.returncode == 0, done.stderr
    assert done.stdout == "ran as lapjoint\n"


def test_an_unknown_codec_without_a_plugin(schema):
    with pytest.raises(dj.DataJointError, match="Unknown codec: <nothing>"):
        dj.get_codec("nothing")
    assert plugins.failures == {} or "nothing" not in plugins.failures


def test_the_real_datajoint_is_not_replaced_behind_its_back():
    code = "import types, sys; sys.modules['datajoint'] = types.ModuleType('datajoint'); import lapjoint; " \
        "lapjoint.install_as_datajoint()"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode != 0 and "imported already" in done.stderr


def test_a_plugin_under_another_name_than_its_class(tmp_path):
    (tmp_path / "loud_plugin.py").write_text(PLUGIN)
    info = tmp_path / "loud_plugin-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: loud-plugin\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[datajoint.codecs]\nloud = loud_plugin:Upper\n")
    code = f"import sys; sys.path.insert(0, {str(tmp_path)!r}); " \
        "import lapjoint; lapjoint.install_as_datajoint(); codec = lapjoint.get_codec('<loud>'); " \
        "print(codec.name, type(codec).__module__, codec.encode('Hi'))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout == "loud loud_plugin HI\n"


SHADOWED = """
import lapjoint as dj
from lapjoint import science

science.BUNDLED.update(upper="bundled_upper:Upper", broken="bundled_upper:Broken", alone="bundled_upper:Alone")
assert {"upper", "broken", "alone"} <= set(dj.list_codecs())
assert "bundled_upper" not in __import__("sys").modules, "a codec was loaded that nobody asked for"
assert type(dj.get_codec("<upper>")).__module__ == "upper_plugin", "an installed plugin comes before what ships"
assert type(dj.get_codec("broken")).__module__ == "bundled_upper", "what ships is there when a plugin is broken"
assert type(dj.get_codec("alone")).__module__ == "bundled_upper"

class Mine(dj.Codec):
    name = "alone"
    def get_dtype(self, is_store):
        return "int64"
    def encode(self, value, *, key=None, store_name=None):
        return value
    def decode(self, stored, *, key=None):
        return stored

assert isinstance(dj.get_codec("alone"), Mine), "a class of the user's comes before what ships"
dj.codecs.unregister_codec("alone")
assert type(dj.get_codec("alone")).__module__ == "bundled_upper"

# A table of another program: its codec is found when the heading is read.
dj.config["database.backend"] = "sqlite"
dj.config["database.name"] = "rows"
import sqlite3, subprocess, sys
schema = dj.Schema("lab")
table = schema(type("Word", (dj.Manual,), {"definition": "id : int32\\n---\\nword : <alone>"}))
table.insert1({"id": 1, "word": 5})
code = "import lapjoint as dj; from lapjoint import science; science.BUNDLED['alone'] = 'bundled_upper:Alone'; " \
    "dj.config['database.backend'] = 'sqlite'; dj.config['database.name'] = 'rows'; " \
    "print(dj.VirtualModule('lab', 'lab').Word.to_dicts())"
done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
assert done.stdout == "[{'id': 1, 'word': 5}]\\n", (done.stdout, done.stderr)
print("done")
"""

BUNDLED = """
import lapjoint as dj

class Bundled(dj.Codec):
    yields = True
    def get_dtype(self, is_store):
        return "int64"
    def encode(self, value, *, key=None, store_name=None):
        return value
    def decode(self, stored, *, key=None):
        return stored

class Upper(Bundled):
    name = "upper"

class Broken(Bundled):
    name = "broken"

class Alone(Bundled):
    name = "alone"
"""


def test_codecs_that_ship_yield_to_plugins_and_to_classes(site):
    (site / "bundled_upper.py").write_text(BUNDLED)
    # Plugins written for DataJoint import it by name.
    plugin = (site / "upper_plugin.py").read_text()
    (site / "upper_plugin.py").write_text("import lapjoint\nlapjoint.install_as_datajoint()\n" + plugin)
    (site / "script.py").write_text(SHADOWED)
    environment = {**os.environ, "PYTHONPATH": str(site), "DJ_IGNORE_CONFIG_FILE": "true"}
    command = [sys.executable, "script.py"]
    done = subprocess.run(command, capture_output=True, text=True, cwd=site, env=environment)
    assert done.returncode == 0 and done.stdout.endswith("done\n"), done.stderr
    # The log of this package goes to the output.
    assert "its plugin broken_plugin:Broken could not be loaded" in done.stdout
