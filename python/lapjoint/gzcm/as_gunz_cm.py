"""This package under the name `gunz_cm`: `python -m lapjoint.gzcm.as_gunz_cm SCRIPT`, or `pytest -p lapjoint.gzcm.as_gunz_cm`."""

import runpy
import sys

from .. import alias


def install() -> None:
    """Registers the package under the published name; refuses when another of that name is imported already."""
    hint = "call lapjoint.gzcm.install_as_gunz_cm() before anything imports it"
    alias.install("gunz_cm", "lapjoint.gzcm", hint=hint)


def pytest_load_initial_conftests() -> None:
    """Installs the name before pytest loads what tests bring along."""
    install()


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit("usage: python -m lapjoint.gzcm.as_gunz_cm SCRIPT [ARGUMENT ...]")
    install()
    sys.argv = sys.argv[1:]
    runpy.run_path(sys.argv[0], run_name="__main__")
