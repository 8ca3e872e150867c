//! The SQL text of tables, byte for byte as DataJoint writes it where that decides what the server keeps.

use lapjoint_types::{CoreType, Value};

use crate::error::DbError;
use crate::mysql::literal::{quote, quote_all, quote_table, text_literal};
use crate::mysql::native;
use crate::mysql::types;
use crate::schema::{ColumnDef, ColumnType, DefaultValue, ForeignKeyDef, IndexDef, TableDef};

/// Words that would change the meaning of a column if they stood in its type.
const NOT_IN_TYPES: [&str; 15] = [
    "not",
    "null",
    "default",
    "unique",
    "primary",
    "key",
    "check",
    "references",
    "constraint",
    "comment",
    "generated",
    "as",
    "on",
    "storage",
    "visible",
];

pub(crate) fn create_sql(table: &TableDef, is_mariadb: bool) -> Result<String, DbError> {
    let mut parts = Vec::new();
    for column in &table.columns {
        parts.push(column_sql(column, is_mariadb)?);
    }
    if !table.primary_key.is_empty() {
        parts.push(format!("PRIMARY KEY ({})", quote_all(&table.primary_key)));
    }
    parts.extend(table.foreign_keys.iter().map(foreign_key_sql));
    for index in &table.indexes {
        parts.push(index_sql(table, index, is_mariadb)?);
    }
    let comment = if table.comment.is_empty() {
        String::new()
    } else {
        format!(", COMMENT {}", comment_literal(&table.comment))
    };
    Ok(format!(
        "CREATE TABLE IF NOT EXISTS {} (\n{}\n) ENGINE=InnoDB{comment}",
        quote_table(&table.id.schema, &table.id.table),
        parts.join(",\n")
    ))
}

fn foreign_key_sql(key: &ForeignKeyDef) -> String {
    format!(
        "FOREIGN KEY ({}) REFERENCES {} ({}) ON UPDATE CASCADE ON DELETE RESTRICT",
        quote_all(&key.columns),
        quote_table(&key.parent.schema, &key.parent.table),
        quote_all(&key.parent_columns)
    )
}

/// A column with its type, default and comment.
pub(crate) fn column_sql(column: &ColumnDef, is_mariadb: bool) -> Result<String, DbError> {
    let declared = match &column.ty {
        ColumnType::Core(CoreType::Enum(labels)) => enum_type(column, labels)?,
        ColumnType::Core(core) => types::sql_type(core),
        ColumnType::Native(text) => native_type(&column.name, text)?,
    };
    let mut sql = format!("{} {declared}", quote(&column.name));
    if !column.nullable {
        sql.push_str(" NOT NULL");
    } else if declared.to_ascii_lowercase().starts_with("timestamp") {
        // Unlike other columns a timestamp is not nullable unless it says so.
        sql.push_str(" NULL");
    }
    if column.auto_increment && !declared.eq_ignore_ascii_case("serial") {
        sql.push_str(" AUTO_INCREMENT");
    }
    match &column.default {
        None | Some(DefaultValue::Null) if column.nullable => sql.push_str(" DEFAULT NULL"),
        None | Some(DefaultValue::Null) => {}
        Some(default) => {
            sql.push_str(" DEFAULT ");
            sql.push_str(&default_sql(column, &declared, default, is_mariadb)?);
        }
    }
    if !column.comment.is_empty() {
        sql.push_str(&format!(" COMMENT {}", comment_literal(&column.comment)));
    }
    Ok(sql)
}

/// A comment, between the quotes that DataJoint uses.
pub(crate) fn comment_literal(comment: &str) -> String {
    format!("\"{}\"", comment.replace('\\', "\\\\").replace('"', "\\\"").replace('\0', "\\0"))
}

fn enum_type(column: &ColumnDef, labels: &[String]) -> Result<String, DbError> {
    if let Some(label) = labels.iter().find(|label| label.ends_with(' ')) {
        return Err(DbError::Name {
            name: column.name.clone(),
            reason: format!("MySQL drops the spaces at the end of the label '{label}'"),
        });
    }
    let labels: Vec<_> = labels.iter().map(|label| text_literal(label)).collect();
    Ok(format!("enum({})", labels.join(",")))
}

/// A native type as written; what MySQL would read more than a type into is refused.
fn native_type(column: &str, text: &str) -> Result<String, DbError> {
    let (name, arguments, rest) = native::split(text);
    let is_word = |word: &str| {
        !word.is_empty()
            && word.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
            && !NOT_IN_TYPES.contains(&word.to_ascii_lowercase().as_str())
    };
    let are_numbers = |arguments: &str| {
        arguments.split(',').all(|n| !n.trim().is_empty() && n.trim().bytes().all(|b| b.is_ascii_digit()))
    };
    let fits = match arguments {
        None => true,
        Some(labels) if name == "enum" || name == "set" => native::labels(labels).is_some(),
        Some(arguments) => are_numbers(arguments),
    };
    if !is_word(&name) || !rest.split_whitespace().all(is_word) || !fits {
        return Err(DbError::Name {
            name: column.to_owned(),
            reason: format!("its type {text:?} is not one that MySQL takes as it is"),
        });
    }
    let head = text.trim();
    let head = head.get(..head.len() - rest.len()).unwrap_or(head).trim_end();
    let words: Vec<_> = rest.split_whitespace().filter(|word| *word != "auto_increment").collect();
    Ok(if words.is_empty() { head.to_owned() } else { format!("{head} {}", words.join(" ")) })
}

