"""`<figpack@>`: an interactive figure of figpack, with the viewer that draws it.

# What it does
Takes a view of figpack; a folder that figpack saved; a pair or triple of either with a title and a description; or a dictionary of
`view` or `folder`, `title`, `description`, and `viewer=False` to store the data only. Views have no title of their own: an attribute
`title` (and `description`) that was set on them counts. A fetch gives a `FigpackRef`. A `FigpackRef` may be inserted again.

# Specification, Stored form
Those of the engine's codec: `lapjoint_codec::science::figpack`.

# Names
`<figpack@>` and `<figpack@store>`.

# Compatibility
Takes what the codec of dj-figpack-codecs takes, reads what it wrote, and writes what it reads.
"""

import os
import pathlib
import sys

from ..codecs import SchemaCodec
from ..errors import DataJointError
from ..scratch import scratch_folder
from .engine import EngineCodec

_NAMES = {"view", "folder", "title", "description", "viewer"}


class FigpackCodec(EngineCodec, SchemaCodec, register=False):
    """A figure of figpack as a folder in a store."""

    name = "figpack"
    _engine_name = "figpack"

    def validate(self, value):
        """Raises an error for what is no figure."""
        about = _about(value)
        if about is None:
            super().validate(value)

    def prepare(self, value):
        """The folder of the figure, with what is said about it; a view is saved for that."""
        about = _about(value)
        if about is None:
            return value
        figure = about.pop("view", None)
        if figure is not None:
            about["folder"] = str(_save(figure, about))
        return about


def _about(value):
    """What is said about a figure, by name; `None` if the value is none."""
    if isinstance(value, dict):
        unknown = set(value) - _NAMES
        if unknown or ("view" in value) == ("folder" in value):
            raise DataJointError(
                f"<figpack> takes a dictionary of either view or folder, and title, description and viewer as wished; got {sorted(map(str, value))}"
            )
        given = {name: item for name, item in value.items() if item is not None and name not in ("view", "folder")}
        figure = value.get("view", value.get("folder"))
    elif isinstance(value, (tuple, list)) and len(value) in (2, 3):
        figure, given = value[0], dict(zip(("title", "description"), value[1:]))
    else:
        figure, given = value, {}
    if isinstance(figure, (str, os.PathLike)):
        return {"folder": os.fspath(figure), **given}
    return {"view": figure, **given} if _is_view(figure) or _is_reference(figure) else None


def _is_view(value):
    # Who has a view has imported figpack.
    figpack = sys.modules.get("figpack")
    return figpack is not None and isinstance(value, figpack.FigpackView)


def _is_reference(value):
    from ..figpack_ref import FigpackRef

    return isinstance(value, FigpackRef)


def _save(figure, about):
    """A folder with the figure, which lives until the insert is done."""
    folder = pathlib.Path(scratch_folder()) / "figure"
    about.setdefault("title", getattr(figure, "title", None) or "")
    about.setdefault("description", getattr(figure, "description", None) or "")
    if _is_reference(figure):
        return figure.download(folder)
    folder.mkdir()
    figure.save(str(folder), title=about["title"], description=about["description"])
    return folder
