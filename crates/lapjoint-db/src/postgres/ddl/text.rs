//! The SQL text of tables, types, indexes and comments: that of DataJoint, byte for byte where DataJoint's is right.

use std::collections::BTreeSet;

use lapjoint_types::{CoreType, Value, marker};
use md5::{Digest, Md5};

use crate::error::DbError;
use crate::postgres::literal::{literal, quote, quote_all, quote_table, text_literal};
use crate::postgres::types;
use crate::schema::{ColumnDef, ColumnType, DefaultValue, ForeignKeyDef, IndexDef, TableDef, TableId};

/// Words that would change the meaning of a column if they stood in its type unquoted.
const NOT_IN_TYPES: [&str; 13] = [
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
    "deferrable",
];

/// Characters of the columns in the name of an index.
const INDEX_COLUMNS_CHARS: usize = 30;

/// Longest name in bytes.
const NAME_BYTES: usize = crate::postgres::literal::MAX_NAME_BYTES;

/// Name of the type of an enum: the same for the same labels in any order.
pub(super) fn enum_name(labels: &[String]) -> String {
    let mut sorted: Vec<_> = labels.iter().map(String::as_str).collect();
    sorted.sort_unstable();
    let digest: [u8; 16] = Md5::digest(sorted.join("_")).into();
    let hex: String = digest.iter().take(4).map(|byte| format!("{byte:02x}")).collect();
    format!("enum_{hex}")
}

/// The statement that makes a table. `types` has the SQL type of each column.
pub(super) fn create_sql(table: &TableDef, types: &[String]) -> Result<String, DbError> {
    let mut parts = Vec::new();
    for (column, ty) in table.columns.iter().zip(types) {
        parts.push(column_sql(table, column, ty)?);
    }
    if !table.primary_key.is_empty() {
        parts.push(format!("PRIMARY KEY ({})", quote_all(&table.primary_key)));
    }
    parts.extend(table.foreign_keys.iter().map(foreign_key_sql));
    Ok(format!("CREATE TABLE {} (\n{}\n)", quote_table(&table.id), parts.join(",\n")))
}

fn foreign_key_sql(key: &ForeignKeyDef) -> String {
    format!(
        "FOREIGN KEY ({}) REFERENCES {} ({}) ON UPDATE CASCADE ON DELETE RESTRICT",
        quote_all(&key.columns),
        quote_table(&key.parent),
        quote_all(&key.parent_columns)
    )
}

fn column_sql(table: &TableDef, column: &ColumnDef, ty: &str) -> Result<String, DbError> {
    let mut sql = format!("{} {ty}", quote(&column.name));
    if !column.nullable {
        sql.push_str(" NOT NULL");
    }
    let in_reference = table.foreign_keys.iter().any(|key| key.columns.contains(&column.name));
    match &column.default {
        // DataJoint writes nothing for the columns of a nullable reference.
        Some(DefaultValue::Null) if in_reference => {}
        Some(default) => sql.push_str(&format!(" DEFAULT {}", default_sql(column, default)?)),
        None => {}
    }
    Ok(sql)
}