fn default_sql(
    column: &ColumnDef,
    declared: &str,
    default: &DefaultValue,
    is_mariadb: bool,
) -> Result<String, DbError> {
    let text = match default {
        DefaultValue::Null => return Ok("NULL".to_owned()),
        DefaultValue::CurrentTimestamp => {
            let (_, digits, _) = native::split(declared);
            return Ok(digits.map_or_else(
                || "CURRENT_TIMESTAMP".to_owned(),
                |digits| format!("CURRENT_TIMESTAMP({digits})"),
            ));
        }
        DefaultValue::Literal(text) => text,
    };
    let (name, ..) = native::split(declared);
    let value = match &column.ty {
        ColumnType::Core(core) => {
            Some(types::canonical(default_value(text, core), &column.ty, &column.name, None)?)
        }
        ColumnType::Native(_) => None,
    };
    Ok(match value {
        Some(Value::Bool(flag)) => format!("'{}'", u8::from(flag)),
        // As a plain literal the catalogue would show it garbled.
        Some(Value::Uuid(id)) => format!("(unhex('{}'))", id.simple()),
        // These have a default only as an expression.
        _ if !is_mariadb && (name == "json" || name.ends_with("text") || name.ends_with("blob")) => {
            format!("({})", text_literal(text))
        }
        // As DataJoint writes it, whatever the type.
        _ => text_literal(text),
    })
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
        CoreType::Json => {
            serde_json::from_str(text).map_or_else(|_| as_text(), |json| Value::Json(Box::new(json)))
        }
        CoreType::Bytes => Value::Bytes(text.as_bytes().to_vec().into()),
        _ => as_text(),
    }
}

fn index_sql(table: &TableDef, index: &IndexDef, is_mariadb: bool) -> Result<String, DbError> {
    let parts =
        index.parts.iter().map(|part| part_sql(table, part, is_mariadb)).collect::<Result<Vec<_>, _>>()?;
    Ok(format!("{}index ({})", if index.unique { "unique " } else { "" }, parts.join(",")))
}

/// One part of an index: a column, a path in a json column (`column.path:type`), the beginning of a column (`name(10)`), or
/// an expression.
fn part_sql(table: &TableDef, part: &str, is_mariadb: bool) -> Result<String, DbError> {
    let column = |name: &str| table.columns.iter().find(|column| column.name == name);
    if column(part).is_some() {
        return Ok(quote(part));
    }
    let expression = match part.split_once('.') {
        Some((name, rest)) if column(name).is_some() => {
            let (path, cast) = rest.split_once(':').map_or((rest, None), |(path, cast)| (path, Some(cast)));
            let cast = match cast {
                Some(cast) => format!(" returning {}", native_type(name, cast)?),
                None => String::new(),
            };
            Some(format!(
                "(json_value({}, _utf8mb4{}{cast}))",
                quote(name),
                text_literal(&format!("$.{path}"))
            ))
        }
        _ => None,
    };
    if expression.is_none() && !part.starts_with('(') {
        let (name, rest) =
            part.split_at_checked(part.find(['(', ' ']).unwrap_or(part.len())).unwrap_or((part, ""));
        let Some(column) = column(name) else { return Err(DbError::UnknownColumn(part.to_owned())) };
        let is_plain = rest.bytes().all(|b| b.is_ascii_alphanumeric() || b"() ".contains(&b));
        if is_plain {
            return Ok(format!("{}{rest}", quote(&column.name)));
        }
    }
    if is_mariadb {
        return Err(DbError::Name {
            name: part.to_owned(),
            reason: "MariaDB has no indexes over expressions; use MySQL, or store what is searched for in an attribute of its \
                     own"
                .to_owned(),
        });
    }
    Ok(expression.unwrap_or_else(|| part.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn native_types_are_taken_or_refused() {
        for (text, taken) in [
            ("mediumint unsigned", "mediumint unsigned"),
            ("int auto_increment", "int"),
            ("INT(10) AUTO_INCREMENT UNSIGNED", "INT(10) unsigned"),
            ("decimal(8, 2)", "decimal(8, 2)"),
            ("set('a','b,c')", "set('a','b,c')"),
            ("varchar(30) character set latin1", "varchar(30) character set latin1"),
        ] {
            assert_eq!(native_type("x", text).unwrap(), taken);
        }
        for text in [
            "",
            "int not null",
            "int) ; drop table x",
            "int, y int",
            "int default 5",
            "enum('a') , y int, z enum('b')",
            "x`y",
        ] {
            assert!(native_type("x", text).is_err(), "{text}");
        }
    }

    #[test]
    fn comments_keep_quotes_and_backslashes() {
        assert_eq!(comment_literal(r#":int32:it's a "b" \ c"#), r#"":int32:it's a \"b\" \\ c""#);
    }
}
