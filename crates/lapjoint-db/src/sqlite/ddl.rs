//! Creating and dropping tables.

use std::collections::BTreeSet;

use rusqlite::{Connection, params};

use crate::error::DbError;
use crate::schema::{IndexDef, TableDef, TableId};
use crate::sqlite::connection::Link;
use crate::sqlite::errors::{self, Place};
use crate::sqlite::literal::{quote, quote_table, text_literal};
use crate::sqlite::{attach, catalog, foreign, introspect};
use record::{forget, record};
use text::{create_sql, index_sql};

mod record;
mod text;

/// Creates a table, its indexes and its records, unless it exists.
pub(crate) fn create_table(link: &mut Link, table: &TableDef) -> Result<(), DbError> {
    let id = &table.id;
    link.require_schema(&id.schema)?;
    check_names(table)?;
    if catalog::has_table(link.raw()?, &id.schema, &id.table)? {
        return Ok(());
    }
    for key in &table.foreign_keys {
        if key.parent.schema != id.schema {
            attach::open_schema(link, &key.parent.schema, false)?;
        }
    }
    link.write(|link| {
        // Another connection may have made it since.
        if catalog::has_table(link.raw()?, &id.schema, &id.table)? {
            return Ok(());
        }
        let crosses = create_in(link.raw()?, table)?;
        if crosses { foreign::rebuild(link) } else { foreign::keep_current(link, &id.schema) }
    })
}

/// Creates the table; tells whether it refers to another schema.
pub(crate) fn create_in(connection: &Connection, table: &TableDef) -> Result<bool, DbError> {
    let schema = &table.id.schema;
    for key in &table.foreign_keys {
        let is_self = key.parent == table.id;
        if !is_self && !catalog::has_table(connection, &key.parent.schema, &key.parent.table)? {
            return Err(DbError::MissingTable(key.parent.to_string()));
        }
    }
    let run = |sql: &str| connection.execute_batch(sql).map_err(|error| errors::map(error, &Place::sql(sql)));
    // An index holds SQL of its definition, which must not go on to another statement.
    let run_one = |sql: &str| {
        let mut statement =
            connection.prepare_cached(sql).map_err(|error| errors::map(error, &Place::sql(sql)))?;
        statement.raw_execute().map_err(|error| errors::map(error, &Place::sql(sql)))
    };
    catalog::create(connection, schema)?;
    run(&create_sql(table)?)?;
    for (number, index) in table.indexes.iter().enumerate() {
        run_one(&index_sql(table, &format!("~index_{}_{number}", table.id.table), index))?;
    }
    // SQLite searches the children of each row whose key changes or that is deleted.
    for (number, key) in table.foreign_keys.iter().enumerate() {
        if !is_indexed(table, &key.columns) {
            let index = IndexDef { parts: key.columns.clone(), unique: false };
            run(&index_sql(table, &format!("~parent_{}_{number}", table.id.table), &index))?;
        }
    }
    record(connection, table)?;
    let mut crosses = false;
    for key in table.foreign_keys.iter().filter(|key| key.parent.schema != *schema) {
        crosses = true;
        catalog::create(connection, &key.parent.schema)?;
        let sql = format!(
            "INSERT OR IGNORE INTO {} VALUES (?, ?, ?)",
            quote_table(&key.parent.schema, catalog::FOREIGN_CHILD)
        );
        connection
            .execute(&sql, params![key.parent.table, schema, table.id.table])
            .map_err(|error| errors::map(error, &Place::sql(&sql)))?;
        // Other connections look for new children when the version of the catalogue has changed.
        let passing = quote_table(&key.parent.schema, "~changed");
        run(&format!("CREATE TABLE {passing} (x); DROP TABLE {passing}"))?;
    }
    Ok(crosses)
}

fn is_indexed(table: &TableDef, columns: &[String]) -> bool {
    table.primary_key.starts_with(columns)
        || table.indexes.iter().any(|index| index.parts.starts_with(columns))
}

