"""Runs DataJoint's own tests against this package under DataJoint's name, on each database with file stores.

    python conformance/datajoint/run.py [--backend sqlite,postgresql,mysql] [--write] [PYTEST ARGUMENT ...]

Without `--backend`, SQLite and the servers that LAPJOINT_TEST_POSTGRES and LAPJOINT_TEST_MYSQL name. The tests come from the
source distribution on PyPI and are not kept here. `known.json` has a reason for every test that is known not to pass on a
backend: one that fails without being listed is an error, and so is one that is listed and passes. `--write` writes the counts
and reasons to `docs/conformance.md`, and lists what is new in `known.json` with the reason "unknown".
"""

import collections
import concurrent.futures
import datetime
import json
import os
import pathlib
import re
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
VARIABLES = {"sqlite": None, "postgresql": "LAPJOINT_TEST_POSTGRES", "mysql": "LAPJOINT_TEST_MYSQL"}
TITLES = {"sqlite": "SQLite", "postgresql": "PostgreSQL", "mysql": "MariaDB"}


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
    shutil.copy(HERE / "conftest_backend.py", tests / "conftest.py")
    return tests


# Types of MySQL that the tables of the tests have, and what is declared in their place on PostgreSQL.
NATIVE = (("tinyint", "int16"), ("year", "int16"), ("double", "float64"))


def adapt(tests):
    """Gives the tables of the tests types that PostgreSQL has."""
    for file in [*tests.glob("schema*.py"), *tests.glob("integration/test_nan.py")]:
        text = file.read_text()
        for native, core in NATIVE:
            text = re.sub(rf"^(\s*\w+[^:\n]*:\s*){native}\b", rf"\g<1>{core}", text, flags=re.MULTILINE)
        file.write_text(text)


def run(backend, arguments):
    """Runs the tests on a backend; outcome of each by name, and the files that could not be loaded."""
    with tempfile.TemporaryDirectory(prefix="datajoint-tests-") as folder:
        tests = tests_of_datajoint(pathlib.Path(folder))
        if backend == "postgresql":
            adapt(tests)
        return run_in(tests, backend, arguments)


def run_in(tests, backend, arguments):
    report = tests.parent / "report.xml"
    command = [
        sys.executable, "-m", "pytest", "-p", "lapjoint.as_datajoint", "-p", "no:cacheprovider", "-q", "--tb=short",
        "--continue-on-collection-errors", f"--junit-xml={report}", "-o", "junit_family=xunit1", *(arguments or ["tests"]),
    ]  # fmt: skip
    log = tests.parent / "log.txt"
    with log.open("w") as output:
        # Several runs on one server need names of their own.
        environment = {**os.environ, "LAPJOINT_SUITE_BACKEND": backend, "DJ_TEST_DB_PREFIX": os.environ.get("DJ_TEST_DB_PREFIX", "djtest")}
        subprocess.run(
            command, cwd=tests.parent, stdout=output, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, env=environment
        )
    if os.environ.get("LAPJOINT_SUITE_LOG"):
        shutil.copy(log, f"{os.environ['LAPJOINT_SUITE_LOG']}.{backend}")
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


def reason_of(name, backend, known):
    """The reason for a test: its own on this backend, or that of its file."""
    return known["tests"][backend].get(plain(name)) or known["files"].get(file_of(name))


def plain(name):
    """The name without the parameter that names the backend."""
    return re.sub(r"\[(?:sqlite|postgresql|mysql)(?:-(.*))?\]$", lambda found: f"[{found[1]}]" if found[1] else "", name)


def is_bad(outcome):
    return outcome in ("failure", "error")


def counted(outcomes):
    """How many passed, did not and were skipped, by file."""
    counts = collections.defaultdict(lambda: [0, 0, 0])
    for name, outcome in outcomes.items():
        counts[file_of(name)][1 if is_bad(outcome) else 2 if outcome == "skipped" else 0] += 1
    return dict(sorted(counts.items()))


