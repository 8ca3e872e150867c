"""Relatives of tables, the graph of a connection, cascades, traces."""

import networkx
import pytest

import lapjoint as dj
from lapjoint.dependencies import topo_sort


@pytest.fixture
def lab(database):
    """Two schemas: a pipeline, and what another laboratory computes from it."""
    schema, other = database.schema(), database.schema()

    @schema
    class Subject(dj.Manual):
        definition = "subject : int32\n---\nname : varchar(8)"

    @schema
    class Session(dj.Manual):
        definition = "-> Subject\nsession : int32"

        class Trial(dj.Part):
            definition = "-> master\ntrial : int32"

        class Spike(dj.Part):
            definition = "-> Session.Trial\nspike : int32"

    @other
    class Pair(dj.Manual):
        definition = "pair : int32\n---\n-> Subject.proj(one='subject')\n-> [nullable] Subject.proj(two='subject')"

    Subject.insert([(1, "Ada"), (2, "Bo"), (3, "Cy")])
    Session.insert([(1, 1), (1, 2), (2, 1)])
    Session.Trial.insert([(1, 1, 1), (1, 2, 1), (2, 1, 1)])
    Session.Spike.insert([(1, 1, 1, 1), (2, 1, 1, 1)])
    Pair.insert([(1, 1, 2), (2, 3, None)])
    return Subject, Session, Pair


def test_relatives_of_a_table(lab):
    Subject, Session, Pair = lab
    assert Session.parents() == [Subject.full_table_name]
    assert Session.children(primary=False) == []
    one, two = Pair.parents(foreign_key_info=True)
    assert one == (Subject.full_table_name, {"primary": False, "attr_map": {"one": "subject"}, "aliased": True, "multi": True})
    assert two[1]["attr_map"] == {"two": "subject"}
    assert Session.descendants() == [t.full_table_name for t in (Session, Session.Trial, Session.Spike)]
    assert Session.Spike.ancestors() == [t.full_table_name for t in (Session.Spike, Session.Trial, Session, Subject)]
    assert [len(part) for part in Session.parts(as_objects=True)] == [2, 3]
    # Other schemas are found, whether their classes are there or not.
    assert Subject.children().count(Pair.full_table_name) == 2


def test_the_graph_of_a_connection(lab):
    Subject, Session, Pair = lab
    graph = Subject.connection.dependencies
    assert graph.nodes[Session.full_table_name] == {"primary_key": {"subject", "session"}}
    assert graph.number_of_edges(Subject.full_table_name, Pair.full_table_name) == 2
    order = graph.topo_sort()
    assert order.index(Session.Trial.full_table_name) == order.index(Session.full_table_name) + 1
    assert graph.children(Subject.full_table_name, primary=True)[0][0] == Session.full_table_name
    assert graph.ancestors(Session.full_table_name) == [Session.full_table_name, Subject.full_table_name]
    assert networkx.is_directed_acyclic_graph(graph.to_networkx())
    # Tables that are declared later belong to it.
    schema = Subject.connection.schemas[Subject().database]

    @schema
    class Late(dj.Manual):
        definition = "-> Session"

    assert Late.full_table_name in graph.descendants(Subject.full_table_name)


def test_circles_are_refused():
    graph = networkx.DiGraph([("`a`.`x`", "`a`.`y`"), ("`a`.`y`", "`a`.`x`")])
    with pytest.raises(dj.DataJointError, match="acyclic"):
        topo_sort(graph)


def test_a_part_of_a_part_takes_its_master_along(lab):
    Subject, Session, Pair = lab
    spikes = Session.Spike & {"subject": 1}
    preview = dj.Diagram.cascade(spikes, "cascade").counts()
    assert preview == {table.full_table_name: n for table, n in ((Session, 1), (Session.Trial, 1), (Session.Spike, 1))}
    with pytest.raises(dj.DataJointError, match="Part directly"):
        spikes.delete(prompt=False)
    assert spikes.delete(prompt=False, part_integrity="cascade") == 1
    assert Session.to_dicts(order_by="KEY") == [{"subject": 1, "session": 2}, {"subject": 2, "session": 1}]


def test_a_delete_by_rows_that_go_with_it(lab):
    Subject, Session, Pair = lab
    # The trials that the condition is about are deleted before the sessions.
    assert (Session & (Session.Trial & "trial = 1") & "subject = 1").delete(prompt=False) == 2
    assert (Subject & dj.Top(1, order_by="subject DESC")).delete(prompt=False) == 1
    assert Subject.to_arrays("subject").tolist() == [1, 2] and len(Pair()) == 1


def test_a_trace_joins_all_ways(lab):
    Subject, Session, Pair = lab
    trace = dj.Diagram.trace(Pair & "pair = 1")
    assert trace[Subject].to_arrays("name", order_by="KEY").tolist() == ["Ada", "Bo"]
    assert trace[Subject.full_table_name].proj().to_dicts(order_by="KEY") == [{"subject": 1}, {"subject": 2}]
    assert trace.counts() == {Subject.full_table_name: 2, Pair.full_table_name: 1}
    for stranger in (Session, Session.full_table_name):
        with pytest.raises(dj.DataJointError, match="not in this trace"):
            trace[stranger]
    with pytest.raises(dj.DataJointError, match="cannot be dropped"):
        trace[Subject].drop()


