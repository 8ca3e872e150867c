//! Schemas: named sets of tables.

use std::sync::Arc;

use lapjoint_db::TableId;
use lapjoint_types::naming::Tier;
use lapjoint_types::suggest::nearest;

use crate::bound::BoundTable;
use crate::connection::Connection;
use crate::declare::{self, References};
use crate::error::Error;
use crate::graph::Dependencies;
use crate::lineage;
use crate::names;
use crate::recovery::RecoveryReport;
use crate::row::Row;
use crate::table::{InsertOptions, Table};

/// A schema of a connection. Cheap to clone.
///
/// ```
/// # use lapjoint::{Connection, row};
/// # let connection = Connection::in_memory()?;
/// # let lab = connection.schema("lab")?;
/// let subject = lab.lookup("Subject", "subject : varchar(8)", [row! { "subject" => "m1" }])?;
/// let session = lab.manual("Session", "
///     -> Subject
///     session : int16
///     ---
///     note = null : varchar(80)
/// ")?;
/// lab.part(&session, "Trial", "-> master\ntrial : int16")?;
/// assert_eq!(lab.list_tables()?, ["#subject", "session", "session__trial"]);
/// assert_eq!(lab.table("Session.Trial")?.heading().primary_key(), ["subject", "session", "trial"]);
/// # Ok::<(), lapjoint::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct Schema {
    connection: Connection,
    name: String,
    recovered: RecoveryReport,
}

impl Schema {
    pub(crate) fn new(connection: Connection, name: String) -> Self {
        Self { connection, name, recovered: RecoveryReport::default() }
    }

    pub(crate) const fn with_recovered(mut self, recovered: RecoveryReport) -> Self {
        self.recovered = recovered;
        self
    }

    /// What was finished or undone when the schema was opened.
    #[must_use]
    pub const fn recovered(&self) -> RecoveryReport {
        self.recovered
    }

    /// Name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The connection.
    #[must_use]
    pub const fn connection(&self) -> &Connection {
        &self.connection
    }

    /// Declares a table of any tier but `Part`, or opens it when it exists already.
    ///
    /// References (`-> Session`) are looked up in this schema; `-> other.Session` in schema `other`, which must be open.
    ///
    /// # Errors
    /// [`Error::Definition`] or [`Error::Declare`] with the line; [`Error::BindCodec`] for an attribute whose codec is
    /// unknown, whose store is not configured, or whose chain is circular.
    pub fn declare(&self, tier: Tier, class_name: &str, definition: &str) -> Result<Table, Error> {
        self.declare_with(tier, None, class_name, definition, &References::new())
    }

    /// Declares a table whose definition names other tables by names of the host language: what `references` has is looked
    /// up there, all else as by [`declare`](Self::declare). With a `master`, the table is its part.
    ///
    /// ```
    /// # use lapjoint::{Connection, References, Tier};
    /// # let connection = Connection::in_memory()?;
    /// # let lab = connection.schema("lab")?;
    /// let subject = connection.schema("colony")?.manual("Mouse", "mouse : varchar(8)")?;
    /// let references = References::from([("Subject".to_owned(), subject.id().clone())]);
    /// let session = lab.declare_with(Tier::Manual, None, "Session", "-> Subject\nsession : int16", &references)?;
    /// assert_eq!(session.heading().primary_key(), ["mouse", "session"]);
    /// # Ok::<(), lapjoint::Error>(())
    /// ```
    ///
    /// # Errors
    /// As for [`declare`](Self::declare).
    pub fn declare_with(
        &self,
        tier: Tier,
        master: Option<&Table>,
        class_name: &str,
        definition: &str,
        references: &References,
    ) -> Result<Table, Error> {
        let tier = if master.is_some() { Tier::Part } else { tier };
        let table = declare::declare(self, tier, master.map(Table::id), class_name, definition, references)?;
        Ok(Table::new(self.clone(), table))
    }

    /// Declares a table that people fill.
    ///
    /// # Errors
    /// As for [`declare`](Self::declare).
    pub fn manual(&self, class_name: &str, definition: &str) -> Result<Table, Error> {
        self.declare(Tier::Manual, class_name, definition)
    }

    /// Declares a table of fixed contents and inserts those rows of `contents` that are not there.
    ///
    /// # Errors
    /// As for [`declare`](Self::declare) and [`Table::insert`].
    pub fn lookup<R: Into<Row>>(
        &self,
        class_name: &str,
        definition: &str,
        contents: impl IntoIterator<Item = R>,
    ) -> Result<Table, Error> {
        let table = self.declare(Tier::Lookup, class_name, definition)?;
        let contents: Vec<Row> = contents.into_iter().map(Into::into).collect();
        if contents.len() as u64 > table.query().count()? {
            table.insert_with(contents, &InsertOptions::new().skip_duplicates())?;
        }
        Ok(table)
    }

