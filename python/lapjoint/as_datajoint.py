"""This package under the name `datajoint`: `python -m lapjoint.as_datajoint SCRIPT`, or `pytest -p lapjoint.as_datajoint`."""

import runpy
import sys

from . import alias

# DataJoint's modules whose names are others here. All other modules have the same names.
MODULES = {"logging": "logs", "table": "tables", "user_tables": "tables"}


def install():
    """Registers the package under DataJoint's name; refuses when the real one is imported already."""
    hint = "call lapjoint.install_as_datajoint() before anything imports it"
    alias.install("datajoint", "lapjoint", MODULES, hint)


def pytest_load_initial_conftests():
    """Installs the name before pytest loads what tests bring along."""
    install()


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit("usage: python -m lapjoint.as_datajoint SCRIPT [ARGUMENT ...]")
    install()
    sys.argv = sys.argv[1:]
    runpy.run_path(sys.argv[0], run_name="__main__")
