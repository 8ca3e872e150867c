//! Statements on the row of one job, or on all.

use std::time::Duration;

use lapjoint_db::{ColumnType, DbError};
use lapjoint_types::Value;

use crate::error::Error;
use crate::jobs::Jobs;
use crate::row::Row;

/// How often a statement is repeated that another connection's stood in the way of.
const ATTEMPTS: u32 = 20;

/// Columns and what they are set to.
pub(super) enum To {
    /// A value for a parameter.
    Value(Value),
    /// The database's time.
    Now,
    /// The database's time, so many seconds later.
    Later(f64),
}

impl<V: Into<Value>> From<V> for To {
    fn from(value: V) -> Self {
        Self::Value(value.into())
    }
}

/// SQL text with its parameters.
#[derive(Default, Clone)]
pub(super) struct Sql {
    pub text: String,
    pub parameters: Vec<(Value, ColumnType)>,
}

impl Jobs {
    /// `key` by the names of the jobs' key; an error for one that is not whole.
    pub(super) fn key_of(&self, key: &Row) -> Result<Row, Error> {
        let names = &self.bound.def.primary_key;
        let missing: Vec<&str> =
            names.iter().map(String::as_str).filter(|name| key.value(name).is_none()).collect();
        if !missing.is_empty() {
            return Err(Error::usage(format!(
                "a job of {} is known by its whole key; {key} lacks {}",
                self.target.id(),
                missing.join(", ")
            )));
        }
        Ok(key.project(names.iter().map(String::as_str)))
    }

    fn column_type(&self, name: &str) -> ColumnType {
        let attribute = self.bound.heading.all().iter().find(|attribute| attribute.name == name);
        attribute.map_or_else(|| ColumnType::Native(String::new()), |attribute| attribute.column.clone())
    }

    /// `UPDATE … SET …`, without a condition.
    pub(super) fn update_sql(&self, set: Vec<(&str, To)>) -> Result<Sql, Error> {
        let guard = self.connection().lock()?;
        let adapter = guard.adapter();
        let mut sql = Sql::default();
        let mut list = Vec::with_capacity(set.len());
        for (name, to) in set {
            let quoted = adapter.quote(name);
            list.push(match to {
                To::Value(value) => {
                    sql.parameters.push((value, self.column_type(name)));
                    format!("{quoted} = ?")
                }
                To::Now => format!("{quoted} = {}", adapter.clock_sql(0.0)),
                To::Later(seconds) => format!("{quoted} = {}", adapter.clock_sql(seconds)),
            });
        }
        sql.text = format!("UPDATE {} SET {}", adapter.quote_table(&self.bound.def.id), list.join(", "));
        Ok(sql)
    }

    /// `DELETE`, without a condition.
    pub(super) fn delete_sql(&self) -> Result<Sql, Error> {
        let guard = self.connection().lock()?;
        let text = format!("DELETE FROM {}", guard.adapter().quote_table(&self.bound.def.id));
        Ok(Sql { text, parameters: Vec::new() })
    }

    /// Adds the condition on the row of a key.
    pub(super) fn of_key(&self, mut sql: Sql, key: &Row) -> Result<Sql, Error> {
        let guard = self.connection().lock()?;
        let mut joint = " WHERE ";
        for (name, value) in key.iter() {
            sql.text.push_str(&format!("{joint}{} = ?", guard.adapter().quote(name)));
            sql.parameters.push((value.clone(), self.column_type(name)));
            joint = " AND ";
        }
        Ok(sql)
    }

    /// Adds a condition on a column.
    pub(super) fn and_equal(&self, mut sql: Sql, name: &str, value: impl Into<Value>) -> Result<Sql, Error> {
        let guard = self.connection().lock()?;
        sql.text.push_str(&format!(" AND {} = ?", guard.adapter().quote(name)));
        sql.parameters.push((value.into(), self.column_type(name)));
        Ok(sql)
    }

    /// Runs a statement; the number of rows changed. Outside of a transaction it is repeated where another connection's was in the
    /// way.
    pub(super) fn run(&self, sql: &Sql) -> Result<u64, Error> {
        let is_repeatable = !self.connection().in_transaction()?;
        patiently(is_repeatable, || {
            let mut guard = self.connection().lock()?;
            guard.adapter_mut().execute(&sql.text, &sql.parameters).map_err(Error::db(&self.bound.def.id))
        })
    }
}

/// Runs `work`, and again while the database says that it is busy with another connection.
pub(crate) fn patiently<T>(
    is_repeatable: bool,
    mut work: impl FnMut() -> Result<T, Error>,
) -> Result<T, Error> {
    let mut attempt = 0;
    loop {
        let result = work();
        let is_busy =
            matches!(&result, Err(Error::Database { source, .. }) if matches!(**source, DbError::Busy(_)));
        if !is_busy || !is_repeatable || attempt == ATTEMPTS {
            return result;
        }
        attempt += 1;
        // Processes wait for different times, so that one of them goes first.
        let spread = std::process::id().wrapping_mul(7).wrapping_add(attempt * 13) % 40;
        std::thread::sleep(Duration::from_millis(u64::from(5 + spread)));
    }
}
