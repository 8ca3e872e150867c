"""Expressions of the query algebra as JSON: built with any package that has DataJoint's API, printed as Python, made smaller."""

import datetime

# How each operation is written; operands are put in first.
OPERANDS = {"join": ("left", "right"), "extend": ("left", "right"), "union": ("left", "right"), "aggr": ("input", "group")}


def value(given):
    """A value of a row or condition."""
    return datetime.date.fromisoformat(given["date"]) if isinstance(given, dict) else given


def row(given):
    return {name: value(cell) for name, cell in given.items()}


def operands(expression):
    """The names of the parts that are expressions themselves."""
    if "table" in expression:
        return ()
    return OPERANDS.get(expression["op"]) or (("group",) if "group" in expression else ("input",))


def condition(dj, tables, given):
    """A condition for `&` and `-`."""
    ((kind, content),) = given.items()
    if kind == "equal":
        return row(content)
    if kind == "matches":
        return build(dj, tables, content)
    if kind == "all":
        return dj.AndList([condition(dj, tables, part) for part in content])
    if kind == "any":
        return [condition(dj, tables, part) for part in content]
    if kind == "not":
        return dj.Not(condition(dj, tables, content))
    return content


def build(dj, tables, given):
    """The expression, by a package and its tables."""
    if "table" in given:
        return tables[given["table"]]()
    first, *rest = (build(dj, tables, given[name]) for name in operands(given))
    keep = [... if name == "..." else name for name in given.get("keep", ())]
    match given["op"]:
        case "restrict":
            return first & condition(dj, tables, given["condition"])
        case "exclude":
            return first - condition(dj, tables, given["condition"])
        case "proj":
            return first.proj(*keep, **given["named"])
        case "join":
            return first * rest[0]
        case "extend":
            return first.extend(rest[0])
        case "union":
            return first + rest[0]
        case "aggr":
            return first.aggr(rest[0], *keep, exclude_nonmatching=given["exclude_nonmatching"], **given["named"])
        case "universal":
            return dj.U(*given["attributes"]) & first
        case "universal_aggr":
            return dj.U(*given["attributes"]).aggr(first, **given["named"])
        case "subquery":
            return first.make_subquery()
        case "top":
            return first & dj.Top(limit=given["limit"], order_by=given["order"], offset=given["offset"])
    raise ValueError(given["op"])


def condition_text(given):
    ((kind, content),) = given.items()
    if kind == "equal":
        return repr(row(content)).replace("datetime.date", "date")
    if kind == "matches":
        return text(content)
    if kind == "all":
        return f"AndList([{', '.join(map(condition_text, content))}])"
    if kind == "any":
        return f"[{', '.join(map(condition_text, content))}]"
    if kind == "not":
        return f"Not({condition_text(content)})"
    return repr(content)


def text(given):
    """The expression as it is written in Python."""
    if "table" in given:
        return given["table"]
    first, *rest = (text(given[name]) for name in operands(given))
    arguments = ["..." if name == "..." else repr(name) for name in given.get("keep", ())]
    arguments += [f"{name}={sql!r}" for name, sql in given.get("named", {}).items()]
    match given["op"]:
        case "restrict":
            return f"({first} & {condition_text(given['condition'])})"
        case "exclude":
            return f"({first} - {condition_text(given['condition'])})"
        case "proj":
            return f"{first}.proj({', '.join(arguments)})"
        case "join":
            return f"({first} * {rest[0]})"
        case "extend":
            return f"{first}.extend({rest[0]})"
        case "union":
            return f"({first} + {rest[0]})"
        case "aggr":
            arguments += ["exclude_nonmatching=True"] if given["exclude_nonmatching"] else []
            return f"{first}.aggr({', '.join([rest[0], *arguments])})"
        case "universal":
            return f"(U({', '.join(map(repr, given['attributes']))}) & {first})"
        case "universal_aggr":
            return f"U({', '.join(map(repr, given['attributes']))}).aggr({', '.join([first, *arguments])})"
        case "subquery":
            return f"{first}.make_subquery()"
        case "top":
            return f"({first} & Top({given['limit']}, {given['order']}, {given['offset']}))"
    raise ValueError(given["op"])


def smaller_conditions(given):
    """Conditions with less in them."""
    ((kind, content),) = given.items()
    if kind == "matches":
        yield from ({"matches": less} for less in smaller(content))
    elif kind in ("all", "any"):
        yield from content
        for at, part in enumerate(content):
            yield {kind: content[:at] + content[at + 1 :]}
            yield from ({kind: [*content[:at], less, *content[at + 1 :]]} for less in smaller_conditions(part))
    elif kind == "not":
        yield content
        yield from ({"not": less} for less in smaller_conditions(content))
    elif kind == "equal" and content:
        for name in content:
            yield {"equal": {key: cell for key, cell in content.items() if key != name}}


def smaller(given):
    """Expressions with less in them, the smallest first."""
    if "table" in given:
        return
    for name in operands(given):
        yield given[name]
    if "condition" in given:
        if "matches" in given["condition"]:
            yield given["condition"]["matches"]
        yield from ({**given, "condition": less} for less in smaller_conditions(given["condition"]))
    for name in ("keep", "attributes", "order"):
        # The order of a `Top` ends with the key, or it would not say which rows there are.
        for at in range(len(given.get(name, ())) - (name == "order")):
            yield {**given, name: given[name][:at] + given[name][at + 1 :]}
    for name in given.get("named", {}):
        yield {**given, "named": {key: sql for key, sql in given["named"].items() if key != name}}
    if given.get("offset"):
        yield {**given, "offset": 0}
    for name in operands(given):
        yield from ({**given, name: less} for less in smaller(given[name]))


def parts(given):
    """The expression and all that it is made of."""
    yield given
    for name in operands(given):
        yield from parts(given[name])
    if "condition" in given:
        yield from parts_of_condition(given["condition"])


def parts_of_condition(given):
    ((kind, content),) = given.items()
    if kind == "matches":
        yield from parts(content)
    elif kind == "not":
        yield from parts_of_condition(content)
    elif kind in ("all", "any"):
        for part in content:
            yield from parts_of_condition(part)


def tables_of(given):
    """The tables that an expression is about."""
    return {part["table"] for part in parts(given) if "table" in part}
