//! A table's definition, rebuilt from the database alone.

use lapjoint_types::CoreType;
use rusqlite::Connection;

use crate::error::DbError;
use crate::schema::{ColumnDef, ColumnType, DefaultValue, ForeignKeyDef, IndexDef, TableDef, TableId};
use crate::sqlite::catalog;
use crate::sqlite::literal::{quote, quote_table};

/// All tables of a schema, sorted; without those that hold the records of the others.
pub(crate) fn list_tables(connection: &Connection, schema: &str) -> Result<Vec<String>, DbError> {
    let sql = format!(
        "SELECT name FROM {}.sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite~_%' ESCAPE '~' ORDER BY name",
        quote(schema)
    );
    let mut names: Vec<String> = catalog::rows(connection, &sql, [], |row| row.get(0))?;
    names.retain(|name| !catalog::RESERVED.contains(&name.as_str()));
    Ok(names)
}

/// The definition of a table; `None` when there is none.
pub(crate) fn load_table(connection: &Connection, id: &TableId) -> Result<Option<TableDef>, DbError> {
    if !catalog::has_table(connection, &id.schema, &id.table)? {
        return Ok(None);
    }
    let native = native_columns(connection, id)?;
    if catalog::exists(connection, &id.schema)?
        && let Some(table) = recorded(connection, id)?
    {
        // Another program may have altered the table; its records are then no longer true.
        let recorded = table.columns.iter().map(|column| &column.name);
        if recorded.eq(native.iter().map(|column| &column.name)) {
            return Ok(Some(table));
        }
    }
    foreign_table(connection, id, native).map(Some)
}

/// The definition as recorded; `None` when another program made the table.
fn recorded(connection: &Connection, id: &TableId) -> Result<Option<TableDef>, DbError> {
    let from = |hidden: &str| quote_table(&id.schema, hidden);
    let sql = format!("SELECT comment FROM {} WHERE table_name = ?", from(catalog::TABLE));
    let Some(comment) = catalog::rows(connection, &sql, [&id.table], |row| row.get(0))?.pop() else {
        return Ok(None);
    };
    let (columns, primary_key) = recorded_columns(connection, id)?;
    let sql = format!(
        "SELECT is_unique, parts FROM {} WHERE table_name = ? ORDER BY ordinal",
        from(catalog::INDEX)
    );
    let indexes =
        catalog::rows(connection, &sql, [&id.table], |row| Ok((row.get(0)?, row.get::<_, String>(1)?)))?
            .into_iter()
            .map(|(unique, parts)| Ok(IndexDef { parts: catalog::names_from_json(&parts)?, unique }))
            .collect::<Result<_, DbError>>()?;
    let sql = format!(
        "SELECT columns, parent_schema, parent_table, parent_columns FROM {} WHERE table_name = ? ORDER BY ordinal",
        from(catalog::FOREIGN_KEY)
    );
    let foreign_keys = catalog::rows(connection, &sql, [&id.table], |row| {
        Ok([row.get::<_, String>(0)?, row.get(1)?, row.get(2)?, row.get(3)?])
    })?
    .into_iter()
    .map(|[columns, schema, table, parent_columns]| {
        let schema = if schema.is_empty() { &id.schema } else { &schema };
        Ok(ForeignKeyDef {
            columns: catalog::names_from_json(&columns)?,
            parent: TableId::new(schema, table),
            parent_columns: catalog::names_from_json(&parent_columns)?,
        })
    })
    .collect::<Result<_, DbError>>()?;
    Ok(Some(TableDef { id: id.clone(), comment, columns, primary_key, foreign_keys, indexes }))
}

fn recorded_columns(connection: &Connection, id: &TableId) -> Result<(Vec<ColumnDef>, Vec<String>), DbError> {
    struct Record {
        column: ColumnDef,
        kind: String,
        type_text: String,
        key_ordinal: Option<i64>,
    }
    let sql = format!(
        "SELECT column_name, type_kind, type_text, is_nullable, default_kind, default_text, comment, auto_increment, \
         key_ordinal FROM {} WHERE table_name = ? ORDER BY ordinal",
        quote_table(&id.schema, catalog::COLUMN)
    );
    let records = catalog::rows(connection, &sql, [&id.table], |row| {
        let default = match row.get::<_, Option<String>>(4)?.as_deref() {
            None => None,
            Some("null") => Some(DefaultValue::Null),
            Some("current_timestamp") => Some(DefaultValue::CurrentTimestamp),
            Some(_) => Some(DefaultValue::Literal(row.get(5)?)),
        };
        Ok(Record {
            column: ColumnDef {
                name: row.get(0)?,
                ty: ColumnType::Native(String::new()),
                nullable: row.get(3)?,
                default,
                comment: row.get(6)?,
                auto_increment: row.get(7)?,
            },
            kind: row.get(1)?,
            type_text: row.get(2)?,
            key_ordinal: row.get(8)?,
        })
    })?;
    let mut columns = Vec::with_capacity(records.len());
    let mut key = Vec::new();
    for record in records {
        let mut column = record.column;
        column.ty = if record.kind == "core" {
            let core = CoreType::parse(&record.type_text).map_err(|error| DbError::Stored {
                column: column.name.clone(),
                ty: "a core type".to_owned(),
                found: format!("{:?}: {error}", record.type_text),
            })?;
            ColumnType::Core(core)
        } else {
            ColumnType::Native(record.type_text)
        };
        if let Some(ordinal) = record.key_ordinal {
            key.push((ordinal, column.name.clone()));
        }
        columns.push(column);
    }
    key.sort();
    Ok((columns, key.into_iter().map(|(_, name)| name).collect()))
}

