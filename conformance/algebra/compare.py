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


def check(given, references, outcomes):
    """Raises `Difference`; else says how the outcomes were compared: `same` where all are equal, or by which rules.

    `outcomes` are this package's; `references` evaluate an expression by DataJoint on each of its databases.
    """
    ordered = is_ordered(given)
    first_name, first = next(iter(outcomes.items()))
    for name, outcome in outcomes.items():
        if outcome.error is not None and not outcome.is_refusal:
            raise Difference(f"{name} fails: {outcome.told()}")
        found = difference(first, outcome, ordered)
        if found:
            raise Difference(f"{first_name} and {name}: {found}\n  {first.told()}\n  {outcome.told()}")
        if outcome.error is None and outcome.length != len(outcome.rows):
            raise Difference(f"{name}: len() is {outcome.length} of {len(outcome.rows)} rows")
    verdicts, differences = [], []
    for name, evaluate in references.items():
        try:
            verdicts.append(against(given, name, evaluate, first_name, first, ordered))
        except Difference as difference_found:
            differences.append(difference_found)
        else:
            # What one database of the reference gives without any rule is right.
            if not verdicts[-1][1]:
                return verdicts[-1][0] if not differences else f"{verdicts[-1][0]} as {name}"
    if differences:
        raise differences[0]
    return verdicts[0][0]


def against(given, name, evaluate, our_name, ours, ordered):
    """How this package's outcome is that of the reference on one database, and whether it took a rule that only explains."""
    written, reference = given, evaluate(given)
    found = difference(reference, ours, ordered)
    if found is None:
        return ("same" if ours.error is None else "both refuse"), False
    used = []
    for rule in rules.REWRITES:
        again = rule.rewrite(written)
        if again != written:
            written, reference = again, evaluate(again)
            used.append(rule.name)
            if difference(reference, ours, ordered) is None:
                return " + ".join(used), False
    for rule in rules.EXPLANATIONS:
        if rule.explains(given, reference, ours):
            return " + ".join([*used, rule.name]), True
    raise Difference(f"{name} and {our_name}: {found}\n  {reference.told()}\n  {ours.told()}")