pub(crate) fn check_names(table: &TableDef) -> Result<(), DbError> {
    let refuse =
        |name: &str, reason: &str| Err(DbError::Name { name: name.to_owned(), reason: reason.to_owned() });
    let name = &table.id.table;
    if catalog::RESERVED.contains(&name.as_str()) || name.to_ascii_lowercase().starts_with("sqlite_") {
        return refuse(name, "a table of this name belongs to the database itself");
    }
    let mut seen = BTreeSet::new();
    for name in std::iter::once(name).chain(table.columns.iter().map(|column| &column.name)) {
        if name.is_empty() || name.contains('\0') {
            return refuse(name, "a name has at least one character, and no NUL");
        }
    }
    for column in &table.columns {
        if !seen.insert(column.name.to_lowercase()) {
            return refuse(
                &column.name,
                "another column has this name; SQLite does not tell upper from lower case",
            );
        }
    }
    let mut named = table.primary_key.iter().chain(table.foreign_keys.iter().flat_map(|key| &key.columns));
    match named.find(|name| !table.columns.iter().any(|column| column.name == **name)) {
        Some(unknown) => Err(DbError::UnknownColumn(unknown.clone())),
        None => Ok(()),
    }
}

/// Drops a table, unless rows of another table refer to it.
pub(crate) fn drop_table(link: &mut Link, id: &TableId) -> Result<(), DbError> {
    link.require_schema(&id.schema)?;
    if catalog::RESERVED.contains(&id.table.as_str()) {
        return Err(DbError::Name {
            name: id.table.clone(),
            reason: "a table of this name belongs to the database itself".to_owned(),
        });
    }
    if link.in_transaction() {
        return link.write(|link| {
            release_own_rows(link, id)?;
            drop_in(link, id)
        });
    }
    // What refers to the table is looked for here. SQLite's own look, which cannot be switched off inside of a
    // transaction, also refuses rows that refer to rows of their own table.
    link.run("PRAGMA foreign_keys = OFF")?;
    let dropped = link.write(|link| drop_in(link, id));
    link.run("PRAGMA foreign_keys = ON")?;
    dropped
}

/// Sets references of a table's rows to its own rows to NULL where they can be.
fn release_own_rows(link: &Link, id: &TableId) -> Result<(), DbError> {
    let Some(table) = introspect::load_table(link.raw()?, id)? else { return Ok(()) };
    let is_nullable =
        |name: &String| table.columns.iter().any(|column| column.name == *name && column.nullable);
    for key in table.foreign_keys.iter().filter(|key| key.parent == *id) {
        if let Some(column) = key.columns.iter().find(|name| is_nullable(name)) {
            link.run(&format!("UPDATE {} SET {} = NULL", quote_table(&id.schema, &id.table), quote(column)))?;
        }
    }
    Ok(())
}

fn drop_in(link: &mut Link, id: &TableId) -> Result<(), DbError> {
    if !catalog::has_table(link.raw()?, &id.schema, &id.table)? {
        return Err(DbError::MissingTable(id.to_string()));
    }
    refuse_children(link, id)?;
    let keys = foreign::cross_keys(link)?;
    let crosses = keys.iter().any(|key| key.child == *id || key.parent == *id);
    if crosses {
        // They name the table, and come back for the keys that stay.
        foreign::drop_triggers(link)?;
    }
    link.run(&format!("DROP TABLE {}", quote_table(&id.schema, &id.table))).map_err(|error| match error {
        DbError::ForeignKey { row, detail, .. } => DbError::ForeignKey { table: id.clone(), row, detail },
        other => other,
    })?;
    if catalog::exists(link.raw()?, &id.schema)? {
        forget(link.raw()?, id)?;
    }
    for key in keys.iter().filter(|key| key.child == *id && link.is_open(&key.parent.schema)) {
        link.run(&format!(
            "DELETE FROM {} WHERE child_schema = {} AND child_table = {}",
            quote_table(&key.parent.schema, catalog::FOREIGN_CHILD),
            text_literal(&id.schema),
            text_literal(&id.table)
        ))?;
    }
    if crosses { foreign::rebuild(link) } else { foreign::keep_current(link, &id.schema) }
}

/// Refuses when rows of another table refer to rows of this one.
fn refuse_children(link: &Link, id: &TableId) -> Result<(), DbError> {
    for (child, columns) in foreign::children(link, id)? {
        if child == *id {
            continue;
        }
        let given: Vec<_> = columns.iter().map(|column| format!("{} IS NOT NULL", quote(column))).collect();
        let sql = format!(
            "SELECT EXISTS (SELECT 1 FROM {} WHERE {})",
            quote_table(&child.schema, &child.table),
            given.join(" AND ")
        );
        let found: bool = link
            .raw()?
            .query_row(&sql, [], |row| row.get(0))
            .map_err(|error| errors::map(error, &Place::sql(&sql)))?;
        if found {
            let detail = format!("rows of {child} refer to its rows; drop {child} first");
            return Err(DbError::ForeignKey { table: id.clone(), row: None, detail });
        }
    }
    Ok(())
}
