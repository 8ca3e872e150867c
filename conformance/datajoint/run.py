"""Runs DataJoint's own tests against this package under DataJoint's name, on SQLite with file stores.

    python conformance/datajoint/run.py [--write] [PYTEST ARGUMENT ...]

The tests come from the source distribution on PyPI and are not kept here. `known.json` has a reason for every test that is
known not to pass: one that fails without being listed is an error, and so is one that is listed and passes. `--write` writes
the counts and reasons to `docs/conformance.md`, and lists what is new in `known.json` with the reason "unknown".
"""

import collections
import datetime
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tarfile
import tempfile
import xml.etree.ElementTree

HERE = pathlib.Path(__file__).parent
ROOT = HERE.parent.parent
VERSION = "2.3.5"
KNOWN = HERE / "known.json"
COMMAND = "python conformance/datajoint/run.py"


def tests_of_datajoint(target):
    """Unpacks the tests of the source distribution, kept in the cache folder of the user once it is fetched."""
    cache = pathlib.Path(os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache") / "lapjoint"
    archive = cache / f"datajoint-{VERSION}.tar.gz"
    if not archive.exists():
        cache.mkdir(parents=True, exist_ok=True)
        options = ["--quiet", "--no-deps", "--no-binary", ":all:", "--disable-pip-version-check"]
        subprocess.run(
            [sys.executable, "-m", "pip", "download", *options, f"datajoint=={VERSION}", "--dest", cache], check=True
        )
    # Only the tests: the settings of the project around them are for its own servers.
    prefix = f"datajoint-{VERSION}/tests/"
    with tarfile.open(archive) as unpacked:
        members = [member for member in unpacked.getmembers() if member.name.startswith(prefix)]
        unpacked.extractall(target, members, filter="data")
    tests = target / "tests"
    (target / prefix).rename(tests)
    (tests / "conftest.py").rename(tests / "conftest_upstream.py")
    shutil.copy(HERE / "conftest_sqlite.py", tests / "conftest.py")
    return tests


def run(tests, arguments):
    """Runs the tests; outcome of each by name, and the files that could not be loaded."""
    report = tests.parent / "report.xml"
    command = [
        sys.executable, "-m", "pytest", "-p", "lapjoint.as_datajoint", "-p", "no:cacheprovider", "-q", "--tb=short",
        "--continue-on-collection-errors", f"--junit-xml={report}", "-o", "junit_family=xunit1", *(arguments or ["tests"]),
    ]  # fmt: skip
    log = tests.parent / "log.txt"
    with log.open("w") as output:
        subprocess.run(command, cwd=tests.parent, stdout=output, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL)
    if not report.exists():
        sys.exit(log.read_text()[-4000:])
    outcomes = {}
    for case in xml.etree.ElementTree.parse(report).getroot().iter("testcase"):
        path = case.get("classname").split(".")[1:]
        name = "::".join([*filter(None, ["/".join(path[:2]), *path[2:]]), case.get("name")])
        if not path:
            name = case.get("name").replace("tests.", "", 1).replace(".", "/")
        bad = [kind for kind in ("failure", "error", "skipped") if case.find(kind) is not None]
        outcome = bad[0] if bad else "passed"
        if outcomes.get(name, "passed") == "passed":
            outcomes[name] = outcome
    return outcomes


def file_of(name):
    return name.partition("::")[0]


def reason_of(name, known):
    """The reason for a test: its own, or that of its file."""
    return known["tests"].get(name) or known["files"].get(file_of(name))


def write(outcomes, known):
    """The counts by file, and the reasons."""
    counts = collections.defaultdict(collections.Counter)
    by_reason = collections.defaultdict(list)
    for name, outcome in outcomes.items():
        counts[file_of(name)][outcome] += 1
        if outcome in ("failure", "error"):
            by_reason[reason_of(name, known) or "unknown"].append(name)
    passed = sum(count["passed"] for count in counts.values())
    failed = sum(count["failure"] + count["error"] for count in counts.values())
    skipped = sum(count["skipped"] for count in counts.values())
    lines = [
        "# DataJoint's own tests",
        "",
        f"The tests of datajoint {VERSION}, run against this package under DataJoint's name on SQLite with file stores: "
        f"**{passed} pass, {failed} do not, {skipped} are skipped** ({datetime.date.today()}).",
        "",
        f"Run them again: `{COMMAND}` in the environment of `make test` (`.venv/bin/python`). What does not pass has its "
        "reason below; a test that fails without one fails `make test`. A file that cannot be loaded counts as one test.",
        "",
        "| file | pass | do not | skipped |",
        "|---|---:|---:|---:|",
    ]
    for file, count in sorted(counts.items()):
        lines.append(f"| {file} | {count['passed']} | {count['failure'] + count['error']} | {count['skipped']} |")
    lines += ["", "## What does not pass, and why", ""]
    for reason, names in sorted(by_reason.items(), key=lambda item: -len(item[1])):
        text = known["reasons"].get(reason, reason)
        lines += [f"### {text} ({len(names)})", ""]
        lines += [f"- `{name}`" for name in sorted(names)]
        lines.append("")
    (ROOT / "docs" / "conformance.md").write_text("\n".join(lines).rstrip() + "\n")


def main():
    arguments = sys.argv[1:]
    writes = "--write" in arguments
    arguments = [argument for argument in arguments if argument != "--write"]
    known = json.loads(KNOWN.read_text())
    with tempfile.TemporaryDirectory(prefix="datajoint-tests-") as folder:
        outcomes = run(tests_of_datajoint(pathlib.Path(folder)), arguments)
    bad = {name for name, outcome in outcomes.items() if outcome in ("failure", "error")}
    new = sorted(name for name in bad if reason_of(name, known) is None)
    gone = sorted(name for name in known["tests"] if outcomes.get(name) == "passed")
    if writes:
        known["tests"] = {name: known["tests"][name] for name in sorted(known["tests"]) if name in bad}
        known["tests"].update({name: "unknown" for name in new})
        known["tests"] = dict(sorted(known["tests"].items()))
        KNOWN.write_text(json.dumps(known, indent=1) + "\n")
        write(outcomes, known)
    for name in new:
        print(f"FAILED without a reason in {KNOWN.name}: {name}")
    for name in gone:
        print(f"PASSED, but {KNOWN.name} has a reason for it: {name}")
    count = collections.Counter(outcomes.values())
    print(f"of {sum(count.values())} tests: {count['passed']} passed, {len(bad)} known not to, {count['skipped']} skipped")
    # The closing line counts what is as it is known to be.
    wrong = len(new) + len(gone)
    print(f"{len(outcomes) - wrong} passed, {wrong} failed")
    sys.exit(1 if wrong and not writes else 0)


if __name__ == "__main__":
    main()
