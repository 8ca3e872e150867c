"""Short views of tables, as text and HTML. Values of codecs are not fetched."""

from html import escape

from .settings import config


def _cells(expression):
    limit = config.get("display.limit", 12)
    heading = expression.heading
    plain = [name for name, attribute in heading.attributes.items() if not attribute["codec"]]
    rows = expression.proj(*plain).to_dicts(limit=limit + 1)
    shown = [
        [str(row[name]) if name in row else heading[name]["type"] for name in heading.names] for row in rows[:limit]
    ]
    return heading, shown, len(rows) > limit


def text(expression):
    """A table as text: `*` marks the primary key."""
    heading, rows, more = _cells(expression)
    width = config.get("display.width", 14)
    names = [("*" if heading[name]["in_key"] else "") + name for name in heading.names]
    columns = [[name, *cells] for name, *cells in zip(names, *rows)] if rows else [[name] for name in names]
    widths = [max(min(max(map(len, column)), width), len(column[0])) for column in columns]
    line = lambda cells: " ".join(f"{cell[:w]:<{w}}" for cell, w in zip(cells, widths)).rstrip()  # noqa: E731
    lines = [line(names), line(["-" * w for w in widths]), *map(line, rows)]
    if more:
        lines.append("   ...")
    if config.get("display.show_tuple_count", True):
        lines.append(f" (Total: {len(expression)})")
    return "\n".join(lines) + "\n"


def html(expression):
    """A table as HTML."""
    heading, rows, more = _cells(expression)
    head = "".join(
        f"<th>{'<u>' if heading[n]['in_key'] else ''}{escape(n)}{'</u>' if heading[n]['in_key'] else ''}</th>"
        for n in heading.names
    )
    body = "".join("<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>" for row in rows)
    foot = "<p>...</p>" if more else ""
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>{foot}<p>Total: {len(expression)}</p>"
