//! Statements: queries, decoded row by row, and changes.

use lapjoint_types::Value;
use rusqlite::{Connection, Statement};

use crate::cell::CellSink;
use crate::error::DbError;
use crate::schema::ColumnType;
use crate::sqlite::connection::Link;
use crate::sqlite::errors::{self, Place};
use crate::sqlite::{foreign, types};

fn bind(
    statement: &mut Statement<'_>,
    parameters: &[(Value, ColumnType)],
    place: &Place<'_>,
) -> Result<(), DbError> {
    let expected = statement.parameter_count();
    if expected != parameters.len() {
        return Err(DbError::Syntax {
            message: format!("the statement has {expected} parameters, {} were given", parameters.len()),
            sql: errors::shorten(place.sql),
        });
    }
    for (index, (value, ty)) in parameters.iter().enumerate() {
        let name = format!("parameter {index}");
        let value = types::canonical(value.clone(), ty, &name, None)?;
        let bound = types::bound(&value).ok_or_else(|| types::refused(&value, ty, &name, None))?;
        statement.raw_bind_parameter(index + 1, &bound).map_err(|error| errors::map(error, place))?;
    }
    Ok(())
}

/// Names of the columns that a statement yields.
pub(crate) fn column_names(connection: &Connection, sql: &str) -> Result<Vec<String>, DbError> {
    let statement = connection.prepare_cached(sql).map_err(|error| errors::map(error, &Place::sql(sql)))?;
    Ok(statement.column_names().map(str::to_owned).collect())
}

/// Runs a query and hands its cells to `sink`.
pub(crate) fn query(
    connection: &Connection,
    sql: &str,
    parameters: &[(Value, ColumnType)],
    columns: &[(String, ColumnType)],
    sink: &mut dyn CellSink,
) -> Result<(), DbError> {
    let place = Place::sql(sql);
    let failed = |error| errors::map(error, &place);
    let mut statement = connection.prepare_cached(sql).map_err(failed)?;
    bind(&mut statement, parameters, &place)?;
    if statement.column_count() < columns.len() && statement.readonly() {
        // With its first row SQLite finds that another connection has altered the table, and prepares the statement again.
        statement.raw_query().next().map_err(failed)?;
    }
    if statement.column_count() < columns.len() {
        return Err(DbError::Syntax {
            message: format!(
                "the statement yields {} columns, {} were asked for",
                statement.column_count(),
                columns.len()
            ),
            sql: errors::shorten(sql),
        });
    }
    let mut rows = statement.raw_query();
    while let Some(row) = rows.next().map_err(failed)? {
        for (index, (name, ty)) in columns.iter().enumerate() {
            sink.cell(index, types::cell(row.get_ref(index).map_err(failed)?, ty, name)?);
        }
        if sink.end_row().is_break() {
            break;
        }
    }
    Ok(())
}

/// Runs a statement; returns the number of rows changed.
pub(crate) fn execute(
    link: &mut Link,
    sql: &str,
    parameters: &[(Value, ColumnType)],
) -> Result<u64, DbError> {
    // A transaction of its own brings the triggers up to date first; a savepoint would add nothing to what SQLite
    // undoes of a single failed statement.
    let result = if link.in_transaction() || !changes_rows(sql) {
        execute_in(link.raw()?, sql, parameters)
    } else {
        link.write(|link| execute_in(link.raw()?, sql, parameters))
    };
    result.map_err(|error| with_children(link, sql, error))
}

fn changes_rows(sql: &str) -> bool {
    let word = sql.split_whitespace().next().unwrap_or("").to_ascii_lowercase();
    matches!(word.as_str(), "insert" | "update" | "delete" | "replace" | "with")
}

fn execute_in(
    connection: &Connection,
    sql: &str,
    parameters: &[(Value, ColumnType)],
) -> Result<u64, DbError> {
    let place = Place::sql(sql);
    let failed = |error| errors::map(error, &place);
    let mut statement = connection.prepare_cached(sql).map_err(failed)?;
    bind(&mut statement, parameters, &place)?;
    if statement.column_count() > 0 {
        // A PRAGMA, or RETURNING: run to its end without its rows.
        let mut rows = statement.raw_query();
        while rows.next().map_err(failed)?.is_some() {}
        drop(rows);
        return Ok(if statement.readonly() { 0 } else { connection.changes() });
    }
    let changed = statement.raw_execute().map_err(failed)?;
    Ok(if statement.readonly() { 0 } else { u64::try_from(changed).unwrap_or(0) })
}

/// A foreign key error of a DELETE or UPDATE that names the tables whose rows may be in the way.
fn with_children(link: &Link, sql: &str, error: DbError) -> DbError {
    let DbError::ForeignKey { table, row, detail } = error else { return error };
    let is_delete = sql.trim_start().get(..6).is_some_and(|verb| verb.eq_ignore_ascii_case("delete"));
    let detail = if is_delete && link.is_open(&table.schema) {
        match foreign::children(link, &table) {
            Ok(children) if !children.is_empty() => {
                let names: Vec<_> = children.iter().map(|(child, _)| child.to_string()).collect();
                format!("rows of {} refer to the row", names.join(" or "))
            }
            _ => detail,
        }
    } else {
        detail
    };
    DbError::ForeignKey { table, row, detail }
}
