//! The hidden tables that keep what SQLite's own catalogue cannot say.

use rusqlite::Connection;

use crate::error::DbError;
use crate::sqlite::errors::{self, Place};
use crate::sqlite::literal::{quote, quote_table};

pub(crate) const TABLE: &str = "~table";
pub(crate) const COLUMN: &str = "~column";
pub(crate) const INDEX: &str = "~index";
pub(crate) const FOREIGN_KEY: &str = "~foreign_key";
pub(crate) const FOREIGN_CHILD: &str = "~foreign_child";

/// Names that no other table may have.
pub(crate) const RESERVED: [&str; 5] = [TABLE, COLUMN, INDEX, FOREIGN_KEY, FOREIGN_CHILD];

/// Makes the hidden tables of a schema that are missing.
///
/// In `~foreign_key` an empty `parent_schema` is the table's own schema, so that a file may be renamed. Lists of names
/// are JSON arrays.
pub(crate) fn create(connection: &Connection, schema: &str) -> Result<(), DbError> {
    let columns = [
        (TABLE, "table_name TEXT PRIMARY KEY NOT NULL, comment TEXT NOT NULL"),
        (
            COLUMN,
            "table_name TEXT NOT NULL, ordinal INTEGER NOT NULL, column_name TEXT NOT NULL, type_kind TEXT NOT NULL, \
             type_text TEXT NOT NULL, is_nullable INTEGER NOT NULL, default_kind TEXT, default_text TEXT, \
             comment TEXT NOT NULL, auto_increment INTEGER NOT NULL, key_ordinal INTEGER, \
             PRIMARY KEY (table_name, ordinal)",
        ),
        (
            INDEX,
            "table_name TEXT NOT NULL, ordinal INTEGER NOT NULL, is_unique INTEGER NOT NULL, parts TEXT NOT NULL, \
             PRIMARY KEY (table_name, ordinal)",
        ),
        (
            FOREIGN_KEY,
            "table_name TEXT NOT NULL, ordinal INTEGER NOT NULL, columns TEXT NOT NULL, parent_schema TEXT NOT NULL, \
             parent_table TEXT NOT NULL, parent_columns TEXT NOT NULL, PRIMARY KEY (table_name, ordinal)",
        ),
        (
            FOREIGN_CHILD,
            "parent_table TEXT NOT NULL, child_schema TEXT NOT NULL, child_table TEXT NOT NULL, \
             PRIMARY KEY (parent_table, child_schema, child_table)",
        ),
    ];
    for (name, columns) in columns {
        let sql =
            format!("CREATE TABLE IF NOT EXISTS {} ({columns}) WITHOUT ROWID", quote_table(schema, name));
        connection.execute_batch(&sql).map_err(|error| errors::map(error, &Place::sql(&sql)))?;
    }
    Ok(())
}

/// Whether a schema has a table.
pub(crate) fn has_table(connection: &Connection, schema: &str, table: &str) -> Result<bool, DbError> {
    let sql =
        format!("SELECT count(*) FROM {}.sqlite_schema WHERE type = 'table' AND name = ?", quote(schema));
    let count: i64 = connection
        .prepare_cached(&sql)
        .and_then(|mut statement| statement.query_row([table], |row| row.get(0)))
        .map_err(|error| errors::map(error, &Place::sql(&sql)))?;
    Ok(count > 0)
}

/// Whether a schema has the hidden tables.
pub(crate) fn exists(connection: &Connection, schema: &str) -> Result<bool, DbError> {
    has_table(connection, schema, FOREIGN_CHILD)
}

/// Runs a query on the catalogue.
pub(crate) fn rows<T>(
    connection: &Connection,
    sql: &str,
    parameters: impl rusqlite::Params,
    read: impl FnMut(&rusqlite::Row<'_>) -> rusqlite::Result<T>,
) -> Result<Vec<T>, DbError> {
    connection
        .prepare_cached(sql)
        .and_then(|mut statement| statement.query_map(parameters, read)?.collect())
        .map_err(|error| errors::map(error, &Place::sql(sql)))
}

/// A list of names as a JSON array.
pub(crate) fn names_to_json(names: &[String]) -> String {
    serde_json::Value::from(names).to_string()
}

/// A list of names from a JSON array.
pub(crate) fn names_from_json(text: &str) -> Result<Vec<String>, DbError> {
    serde_json::from_str(text).map_err(|error| DbError::Stored {
        column: "a list of names in a hidden table".to_owned(),
        ty: "json".to_owned(),
        found: format!("{text:?} ({error})"),
    })
}
