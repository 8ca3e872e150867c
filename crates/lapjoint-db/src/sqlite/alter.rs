//! Changing the columns of a table: SQLite can add and rename columns, and nothing else, so the table is made anew and its rows
//! are copied, each value checked against its new type.

use std::ops::ControlFlow;

use lapjoint_types::Value;

use crate::adapter::InsertMode;
use crate::cell::Rows;
use crate::error::DbError;
use crate::schema::{ColumnType, TableDef};
use crate::sqlite::connection::Link;
use crate::sqlite::errors::{self, Place};
use crate::sqlite::literal::{quote, quote_table, text_literal};
use crate::sqlite::{ddl, foreign, insert, query};

/// Name of the old table while its rows are copied.
const ASIDE: &str = "~altered";

/// Rows copied at a time.
const BATCH_ROWS: usize = 4096;

/// See [`Adapter::alter_table`](crate::Adapter::alter_table).
pub(crate) fn alter_table(
    link: &mut Link,
    old: &TableDef,
    new: &TableDef,
    sources: &[Option<String>],
) -> Result<(), DbError> {
    link.require_schema(&old.id.schema)?;
    ddl::check_names(new)?;
    if link.in_transaction() {
        return Err(DbError::Transaction("a table cannot be altered within a transaction"));
    }
    // The table's name stands for another table for a while: neither its rows nor what other tables say of them is to be
    // looked at or rewritten meanwhile.
    link.run("PRAGMA foreign_keys = OFF; PRAGMA legacy_alter_table = ON")?;
    let altered = link.write(|link| replace(link, old, new, sources));
    link.run("PRAGMA legacy_alter_table = OFF; PRAGMA foreign_keys = ON")?;
    altered
}

fn replace(
    link: &mut Link,
    old: &TableDef,
    new: &TableDef,
    sources: &[Option<String>],
) -> Result<(), DbError> {
    let schema = &old.id.schema;
    let crosses = foreign::cross_keys(link)?.iter().any(|key| key.child == old.id || key.parent == old.id);
    if crosses {
        foreign::drop_triggers(link)?;
    }
    for index in indexes(link, old)? {
        link.run(&format!("DROP INDEX {}", quote_table(schema, &index)))?;
    }
    let aside = quote_table(schema, ASIDE);
    link.run(&format!("ALTER TABLE {} RENAME TO {}", quote_table(schema, &old.id.table), quote(ASIDE)))?;
    ddl::create_in(link.raw()?, new)?;
    copy(link, old, new, sources, &aside)?;
    link.run(&format!("DROP TABLE {aside}"))?;
    if crosses { foreign::rebuild(link) } else { foreign::keep_current(link, schema) }
}

/// Names of the table's own indexes.
fn indexes(link: &Link, table: &TableDef) -> Result<Vec<String>, DbError> {
    let sql = format!(
        "SELECT name FROM {} WHERE type = 'index' AND sql IS NOT NULL AND tbl_name = {}",
        quote_table(&table.id.schema, "sqlite_master"),
        text_literal(&table.id.table)
    );
    let failed = |error| errors::map(error, &Place::sql(&sql));
    let mut statement = link.raw()?.prepare(&sql).map_err(failed)?;
    let names = statement.query_map([], |row| row.get(0)).map_err(failed)?;
    names.collect::<Result<_, _>>().map_err(failed)
}

fn copy(
    link: &mut Link,
    old: &TableDef,
    new: &TableDef,
    sources: &[Option<String>],
    aside: &str,
) -> Result<(), DbError> {
    let mut columns = vec![("rowid".to_owned(), ColumnType::Native("integer".to_owned()))];
    let mut targets = Vec::new();
    for (column, source) in new.columns.iter().zip(sources) {
        let Some(source) = source else { continue };
        let from = old.columns.iter().find(|column| column.name == *source);
        let from = from.ok_or_else(|| DbError::UnknownColumn(source.clone()))?;
        columns.push((source.clone(), from.ty.clone()));
        targets.push(column.name.clone());
    }
    let names: Vec<_> = columns.iter().skip(1).map(|(name, _)| quote(name)).collect();
    let list = std::iter::once("rowid".to_owned()).chain(names).collect::<Vec<_>>().join(", ");
    let mut last = i64::MIN;
    loop {
        let sql =
            format!("SELECT {list} FROM {aside} WHERE rowid > {last} ORDER BY rowid LIMIT {BATCH_ROWS}");
        let mut rows: Vec<Vec<Value>> = Vec::new();
        let mut keep = |row| {
            rows.push(row);
            ControlFlow::Continue(())
        };
        query::query(link.raw()?, &sql, &[], &columns, &mut Rows::new(columns.len(), &mut keep))?;
        let Some(Value::Int(reached)) = rows.last().and_then(|row| row.first()) else { return Ok(()) };
        last = *reached;
        let mut rows = rows.into_iter().map(|row| row.into_iter().skip(1).collect());
        insert::insert(link, new, &targets, &mut rows, InsertMode::Error)?;
    }
}
