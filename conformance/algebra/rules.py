"""Where DataJoint 2.3.5 is known to be wrong, and what is right instead.

A rule either says what the expression means in words that DataJoint gets right (`rewrite`), so that the outcomes must be equal
after all; or, where there are no such words, of which outcomes it speaks (`explains`). Anything else is a difference. Each run
counts the uses of the rules.
"""

import json
import re
from dataclasses import dataclass
from typing import Callable

from expressions import parts


@dataclass
class Rule:
    """A defect of the reference: its name, why, and how it is compared."""

    name: str
    reason: str
    rewrite: Callable = None
    """The same expression, written so that the reference gets it right."""
    explains: Callable = None
    """Whether an expression with the outcomes of the reference and of this package is a case of the rule."""


def walk(given, condition):
    """The expression with all conditions in it changed: `condition` takes one, and whether it is negated."""

    def conditions(content, negated):
        ((kind, inner),) = content.items()
        if kind == "matches":
            content = {kind: expressions(inner)}
        elif kind == "not":
            return {kind: conditions(inner, not negated)}
        elif kind in ("all", "any"):
            content = {kind: [conditions(part, False) for part in inner]}
        return condition(content, negated)

    def expressions(part):
        if "table" in part:
            return part
        changed = {
            name: expressions(inner) if name in ("input", "left", "right", "group") else inner for name, inner in part.items()
        }
        if "condition" in part:
            changed["condition"] = conditions(part["condition"], part["op"] == "exclude")
        return changed

    return expressions(given)


def grouped(content, negated):
    """A conjunction that is negated, as the only alternative of a list."""
    ((kind, inner),) = content.items()
    return {"any": [content]} if negated and kind in ("equal", "all") and len(inner) > 1 else content


def subquery(part):
    """The expression as a table of its own."""
    return part if part.get("op") == "subquery" else {"op": "subquery", "input": part}


def each(given, change):
    """The expression with `change` applied to every part, those inside first."""

    def expressions(part):
        if "table" in part:
            return part
        changed = {
            name: expressions(inner) if name in ("input", "left", "right", "group") else inner for name, inner in part.items()
        }
        if "condition" in part:
            changed["condition"] = conditions(part["condition"])
        return change(changed)

    def conditions(content):
        ((kind, inner),) = content.items()
        if kind == "matches":
            return {kind: change({"op": "matches", "input": expressions(inner)})["input"]}
        if kind == "not":
            return {kind: conditions(inner)}
        if kind in ("all", "any"):
            return {kind: [conditions(part) for part in inner]}
        return content

    return expressions(given)


def operands(part):
    """Joined expressions as tables of their own."""
    if part.get("op") in ("join", "extend", "union"):
        return {**part, "left": subquery(part["left"]), "right": subquery(part["right"])}
    if part.get("op") == "aggr":
        return {**part, "input": subquery(part["input"]), "group": subquery(part["group"])}
    if part.get("op") in ("universal", "universal_aggr", "matches"):
        name = "input" if "input" in part else "group"
        return {**part, name: subquery(part[name])}
    return part


def inputs(part):
    """Restricted and projected expressions as tables of their own."""
    if part.get("op") in ("restrict", "exclude", "proj", "top") and "table" not in part["input"]:
        return {**part, "input": subquery(part["input"])}
    return part


def copies_what_is_not_there(given, reference, ours):
    """A copy or new name of an attribute that the input lacks."""
    if reference.error is not None or type(ours.error).__name__ != "UnknownAttributeError":
        return False
    sources = (source.strip("()") for part in parts(given) for source in part.get("named", {}).values())
    return any(re.fullmatch(r"\w+", source) and f"`{source}`" in str(ours.error) for source in sources)


def constant_hides(given, reference, ours):
    """An attribute that is not there, in a condition that is always or never true for another reason."""
    if reference.error is not None or type(ours.error).__name__ != "UnknownAttributeError":
        return False
    told = (json.dumps(part["condition"]) for part in parts(given) if "condition" in part)
    return any('"any"' in text or '"all"' in text for text in told)


def fails(*patterns):
    """Errors of the database or of Python, by what they say, where this package has an answer."""

    def explains(given, reference, ours):
        said = f"{type(reference.error).__name__}: {reference.error}"
        return reference.error is not None and ours.error is None and any(re.search(pattern, said) for pattern in patterns)

    return explains


REWRITES = [
    Rule(
        "negated conjunction",
        "`A - {'a': 1, 'b': 2}` and `Not(AndList([...]))` become `NOT (a=1)AND(b=2)`, where only the first is negated",
        rewrite=lambda given: walk(given, grouped),
    ),
    Rule(
        "operands",
        "a join forgets the `Top` of its operands, moves conditions of the right operand of a left join behind the join, knows no "
        "table twice, and nothing can be restricted by a union; as subqueries the operands keep what they are",
        rewrite=lambda given: each(given, operands),
    ),
    Rule(
        "inputs",
        "conditions on an aggregation that are always or never true are no SQL (`TypeError`); `Top` and renamed attributes are applied "
        "to the wrong level; as a subquery the input keeps what it is",
        rewrite=lambda given: each(given, inputs),
    ),
]

EXPLANATIONS = [
    Rule(
        "copy of nothing",
        "`proj(new='(nowhere)')` and `proj(new='nowhere')` are ignored; an attribute that is not there is an error",
        explains=copies_what_is_not_there,
    ),
    Rule(
        "constant conditions",
        "what stands beside `True` in a list or `False` in an AndList is not looked at, so that unknown attributes pass",
        explains=constant_hides,
    ),
    Rule(
        "limit in a subquery",
        "MariaDB and MySQL refuse a `LIMIT` in the subquery of `IN`",
        explains=fails("1235.*LIMIT & IN"),
    ),
    Rule(
        "backticks",
        "renamed attributes of joins, unions and aggregations are quoted as MySQL's on PostgreSQL",
        explains=fails(r"(?s)QuerySyntaxError.*`"),
    ),
    Rule(
        "copies",
        "a copy of an attribute of a join or union keeps the name of its source in the statement",
        explains=fails("1060.*Duplicate column name", "DuplicateColumn"),
    ),
    Rule(
        "no attributes",
        "`dj.U() & A` and `dj.U().aggr(A)` select nothing, which is no SQL",
        explains=fails(r"SELECT\s+(DISTINCT\s+)?FROM", r"1064.*near '\s*FROM"),
    ),
    Rule(
        "grouping",
        "attributes that an aggregation keeps are not grouped by",
        explains=fails("GroupingError", r"OperationalError.*1055"),
    ),
]
