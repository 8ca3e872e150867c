"""`<figpack@>`: figures in and out, the server, and what a browser draws."""

import json
import os
import pathlib
import shutil
import subprocess
import urllib.error
import urllib.request

import numpy as np
import pytest

import lapjoint as dj
from lapjoint.figpack_ref import FigpackRef

figpack = pytest.importorskip("figpack")
import figpack.views as views

FROZEN = pathlib.Path(__file__).parents[2] / "conformance/codecs/figpack/1.0"
CHROMIUM = os.environ.get("LAPJOINT_TEST_CHROMIUM") or shutil.which("chromium")
in_browser = pytest.mark.skipif(CHROMIUM is None, reason="no chromium: scripts/browser installs it as root")


def red_line():
    graph = views.TimeseriesGraph(y_label="volts")
    t = np.linspace(0, 10, 500)
    graph.add_line_series(name="sine", t=t, y=np.sin(t), color="red", width=3)
    return graph


@pytest.fixture
def raster(schema):
    @schema
    class Raster(dj.Manual):
        definition = """
        unit : int32
        ---
        figure = null : <figpack@>
        """

    return Raster


def stored(raster, figure):
    """A figure, inserted and fetched."""
    raster.insert1({"unit": 1, "figure": figure}, replace=True)
    return (raster & {"unit": 1}).fetch1("figure")


def chromium(folder, url, *options):
    """What headless Chromium says of a page after a minute of its own time."""
    command = [
        CHROMIUM, "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
        "--disable-component-update", "--disable-sync", f"--user-data-dir={folder / 'profile'}", "--window-size=900,600",
        "--virtual-time-budget=60000", *options, url,
    ]  # fmt: skip
    return subprocess.run(command, capture_output=True, text=True, timeout=180).stdout


def pixels(folder, url):
    """A screenshot as an array (rows, columns, colours)."""
    from PIL import Image

    picture = folder / "picture.png"
    chromium(folder, url, f"--screenshot={picture}")
    return np.asarray(Image.open(picture).convert("RGB")).astype(int)


def drawn(folder, url):
    """Columns of the page with a red pixel; on a busy machine a page may need more than one try until it is drawn."""
    for _ in range(8):
        columns = red_columns(pixels(folder, url))
        if columns:
            break
    return columns


def red_columns(picture):
    """Columns of a picture with a red pixel."""
    red, green, blue = np.moveaxis(picture, -1, 0)
    return int(((red > 180) & (green < 90) & (blue < 90)).any(axis=0).sum())


def get(url, **headers):
    with urllib.request.urlopen(urllib.request.Request(url, headers=headers), timeout=30) as answer:
        return answer.status, answer.headers, answer.read()


def status(url, **headers):
    try:
        return get(url, **headers)[0]
    except urllib.error.HTTPError as error:
        return error.code


def test_a_view_comes_back_as_a_reference(raster, tmp_path):
    view = red_line()
    view.title, view.description = "Sine <wave>", "of one *unit*"
    ref = stored(raster, view)
    assert isinstance(ref, FigpackRef) and (ref.title, ref.description) == ("Sine <wave>", "of one *unit*")
    assert ref.layout == "bundle" and ref.path.endswith(".zarr") and ref.verify()
    assert "Sine &lt;wave&gt;" in ref._repr_html_() and "<wave>" not in ref._repr_html_() and "<script" not in ref._repr_html_()
    metadata = ref.metadata
    assert {"path", "store", "title", "description"} <= set(metadata) and metadata["codec_version"] == "1.0"
    # The files are figpack's own.
    view.save(str(tmp_path / "saved"), title=view.title, description=view.description)
    copy = ref.download(tmp_path / "copy")
    names = lambda folder: {p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file()}
    assert names(copy) == names(tmp_path / "saved")
    assert (copy / "index.html").read_bytes() == (tmp_path / "saved/index.html").read_bytes()
    with pytest.raises(dj.DataJointError, match="not an empty folder"):
        ref.download(copy)


def test_every_form_of_a_figure(raster, tmp_path):
    view = views.Markdown("# Hello")
    folder = tmp_path / "saved"
    view.save(str(folder), title="Saved", description="before")
    for given, title, description, layout in [
        ((view, "T"), "T", "", "bundle"),
        ((view, "T", "D"), "T", "D", "bundle"),
        ({"view": view, "title": "T", "viewer": False}, "T", "", "data"),
        (folder, "Saved", "before", "bundle"),
        (str(folder), "Saved", "before", "bundle"),
        ({"folder": folder, "title": "Other"}, "Other", "before", "bundle"),
        (folder / "data.zarr", "Saved", "before", "data"),
    ]:
        ref = stored(raster, given)
        assert (ref.title, ref.description, ref.layout) == (title, description, layout), given
        again = stored(raster, ref)
        assert (again.title, again.description) == (title, description) and again.path != ref.path
    assert stored(raster, None) is None


def test_what_is_no_figure_is_refused(raster, tmp_path):
    (tmp_path / "empty").mkdir()
    view = views.Markdown("x")
    for given, words in [
        (5, "expects a view of figpack"),
        (np.zeros(3), "expects a view of figpack"),
        (tmp_path / "empty", "view.save"),
        (tmp_path / "nowhere", "nowhere"),
        ({"title": "x"}, "either view or folder"),
        ({"view": view, "colour": 1}, "colour"),
        ((view, 5), "title"),
    ]:
        with pytest.raises((dj.DataJointError, FileNotFoundError, TypeError), match=words):
            raster.insert1({"unit": 2, "figure": given})
    assert not raster() and not list((tmp_path / "store").rglob("*.zarr"))


