//! Creating and dropping tables.

use std::collections::BTreeSet;

use lapjoint_types::CoreType;

use crate::error::DbError;
use crate::postgres::connection::Link;
use crate::postgres::errors::{Failure, Place};
use crate::postgres::literal::{check_name, quote_table, text_literal};
use crate::postgres::session::lock_key;
use crate::postgres::{introspect, types};
use crate::schema::{ColumnDef, ColumnType, TableDef, TableId};
use text::{IndexText, comments_sql, create_sql, enum_name, indexes};

pub(super) mod text;

/// Creates a table with its types, indexes and comments, unless it exists.
pub(crate) fn create_table(link: &mut Link, table: &TableDef) -> Result<(), DbError> {
    check_names(table)?;
    if introspect::has_table(link, &table.id)? {
        return Ok(());
    }
    let mut created = link.write_again(|link| create_in(link, table));
    // DataJoint takes no lock: a table or type that it makes at the same moment may be in the way.
    if created.is_err() && introspect::has_table(link, &table.id)? {
        created = Ok(());
    }
    // What was prepared may be of a table or a type that was there before.
    link.server_mut()?.statements().forget_tables();
    created
}

fn create_in(link: &mut Link, table: &TableDef) -> Result<(), DbError> {
    // Two that make the same table wait for one another.
    lock(link, "table", &table.id)?;
    if introspect::has_table(link, &table.id)? {
        return Ok(());
    }
    if !introspect::has_schema(link, &table.id.schema)? {
        return Err(DbError::MissingSchema(table.id.schema.clone()));
    }
    for key in &table.foreign_keys {
        if key.parent != table.id && !introspect::has_table(link, &key.parent)? {
            return Err(DbError::MissingTable(key.parent.to_string()));
        }
    }
    let mut column_types = Vec::with_capacity(table.columns.len());
    for column in &table.columns {
        column_types.push(column_type(link, table, column)?);
    }
    link.run_one(&create_sql(table, &column_types)?)?;
    let taken = relation_names(link, &table.id.schema)?;
    let mut last = Vec::new();
    for IndexText { name, sql, comment } in indexes(table, &taken) {
        link.run_one(&sql)?;
        if let Some(comment) = comment {
            let index = quote_table(&TableId::new(&table.id.schema, name));
            last.push(format!("COMMENT ON INDEX {index} IS {}", text_literal(&comment)));
        }
    }
    last.extend(comments_sql(table));
    link.run(&last.join(";\n"))
}

/// The SQL type of a column; makes the type of an enum that is not there yet.
pub(super) fn column_type(link: &mut Link, table: &TableDef, column: &ColumnDef) -> Result<String, DbError> {
    let core = match &column.ty {
        ColumnType::Native(text) => return Ok(text::native_type(text)),
        ColumnType::Core(core) => core,
    };
    if let Some(sql) = types::storage(core) {
        return Ok(sql);
    }
    let CoreType::Enum(labels) = core else {
        return Err(DbError::Name {
            name: column.name.clone(),
            reason: format!("this version cannot store {core} in PostgreSQL"),
        });
    };
    // Two enums are never equal to one another, whatever their labels: a reference takes the type of its parent.
    for key in table.foreign_keys.iter().filter(|key| key.parent != table.id) {
        if let Some(place) = key.columns.iter().position(|name| *name == column.name)
            && let Some(parent) = key.parent_columns.get(place)
            && let Some(sql) = introspect::enum_type(link, &key.parent, parent)?
        {
            return Ok(sql);
        }
    }
    enum_type(link, &table.id.schema, labels)
}

