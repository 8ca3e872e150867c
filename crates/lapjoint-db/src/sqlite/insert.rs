//! Bulk insert.

use lapjoint_types::Value;
use rusqlite::{Connection, ToSql};

use crate::adapter::InsertMode;
use crate::check;
use crate::error::DbError;
use crate::schema::{ColumnDef, TableDef};
use crate::sqlite::connection::Link;
use crate::sqlite::errors::{self, Place};
use crate::sqlite::foreign;
use crate::sqlite::literal::{quote, quote_all, quote_table};
use crate::sqlite::types;

/// Inserts all rows or none; returns how many were inserted or changed.
pub(crate) fn insert(
    link: &mut Link,
    table: &TableDef,
    columns: &[String],
    rows: &mut dyn Iterator<Item = Vec<Value>>,
    mode: InsertMode,
) -> Result<u64, DbError> {
    link.require_schema(&table.id.schema)?;
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
    let sql = insert_sql(table, columns, mode);
    link.write(|link| insert_rows(link.raw()?, table, &targets, rows, &sql))
}

fn insert_sql(table: &TableDef, columns: &[String], mode: InsertMode) -> String {
    let into = quote_table(&table.id.schema, &table.id.table);
    let mut sql = if columns.is_empty() {
        format!("INSERT INTO {into} DEFAULT VALUES")
    } else {
        let places = vec!["?"; columns.len()].join(", ");
        format!("INSERT INTO {into} ({}) VALUES ({places})", quote_all(columns))
    };
    // DEFAULT VALUES takes no ON CONFLICT clause; a row of defaults is then refused like any other.
    if mode == InsertMode::Error || table.primary_key.is_empty() || columns.is_empty() {
        return sql;
    }
    sql.push_str(&format!(" ON CONFLICT ({})", quote_all(&table.primary_key)));
    let assigned: Vec<_> = table
        .columns
        .iter()
        .filter(|column| !table.primary_key.contains(&column.name))
        .map(|column| format!("{0} = excluded.{0}", quote(&column.name)))
        .collect();
    if mode == InsertMode::SkipDuplicates || assigned.is_empty() {
        sql.push_str(" DO NOTHING");
    } else {
        sql.push_str(&format!(" DO UPDATE SET {}", assigned.join(", ")));
    }
    sql
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

fn insert_rows(
    connection: &Connection,
    table: &TableDef,
    targets: &[&ColumnDef],
    rows: &mut dyn Iterator<Item = Vec<Value>>,
    sql: &str,
) -> Result<u64, DbError> {
    let place = |row| Place { sql, table: Some(table), row };
    let mut statement = connection.prepare_cached(sql).map_err(|error| errors::map(error, &place(None)))?;
    let is_key: Vec<bool> = targets.iter().map(|column| table.primary_key.contains(&column.name)).collect();
    let needed = needed(table, targets);
    let mut count = 0_u64;
    for (number, values) in rows.enumerate() {
        let row = u64::try_from(number).ok();
        // SQLite would number a missing integer key by itself.
        if let Some(column) = needed {
            let column = column.name.clone();
            return Err(DbError::MissingValue { table: table.id.clone(), column, row });
        }
        if values.len() != targets.len() {
            return Err(DbError::Database {
                product: "SQLite",
                message: format!("row {number} has {} values for {} columns", values.len(), targets.len()),
                sql: errors::shorten(sql),
            });
        }
        let mut canonical = Vec::with_capacity(values.len());
        for ((value, column), is_key) in values.into_iter().zip(targets).zip(&is_key) {
            canonical.push(check_value(table, column, *is_key, value, row)?);
        }
        for (index, (value, column)) in canonical.iter().zip(targets).enumerate() {
            let bound =
                types::bound(value).ok_or_else(|| types::refused(value, &column.ty, &column.name, row))?;
            statement
                .raw_bind_parameter(index + 1, &bound)
                .map_err(|error| errors::map(error, &place(row)))?;
        }
        match statement.raw_execute() {
            Ok(changed) => count += u64::try_from(changed).unwrap_or(0),
            Err(error) => {
                let error = errors::map(error, &place(row));
                return Err(with_parent(connection, table, targets, &canonical, error));
            }
        }
    }
    Ok(count)
}

fn check_value(
    table: &TableDef,
    column: &ColumnDef,
    is_key: bool,
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
    if is_key {
        check::check_key(&value).map_err(|refusal| refusal.into_error(&column.name, &column.ty, row))?;
    }
    Ok(value)
}

/// A foreign key error that names the reference whose parent is missing.
fn with_parent(
    connection: &Connection,
    table: &TableDef,
    targets: &[&ColumnDef],
    values: &[Value],
    error: DbError,
) -> DbError {
    let DbError::ForeignKey { table: id, row, detail } = error else { return error };
    let value_of = |name: &str| {
        let at = targets.iter().position(|column| column.name == name)?;
        let bound = types::bound(values.get(at)?)?;
        match bound.to_sql().ok()? {
            rusqlite::types::ToSqlOutput::Borrowed(value) => rusqlite::types::Value::try_from(value).ok(),
            rusqlite::types::ToSqlOutput::Owned(value) => Some(value),
            _ => None,
        }
    };
    let found = foreign::missing_parent(connection, table, &value_of);
    DbError::ForeignKey { table: id, row, detail: found.unwrap_or(detail) }
}
