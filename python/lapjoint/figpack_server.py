"""A server of one figure of figpack for browsers on this machine, over the store that the figure is in."""

import http.server
import importlib.util
import pathlib
import secrets
import threading
import urllib.parse

from .errors import DataJointError

NO_EXTENSIONS = b'{"extensions": []}'

# Everything from this server, nothing from elsewhere; the viewer's styles and the figure's layout are scripts and styles of the page.
POLICY = (
    "default-src 'self' data: blob:; script-src 'self' 'unsafe-inline' 'unsafe-eval' blob:; "
    "style-src 'self' 'unsafe-inline'; form-action 'none'; base-uri 'none'"
)
PIECE_BYTES = 1 << 20
# What the machine calls these files may be anything; browsers refuse scripts under other names.
KINDS = {
    ".html": "text/html; charset=utf-8", ".js": "text/javascript", ".mjs": "text/javascript", ".css": "text/css", ".json": "application/json",
    ".png": "image/png", ".svg": "image/svg+xml", ".wasm": "application/wasm",
}  # fmt: skip


def installed_viewer():
    """The folder of the viewer that ships in the figpack package."""
    # Its files are wanted, not its code: figpack imports zarr and more.
    found = importlib.util.find_spec("figpack")
    if found is None or not found.submodule_search_locations:
        raise DataJointError("the viewer of figpack is not here: pip install figpack")
    folder = pathlib.Path(found.submodule_search_locations[0]) / "figpack-figure-dist"
    if not (folder / "index.html").exists():
        raise DataJointError(f"the figpack package here has no viewer at {folder}: pip install --upgrade figpack")
    return folder


class FigureServer:
    """Serves a figure at `url` until `close()`."""

    def __init__(self, figure, port=0, viewer=None):
        if viewer not in (None, "stored", "installed"):
            raise DataJointError(f'viewer must be "stored" or "installed", got {viewer!r}')
        self._figure = figure
        self._is_data = figure.layout == "data"
        if self._is_data and viewer == "stored":
            raise DataJointError(f'{figure.path} is stored without a viewer: leave viewer="stored" out')
        self._viewer = installed_viewer() if self._is_data or viewer == "installed" else None
        self._stored = {
            f"{folder}/{name}" if folder else name for folder, _, names in figure.object.walk() for name in names
        }  # fmt: skip
        # Pages from elsewhere that try addresses of this machine do not find it.
        self._token = secrets.token_urlsafe(16)
        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", port), self._handler())
        self._server.daemon_threads = True
        self.port = self._server.server_address[1]
        self.url = f"http://127.0.0.1:{self.port}/{self._token}/index.html"
        threading.Thread(target=self._server.serve_forever, name="lapjoint-figure", daemon=True).start()

    def close(self):
        """Stops serving."""
        self._server.shutdown()
        self._server.server_close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def __repr__(self):
        return f"FigureServer({self.url})"

    def open(self, path):
        """A file of the page as (size in bytes, file object); `None` if there is none."""
        if self._viewer is not None:
            if self._is_data and path == "extension_manifest.json":
                import io

                return len(NO_EXTENSIONS), io.BytesIO(NO_EXTENSIONS)
            local = self._viewer / path
            if ".." not in path.split("/") and local.is_file():
                return local.stat().st_size, local.open("rb")
        inside = path
        if self._is_data:
            if not path.startswith("data.zarr/"):
                return None
            inside = path.removeprefix("data.zarr/")
        if inside not in self._stored:
            return None
        file = self._figure.object.open(inside)
        size_bytes = file.seek(0, 2)
        file.seek(0)
        return size_bytes, file

    def _handler(self):
        server = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_):
                pass

            def do_GET(self):
                self.answer(True)

            def do_HEAD(self):
                self.answer(False)

            def answer(self, with_content):
                path = urllib.parse.unquote(urllib.parse.urlsplit(self.path).path).lstrip("/")
                token, _, path = path.partition("/")
                try:
                    found = server.open(path or "index.html") if secrets.compare_digest(token.encode(), server._token.encode()) else None
                except Exception as error:
                    self.tell(502, str(error))
                    return
                if found is None:
                    self.tell(404, "not found")
                    return
                size_bytes, file = found
                with file:
                    self.send(path or "index.html", size_bytes, file, with_content)

            def send(self, path, size_bytes, file, with_content):
                wanted = _wanted(self.headers.get("Range"), size_bytes)
                if wanted is None:
                    self.tell(416, "no such range", {"Content-Range": f"bytes */{size_bytes}"})
                    return
                start, stop = wanted
                part = self.headers.get("Range") is not None
                self.send_response(206 if part else 200)
                if part:
                    self.send_header("Content-Range", f"bytes {start}-{stop - 1}/{size_bytes}")
                kind = KINDS.get(pathlib.PurePosixPath(path).suffix, "application/octet-stream")
                self.end(kind, stop - start)
                if not with_content:
                    return
                file.seek(start)
                left = stop - start
                while left > 0:
                    piece = file.read(min(left, PIECE_BYTES))
                    if not piece:
                        # Less than was announced: the browser sees that the connection ends.
                        self.close_connection = True
                        return
                    self.wfile.write(piece)
                    left -= len(piece)

            def tell(self, status, text, headers=None):
                content = text.encode()
                self.send_response(status)
                for name, value in (headers or {}).items():
                    self.send_header(name, value)
                self.end("text/plain; charset=utf-8", len(content))
                if self.command != "HEAD":
                    self.wfile.write(content)

            def end(self, kind, size_bytes):
                self.send_header("Content-Type", kind)
                self.send_header("Content-Length", str(size_bytes))
                self.send_header("Accept-Ranges", "bytes")
                self.send_header("Cache-Control", "no-store")
                self.send_header("Content-Security-Policy", POLICY)
                self.send_header("X-Content-Type-Options", "nosniff")
                self.end_headers()

        return Handler


def _wanted(header, size_bytes):
    """First and one past the last byte of a request; `None` for a range that is not there."""
    if header is None:
        return 0, size_bytes
    unit, _, ends = header.partition("=")
    first, dash, last = ends.strip().partition("-")
    if unit.strip() != "bytes" or not dash or not (first or last) or not (first + last).isascii() or not (first + last).isdigit():
        return None
    if not first:
        start, stop = max(0, size_bytes - int(last)), size_bytes
    else:
        start, stop = int(first), min(int(last) + 1, size_bytes) if last else size_bytes
    return (start, stop) if start < stop else None
