"""Runs DataJoint's own tests against this package under DataJoint's name.

    python conformance/datajoint/run.py [--write] [PYTEST ARGUMENT ...]

The tests are taken from the source distribution on PyPI, never stored here. `known.json` has the reason of every test that
is known to fail: a failure that it does not list is an error, and so is a listed test that passes. With `--write`, counts and
reasons are written to `docs/conformance.md`.
"""

import collections
import datetime
import json
import pathlib
import shutil
import subprocess
import sys
import tempfile
import xml.etree.ElementTree

HERE = pathlib.Path(__file__).parent
ROOT = HERE.parent.parent
VERSION = "2.3.5"
