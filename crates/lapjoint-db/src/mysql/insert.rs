//! Bulk insert: statements of many rows, prepared once and sized to what the server takes.

use lapjoint_types::Value;
use mysql::prelude::Queryable;
use mysql::{Error, Params, Statement, Value as Wire};

use crate::adapter::InsertMode;
use crate::check;
use crate::error::DbError;
use crate::mysql::catalog;
use crate::mysql::connection::Link;
use crate::mysql::ddl;
use crate::mysql::errors::{self, Place};
use crate::mysql::types;
use crate::schema::{ColumnDef, TableDef};
use text::Target;

mod text;

/// Rows in one statement.
const BATCH_ROWS: usize = 1000;

/// Largest number of parameters of a statement.
pub(crate) const MAX_PARAMETERS: usize = 65_535;

/// Bytes in one statement, unless a single row has more.
const BATCH_BYTES: usize = 4 << 20;

/// Rows up to which a prepared statement is kept for the next insert: the server holds something for every parameter.
const KEPT_ROWS: usize = 4;

/// MySQL's error of a parameter that it cannot convert to a column's character set.
const NO_CONVERSION: u16 = 3988;

/// Bytes of a packet beside the values: its head, the kinds of the parameters, the statement's number.
const OVERHEAD_BYTES: usize = 1024;

/// Inserts all rows or none; returns how many were inserted or changed.
pub(crate) fn insert(
    link: &mut Link,
    table: &TableDef,
    columns: &[String],
    rows: &mut dyn Iterator<Item = Vec<Value>>,
    mode: InsertMode,
) -> Result<u64, DbError> {
    link.live()?;
    let targets = columns
        .iter()
        .map(|name| {
            table
                .columns
                .iter()
                .find(|column| column.name == *name)
                .ok_or_else(|| DbError::UnknownColumn(name.clone()))
        })
        .collect::<Result<Vec<_>, _>>()?;
    ddl::check_id(&table.id)?;
    let mut rows = rows.peekable();
    if rows.peek().is_none() {
        return Ok(0);
    }
    let mode = if table.primary_key.is_empty() { InsertMode::Error } else { mode };
    link.write(|link| {
        // A second unique key would be taken for the primary key by the statement that skips or replaces.
        let one_by_one = mode != InsertMode::Error
            && catalog::index_parts(link, &table.id)?
                .iter()
                .any(|part| part.unique && part.index != "PRIMARY");
        let target = Target { table, columns, is_mariadb: link.server().is_mariadb };
        let inserted = Inserter {
            place: Place { table: Some(table), ..link.place("") },
            replaces: mode == InsertMode::Replace && target.has_replaced(),
            target,
            link,
            targets: &targets,
            mode,
            one_by_one,
            full: None,
            count: 0,
        }
        .run(&mut rows);
        inserted.map_err(|error| catalog::with_key_columns(link, error))
    })
}

struct Inserter<'i> {
    link: &'i mut Link,
    place: Place<'i>,
    target: Target<'i>,
    targets: &'i [&'i ColumnDef],
    mode: InsertMode,
    /// Whether existing rows change.
    replaces: bool,
    /// Whether a batch with a duplicate has to be done row by row.
    one_by_one: bool,
    /// The statement for a full batch, and its rows.
    full: Option<(Statement, usize)>,
    count: u64,
}

/// Rows to insert with one statement.
struct Batch {
    /// Number of the first row in the insert.
    first: u64,
    rows: usize,
    values: Vec<Wire>,
    bytes: usize,
}

