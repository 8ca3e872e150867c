//! Statements in the database's own SQL.

use std::ops::ControlFlow;

use lapjoint_db::ColumnType;
use lapjoint_types::Value;

use crate::connection::Connection;
use crate::error::Error;

/// What a statement gave.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Statement {
    /// Names of the columns; none for a statement that only changes something.
    pub names: Vec<String>,
    /// Rows, with a value for each column as the database holds it.
    pub rows: Vec<Vec<Value>>,
    /// Number of rows given, or changed.
    pub count: u64,
}

impl Connection {
    /// Runs a statement of the database's SQL with `?` parameters.
    ///
    /// ```
    /// # use lapjoint::{Connection, Value};
    /// # let connection = Connection::in_memory()?;
    /// let found = connection.run_sql("SELECT 1 + ? AS sum", &[Value::Int(2)])?;
    /// assert_eq!((found.names, found.rows), (vec!["sum".to_owned()], vec![vec![Value::Int(3)]]));
    /// # Ok::<(), lapjoint::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Database`] when the database refuses it.
    pub fn run_sql(&self, sql: &str, parameters: &[Value]) -> Result<Statement, Error> {
        let any = || ColumnType::Native(String::new());
        let parameters: Vec<_> = parameters.iter().map(|value| (value.clone(), any())).collect();
        let mut guard = self.lock()?;
        let adapter = guard.adapter_mut();
        let names = adapter.column_names(sql)?;
        if names.is_empty() {
            let count = adapter.execute(sql, &parameters)?;
            drop(guard);
            // The statement may have changed a table.
            self.forget_tables();
            return Ok(Statement { names, rows: Vec::new(), count });
        }
        let columns: Vec<_> = names.iter().map(|name| (name.clone(), any())).collect();
        let mut rows = Vec::new();
        adapter.query(sql, &parameters, &columns, &mut |row| {
            rows.push(row);
            ControlFlow::Continue(())
        })?;
        let count = rows.len() as u64;
        Ok(Statement { names, rows, count })
    }
}
