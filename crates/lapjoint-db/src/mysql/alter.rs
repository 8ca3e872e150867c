//! Changing the columns of a table, in one statement. MySQL converts values as it likes, so that each value is first checked
//! against its new type, while nobody else writes.

use std::ops::ControlFlow;

use lapjoint_types::Value;

use crate::cell::Rows;
use crate::error::DbError;
use crate::mysql::connection::Link;
use crate::mysql::ddl;
use crate::mysql::ddl::text::{column_sql, comment_literal};
use crate::mysql::literal::{quote, quote_table};
use crate::mysql::{query, types};
use crate::schema::{ColumnDef, ColumnType, TableDef};

/// See [`Adapter::alter_table`](crate::Adapter::alter_table).
pub(crate) fn alter_table(
    link: &mut Link,
    old: &TableDef,
    new: &TableDef,
    sources: &[Option<String>],
) -> Result<(), DbError> {
    ddl::check_names(new)?;
    if link.in_transaction() {
        return Err(DbError::Transaction("a table cannot be altered within a transaction"));
    }
    let changes = changes(old, new, sources, link.server().is_mariadb)?;
    if changes.is_empty() {
        return Ok(());
    }
    let sql = format!("ALTER TABLE {} {}", quote_table(&old.id.schema, &old.id.table), changes.join(", "));
    let checked = checked(old, new, sources)?;
    if checked.is_empty() {
        return ddl::define(link, &sql, new);
    }
    // A lock for a moment; without the right to lock, the check alone.
    let locked =
        link.run(&format!("LOCK TABLES {} WRITE", quote_table(&old.id.schema, &old.id.table))).is_ok();
    let altered = check_rows(link, old, &checked).and_then(|()| ddl::define(link, &sql, new));
    if locked {
        link.run("UNLOCK TABLES")?;
    }
    altered
}

/// The parts of the statement.
fn changes(
    old: &TableDef,
    new: &TableDef,
    sources: &[Option<String>],
    is_mariadb: bool,
) -> Result<Vec<String>, DbError> {
    let mut changes = Vec::new();
    let mut used: Vec<&str> = Vec::new();
    for source in sources.iter().flatten() {
        if !old.columns.iter().any(|column| column.name == *source) {
            return Err(DbError::UnknownColumn(source.clone()));
        }
        if used.contains(&source.as_str()) {
            return Err(DbError::Name {
                name: source.clone(),
                reason: "two new columns cannot take the values of one old column".to_owned(),
            });
        }
        used.push(source);
    }
    let dropped = old.columns.iter().filter(|column| !used.contains(&column.name.as_str()));
    changes.extend(dropped.map(|column| format!("DROP COLUMN {}", quote(&column.name))));
    let stays = old.columns.iter().filter(|column| used.contains(&column.name.as_str())).count();
    let mut before: Option<&ColumnDef> = None;
    for (at, (column, source)) in new.columns.iter().zip(sources).enumerate() {
        let place = match before {
            Some(before) => format!(" AFTER {}", quote(&before.name)),
            None => " FIRST".to_owned(),
        };
        let text = column_sql(column, is_mariadb)?;
        let from = source.as_ref().and_then(|name| old.columns.iter().position(|known| known.name == *name));
        match from.and_then(|from| Some((from, old.columns.get(from)?))) {
            None => changes.push(format!("ADD COLUMN {text}{place}")),
            // Unchanged and in its place: the others come and go around it.
            Some((from, known)) if known == column && from == at && stays == old.columns.len() => {}
            Some((_, known)) => changes.push(format!("CHANGE COLUMN {} {text}{place}", quote(&known.name))),
        }
        before = Some(column);
    }
    if old.comment != new.comment {
        changes.push(format!("COMMENT = {}", comment_literal(&new.comment)));
    }
    Ok(changes)
}

/// The columns whose values may not fit, old and new.
fn checked<'t>(
    old: &'t TableDef,
    new: &'t TableDef,
    sources: &[Option<String>],
) -> Result<Vec<(&'t ColumnDef, &'t ColumnDef)>, DbError> {
    let mut found = Vec::new();
    for (column, source) in new.columns.iter().zip(sources) {
        let Some(source) = source else { continue };
        let known = old.columns.iter().find(|known| known.name == *source);
        let known = known.ok_or_else(|| DbError::UnknownColumn(source.clone()))?;
        if known.ty != column.ty || known.nullable && !column.nullable {
            found.push((known, column));
        }
    }
    Ok(found)
}

fn check_rows(link: &mut Link, old: &TableDef, checked: &[(&ColumnDef, &ColumnDef)]) -> Result<(), DbError> {
    let names: Vec<_> = checked.iter().map(|(known, _)| quote(&known.name)).collect();
    let sql = format!("SELECT {} FROM {}", names.join(", "), quote_table(&old.id.schema, &old.id.table));
    let columns: Vec<(String, ColumnType)> =
        checked.iter().map(|(known, _)| (known.name.clone(), known.ty.clone())).collect();
    let mut number = 0_u64;
    let mut failed = None;
    let mut check = |row: Vec<Value>| {
        for (value, (_, column)) in row.into_iter().zip(checked) {
            let fits = if value.is_null() && !column.nullable {
                let name = column.name.clone();
                Err(DbError::MissingValue { table: old.id.clone(), column: name, row: Some(number) })
            } else {
                types::canonical(value, &column.ty, &column.name, Some(number)).map(drop)
            };
            if let Err(error) = fits {
                failed = Some(error);
                return ControlFlow::Break(());
            }
        }
        number += 1;
        ControlFlow::Continue(())
    };
    query::query(link, &sql, &[], &columns, &mut Rows::new(columns.len(), &mut check))?;
    failed.map_or(Ok(()), Err)
}
