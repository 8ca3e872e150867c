"""The version, where DataJoint has it."""

from ._core import __version__

__all__ = ["__version__"]
