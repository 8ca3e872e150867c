//! Which rows of the tables a diagram is about: restriction, cascade, trace.

use lapjoint_db::TableId;

use crate::cascade::{Convergence, Rows, RowsOf, spread_down, spread_up};
use crate::diagram::{Diagram, Scope};
use crate::error::Error;
use crate::graph::Dependencies;
use crate::query::{PartIntegrity, Query};

impl Diagram {
    /// The tables that a delete of the rows of `query` would reach, with the rows that it would take.
    ///
    /// ```
    /// # use lapjoint::{Connection, Diagram, PartIntegrity, row};
    /// # let connection = Connection::in_memory()?;
    /// # let lab = connection.schema("lab")?;
    /// let subject = lab.manual("Subject", "subject : int32")?;
    /// let session = lab.manual("Session", "-> Subject\nsession : int32")?;
    /// subject.insert([row! { "subject" => 1 }, row! { "subject" => 2 }])?;
    /// session.insert((0..5).map(|n| row! { "subject" => 1 + n % 2, "session" => n }))?;
    /// let taken = Diagram::cascade(&(&subject & "subject = 1"), PartIntegrity::Enforce)?;
    /// assert_eq!(taken.counts()?, [(subject.id().clone(), 1), (session.id().clone(), 3)]);
    /// # Ok::<(), lapjoint::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Usage`] on anything but a restricted table.
    pub fn cascade(query: &Query, part_integrity: PartIntegrity) -> Result<Self, Error> {
        let (graph, rows) = query.cascade(part_integrity)?;
        Ok(Self::with_rows(query, graph, rows, Scope::Cascade))
    }

    /// The tables that rows of `query` come from, with the rows that they refer to, directly or through others: a row belongs to
    /// the trace when some way leads to it. Where the restriction of `query` says the whole of a foreign key, the row that it refers
    /// to is found also before the row that refers is there.
    ///
    /// ```
    /// # use lapjoint::{Connection, Diagram, row};
    /// # let connection = Connection::in_memory()?;
    /// # let lab = connection.schema("lab")?;
    /// let subject = lab.manual("Subject", "subject : int32\n---\nname : varchar(8)")?;
    /// let session = lab.manual("Session", "-> Subject\nsession : int32")?;
    /// subject.insert([row! { "subject" => 1, "name" => "Ada" }, row! { "subject" => 2, "name" => "Bo" }])?;
    /// session.insert1(row! { "subject" => 1, "session" => 1 })?;
    /// let trace = Diagram::trace(&(&session & "session = 1"))?;
    /// assert_eq!(trace.rows(subject.id())?.fetch1_as::<String>("name")?, "Ada");
    /// # Ok::<(), lapjoint::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Usage`] on anything but a restricted table.
    pub fn trace(query: &Query) -> Result<Self, Error> {
        let connection = query.connection();
        let seed = &query.base().def.id;
        let graph = Dependencies::above(connection, seed)?;
        let own = query.rows()?;
        let rows = spread_up(&graph, connection, seed, own, query.known())?;
        Ok(Self::with_rows(query, graph, rows, Scope::Trace))
    }

    fn with_rows(query: &Query, mut graph: Dependencies, rows: RowsOf, scope: fn(RowsOf) -> Scope) -> Self {
        graph.retain(|id| rows.contains_key(id));
        let mut diagram = Self::new(query.connection().clone(), graph);
        diagram.scope = scope(rows);
        diagram
    }

    /// The diagram with the rows of the query's table restricted to those of `query`, and the rows of all tables below to those
    /// that refer to them by all ways. Restrictions add up.
    ///
    /// # Errors
    /// [`Error::Usage`] on a diagram that a cascade or a trace made, and for anything but a restricted table.
    pub fn restrict(mut self, query: &Query) -> Result<Self, Error> {
        let mut present = match self.scope {
            Scope::Whole => RowsOf::new(),
            Scope::Restricted(rows) => rows,
            Scope::Cascade(_) => {
                return Err(Error::usage(
                    "Cannot apply restrict() on a Diagram produced by Diagram.cascade(). Restrict the table before the cascade.",
                ));
            }
            Scope::Trace(_) => {
                return Err(Error::usage(
                    "Cannot apply restrict() on a Diagram produced by Diagram.trace(). Restrict the table before the trace.",
                ));
            }
        };
        let seed = &query.base().def.id;
        let graph = Dependencies::below(&self.connection, seed, false)?;
        let seeds = RowsOf::from([(seed.clone(), query.rows()?)]);
        let rows = spread_down(&graph, &self.connection, seeds, Convergence::All)?;
        for (id, more) in rows {
            let rows = match present.remove(&id) {
                Some(rows) => rows.joined(&more, Convergence::All),
                None => more,
            };
            present.insert(id, rows);
        }
        self.scope = Scope::Restricted(present);
        Ok(self)
    }

    /// The rows of a table that the diagram is about.
    ///
    /// # Errors
    /// [`Error::Usage`] for a table that is not in the diagram.
    pub fn rows(&self, id: &TableId) -> Result<Query, Error> {
        let Some(table) = self.tables.get(id) else {
            let what = match self.scope {
                Scope::Trace(_) => "trace",
                Scope::Cascade(_) => "cascade",
                Scope::Whole | Scope::Restricted(_) => "diagram",
            };
            return Err(Error::usage(format!("Table {id} is not in this {what}.")));
        };
        Ok(match self.restriction(id) {
            Some(rows) => rows.query(&self.connection, table),
            None => Query::of_table(self.connection.clone(), std::sync::Arc::clone(table)),
        })
    }

    /// Whether the diagram is about some of a table's rows only.
    #[must_use]
    pub fn is_restricted(&self, id: &TableId) -> bool {
        self.restriction(id).is_some()
    }

    fn restriction(&self, id: &TableId) -> Option<&Rows> {
        match &self.scope {
            Scope::Whole => None,
            Scope::Restricted(rows) | Scope::Cascade(rows) | Scope::Trace(rows) => rows.get(id),
        }
    }

    /// Numbers of rows of the tables that are restricted, in topological order.
    ///
    /// # Errors
    /// [`Error::Usage`] when no restriction was applied.
    pub fn counts(&self) -> Result<Vec<(TableId, u64)>, Error> {
        if matches!(self.scope, Scope::Whole) {
            return Err(Error::usage(
                "No restrictions applied. Use Diagram.cascade(), Diagram.trace() or restrict() first.",
            ));
        }
        let mut counts = Vec::new();
        for id in self.sorted()? {
            if self.is_restricted(&id) {
                let rows = self.rows(&id)?.count()?;
                counts.push((id, rows));
            }
        }
        Ok(counts)
    }

    /// The diagram without the tables that have no rows, of those that it is about.
    ///
    /// # Errors
    /// [`Error::Usage`] on a diagram that a cascade made, which needs all its tables.
    pub fn prune(mut self) -> Result<Self, Error> {
        if matches!(self.scope, Scope::Cascade(_)) {
            return Err(Error::usage(
                "prune() cannot be used on a diagram of a cascade: a delete needs all its tables",
            ));
        }
        let ids: Vec<TableId> = self.tables.tables().cloned().collect();
        for id in ids {
            if !self.rows(&id)?.exists()? {
                self.tables.retain(|table| *table != id);
                self.expanded.remove(&id);
                if let Scope::Restricted(rows) | Scope::Trace(rows) = &mut self.scope {
                    rows.remove(&id);
                }
            }
        }
        Ok(self)
    }
}