    /// Declares a table filled from files and instruments.
    ///
    /// # Errors
    /// As for [`declare`](Self::declare).
    pub fn imported(&self, class_name: &str, definition: &str) -> Result<Table, Error> {
        self.declare(Tier::Imported, class_name, definition)
    }

    /// Declares a table filled from other tables.
    ///
    /// # Errors
    /// As for [`declare`](Self::declare).
    pub fn computed(&self, class_name: &str, definition: &str) -> Result<Table, Error> {
        self.declare(Tier::Computed, class_name, definition)
    }

    /// Declares a part of `master`; its definition refers to it as `-> master`.
    ///
    /// # Errors
    /// As for [`declare`](Self::declare).
    pub fn part(&self, master: &Table, class_name: &str, definition: &str) -> Result<Table, Error> {
        self.declare_with(Tier::Part, Some(master), class_name, definition, &References::new())
    }

    /// An existing table, by class name (`Session`, `Session.Trial`) or table name (`__session`).
    ///
    /// # Errors
    /// [`Error::UnknownTable`] with the nearest name.
    pub fn table(&self, name: &str) -> Result<Table, Error> {
        match self.find(name)? {
            Some(table) => Ok(Table::new(self.clone(), table)),
            None => {
                let known: Vec<String> =
                    self.list_tables()?.iter().map(|table| names::class_name(table)).collect();
                Err(Error::UnknownTable {
                    table: name.to_owned(),
                    schema: self.name.clone(),
                    nearest: nearest(name, known.iter().map(String::as_str)).map(str::to_owned),
                })
            }
        }
    }

    /// A table by class or table name; `None` when there is none.
    pub(crate) fn find(&self, name: &str) -> Result<Option<Arc<BoundTable>>, Error> {
        for table in names::candidates(name) {
            if let Some(bound) = self.connection.bound(&TableId::new(&self.name, table))? {
                return Ok(Some(bound));
            }
        }
        Ok(None)
    }

    /// Table names in the database, sorted, without hidden ones (`~…`).
    ///
    /// # Errors
    /// [`Error`] when the database cannot be read.
    pub fn list_tables(&self) -> Result<Vec<String>, Error> {
        let all = self.connection.lock()?.adapter_mut().list_tables(&self.name)?;
        Ok(all.into_iter().filter(|table| !table.starts_with('~')).collect())
    }

    /// All tables, parents before children.
    ///
    /// # Errors
    /// [`Error`] when the database cannot be read.
    pub fn tables(&self) -> Result<Vec<Table>, Error> {
        let graph = self.dependencies()?;
        let sorted = graph.sorted()?;
        Ok(sorted
            .iter()
            .filter_map(|id| graph.get(id))
            .map(|t| Table::new(self.clone(), Arc::clone(t)))
            .collect())
    }

    /// The tables of the schema and their references.
    ///
    /// # Errors
    /// [`Error`] when the database cannot be read.
    pub fn dependencies(&self) -> Result<Dependencies, Error> {
        Dependencies::of_schema(self)
    }

    /// Where attributes come from, as it is written down: `schema.table.attribute` and its origin. Empty for a schema that has no
    /// such record.
    ///
    /// # Errors
    /// [`Error`] when the database cannot be read.
    pub fn lineage(&self) -> Result<Vec<(String, String)>, Error> {
        lineage::recorded(&self.connection, &self.name)
    }

    /// Whether the schema has a record of where its attributes come from.
    ///
    /// # Errors
    /// [`Error`] when the database cannot be read.
    pub fn has_lineage(&self) -> Result<bool, Error> {
        lineage::exists(&self.connection, &self.name)
    }

    /// Writes the record of where attributes come from anew, by the definitions of the tables.
    ///
    /// # Errors
    /// [`Error`] when the database cannot be read or written.
    pub fn rebuild_lineage(&self) -> Result<(), Error> {
        for table in self.tables()? {
            lineage::record(&self.connection, &table.bound().def)?;
        }
        // What was bound before does not have it.
        self.connection.forget_tables();
        Ok(())
    }

    /// Drops the schema with all its tables. Objects in stores stay until they are collected.
    ///
    /// # Errors
    /// [`Error`] when the database refuses, for example because another schema refers to this one.
    pub fn drop_schema(self) -> Result<(), Error> {
        self.connection.forget_tables();
        self.connection.leave_schema(&self.name);
        let mut guard = self.connection.lock()?;
        guard.adapter_mut().drop_schema(&self.name).map_err(Error::db(&self.name))?;
        // Its markers are gone with it.
        guard.state().finished.retain(|(schema, _)| *schema != self.name);
        guard.state().prepared.remove(&self.name);
        Ok(())
    }
}
