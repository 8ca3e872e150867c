//! Inserts: a few rows as prepared statements sent together, many by COPY.

use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::task::Poll;

use lapjoint_types::Value;
use tokio_postgres::types::Type;
use tokio_postgres::{Client, Statement};

use crate::adapter::InsertMode;
use crate::check;
use crate::error::DbError;
use crate::postgres::connection::{Link, with_id};
use crate::postgres::errors::{Failure, Hitch, Place, shorten};
use crate::postgres::literal::{quote, quote_all, quote_table, text_literal};
use crate::postgres::parameters::{Encoded, encode};
use crate::postgres::server::behind;
use crate::postgres::{PRODUCT, copy, foreign, types};
use crate::schema::{ColumnDef, TableDef};

/// More rows than this are copied.
const FEW_ROWS: usize = 24;

/// Rows sent together where they cannot be copied.
const TOGETHER: usize = 256;

/// An insert, checked against its table.
pub(super) struct Plan<'p> {
    pub table: &'p TableDef,
    pub targets: Vec<&'p ColumnDef>,
    pub mode: InsertMode,
    is_key: Vec<bool>,
    needed: Option<&'p ColumnDef>,
    /// Place of the column that the server numbers where no value is given.
    numbered: Option<usize>,
}

/// Inserts all rows or none; returns how many were inserted or changed.
pub(crate) fn insert(
    link: &mut Link,
    table: &TableDef,
    columns: &[String],
    rows: &mut dyn Iterator<Item = Vec<Value>>,
    mode: InsertMode,
) -> Result<u64, DbError> {
    let plan = Plan::new(table, columns, mode)?;
    link.live()?;
    let mut rows = rows.enumerate().map(|(number, values)| plan.check(number, values));
    let limit = if plan.can_copy() { FEW_ROWS + 1 } else { TOGETHER };
    let first: Vec<_> = rows.by_ref().take(limit).collect::<Result<_, _>>()?;
    let inserted = if first.len() < limit {
        if first.is_empty() {
            return Ok(0);
        }
        match link.write_again(|link| plan.send(link, &first, 0)) {
            Err(_) if link.take_hitch() == Some(Hitch::Stale) => {
                link.server_mut()?.statements().clear();
                link.write_again(|link| plan.send(link, &first, 0))
            }
            other => other,
        }
    } else if plan.can_copy() {
        return copy::copy(link, &plan, first, &mut rows);
    } else {
        link.write(true, |link| {
            let mut sent = first;
            let (mut count, mut number) = (0, 0_u64);
            while !sent.is_empty() {
                count += plan.send(link, &sent, number)?;
                number += sent.len() as u64;
                sent = rows.by_ref().take(TOGETHER).collect::<Result<_, _>>()?;
            }
            Ok(count)
        })
    };
    inserted.map_err(|error| plan.explain(link, error))
}

impl<'p> Plan<'p> {
    fn new(table: &'p TableDef, columns: &[String], mode: InsertMode) -> Result<Self, DbError> {
        let targets = columns
            .iter()
            .map(|name| {
                let found = table.columns.iter().find(|column| column.name == *name);
                found.ok_or_else(|| DbError::UnknownColumn(name.clone()))
            })
            .collect::<Result<Vec<_>, _>>()?;
        let needed = table.columns.iter().find(|column| {
            !column.nullable
                && column.default.is_none()
                && !column.auto_increment
                && !targets.iter().any(|target| target.name == column.name)
        });
        Ok(Self {
            is_key: targets.iter().map(|column| table.primary_key.contains(&column.name)).collect(),
            numbered: targets.iter().position(|column| column.auto_increment),
            mode: if table.primary_key.is_empty() { InsertMode::Error } else { mode },
            table,
            targets,
            needed,
        })
    }

    /// COPY takes no rows of defaults, gives no number to a row, and cannot tell apart rows whose keys it is not given.
    fn can_copy(&self) -> bool {
        let keyed =
            self.table.primary_key.iter().all(|key| self.targets.iter().any(|column| column.name == *key));
        !self.targets.is_empty() && self.numbered.is_none() && (keyed || self.mode == InsertMode::Error)
    }

