//! Statements: queries, decoded row by row, and changes.

use std::borrow::Cow;
use std::time::{Duration, Instant};

use lapjoint_types::{CoreType, Value};
use mysql::prelude::{Protocol, Queryable};
use mysql::{Conn, Error, Params, QueryResult, Statement, Value as Wire};

use crate::adapter::TransactionMode;
use crate::cell::{Cell, CellSink};
use crate::error::DbError;
use crate::mysql::catalog;
use crate::mysql::connect;
use crate::mysql::connection::Link;
use crate::mysql::errors;
use crate::mysql::sql::{Effect, effect, for_driver, replace_places};
use crate::mysql::types::{self, Meta};
use crate::schema::ColumnType;

/// The server cannot prepare the statement.
const NOT_PREPARABLE: u16 = 1295;

/// The server lost its way with a prepared statement whose tables have changed.
const PREPARE_AGAIN: [u16; 2] = [1243, 1615];

/// A query was killed.
const INTERRUPTED: u16 = 1317;

/// How long the rest of a result is read that nobody wants, before the server is told to stop.
const PATIENCE: Duration = Duration::from_millis(50);

/// Name of the savepoint that tells whether a statement has committed the transaction.
const WITNESS: &str = "lapjoint_witness";

fn bind(parameters: &[(Value, ColumnType)]) -> Result<Vec<Wire>, DbError> {
    let mut bound = Vec::with_capacity(parameters.len());
    for (index, (value, ty)) in parameters.iter().enumerate() {
        let name = format!("parameter {index}");
        let value = types::canonical(value.clone(), ty, &name, None)?;
        bound.push(types::wire(&value).ok_or_else(|| types::refused(&value, ty, &name, None))?);
    }
    Ok(bound)
}

/// The statement with its documents read as such: MySQL takes a parameter for a text, and no document is equal to one.
fn with_documents<'s>(link: &Link, sql: &'s str, parameters: &[(Value, ColumnType)]) -> Cow<'s, str> {
    let is_document =
        |(value, ty): &(Value, ColumnType)| !value.is_null() && *ty == ColumnType::Core(CoreType::Json);
    if link.server().is_mariadb || !parameters.iter().any(is_document) {
        return Cow::Borrowed(sql);
    }
    let documents: Vec<bool> = parameters.iter().map(is_document).collect();
    Cow::Owned(replace_places(sql, |number| documents.get(number) == Some(&true), "CAST(? AS JSON)"))
}

fn params(values: Vec<Wire>) -> Params {
    if values.is_empty() { Params::Empty } else { Params::Positional(values) }
}

