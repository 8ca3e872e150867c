"""The query algebra: frozen cases, and random expressions by DataJoint and by this package on every database."""

import collections
import json
import os
import pathlib
import sys

import pytest

HERE = pathlib.Path(__file__).parent / "algebra"
sys.path.insert(0, str(HERE))

import differential  # noqa: E402
import evaluators  # noqa: E402
from compare import Difference, is_ordered  # noqa: E402
from expressions import text  # noqa: E402

CASES = sorted(HERE.glob("cases/*.json"))


@pytest.mark.parametrize("file", CASES, ids=lambda file: file.stem)
def test_frozen_cases_give_what_they_gave(file, tmp_path):
    number = 0
    for case in json.loads(file.read_text()):
        for side in evaluators.ours(tmp_path / "database"):
            tables = side.tables(case)
            for expression in case["expressions"]:
                given = expression["expression"]
                assert text(given) == expression["python"]
                found = side.evaluate(tables, given)
                assert found.error is None or found.is_refusal, (side.name, expression["python"], found.told())
                assert found.frozen(is_ordered(given)) == expression["expected"], (side.name, expression["python"], found.told())
                number += 1
            side.drop()
    assert number >= 50


@pytest.mark.skipif(
    not any(os.environ.get(variable) for variable in evaluators.SERVERS.values()), reason="DataJoint needs a server; none is set"
)
def test_random_expressions_mean_what_they_do_in_datajoint(tmp_path):
    bench = differential.Bench(tmp_path / "database")
    counts, differences = collections.Counter(), []
    for case in differential.cases(seed=5, schemas=15, expressions=20):
        bench.load(case)
        for given in case["expressions"]:
            try:
                counts[bench.verdict(given)[0]] += 1
            except Difference:
                differences.append(differential.report(bench, given, case)[1])
        bench.drop()
    assert not differences, "\n".join(differences)
    # A generator whose expressions are mostly refused would prove little.
    assert sum(counts.values()) == 300 and counts["same"] > 150
