//! References between schemas, which SQLite cannot keep by itself because each schema is a file.
//!
//! The child's file records the reference in `~foreign_key`, the parent's file records the child in `~foreign_child`.
//! While both are open, temporary triggers do what a foreign key of SQLite does: a child's row needs its parent unless
//! one of its columns is NULL, a parent's row with children stays, and a change of a parent's key reaches its children.

use rusqlite::Connection;

use crate::error::DbError;
use crate::schema::{ForeignKeyDef, TableDef, TableId};
use crate::sqlite::connection::Link;
use crate::sqlite::errors::{self, Place};
use crate::sqlite::literal::{quote, quote_all, quote_table, text_literal};
use crate::sqlite::{attach, catalog};

/// Begins the names of the triggers.
const PREFIX: &str = "~fk ";

/// A reference from one schema to another.
#[derive(Debug, Clone)]
pub(crate) struct CrossKey {
    pub child: TableId,
    pub columns: Vec<String>,
    pub parent: TableId,
    pub parent_columns: Vec<String>,
}

/// The version of a schema's catalogue; another connection's changes show in it.
pub(crate) fn schema_version(connection: &Connection, schema: &str) -> Result<i64, DbError> {
    let sql = format!("PRAGMA {}.schema_version", quote(schema));
    connection
        .prepare_cached(&sql)
        .and_then(|mut statement| statement.query_row([], |row| row.get(0)))
        .map_err(|error| errors::map(error, &Place::sql(&sql)))
}