/// Prepares a statement; `None` for one that the server does not prepare.
pub(crate) fn prepare(conn: &mut Conn, sql: &str) -> Result<Option<Statement>, Error> {
    match conn.prep(for_driver(sql)) {
        Ok(statement) => Ok(Some(statement)),
        Err(error) if errors::code(&error) == Some(NOT_PREPARABLE) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Prepares and runs a statement; once more where the server has to prepare it again.
fn run_prepared<T>(
    conn: &mut Conn,
    statement: Statement,
    sql: &str,
    values: &[Wire],
    mut work: impl FnMut(&mut Conn, &Statement, Vec<Wire>) -> Result<T, Error>,
) -> Result<T, Error> {
    match work(conn, &statement, values.to_vec()) {
        Err(error) if errors::code(&error).is_some_and(|code| PREPARE_AGAIN.contains(&code)) => {
            conn.close(statement)?;
            let statement = conn.prep(for_driver(sql))?;
            work(conn, &statement, values.to_vec())
        }
        other => other,
    }
}

fn check_count(statement: &Statement, sql: &str, given: usize) -> Result<(), DbError> {
    let expected = usize::from(statement.num_params());
    if expected == given {
        return Ok(());
    }
    let message = format!("the statement has {expected} parameters, {given} were given");
    Err(DbError::Syntax { message, sql: errors::shorten(sql) })
}

/// Names of the columns that a statement yields.
pub(crate) fn column_names(link: &mut Link, sql: &str) -> Result<Vec<String>, DbError> {
    if matches!(effect(sql), Effect::Begin | Effect::Commit | Effect::Rollback) {
        return Ok(Vec::new());
    }
    let statement = link.repeatable(sql, |conn| prepare(conn, sql))?;
    let names = |columns: &[mysql::Column]| -> Vec<String> {
        columns.iter().map(|column| column.name_str().into_owned()).collect()
    };
    let found = statement.map_or_else(Vec::new, |statement| names(&statement.columns()));
    let shows = sql.trim_start().get(..4).is_some_and(|word| word.eq_ignore_ascii_case("show"));
    if !found.is_empty() || !shows {
        return Ok(found);
    }
    // MySQL says the columns of `SHOW CREATE TABLE` and its like only with their rows.
    link.repeatable(sql, |conn| {
        let result = conn.query_iter(sql)?;
        Ok(names(result.columns().as_ref()))
    })
}

/// Runs a query and hands its cells to `sink`.
pub(crate) fn query(
    link: &mut Link,
    sql: &str,
    parameters: &[(Value, ColumnType)],
    columns: &[(String, ColumnType)],
    sink: &mut dyn CellSink,
) -> Result<(), DbError> {
    link.live()?;
    let values = bind(parameters)?;
    let sql = &*with_documents(link, sql, parameters);
    // What returns rows and changes some, such as INSERT … RETURNING, must not be done twice.
    if effect(sql) != Effect::Read
        && !sql.trim_start().get(..4).is_some_and(|word| word.eq_ignore_ascii_case("with"))
    {
        return if link.in_transaction() {
            attempt(link, sql, &values, columns, sink, &mut false)
        } else {
            link.write(|link| attempt(link, sql, &values, columns, sink, &mut false))
        };
    }
    let may_repeat = link.options().reconnect && !link.in_transaction();
    let mut delivered = false;
    match attempt(link, sql, &values, columns, sink, &mut delivered) {
        Err(DbError::Lost { .. }) if may_repeat && !delivered => {
            attempt(link, sql, &values, columns, sink, &mut delivered)
        }
        other => other,
    }
}

fn attempt(
    link: &mut Link,
    sql: &str,
    values: &[Wire],
    columns: &[(String, ColumnType)],
    sink: &mut dyn CellSink,
    delivered: &mut bool,
) -> Result<(), DbError> {
    let options = link.options().clone();
    let prepared = prepare(link.raw()?, sql);
    let statement = prepared.map_err(|error| link.failed(error, &link.place(sql)))?;
    if let Some(statement) = &statement {
        check_count(statement, sql, values.len())?;
    }
    let conn = link.raw()?;
    let connection = conn.connection_id();
    let mut ended = Ok(End::All);
    let mut kill = || connect::kill_query(&options, connection);
    let sent = match statement {
        Some(statement) => run_prepared(conn, statement, sql, values, |conn, statement, values| {
            let result = conn.exec_iter(statement, params(values))?;
            ended = deliver(result, sql, columns, sink, delivered, &mut kill);
            Ok(())
        }),
        None => conn.query_iter(sql).map(|result| {
            ended = deliver(result, sql, columns, sink, delivered, &mut kill);
        }),
    };
    sent.map_err(|error| link.failed(error, &link.place(sql)))?;
    match ended {
        Ok(End::All) => Ok(()),
        Ok(End::Killed) => {
            calm(link);
            Ok(())
        }
        Err(Failure::Driver(error)) => Err(link.failed(error, &link.place(sql))),
        Err(Failure::Value(error, was_killed)) => {
            if was_killed {
                calm(link);
            }
            Err(error)
        }
    }
}

/// Takes back a kill that came after the end of what it was meant for, so that it does not hit the next statement.
fn calm(link: &mut Link) {
    if let Ok(conn) = link.raw() {
        for _ in 0..2 {
            match run_all(conn, "DO 0") {
                Err(error) if errors::code(&error) == Some(INTERRUPTED) => {}
                _ => break,
            }
        }
    }
}

/// How the reading of a result ended.
enum End {
    /// All of it was read.
    All,
    /// The server was told to stop.
    Killed,
}

enum Failure {
    Driver(Error),
    /// An error of ours, and whether the server was told to stop.
    Value(DbError, bool),
}

fn deliver<P: Protocol>(
    mut result: QueryResult<'_, '_, '_, P>,
    sql: &str,
    columns: &[(String, ColumnType)],
    sink: &mut dyn CellSink,
    delivered: &mut bool,
    kill: &mut dyn FnMut() -> Result<(), DbError>,
) -> Result<End, Failure> {
    let metas: Vec<Meta> = result.columns().as_ref().iter().map(Meta::of).collect();
    if metas.len() < columns.len() {
        let message =
            format!("the statement yields {} columns, {} were asked for", metas.len(), columns.len());
        return Err(Failure::Value(DbError::Syntax { message, sql: errors::shorten(sql) }, false));
    }
    while let Some(row) = result.next() {
        let row = row.map_err(Failure::Driver)?;
        let mut failed = None;
        for (index, (stored, meta)) in row.unwrap_raw().into_iter().zip(&metas).enumerate() {
            let Some((name, ty)) = columns.get(index) else { break };
            let stored = stored.unwrap_or(Wire::NULL);
            if let Some(cell) = types::lent(&stored, ty) {
                sink.cell(index, cell);
                continue;
            }
            match types::decode(stored, ty, *meta, name) {
                Ok(value) => sink.cell(index, Cell::Value(value)),
                Err(error) => {
                    failed = Some(error);
                    break;
                }
            }
        }
        if let Some(error) = failed {
            let was_killed = matches!(stop(result, kill), Ok(End::Killed));
            return Err(Failure::Value(error, was_killed));
        }
        *delivered = true;
        if sink.end_row().is_break() {
            return stop(result, kill);
        }
    }
    Ok(End::All)
}

/// Ends a result whose other rows nobody wants. MySQL sends all of them; after a short while the server is told to stop by
/// way of another connection, which leaves an open transaction as it is.
fn stop<P: Protocol>(
    mut result: QueryResult<'_, '_, '_, P>,
    kill: &mut dyn FnMut() -> Result<(), DbError>,
) -> Result<End, Failure> {
    let deadline = Instant::now() + PATIENCE;
    while let Some(row) = result.next() {
        row.map_err(Failure::Driver)?;
        if Instant::now() < deadline {
            continue;
        }
        if kill().is_err() {
            // Without another connection the rest has to be read.
            drop(result);
            return Ok(End::All);
        }
        for row in result.by_ref() {
            match row {
                Err(error) if errors::code(&error) == Some(INTERRUPTED) => break,
                Err(error) => return Err(Failure::Driver(error)),
                Ok(_) => {}
            }
        }
        return Ok(End::Killed);
    }
    Ok(End::All)
}

/// Runs a statement; returns the number of rows changed.
pub(crate) fn execute(
    link: &mut Link,
    sql: &str,
    parameters: &[(Value, ColumnType)],
) -> Result<u64, DbError> {
    link.live()?;
    let values = bind(parameters)?;
    let sql = &*with_documents(link, sql, parameters);
    let result = match effect(sql) {
        Effect::Begin => return link.begin(TransactionMode::User).map(|()| 0),
        Effect::Commit => return if link.in_transaction() { link.commit().map(|()| 0) } else { Ok(0) },
        Effect::Rollback => return if link.in_transaction() { link.rollback().map(|()| 0) } else { Ok(0) },
        Effect::Read => execute_in(link, sql, &values),
        // A single statement that fails inside of a transaction undoes itself.
        Effect::Change if link.in_transaction() => execute_in(link, sql, &values),
        Effect::Change => link.write(|link| execute_in(link, sql, &values)),
        Effect::Other if link.in_transaction() => execute_watched(link, sql, &values),
        Effect::Other => {
            link.wake()?;
            execute_in(link, sql, &values)
        }
    };
    result.map_err(|error| catalog::with_key_columns(link, error))
}

/// Runs a statement that may commit the open transaction by itself, and takes note if it has.
fn execute_watched(link: &mut Link, sql: &str, values: &[Wire]) -> Result<u64, DbError> {
    link.run(&format!("SAVEPOINT {WITNESS}"))?;
    let result = execute_in(link, sql, values);
    if !link.in_transaction() {
        return result;
    }
    let release = format!("RELEASE SAVEPOINT {WITNESS}");
    match run_all(link.raw()?, &release) {
        Ok(()) => result,
        Err(error) if errors::is_lost(&error) => Err(link.failed(error, &link.place(&release))),
        Err(_) => {
            link.transaction_ended();
            result.and(Err(DbError::Transaction(
                "the statement was done, and MySQL has committed the open transaction with it, as it does with statements that \
                 define something; run such statements outside of a transaction",
            )))
        }
    }
}

fn execute_in(link: &mut Link, sql: &str, values: &[Wire]) -> Result<u64, DbError> {
    let prepared = prepare(link.raw()?, sql);
    let statement = prepared.map_err(|error| link.failed(error, &link.place(sql)))?;
    let conn = link.raw()?;
    let result = match statement {
        Some(statement) => {
            check_count(&statement, sql, values.len())?;
            run_prepared(conn, statement, sql, values, |conn, statement, values| {
                conn.exec_iter(statement, params(values)).and_then(changed)
            })
        }
        None => conn.query_iter(sql).and_then(changed),
    };
    result.map_err(|error| link.failed(error, &link.place(sql)))
}

/// Rows that a statement has changed. Of an UPDATE these are the rows that it found: MySQL does not count a row that already
/// was as it is to be, but says in words how many there were.
fn changed<P: Protocol>(result: QueryResult<'_, '_, '_, P>) -> Result<u64, Error> {
    let count = result
        .info_str()
        .strip_prefix("Rows matched: ")
        .and_then(|rest| rest.split_whitespace().next()?.parse().ok())
        .unwrap_or_else(|| result.affected_rows());
    to_the_end(result)?;
    Ok(count)
}

/// Reads a result to its end. Dropped, it would keep its errors to itself.
fn to_the_end<P: Protocol>(mut result: QueryResult<'_, '_, '_, P>) -> Result<(), Error> {
    while let Some(set) = result.iter() {
        for row in set {
            row?;
        }
    }
    Ok(())
}

/// Runs statements of ours that have no parameters and no result.
pub(crate) fn run_all(conn: &mut Conn, sql: &str) -> Result<(), Error> {
    to_the_end(conn.query_iter(sql)?)
}
