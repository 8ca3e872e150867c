//! Dependencies between tables: who refers to whom.

mod order;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use lapjoint_db::{ForeignKeyDef, TableId};
use lapjoint_types::naming::Tier;

use crate::bound::BoundTable;
use crate::connection::Connection;
use crate::error::Error;
use crate::schema::Schema;

pub use order::topological_order;

/// One foreign key: an edge from the table referred to, to the table that refers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dependency {
    /// Table referred to.
    pub parent: TableId,
    /// Table that refers.
    pub child: TableId,
    /// Attributes of the child, each with the attribute of the parent that it refers to.
    pub attributes: Vec<(String, String)>,
    /// Whether the child's attributes all belong to its primary key.
    pub primary: bool,
    /// Whether an attribute has another name in the child than in the parent.
    pub aliased: bool,
    /// Whether a row of the parent may have several rows of the child: the child's primary key is not this foreign key alone.
    pub multi: bool,
    /// Whether a row of the child may go without a parent.
    pub nullable: bool,
}

impl Dependency {
    pub(crate) fn new(child: &BoundTable, key: &ForeignKeyDef) -> Self {
        let attributes: Vec<_> =
            key.columns.iter().cloned().zip(key.parent_columns.iter().cloned()).collect();
        let primary_key: BTreeSet<&String> = child.def.primary_key.iter().collect();
        let columns: BTreeSet<&String> = key.columns.iter().collect();
        Self {
            parent: key.parent.clone(),
            child: child.def.id.clone(),
            primary: columns.is_subset(&primary_key),
            aliased: attributes.iter().any(|(column, parent)| column != parent),
            multi: columns != primary_key,
            nullable: key.columns.iter().any(|name| child.heading.get(name).is_some_and(|a| a.nullable)),
            attributes,
        }
    }
}

/// Tables and the references between them. The tables are those of a schema, or of several, and those found from them.
///
/// ```
/// # use lapjoint::{Connection, row};
/// # let connection = Connection::in_memory()?;
/// # let lab = connection.schema("lab")?;
/// let subject = lab.manual("Subject", "subject : int32")?;
/// let session = lab.manual("Session", "-> Subject\nsession : int32")?;
/// let trial = lab.part(&session, "Trial", "-> master\ntrial : int32")?;
/// let graph = lab.dependencies()?;
/// assert_eq!(graph.sorted()?, [subject.id(), session.id(), trial.id()].map(Clone::clone));
/// assert_eq!(graph.descendants(session.id())?, [session.id(), trial.id()].map(Clone::clone));
/// let edge = &graph.children(subject.id())[0];
/// assert_eq!((edge.child.table.as_str(), edge.primary, edge.multi), ("session", true, true));
/// # Ok::<(), lapjoint::Error>(())
/// ```
#[derive(Debug, Clone, Default)]
pub struct Dependencies {
    tables: BTreeMap<TableId, Arc<BoundTable>>,
}

impl Dependencies {
    /// The tables of a schema.
    pub(crate) fn of_schema(schema: &Schema) -> Result<Self, Error> {
        let mut graph = Self::default();
        graph.add_schema(schema.connection(), schema.name())?;
        Ok(graph)
    }

    /// A table and all that refer to it, directly or through others, in any schema. With `masters`, the masters of parts among
    /// them belong too, with all that refers to those.
    pub(crate) fn below(connection: &Connection, seed: &TableId, masters: bool) -> Result<Self, Error> {
        let mut graph = Self::default();
        graph.grow_down(connection, vec![seed.clone()], masters)?;
        Ok(graph)
    }

    /// A table and all that it refers to, directly or through others, in any schema.
    pub(crate) fn above(connection: &Connection, seed: &TableId) -> Result<Self, Error> {
        let mut graph = Self::default();
        graph.grow_up(connection, vec![seed.clone()])?;
        Ok(graph)
    }

