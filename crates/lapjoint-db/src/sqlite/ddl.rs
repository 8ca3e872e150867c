//! Creating and dropping tables.

use std::collections::BTreeSet;

use lapjoint_types::{CoreType, Value};
use rusqlite::{Connection, params};

use crate::error::DbError;
use crate::schema::{ColumnDef, ColumnType, DefaultValue, ForeignKeyDef, IndexDef, TableDef, TableId};
use crate::sqlite::connection::Link;
use crate::sqlite::errors::{self, Place};
use crate::sqlite::literal::{literal, quote, quote_all, quote_table, text_literal};
use crate::sqlite::{attach, catalog, foreign, introspect, types};

/// Words that would change the meaning of a column if they stood in its type unquoted.
const NOT_IN_TYPES: [&str; 12] = [
    "not",
    "null",
    "default",
    "unique",
    "primary",
    "key",
    "check",
    "references",
    "collate",
    "generated",
    "constraint",
    "as",
];

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
fn create_in(connection: &Connection, table: &TableDef) -> Result<bool, DbError> {
    let schema = &table.id.schema;
    for key in &table.foreign_keys {
        let is_self = key.parent == table.id;
        if !is_self && !catalog::has_table(connection, &key.parent.schema, &key.parent.table)? {
            return Err(DbError::MissingTable(key.parent.to_string()));
        }
    }
    let run = |sql: &str| connection.execute_batch(sql).map_err(|error| errors::map(error, &Place::sql(sql)));
    catalog::create(connection, schema)?;
    run(&create_sql(table)?)?;
    for (number, index) in table.indexes.iter().enumerate() {
        run(&index_sql(table, &format!("~index_{}_{number}", table.id.table), index))?;
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

fn check_names(table: &TableDef) -> Result<(), DbError> {
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

/// The column that SQLite numbers itself, or that is the row's identity.
fn rowid_column(table: &TableDef) -> Option<&ColumnDef> {
    let [name] = table.primary_key.as_slice() else { return None };
    let column = table.columns.iter().find(|column| column.name == *name)?;
    let is_integer = matches!(
        column.ty,
        ColumnType::Core(CoreType::Int8 | CoreType::Int16 | CoreType::Int32 | CoreType::Int64)
    );
    // A default would be passed over.
    (column.auto_increment || is_integer && column.default.is_none()).then_some(column)
}

fn create_sql(table: &TableDef) -> Result<String, DbError> {
    let rowid = rowid_column(table).map(|column| column.name.as_str());
    if let Some(column) = table.columns.iter().find(|c| c.auto_increment && rowid != Some(c.name.as_str())) {
        return Err(DbError::Name {
            name: column.name.clone(),
            reason: "SQLite numbers rows only in a column that is the whole primary key".to_owned(),
        });
    }
    let mut parts = Vec::new();
    for column in &table.columns {
        parts.push(column_sql(column, rowid == Some(column.name.as_str()))?);
    }
    if rowid.is_none() && !table.primary_key.is_empty() {
        parts.push(format!("PRIMARY KEY ({})", quote_all(&table.primary_key)));
    }
    for key in table.foreign_keys.iter().filter(|key| key.parent.schema == table.id.schema) {
        parts.push(foreign_key_sql(key));
    }
    Ok(format!("CREATE TABLE {} ({})", quote_table(&table.id.schema, &table.id.table), parts.join(", ")))
}

fn foreign_key_sql(key: &ForeignKeyDef) -> String {
    format!(
        "FOREIGN KEY ({}) REFERENCES {} ({}) ON UPDATE CASCADE ON DELETE RESTRICT",
        quote_all(&key.columns),
        quote(&key.parent.table),
        quote_all(&key.parent_columns)
    )
}

fn column_sql(column: &ColumnDef, is_rowid: bool) -> Result<String, DbError> {
    let (declared, condition) = match &column.ty {
        ColumnType::Core(core) => {
            let (declared, condition) = types::storage(&column.name, core);
            (declared.to_owned(), condition)
        }
        // Only a column that is meant to be is the number of its row.
        ColumnType::Native(text) if text.trim().eq_ignore_ascii_case("integer") => ("INT".to_owned(), None),
        ColumnType::Native(text) => (native_type(text), None),
    };
    let mut sql = quote(&column.name);
    if is_rowid {
        sql.push_str(" INTEGER PRIMARY KEY");
        if column.auto_increment {
            sql.push_str(" AUTOINCREMENT");
        }
    } else if !declared.is_empty() {
        sql.push(' ');
        sql.push_str(&declared);
    }
    if !column.nullable {
        sql.push_str(" NOT NULL");
    }
    if let Some(default) = &column.default {
        sql.push_str(&format!(" DEFAULT {}", default_sql(column, default)?));
    }
    if let Some(condition) = condition {
        let condition = if column.nullable {
            format!("{} IS NULL OR {condition}", quote(&column.name))
        } else {
            condition
        };
        sql.push_str(&format!(" CONSTRAINT {} CHECK ({condition})", quote(&column.name)));
    }
    Ok(sql)
}

/// A native type as written, quoted where SQLite would read more than a type into it.
fn native_type(text: &str) -> String {
    let text = text.trim();
    if text.is_empty() {
        return String::new();
    }
    let (names, length) = match text.split_once('(') {
        Some((names, length)) => (names, length.strip_suffix(')')),
        None => (text, Some("")),
    };
    let mut words = names.split_whitespace().peekable();
    let is_plain = words.peek().is_some()
        && words.all(|word| {
            word.bytes().all(|b| b.is_ascii_alphabetic() || b == b'_')
                && !NOT_IN_TYPES.contains(&word.to_ascii_lowercase().as_str())
        })
        && length.is_some_and(|length| {
            length.is_empty() && !text.contains('(')
                || (1..=2).contains(&length.split(',').count())
                    && length
                        .split(',')
                        .all(|n| !n.trim().is_empty() && n.trim().bytes().all(|b| b.is_ascii_digit()))
        });
    if is_plain { text.to_owned() } else { quote(text) }
}

fn default_sql(column: &ColumnDef, default: &DefaultValue) -> Result<String, DbError> {
    let text = match default {
        DefaultValue::Null => return Ok("NULL".to_owned()),
        DefaultValue::CurrentTimestamp => return Ok(now_sql(&column.ty).to_owned()),
        DefaultValue::Literal(text) => text,
    };
    match &column.ty {
        ColumnType::Core(core) => {
            let value = types::canonical(default_value(text, core), &column.ty, &column.name, None)?;
            // In parentheses, for a literal may be an expression (`CAST(…)`).
            Ok(format!("({})", literal(&value, &column.ty)?))
        }
        ColumnType::Native(_) => {
            let is_number = text.parse::<i64>().is_ok() || text.parse::<f64>().is_ok_and(f64::is_finite);
            Ok(if is_number { text.clone() } else { text_literal(text) })
        }
    }
}

/// The time of an insert, in UTC, in the form of the column's type.
fn now_sql(ty: &ColumnType) -> &'static str {
    match ty {
        ColumnType::Core(CoreType::Date) => "CURRENT_DATE",
        // SQLite's clock has milliseconds; no zeros stand at the end of a fraction.
        ColumnType::Core(CoreType::DateTime(Some(digits))) if *digits >= 3 => {
            "(rtrim(rtrim(strftime('%Y-%m-%d %H:%M:%f', 'now'), '0'), '.'))"
        }
        _ => "CURRENT_TIMESTAMP",
    }
}

/// The value that a default's text means for a type.
fn default_value(text: &str, core: &CoreType) -> Value {
    let as_text = || Value::Str(text.to_owned());
    match core {
        CoreType::Int8 | CoreType::Int16 | CoreType::Int32 | CoreType::Int64 => {
            text.trim().parse().map_or_else(|_| as_text(), Value::Int)
        }
        CoreType::Float32 | CoreType::Float64 => text.trim().parse().map_or_else(|_| as_text(), Value::Float),
        CoreType::Bool => match text.trim().to_ascii_lowercase().as_str() {
            "0" | "false" => Value::Bool(false),
            "1" | "true" => Value::Bool(true),
            _ => as_text(),
        },
        CoreType::Decimal { .. } => text.trim().parse().map_or_else(|_| as_text(), Value::Decimal),
        CoreType::Json => {
            serde_json::from_str(text).map_or_else(|_| as_text(), |json| Value::Json(Box::new(json)))
        }
        CoreType::Bytes => Value::Bytes(text.as_bytes().to_vec().into()),
        _ => as_text(),
    }
}

fn index_sql(table: &TableDef, name: &str, index: &IndexDef) -> String {
    let parts: Vec<_> = index.parts.iter().map(|part| part_sql(table, part)).collect();
    format!(
        "CREATE {}INDEX {} ON {} ({})",
        if index.unique { "UNIQUE " } else { "" },
        quote_table(&table.id.schema, name),
        quote(&table.id.table),
        parts.join(", ")
    )
}

/// One part of an index: a column, a path in a json column (`column.path:type`), or SQL.
fn part_sql(table: &TableDef, part: &str) -> String {
    let column = |name: &str| table.columns.iter().find(|column| column.name == name);
    if column(part).is_some() {
        return quote(part);
    }
    if let Some((name, rest)) = part.split_once('.')
        && let Some(column) = column(name)
    {
        let (path, cast) = rest.split_once(':').map_or((rest, None), |(path, cast)| (path, Some(cast)));
        let value = format!("json_extract({}, {})", quote(&column.name), text_literal(&format!("$.{path}")));
        return match cast {
            // The affinity is what a type means to SQLite; `char(20)` cuts nothing.
            Some(cast) => format!("CAST({value} AS {})", native_type(cast)),
            None => value,
        };
    }
    // SQLite has no index over the beginning of a text: `name(10)` becomes an index over all of it.
    if let Some((name, length)) = part.split_once('(')
        && let Some(column) = column(name.trim())
        && length.trim_end().strip_suffix(')').is_some_and(|n| n.trim().parse::<u32>().is_ok())
    {
        return quote(&column.name);
    }
    part.to_owned()
}

/// Writes the records from which the table's definition is rebuilt.
fn record(connection: &Connection, table: &TableDef) -> Result<(), DbError> {
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
fn forget(connection: &Connection, id: &TableId) -> Result<(), DbError> {
    for hidden in [catalog::TABLE, catalog::COLUMN, catalog::INDEX, catalog::FOREIGN_KEY] {
        let sql = format!("DELETE FROM {} WHERE table_name = ?", quote_table(&id.schema, hidden));
        connection.execute(&sql, [&id.table]).map_err(|error| errors::map(error, &Place::sql(&sql)))?;
    }
    Ok(())
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn native_types_are_quoted_where_they_are_more_than_a_type() {
        for plain in ["mediumint", "int unsigned", "varchar(30)", "decimal(8, 2)", "long_text"] {
            assert_eq!(native_type(plain), plain);
        }
        for quoted in
            ["int not null", "int) ; drop", "int(10) unsigned", "enum('a')", "x(1,2,3)", "t()", "a\"b"]
        {
            assert_eq!(native_type(quoted), quote(quoted));
        }
        assert_eq!(native_type(" "), "");
    }
}