/// A default as SQL.
pub(in crate::postgres) fn default_sql(
    column: &ColumnDef,
    default: &DefaultValue,
) -> Result<String, DbError> {
    let text = match default {
        DefaultValue::Null => return Ok("NULL".to_owned()),
        DefaultValue::CurrentTimestamp => {
            return Ok(match &column.ty {
                ColumnType::Core(CoreType::Date) => "CURRENT_DATE".to_owned(),
                ColumnType::Core(CoreType::DateTime(Some(digits))) => format!("CURRENT_TIMESTAMP({digits})"),
                _ => "CURRENT_TIMESTAMP".to_owned(),
            });
        }
        DefaultValue::Literal(text) => text,
    };
    if text.contains('\0') {
        return Err(types::refused(&Value::from(text.as_str()), &column.ty, &column.name, None, "text"));
    }
    if let ColumnType::Core(core) = &column.ty {
        // Refuses what is no value of the type.
        let value = types::canonical(default_value(text, core), &column.ty, &column.name, None)?;
        if matches!(core, CoreType::Json | CoreType::Bytes) {
            return literal(&value, &column.ty);
        }
    }
    Ok(text_literal(text))
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
            "0" | "false" | "f" => Value::Bool(false),
            "1" | "true" | "t" => Value::Bool(true),
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

/// A native type as written, quoted where the server would read more than a type into it.
pub(in crate::postgres) fn native_type(text: &str) -> String {
    let text = text.trim();
    let lower = text.to_ascii_lowercase();
    // MySQL's way to say that the server numbers the rows.
    match lower.split_whitespace().collect::<Vec<_>>().join(" ").as_str() {
        "smallint auto_increment" => return "smallserial".to_owned(),
        "int auto_increment" | "integer auto_increment" => return "serial".to_owned(),
        "bigint auto_increment" => return "bigserial".to_owned(),
        _ => {}
    }
    let (words, arguments, after) = split_type(text);
    let is_word = |word: &str| {
        word.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
            && word.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
            && !NOT_IN_TYPES.contains(&word.to_ascii_lowercase().as_str())
    };
    let mut named = words.split_whitespace().peekable();
    let is_plain = named.peek().is_some()
        && words.split_whitespace().chain(after.trim_end_matches("[]").split_whitespace()).all(is_word)
        && arguments.is_none_or(|list| {
            (1..=2).contains(&list.split(',').count())
                && list
                    .split(',')
                    .all(|n| !n.trim().is_empty() && n.trim().bytes().all(|b| b.is_ascii_digit()))
        });
    if is_plain { text.to_owned() } else { quote(text) }
}

/// A type's words, what stands in its parentheses, and what comes after.
fn split_type(text: &str) -> (&str, Option<&str>, &str) {
    let Some((words, rest)) = text.split_once('(') else {
        let words = text.trim_end_matches("[]");
        return (words, None, text.get(words.len()..).unwrap_or_default());
    };
    match rest.split_once(')') {
        Some((arguments, after)) => (words, Some(arguments), after),
        None => (words, Some(""), ""),
    }
}

/// An index to be made.
pub(super) struct IndexText {
    pub name: String,
    pub sql: String,
    /// What the server cannot tell of it when it is loaded: its parts as declared.
    pub comment: Option<String>,
}

/// All indexes of a table: the declared ones, and those that only support a reference.
pub(super) fn indexes(table: &TableDef, taken: &BTreeSet<String>) -> Vec<IndexText> {
    let mut taken = taken.clone();
    let mut indexes: Vec<IndexText> = Vec::new();
    let is_column = |part: &String| table.columns.iter().any(|column| column.name == *part);
    for index in &table.indexes {
        let plain = index.parts.iter().all(is_column);
        // One that could be taken for the support of a reference says that it is not.
        let supports = !index.unique && table.foreign_keys.iter().any(|key| key.columns == index.parts);
        let comment = (!plain || supports).then(|| parts_comment(&index.parts));
        indexes.push(index_text(table, index, &mut taken, comment));
    }
    for columns in supports(table) {
        let index = IndexDef { parts: columns, unique: false };
        indexes.push(index_text(table, &index, &mut taken, None));
    }
    indexes
}

/// The columns of references that no key or index begins with; of those that begin with one another only the longest.
pub(in crate::postgres) fn supports(table: &TableDef) -> Vec<Vec<String>> {
    let covered = |columns: &[String]| {
        table.primary_key.starts_with(columns)
            || table.indexes.iter().any(|index| index.parts.starts_with(columns))
    };
    let mut wanted: Vec<&Vec<String>> = table.foreign_keys.iter().map(|key| &key.columns).collect();
    wanted.sort_by_key(|columns| std::cmp::Reverse(columns.len()));
    let mut chosen: Vec<Vec<String>> = Vec::new();
    for columns in wanted {
        if !covered(columns) && !chosen.iter().any(|longer| longer.starts_with(columns)) {
            chosen.push(columns.clone());
        }
    }
    chosen
}

fn index_text(
    table: &TableDef,
    index: &IndexDef,
    taken: &mut BTreeSet<String>,
    comment: Option<String>,
) -> IndexText {
    let name = index_name(table, index, taken);
    let parts: Vec<_> = index.parts.iter().map(|part| part_sql(table, part)).collect();
    let sql = format!(
        "CREATE {}INDEX {} ON {} ({})",
        if index.unique { "UNIQUE " } else { "" },
        quote(&name),
        quote_table(&table.id),
        parts.join(", ")
    );
    IndexText { name, sql, comment }
}

/// `idx_<table>_<columns>`, as DataJoint has it; with a number where it is taken or too long.
fn index_name(table: &TableDef, index: &IndexDef, taken: &mut BTreeSet<String>) -> String {
    let columns: String = index.parts.join("_").chars().take(INDEX_COLUMNS_CHARS).collect();
    let base = format!("idx_{}_{columns}", table.id.table).replace('\0', "");
    let mut name = cut(&base, NAME_BYTES).to_owned();
    let mut number = 2;
    while !taken.insert(name.clone()) {
        let end = format!("_{number}");
        name = format!("{}{end}", cut(&base, NAME_BYTES - end.len()));
        number += 1;
    }
    name
}

/// The beginning of a text, of at most so many bytes.
fn cut(text: &str, bytes: usize) -> &str {
    let mut end = bytes.min(text.len());
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text.get(..end).unwrap_or(text)
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
        let steps = path.split(['.', '[', ']']).filter(|step| !step.is_empty());
        let steps: Vec<_> = steps.map(|step| text_literal(step.trim_matches('"'))).collect();
        let value = format!("({} #>> ARRAY[{}])", quote(&column.name), steps.join(", "));
        return match cast {
            Some(cast) => format!("({value}::{})", json_cast(cast)),
            None => value,
        };
    }
    // The server has no index over the beginning of a text: `name(10)` becomes an index over all of it.
    if let Some((name, length)) = part.split_once('(')
        && let Some(column) = column(name.trim())
        && length.trim_end().strip_suffix(')').is_some_and(|n| n.trim().parse::<u32>().is_ok())
    {
        return quote(&column.name);
    }
    part.to_owned()
}

