"""Short views of tables, as text and HTML. Values of codecs are not fetched."""

from html import escape


_STYLE = """<style>
.lapjoint { border-collapse: collapse; font-size: 0.9em; }
.lapjoint th, .lapjoint td { text-align: left; padding: 0.2em 0.8em; border-bottom: 1px solid #8884; }
</style>"""


def _cells(expression, limit):
    config = expression.connection._config
    limit = limit or config.get("display.limit", 12)
    heading = expression.heading
    plain = [name for name, attribute in heading.attributes.items() if not attribute.codec_name]
    rows = expression.proj(*plain).to_dicts(limit=limit + 1)
    shown = [
        [str(row[name]) if name in row else heading[name].type for name in heading.names] for row in rows[:limit]
    ]
    return heading, shown, len(rows) > limit


def text(expression, limit=None, width=None):
    """A table as text: `*` marks the primary key."""
    config = expression.connection._config
    heading, rows, more = _cells(expression, limit)
    width = width or config.get("display.width", 14)
    names = [("*" if heading[name].in_key else "") + name for name in heading.names]
    columns = [[name, *cells] for name, *cells in zip(names, *rows)] if rows else [[name] for name in names]
    widths = [max(min(max(map(len, column)), width), len(column[0])) for column in columns]
    line = lambda cells: " ".join(f"{cell[:w]:<{w}}" for cell, w in zip(cells, widths)).rstrip()  # noqa: E731
    comment = heading.table_status["comment"]
    lines = [f"# {comment}"] if comment else []
    lines += [line(names), line(["-" * w for w in widths]), *map(line, rows)]
    if more:
        lines.append("   ...")
    if config.get("display.show_tuple_count", True):
        lines.append(f" (Total: {len(expression)})")
    return "\n".join(lines) + "\n"


def html(expression):
    """A table as HTML."""
    heading, rows, more = _cells(expression, None)

    def column(name):
        title = escape(heading[name].comment)
        shown = f"<u>{escape(name)}</u>" if heading[name].in_key else escape(name)
        return f'<th title="{title}">{shown}</th>'

    head = "".join(map(column, heading.names))
    body = "".join("<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>" for row in rows)
    comment = escape(heading.table_status["comment"])
    foot = "<p>...</p>" if more else ""
    return (
        f"{_STYLE}<b>{comment}</b><table class='lapjoint'><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
        f"{foot}<p>Total: {len(expression)}</p>"
    )
