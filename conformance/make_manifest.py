"""Writes MANIFEST: the SHA-256 of every frozen file. A test fails when a file that stands in it has changed."""

import hashlib
import pathlib

HERE = pathlib.Path(__file__).parent


def frozen():
    # What is known of DataJoint's own tests changes with the package.
    found = [*HERE.glob("*/*.json"), *HERE.glob("*/cases/*.json")]
    found = [path for path in found if path.parent.name not in ("datajoint", "codecs")]
    cases = (path for path in HERE.glob("codecs/*/*/**/*") if path.is_file() and path.suffix not in (".py", ".pyc"))
    return sorted([*found, *cases])


def main():
    lines = [f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.relative_to(HERE)}" for path in frozen()]
    (HERE / "MANIFEST").write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