    fn grow_down(
        &mut self,
        connection: &Connection,
        mut level: Vec<TableId>,
        masters: bool,
    ) -> Result<(), Error> {
        while let Some(first) = level.first() {
            let place = first.clone();
            let mut next = connection.lock()?.adapter_mut().referring(&level).map_err(Error::db(place))?;
            for id in level {
                let Some(bound) = connection.bound(&id)? else { continue };
                if let Some(master) = bound.master().filter(|_| masters) {
                    next.push(TableId::new(&id.schema, master));
                }
                self.tables.insert(id, bound);
            }
            next.retain(|id| !self.tables.contains_key(id) && !id.table.starts_with('~'));
            next.sort();
            next.dedup();
            level = next;
        }
        Ok(())
    }

    fn grow_up(&mut self, connection: &Connection, mut open: Vec<TableId>) -> Result<(), Error> {
        while let Some(id) = open.pop() {
            if let Some(bound) = connection.bound(&id)? {
                let parents = bound.def.foreign_keys.iter().map(|key| key.parent.clone());
                open.extend(parents.filter(|parent| *parent != id && !self.tables.contains_key(parent)));
                self.tables.insert(id, bound);
            }
        }
        Ok(())
    }

    fn add_schema(&mut self, connection: &Connection, schema: &str) -> Result<(), Error> {
        let opened = Schema::new(connection.clone(), schema.to_owned());
        for table in opened.list_tables()? {
            self.add(connection, &TableId::new(schema, table))?;
        }
        Ok(())
    }

    pub(crate) fn add(&mut self, connection: &Connection, id: &TableId) -> Result<(), Error> {
        if let Some(bound) = connection.bound(id)? {
            self.tables.insert(id.clone(), bound);
        }
        Ok(())
    }

    pub(crate) fn extend(&mut self, other: &Self) {
        self.tables.extend(other.tables.iter().map(|(id, table)| (id.clone(), Arc::clone(table))));
    }

    pub(crate) fn retain(&mut self, keeps: impl Fn(&TableId) -> bool) {
        self.tables.retain(|id, _| keeps(id));
    }

    /// Adds all tables that refer to those here, directly or through others, whatever their schemas.
    ///
    /// # Errors
    /// [`Error`] when the database cannot be read.
    pub fn load_downstream(&mut self, connection: &Connection) -> Result<(), Error> {
        let level = self.tables.keys().cloned().collect();
        self.grow_down(connection, level, false)
    }

    /// Adds all tables that those here refer to, directly or through others, whatever their schemas.
    ///
    /// # Errors
    /// [`Error`] when the database cannot be read.
    pub fn load_upstream(&mut self, connection: &Connection) -> Result<(), Error> {
        let open = self.tables.keys().cloned().collect();
        self.grow_up(connection, open)
    }

    /// The tables, sorted by name.
    pub fn tables(&self) -> impl Iterator<Item = &TableId> {
        self.tables.keys()
    }

    /// Whether a table is here.
    #[must_use]
    pub fn contains(&self, id: &TableId) -> bool {
        self.tables.contains_key(id)
    }

    /// Names of a table's primary key; `None` when the table is not here.
    #[must_use]
    pub fn primary_key(&self, id: &TableId) -> Option<&[String]> {
        self.get(id).map(|table| table.def.primary_key.as_slice())
    }

    /// Tier of a table; `None` when the table is not here.
    #[must_use]
    pub fn tier(&self, id: &TableId) -> Option<Tier> {
        self.get(id).map(|table| table.tier)
    }

    pub(crate) fn get(&self, id: &TableId) -> Option<&Arc<BoundTable>> {
        self.tables.get(id)
    }

    /// All references of the tables here, also to tables that are not here.
    #[must_use]
    pub fn edges(&self) -> Vec<Dependency> {
        self.tables.values().flat_map(edges_of).collect()
    }

    /// References of a table to its parents, in the order of its definition.
    #[must_use]
    pub fn parents(&self, child: &TableId) -> Vec<Dependency> {
        self.get(child).map_or_else(Vec::new, |table| edges_of(table).collect())
    }

    /// References of the tables here to `parent`.
    #[must_use]
    pub fn children(&self, parent: &TableId) -> Vec<Dependency> {
        self.tables.values().flat_map(edges_of).filter(|edge| edge.parent == *parent).collect()
    }

