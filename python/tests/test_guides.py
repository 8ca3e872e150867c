"""What the guides show works."""

import importlib.util
import os
import pathlib
import re
import shutil
import subprocess
import sys

import pytest

DOCS = pathlib.Path(__file__).parents[2] / "docs"


def programs(guide):
    """Programs of a guide: what stands behind `python`, and the text."""
    return re.findall(r"```python ?([^\n]*)\n(.*?)```", (DOCS / guide).read_text(), re.S)


def run(folder, program):
    (folder / "store").mkdir(exist_ok=True)
    script = folder / "program.py"
    script.write_text(program)
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("DJ_")},
        "DJ_BACKEND": "sqlite",
        "DJ_DATABASE_NAME": str(folder / "database"),
        "DJ_STORES": f'{{"default": "main", "main": {{"protocol": "file", "location": "{folder / "store"}"}}}}',
        "DJ_IGNORE_CONFIG_FILE": "true",
        "PYTHONPATH": str(folder),
        "RAY_USAGE_STATS_ENABLED": "0",
    }
    done = subprocess.run(
        [sys.executable, script], cwd=folder, env=environment, capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout


def test_the_guide_to_arrow(tmp_path):
    shown = run(tmp_path, "\n".join(text for _, text in programs("arrow.md")))
    assert "40.0" in shown and "extension<arrow.fixed_shape_tensor" in shown and "1.75" in shown


@pytest.mark.parametrize("engine", ["ray", "dask"])
def test_the_guide_to_engines(engine, tmp_path):
    pytest.importorskip({"ray": "ray", "dask": "distributed"}[engine])
    given = dict(programs("engines.md"))
    (tmp_path / "pipeline.py").write_text(given["file=pipeline.py"])
    run(tmp_path, given[engine])


def test_the_parts_of_the_guide_to_engines(tmp_path):
    given = programs("engines.md")
    (tmp_path / "pipeline.py").write_text(dict(given)["file=pipeline.py"])
    (parts,) = [text for _, text in given if "engines.parts(" in text]
    fill = "import pipeline\npipeline.Number.insert({'n': n, 'label': ''} for n in range(8))\n"
    shown = run(tmp_path, fill + parts + "print([table.num_rows for table in tables])")
    assert shown.strip() == "[2, 2, 2, 2]"


def test_the_guide_to_plugin_codecs(tmp_path):
    for library in ("networkx", "pandas", "pyarrow", "jsonschema"):
        pytest.importorskip(library)
    given = programs("plugin-codecs.md")
    shown = run(tmp_path, "\n".join(text for name, text in given if not name))
    assert "(1000, 2) ['t', 'kind']" in shown and "$.rate: 0 is less than or equal to the minimum of 0" in shown


def test_a_plugin_of_the_guide_to_plugin_codecs(tmp_path):
    """The package of the guide, installed as pip does it: its module, and what is known of it."""
    given = programs("plugin-codecs.md")
    (tmp_path / "wave_codecs.py").write_text(dict(given)["file=wave_codecs.py"])
    (project,) = re.findall(r"```toml\n(.*?)```", (DOCS / "plugin-codecs.md").read_text(), re.S)
    group, entry = re.search(r'entry-points\."([^"]+)"\]\n(.*)', project).groups()
    known = tmp_path / "wave_codecs-2.0.0.dist-info"
    known.mkdir()
    (known / "METADATA").write_text("Metadata-Version: 2.1\nName: wave-codecs\nVersion: 2.0.0\n")
    (known / "entry_points.txt").write_text(f"[{group}]\n{entry.replace(chr(34), '')}\n")
    shown = run(tmp_path, "\n".join(text for name, text in given if name == "plugin"))
    assert "<WaveCodec(name='wave')>" in shown and "wave_codecs:WaveCodec" in shown


def test_the_guide_to_writing_codecs(tmp_path):
    shown = run(tmp_path, "\n".join(text for _, text in programs("write-a-codec.md")))
    assert shown == "['one', 'two']\nit keeps the rules\n"


def test_the_guide_to_versions(tmp_path):
    shown = run(tmp_path, "\n".join(text for _, text in programs("codec-versions.md")))
    assert "4 values, version 1.0: ok" in shown
    assert "4 migrated; 4 old objects are left for collection" in shown


def test_the_guide_to_zarr(tmp_path):
    pytest.importorskip("zarr")
    shown = run(tmp_path, "\n".join(text for _, text in programs("zarr.md"))).splitlines()
    assert shown[0] == "(600, 64, 64) uint16 (600, 64, 64)"
    assert shown[-3:] == ["{'rate_hz': 30.0}", "(1000, 64, 64)", "(50, 64, 64)"]


def test_the_guide_to_photon_movies(tmp_path):
    pytest.importorskip("zarr")
    shown = run(tmp_path, "\n".join(text for _, text in programs("photon.md"))).splitlines()
    assert abs(float(shown[0]) - 1) < 0.1 and abs(float(shown[1]) - 1) < 0.01 and shown[2].startswith("Noise(gain=")


def test_the_guide_to_figures(tmp_path):
    pytest.importorskip("figpack")
    shown = run(tmp_path, "\n".join(text for _, text in programs("figpack.md")))
    assert "A sine | Ten seconds of *one* channel" in shown and "http://127.0.0.1:" in shown and "\ndata " in shown
    assert (tmp_path / "sine/index.html").exists()


def test_the_guide_to_contact_matrices(tmp_path):
    pytest.importorskip("scipy")
    shutil.copy(DOCS.parent / "examples/data/hic/yeast.10kb.cool", tmp_path)
    given = programs("gzcm.md")
    # What loads with torch is tried where torch is.
    with_torch = importlib.util.find_spec("torch") is not None
    parts = [text for name, text in given if with_torch or name != "torch"]
    assert len(given) - len(parts) == (0 if with_torch else 1)
    shown = run(tmp_path, "\n".join(parts)).splitlines()
    assert shown[0].split()[1] == "uint32" and "(20, 154) uint32 csr (50, 200)" in shown
    assert "zstd opaque" in shown and "lz4 self" in shown and any("its encoder says 'self' of itself" in line for line in shown)
    assert shown[-1].endswith("2 float32 (20, 20) chrMito")
    assert any(line.startswith("GzcmRef(shape=(1226, 1226), dtype=uint32, nnz=728311)") for line in shown) and "(20, 154) (50, 613)" in shown
    assert (tmp_path / "yeast.png").read_bytes()[:4] == b"\x89PNG"
