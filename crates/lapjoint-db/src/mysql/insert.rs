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

/// Parameters up to which a prepared statement is kept for the next insert: the server holds something for each.
const KEPT_PARAMETERS: usize = 256;

/// Bytes of a row from which on it is held in memory only once.
const ONCE_BYTES: usize = 1 << 20;

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
    let mut rows = (0_u64..).zip(rows).peekable();
    if rows.peek().is_none() {
        return Ok(0);
    }
    let mode = if table.primary_key.is_empty() { InsertMode::Error } else { mode };
    // A second unique key would be taken for the primary key by the statement that skips or replaces.
    let one_by_one = mode != InsertMode::Error
        && catalog::index_parts(link, &table.id)?.iter().any(|part| part.unique && part.index != "PRIMARY");
    let target = Target { table, columns, is_mariadb: link.server().is_mariadb };
    let mut inserter = Inserter {
        place: Place { table: Some(table), ..link.place("") },
        limit_bytes: link.server().max_packet_bytes,
        replaces: mode == InsertMode::Replace && target.has_replaced(),
        target,
        targets: &targets,
        mode,
        one_by_one,
        waiting: None,
        full: None,
        count: 0,
    };
    let inserted = inserter.run(link, &mut rows);
    inserter.close(link);
    inserted.map(|()| inserter.count).map_err(|error| catalog::with_key_columns(link, error))
}

struct Inserter<'i> {
    place: Place<'i>,
    /// Largest packet that the server takes.
    limit_bytes: usize,
    target: Target<'i>,
    targets: &'i [&'i ColumnDef],
    mode: InsertMode,
    /// Whether existing rows change.
    replaces: bool,
    /// Whether a batch with a duplicate has to be done row by row.
    one_by_one: bool,
    /// The first row of the next batch, for which the last one had no room, and its bytes.
    waiting: Option<(u64, Vec<Wire>, usize)>,
    /// The statement for a full batch, and its rows.
    full: Option<(Statement, usize)>,
    count: u64,
}

/// What became of a batch.
enum Outcome {
    Done,
    /// A row of it was refused, so that each has to be looked at.
    RowByRow,
}

/// Rows to insert with one statement.
struct Batch {
    /// Number of the first row in the insert.
    first: u64,
    rows: usize,
    values: Vec<Wire>,
    bytes: usize,
}

/// Rows with their numbers.
type Rows<'r> = dyn Iterator<Item = (u64, Vec<Value>)> + 'r;

