"""Pictures of points from pictures of lines."""

import numpy as np

from .errors import DataJointError


def png(svg):
    """A picture in SVG as a file of PNG."""
    try:
        import resvg_py
    except ModuleNotFoundError:
        raise DataJointError(
            "PNG needs the package resvg-py: pip install resvg-py (or lapjoint[png]). SVG, Mermaid and text need nothing."
        ) from None
    return bytes(resvg_py.svg_to_bytes(svg_string=svg, zoom=2, background="#ffffff"))


def pixels(file):
    """A file of PNG as an array of rows, columns and colours."""
    try:
        from PIL import Image
    except ModuleNotFoundError:
        raise DataJointError("An array of a diagram needs the package pillow: pip install pillow (or lapjoint[png])") from None
    return np.asarray(Image.open(file))