def test_upstream_is_there_within_make(database):
    schema, seen = database.schema(), []

    @schema
    class Subject(dj.Lookup):
        definition = "subject : int32\n---\nname : varchar(8)"
        contents = [(1, "Ada"), (2, "Bo")]

    @schema
    class Method(dj.Lookup):
        definition = "method : int32"
        contents = [(7,)]

    @schema
    class Task(dj.Lookup):
        definition = "-> Subject\n-> Method.proj(way='method')"
        contents = [(1, 7), (2, 7)]

    @schema
    class Score(dj.Computed):
        definition = "-> Subject\n-> Method.proj(way='method')\n---\nscore : int32"
        key_source = Task()

        def make(self, key):
            seen.append((self.upstream[Subject].fetch1("name"), self.upstream[Method].fetch1("method")))
            self.insert1({**key, "score": 1})

    Score.populate()
    assert sorted(seen) == [("Ada", 7), ("Bo", 7)]
    with pytest.raises(dj.DataJointError, match="only available inside make"):
        Score().upstream


def test_restrictions_of_a_diagram_add_up(lab):
    Subject, Session, Pair = lab
    diagram = dj.Diagram(Subject) + 2
    with pytest.raises(dj.DataJointError, match="No restrictions"):
        diagram.counts()
    both = diagram.restrict(Subject & "subject = 1")
    assert both.counts()[Pair.full_table_name] == 0
    assert both.counts()[Session.full_table_name] == 2
    assert Pair.full_table_name not in both.prune().nodes_to_show
    both = both.restrict(Session & "session = 2")
    assert [len(table) for table in both] == list(both.counts().values())
    assert both.counts() == {table.full_table_name: n for table, n in zip((Subject, Session, Session.Trial, Pair), (1, 1, 1, 0))}
    for made in (dj.Diagram.cascade(Subject & "subject = 1"), dj.Diagram.trace(Session)):
        with pytest.raises(dj.DataJointError, match="restrict"):
            made.restrict(Subject)


def test_a_table_that_refers_to_itself(database):
    schema = database.schema()

    @schema
    class Node(dj.Manual):
        definition = "node : int32\n---\n-> [nullable] self.proj(parent='node')"

    @schema
    class Leaf(dj.Manual):
        definition = "-> Node"

    for node in range(1, 8):
        Node.insert1({"node": node, "parent": node // 2 or None})
    Leaf.insert({"node": node} for node in (4, 5, 7))
    trace = dj.Diagram.trace(Leaf & "node = 5")
    assert sorted(trace[Node].to_arrays("node")) == [1, 2, 5]
    assert dj.Diagram.cascade(Node & "node = 2").counts() == {Node.full_table_name: 3, Leaf.full_table_name: 2}
    assert (Node & "node = 2").delete(prompt=False) == 3
    assert sorted(Node.to_arrays("node")) == [1, 3, 6, 7] and Leaf.to_dicts() == [{"node": 7}]


def test_the_master_is_the_one_of_the_plain_reference(database):
    """A part may refer to its master's table twice: it belongs to the row that its primary key names."""
    schema = database.schema()

    @schema
    class Graph(dj.Manual):
        definition = "graph : int32"

        class Link(dj.Part):
            definition = "-> master\n-> Graph.proj(other='graph')"

    @schema
    class Tag(dj.Manual):
        definition = "tag : int32"

    @schema
    class Pair(dj.Manual):
        definition = "pair : int32"

        class Left(dj.Part):
            definition = "-> master\nfirst : int32"

        class Right(dj.Part):
            definition = "-> Pair.proj(of='pair')\nsecond : int32"

        class Both(dj.Part):
            definition = "-> Pair.Left\n-> Pair.Right"

    Graph.insert({"graph": graph} for graph in (1, 2, 3))
    Graph.Link.insert1({"graph": 1, "other": 2})
    counts = dj.Diagram.cascade(Graph.Link & "other = 2", "cascade").counts()
    assert counts == {Graph.full_table_name: 1, Graph.Link.full_table_name: 1}
    assert (Graph.Link & "other = 2").delete(prompt=False, part_integrity="cascade") == 1
    assert sorted(Graph.to_arrays("graph")) == [2, 3]
    # Of two ways of one length, that by the names of the primary key.
    Pair.insert({"pair": pair} for pair in (1, 2))
    Pair.Left.insert1({"pair": 1, "first": 1})
    Pair.Right.insert1({"of": 2, "second": 1})
    Pair.Both.insert1({"pair": 1, "first": 1, "of": 2, "second": 1})
    assert (Pair.Both & "first = 1").delete(prompt=False, part_integrity="cascade") == 1
    assert Pair.to_dicts() == [{"pair": 2}] and len(Pair.Right()) == 1
