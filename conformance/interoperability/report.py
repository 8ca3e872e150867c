"""The table in docs/interoperability.md."""

import pathlib

from cases import CASES

DOCUMENT = pathlib.Path(__file__).parents[2] / "docs" / "interoperability.md"
HEAD = """# Interoperability with DataJoint 2.3.5

DataJoint 2.3.5 and Lapjoint work on the same database and the same store at the same time. This table is written by the test
that carries every type between the two (`make interoperability`).

For each type there are tables with an attribute of it, one that may be null, one in a part, and, where the type may be a key,
one that others refer to. They are

1. declared and filled by DataJoint, then read, updated and deleted from by Lapjoint;
2. declared by DataJoint, filled by Lapjoint, then read, updated and deleted from by DataJoint;
3. declared and filled by Lapjoint, then read, updated and deleted from by DataJoint;
4. declared by Lapjoint, filled by DataJoint, then read, updated and deleted from by Lapjoint.

Only the declarer has classes; the other finds the tables in the database. **all** says that all four work. Where DataJoint
alone cannot write a type, or cannot read what it wrote, a number says so; what does not need DataJoint for it still works, and
Lapjoint alone works on tables that DataJoint declared.
"""


class Results:
    """Outcomes by server, store and type."""

    def __init__(self):
        self.cells = {}
        self.reasons = []

    def note(self, server, store, case, reason=None):
        """`reason` is why DataJoint alone fails."""
        if reason is None:
            self.cells[server, store, case.name] = "all"
            return
        if reason not in self.reasons:
            self.reasons.append(reason)
        self.cells[server, store, case.name] = f"without DataJoint ({self.reasons.index(reason) + 1})"


def text(results):
    """The document."""
    columns = sorted({(server, store) for server, store, _ in results.cells}, key=lambda c: (c[1], c[0]))
    lines = [HEAD, "| type | " + " | ".join(f"{server}, {store}" for server, store in columns) + " |"]
    lines.append("|---|" + "---|" * len(columns))
    for case in CASES:
        cells = [results.cells.get((server, store, case.name), "–") for server, store in columns]
        lines.append(f"| `{case.name}` | " + " | ".join(cells) + " |")
    lines.append("")
    lines += [f"{number}. {reason}" for number, reason in enumerate(results.reasons, 1)]
    return "\n".join(lines) + "\n"


def write(results):
    """Writes the document."""
    DOCUMENT.write_text(text(results))
    print(text(results))
