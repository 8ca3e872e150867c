"""Random expressions of the query algebra, by DataJoint 2.3.5 on its databases and by this package on every database.

    python conformance/algebra/differential.py [--seed 1] [--schemas 100] [--expressions 20]
    python conformance/algebra/differential.py --cases FILE --freeze conformance/algebra/cases/NAME.json

Prints each difference, made as small as it can be, as Python; and the number of expressions by outcome. The cases come from
`cargo run -p lapjoint-testing --example algebra`. Needs LAPJOINT_TEST_POSTGRES
or LAPJOINT_TEST_MYSQL, better both: where DataJoint's PostgreSQL is wrong, its MySQL may be right.
"""

import argparse
import collections
import functools
import json
import os
import pathlib
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).parent
sys.path.insert(0, str(HERE))

import evaluators  # noqa: E402
from compare import Difference, check, is_ordered  # noqa: E402
from expressions import parts, smaller, tables_of, text  # noqa: E402


def cases(seed, schemas, expressions):
    """Schemas with their expressions, by the generator."""
    command = os.environ.get("LAPJOINT_ALGEBRA")
    command = [command] if command else ["cargo", "run", "--quiet", "--locked", "-p", "lapjoint-testing", "--example", "algebra", "--"]
    numbers = [str(number) for number in (seed, schemas, expressions)]
    made = subprocess.run([*command, *numbers], cwd=HERE.parent.parent, check=True, capture_output=True, text=True)
    return [json.loads(line) for line in made.stdout.splitlines()]


class Bench:
    """All sides, with the tables of one case at a time."""

    def __init__(self, folder):
        self.references = evaluators.references()
        self.ours = evaluators.ours(folder)
        self.tables = {}

    def load(self, case):
        """Declares the tables everywhere; this package finds DataJoint's as well."""
        self.tables = {side.name: (side, side.tables(case)) for side in [*self.references, *self.ours]}
        for reference in self.references:
            product = reference.name.rpartition(" ")[2]
            for side in self.ours:
                if side.name.endswith(product):
                    theirs = side.tables(case, reference.schemas[-1].database)
                    self.tables[f"{side.name}, tables of DataJoint"] = (side, theirs)

    def verdict(self, given):
        """How the sides compare, and what they agree on."""
        evaluate = {name: functools.partial(side.evaluate, tables) for name, (side, tables) in self.tables.items()}
        references = {side.name: evaluate.pop(side.name) for side in self.references}
        outcomes = {name: work(given) for name, work in evaluate.items()}
        return check(given, references, outcomes), next(iter(outcomes.values()))

    def shrink(self, given):
        """A smaller expression on which they differ, too."""
        found = True
        while found:
            found = False
            for less in smaller(given):
                try:
                    self.verdict(less)
                except Difference:
                    given, found = less, True
                    break
        return given

    def drop(self):
        for side in [*self.references, *self.ours]:
            side.drop()


def report(bench, given, case):
    """A difference as somebody reads it."""
    small = bench.shrink(given)
    try:
        bench.verdict(small)
    except Difference as difference:
        lines = [f"DIFFERENCE (seed {case['seed']}, schema {case['schema']}): {text(small)}", f"  {difference}"]
    used = tables_of(small)
    for table in case["tables"]:
        if table["name"] in used:
            lines.append(f"  {table['name']}: {'; '.join(table['definition'].splitlines())}")
    return small, "\n".join(lines)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--schemas", type=int, default=100)
    parser.add_argument("--expressions", type=int, default=20)
    parser.add_argument("--cases", help="a file with schemas and expressions, in place of random ones")
    parser.add_argument("--freeze", help="a file for the expressions with what all agreed on")
    parser.add_argument("--only", type=int, help="the number of one schema")
    parser.add_argument("--operations", help="only expressions of these, such as restrict,proj")
    parser.add_argument("--most", type=int, default=20, help="end after so many differences")
    options = parser.parse_args()
    counts, differences = collections.Counter(), []
    with tempfile.TemporaryDirectory(prefix="algebra-") as folder:
        bench = Bench(pathlib.Path(folder) / "database")
        made = json.loads(pathlib.Path(options.cases).read_text()) if options.cases else None
        frozen = []
        for case in made or cases(options.seed, options.schemas, options.expressions):
            if options.only is not None and case["schema"] != options.only:
                continue
            if len(differences) >= options.most:
                break
            bench.load(case)
            frozen.append({"tables": case["tables"], "expressions": []})
            for given in case["expressions"]:
                given = given.get("expression", given)
                if options.operations and not {part.get("op", "restrict") for part in parts(given)} <= set(options.operations.split(",")):
                    continue
                try:
                    verdict, outcome = bench.verdict(given)
                    counts[verdict] += 1
                    expected = outcome.frozen(is_ordered(given))
                    frozen[-1]["expressions"].append({"python": text(given), "expression": given, "expected": expected})
                except Difference:
                    small, told = report(bench, given, case)
                    counts["DIFFERENT"] += 1
                    if told not in differences:
                        differences.append(told)
                        print(told, flush=True)
            bench.drop()
    if options.freeze:
        lines = ",\n".join(json.dumps(case) for case in frozen)
        pathlib.Path(options.freeze).write_text(f"[\n{lines}\n]\n")
    print(f"{sum(counts.values())} expressions:")
    for name, count in counts.most_common():
        print(f"  {count:6} {name}")
    sys.exit(bool(differences))


if __name__ == "__main__":
    main()
