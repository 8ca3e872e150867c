//! The contract that every database adapter fulfils.

use std::ops::ControlFlow;
use std::sync::Arc;

use lapjoint_types::Value;

use crate::cell::{CellSink, Rows};
use crate::error::DbError;
use crate::intent::{Intent, IntentLog};
use crate::schema::{ColumnType, TableDef, TableId};

/// What a database can do; the planner reads it instead of asking for product names.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Capabilities {
    /// Name of the product, for messages.
    pub product: &'static str,
    /// Longest table or column name in characters.
    pub max_identifier_chars: usize,
    /// Largest number of parameters in one statement.
    pub max_parameters: usize,
    /// Whether creating a table can be rolled back.
    pub transactional_ddl: bool,
}

/// What an insert does with a row whose primary key is already there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum InsertMode {
    /// Fails with [`DbError::Duplicate`].
    Error,
    /// Keeps the existing row. Only conflicts of the primary key are skipped; a violated secondary unique index still fails.
    SkipDuplicates,
    /// Replaces the existing row.
    Replace,
}

/// Intent of a transaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TransactionMode {
    /// Only reads: a consistent snapshot.
    Read,
    /// Writes, and every statement reads what is committed when it starts. SQLite takes the write lock at once
    /// (`BEGIN IMMEDIATE`), so that what is read stays true until the commit; servers lock rows.
    Write,
    /// A transaction of the user's, as DataJoint opens it: MySQL `START TRANSACTION WITH CONSISTENT SNAPSHOT`, PostgreSQL
    /// `BEGIN`; SQLite as for [`Write`](Self::Write).
    User,
}

/// Receives the rows of a query, one value for each requested column type.
pub type RowSink<'a> = dyn FnMut(Vec<Value>) -> ControlFlow<()> + 'a;

/// One connection to one database.
///
/// Identifiers given to an adapter are quoted by it. Values are checked against their column's type before they
/// are bound: a value that the type cannot hold exactly is refused with [`DbError::Value`], naming row and column.
pub trait Adapter: Send {
    /// What this database can do.
    fn capabilities(&self) -> Capabilities;

    /// Quotes an identifier.
    fn quote(&self, identifier: &str) -> String;

    /// `schema.table`, quoted.
    fn quote_table(&self, id: &TableId) -> String {
        format!("{}.{}", self.quote(&id.schema), self.quote(&id.table))
    }

    /// SQL of a column's values as text, to be searched: json too, whatever type the database has for it.
    fn text_of(&self, column_sql: &str) -> String {
        format!("CAST({column_sql} AS TEXT)")
    }

    /// SQL of the value at a place in a json column: `path` is `key.list[0].key`. Text unless an SQL type is asked for.
    fn json_value(&self, column_sql: &str, path: &str, ty: Option<&str>) -> String;

    /// SQL that compares the value at a place in a json column with `value`.
    ///
    /// # Errors
    /// [`DbError::Value`] when the value cannot be written as a literal.
    fn json_equal(
        &self,
        column_sql: &str,
        path: &str,
        ty: Option<&str>,
        value: &Value,
    ) -> Result<String, DbError>;

    /// SQL that looks rows of literals up: whether `columns` have the values of one of `rows`.
    fn in_rows(&self, columns: &[String], rows: &[Vec<String>]) -> String {
        match columns {
            [column] => {
                let values: Vec<String> = rows.iter().map(|row| row.join(", ")).collect();
                format!("({column} IN ({}))", values.join(", "))
            }
            columns => {
                let rows: Vec<String> = rows.iter().map(|row| format!("({})", row.join(", "))).collect();
                format!("(({}) IN ({}))", columns.join(", "), rows.join(", "))
            }
        }
    }

    /// Whether double quotes enclose a text, and not a name.
    fn double_quotes_texts(&self) -> bool {
        false
    }

