"""The command `lapjoint` of the Python package: that of the engine, with the codecs of plugins in it."""

import sys

from . import _core, plugins


def main(arguments=None):
    """Runs the command; the exit code."""
    if arguments is None:
        arguments = sys.argv[1:]
    if "codecs" in arguments[:3]:
        # What a listing or a lock shows is everything; other commands load what their tables name.
        plugins.load_all()
    return _core.run_command(["lapjoint", *arguments])


if __name__ == "__main__":
    raise SystemExit(main())
