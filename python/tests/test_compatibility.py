"""Every public name of datajoint 2.3.5 works, or the page says how it differs or why it is not planned."""

import pytest

pytest.importorskip("datajoint", reason="compared with datajoint 2.3.5, which is not installed")

import compatibility  # noqa: E402


def test_the_page_says_what_there_is():
    page, problems = compatibility.page()
    assert not problems, "\n".join(problems)
    assert page == compatibility.PAGE.read_text(), "docs/compatibility.md is out of date: python conformance/compatibility.py"


def test_the_lists_name_what_datajoint_has():
    assert compatibility.stale() == []


def test_a_missing_name_and_a_missing_parameter_are_found():
    def theirs(a, b=1, *rest, **more):
        pass

    def ours(a):
        pass

    assert compatibility.refused(theirs, ours) == ["b"]
    assert compatibility.refused(ours, theirs) == []
    assert compatibility.Entry("Table.nothing", "nothing", theirs, None, False).problem
    assert compatibility.Entry("Table.something", "something", theirs, ours, True).problem
    assert compatibility.Entry("migrate", "dj.migrate", theirs, theirs, True).problem
