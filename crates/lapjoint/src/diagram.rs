//! Diagrams: which tables there are, who refers to whom, and which of their rows belong together.

mod algebra;
mod dot;
mod layout;
mod mermaid;
mod picture;
mod rows;
mod svg;
mod text;
mod theme;

use std::collections::{BTreeMap, BTreeSet};

use lapjoint_db::TableId;

pub use svg::Appearance;
pub use theme::{Colors, Palette, Theme};

use crate::cascade::RowsOf;
use crate::connection::Connection;
use crate::error::Error;
use crate::graph::{Dependencies, Dependency};
use crate::schema::Schema;
use crate::table::Table;

/// Which way a drawn diagram flows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Direction {
    /// From left to right.
    #[default]
    LeftToRight,
    /// From top to bottom.
    TopToBottom,
}

/// A set of tables, drawn with the references between them.
///
/// Diagrams are put together (`+`), taken from one another (`-`) and intersected (`*`); a number adds the tables so many references
/// downstream (`+ 1`) or upstream (`- 1`).
///
/// ```
/// # use lapjoint::{Connection, Diagram};
/// # let connection = Connection::in_memory()?;
/// # let lab = connection.schema("lab")?;
/// let subject = lab.manual("Subject", "subject : int32")?;
/// let session = lab.manual("Session", "-> Subject\nsession : int32")?;
/// let trial = lab.part(&session, "Trial", "-> master\ntrial : int32")?;
/// let score = lab.computed("Score", "-> Session\n---\nscore : float64")?;
/// let around = (Diagram::of_table(&session)? + 1)? - &Diagram::of_table(&trial)?;
/// assert_eq!(around.sorted()?, [session.id(), score.id()].map(Clone::clone));
/// assert_eq!(
///     Diagram::of_schema(&lab)?.text()?,
///     "lab
///   Subject        manual
///   └─ Session     manual
///      ├─ .Trial   part
///      └━ Score    computed
/// "
/// );
/// # Ok::<(), lapjoint::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct Diagram {
    connection: Connection,
    tables: Dependencies,
    /// Tables that are drawn as such; the others are drawn as one node for their schema.
    expanded: BTreeSet<TableId>,
    /// Names of tables in place of those of their classes.
    labels: BTreeMap<TableId, String>,
    scope: Scope,
}

/// Which rows of the tables a diagram is about.
#[derive(Debug, Clone)]
enum Scope {
    /// All.
    Whole,
    /// Rows that restrictions have left; tables without an entry have all their rows.
    Restricted(RowsOf),
    /// What a delete would take.
    Cascade(RowsOf),
    /// What rows come from.
    Trace(RowsOf),
}

impl Diagram {
    /// The tables of a schema.
    ///
    /// # Errors
    /// [`Error`] when the database cannot be read.
    pub fn of_schema(schema: &Schema) -> Result<Self, Error> {
        Ok(Self::new(schema.connection().clone(), schema.dependencies()?))
    }

    /// One table.
    ///
    /// # Errors
    /// [`Error`] when the database cannot be read.
    pub fn of_table(table: &Table) -> Result<Self, Error> {
        Self::of_tables(table.schema().connection(), [table.id().clone()])
    }

    /// Some tables.
    ///
    /// # Errors
    /// [`Error`] when the database cannot be read.
    pub fn of_tables(
        connection: &Connection,
        tables: impl IntoIterator<Item = TableId>,
    ) -> Result<Self, Error> {
        let mut found = Dependencies::default();
        for id in tables {
            found.add(connection, &id)?;
        }
        Ok(Self::new(connection.clone(), found))
    }

    fn new(connection: Connection, tables: Dependencies) -> Self {
        let expanded = tables.tables().cloned().collect();
        Self { connection, tables, expanded, labels: BTreeMap::new(), scope: Scope::Whole }
    }

    /// The connection.
    #[must_use]
    pub const fn connection(&self) -> &Connection {
        &self.connection
    }

    /// Whether a table is in the diagram.
    #[must_use]
    pub fn contains(&self, id: &TableId) -> bool {
        self.tables.contains(id)
    }

    /// The tables and their references.
    #[must_use]
    pub const fn dependencies(&self) -> &Dependencies {
        &self.tables
    }

    /// The tables, what is referred to before what refers, and parts after their masters.
    ///
    /// # Errors
    /// [`Error::Usage`] when tables refer to one another in a circle.
    pub fn sorted(&self) -> Result<Vec<TableId>, Error> {
        self.tables.sorted()
    }

    /// References between tables of the diagram.
    #[must_use]
    pub fn edges(&self) -> Vec<Dependency> {
        let mut edges = self.tables.edges();
        edges.retain(|edge| self.contains(&edge.parent));
        edges
    }

    /// The same diagram, in which a table has another name than that of its class.
    #[must_use]
    pub fn labelled(mut self, id: TableId, label: impl Into<String>) -> Self {
        self.labels.insert(id, label.into());
        self
    }

