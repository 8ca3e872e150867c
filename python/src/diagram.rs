//! Dependencies and diagrams.

use lapjoint::{Appearance, Dependencies, Dependency, Diagram, Direction, TableId, Theme};
use pyo3::prelude::*;
use pyo3::types::PyDict;

use crate::engine::{PyConnection, PySchema, PyTable};
use crate::error::{from_any, from_engine};
use crate::query::{PyQuery, part_integrity_of};

/// Parent, child, attributes of the child with those of the parent, `primary`, `aliased`, `multi`, `nullable`.
type Edge = (String, String, Vec<(String, String)>, bool, bool, bool, bool);

type Dicts<'py> = Vec<Bound<'py, PyDict>>;

fn edge(edge: Dependency) -> Edge {
    let ends = (edge.parent.to_string(), edge.child.to_string());
    (ends.0, ends.1, edge.attributes, edge.primary, edge.aliased, edge.multi, edge.nullable)
}

fn edges(found: Vec<Dependency>) -> Vec<Edge> {
    found.into_iter().map(edge).collect()
}

fn names(ids: Vec<TableId>) -> Vec<String> {
    ids.iter().map(ToString::to_string).collect()
}

/// A table by its full name, with the quotes of either database.
fn table_id(name: &str) -> PyResult<TableId> {
    let plain = name.replace(['`', '"'], "");
    match plain.split_once('.') {
        Some((schema, table)) => Ok(TableId::new(schema, table)),
        None => Err(from_any(format!("{name} is no full table name: give it as `schema`.`table`"))),
    }
}

/// The tables of schemas and their references.
#[pyclass(frozen, name = "Dependencies", module = "lapjoint._core")]
pub(crate) struct PyDependencies(Dependencies);

#[pymethods]
impl PyDependencies {
    /// Reads the tables of schemas; with `upstream` and `downstream` those of other schemas too that are reached from them.
    #[new]
    fn new(
        py: Python<'_>,
        connection: &PyConnection,
        schemas: Vec<String>,
        upstream: bool,
        downstream: bool,
    ) -> PyResult<Self> {
        let connection = &connection.0;
        py.detach(|| {
            let mut graph = connection.dependencies(schemas)?;
            if downstream {
                graph.load_downstream(connection)?;
            }
            if upstream {
                graph.load_upstream(connection)?;
            }
            Ok(Self(graph))
        })
        .map_err(from_engine)
    }

    /// Full names, each with the names of its primary key.
    fn nodes(&self) -> Vec<(String, Vec<String>)> {
        let key = |id| self.0.primary_key(id).unwrap_or_default().to_vec();
        self.0.tables().map(|id| (id.to_string(), key(id))).collect()
    }

    fn edges(&self) -> Vec<Edge> {
        edges(self.0.edges())
    }
}

/// Sorts nodes so that each follows those that it has an edge from, and parts follow their masters where that is possible.
#[pyfunction]
pub(crate) fn topo_sort(nodes: Vec<String>, edges: Vec<(String, String)>) -> PyResult<Vec<String>> {
    let ids = nodes.iter().map(|name| table_id(name)).collect::<PyResult<Vec<_>>>()?;
    let edges =
        edges.iter().map(|(from, to)| Ok((table_id(from)?, table_id(to)?))).collect::<PyResult<Vec<_>>>()?;
    let sorted = lapjoint::topological_order(&ids, &edges).map_err(from_engine)?;
    // By the names given, whatever their quotes are.
    let given = |id: &TableId| ids.iter().position(|other| other == id).and_then(|at| nodes.get(at)).cloned();
    Ok(sorted.iter().filter_map(given).collect())
}

/// References of a table to others.
#[pyfunction]
pub(crate) fn parents_of(table: &PyTable) -> Vec<Edge> {
    edges(table.0.parents())
}

/// References of other tables to a table.
#[pyfunction]
pub(crate) fn children_of(py: Python<'_>, table: &PyTable) -> PyResult<Vec<Edge>> {
    py.detach(|| table.0.children()).map(edges).map_err(from_engine)
}

/// Full names of a table and of all that it refers to.
#[pyfunction]
pub(crate) fn ancestors_of(py: Python<'_>, table: &PyTable) -> PyResult<Vec<String>> {
    py.detach(|| table.0.ancestors()).map(names).map_err(from_engine)
}

