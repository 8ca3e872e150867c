"""Every frozen value of `conformance/codecs`, put into a table as it was stored and fetched."""

import json
import pathlib
import shutil

import pytest

import lapjoint as dj
from lapjoint.testing import check_frozen, frozen_cases

FOLDER = pathlib.Path(__file__).parents[2] / "conformance" / "codecs"
CASES = [
    case
    for case in frozen_cases(FOLDER)
    if "python" in json.loads((case / "case.json").read_text()).get("read_by", ["python"])
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: str(case.relative_to(FOLDER)))
def test_a_frozen_value_is_fetched(schema, case, tmp_path):
    dj.config["stores.filepath_default"] = "main"
    check_frozen(schema, case, tmp_path / "store")


def test_there_are_cases_of_the_core_codecs():
    assert {case.parents[1].name for case in CASES} >= {"attach", "blob", "filepath", "hash", "npy", "object"}


@pytest.mark.parametrize("name", [
    "hash/1/bytes_by_datajoint", "blob/dj0/mixed_by_lapjoint", "npy/1.0/float64_by_datajoint", "object/1/folder_by_lapjoint",
    "attach/1/inline_by_lapjoint",
])  # fmt: skip
def test_another_expected_value_is_noticed(schema, tmp_path, name):
    case = tmp_path / "case"
    shutil.copytree(FOLDER / name, case)
    other = json.loads((FOLDER / "hash/1/empty_by_lapjoint/case.json").read_text())["expected"]
    text = json.loads((case / "case.json").read_text())
    expected = text["expected"]
    if "files" in expected:
        expected["files"]["a.txt"] = "00"
    elif "file" in expected:
        expected["file"]["bytes"] = "00"
    elif "npy" in expected:
        shutil.copy(FOLDER / "npy/1.0/empty_by_lapjoint/expected.npy", case / "expected.npy")
    elif "blob" in expected:
        shutil.copy(FOLDER / "blob/dj0/text_by_lapjoint/expected.blob", case / "expected.blob")
    else:
        text["expected"] = other
    (case / "case.json").write_text(json.dumps(text))
    with pytest.raises(AssertionError, match="came back, not"):
        check_frozen(schema, case, tmp_path / "store")