impl Inserter<'_> {
    fn run(&mut self, link: &mut Link, rows: &mut Rows<'_>) -> Result<(), DbError> {
        let Some(mut first) = self.collect(rows)? else { return Ok(()) };
        let mut next = self.collect(rows)?;
        if next.is_none() && link.in_transaction() {
            // A single statement undoes itself.
            return match self.execute_batch(link, &mut first)? {
                Outcome::Done => Ok(()),
                Outcome::RowByRow => link.write(|link| self.send_rows(link, &first)),
            };
        }
        link.write(|link| {
            self.send(link, &mut first)?;
            while let Some(batch) = &mut next {
                self.send(link, batch)?;
                next = self.collect(rows)?;
            }
            Ok(())
        })
    }

    /// The rows of the next statement.
    fn collect(&mut self, rows: &mut Rows<'_>) -> Result<Option<Batch>, DbError> {
        let width = self.targets.len().max(1);
        let limit_rows = BATCH_ROWS.min(MAX_PARAMETERS / width).max(1);
        let limit_bytes = BATCH_BYTES.min(self.limit_bytes.saturating_sub(OVERHEAD_BYTES));
        let mut batch: Option<Batch> = None;
        loop {
            let (number, values, bytes) = match self.waiting.take() {
                Some(waiting) => waiting,
                None => {
                    let Some((number, row)) = rows.next() else { return Ok(batch) };
                    let values = self.check_row(row, number)?;
                    let bytes = values.iter().map(sent_bytes).sum();
                    (number, values, bytes)
                }
            };
            match &mut batch {
                None => batch = Some(Batch { first: number, rows: 1, values, bytes }),
                Some(full) if full.bytes + bytes > limit_bytes => {
                    self.waiting = Some((number, values, bytes));
                    return Ok(batch);
                }
                Some(batch) => {
                    batch.values.extend(values);
                    batch.bytes += bytes;
                    batch.rows += 1;
                }
            }
            if batch.as_ref().is_some_and(|batch| batch.rows == limit_rows) {
                return Ok(batch);
            }
        }
    }

    /// Lets go of the statement for full batches, unless it is small or its connection is gone.
    fn close(&mut self, link: &mut Link) {
        if let Some((statement, rows)) = self.full.take()
            && rows * self.targets.len() > KEPT_PARAMETERS
            && let Some(conn) = link.connected()
            && conn.connection_id() == statement.connection_id()
        {
            // A connection on which this fails does not get further with the next statement.
            let _ = conn.close(statement);
        }
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
        let limit = self.limit_bytes;
        let mut wires = Vec::with_capacity(row.len());
        let mut bytes = OVERHEAD_BYTES;
        for (value, column) in row.into_iter().zip(self.targets) {
            let value = check_value(table, column, value, Some(number))?;
            let wire = types::wire(&value)
                .ok_or_else(|| types::refused(&value, &column.ty, &column.name, Some(number)))?;
            let own_bytes = sent_bytes(&wire);
            bytes = bytes.saturating_add(own_bytes);
            // A large value goes in packets of its own; a row of several must fit one.
            if own_bytes.saturating_add(OVERHEAD_BYTES) > limit
                || bytes > limit && bytes < LARGE_BYTES + 2 * OVERHEAD_BYTES
            {
                return Err(too_large(column, bytes, limit, number));
            }
            wires.push(wire);
        }
        Ok(wires)
    }

    /// Inserts a batch.
    fn send(&mut self, link: &mut Link, batch: &mut Batch) -> Result<(), DbError> {
        match self.execute_batch(link, batch)? {
            Outcome::Done => Ok(()),
            Outcome::RowByRow => self.send_rows(link, batch),
        }
    }

    fn execute_batch(&mut self, link: &mut Link, batch: &mut Batch) -> Result<Outcome, DbError> {
        // Where each row with a duplicate has to be looked at: most rows are new.
        let mode = if self.one_by_one { InsertMode::Error } else { self.mode };
        let sql = self.target.sql(mode, batch.rows);
        match self.execute(link, &sql, batch, true) {
            Ok(affected) => {
                // A replaced row counts twice to the server, or not at all.
                self.count += if self.replaces { count(batch.rows) } else { affected };
                Ok(Outcome::Done)
            }
            Err(error) if batch.rows == 1 && !self.one_by_one => Err(self.refused(link, error, &sql, batch)),
            Err(error) if self.is_about_a_row(&error) => Ok(Outcome::RowByRow),
            Err(error) => Err(link.failed(error, &self.place)),
        }
    }

    fn is_about_a_row(&self, error: &Error) -> bool {
        errors::code(error).is_some()
            && !errors::is_lost(error)
            && !matches!(
                errors::code(error),
                // Waits, missing tables and columns, missing rights: the same for every row.
                Some(
                    1020 | 1044 | 1045 | 1054 | 1064 | 1142 | 1143 | 1146 | 1205 | 1206 | 1213 | 1317 | 1792
                )
            )
    }

    /// Inserts the rows of a batch one by one, to name the one that is refused, or to skip or replace.
    fn send_rows(&mut self, link: &mut Link, batch: &Batch) -> Result<(), DbError> {
        let width = self.targets.len();
        let mode = if self.one_by_one { InsertMode::Error } else { self.mode };
        let sql = self.target.sql(mode, 1);
        for at in 0..batch.rows {
            let values = batch.values.get(at * width..(at + 1) * width).unwrap_or_default();
            let mut row =
                Batch { first: batch.first + count(at), rows: 1, values: values.to_vec(), bytes: 0 };
            match self.execute(link, &sql, &mut row, false) {
                Ok(affected) => self.count += if self.replaces { 1 } else { affected },
                Err(error) if self.one_by_one && errors::is_primary_key(&error) => {
                    if self.replaces {
                        self.replace(link, &row)?;
                        self.count += 1;
                    }
                }
                Err(error) => return Err(self.refused(link, error, &sql, &row)),
            }
        }
        Ok(())
    }

    /// Replaces the row that has the primary key of this one.
    fn replace(&self, link: &mut Link, row: &Batch) -> Result<(), DbError> {
        let Some((sql, order)) = self.target.update() else { return Ok(()) };
        let values = order.iter().filter_map(|at| row.values.get(*at).cloned()).collect();
        let sent = link.raw()?.exec_drop(&sql, Params::Positional(values));
        sent.map_err(|error| self.refused(link, error, &sql, row))
    }

    fn execute(
        &mut self,
        link: &mut Link,
        sql: &str,
        batch: &mut Batch,
        is_batch: bool,
    ) -> Result<u64, Error> {
        let Ok(conn) = link.raw() else {
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
        // A large row is not held twice for the sake of a message.
        let values = if batch.rows == 1 && batch.bytes > ONCE_BYTES && !self.one_by_one {
            std::mem::take(&mut batch.values)
        } else {
            batch.values.clone()
        };
        let parameters = if values.is_empty() { Params::Empty } else { Params::Positional(values) };
        let affected = conn.exec_iter(&statement, parameters).map(|result| result.affected_rows());
        let is_kept = batch.rows * self.targets.len() <= KEPT_PARAMETERS;
        if is_batch && self.full.is_none() && affected.is_ok() {
            self.full = Some((statement, batch.rows));
        } else if !is_kept && !affected.as_ref().is_err_and(errors::is_lost) {
            conn.close(statement)?;
        }
        affected
    }

    /// The error of one row.
    fn refused(&self, link: &mut Link, error: Error, sql: &str, row: &Batch) -> DbError {
        let place = Place { sql, row: Some(row.first), ..self.place };
        let conversion = errors::code(&error) == Some(NO_CONVERSION);
        let error = match link.failed(error, &place) {
            DbError::Value { reason, row: number, .. } if conversion => {
                self.unconvertible(link, row, reason, number)
            }
            other => other,
        };
        let DbError::ForeignKey { table, row: number, detail } = error else { return error };
        let missing = self.missing_parent(link, row);
        DbError::ForeignKey { table, row: number, detail: missing.unwrap_or(detail) }
    }

    /// The error of a text that its column's character set does not hold; MySQL does not say which.
    fn unconvertible(&self, link: &mut Link, row: &Batch, reason: String, number: Option<u64>) -> DbError {
        let sets = catalog::character_sets(link, &self.target.table.id).unwrap_or_default();
        let mut found = None;
        for (column, value) in self.targets.iter().zip(&row.values) {
            let Some(set) = sets.get(&column.name) else { continue };
            // A character that the set does not have becomes a question mark on the way.
            let sql = format!("SELECT CONVERT(CONVERT(? USING {set}) USING utf8mb4) COLLATE utf8mb4_bin = ?");
            let parameters = Params::Positional(vec![value.clone(), value.clone()]);
            let kept = link.raw().and_then(|conn| {
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
    fn missing_parent(&self, link: &mut Link, row: &Batch) -> Option<String> {
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
                link.raw().ok()?.exec_first(&sql, Params::Positional(values.clone())).ok()?;
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