/// A type that MySQL casts to, as PostgreSQL has it.
fn json_cast(text: &str) -> String {
    match text.trim().to_ascii_lowercase().as_str() {
        "signed" | "unsigned" | "signed integer" | "unsigned integer" => "bigint".to_owned(),
        "double" => "double precision".to_owned(),
        // What a `char` cuts or fills up would not be found.
        other if other.starts_with("char") => "text".to_owned(),
        _ => native_type(text),
    }
}

/// Statements that set the comments of a table's indexes; `names` are those of its indexes in declared order.
pub(in crate::postgres) fn index_comments(table: &TableDef, names: &[String]) -> Vec<String> {
    let commented = indexes(table, &BTreeSet::new());
    let pairs = names.iter().zip(commented);
    pairs
        .filter_map(|(name, index)| {
            let id = quote_table(&TableId::new(&table.id.schema, name));
            Some(format!("COMMENT ON INDEX {id} IS {}", text_literal(&index.comment?)))
        })
        .collect()
}

fn parts_comment(parts: &[String]) -> String {
    serde_json::Value::from(parts.to_vec()).to_string()
}

/// Statements that set the comments of a table and of its columns.
pub(super) fn comments_sql(table: &TableDef) -> Vec<String> {
    let mut sql =
        vec![format!("COMMENT ON TABLE {} IS {}", quote_table(&table.id), text_literal(&table.comment))];
    for column in table.columns.iter().filter(|column| !column.comment.is_empty()) {
        sql.push(comment_sql(table, column));
    }
    sql
}

/// The statement that sets the comment of a column.
pub(in crate::postgres) fn comment_sql(table: &TableDef, column: &ColumnDef) -> String {
    let comment = written_comment(&column.comment);
    let comment = if comment.is_empty() { "NULL".to_owned() } else { text_literal(&comment) };
    format!("COMMENT ON COLUMN {}.{} IS {comment}", quote_table(&table.id), quote(&column.name))
}

/// A comment as it is stored. DataJoint writes `\"` for each quote in a comment, and leaves it so when it reads; one of ours
/// that looks like that is written once more in this way, so that [`read_comment`] gives it back.
fn written_comment(stored: &str) -> String {
    let (marker, comment) = marker::parse_comment(stored);
    if looks_escaped(comment) {
        marker::encode_comment(marker, &comment.replace('"', "\\\""))
    } else {
        stored.to_owned()
    }
}

/// A comment without the backslashes that DataJoint puts before quotes.
pub(in crate::postgres) fn read_comment(stored: &str) -> String {
    let (marker, comment) = marker::parse_comment(stored);
    if looks_escaped(comment) {
        marker::encode_comment(marker, &comment.replace("\\\"", "\""))
    } else {
        stored.to_owned()
    }
}

fn looks_escaped(comment: &str) -> bool {
    comment.contains('"') && comment.matches('"').count() == comment.matches("\\\"").count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn enum_types_have_datajoints_names() {
        let labels = |list: &[&str]| list.iter().map(ToString::to_string).collect::<Vec<_>>();
        assert_eq!(enum_name(&labels(&["M", "F", "U"])), "enum_e54fc739");
        assert_eq!(enum_name(&labels(&["F", "U", "M"])), "enum_e54fc739");
        assert_eq!(enum_name(&labels(&["a", "b"])), "enum_dbf08e00");
    }

    #[test]
    fn native_types_are_quoted_where_they_are_more_than_a_type() {
        for plain in [
            "smallint",
            "double precision",
            "varchar(30)",
            "numeric(8, 2)",
            "timestamp(3) with time zone",
            "integer[]",
            "int4range",
        ] {
            assert_eq!(native_type(plain), plain);
        }
        for quoted in [
            "int not null",
            "int) ; drop",
            "enum('a')",
            "x(1,2,3)",
            "t()",
            "a\"b",
            "",
            "int[3]",
            "1x",
            "int(1",
        ] {
            assert_eq!(native_type(quoted), quote(quoted));
        }
        assert_eq!(native_type("INT  AUTO_INCREMENT"), "serial");
    }

    #[test]
    fn comments_come_back_and_datajoints_backslashes_go() {
        for comment in [
            ":int32:a \"b\"",
            ":int32:a \\\"b\\\"",
            "\\\\\"",
            "\"",
            "",
            ":enum(\"a\"):x",
            "\\",
            "\\\"x\" \\\"",
        ] {
            assert_eq!(read_comment(&written_comment(comment)), comment);
        }
        assert_eq!(read_comment(":enum(\"a\"):say \\\"a\\\""), ":enum(\"a\"):say \"a\"");
    }
}
