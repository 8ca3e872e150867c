//! SQLite adapter: one file a schema, attached to one connection under the schema's name.
//!
//! The connection's main database is in memory and unused. `<dir>/<schema>.sqlite` holds a schema's tables and, in
//! tables whose names start with `~`, what SQL alone cannot say of them: comments, portable types, the written form of
//! defaults, indexes and references to other schemas. A file that another program
//! made is read through SQLite's own catalogue.
//!
//! SQLite keeps foreign keys inside one file. References between schemas are kept by triggers that live as long as the
//! connection; opening a schema therefore opens the schemas that it refers to and those that refer to it.
//!
//! A commit is atomic in each file. A power failure in the middle of a commit that wrote to several schemas can leave
//! it in some of them only: SQLite's write-ahead log has no commit across files.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use lapjoint_types::Value;

use crate::adapter::{Adapter, Capabilities, InsertMode, TransactionMode};
use crate::cell::CellSink;
use crate::error::DbError;
use crate::intent::{FileIntentLog, Intent, IntentLog, MemoryIntentLog};
use crate::schema::{ColumnType, TableDef, TableId};
use connection::Link;
use session::Sessions;

mod alter;
mod attach;
mod catalog;
mod collation;
mod connection;
mod ddl;
mod dialect;
mod errors;
mod foreign;
mod insert;
mod introspect;
mod literal;
mod native;
mod query;
mod session;
mod types;

/// Longest name of a table or column in characters: that of MySQL, so that a schema can move there.
const MAX_IDENTIFIER_CHARS: usize = 64;

/// Where the databases are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Location {
    /// In memory of this connection, gone with it.
    Memory,
    /// One file a schema in this folder, which is made with the first schema.
    Directory(PathBuf),
}

/// How to open a [`SqliteAdapter`].
#[derive(Debug, Clone)]
pub struct SqliteOptions {
    location: Location,
    busy_timeout: Duration,
}

impl SqliteOptions {
    /// The databases at `location`; a lock of another connection is waited for one minute.
    #[must_use]
    pub const fn new(location: Location) -> Self {
        Self { location, busy_timeout: Duration::from_secs(60) }
    }

    /// How long to wait for a lock of another connection before [`DbError::Busy`].
    #[must_use]
    pub const fn busy_timeout(mut self, timeout: Duration) -> Self {
        self.busy_timeout = timeout;
        self
    }
}

/// One connection to SQLite databases.
pub struct SqliteAdapter {
    link: Link,
    sessions: Sessions,
    intents: Arc<dyn IntentLog>,
}

impl std::fmt::Debug for SqliteAdapter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SqliteAdapter").field("location", &self.link.location()).finish_non_exhaustive()
    }
}

impl SqliteAdapter {
    /// Opens a connection; no schema is open yet.
    ///
    /// # Errors
    /// [`DbError`] when SQLite cannot be started or the folder's path cannot be used.
    pub fn open(options: &SqliteOptions) -> Result<Self, DbError> {
        let link = Link::open(options)?;
        let intents: Arc<dyn IntentLog> = match link.location() {
            Location::Memory => Arc::new(MemoryIntentLog::default()),
            Location::Directory(directory) => {
                Arc::new(FileIntentLog::new(directory.join(".lapjoint").join("intents")))
            }
        };
        let sessions = Sessions::new(link.location());
        Ok(Self { link, sessions, intents })
    }
}

impl Adapter for SqliteAdapter {
    fn capabilities(&self) -> Capabilities {
        Capabilities {
            product: "SQLite",
            max_identifier_chars: MAX_IDENTIFIER_CHARS,
            // SQLITE_MAX_VARIABLE_NUMBER of the bundled library.
            max_parameters: 32_766,
            transactional_ddl: true,
        }
    }

    fn quote(&self, identifier: &str) -> String {
        literal::quote(identifier)
    }

    fn json_value(&self, column_sql: &str, path: &str, ty: Option<&str>) -> String {
        dialect::json_value(column_sql, path, ty)
    }

    fn json_equal(
        &self,
        column_sql: &str,
        path: &str,
        ty: Option<&str>,
        value: &Value,
    ) -> Result<String, DbError> {
        dialect::json_equal(column_sql, path, ty, value)
    }

