"""This package under the name `datajoint`: `python -m lapjoint.as_datajoint SCRIPT`, or `pytest -p lapjoint.as_datajoint`."""

import importlib
import runpy
import sys
import types

# Names of DataJoint's modules, and what stands for each here.
MODULES = {
    "blob": "blob",
    "builtin_codecs": None,
    "codecs": "codecs",
    "condition": "condition",
    "connection": "connection",
    "errors": "errors",
    "expression": "expression",
    "objectref": None,
    "schemas": "schemas",
    "settings": "settings",
    "storage": "storage",
    "table": "tables",
    "user_tables": "tables",
}


def install():
    """Registers the package and its modules in `sys.modules`; refuses when the real one is imported already."""
    import lapjoint

    present = sys.modules.get("datajoint")
    if present is lapjoint:
        return
    if present is not None:
        raise ImportError("datajoint is imported already; call lapjoint.install_as_datajoint() before anything imports it")
    sys.modules["datajoint"] = lapjoint
    for name, ours in MODULES.items():
        module = importlib.import_module(f"lapjoint.{ours}") if ours else types.ModuleType(f"datajoint.{name}")
        sys.modules[f"datajoint.{name}"] = module
    sys.modules["datajoint.builtin_codecs"].SchemaCodec = lapjoint.SchemaCodec
    sys.modules["datajoint.builtin_codecs"].NpyRef = lapjoint.NpyRef
    sys.modules["datajoint.objectref"].ObjectRef = lapjoint.ObjectRef


def pytest_configure():
    """Installs the name before tests are collected."""
    install()


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit("usage: python -m lapjoint.as_datajoint SCRIPT [ARGUMENT ...]")
    install()
    sys.argv = sys.argv[1:]
    runpy.run_path(sys.argv[0], run_name="__main__")
