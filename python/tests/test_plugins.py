"""Installed plugins, and code written for DataJoint."""

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