    /// The values of a row in the form that their columns have.
    fn check(&self, number: usize, values: Vec<Value>) -> Result<Vec<Value>, DbError> {
        let row = u64::try_from(number).ok();
        let missing = |column: &ColumnDef| DbError::MissingValue {
            table: self.table.id.clone(),
            column: column.name.clone(),
            row,
        };
        if let Some(column) = self.needed {
            return Err(missing(column));
        }
        if values.len() != self.targets.len() {
            return Err(DbError::Database {
                product: PRODUCT,
                message: format!(
                    "row {number} has {} values for {} columns",
                    values.len(),
                    self.targets.len()
                ),
                sql: shorten(&self.sql(true)),
            });
        }
        let mut checked = Vec::with_capacity(values.len());
        for ((value, column), is_key) in values.into_iter().zip(&self.targets).zip(&self.is_key) {
            if value.is_null() {
                if !column.nullable && !column.auto_increment {
                    return Err(missing(column));
                }
                checked.push(Value::Null);
                continue;
            }
            let value = types::canonical(value, &column.ty, &column.name, row)?;
            if *is_key {
                check::check_key(&value)
                    .map_err(|refusal| refusal.into_error(&column.name, &column.ty, row))?;
            }
            checked.push(value);
        }
        Ok(checked)
    }

    /// The statement for one row; without `with_number` the server numbers the row.
    pub(super) fn sql(&self, with_number: bool) -> String {
        let into = quote_table(&self.table.id);
        let numbered = if with_number { None } else { self.numbered };
        let names: Vec<_> = self
            .targets
            .iter()
            .enumerate()
            .filter(|(place, _)| Some(*place) != numbered)
            .map(|(_, column)| column.name.as_str())
            .collect();
        let sql = if names.is_empty() {
            format!("INSERT INTO {into} DEFAULT VALUES")
        } else {
            let places: Vec<_> = (1..=names.len()).map(|number| format!("${number}")).collect();
            format!("INSERT INTO {into} ({}) VALUES ({})", quote_all(&names), places.join(", "))
        };
        format!("{sql}{}", self.conflict())
    }

    /// What to do about a row that is there.
    pub(super) fn conflict(&self) -> String {
        if self.mode == InsertMode::Error {
            return String::new();
        }
        let assigned: Vec<_> = self
            .table
            .columns
            .iter()
            .filter(|column| !self.table.primary_key.contains(&column.name))
            .map(|column| format!("{0} = excluded.{0}", quote(&column.name)))
            .collect();
        let action = if self.mode == InsertMode::SkipDuplicates || assigned.is_empty() {
            "NOTHING".to_owned()
        } else {
            format!("UPDATE SET {}", assigned.join(", "))
        };
        format!(" ON CONFLICT ({}) DO {action}", quote_all(&self.table.primary_key))
    }

    /// Moves the numbers on behind one that was given, as other databases do.
    fn advance_sql(&self) -> Option<String> {
        let column = self.targets.get(self.numbered?)?;
        Some(format!(
            "SELECT pg_catalog.setval(s.sequence, $1::int8) FROM (SELECT \
             pg_catalog.pg_get_serial_sequence({}, {})::pg_catalog.regclass AS sequence) AS s \
             WHERE s.sequence IS NOT NULL AND pg_catalog.has_sequence_privilege(s.sequence, 'UPDATE') \
             AND $1::int8 > COALESCE(pg_catalog.pg_sequence_last_value(s.sequence), 0)",
            text_literal(&quote_table(&self.table.id)),
            text_literal(&column.name)
        ))
    }

    /// The kept statement of a text, prepared if need be.
    fn statement(&self, link: &mut Link, sql: &str) -> Result<Statement, DbError> {
        if let Some(statement) = link.server_mut()?.statements().get(sql) {
            return Ok(statement);
        }
        let prefix = link.prefix();
        let server = link.server()?;
        let client = server.client()?;
        let prepared = server.on(behind(client, prefix, async { Ok(client.prepare(sql).await?) }))?;
        let place = Place { sql, table: Some(self.table), row: None };
        let statement = prepared.map_err(|failure| link.fail(failure, &place))?;
        link.server_mut()?.statements().keep(sql.to_owned(), statement.clone());
        Ok(statement)
    }

    /// Types of the columns on the server.
    pub(super) fn column_types(&self, link: &mut Link) -> Result<Vec<Type>, DbError> {
        let sql = self.sql(true);
        Ok(self.statement(link, &sql)?.params().to_vec())
    }

