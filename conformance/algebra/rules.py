"""Where DataJoint 2.3.5 is known to be wrong, and what is right instead.

A rule either says what the expression means in words that DataJoint gets right (`rewrite`), so that the outcomes must be equal
after all; or, where there are no such words, of which outcomes it speaks (`explains`). Anything else is a difference. Each run
counts the uses of the rules.
"""

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


def copies_what_is_not_there(given, reference, ours):
    """A copy or new name of an attribute that the input lacks."""
    if reference.error is not None or type(ours.error).__name__ != "UnknownAttributeError":
        return False
    sources = (source.strip("()") for part in parts(given) for source in part.get("named", {}).values())
    return any(re.fullmatch(r"\w+", source) and f"`{source}`" in str(ours.error) for source in sources)


RULES = [
    Rule(
        "negated conjunction",
        "`A - {'a': 1, 'b': 2}` and `Not(AndList([...]))` become `NOT (a=1)AND(b=2)`, where only the first is negated",
        rewrite=lambda given: walk(given, grouped),
    ),
    Rule(
        "copy of nothing",
        "`proj(new='(nowhere)')` and `proj(new='nowhere')` are ignored; an attribute that is not there is an error",
        explains=copies_what_is_not_there,
    ),
]
