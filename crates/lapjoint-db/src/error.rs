//! What can go wrong in a database, in terms a caller can act on.

use crate::schema::TableId;

/// An error of a database adapter.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DbError {
    /// A row's key is already there.
    #[error("duplicate entry in {table} for ({}){}", columns.join(", "), row_text(*row))]
    Duplicate {
        /// Table.
        table: TableId,
        /// Columns of the violated key or unique index.
        columns: Vec<String>,
        /// Place of the row in the insert, from 0.
        row: Option<u64>,
    },
    /// A foreign key would be violated.
    #[error("foreign key violated in {table}{}: {detail}", row_text(*row))]
    ForeignKey {
        /// Table whose row was refused.
        table: TableId,
        /// Place of the row in the insert, from 0.
        row: Option<u64>,
        /// Which reference.
        detail: String,
    },
    /// A column needs a value.
    #[error("attribute `{column}` of {table} needs a value{}", row_text(*row))]
    MissingValue {
        /// Table.
        table: TableId,
        /// Column.
        column: String,
        /// Place of the row in the insert, from 0.
        row: Option<u64>,
    },
    /// A column's type cannot hold a value.
    #[error("attribute `{column}` of type {ty} cannot hold {value}{}: {reason}", row_text(*row))]
    Value {
        /// Column.
        column: String,
        /// Declared type.
        ty: String,
        /// The value, shortened, with its type.
        value: String,
        /// Why not, and what to do.
        reason: String,
        /// Place of the row in the insert, from 0.
        row: Option<u64>,
    },
    /// The database holds something that is no value of its column's type.
    #[error("attribute `{column}` of type {ty}: the database holds {found}")]
    Stored {
        /// Column.
        column: String,
        /// Declared type.
        ty: String,
        /// What was found.
        found: String,
    },
    /// There is no such table.
    #[error("table {0} does not exist")]
    MissingTable(String),
    /// There is no such schema.
    #[error("schema `{0}` does not exist")]
    MissingSchema(String),
    /// A statement names an attribute that is not there.
    #[error("attribute `{0}` is not found")]
    UnknownColumn(String),
    /// The database does not understand a statement.
    #[error("the database cannot parse the statement: {message}; statement: {sql}")]
    Syntax {
        /// Message of the database.
        message: String,
        /// Statement, shortened.
        sql: String,
    },
    /// Another connection holds the lock for too long.
    #[error("the database is locked by another connection: {0}")]
    Busy(String),
    /// A transaction was opened twice, or is not open.
    #[error("{0}")]
    Transaction(&'static str),
    /// A name cannot be used.
    #[error("`{name}` cannot be used as a name: {reason}")]
    Name {
        /// The name.
        name: String,
        /// Why not.
        reason: String,
    },
    /// The database file cannot be opened, read or written.
    #[error("{path}: {source}")]
    Io {
        /// File.
        path: String,
        /// Cause.
        source: std::io::Error,
    },
    /// No connection can be made.
    #[error("{product} at {address} cannot be reached: {message}")]
    Unreachable {
        /// Product.
        product: &'static str,
        /// Host and port, or socket; never a password.
        address: String,
        /// Cause, and what to check.
        message: String,
    },
    /// The connection broke. Outside of a transaction the next call opens it again.
    #[error("{product}: the connection was lost: {message}{}", outcome_text(*outcome_unknown))]
    Lost {
        /// Product.
        product: &'static str,
        /// Cause.
        message: String,
        /// Whether it broke during a commit, so that nobody knows whether the transaction was committed.
        outcome_unknown: bool,
    },
    /// The user may not do this.
    #[error("{product} denies access: {message}{}", statement_text(sql))]
    Access {
        /// Product.
        product: &'static str,
        /// Message of the database.
        message: String,
        /// Statement, shortened; empty when there was none.
        sql: String,
    },
    /// Any other error of the database.
    #[error("{product}: {message}{}", statement_text(sql))]
    Database {
        /// Product.
        product: &'static str,
        /// Message of the database.
        message: String,
        /// Statement, shortened; empty when there was none.
        sql: String,
    },
}

impl DbError {
    /// The same error of a batch whose first row has the number `first` in its insert.
    #[must_use]
    pub fn after_rows(self, first: u64) -> Self {
        self.renumbered(|row| row + first)
    }

    /// The same error of rows that have these numbers in their insert.
    #[must_use]
    pub fn with_numbers(self, numbers: &[u64]) -> Self {
        let number = |row| usize::try_from(row).ok().and_then(|row| numbers.get(row)).copied().unwrap_or(row);
        self.renumbered(number)
    }

    fn renumbered(mut self, number: impl Fn(u64) -> u64) -> Self {
        if let Self::Duplicate { row: Some(row), .. }
        | Self::ForeignKey { row: Some(row), .. }
        | Self::MissingValue { row: Some(row), .. }
        | Self::Value { row: Some(row), .. } = &mut self
        {
            *row = number(*row);
        }
        self
    }
}

fn row_text(row: Option<u64>) -> String {
    row.map(|row| format!(" (row {row})")).unwrap_or_default()
}

fn outcome_text(is_unknown: bool) -> &'static str {
    if is_unknown {
        "; it broke during the commit: whether the rows are there is not known, so look before you repeat it"
    } else {
        ""
    }
}

fn statement_text(sql: &str) -> String {
    if sql.is_empty() { String::new() } else { format!("; statement: {sql}") }
}