impl Inserter<'_> {
    fn run(mut self, rows: &mut dyn Iterator<Item = Vec<Value>>) -> Result<u64, DbError> {
        let width = self.targets.len().max(1);
        let limit_rows = BATCH_ROWS.min(MAX_PARAMETERS / width).max(1);
        let limit_bytes = BATCH_BYTES.min(self.link.server().max_packet_bytes.saturating_sub(OVERHEAD_BYTES));
        let mut batch = Batch { first: 0, rows: 0, values: Vec::with_capacity(limit_rows * width), bytes: 0 };
        for (number, row) in (0_u64..).zip(rows) {
            let values = self.check_row(row, number)?;
            let bytes: usize = values.iter().map(sent_bytes).sum();
            if batch.rows > 0 && batch.bytes + bytes > limit_bytes {
                self.send(&batch)?;
                batch = Batch { first: number, rows: 0, values: Vec::new(), bytes: 0 };
            }
            batch.values.extend(values);
            batch.bytes += bytes;
            batch.rows += 1;
            if batch.rows == limit_rows {
                self.send(&batch)?;
                batch.values.clear();
                batch.first = number + 1;
                batch.rows = 0;
                batch.bytes = 0;
            }
        }
        if batch.rows > 0 {
            self.send(&batch)?;
        }
        if let Some((statement, rows)) = self.full.take()
            && rows > KEPT_ROWS
        {
            let closed = self.link.raw()?.close(statement);
            closed.map_err(|error| self.link.failed(error, &self.place))?;
        }
        Ok(self.count)
    }

    fn check_row(&self, row: Vec<Value>, number: u64) -> Result<Vec<Wire>, DbError> {
        let table = self.target.table;
        if let Some(column) = needed(table, self.targets) {
            let column = column.name.clone();
            return Err(DbError::MissingValue { table: table.id.clone(), column, row: Some(number) });
        }
        if row.len() != self.targets.len() {
            let message = format!("row {number} has {} values for {} columns", row.len(), self.targets.len());
            return Err(errors::database(&message, &self.place));
        }
        let limit = self.link.server().max_packet_bytes;
        let mut wires = Vec::with_capacity(row.len());
        let mut bytes = OVERHEAD_BYTES;
        for (value, column) in row.into_iter().zip(self.targets) {
            let value = check_value(table, column, value, Some(number))?;
            let wire = types::wire(&value)
                .ok_or_else(|| types::refused(&value, &column.ty, &column.name, Some(number)))?;
            let own_bytes = sent_bytes(&wire);
            bytes = bytes.saturating_add(own_bytes);
            // A large value goes in packets of its own; a row of several must fit one.
            if own_bytes.saturating_add(OVERHEAD_BYTES) > limit || bytes > limit && bytes < LARGE_BYTES {
                return Err(too_large(column, bytes, limit, number));
            }
            wires.push(wire);
        }
        Ok(wires)
    }

    /// Inserts a batch.
    fn send(&mut self, batch: &Batch) -> Result<(), DbError> {
        let sent = if self.one_by_one {
            // Most rows are new; only where one is not, each is looked at.
            self.execute(&self.target.plain(batch.rows), batch, true)
        } else {
            self.execute(&self.target.sql(self.mode, batch.rows), batch, true)
        };
        match sent {
            Ok(affected) => {
                // A replaced row counts twice to the server, or not at all.
                self.count += if self.replaces { count(batch.rows) } else { affected };
                Ok(())
            }
            Err(error) if errors::code(&error).is_none() || !self.is_about_a_row(&error) => {
                Err(self.link.failed(error, &self.place))
            }
            Err(_) => self.send_rows(batch),
        }
    }

    fn is_about_a_row(&self, error: &Error) -> bool {
        !errors::is_lost(error)
            && !matches!(
                errors::code(error),
                // Waits, missing tables and columns, missing rights: the same for every row.
                Some(
                    1020 | 1044 | 1045 | 1054 | 1064 | 1142 | 1143 | 1146 | 1205 | 1206 | 1213 | 1317 | 1792
                )
            )
    }

    /// Inserts the rows of a batch one by one, to name the one that is refused, or to skip or replace.
    fn send_rows(&mut self, batch: &Batch) -> Result<(), DbError> {
        let width = self.targets.len();
        let sql = if self.one_by_one { self.target.plain(1) } else { self.target.sql(self.mode, 1) };
        for at in 0..batch.rows {
            let values = batch.values.get(at * width..(at + 1) * width).unwrap_or_default();
            let row = Batch { first: batch.first + count(at), rows: 1, values: values.to_vec(), bytes: 0 };
            match self.execute(&sql, &row, false) {
                Ok(affected) => self.count += if self.replaces { 1 } else { affected },
                Err(error) if self.one_by_one && errors::is_primary_key(&error) => {
                    if self.replaces {
                        self.replace(&row)?;
                        self.count += 1;
                    }
                }
                Err(error) => return Err(self.refused(error, &sql, &row)),
            }
        }
        Ok(())
    }

    /// Replaces the row that has the primary key of this one.
    fn replace(&mut self, row: &Batch) -> Result<(), DbError> {
        let Some((sql, order)) = self.target.update() else { return Ok(()) };
        let values = order.iter().filter_map(|at| row.values.get(*at).cloned()).collect();
        let sent = self.link.raw()?.exec_drop(&sql, Params::Positional(values));
        sent.map_err(|error| self.refused(error, &sql, row))
    }

    fn execute(&mut self, sql: &str, batch: &Batch, is_batch: bool) -> Result<u64, Error> {
        let Ok(conn) = self.link.raw() else {
            return Err(Error::IoError(std::io::ErrorKind::NotConnected.into()));
        };
        let kept = match self.full.take() {
            Some((statement, rows)) if is_batch && rows == batch.rows => Some(statement),
            other => {
                self.full = other;
                None
            }
        };
        let statement = match kept {
            Some(statement) => statement,
            None => conn.prep(sql)?,
        };
        let values = batch.values.clone();
        let parameters = if values.is_empty() { Params::Empty } else { Params::Positional(values) };
        let affected = conn.exec_iter(&statement, parameters).map(|result| result.affected_rows());
        let repeats = is_batch && self.full.is_none() && affected.is_ok();
        if repeats {
            self.full = Some((statement, batch.rows));
        } else if batch.rows > KEPT_ROWS && !affected.as_ref().is_err_and(errors::is_lost) {
            conn.close(statement)?;
        }
        affected
    }

    /// The error of one row.
    fn refused(&mut self, error: Error, sql: &str, row: &Batch) -> DbError {
        let place = Place { sql, row: Some(row.first), ..self.place };
        let conversion = errors::code(&error) == Some(NO_CONVERSION);
        let error = match self.link.failed(error, &place) {
            DbError::Value { reason, row: number, .. } if conversion => {
                self.unconvertible(row, reason, number)
            }
            other => other,
        };
        let DbError::ForeignKey { table, row: number, detail } = error else { return error };
        let missing = self.missing_parent(row);
        DbError::ForeignKey { table, row: number, detail: missing.unwrap_or(detail) }
    }

    /// The error of a text that its column's character set does not hold; MySQL does not say which.
    fn unconvertible(&mut self, row: &Batch, reason: String, number: Option<u64>) -> DbError {
        let sets = catalog::character_sets(self.link, &self.target.table.id).unwrap_or_default();
        let mut found = None;
        for (column, value) in self.targets.iter().zip(&row.values) {
            let Some(set) = sets.get(&column.name) else { continue };
            // A character that the set does not have becomes a question mark on the way.
            let sql = format!("SELECT CONVERT(CONVERT(? USING {set}) USING utf8mb4) COLLATE utf8mb4_bin = ?");
            let parameters = Params::Positional(vec![value.clone(), value.clone()]);
            let kept = self.link.raw().and_then(|conn| {
                conn.exec_first::<Option<u8>, _, _>(&sql, parameters)
                    .map_err(|error| errors::map(error, &Place::sql(self.place.product, "")))
            });
            if !matches!(kept, Ok(Some(Some(1)))) {
                found = Some(*column);
                break;
            }
        }
        DbError::Value {
            column: found.map(|column| column.name.clone()).unwrap_or_default(),
            ty: found.map_or_else(|| "text".to_owned(), |column| column.ty.to_string()),
            value: "the value".to_owned(),
            reason,
            row: number,
        }
    }

    /// Which reference of a refused row has no parent: the first whose parent is not there.
    fn missing_parent(&mut self, row: &Batch) -> Option<String> {
        for key in &self.target.table.foreign_keys {
            let value_of = |name: &String| {
                let at = self.targets.iter().position(|column| column.name == *name)?;
                row.values.get(at).cloned()
            };
            let values: Vec<Wire> = key.columns.iter().map(value_of).collect::<Option<_>>()?;
            if values.iter().any(|value| matches!(value, Wire::NULL)) {
                continue;
            }
            let sql = text::parent(key);
            let found: Option<u64> =
                self.link.raw().ok()?.exec_first(&sql, Params::Positional(values.clone())).ok()?;
            if found == Some(0) {
                return Some(text::no_parent(key, &values));
            }
        }
        None
    }
}