def test_extensions_go_with_their_figure(raster):
    from figpack.core.extension_view import ExtensionView
    from figpack.core.figpack_extension import FigpackExtension

    view = ExtensionView(extension=FigpackExtension(name="demo", javascript_code="// mine"), view_type="demo.View")
    ref = stored(raster, (view, "Demo"))
    with ref.serve() as server:
        base = server.url.removesuffix("index.html")
        assert b"// mine" in get(base + "extension-demo.js")[2]
        assert json.loads(get(base + "extension_manifest.json")[2])["extensions"][0]["name"] == "demo"
    with pytest.raises(dj.DataJointError, match="need the viewer"):
        raster.insert1({"unit": 2, "figure": {"view": view, "viewer": False}})


def test_the_server_answers_ranges_and_nobody_else(raster):
    ref = stored(raster, {"view": red_line(), "title": "T", "viewer": False})
    with ref.serve() as server:
        base = server.url.removesuffix("index.html")
        code, headers, page = get(server.url)
        assert code == 200 and b'id="root"' in page and "default-src 'self'" in headers["Content-Security-Policy"]
        data = base + "data.zarr/_consolidated_0.dat"
        whole = get(data)[2]
        code, headers, part = get(data, Range="bytes=10-19")
        assert (code, part, headers["Content-Range"]) == (206, whole[10:20], f"bytes 10-19/{len(whole)}")
        assert get(data, Range="bytes=-5")[2] == whole[-5:] and get(data, Range=f"bytes=3-{10**12}")[2] == whole[3:]
        for wrong in ("bytes=9-3", f"bytes={len(whole)}-", "bytes=a-b", "lines=1-2", "bytes=-"):
            assert status(data, Range=wrong) == 416, wrong
        for wrong in ("data.zarr/none", "../index.html", "%2e%2e/%2e%2e/etc/passwd", "data.zarr/../../x", "assets"):
            assert status(base + wrong) == 404, wrong
        assert status(server.url.replace(server._token, "guess")) == 404
        assert get(base + "extension_manifest.json")[2] == b'{"extensions": []}'
        request = urllib.request.Request(data, method="HEAD")
        with urllib.request.urlopen(request, timeout=30) as answer:
            assert int(answer.headers["Content-Length"]) == len(whole) and answer.read() == b""
    with pytest.raises(urllib.error.URLError):
        get(server.url)
    with pytest.raises(dj.DataJointError, match="without a viewer"):
        ref.serve(viewer="stored")


def test_damage_is_told(raster, tmp_path):
    ref = stored(raster, (red_line(), "T"))
    file = next((tmp_path / "store").rglob("_consolidated_0.dat"))
    content = file.read_bytes()
    file.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    with pytest.raises(dj.DataJointError):
        ref.verify()
    with ref.serve() as server:
        file.unlink()
        assert status(server.url.replace("index.html", "data.zarr/_consolidated_0.dat")) == 502


def test_a_copy_for_another_server(raster, tmp_path):
    ref = stored(raster, {"view": red_line(), "title": "T", "viewer": False})
    address = ref.serve_under(tmp_path / "site")
    assert address == ref.serve_under(tmp_path / "site") and address.endswith("/index.html")
    folder = tmp_path / "site" / address.split("/")[1]
    assert (folder / "data.zarr/.zmetadata").exists() and (folder / "assets").is_dir()
    assert [path.name for path in (tmp_path / "site").iterdir()] == [folder.name]


def frozen(tmp_path, name):
    """A figure that dj-figpack-codecs stored."""
    case = FROZEN / name
    shutil.copytree(case / "objects", tmp_path / "store", dirs_exist_ok=True)
    from lapjoint.storage import StorageBackend

    backend = StorageBackend({"protocol": "file", "location": str(tmp_path / "store")})
    return FigpackRef(json.loads((case / "case.json").read_text())["column"], backend)


def test_both_layouts_of_the_plugin_are_read(tmp_path):
    (tmp_path / "store").mkdir()
    data = frozen(tmp_path, "timeseries_data_by_datajoint")
    bundle = frozen(tmp_path, "markdown_bundle_by_datajoint")
    assert (data.layout, data.title, bundle.layout, bundle.title) == ("data", "Sine wave", "bundle", "Hello")
    assert data.verify() and bundle.verify()


@in_browser
@pytest.mark.parametrize("viewer", [True, False])
def test_a_browser_draws_the_stored_figure(raster, tmp_path, viewer):
    ref = stored(raster, {"view": red_line(), "title": "A red line", "viewer": viewer})
    with ref.serve() as server:
        # The sine goes from one side of the plot to the other; nothing else is red.
        assert drawn(tmp_path, server.url) > 400
    plain = stored(raster, {"view": views.Markdown("no line"), "title": "Nothing", "viewer": viewer})
    with plain.serve() as server:
        assert red_columns(pixels(tmp_path, server.url)) == 0


@in_browser
def test_a_browser_draws_what_the_plugin_stored(tmp_path):
    (tmp_path / "store").mkdir()
    with frozen(tmp_path, "timeseries_data_by_datajoint").serve() as server:
        assert drawn(tmp_path, server.url) > 400


@in_browser
def test_a_browser_shows_text(raster, tmp_path):
    ref = stored(raster, (views.Markdown("# Written in the store"), "T"))
    with ref.serve() as server:
        for _ in range(8):
            page = chromium(tmp_path, server.url, "--dump-dom")
            if "Written in the store" in page:
                break
        assert "Written in the store" in page and "Figure ready" in page