    /// Sends one statement a row, all together; `first` is the number of the first row.
    fn send(&self, link: &mut Link, rows: &[Vec<Value>], first: u64) -> Result<u64, DbError> {
        let sql = self.sql(true);
        let statement = self.statement(link, &sql)?;
        let is_unnumbered =
            |row: &[Value]| self.numbered.and_then(|place| row.get(place)).is_some_and(Value::is_null);
        let unnumbered = match rows.iter().any(|row| is_unnumbered(row)) {
            true => Some(self.statement(link, &self.sql(false))?),
            false => None,
        };
        let advance = match self.advance_sql() {
            Some(sql) => Some(self.statement(link, &sql)?),
            None => None,
        };
        let mut sent = Vec::with_capacity(rows.len());
        for (values, row) in rows.iter().zip(first..) {
            let skipped = if is_unnumbered(values) { self.numbered } else { None };
            let encoded = self.encoded(&statement, values, skipped, row)?;
            let own = if skipped.is_some() { unnumbered.as_ref() } else { None };
            sent.push(Sent { statement: own.unwrap_or(&statement), values: encoded, row, counts: true });
            let number = self.numbered.and_then(|place| values.get(place)).filter(|number| !number.is_null());
            if let (Some(statement), Some(number)) = (&advance, number)
                && let Some(number) = encode(number, &Type::INT8)
            {
                sent.push(Sent { statement, values: vec![number], row, counts: false });
            }
        }
        let ask = link.wants_id();
        let prefix = link.prefix();
        let server = link.server()?;
        let client = server.client()?;
        let work = with_id(client, ask, async { Ok(together(client, sent).await) });
        let place = |row| Place { sql: &sql, table: Some(self.table), row };
        match server.on(behind(client, prefix, work))? {
            Ok((Ok(changed), id)) => {
                link.set_id(id);
                Ok(changed)
            }
            Ok((Err((row, failure)), _)) => Err(link.fail(failure, &place(Some(row)))),
            Err(failure) => Err(link.fail(failure, &place(None))),
        }
    }

    /// The values of a row as its statement takes them.
    fn encoded(
        &self,
        statement: &Statement,
        values: &[Value],
        skipped: Option<usize>,
        row: u64,
    ) -> Result<Vec<Encoded>, DbError> {
        let columns = values.iter().zip(statement.params()).zip(&self.targets).enumerate();
        columns
            .filter(|(place, _)| Some(*place) != skipped)
            .map(|(_, ((value, ty), column))| {
                encode(value, ty)
                    .ok_or_else(|| types::refused(value, &column.ty, &column.name, Some(row), ty.name()))
            })
            .collect()
    }

    /// An error that names the reference whose row is missing.
    pub(super) fn explain(&self, link: &mut Link, error: DbError) -> DbError {
        let DbError::ForeignKey { row, .. } = &error else { return error };
        let row = *row;
        match foreign::explain(link, "INSERT", error) {
            DbError::ForeignKey { detail, .. } => {
                DbError::ForeignKey { table: self.table.id.clone(), row, detail }
            }
            other => other,
        }
    }
}

/// One statement of several that are sent together.
struct Sent<'s> {
    statement: &'s Statement,
    values: Vec<Encoded>,
    /// Number of the row that it is for.
    row: u64,
    /// Whether what it changes is counted.
    counts: bool,
}

type Changed = Result<u64, tokio_postgres::Error>;

/// A statement that is sent.
struct Coming<'c> {
    answer: Pin<Box<dyn Future<Output = Changed> + Send + 'c>>,
    done: Option<Changed>,
    row: u64,
    counts: bool,
}

/// Sends all statements before the first answer is waited for; the number of rows changed, or the row that failed.
async fn together(client: &Client, sent: Vec<Sent<'_>>) -> Result<u64, (u64, Failure)> {
    let mut coming: Vec<Coming<'_>> = sent
        .into_iter()
        .map(|Sent { statement, values, row, counts }| Coming {
            answer: Box::pin(client.execute_raw(statement, values)),
            done: None,
            row,
            counts,
        })
        .collect();
    // A statement is sent when its answer is first asked for.
    poll_fn(|context| {
        for coming in &mut coming {
            if let Poll::Ready(result) = coming.answer.as_mut().poll(context) {
                coming.done = Some(result);
            }
        }
        Poll::Ready(())
    })
    .await;
    let mut changed = 0;
    let mut failed = None;
    for Coming { answer, done, row, counts } in coming {
        let result = match done {
            Some(result) => result,
            None => answer.await,
        };
        match result {
            Ok(count) if counts => changed += count,
            Ok(_) => {}
            // Those behind it fail because of it.
            Err(error) => failed = failed.or(Some((row, Failure::from(error)))),
        }
    }
    failed.map_or(Ok(changed), Err)
}
