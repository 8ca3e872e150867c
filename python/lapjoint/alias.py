"""A package of ours under a published name, in the running process."""

import importlib
import importlib.abc
import importlib.util
import sys


class Finder(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Gives our module for the published name."""

    def __init__(self, published, ours, modules=()):
        self._published, self._ours, self._modules = published, ours, dict(modules)

    def find_spec(self, fullname, path=None, target=None):
        """Ours where there is one."""
        if fullname == self._published:
            spec = importlib.util.spec_from_loader(fullname, self, is_package=True)
            spec.loader_state = self._ours
            return spec
        if not fullname.startswith(self._published + "."):
            return None
        name = fullname.removeprefix(self._published + ".")
        ours = f"{self._ours}.{self._modules.get(name, name)}"
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


def install(published, ours, modules=(), hint=""):
    """Registers a package under a published name; refuses when the real one is imported already."""
    package = importlib.import_module(ours)
    present = sys.modules.get(published)
    if present is package:
        return
    if present is not None:
        raise ImportError(f"{published} is imported already; {hint}")
    sys.modules[published] = package
    sys.meta_path.insert(0, Finder(published, ours, modules))