    /// SQL that users write, with functions of other databases replaced by those of this one.
    fn translate<'t>(&self, sql: &'t str) -> std::borrow::Cow<'t, str> {
        sql.into()
    }

    /// SQL of the time by the database's clock, so many seconds later, without what is below a millisecond: a date and time in
    /// the zone that the server keeps, as other programs' `CURRENT_TIMESTAMP` is. It moves on within a transaction.
    fn clock_sql(&self, seconds: f64) -> String;

    /// Who is connected, `user@host`, and the number that the server knows the connection by. Neither in an embedded database.
    ///
    /// # Errors
    /// [`DbError`] when the server does not answer.
    fn who(&mut self) -> Result<(String, Option<i64>), DbError> {
        Ok((String::new(), None))
    }

    /// SQL text of a literal of the given type, for restrictions that are built as text.
    ///
    /// # Errors
    /// [`DbError::Value`] when the type cannot hold the value.
    fn literal(&self, value: &Value, ty: &ColumnType) -> Result<String, DbError>;

    /// Names of the schemas that exist, sorted.
    ///
    /// # Errors
    /// [`DbError`] when the database cannot be read.
    fn list_schemas(&mut self) -> Result<Vec<String>, DbError>;

    /// Makes `schema` usable on this connection; creates it when it is missing and `create` is set.
    ///
    /// # Errors
    /// [`DbError::MissingSchema`] when it does not exist and is not to be created.
    fn open_schema(&mut self, schema: &str, create: bool) -> Result<(), DbError>;

    /// Drops a schema with all it holds.
    ///
    /// # Errors
    /// [`DbError`] when it is missing or in use.
    fn drop_schema(&mut self, schema: &str) -> Result<(), DbError>;

    /// All tables of an open schema, sorted, hidden ones (`~…`) included.
    ///
    /// # Errors
    /// [`DbError`] when the schema cannot be read.
    fn list_tables(&mut self, schema: &str) -> Result<Vec<String>, DbError>;

    /// Creates a table with its indexes, constraints and comments, all or nothing. Does nothing when it exists.
    ///
    /// MySQL commits an open transaction at a `CREATE TABLE`; its adapter then creates the table on another connection, and
    /// it stays when the transaction is undone.
    ///
    /// # Errors
    /// [`DbError`] when the database refuses the table.
    fn create_table(&mut self, table: &TableDef) -> Result<(), DbError>;

    /// Tables, of any schema, with a foreign key to one of `parents`, sorted and each once.
    ///
    /// # Errors
    /// [`DbError`] when the catalogue cannot be read.
    fn referring(&mut self, parents: &[TableId]) -> Result<Vec<TableId>, DbError>;

    /// Rebuilds a table's definition from the database alone; `None` when there is no such table.
    ///
    /// # Errors
    /// [`DbError`] when the catalogue cannot be read.
    fn load_table(&mut self, id: &TableId) -> Result<Option<TableDef>, DbError>;

    /// Changes the columns of a table, all or nothing. Key, foreign keys and indexes stay. `sources` has for each column of
    /// `new` the column of `old` whose values it takes, or `None` for its default. Outside of a transaction only.
    ///
    /// # Errors
    /// [`DbError`] when a value does not fit its new column; the table is then as it was.
    fn alter_table(
        &mut self,
        old: &TableDef,
        new: &TableDef,
        sources: &[Option<String>],
    ) -> Result<(), DbError>;

    /// Drops a table.
    ///
    /// # Errors
    /// [`DbError::ForeignKey`] when rows of another table still refer to it.
    fn drop_table(&mut self, id: &TableId) -> Result<(), DbError>;

    /// Starts a transaction. Transactions do not nest.
    ///
    /// # Errors
    /// [`DbError::Transaction`] when one is already open.
    fn begin(&mut self, mode: TransactionMode) -> Result<(), DbError>;

    /// Commits the open transaction durably.
    ///
    /// # Errors
    /// [`DbError`] when the commit fails; the transaction is then rolled back.
    fn commit(&mut self) -> Result<(), DbError>;

    /// Undoes the open transaction.
    ///
    /// # Errors
    /// [`DbError`] when the connection is lost.
    fn rollback(&mut self) -> Result<(), DbError>;

    /// Whether a transaction is open.
    fn in_transaction(&self) -> bool;

    /// Inserts rows in bulk; every row has one value for each of `columns`, in that order.
    ///
    /// Runs in the open transaction, or in one of its own. Returns the number of rows inserted or replaced. Rows are
    /// streamed: memory holds a bounded number of them.
    ///
    /// # Errors
    /// [`DbError`] naming the row (its place in `rows`, from 0) and, where known, the column.
    fn insert(
        &mut self,
        table: &TableDef,
        columns: &[String],
        rows: &mut dyn Iterator<Item = Vec<Value>>,
        mode: InsertMode,
    ) -> Result<u64, DbError>;

    /// Runs a statement with `?` parameters; returns the number of rows changed.
    ///
    /// # Errors
    /// [`DbError`] when the statement fails.
    fn execute(&mut self, sql: &str, parameters: &[(Value, ColumnType)]) -> Result<u64, DbError>;

    /// Names of the columns that a statement yields; none for a statement that only changes something.
    ///
    /// # Errors
    /// [`DbError::Syntax`] when the database does not understand it.
    fn column_names(&mut self, sql: &str) -> Result<Vec<String>, DbError>;

    /// Runs a query with `?` parameters and hands every cell to `sink`, decoded by `columns`' types.
    ///
    /// # Errors
    /// [`DbError`] when the query fails or a stored value is not one of its column's type.
    fn query_cells(
        &mut self,
        sql: &str,
        parameters: &[(Value, ColumnType)],
        columns: &[(String, ColumnType)],
        sink: &mut dyn CellSink,
    ) -> Result<(), DbError>;

    /// As [`query_cells`](Self::query_cells), row by row.
    ///
    /// # Errors
    /// As for [`query_cells`](Self::query_cells).
    fn query(
        &mut self,
        sql: &str,
        parameters: &[(Value, ColumnType)],
        columns: &[(String, ColumnType)],
        sink: &mut RowSink<'_>,
    ) -> Result<(), DbError> {
        self.query_cells(sql, parameters, columns, &mut Rows::new(columns.len(), sink))
    }

    /// Closes the connection, after which every call fails. An open transaction is undone.
    fn close(&mut self);

    /// Records of unfinished work of this database, outside of any transaction: for SQLite in a directory a
    /// [`FileIntentLog`](crate::intent::FileIntentLog) in `<dir>/.lapjoint/intents`, in memory a
    /// [`MemoryIntentLog`](crate::intent::MemoryIntentLog).
    fn intents(&self) -> Arc<dyn IntentLog>;

    /// In the open transaction: whether `intent` is still on record as this session's. If so, no other session can undo it
    /// before the transaction ends. A session of a server may lose its connection, be taken for dead and go on: what it
    /// uploaded may then be gone.
    ///
    /// # Errors
    /// [`DbError`] when the record cannot be read.
    fn hold_intent(&mut self, intent: &Intent) -> Result<bool, DbError>;

    /// In the open transaction, until its end: keeps the objects of a schema that rows of several writers may share as they
    /// are (`exclusive` false: many may hold this at once), or keeps others from referring to them (`exclusive` true). What is
    /// read afterwards in a [`TransactionMode::Write`] is what the others left.
    ///
    /// # Errors
    /// [`DbError::Busy`] when others do not let go.
    fn lock_objects(&mut self, schema: &str, exclusive: bool) -> Result<(), DbError>;

    /// Identity of this connection for the records of unfinished work; unique among all processes.
    fn session(&self) -> &str;

    /// Whether the connection that calls itself `session` may still be at work.
    ///
    /// # Errors
    /// [`DbError`] when that cannot be found out.
    fn is_session_alive(&mut self, session: &str) -> Result<bool, DbError>;
}

/// The answer to a query for a user's name and a connection's number.
#[cfg(any(feature = "mysql", feature = "postgres"))]
pub(crate) fn read_who(adapter: &mut dyn Adapter, sql: &str) -> Result<(String, Option<i64>), DbError> {
    let native = |name: &str| (name.to_owned(), ColumnType::Native(String::new()));
    let mut found = (String::new(), None);
    adapter.query(sql, &[], &[native("user"), native("connection_id")], &mut |row| {
        if let [user, connection_id] = row.as_slice() {
            if let Value::Str(user) = user {
                found.0.clone_from(user);
            }
            found.1 = match connection_id {
                Value::Int(number) => Some(*number),
                _ => None,
            };
        }
        ControlFlow::Break(())
    })?;
    Ok(found)
}

/// Whole microseconds of a span of seconds.
#[cfg(any(feature = "mysql", feature = "postgres"))]
#[expect(clippy::cast_possible_truncation, reason = "a float becomes the nearest integer there is")]
pub(crate) fn micros(seconds: f64) -> i64 {
    (seconds * 1e6).round() as i64
}
