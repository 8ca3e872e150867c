//! Adapter of MySQL and MariaDB: one connection, and a second one for the records of unfinished work.
//!
//! Tables are declared as DataJoint declares them, types live in column comments, and headings are rebuilt from what either
//! wrote. Values go both ways through the binary protocol, so that numbers stay what they are.
//!
//! - A statement that defines something commits an open transaction; such statements are refused within one, or go
//!   through the second connection.
//! - A result whose other rows nobody wants is read on for a short while; then the server is told, through a passing
//!   connection, to stop the query. The transaction stays as it is.
//! - With [`Tls::Verify`](crate::Tls::Verify) the driver also trusts the authorities of the web, beside those of the file.
//!   A Unix socket is never encrypted.

use std::sync::Arc;

use lapjoint_types::Value;

use crate::adapter::{Adapter, Capabilities, InsertMode, TransactionMode, micros, read_who};
use crate::cell::CellSink;
use crate::error::DbError;
use crate::intent::{Intent, IntentLog};
use crate::schema::{ColumnType, TableDef, TableId};
use crate::server::ServerOptions;
use connection::Link;
use intents::Side;

mod alter;
mod catalog;
mod connect;
mod connection;
mod ddl;
mod dialect;
mod errors;
mod insert;
mod intents;
mod introspect;
mod literal;
mod native;
mod query;
mod schemas;
mod session;
mod sql;
mod text;
mod types;

/// One connection to a MySQL or MariaDB server.
pub struct MysqlAdapter {
    link: Link,
    side: Arc<Side>,
}

impl std::fmt::Debug for MysqlAdapter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("MysqlAdapter").field("options", self.link.options()).finish_non_exhaustive()
    }
}

impl MysqlAdapter {
    /// Opens a connection.
    ///
    /// # Errors
    /// [`DbError::Unreachable`] when no MySQL server answers in time, [`DbError::Access`] when it does not let the user in.
    pub fn open(options: &ServerOptions) -> Result<Self, DbError> {
        Ok(Self { link: Link::open(options, true)?, side: Arc::new(Side::new(options.clone())) })
    }
}

impl Adapter for MysqlAdapter {
    fn capabilities(&self) -> Capabilities {
        Capabilities {
            product: self.link.server().product,
            max_identifier_chars: ddl::MAX_IDENTIFIER_CHARS,
            max_parameters: insert::MAX_PARAMETERS,
            transactional_ddl: false,
        }
    }

    fn quote(&self, identifier: &str) -> String {
        literal::quote(identifier)
    }

    fn text_of(&self, column_sql: &str) -> String {
        format!("CAST({column_sql} AS CHAR)")
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
        dialect::json_equal(column_sql, path, ty, value, self.link.server().is_mariadb)
    }

    fn translate<'t>(&self, sql: &'t str) -> std::borrow::Cow<'t, str> {
        dialect::translate(sql)
    }

    fn double_quotes_texts(&self) -> bool {
        true
    }

    /// The session's own zone is UTC.
    fn clock_sql(&self, seconds: f64) -> String {
        let now = "CONVERT_TZ(UTC_TIMESTAMP(3), '+00:00', @@GLOBAL.time_zone)";
        format!("({now} + INTERVAL {} MICROSECOND)", micros(seconds))
    }

    fn who(&mut self) -> Result<(String, Option<i64>), DbError> {
        read_who(self, "SELECT USER(), CONNECTION_ID()")
    }

    fn literal(&self, value: &Value, ty: &ColumnType) -> Result<String, DbError> {
        literal::literal(value, ty, self.link.server().is_mariadb)
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
        self.link.live()?;
        if self.link.in_transaction() {
            return self.side.create_table(table);
        }
        ddl::create_table(&mut self.link, table)
    }

    fn referring(&mut self, parents: &[TableId]) -> Result<Vec<TableId>, DbError> {
        catalog::referring(&mut self.link, parents)
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
        self.link.live()?;
        alter::alter_table(&mut self.link, old, new, sources)
    }

    fn drop_table(&mut self, id: &TableId) -> Result<(), DbError> {
        self.link.live()?;
        ddl::drop_table(&mut self.link, id)
    }

    fn begin(&mut self, mode: TransactionMode) -> Result<(), DbError> {
        self.link.begin(mode)
    }

    fn commit(&mut self) -> Result<(), DbError> {
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
    }

    fn intents(&self) -> Arc<dyn IntentLog> {
        Arc::clone(&self.side) as Arc<dyn IntentLog>
    }

    fn hold_intent(&mut self, intent: &Intent) -> Result<bool, DbError> {
        self.link.live()?;
        intents::hold(&mut self.link, intent)
    }

    fn lock_objects(&mut self, schema: &str, exclusive: bool) -> Result<(), DbError> {
        self.link.live()?;
        intents::lock_objects(&mut self.link, &self.side, schema, exclusive)
    }

    fn session(&self) -> &str {
        self.link.session()
    }

    fn is_session_alive(&mut self, session: &str) -> Result<bool, DbError> {
        self.link.live()?;
        if self.link.session() == session {
            return Ok(true);
        }
        // No other name was ever given to a session.
        let Some(lock) = session::lock_name(session) else { return Ok(false) };
        let rows = catalog::rows(&mut self.link, &format!("SELECT IS_USED_LOCK('{lock}')"))?;
        Ok(rows.first().is_some_and(|row| row.first().is_some_and(Option::is_some)))
    }
}