fn enum_type(link: &mut Link, schema: &str, labels: &[String]) -> Result<String, DbError> {
    if let Some(label) = labels.iter().find(|label| label.len() > 63 || label.contains('\0')) {
        return Err(DbError::Name {
            name: label.clone(),
            reason: "PostgreSQL keeps 63 bytes of an enum's label, and no NUL".to_owned(),
        });
    }
    let base = enum_name(labels);
    let mut sorted = labels.to_vec();
    sorted.sort_unstable();
    for number in 1.. {
        // Other labels may have the same name: `a_b` and `a`, `b`.
        let name = if number == 1 { base.clone() } else { format!("{base}_{number}") };
        let id = TableId::new(schema, &name);
        let sql = quote_table(&id);
        // Until the end of the transaction nobody else makes it, or drops it for want of a use.
        lock(link, "type", &id)?;
        match introspect::enum_labels(link, schema, &name)? {
            Some(mut found) => {
                found.sort_unstable();
                if found == sorted {
                    return Ok(sql);
                }
            }
            None => {
                let list: Vec<_> = labels.iter().map(|label| text_literal(label)).collect();
                link.run(&format!("CREATE TYPE {sql} AS ENUM ({})", list.join(", ")))?;
                return Ok(sql);
            }
        }
    }
    Err(DbError::Name { name: base, reason: "all names of the enum's type are taken".to_owned() })
}

/// Keeps others from making or dropping the same thing until the end of the transaction.
fn lock(link: &mut Link, kind: &str, id: &TableId) -> Result<(), DbError> {
    link.run(&format!("SELECT pg_catalog.pg_advisory_xact_lock({})", lock_key(kind, &quote_table(id))))
}

/// Names of tables, indexes and sequences of a schema.
fn relation_names(link: &mut Link, schema: &str) -> Result<BTreeSet<String>, DbError> {
    let sql = "SELECT c.relname::text FROM pg_catalog.pg_class c \
         JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = $1";
    let rows = link.rows(sql, &[schema])?;
    let names = rows.iter().map(|row| row.try_get(0)).collect::<Result<_, tokio_postgres::Error>>();
    names.map_err(|error| Failure::from(error).map(&Place::sql(sql)))
}

/// Refuses names that the server would cut or take for others.
pub(super) fn check_names(table: &TableDef) -> Result<(), DbError> {
    check_name(&table.id.schema)?;
    check_name(&table.id.table)?;
    let mut seen = BTreeSet::new();
    for column in &table.columns {
        check_name(&column.name)?;
        if !seen.insert(column.name.as_str()) {
            return Err(DbError::Name {
                name: column.name.clone(),
                reason: "another column has this name".to_owned(),
            });
        }
    }
    for comment in std::iter::once(&table.comment).chain(table.columns.iter().map(|column| &column.comment)) {
        if comment.contains('\0') {
            return Err(DbError::Name {
                name: table.id.table.clone(),
                reason: "PostgreSQL holds no NUL in a comment".to_owned(),
            });
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
    link.live()?;
    link.write_again(|link| drop_in(link, id))?;
    link.server_mut()?.statements().forget_tables();
    Ok(())
}

fn drop_in(link: &mut Link, id: &TableId) -> Result<(), DbError> {
    if !introspect::has_table(link, id)? {
        return Err(DbError::MissingTable(id.to_string()));
    }
    let name = quote_table(id);
    link.run(&format!("LOCK TABLE {name} IN ACCESS EXCLUSIVE MODE"))?;
    let enums = introspect::enum_types(link, id)?;
    if let Some(child) = introspect::children(link, id)?.into_iter().find(|child| child != id) {
        // Also where it has no rows: the server would drop the reference with the table.
        let detail = format!("{child} refers to its rows; drop {child} first");
        return Err(DbError::ForeignKey { table: id.clone(), row: None, detail });
    }
    link.run(&format!("DROP TABLE {name}"))?;
    drop_unused(link, &enums)
}

/// Drops the types of enums that no column has any more.
pub(super) fn drop_unused(link: &mut Link, enums: &[TableId]) -> Result<(), DbError> {
    for id in enums.iter().filter(|id| id.table.starts_with("enum_")) {
        lock(link, "type", id)?;
        if !introspect::is_type_used(link, id)? {
            link.run(&format!("DROP TYPE {}", quote_table(id)))?;
        }
    }
    Ok(())
}
