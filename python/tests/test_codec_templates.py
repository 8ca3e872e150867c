"""What `lapjoint codec new` writes can be installed, and its tests run."""

import os
import pathlib
import shutil
import subprocess
import sys

import pytest

import lapjoint

ROOT = pathlib.Path(__file__).parents[2]


def new(place, *arguments):
    command = [sys.executable, "-m", "lapjoint.command", "codec", "new", *arguments]
    return subprocess.run(command, cwd=place, capture_output=True, text=True)


def run(*command, cwd, **environment):
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, env={**os.environ, **environment})
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    return done.stdout


def test_names_are_checked(tmp_path):
    for name in ("Graph", "1x", "a b", "../x", ""):
        refused = new(tmp_path, "--lang", "python", "--", name)
        assert refused.returncode == 1 and "is not a codec name" in refused.stderr, name
    assert new(tmp_path, "--lang", "python", "spike-lines").returncode == 0
    again = new(tmp_path, "--lang", "python", "spike-lines")
    assert again.returncode == 1 and "is there already" in again.stderr
    assert not [path for path in tmp_path.rglob("*") if path.is_file() and "@module@" in path.read_text() + str(path)]


def test_the_python_package_is_installed_and_tested(tmp_path):
    assert new(tmp_path, "--lang", "python", "spike-lines").returncode == 0
    package = tmp_path / "spike-lines-codec"
    target = tmp_path / "site"
    run(sys.executable, "-m", "pip", "install", "--no-deps", "--target", str(target), str(package), cwd=tmp_path)
    # The package under test, as it is here, and what was installed beside it.
    paths = os.pathsep.join([str(target), str(pathlib.Path(lapjoint.__file__).parents[1])])
    tested = run(sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "tests", cwd=package, PYTHONPATH=paths)
    assert "4 passed" in tested, tested
    listed = run(sys.executable, "-m", "lapjoint.command", "codecs", "list", cwd=tmp_path, PYTHONPATH=paths)
    assert "spike-lines-codec 0.1.0" in listed and "<spike-lines@>" in listed


@pytest.mark.skipif(not shutil.which("cargo"), reason="cargo is not installed")
def test_the_wasm_crate_is_tested(tmp_path):
    assert new(tmp_path, "--lang", "wasm", "fresh").returncode == 0
    package = tmp_path / "fresh-codec"
    target = os.environ.get("CARGO_TARGET_DIR", str(ROOT / "target"))
    tested = run("cargo", "test", "--offline", "-q", cwd=package, CARGO_TARGET_DIR=str(pathlib.Path(target, "templates")))
    assert "4 passed" in tested


def test_the_abi_is_the_one_of_the_example():
    ours = ROOT / "crates" / "lapjoint-cli" / "templates" / "wasm" / "src" / "abi.rs"
    assert ours.read_text() == (ROOT / "examples" / "wasm" / "rust" / "src" / "abi.rs").read_text()