/// A column as SQLite's own catalogue knows it.
struct NativeColumn {
    name: String,
    ty: String,
    not_null: bool,
    default: Option<String>,
    key_ordinal: i64,
}

fn native_columns(connection: &Connection, id: &TableId) -> Result<Vec<NativeColumn>, DbError> {
    let sql = format!("PRAGMA {}.table_info({})", quote(&id.schema), quote(&id.table));
    catalog::rows(connection, &sql, [], |row| {
        Ok(NativeColumn {
            name: row.get(1)?,
            ty: row.get(2)?,
            not_null: row.get(3)?,
            default: row.get(4)?,
            key_ordinal: row.get(5)?,
        })
    })
}

/// The definition of a table that another program made: its columns have native types.
fn foreign_table(
    connection: &Connection,
    id: &TableId,
    native: Vec<NativeColumn>,
) -> Result<TableDef, DbError> {
    let sql =
        format!("SELECT sql FROM {}.sqlite_schema WHERE type = 'table' AND name = ?", quote(&id.schema));
    let text: Option<String> =
        catalog::rows(connection, &sql, [&id.table], |row| row.get::<_, Option<String>>(0))?
            .into_iter()
            .flatten()
            .next();
    let numbers = text.is_some_and(|text| text.to_ascii_lowercase().contains("autoincrement"));
    let mut key: Vec<_> =
        native.iter().filter(|c| c.key_ordinal > 0).map(|c| (c.key_ordinal, c.name.clone())).collect();
    key.sort();
    let columns = native
        .into_iter()
        .map(|column| ColumnDef {
            nullable: !column.not_null && column.key_ordinal == 0,
            default: column.default.as_deref().map(default_of),
            comment: String::new(),
            auto_increment: numbers && column.key_ordinal > 0,
            name: column.name,
            ty: ColumnType::Native(column.ty),
        })
        .collect();
    Ok(TableDef {
        id: id.clone(),
        comment: String::new(),
        columns,
        primary_key: key.into_iter().map(|(_, name)| name).collect(),
        foreign_keys: native_foreign_keys(connection, id)?,
        indexes: native_indexes(connection, id)?,
    })
}

/// A default as SQLite wrote it down.
fn default_of(text: &str) -> DefaultValue {
    let upper = text.trim().to_ascii_uppercase();
    if upper == "NULL" {
        return DefaultValue::Null;
    }
    if matches!(upper.as_str(), "CURRENT_TIMESTAMP" | "CURRENT_DATE") {
        return DefaultValue::CurrentTimestamp;
    }
    let quoted = text.strip_prefix('\'').and_then(|rest| rest.strip_suffix('\''));
    DefaultValue::Literal(quoted.map_or_else(|| text.to_owned(), |inner| inner.replace("''", "'")))
}

fn native_foreign_keys(connection: &Connection, id: &TableId) -> Result<Vec<ForeignKeyDef>, DbError> {
    let sql = format!("PRAGMA {}.foreign_key_list({})", quote(&id.schema), quote(&id.table));
    let mut rows: Vec<(i64, i64, String, String, Option<String>)> =
        catalog::rows(connection, &sql, [], |row| {
            Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?, row.get(4)?))
        })?;
    // SQLite numbers them from the last to the first.
    rows.sort_by_key(|(number, place, ..)| (std::cmp::Reverse(*number), *place));
    let mut keys: Vec<(i64, ForeignKeyDef)> = Vec::new();
    for (number, place, table, column, parent_column) in rows {
        let parent = TableId::new(&id.schema, table);
        let parent_column = match parent_column {
            Some(name) => Some(name),
            // Without names the reference is to the primary key.
            None => {
                let mut key = native_columns(connection, &parent)?;
                key.retain(|column| column.key_ordinal == place + 1);
                key.pop().map(|column| column.name)
            }
        };
        if keys.last().is_none_or(|(last, _)| *last != number) {
            keys.push((number, ForeignKeyDef { columns: Vec::new(), parent, parent_columns: Vec::new() }));
        }
        if let Some((_, key)) = keys.last_mut() {
            key.columns.push(column);
            key.parent_columns.extend(parent_column);
        }
    }
    Ok(keys.into_iter().map(|(_, key)| key).collect())
}

fn native_indexes(connection: &Connection, id: &TableId) -> Result<Vec<IndexDef>, DbError> {
    let sql = format!("PRAGMA {}.index_list({})", quote(&id.schema), quote(&id.table));
    let mut listed: Vec<(i64, String, bool, String)> =
        catalog::rows(connection, &sql, [], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?)))?;
    listed.retain(|(.., origin)| origin != "pk");
    listed.sort_by_key(|(number, ..)| std::cmp::Reverse(*number));
    let mut indexes = Vec::new();
    for (_, name, unique, _) in listed {
        let sql = format!("PRAGMA {}.index_info({})", quote(&id.schema), quote(&name));
        let parts: Vec<Option<String>> = catalog::rows(connection, &sql, [], |row| row.get(2))?;
        // An index over expressions has no column names; its text is SQL of another program.
        if let Some(parts) = parts.into_iter().collect::<Option<Vec<_>>>() {
            indexes.push(IndexDef { parts, unique });
        }
    }
    Ok(indexes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn defaults_of_other_programs_lose_their_quotes() {
        assert_eq!(default_of("'it''s'"), DefaultValue::Literal("it's".into()));
        assert_eq!(default_of("3.5"), DefaultValue::Literal("3.5".into()));
        assert_eq!(default_of("null"), DefaultValue::Null);
        assert_eq!(default_of("'"), DefaultValue::Literal("'".into()));
    }
}