/// Size from which the driver sends texts and bytes in packets of their own.
const LARGE_BYTES: usize = 0xff_ffff;

fn too_large(column: &ColumnDef, bytes: usize, limit: usize, row: u64) -> DbError {
    DbError::Value {
        column: column.name.clone(),
        ty: column.ty.to_string(),
        value: format!("{bytes} bytes"),
        reason: format!(
            "the server takes {limit} bytes at a time; store the attribute with `@` in an object store, or raise the \
             server's max_allowed_packet"
        ),
        row: Some(row),
    }
}

fn sent_bytes(value: &Wire) -> usize {
    usize::try_from(value.bin_len()).unwrap_or(usize::MAX).saturating_add(2)
}

fn count(number: usize) -> u64 {
    u64::try_from(number).unwrap_or(u64::MAX)
}

/// A column that every row has to name.
fn needed<'t>(table: &'t TableDef, targets: &[&ColumnDef]) -> Option<&'t ColumnDef> {
    table.columns.iter().find(|column| {
        !column.nullable
            && column.default.is_none()
            && !column.auto_increment
            && !targets.iter().any(|target| target.name == column.name)
    })
}

fn check_value(
    table: &TableDef,
    column: &ColumnDef,
    value: Value,
    row: Option<u64>,
) -> Result<Value, DbError> {
    if value.is_null() {
        if column.nullable || column.auto_increment {
            return Ok(Value::Null);
        }
        let column = column.name.clone();
        return Err(DbError::MissingValue { table: table.id.clone(), column, row });
    }
    let value = types::canonical(value, &column.ty, &column.name, row)?;
    if table.primary_key.contains(&column.name) {
        check::check_key(&value).map_err(|refusal| refusal.into_error(&column.name, &column.ty, row))?;
    }
    Ok(value)
}
