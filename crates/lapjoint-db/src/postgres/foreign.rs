//! Foreign keys: who refers to whom, and which reference was violated.

use crate::error::DbError;
use crate::postgres::connection::{Link, Violation};
use crate::postgres::errors::{self, Failure, Place};
use crate::schema::{ForeignKeyDef, TableId};

/// A foreign key error that names the reference.
pub(crate) fn explain(link: &mut Link, sql: &str, error: DbError) -> DbError {
    let DbError::ForeignKey { table, row, detail } = error else { return error };
    let Some(violation) = link.take_violation() else { return DbError::ForeignKey { table, row, detail } };
    let found = reference(link, &violation).ok().flatten();
    let Some((child, key)) = found else { return DbError::ForeignKey { table, row, detail } };
    let table = errors::target(sql).unwrap_or(table);
    let detail = if is_parents(sql, &table, &child, &key.parent, &violation.message) {
        format!("rows of {child} refer to the row")
    } else {
        missing(&key, &violation.detail)
    };
    DbError::ForeignKey { table, row, detail }
}

/// A reference for a message.
pub(crate) fn shown(key: &ForeignKeyDef) -> String {
    format!("({}) -> {} ({})", key.columns.join(", "), key.parent, key.parent_columns.join(", "))
}

/// Which row is missing.
fn missing(key: &ForeignKeyDef, server_detail: &str) -> String {
    let reference = shown(key);
    match errors::key_parts(server_detail) {
        Some((_, values)) => format!("{reference} has no row ({values})"),
        None => format!("{reference} has no such row"),
    }
}

/// Whether the row that others refer to was to be changed, and not the row that refers.
fn is_parents(sql: &str, target: &TableId, child: &TableId, parent: &TableId, message: &str) -> bool {
    let verb = sql.trim_start().get(..6).map(str::to_ascii_lowercase).unwrap_or_default();
    match verb.as_str() {
        "insert" => false,
        "delete" => true,
        "update" if child != parent => target == parent,
        // Names three things: the table, the constraint, and the table that refers.
        _ => message.chars().filter(|c| matches!(c, '"' | '«' | '»' | '„' | '“')).count() > 4,
    }
}

/// The table that refers, and how.
pub(crate) fn reference(
    link: &mut Link,
    violation: &Violation,
) -> Result<Option<(TableId, ForeignKeyDef)>, DbError> {
    let [schema, table, name] = &violation.constraint;
    let sql = "SELECT pn.nspname::text, p.relname::text, \
         ARRAY(SELECT a.attname::text FROM pg_catalog.unnest(k.conkey) WITH ORDINALITY AS u(number, place) \
               JOIN pg_catalog.pg_attribute a ON a.attrelid = k.conrelid AND a.attnum = u.number ORDER BY u.place), \
         ARRAY(SELECT a.attname::text FROM pg_catalog.unnest(k.confkey) WITH ORDINALITY AS u(number, place) \
               JOIN pg_catalog.pg_attribute a ON a.attrelid = k.confrelid AND a.attnum = u.number ORDER BY u.place) \
         FROM pg_catalog.pg_constraint k \
         JOIN pg_catalog.pg_class c ON c.oid = k.conrelid JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace \
         JOIN pg_catalog.pg_class p ON p.oid = k.confrelid JOIN pg_catalog.pg_namespace pn ON pn.oid = p.relnamespace \
         WHERE n.nspname = $1 AND c.relname = $2 AND k.conname = $3 AND k.contype = 'f'";
    let rows = link.rows(sql, &[schema, table, name])?;
    let Some(row) = rows.first() else { return Ok(None) };
    let read = || -> Result<_, tokio_postgres::Error> {
        let parent = TableId::new(row.try_get::<_, String>(0)?, row.try_get::<_, String>(1)?);
        Ok(ForeignKeyDef { columns: row.try_get(2)?, parent, parent_columns: row.try_get(3)? })
    };
    let key = read().map_err(|error| Failure::from(error).map(&Place::sql(sql)))?;
    Ok(Some((TableId::new(schema, table), key)))
}