/// Full names of a table and of all that refer to it.
#[pyfunction]
pub(crate) fn descendants_of(py: Python<'_>, table: &PyTable) -> PyResult<Vec<String>> {
    py.detach(|| table.0.descendants()).map(names).map_err(from_engine)
}

/// Full names of the parts of a table.
#[pyfunction]
pub(crate) fn parts_of(py: Python<'_>, table: &PyTable) -> PyResult<Vec<String>> {
    py.detach(|| table.0.parts()).map(names).map_err(from_engine)
}

/// A diagram.
#[pyclass(frozen, name = "Diagram", module = "lapjoint._core")]
pub(crate) struct PyDiagram(Diagram);

#[pymethods]
impl PyDiagram {
    #[staticmethod]
    fn of_schema(py: Python<'_>, schema: &PySchema) -> PyResult<Self> {
        py.detach(|| Diagram::of_schema(&schema.0)).map(Self).map_err(from_engine)
    }

    #[staticmethod]
    fn of_table(py: Python<'_>, table: &PyTable) -> PyResult<Self> {
        py.detach(|| Diagram::of_table(&table.0)).map(Self).map_err(from_engine)
    }

    #[staticmethod]
    fn cascade(py: Python<'_>, query: &PyQuery, part_integrity: &str) -> PyResult<Self> {
        let part_integrity = part_integrity_of(part_integrity)?;
        py.detach(|| Diagram::cascade(&query.0, part_integrity)).map(Self).map_err(from_engine)
    }

    #[staticmethod]
    fn trace(py: Python<'_>, query: &PyQuery) -> PyResult<Self> {
        py.detach(|| Diagram::trace(&query.0)).map(Self).map_err(from_engine)
    }

    fn restrict(&self, py: Python<'_>, query: &PyQuery) -> PyResult<Self> {
        py.detach(|| self.0.clone().restrict(&query.0)).map(Self).map_err(from_engine)
    }

    fn union(&self, other: &Self) -> Self {
        Self(self.0.clone() + &other.0)
    }

    fn difference(&self, other: &Self) -> Self {
        Self(self.0.clone() - &other.0)
    }

    fn intersection(&self, other: &Self) -> Self {
        Self(self.0.clone() * &other.0)
    }

    fn downstream(&self, py: Python<'_>, steps: usize) -> PyResult<Self> {
        py.detach(|| self.0.clone().downstream(steps)).map(Self).map_err(from_engine)
    }

    fn upstream(&self, py: Python<'_>, steps: usize) -> PyResult<Self> {
        py.detach(|| self.0.clone().upstream(steps)).map(Self).map_err(from_engine)
    }

    fn add_parts(&self, py: Python<'_>) -> PyResult<Self> {
        py.detach(|| self.0.clone().add_parts()).map(Self).map_err(from_engine)
    }

    fn collapse(&self) -> Self {
        Self(self.0.clone().collapse())
    }

    fn prune(&self, py: Python<'_>) -> PyResult<Self> {
        py.detach(|| self.0.clone().prune()).map(Self).map_err(from_engine)
    }

    /// The diagram whose tables have other names.
    fn labelled(&self, labels: Vec<(String, String)>) -> PyResult<Self> {
        let mut diagram = self.0.clone();
        for (name, label) in labels {
            diagram = diagram.labelled(table_id(&name)?, label);
        }
        Ok(Self(diagram))
    }

    /// Full names of the tables, what is referred to first.
    fn sorted(&self) -> PyResult<Vec<String>> {
        self.0.sorted().map(names).map_err(from_engine)
    }

    /// Full names, each with the names of its primary key.
    fn nodes(&self) -> Vec<(String, Vec<String>)> {
        let graph = self.0.dependencies();
        let key = |id| graph.primary_key(id).unwrap_or_default().to_vec();
        graph.tables().map(|id| (id.to_string(), key(id))).collect()
    }

    fn edges(&self) -> Vec<Edge> {
        edges(self.0.edges())
    }

    /// Full names of the tables of which the diagram is about some rows only.
    fn restricted(&self) -> PyResult<Vec<String>> {
        let mut sorted = self.0.sorted().map_err(from_engine)?;
        sorted.retain(|id| self.0.is_restricted(id));
        Ok(names(sorted))
    }

