//! PostgreSQL adapter: one connection to one database, whose schemas hold the tables.
//!
//! Tables, types, indexes and comments are DataJoint's, so that either system works with what the other declared. What SQL
//! does not say of a column is in its comment (`:int32:the id`); a definition is rebuilt from the server's catalogue alone.
//!
//! The driver is asynchronous. It runs on a runtime of this connection and of the calling thread, and only while something is
//! waited for: there is no thread that a fork would lose. A child process leaves the socket of its parent alone and connects
//! anew, as a session of its own.
//!
//! A failed statement leaves a transaction of PostgreSQL unusable. Within a transaction of the user's every statement
//! therefore goes behind a savepoint, sent together with it, so that an error means what it means on other databases.
//!
//! A connection that breaks outside of a transaction is opened again. What only read, or wrote in a transaction that was not
//! yet being committed, is done once more; a broken commit is asked after by the number of its transaction.

use std::sync::Arc;

use lapjoint_types::Value;

use crate::adapter::{Adapter, Capabilities, InsertMode, TransactionMode, micros, read_who};
use crate::cell::CellSink;
use crate::error::DbError;
use crate::intent::{Intent, IntentLog};
use crate::schema::{ColumnType, TableDef, TableId};
use crate::server::ServerOptions;
use connection::Link;
use intents::TableIntentLog;
use session::Sessions;

mod alter;
mod block;
mod calendar;
mod connect;
mod connection;
mod copy;
mod ddl;
mod dialect;
mod errors;
mod foreign;
mod insert;
mod intents;
mod introspect;
mod json;
mod literal;
mod native;
mod numeric;
mod parameters;
mod query;
mod schemas;
mod server;
mod session;
mod text;
mod tls;
mod types;
mod wire;

/// Name of the product, for messages.
const PRODUCT: &str = "PostgreSQL";

/// Port of a server that names none.
const DEFAULT_PORT: u16 = 5432;

/// One connection to a PostgreSQL database.
pub struct PostgresAdapter {
    link: Link,
    intents: Arc<TableIntentLog>,
}

impl std::fmt::Debug for PostgresAdapter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PostgresAdapter").field("options", self.link.options()).finish_non_exhaustive()
    }
}

impl PostgresAdapter {
    /// Connects and logs in.
    ///
    /// # Errors
    /// [`DbError::Unreachable`] when there is no such server or it does not answer in time, [`DbError::Access`] when it
    /// does not take the user or the password.
    pub fn open(options: &ServerOptions) -> Result<Self, DbError> {
        let link = Link::open(options, Sessions::default())?;
        let intents = Arc::new(TableIntentLog::new(options, link.sessions().share()));
        Ok(Self { link, intents })
    }
}

impl Adapter for PostgresAdapter {
    fn capabilities(&self) -> Capabilities {
        Capabilities {
            product: PRODUCT,
            max_identifier_chars: literal::MAX_NAME_BYTES,
            max_parameters: 65_535,
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

    /// The session's own zone is UTC; what it would be otherwise is the zone that the server keeps.
    fn clock_sql(&self, seconds: f64) -> String {
        let zone = "(SELECT reset_val FROM pg_catalog.pg_settings WHERE name = 'TimeZone')";
        format!(
            "date_trunc('milliseconds', (clock_timestamp() + INTERVAL '{} microseconds') AT TIME ZONE {zone})",
            micros(seconds)
        )
    }

    fn who(&mut self) -> Result<(String, Option<i64>), DbError> {
        let host = "COALESCE(host(inet_client_addr()), 'localhost')";
        read_who(self, &format!("SELECT current_user || '@' || {host}, pg_backend_pid()"))
    }

    fn literal(&self, value: &Value, ty: &ColumnType) -> Result<String, DbError> {
        literal::literal(value, ty)
    }

    fn list_schemas(&mut self) -> Result<Vec<String>, DbError> {
        schemas::list_schemas(&mut self.link)
    }

    fn open_schema(&mut self, schema: &str, create: bool) -> Result<(), DbError> {
        schemas::open_schema(&mut self.link, schema, create)
    }

    fn drop_schema(&mut self, schema: &str) -> Result<(), DbError> {
        schemas::drop_schema(&mut self.link, schema)
    }

    fn list_tables(&mut self, schema: &str) -> Result<Vec<String>, DbError> {
        introspect::list_tables(&mut self.link, schema)
    }

    fn create_table(&mut self, table: &TableDef) -> Result<(), DbError> {
        ddl::create_table(&mut self.link, table)
    }

    fn referring(&mut self, parents: &[TableId]) -> Result<Vec<TableId>, DbError> {
        introspect::referring(&mut self.link, parents)
    }

    fn load_table(&mut self, id: &TableId) -> Result<Option<TableDef>, DbError> {
        introspect::load_table(&mut self.link, id)
    }

    fn alter_table(
        &mut self,
        old: &TableDef,
        new: &TableDef,
        sources: &[Option<String>],
    ) -> Result<(), DbError> {
        alter::alter_table(&mut self.link, old, new, sources)
    }

    fn drop_table(&mut self, id: &TableId) -> Result<(), DbError> {
        ddl::drop_table(&mut self.link, id)
    }

    fn begin(&mut self, mode: TransactionMode) -> Result<(), DbError> {
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
        insert::insert(&mut self.link, table, columns, rows, mode)
    }

    fn execute(&mut self, sql: &str, parameters: &[(Value, ColumnType)]) -> Result<u64, DbError> {
        query::execute(&mut self.link, sql, parameters)
    }

    fn column_names(&mut self, sql: &str) -> Result<Vec<String>, DbError> {
        query::column_names(&mut self.link, sql)
    }

    fn query_cells(
        &mut self,
        sql: &str,
        parameters: &[(Value, ColumnType)],
        columns: &[(String, ColumnType)],
        sink: &mut dyn CellSink,
    ) -> Result<(), DbError> {
        query::query(&mut self.link, sql, parameters, columns, sink)
    }

    fn close(&mut self) {
        self.link.close();
        self.intents.close();
    }

    fn intents(&self) -> Arc<dyn IntentLog> {
        Arc::clone(&self.intents) as Arc<dyn IntentLog>
    }

    fn hold_intent(&mut self, intent: &Intent) -> Result<bool, DbError> {
        intents::hold(&mut self.link, &self.intents, intent)
    }

    fn lock_objects(&mut self, schema: &str, exclusive: bool) -> Result<(), DbError> {
        session::lock_objects(&mut self.link, schema, exclusive)
    }

    fn session(&self) -> &str {
        self.link.session()
    }

    fn is_session_alive(&mut self, session: &str) -> Result<bool, DbError> {
        session::is_alive(&mut self.link, session)
    }
}