    fn translate<'t>(&self, sql: &'t str) -> std::borrow::Cow<'t, str> {
        dialect::translate(sql)
    }

    fn in_rows(&self, columns: &[String], rows: &[Vec<String>]) -> String {
        dialect::in_rows(columns, rows)
    }

    /// SQLite keeps no zone: the time is UTC, as `CURRENT_TIMESTAMP` is.
    fn clock_sql(&self, seconds: f64) -> String {
        format!("rtrim(rtrim(strftime('%Y-%m-%d %H:%M:%f', 'now', '{seconds:+.3} seconds'), '0'), '.')")
    }

    fn literal(&self, value: &Value, ty: &ColumnType) -> Result<String, DbError> {
        literal::literal(value, ty)
    }

    fn list_schemas(&mut self) -> Result<Vec<String>, DbError> {
        self.link.live()?;
        attach::list_schemas(&self.link)
    }

    fn open_schema(&mut self, schema: &str, create: bool) -> Result<(), DbError> {
        self.link.live()?;
        attach::open_schema(&mut self.link, schema, create)
    }

    fn drop_schema(&mut self, schema: &str) -> Result<(), DbError> {
        self.link.live()?;
        attach::drop_schema(&mut self.link, schema)
    }

    fn list_tables(&mut self, schema: &str) -> Result<Vec<String>, DbError> {
        self.link.live()?;
        self.link.require_schema(schema)?;
        introspect::list_tables(self.link.raw()?, schema)
    }

    fn create_table(&mut self, table: &TableDef) -> Result<(), DbError> {
        self.link.live()?;
        ddl::create_table(&mut self.link, table)
    }

    /// In the schemas that are open: opening one opens those that refer to it.
    fn referring(&mut self, parents: &[TableId]) -> Result<Vec<TableId>, DbError> {
        self.link.live()?;
        let mut found = BTreeSet::new();
        for parent in parents {
            self.link.require_schema(&parent.schema)?;
            found.extend(foreign::children(&self.link, parent)?.into_iter().map(|(child, _)| child));
        }
        Ok(found.into_iter().collect())
    }

    fn load_table(&mut self, id: &TableId) -> Result<Option<TableDef>, DbError> {
        self.link.live()?;
        self.link.require_schema(&id.schema)?;
        introspect::load_table(self.link.raw()?, id)
    }

    fn alter_table(
        &mut self,
        old: &TableDef,
        new: &TableDef,
        sources: &[Option<String>],
    ) -> Result<(), DbError> {
        self.link.live()?;
        alter::alter_table(&mut self.link, old, new, sources)
    }

    fn drop_table(&mut self, id: &TableId) -> Result<(), DbError> {
        self.link.live()?;
        ddl::drop_table(&mut self.link, id)
    }

    fn begin(&mut self, mode: TransactionMode) -> Result<(), DbError> {
        self.link.live()?;
        self.link.begin(mode)
    }

    fn commit(&mut self) -> Result<(), DbError> {
        self.link.live()?;
        self.link.commit()
    }

    fn rollback(&mut self) -> Result<(), DbError> {
        self.link.rollback()
    }

    fn in_transaction(&self) -> bool {
        self.link.in_transaction()
    }

    fn insert(
        &mut self,
        table: &TableDef,
        columns: &[String],
        rows: &mut dyn Iterator<Item = Vec<Value>>,
        mode: InsertMode,
    ) -> Result<u64, DbError> {
        self.link.live()?;
        insert::insert(&mut self.link, table, columns, rows, mode)
    }

    fn execute(&mut self, sql: &str, parameters: &[(Value, ColumnType)]) -> Result<u64, DbError> {
        self.link.live()?;
        query::execute(&mut self.link, sql, parameters)
    }

    fn column_names(&mut self, sql: &str) -> Result<Vec<String>, DbError> {
        query::column_names(self.link.raw()?, sql)
    }

    fn query_cells(
        &mut self,
        sql: &str,
        parameters: &[(Value, ColumnType)],
        columns: &[(String, ColumnType)],
        sink: &mut dyn CellSink,
    ) -> Result<(), DbError> {
        self.link.live()?;
        query::query(self.link.raw()?, sql, parameters, columns, sink)
    }

    fn close(&mut self) {
        self.link.close();
    }

    fn intents(&self) -> Arc<dyn IntentLog> {
        Arc::clone(&self.intents)
    }

    /// A session of files lives as long as its process: nobody takes it for dead.
    fn hold_intent(&mut self, _intent: &Intent) -> Result<bool, DbError> {
        Ok(true)
    }

    /// The write lock of the transaction is enough.
    fn lock_objects(&mut self, _schema: &str, _exclusive: bool) -> Result<(), DbError> {
        Ok(())
    }

    fn session(&self) -> &str {
        self.sessions.id()
    }

    fn is_session_alive(&mut self, session: &str) -> Result<bool, DbError> {
        self.sessions.is_alive(session)
    }
}
