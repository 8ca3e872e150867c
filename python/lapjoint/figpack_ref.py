"""Lazy references to figures of figpack in stores."""

import hashlib
import html
import json
import os
import pathlib
import shutil
import tempfile
import webbrowser

from . import _core
from .errors import DataJointError
from .objectref import ObjectRef


class FigpackRef:
    """A figure in a store. Title and description come from the row; the store is read when a method is called."""

    def __init__(self, metadata, backend):
        """The figure that metadata of a row describes, in a store."""
        store = getattr(backend, "_store", None)
        if not isinstance(store, _core.Store):
            raise DataJointError("a FigpackRef needs the StorageBackend of a store; fetch it from a table")
        self._core = _core.FigpackRef(json.dumps(metadata), store)
        self._object = None

    @classmethod
    def _of(cls, core):
        made = cls.__new__(cls)
        made._core, made._object = core, None
        return made

    @property
    def title(self):
        """Title; empty if the figure has none."""
        return self._core.title

    @property
    def description(self):
        """Description, in Markdown; empty if the figure has none."""
        return self._core.description

    @property
    def metadata(self):
        """The metadata, as the row has it."""
        return self._core.metadata

    @property
    def path(self):
        """Path of the folder in the store."""
        return self.object.path

    @property
    def store(self):
        """Name of the store, if the row has it."""
        return self.object.store

    @property
    def layout(self):
        """`bundle` if the viewer is stored with the data, else `data`. Looks into the store if the row does not say."""
        return self._core.layout()

    @property
    def object(self):
        """The folder, as an `ObjectRef`: lists, opens, copies."""
        if self._object is None:
            self._object = ObjectRef._of(self._core.object)
        return self._object

    @property
    def _backend(self):
        return self.object._store_backend()

    def serve(self, port=0, open_browser=False, viewer=None):
        """Serves the figure to browsers on this machine, straight from the store; returns the server, whose `url` is the figure's.

        `viewer` is "stored", the viewer stored with the figure (the default where there is one), or "installed", that of the
        figpack package here. The page may load nothing from elsewhere. The server stops by `close()`, at the end of a `with`
        block, or with the process.
        """
        from .figpack_server import FigureServer

        server = FigureServer(self, port, viewer)
        if open_browser:
            webbrowser.open(server.url)
        return server

    def show(self, open_browser=None, port=0, height=600):
        """Shows the figure: in a notebook in place, else in the browser; returns its address. It is served until the process ends."""
        server = self.serve(port)
        _shown.append(server)
        if open_browser is None and _in_notebook():
            from IPython.display import IFrame, display

            display(IFrame(server.url, "100%", height))
        elif open_browser is not False:
            webbrowser.open(server.url)
        return server.url

    def download(self, folder):
        """Copies the figure into a folder that is empty or not there yet, complete with a viewer; returns the folder's path.

        Any web server, or `figpack view`, shows it from there.
        """
        folder = pathlib.Path(folder)
        if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
            raise DataJointError(f"{folder} is there already and not an empty folder: the figure needs one of its own")
        folder.parent.mkdir(parents=True, exist_ok=True)
        # What comes beside the target appears there at once, or not at all.
        with tempfile.TemporaryDirectory(prefix=f".{folder.name}-", dir=folder.parent) as scratch:
            self.object.download(scratch)
            whole = pathlib.Path(scratch) / pathlib.PurePosixPath(self.path).name
            if self.layout == "data":
                from .figpack_server import NO_EXTENSIONS, installed_viewer

                data, whole = whole, pathlib.Path(scratch) / "figure"
                shutil.copytree(installed_viewer(), whole)
                (whole / "extension_manifest.json").write_bytes(NO_EXTENSIONS)
                data.rename(whole / "data.zarr")
            if folder.exists():
                folder.rmdir()
            os.replace(whole, folder)
        return folder

    def serve_under(self, base_dir):
        """Puts a copy of the figure below a folder that some web server serves, if it is not there; returns its address there, `/<id>/index.html`."""
        name = hashlib.sha1(self.path.encode(), usedforsecurity=False).hexdigest()[:16]
        folder = pathlib.Path(base_dir) / name
        if not (folder / "index.html").exists():
            try:
                self.download(folder)
            except (OSError, DataJointError):
                # Another process may have been faster.
                if not (folder / "index.html").exists():
                    raise
        # Those who tidy up such folders go by their age.
        os.utime(folder)
        return f"/{name}/index.html"

    def walk(self):
        """Folders of the figure with names of folders and files in them, as `os.walk`."""
        return self.object.walk()

    def open(self, path):
        """A file of the figure, for reading."""
        return self.object.open(path)

    def verify(self):
        """Compares the stored files with their manifest; true, or an `IntegrityError`."""
        return self.object.verify()

    def _repr_html_(self):
        title = html.escape(self.title) or "<em>untitled figure</em>"
        description = html.escape(self.description[:500] + ("…" if len(self.description) > 500 else ""))
        return (
            '<div style="border:1px solid #bbb;border-radius:4px;padding:8px;max-width:480px">'
            f'<div style="font-weight:bold">{title}</div><div style="white-space:pre-wrap">{description}</div>'
            f'<div style="font-size:80%;color:#777"><code>{html.escape(self.path)}</code><br>'
            "<code>.show()</code> draws it</div></div>"
        )

    def __repr__(self):
        return f"FigpackRef({self.title!r}: {self.path})"

    def __reduce__(self):
        return _unpickled, (self.metadata, self._backend)


def _unpickled(metadata, backend):
    return FigpackRef(metadata, backend)


# Servers of figures that are shown: they live as long as the process.
_shown: list = []


def _in_notebook():
    import sys

    shell = sys.modules.get("IPython")
    instance = shell.get_ipython() if shell else None
    return instance is not None and hasattr(instance, "kernel")