    /// The rows of a table that the diagram is about.
    fn rows(&self, py: Python<'_>, name: &str) -> PyResult<PyQuery> {
        let id = table_id(name)?;
        py.detach(|| self.0.rows(&id)).map(PyQuery).map_err(from_engine)
    }

    fn counts(&self, py: Python<'_>) -> PyResult<Vec<(String, u64)>> {
        let counts = py.detach(|| self.0.counts()).map_err(from_engine)?;
        Ok(counts.into_iter().map(|(id, rows)| (id.to_string(), rows)).collect())
    }

    fn text(&self) -> PyResult<String> {
        self.0.text().map_err(from_engine)
    }

    fn mermaid(&self, direction: &str) -> PyResult<String> {
        self.0.mermaid(direction_of(direction)).map_err(from_engine)
    }

    fn dot(&self, theme: &str, direction: &str) -> PyResult<String> {
        self.0.dot(theme_of(theme), direction_of(direction)).map_err(from_engine)
    }

    fn svg(&self, theme: &str, direction: &str) -> PyResult<String> {
        let appearance = match theme {
            "light" => Appearance::Light,
            "dark" => Appearance::Dark,
            _ => Appearance::Auto,
        };
        self.0.svg(appearance, direction_of(direction)).map_err(from_engine)
    }

    /// What is drawn: nodes (name, label, schema, full table name) and edges (source, destination, width, dashed, colour).
    fn drawn<'py>(&self, py: Python<'py>, theme: &str) -> PyResult<(Dicts<'py>, Dicts<'py>)> {
        let (nodes, edges) = self.0.drawn(theme_of(theme)).map_err(from_engine)?;
        let nodes = nodes.iter().map(|node| {
            let dict = PyDict::new(py);
            dict.set_item("name", &node.name)?;
            dict.set_item("label", &node.label)?;
            dict.set_item("schema", &node.schema)?;
            dict.set_item("table", node.table.as_ref().map(ToString::to_string))?;
            dict.set_item("fillcolor", node.colors.fill)?;
            dict.set_item("color", node.colors.stroke)?;
            dict.set_item("fontcolor", node.colors.text)?;
            Ok(dict)
        });
        let edges = edges.iter().map(|edge| {
            let dict = PyDict::new(py);
            dict.set_item("source", &edge.source)?;
            dict.set_item("destination", &edge.destination)?;
            dict.set_item("penwidth", edge.width)?;
            dict.set_item("style", if edge.dashed { "dashed" } else { "solid" })?;
            dict.set_item("color", &edge.color)?;
            Ok(dict)
        });
        Ok((nodes.collect::<PyResult<_>>()?, edges.collect::<PyResult<_>>()?))
    }
}

/// Colours of a theme: those of nodes by tier (fill, outline, text), and those of all else by name.
#[pyfunction]
pub(crate) fn diagram_theme<'py>(
    py: Python<'py>,
    name: &str,
) -> PyResult<(Bound<'py, PyDict>, Bound<'py, PyDict>)> {
    let theme = theme_of(name);
    let palette = PyDict::new(py);
    for (tier, colors) in [
        ("Manual", theme.palette.manual),
        ("Lookup", theme.palette.lookup),
        ("Imported", theme.palette.imported),
        ("Computed", theme.palette.computed),
        ("Part", theme.palette.part),
        ("other", theme.palette.other),
        ("collapsed", theme.palette.collapsed),
    ] {
        palette.set_item(tier, (colors.fill, colors.stroke, colors.text))?;
    }
    let rest = PyDict::new(py);
    rest.set_item("bg", theme.background)?;
    rest.set_item("edge", theme.edge)?;
    rest.set_item("edge_renamed", theme.edge_renamed)?;
    rest.set_item("edge_alpha", theme.edge_alpha)?;
    rest.set_item("schema_cluster", (theme.schema_line, theme.schema_text))?;
    rest.set_item("entity_fill", theme.entity_fill)?;
    Ok((palette, rest))
}

fn theme_of(name: &str) -> &'static Theme {
    if name == "dark" { &Theme::DARK } else { &Theme::LIGHT }
}

fn direction_of(name: &str) -> Direction {
    if name == "TB" { Direction::TopToBottom } else { Direction::LeftToRight }
}