    /// The diagram as lines for a terminal: each table below the last one that it refers to, which others it refers to beside it.
    /// A heavy line is a reference that is the whole primary key, a dotted one is not part of the primary key.
    ///
    /// # Errors
    /// [`Error::Usage`] when tables refer to one another in a circle.
    pub fn text(&self) -> Result<String, Error> {
        Ok(text::render(&self.picture()?))
    }

    /// The diagram in the language of Mermaid.
    ///
    /// ```
    /// # use lapjoint::{Connection, Diagram, Direction};
    /// # let connection = Connection::in_memory()?;
    /// # let lab = connection.schema("lab")?;
    /// let subject = lab.manual("Subject", "subject : int32")?;
    /// lab.computed("Weight", "-> Subject\n---\nweight : float64")?;
    /// let text = Diagram::of_schema(&lab)?.mermaid(Direction::LeftToRight)?;
    /// assert!(text.starts_with("flowchart LR\n"));
    /// assert!(text.contains("Weight([Weight]):::computed"));
    /// assert!(text.contains("Subject --> Weight"));
    /// # Ok::<(), lapjoint::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Usage`] when tables refer to one another in a circle.
    pub fn mermaid(&self, direction: Direction) -> Result<String, Error> {
        Ok(mermaid::render(&self.picture()?, direction))
    }

    /// The diagram in the language of Graphviz.
    ///
    /// # Errors
    /// [`Error::Usage`] when tables refer to one another in a circle.
    pub fn dot(&self, theme: &Theme, direction: Direction) -> Result<String, Error> {
        Ok(dot::render(&self.picture()?, theme, direction))
    }

    /// The diagram as a picture in SVG. A dashed box is a schema, a shaded one a master with its parts; computed and imported tables
    /// are round; a name is underlined where its table adds to the primary key. Thick lines are one to one, dashed ones not part of
    /// the primary key, those of another colour rename attributes.
    ///
    /// ```
    /// # use lapjoint::{Appearance, Connection, Diagram, Direction};
    /// # let connection = Connection::in_memory()?;
    /// # let lab = connection.schema("lab")?;
    /// let subject = lab.manual("Subject", "subject : int32")?;
    /// let svg = Diagram::of_table(&subject)?.svg(Appearance::Auto, Direction::LeftToRight)?;
    /// assert!(svg.starts_with("<svg") && svg.contains(">Subject</text>"));
    /// # Ok::<(), lapjoint::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Usage`] when tables refer to one another in a circle.
    pub fn svg(&self, appearance: Appearance, direction: Direction) -> Result<String, Error> {
        Ok(svg::render(&self.picture()?, appearance, direction))
    }

    /// What is drawn: nodes with their names and properties, and the edges between them by place.
    ///
    /// # Errors
    /// [`Error::Usage`] when tables refer to one another in a circle.
    pub fn drawn(&self, theme: &Theme) -> Result<(Vec<DrawnNode>, Vec<DrawnEdge>), Error> {
        let picture = self.picture()?;
        Ok((
            picture.nodes.iter().map(|node| DrawnNode::new(node, theme)).collect(),
            picture.edges.iter().map(|edge| DrawnEdge::new(edge, &picture, theme)).collect(),
        ))
    }
}

/// A node of a drawn diagram: a table, or tables of a schema that are collapsed into one.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct DrawnNode {
    /// Name, unique in the diagram.
    pub name: String,
    /// What is written in it.
    pub label: String,
    /// Schema.
    pub schema: String,
    /// Table; `None` where tables are collapsed.
    pub table: Option<TableId>,
    /// Colours.
    pub colors: Colors,
}

/// An edge of a drawn diagram.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct DrawnEdge {
    /// Name of the node referred to.
    pub source: String,
    /// Name of the node that refers.
    pub destination: String,
    /// Width of the line in points, as it is written: `2` for one to one, `0.75` for one to many.
    pub width: &'static str,
    /// Whether the line is dashed: the reference is not part of the primary key.
    pub dashed: bool,
    /// Colour of the line.
    pub color: String,
}

impl DrawnNode {
    fn new(node: &picture::Node, theme: &Theme) -> Self {
        Self {
            name: node.name.clone(),
            label: node.label.clone(),
            schema: node.schema.clone(),
            table: node.table.clone(),
            colors: theme.palette.of(node.kind),
        }
    }
}

impl DrawnEdge {
    fn new(edge: &picture::Edge, picture: &picture::Picture, theme: &Theme) -> Self {
        let name = |at: usize| picture.nodes.get(at).map_or_else(String::new, |node| node.name.clone());
        Self {
            source: name(edge.from),
            destination: name(edge.to),
            width: edge.width(),
            dashed: edge.is_dashed(),
            color: theme.edge_color(edge.is_renamed()).to_owned(),
        }
    }
}
