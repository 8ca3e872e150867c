//! The records of a table in the hidden tables.

use rusqlite::{Connection, params};

use crate::error::DbError;
use crate::schema::{ColumnType, DefaultValue, TableDef, TableId};
use crate::sqlite::catalog;
use crate::sqlite::errors::{self, Place};
use crate::sqlite::literal::quote_table;

/// Writes the records from which the table's definition is rebuilt.
pub(crate) fn record(connection: &Connection, table: &TableDef) -> Result<(), DbError> {
    let schema = &table.id.schema;
    let name = &table.id.table;
    forget(connection, &table.id)?;
    let insert = |hidden: &str, values: &[&dyn rusqlite::ToSql]| {
        let places = vec!["?"; values.len()].join(", ");
        let sql = format!("INSERT INTO {} VALUES ({places})", quote_table(schema, hidden));
        connection.execute(&sql, values).map(drop).map_err(|error| errors::map(error, &Place::sql(&sql)))
    };
    let ordinal = |number: usize| i64::try_from(number).unwrap_or(i64::MAX);
    insert(catalog::TABLE, params![name, table.comment])?;
    for (number, column) in table.columns.iter().enumerate() {
        let kind = match &column.ty {
            ColumnType::Core(_) => "core",
            ColumnType::Native(_) => "native",
        };
        let (default_kind, default_text) = match &column.default {
            None => (None, None),
            Some(DefaultValue::Null) => (Some("null"), None),
            Some(DefaultValue::CurrentTimestamp) => (Some("current_timestamp"), None),
            Some(DefaultValue::Literal(text)) => (Some("literal"), Some(text)),
        };
        let key_ordinal = table.primary_key.iter().position(|key| *key == column.name).map(ordinal);
        let values = params![
            name,
            ordinal(number),
            column.name,
            kind,
            column.ty.to_string(),
            column.nullable,
            default_kind,
            default_text,
            column.comment,
            column.auto_increment,
            key_ordinal
        ];
        insert(catalog::COLUMN, values)?;
    }
    for (number, index) in table.indexes.iter().enumerate() {
        let parts = catalog::names_to_json(&index.parts);
        insert(catalog::INDEX, params![name, ordinal(number), index.unique, parts])?;
    }
    for (number, key) in table.foreign_keys.iter().enumerate() {
        let parent_schema = if key.parent.schema == *schema { "" } else { &key.parent.schema };
        let columns = catalog::names_to_json(&key.columns);
        let parent_columns = catalog::names_to_json(&key.parent_columns);
        let values = params![name, ordinal(number), columns, parent_schema, key.parent.table, parent_columns];
        insert(catalog::FOREIGN_KEY, values)?;
    }
    Ok(())
}

/// Removes a table's records.
pub(crate) fn forget(connection: &Connection, id: &TableId) -> Result<(), DbError> {
    for hidden in [catalog::TABLE, catalog::COLUMN, catalog::INDEX, catalog::FOREIGN_KEY] {
        let sql = format!("DELETE FROM {} WHERE table_name = ?", quote_table(&id.schema, hidden));
        connection.execute(&sql, [&id.table]).map_err(|error| errors::map(error, &Place::sql(&sql)))?;
    }
    Ok(())
}
