"""Compares what the sides give for one expression."""

import rules


def is_ordered(given):
    """Whether the order of the rows is said: by a `Top` on the outside whose terms end with the key."""
    return given.get("op") == "top" and bool(given["order"]) and given["order"][-1].startswith("KEY")


def shown(rows, ordered):
    rows = [repr(cells) for cells in rows]
    return rows if ordered else sorted(rows)


def difference(one, other, ordered):
    """What differs between two outcomes, or `None`."""
    if (one.error is None) != (other.error is None):
        return "one refuses"
    if one.error is not None:
        return None
    for name in ("names", "key"):
        if getattr(one, name) != getattr(other, name):
            return f"{name} {getattr(one, name)} and {getattr(other, name)}"
    for name in one.names:
        types = one.types[name], other.types[name]
        if None not in types and types[0] != types[1]:
            return f"types of {name}: {types}"
    if shown(one.rows, False) != shown(other.rows, False):
        return f"rows {one.rows[:8]} and {other.rows[:8]} ({len(one.rows)} and {len(other.rows)})"
    if ordered and one.rows != other.rows:
        return f"order of rows {one.rows[:8]} and {other.rows[:8]}"
    return None


class Difference(Exception):
    """The sides do not agree."""


def check(given, outcomes, evaluate):
    """Raises `Difference`; else says by which rule the outcomes were compared (`same` where they are simply equal).

    `outcomes` has the reference first, then this package's. `evaluate` asks the reference for another expression.
    """
    (reference_name, reference), *ours = outcomes.items()
    ordered = is_ordered(given)
    first_name, first = ours[0]
    for name, outcome in ours:
        if outcome.error is not None and not outcome.is_refusal:
            raise Difference(f"{name} fails: {outcome.told()}")
        found = difference(first, outcome, ordered)
        if found:
            raise Difference(f"{first_name} and {name}: {found}\n  {first.told()}\n  {outcome.told()}")
        if outcome.error is None and outcome.length != len(outcome.rows):
            raise Difference(f"{name}: len() is {outcome.length} of {len(outcome.rows)} rows")
    found = difference(reference, first, ordered)
    if found is None:
        return "both refuse" if first.error is not None else "same"
    used = []
    for rule in rules.RULES:
        written = rule.rewrite(given) if rule.rewrite else given
        if written != given:
            given, reference = written, evaluate(written)
            used.append(rule.name)
            if difference(reference, first, ordered) is None:
                return " + ".join(used)
    for rule in rules.RULES:
        if rule.explains and rule.explains(given, reference, first):
            return rule.name
    raise Difference(f"{reference_name} and {first_name}: {found}\n  {reference.told()}\n  {first.told()}")
