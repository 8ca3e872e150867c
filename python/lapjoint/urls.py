"""URLs of files."""

import os
from pathlib import Path

from .errors import DataJointError

_PROTOCOLS = {
    "file": "file", "s3": "s3", "gs": "gcs", "gcs": "gcs", "az": "azure", "abfs": "azure", "http": "http", "https": "https",
}  # fmt: skip
URL_PROTOCOLS = tuple(f"{name}://" for name in _PROTOCOLS)


def is_url(path):
    """Whether a text is a URL and not a path."""
    return str(path).lower().startswith(URL_PROTOCOLS)


def _path_to_file_url(path):
    text = path.as_posix()
    return f"file://{'' if text.startswith('/') else '/'}{text}"


def normalize_to_url(path):
    """A URL as it is, a path as a `file` URL."""
    return str(path) if is_url(path) else _path_to_file_url(Path(os.path.abspath(path)))


def parse_url(url):
    """The protocol of a store, and the path in it."""
    scheme, mark, path = url.partition("://")
    protocol = _PROTOCOLS.get(scheme.lower()) if mark else None
    if protocol is None:
        raise DataJointError(f"Unsupported URL protocol: {url}. Known: {', '.join(_PROTOCOLS)}")
    return protocol, path
