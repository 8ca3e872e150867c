"""Diagrams: sets of tables, and what is drawn of them."""

import os
import pathlib
import re
import sys
import types
import xml.etree.ElementTree

import pytest

import lapjoint as dj

NAME = "{http://www.w3.org/2000/svg}"


@pytest.fixture
def lab(schema):
    other = dj.Schema("analysis", connection=schema.connection)

    @schema
    class Subject(dj.Manual):
        definition = "subject : int32"

    @schema
    class Method(dj.Lookup):
        definition = "method : int32"

    @schema
    class Session(dj.Manual):
        definition = "-> Subject\nsession : int32"

        class Trial(dj.Part):
            definition = "-> master\ntrial : int32\n---\n-> [nullable] Method"

    @schema
    class Scan(dj.Imported):
        definition = "-> Session"

    @other
    class Score(dj.Computed):
        definition = "-> Scan\n-> Method.proj(way='method')"

    return types.SimpleNamespace(schema=schema, other=other, **{
        cls.__name__: cls for cls in (Subject, Method, Session, Scan, Score)
    })  # fmt: skip


def names(*classes):
    return {cls.full_table_name for cls in classes}


def test_diagrams_are_sets(lab):
    one = dj.Diagram(lab.Session)
    assert (one + 1).nodes_to_show == names(lab.Session, lab.Session.Trial, lab.Scan)
    assert (one - 1).nodes_to_show == names(lab.Session, lab.Subject)
    assert (one + 2 - lab.Session).nodes_to_show == names(lab.Session.Trial, lab.Scan, lab.Score)
    assert (dj.Diagram(lab.schema) * (one + 9)).nodes_to_show == names(lab.Session, lab.Session.Trial, lab.Scan)
    assert one.add_parts().nodes_to_show == names(lab.Session, lab.Session.Trial)
    assert dj.Diagram.from_sequence([lab.Scan, lab.Score]).topo_sort() == [lab.Scan.full_table_name, lab.Score.full_table_name]
    assert [table.full_table_name for table in reversed(one - 1)] == [
        lab.Session.full_table_name, lab.Subject.full_table_name,
    ]  # fmt: skip
    assert one.nodes_to_show == names(lab.Session), "an operation gives a new diagram"
    for wrong in (5, "lab", []):
        with pytest.raises(dj.DataJointError):
            dj.Diagram(wrong)


def test_text_shows_trees_and_what_else_is_referred_to(lab):
    text = (dj.Diagram(lab.schema) + lab.other).make_text()
    assert text == """\
lab
  Method         lookup
  Subject        manual
  └─ Session     manual
     ├─ .Trial   part      -> Method
     └━ Scan     imported
analysis
  Score   computed  -> lab.Scan, lab.Method (way ← method)
"""


def test_names_are_those_of_the_context(lab):
    Animal = lab.Subject
    assert "Animal " in dj.Diagram(Animal).make_text()
    module = types.ModuleType("pipeline")
    module.schema, module.Session = lab.schema, lab.Session
    assert "pipeline.Session" in dj.Diagram(module, context={"pipeline": module}).make_text()
    assert "Subject " in dj.Diagram(lab.schema, context={}).make_text()


def test_collapsed_schemas_are_one_node(lab):
    collapsed = dj.Diagram(lab.schema).collapse() + lab.Session + dj.Diagram(lab.other).collapse()
    edges = {(edge.get_source(), edge.get_destination()): edge for edge in collapsed.make_dot().get_edges()}
    assert set(edges) == {("lab", "Session"), ("Session", "lab"), ("lab", "analysis")}
    assert (edges["lab", "analysis"].get_penwidth(), edges["lab", "analysis"].get_style()) == ("2", "solid")
    assert edges["lab", "Session"].get_penwidth() == "0.75"
    assert "(4 tables)" in collapsed.make_mermaid() and "(1 table)" in collapsed.make_text()


def test_classes_of_one_name_in_two_schemas(lab):
    @lab.other
    class Subject(dj.Manual):
        definition = "other : int32"

    text = (dj.Diagram(lab.schema) + lab.other).make_text()
    assert "lab.Subject" in text and "analysis.Subject" in text


def shapes(svg):
    """Names of nodes and the rectangles that are drawn for them."""
    found = {}
    for group in xml.etree.ElementTree.fromstring(svg).iter(f"{NAME}g"):
        rectangle = group.find(f"{NAME}rect")
        found[group.get("id")] = [float(rectangle.get(key)) for key in ("x", "y", "width", "height")]
    return found


