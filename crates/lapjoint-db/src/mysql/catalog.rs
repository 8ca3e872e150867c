//! Questions to the server's catalogue.

use std::collections::BTreeMap;

use mysql::prelude::Queryable;
use mysql::{Conn, Row, Value as Wire};

use crate::error::DbError;
use crate::mysql::connection::Link;
use crate::mysql::literal::{quote_table, text_literal};
use crate::schema::TableId;

/// Rows of a question to the catalogue, every value as text.
pub(crate) fn rows(link: &mut Link, sql: &str) -> Result<Vec<Vec<Option<String>>>, DbError> {
    let rows: Vec<Row> = link.repeatable(sql, |conn: &mut Conn| conn.query(sql))?;
    Ok(rows
        .into_iter()
        .map(|row| row.unwrap_raw().into_iter().map(|value| value.and_then(as_text)).collect())
        .collect())
}

fn as_text(value: Wire) -> Option<String> {
    match value {
        Wire::NULL => None,
        Wire::Bytes(bytes) => Some(String::from_utf8_lossy(&bytes).into_owned()),
        Wire::Int(number) => Some(number.to_string()),
        Wire::UInt(number) => Some(number.to_string()),
        _ => None,
    }
}

/// The value of a row at a place; nothing where there is none or it is NULL.
pub(crate) fn text(row: &[Option<String>], at: usize) -> String {
    row.get(at).cloned().flatten().unwrap_or_default()
}

/// `table_schema = … AND table_name = …`.
pub(crate) fn is_table(id: &TableId) -> String {
    format!("table_schema = {} AND table_name = {}", text_literal(&id.schema), text_literal(&id.table))
}

/// The comment of a table; `None` when there is no such table.
pub(crate) fn table_comment(link: &mut Link, id: &TableId) -> Result<Option<String>, DbError> {
    let sql = format!(
        "SELECT table_comment FROM information_schema.tables WHERE {} AND table_type <> 'VIEW'",
        is_table(id)
    );
    Ok(rows(link, &sql)?.first().map(|row| text(row, 0)))
}

/// The character sets of the columns that have another than that of the session.
pub(crate) fn character_sets(link: &mut Link, id: &TableId) -> Result<BTreeMap<String, String>, DbError> {
    let sql = format!(
        "SELECT column_name, character_set_name FROM information_schema.columns WHERE {} AND \
         character_set_name <> 'utf8mb4'",
        is_table(id)
    );
    Ok(rows(link, &sql)?.iter().map(|row| (text(row, 0), text(row, 1))).collect())
}

/// Whether a schema exists.
pub(crate) fn has_schema(link: &mut Link, schema: &str) -> Result<bool, DbError> {
    let sql =
        format!("SELECT 1 FROM information_schema.schemata WHERE schema_name = {}", text_literal(schema));
    Ok(!rows(link, &sql)?.is_empty())
}

/// Names of the tables of other tables' foreign keys to a table.
pub(crate) fn children(link: &mut Link, id: &TableId) -> Result<Vec<TableId>, DbError> {
    let sql = format!(
        "SELECT DISTINCT table_schema, table_name FROM information_schema.key_column_usage WHERE \
         referenced_table_schema = {} AND referenced_table_name = {} ORDER BY 1, 2",
        text_literal(&id.schema),
        text_literal(&id.table)
    );
    let found = rows(link, &sql)?;
    Ok(found.iter().map(|row| TableId::new(text(row, 0), text(row, 1))).filter(|child| child != id).collect())
}

/// Tables with a foreign key to one of `parents`.
pub(crate) fn referring(link: &mut Link, parents: &[TableId]) -> Result<Vec<TableId>, DbError> {
    if parents.is_empty() {
        return Ok(Vec::new());
    }
    let pair = |id: &TableId| format!("({}, {})", text_literal(&id.schema), text_literal(&id.table));
    let sql = format!(
        "SELECT DISTINCT table_schema, table_name FROM information_schema.key_column_usage WHERE \
         (referenced_table_schema, referenced_table_name) IN ({})",
        parents.iter().map(pair).collect::<Vec<_>>().join(", ")
    );
    let mut found: Vec<_> =
        rows(link, &sql)?.iter().map(|row| TableId::new(text(row, 0), text(row, 1))).collect();
    found.sort();
    Ok(found)
}

/// A part of an index, as the server lists it.
#[derive(Debug, Clone)]
pub(crate) struct IndexPart {
    /// Name of the index; `PRIMARY` for the primary key.
    pub index: String,
    pub unique: bool,
    /// Column; empty for an expression.
    pub column: String,
    /// Characters or bytes of the column that are indexed, where not all are.
    pub length: Option<String>,
    pub descending: bool,
    /// Expression in place of a column.
    pub expression: Option<String>,
    /// `BTREE`, `FULLTEXT`, …
    pub kind: String,
}

/// The parts of a table's indexes, in the server's order.
pub(crate) fn index_parts(link: &mut Link, id: &TableId) -> Result<Vec<IndexPart>, DbError> {
    let sql = format!("SHOW INDEX FROM {}", quote_table(&id.schema, &id.table));
    let rows: Vec<Row> = link.repeatable(&sql, |conn: &mut Conn| conn.query(&sql))?;
    Ok(rows
        .into_iter()
        .map(|row| {
            let get = |name: &str| {
                let columns = row.columns_ref();
                let at = columns.iter().position(|column| column.name_str().eq_ignore_ascii_case(name))?;
                row.as_ref(at).cloned().and_then(as_text)
            };
            IndexPart {
                index: get("Key_name").unwrap_or_default(),
                unique: get("Non_unique").as_deref() == Some("0"),
                column: get("Column_name").unwrap_or_default(),
                length: get("Sub_part"),
                descending: get("Collation").as_deref() == Some("D"),
                expression: get("Expression"),
                kind: get("Index_type").unwrap_or_default(),
            }
        })
        .collect())
}

/// A duplicate's error that names the columns of the violated index instead of the index.
pub(crate) fn with_key_columns(link: &mut Link, error: DbError) -> DbError {
    let DbError::Duplicate { table, columns, row } = error else { return error };
    let [key] = columns.as_slice() else { return DbError::Duplicate { table, columns, row } };
    // MySQL puts the table before the index, MariaDB does not.
    let short = key.strip_prefix(&format!("{}.", table.table)).unwrap_or(key).to_owned();
    let parts = index_parts(link, &table).unwrap_or_default();
    let found: Vec<String> = parts
        .into_iter()
        .filter(|part| part.index == *key || part.index == short)
        .map(|part| part.expression.unwrap_or(part.column))
        .collect();
    DbError::Duplicate { table, columns: if found.is_empty() { vec![short] } else { found }, row }
}
