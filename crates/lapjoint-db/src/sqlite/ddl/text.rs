//! The SQL text of tables and indexes.

use lapjoint_types::{CoreType, Value};

use crate::error::DbError;
use crate::schema::{ColumnDef, ColumnType, DefaultValue, ForeignKeyDef, IndexDef, TableDef};
use crate::sqlite::literal::{literal, quote, quote_all, quote_table, text_literal};
use crate::sqlite::types;

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

pub(crate) fn create_sql(table: &TableDef) -> Result<String, DbError> {
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

pub(crate) fn index_sql(table: &TableDef, name: &str, index: &IndexDef) -> String {
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