@pytest.mark.parametrize("direction", ["LR", "TB"])
def test_pictures_show_every_table_once_and_apart(lab, direction):
    with dj.config.override(display__diagram_direction=direction):
        svg = (dj.Diagram(lab.schema) + lab.other).svg_string()
    found = shapes(svg)
    nodes = {name: box for name, box in found.items() if not name.startswith("cluster_")}
    assert set(nodes) == {"Subject", "Method", "Session", "Session.Trial", "Scan", "Score"}
    boxes = list(nodes.values())
    for at, (x, y, width, height) in enumerate(boxes):
        for other in boxes[:at]:
            apart = other[0] >= x + width or x >= other[0] + other[2] or other[1] >= y + height or y >= other[1] + other[3]
            assert apart, (found, "nodes overlap")
    for schema, members in (("lab", ["Subject", "Method", "Session", "Session.Trial", "Scan"]), ("analysis", ["Score"])):
        x, y, width, height = found[f"cluster_schema_{schema}"]
        for name in members:
            inner = nodes[name]
            assert x <= inner[0] and inner[0] + inner[2] <= x + width and y <= inner[1] and inner[1] + inner[3] <= y + height
    flow = 0 if direction == "LR" else 1
    assert nodes["Subject"][flow] < nodes["Session"][flow] < nodes["Scan"][flow] < nodes["Score"][flow]
    assert 'id="cluster_entity_Session"' in svg and ">Trial</text>" in svg
    assert len(re.findall(r'<path d="M[^"]*" fill="none"', svg)) == 6


def test_themes(lab):
    pictures = {}
    for theme in ("light", "dark", "auto"):
        with dj.config.override(display__diagram_theme=theme):
            pictures[theme] = dj.Diagram(lab.schema).svg_string()
    assert "#161A21" in pictures["dark"] and "#161A21" not in pictures["light"]
    # As a notebook shows it: what is switched for a dark system is that picture alone.
    assert pictures["auto"].count("prefers-color-scheme: dark") == 1 and ".lapjoint-diagram [fill=" in pictures["auto"]


def test_files_by_their_names(lab, tmp_path):
    diagram = dj.Diagram(lab.schema)
    begins = {"svg": "<svg", "mmd": "flowchart LR", "dot": "digraph {", "txt": "lab\n"}
    for ending, begin in begins.items():
        diagram.save(tmp_path / f"diagram.{ending}")
        assert (tmp_path / f"diagram.{ending}").read_text().startswith(begin)
    with pytest.raises(dj.DataJointError, match="Could not infer format"):
        diagram.save(tmp_path / "diagram.foo")
    diagram.save(tmp_path / "diagram.foo", format="txt")


def test_pictures_of_points(lab, tmp_path):
    pytest.importorskip("resvg_py")
    pytest.importorskip("PIL")
    diagram = dj.Diagram(lab.schema)
    image = diagram.make_image()
    assert image.ndim == 3 and image.shape[0] > 50 and image.std() > 1
    diagram.save(tmp_path / "diagram.png")
    assert (tmp_path / "diagram.png").read_bytes()[:4] == b"\x89PNG"


def test_png_says_what_it_needs(lab, monkeypatch):
    monkeypatch.setitem(sys.modules, "resvg_py", None)
    with pytest.raises(dj.DataJointError, match="pip install resvg-py"):
        dj.Diagram(lab.schema).make_png()


def test_virtual_schemas_are_drawn_together(lab):
    modules = [dj.virtual_schema(schema.database, connection=schema.connection) for schema in (lab.schema, lab.other)]
    diagram = dj.Diagram(modules[0]) + modules[1]
    assert diagram.nodes_to_show == names(lab.Subject, lab.Method, lab.Session, lab.Session.Trial, lab.Scan, lab.Score)
    assert modules[1].Score.parents() == lab.Score.parents()
    assert modules[0].Session.Trial.master is modules[0].Session
    assert [type(table).__name__ for table in modules[1].Score.ancestors(as_objects=True)] == ["FreeTable"] * 5


def test_the_guide_runs_and_shows_what_it_draws(schema, capsys):
    docs = pathlib.Path(__file__).parents[2] / "docs"
    guide = (docs / "diagrams.md").read_text()
    names = {"__name__": "diagrams"}
    first, *rest = re.findall(r"```python\n(.*?)```", guide, re.S)
    exec(compile(first, "diagrams.md", "exec"), names)
    assert capsys.readouterr().out.strip() == re.search(r"```text\n(.*?)```", guide, re.S)[1].strip()
    picture = docs / "diagrams" / "pipeline.svg"
    drawn = names["diagram"].svg_string() + "\n"
    if os.environ.get("LAPJOINT_WRITE_DIAGRAMS"):
        picture.write_text(drawn)
    assert picture.read_text() == drawn, "LAPJOINT_WRITE_DIAGRAMS=1 draws the picture anew"
    exec(compile("\n".join(rest), "diagrams.md", "exec"), names)