def write(known):
    """The counts by file and backend, and the reasons."""
    counts = known["counts"]
    lines = [
        "# DataJoint's own tests",
        "",
        f"The tests of datajoint {VERSION}, run against this package under DataJoint's name with file stores. On PostgreSQL the "
        "tables of the tests have " + ", ".join(f"`{core}` for `{native}`" for native, core in NATIVE) + ", which are types of MySQL.",
        "",
        "| database | pass | do not | skipped | |",
        "|---|---:|---:|---:|---|",
    ]
    for backend, found in counts.items():
        passed, bad, skipped = (sum(column) for column in zip(*found["files"].values()))
        lines.append(f"| {TITLES[backend]} | **{passed}** | {bad} | {skipped} | {found['date']} |")
    lines += [
        "",
        f"Run them again: `{COMMAND}` in the environment of `make test` (`.venv/bin/python`). What does not pass has its "
        "reason below; a test that fails without one fails `make test`. A file that cannot be loaded counts as one test.",
        "",
        "Passed / not passed by file:",
        "",
        "| file | " + " | ".join(TITLES[backend] for backend in counts) + " |",
        "|---|" + "---:|" * len(counts),
    ]
    for file in sorted({file for found in counts.values() for file in found["files"]}):
        cells = ("{0} / {1}".format(*found["files"].get(file, (0, 0))) for found in counts.values())
        lines.append(f"| {file} | " + " | ".join(cells) + " |")
    by_reason = collections.defaultdict(lambda: collections.defaultdict(list))
    for backend in counts:
        for name, reason in known["tests"][backend].items():
            by_reason[reason][name].append(TITLES[backend])
    lines += ["", "## What does not pass, and why", ""]
    for reason, names in sorted(by_reason.items(), key=lambda item: -len(item[1])):
        lines += [f"### {known['reasons'].get(reason, reason)} ({len(names)})", ""]
        for name, backends in sorted(names.items()):
            where = "" if len(backends) == len(counts) else f" ({', '.join(backends)})"
            lines.append(f"- `{name}`{where}")
        lines.append("")
    (ROOT / "docs" / "conformance.md").write_text("\n".join(lines).rstrip() + "\n")


def compare(backend, outcomes, known):
    """What is not as it is known to be: tests that fail without a reason, tests that pass in spite of one."""
    new = sorted({plain(name) for name, outcome in outcomes.items() if is_bad(outcome) and not reason_of(name, backend, known)})
    passed = {plain(name) for name, outcome in outcomes.items() if outcome == "passed"}
    gone = sorted(passed & set(known["tests"][backend]))
    for name in new:
        print(f"FAILED on {TITLES[backend]} without a reason in {KNOWN.name}: {name}")
    for name in gone:
        print(f"PASSED on {TITLES[backend]}, but {KNOWN.name} has a reason for it: {name}")
    count = collections.Counter("bad" if is_bad(outcome) else outcome for outcome in outcomes.values())
    print(f"{TITLES[backend]}: {count['passed']} passed, {count['bad']} known not to, {count['skipped']} skipped", flush=True)
    return new, gone


def main():
    arguments = sys.argv[1:]
    writes = "--write" in arguments
    arguments = [argument for argument in arguments if argument != "--write"]
    backends = [name for name, variable in VARIABLES.items() if variable is None or os.environ.get(variable)]
    if "--backend" in arguments:
        at = arguments.index("--backend")
        backends = arguments[at + 1].split(",")
        del arguments[at : at + 2]
    known = json.loads(KNOWN.read_text())
    # The tests of a server mostly wait for it.
    with concurrent.futures.ThreadPoolExecutor() as pool:
        results = dict(zip(backends, pool.map(lambda backend: run(backend, arguments), backends)))
    wrong = 0
    for backend, outcomes in results.items():
        new, gone = compare(backend, outcomes, known)
        wrong += len(new) + len(gone)
        if writes:
            bad = {plain(name) for name, outcome in outcomes.items() if is_bad(outcome)}
            kept = {name: reason for name, reason in known["tests"][backend].items() if name in bad}
            known["tests"][backend] = dict(sorted({**kept, **dict.fromkeys(new, "unknown")}.items()))
            known["counts"][backend] = {"date": str(datetime.date.today()), "files": counted(outcomes)}
    if writes:
        KNOWN.write_text(json.dumps(known, indent=1) + "\n")
        write(known)
    # The closing line counts what is as it is known to be.
    print(f"{sum(map(len, results.values())) - wrong} passed, {wrong} failed")
    sys.exit(1 if wrong and not writes else 0)


if __name__ == "__main__":
    main()
