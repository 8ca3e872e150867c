"""What hictkpy reads of a file, read by a process of its own.

No test imports hictkpy: what it does at a fork waits for a lock that its logger's thread may hold (seen with 1.4.0), and other tests fork.
"""

import functools
import importlib.util
import io
import json
import subprocess
import sys

import numpy as np
import pytest


def run(program, *arguments):
    """What a program prints, a text, to which hictkpy is known."""
    if importlib.util.find_spec("hictkpy") is None:
        pytest.skip("hictkpy is not installed")
    command = [sys.executable, "-c", f"import hictkpy, sys\n{program}", *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, timeout=120)
    assert done.returncode == 0, done.stderr.decode()[-3000:]
    return done.stdout


@functools.cache
def chromosomes(path, bin_size_bp):
    """Names of the chromosomes."""
    return json.loads(run("import json\nprint(json.dumps([*hictkpy.File(sys.argv[1], int(sys.argv[2])).chromosomes()]))", path, bin_size_bp))


@functools.cache
def contacts(path, bin_size_bp, *ranges):
    """The matrix of two ranges, or of one and itself."""
    program = """
import numpy
matrix = hictkpy.File(sys.argv[1], int(sys.argv[2])).fetch(*sys.argv[3:], count_type="int").to_numpy()
numpy.save(sys.stdout.buffer, matrix)
"""
    return np.load(io.BytesIO(run(program, path, bin_size_bp, *ranges)))
