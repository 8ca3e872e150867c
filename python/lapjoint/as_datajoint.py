"""This package under the name `datajoint`: `python -m lapjoint.as_datajoint SCRIPT`, or `pytest -p lapjoint.as_datajoint`."""

import importlib
import importlib.abc
import importlib.util
import runpy
import sys

# DataJoint's modules whose names are others here. All other modules have the same names.
MODULES = {"logging": "logs", "table": "tables", "user_tables": "tables"}


class _Finder(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Gives our module for the name of DataJoint's."""

    def find_spec(self, fullname, path=None, target=None):
        """Ours where there is one."""
        if fullname == "datajoint":
            spec = importlib.util.spec_from_loader(fullname, self, is_package=True)
            spec.loader_state = "lapjoint"
            return spec
        if not fullname.startswith("datajoint."):
            return None
        name = fullname.removeprefix("datajoint.")
        ours = f"lapjoint.{MODULES.get(name, name)}"
        try:
            found = importlib.util.find_spec(ours)
        except ModuleNotFoundError:
            found = None
        if found is None:
            return None
        spec = importlib.util.spec_from_loader(fullname, self)
        spec.loader_state = ours
        return spec

    def create_module(self, spec):
        """Our module itself: its classes are the same by either name."""
        module = importlib.import_module(spec.loader_state)
        # What is imported under a second name keeps what it says of itself.
        self._own = {name: getattr(module, name, None) for name in ("__spec__", "__loader__", "__package__")}
        return module

    def exec_module(self, module):
        """Nothing more: the module is loaded."""
        vars(module).update(self._own)


def install():
    """Registers the package under DataJoint's name; refuses when the real one is imported already."""
    import lapjoint

    present = sys.modules.get("datajoint")
    if present is lapjoint:
        return
    if present is not None:
        raise ImportError("datajoint is imported already; call lapjoint.install_as_datajoint() before anything imports it")
    sys.modules["datajoint"] = lapjoint
    sys.meta_path.insert(0, _Finder())


def pytest_load_initial_conftests():
    """Installs the name before pytest loads what tests bring along."""
    install()


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit("usage: python -m lapjoint.as_datajoint SCRIPT [ARGUMENT ...]")
    install()
    sys.argv = sys.argv[1:]
    runpy.run_path(sys.argv[0], run_name="__main__")