/// Whether the triggers fit the catalogues as they are now.
pub(crate) fn is_current(link: &Link) -> Result<bool, DbError> {
    for schema in &link.schemas {
        if link.versions.get(schema) != Some(&schema_version(link.raw()?, schema)?) {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Opens the schemas that the open ones belong with, and makes the triggers anew, if any catalogue has changed.
pub(crate) fn update(link: &mut Link) -> Result<(), DbError> {
    if is_current(link)? {
        return Ok(());
    }
    let mut at = 0;
    while let Some(schema) = link.schemas.get(at).cloned() {
        for related in related(link.raw()?, &schema)? {
            attach::attach_existing(link, &related)?;
        }
        at += 1;
    }
    rebuild(link)
}

/// Makes the triggers anew.
pub(crate) fn rebuild(link: &mut Link) -> Result<(), DbError> {
    let mut versions = std::collections::BTreeMap::new();
    for schema in &link.schemas {
        versions.insert(schema.clone(), schema_version(link.raw()?, schema)?);
    }
    let keys = cross_keys(link)?;
    drop_triggers(link)?;
    for (number, key) in keys.iter().enumerate() {
        let is_parent_there = link.is_open(&key.parent.schema)
            && catalog::has_table(link.raw()?, &key.parent.schema, &key.parent.table)?;
        for sql in triggers(number, key, is_parent_there) {
            link.run(&sql)?;
        }
    }
    link.versions = versions;
    Ok(())
}

/// Takes note of a change of a catalogue that leaves the triggers as they are.
pub(crate) fn keep_current(link: &mut Link, schema: &str) -> Result<(), DbError> {
    let version = schema_version(link.raw()?, schema)?;
    link.versions.insert(schema.to_owned(), version);
    Ok(())
}

/// Tables that refer to a table, in its schema and in the other open ones, and the columns that do.
pub(crate) fn children(link: &Link, id: &TableId) -> Result<Vec<(TableId, Vec<String>)>, DbError> {
    let connection = link.raw()?;
    let name = quote(&id.schema);
    // Other programs' tables have no record, so that SQLite's own catalogue is asked.
    let sql = format!(
        "SELECT child.name, key.id, key.\"from\" FROM {name}.sqlite_schema AS child, \
         pragma_foreign_key_list(child.name, {}) AS key WHERE child.type = 'table' AND \
         lower(key.\"table\") = lower(?) ORDER BY child.name, key.id, key.seq",
        text_literal(&id.schema)
    );
    let rows = catalog::rows(connection, &sql, [&id.table], |row| {
        Ok((row.get::<_, String>(0)?, row.get::<_, i64>(1)?, row.get::<_, String>(2)?))
    })?;
    let mut found: Vec<(TableId, i64, Vec<String>)> = Vec::new();
    for (table, number, column) in rows {
        match found.last_mut().filter(|(child, last, _)| child.table == table && *last == number) {
            Some((_, _, columns)) => columns.push(column),
            None => found.push((TableId::new(&id.schema, table), number, vec![column])),
        }
    }
    let within = found.into_iter().map(|(child, _, columns)| (child, columns));
    let across =
        cross_keys(link)?.into_iter().filter(|key| key.parent == *id).map(|key| (key.child, key.columns));
    Ok(within.chain(across).collect())
}

/// Schemas that a schema refers to, and those that refer to it.
fn related(connection: &Connection, schema: &str) -> Result<Vec<String>, DbError> {
    if !catalog::exists(connection, schema)? {
        return Ok(Vec::new());
    }
    let sql = format!(
        "SELECT parent_schema FROM {} WHERE parent_schema <> '' UNION SELECT child_schema FROM {}",
        quote_table(schema, catalog::FOREIGN_KEY),
        quote_table(schema, catalog::FOREIGN_CHILD)
    );
    catalog::rows(connection, &sql, [], |row| row.get(0))
}

/// References between schemas that start in an open schema.
pub(crate) fn cross_keys(link: &Link) -> Result<Vec<CrossKey>, DbError> {
    let connection = link.raw()?;
    let mut keys = Vec::new();
    for schema in &link.schemas {
        if !catalog::exists(connection, schema)? {
            continue;
        }
        let sql = format!(
            "SELECT table_name, columns, parent_schema, parent_table, parent_columns FROM {} WHERE parent_schema <> '' \
             AND table_name IN (SELECT name FROM {}.sqlite_schema) ORDER BY table_name, ordinal",
            quote_table(schema, catalog::FOREIGN_KEY),
            quote(schema)
        );
        let rows = catalog::rows(connection, &sql, [], |row| {
            Ok([row.get::<_, String>(0)?, row.get(1)?, row.get(2)?, row.get(3)?, row.get(4)?])
        })?;
        for [table, columns, parent_schema, parent_table, parent_columns] in rows {
            keys.push(CrossKey {
                child: TableId::new(schema, table),
                columns: catalog::names_from_json(&columns)?,
                parent: TableId::new(parent_schema, parent_table),
                parent_columns: catalog::names_from_json(&parent_columns)?,
            });
        }
    }
    Ok(keys)
}

pub(crate) fn drop_triggers(link: &Link) -> Result<(), DbError> {
    let names: Vec<String> = catalog::rows(
        link.raw()?,
        "SELECT name FROM temp.sqlite_schema WHERE type = 'trigger'",
        [],
        |row| row.get(0),
    )?;
    for name in names.iter().filter(|name| name.starts_with(PREFIX)) {
        link.run(&format!("DROP TRIGGER temp.{}", quote(name)))?;
    }
    Ok(())
}

/// The triggers of one reference.
fn triggers(number: usize, key: &CrossKey, is_parent_there: bool) -> Vec<String> {
    let name = |what: &str| format!("temp.{}", quote(&format!("{PREFIX}{number} {what}")));
    let child = quote_table(&key.child.schema, &key.child.table);
    let parent = quote_table(&key.parent.schema, &key.parent.table);
    let pairs = || key.columns.iter().zip(&key.parent_columns);
    let join = |parts: Vec<String>, with: &str| parts.join(with);
    let reference = describe(&key.columns, &key.parent, &key.parent_columns);
    let given = join(key.columns.iter().map(|c| format!("NEW.{} IS NOT NULL", quote(c))).collect(), " AND ");
    let found = join(pairs().map(|(c, p)| format!("{} = NEW.{}", quote(p), quote(c))).collect(), " AND ");
    let refuse = |text: &str| {
        format!("BEGIN SELECT RAISE(ABORT, {}); END", text_literal(&format!("{}{text}", errors::FOREIGN_KEY)))
    };
    let missing = if is_parent_there {
        format!("{given} AND NOT EXISTS (SELECT 1 FROM {parent} WHERE {found})")
    } else {
        given
    };
    let no_parent = refuse(&format!("{reference} has no such row"));
    let mut all = vec![
        format!("CREATE TRIGGER {} AFTER INSERT ON {child} WHEN {missing} {no_parent}", name("insert")),
        format!(
            "CREATE TRIGGER {} AFTER UPDATE OF {} ON {child} WHEN {missing} {no_parent}",
            name("update"),
            quote_all(&key.columns)
        ),
    ];
    if is_parent_there {
        let of_old =
            join(pairs().map(|(c, p)| format!("{} = OLD.{}", quote(c), quote(p))).collect(), " AND ");
        let changed = join(
            key.parent_columns.iter().map(|p| format!("NEW.{0} IS NOT OLD.{0}", quote(p))).collect(),
            " OR ",
        );
        let assigned = join(pairs().map(|(c, p)| format!("{} = NEW.{}", quote(c), quote(p))).collect(), ", ");
        all.push(format!(
            "CREATE TRIGGER {} BEFORE DELETE ON {parent} WHEN EXISTS (SELECT 1 FROM {child} WHERE {of_old}) {}",
            name("delete"),
            refuse(&format!("rows of {} refer to the row", key.child))
        ));
        all.push(format!(
            "CREATE TRIGGER {} AFTER UPDATE OF {} ON {parent} WHEN {changed} BEGIN UPDATE {child} SET {assigned} WHERE \
             {of_old}; END",
            name("cascade"),
            quote_all(&key.parent_columns)
        ));
    }
    all
}

/// A reference for a message: `(a, b) -> parent (c, d)`.
pub(crate) fn describe(columns: &[String], parent: &TableId, parent_columns: &[String]) -> String {
    format!("({}) -> {parent} ({})", columns.join(", "), parent_columns.join(", "))
}

/// Removes all records of a schema's tables as children from the open schemas.
pub(crate) fn forget_child_schema(link: &Link, schema: &str) -> Result<(), DbError> {
    for open in &link.schemas {
        if catalog::exists(link.raw()?, open)? {
            link.run(&format!(
                "DELETE FROM {} WHERE child_schema = {}",
                quote_table(open, catalog::FOREIGN_CHILD),
                text_literal(schema)
            ))?;
        }
    }
    Ok(())
}

/// Which reference of a refused row has no parent: the first whose parent is not there.
pub(crate) fn missing_parent(
    connection: &Connection,
    table: &TableDef,
    value_of: &dyn Fn(&str) -> Option<rusqlite::types::Value>,
) -> Option<String> {
    table.foreign_keys.iter().find_map(|key| {
        let values: Vec<_> = key.columns.iter().map(|column| value_of(column)).collect::<Option<_>>()?;
        if values.iter().any(|value| matches!(value, rusqlite::types::Value::Null)) {
            return None;
        }
        (!has_parent(connection, key, &values).ok()?).then(|| {
            let shown: Vec<_> = values.iter().map(shown).collect();
            format!(
                "{} has no row ({})",
                describe(&key.columns, &key.parent, &key.parent_columns),
                shown.join(", ")
            )
        })
    })
}

fn has_parent(
    connection: &Connection,
    key: &ForeignKeyDef,
    values: &[rusqlite::types::Value],
) -> rusqlite::Result<bool> {
    let conditions: Vec<_> = key.parent_columns.iter().map(|name| format!("{} = ?", quote(name))).collect();
    let sql = format!(
        "SELECT count(*) FROM {} WHERE {}",
        quote_table(&key.parent.schema, &key.parent.table),
        conditions.join(" AND ")
    );
    let count: i64 =
        connection.query_row(&sql, rusqlite::params_from_iter(values.iter()), |row| row.get(0))?;
    Ok(count > 0)
}

fn shown(value: &rusqlite::types::Value) -> String {
    match value {
        rusqlite::types::Value::Null => "NULL".to_owned(),
        rusqlite::types::Value::Integer(number) => number.to_string(),
        rusqlite::types::Value::Real(number) => format!("{number:?}"),
        rusqlite::types::Value::Text(text) => format!("'{}'", text.chars().take(60).collect::<String>()),
        rusqlite::types::Value::Blob(bytes) => format!("{} bytes", bytes.len()),
    }
}