    /// A table and all that refer to it, directly or through others, in topological order.
    ///
    /// # Errors
    /// [`Error::Usage`] when tables refer to one another in a circle.
    pub fn descendants(&self, seed: &TableId) -> Result<Vec<TableId>, Error> {
        self.sorted_of(&self.reach(seed, |edge| (&edge.parent, &edge.child)))
    }

    /// A table and all that it refers to, directly or through others: itself first, what refers before what is referred to.
    ///
    /// # Errors
    /// [`Error::Usage`] when tables refer to one another in a circle.
    pub fn ancestors(&self, seed: &TableId) -> Result<Vec<TableId>, Error> {
        let mut sorted = self.sorted_of(&self.reach(seed, |edge| (&edge.child, &edge.parent)))?;
        sorted.reverse();
        Ok(sorted)
    }

    pub(crate) fn children_of<'g>(
        &'g self,
        parent: &'g TableId,
    ) -> impl Iterator<Item = (&'g Arc<BoundTable>, &'g ForeignKeyDef)> {
        self.tables.values().flat_map(move |table| {
            table
                .def
                .foreign_keys
                .iter()
                .filter(move |key| key.parent == *parent)
                .map(move |key| (table, key))
        })
    }

    fn reach(
        &self,
        seed: &TableId,
        direction: impl for<'d> Fn(&'d Dependency) -> (&'d TableId, &'d TableId),
    ) -> BTreeSet<TableId> {
        let edges = self.edges();
        let mut next: BTreeMap<&TableId, Vec<&TableId>> = BTreeMap::new();
        for (from, to) in edges.iter().map(direction) {
            next.entry(from).or_default().push(to);
        }
        let mut found = BTreeSet::new();
        let mut open = vec![seed];
        while let Some(id) = open.pop() {
            if self.contains(id) && found.insert(id.clone()) {
                open.extend(next.get(id).into_iter().flatten());
            }
        }
        found
    }

    /// All tables, what is referred to before what refers, and parts directly after their masters where that is possible.
    ///
    /// # Errors
    /// [`Error::Usage`] when tables refer to one another in a circle.
    pub fn sorted(&self) -> Result<Vec<TableId>, Error> {
        self.sorted_of(&self.tables.keys().cloned().collect())
    }

    /// The tables of `subset` that are here, in topological order.
    pub(crate) fn sorted_of(&self, subset: &BTreeSet<TableId>) -> Result<Vec<TableId>, Error> {
        let nodes: Vec<TableId> = subset.iter().filter(|id| self.contains(id)).cloned().collect();
        let edges: Vec<(TableId, TableId)> = nodes
            .iter()
            .filter_map(|id| self.get(id))
            .flat_map(|table| {
                table.def.foreign_keys.iter().map(|key| (key.parent.clone(), table.def.id.clone()))
            })
            .collect();
        topological_order(&nodes, &edges)
    }
}

fn edges_of(table: &Arc<BoundTable>) -> impl Iterator<Item = Dependency> + '_ {
    table.def.foreign_keys.iter().map(|key| Dependency::new(table, key))
}

impl Connection {
    /// The tables of schemas, and their references.
    ///
    /// ```
    /// # use lapjoint::Connection;
    /// # let connection = Connection::in_memory()?;
    /// let subject = connection.schema("colony")?.manual("Subject", "subject : int32")?;
    /// let session = connection.schema("lab")?.manual("Session", "-> colony.Subject\nsession : int32")?;
    /// let mut graph = connection.dependencies(["lab"])?;
    /// assert!(!graph.contains(subject.id()));
    /// graph.load_upstream(&connection)?;
    /// assert_eq!(graph.ancestors(session.id())?, [session.id(), subject.id()].map(Clone::clone));
    /// # Ok::<(), lapjoint::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error`] when a schema does not exist or cannot be read.
    pub fn dependencies<S: AsRef<str>>(
        &self,
        schemas: impl IntoIterator<Item = S>,
    ) -> Result<Dependencies, Error> {
        let mut graph = Dependencies::default();
        for schema in schemas {
            graph.add_schema(self, schema.as_ref())?;
        }
        Ok(graph)
    }
}
