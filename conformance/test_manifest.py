"""Frozen cases stay as they are: what was written once must be readable for ever."""

import hashlib

from make_manifest import HERE, frozen


def test_frozen_files_are_unchanged_and_complete():
    listed = dict(reversed(line.split("  ", 1)) for line in (HERE / "MANIFEST").read_text().splitlines())
    found = {str(path.relative_to(HERE)): hashlib.sha256(path.read_bytes()).hexdigest() for path in frozen()}
    assert found == listed
