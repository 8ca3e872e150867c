//! Identifiers and literals as SQL text.

use std::fmt::Write as _;

use lapjoint_types::{CoreType, Value};

use crate::check;
use crate::error::DbError;
use crate::postgres::{json, types};
use crate::schema::{ColumnType, TableId};

/// Longest name in bytes: the server cuts a longer one without a word.
pub(crate) const MAX_NAME_BYTES: usize = 63;

/// An identifier in double quotes.
pub(crate) fn quote(identifier: &str) -> String {
    format!("\"{}\"", identifier.replace('"', "\"\""))
}

/// Quoted identifiers, joined by commas.
pub(crate) fn quote_all<S: AsRef<str>>(identifiers: &[S]) -> String {
    identifiers.iter().map(|name| quote(name.as_ref())).collect::<Vec<_>>().join(", ")
}

/// `"schema"."table"`.
pub(crate) fn quote_table(id: &TableId) -> String {
    format!("{}.{}", quote(&id.schema), quote(&id.table))
}

/// A text in single quotes; it has no NUL.
pub(crate) fn text_literal(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

/// Refuses what the server takes for no name, or for another one.
pub(crate) fn check_name(name: &str) -> Result<(), DbError> {
    let refuse = |reason: &str| Err(DbError::Name { name: name.to_owned(), reason: reason.to_owned() });
    if name.is_empty() || name.contains('\0') {
        return refuse("a name has at least one character, and no NUL");
    }
    if name.len() > MAX_NAME_BYTES {
        return refuse("PostgreSQL keeps 63 bytes of a name; choose a shorter one");
    }
    Ok(())
}

/// SQL text of a value of a column's type.
pub(crate) fn literal(value: &Value, ty: &ColumnType) -> Result<String, DbError> {
    let value = types::canonical(value.clone(), ty, "", None)?;
    print(&value, ty).ok_or_else(|| {
        let reason = "PostgreSQL has no text for it; restrict by another attribute";
        check::Refusal::new(&value, reason).into_error("", ty, None)
    })
}

fn print(value: &Value, ty: &ColumnType) -> Option<String> {
    Some(match value {
        Value::Null => "NULL".to_owned(),
        Value::Bool(flag) => if *flag { "TRUE" } else { "FALSE" }.to_owned(),
        Value::Int(i64::MIN) => format!("'{}'::int8", i64::MIN),
        // In parentheses: two signs side by side begin a comment.
        Value::Int(number) if *number < 0 => format!("({number})"),
        Value::Int(number) => number.to_string(),
        Value::BigInt(number) => format!("'{number}'::numeric"),
        Value::Decimal(number) => format!("'{number}'::numeric"),
        Value::Float(number) => float(*number, ty),
        // Without a type: it takes that of the column.
        Value::Str(text) if text.contains('\0') => return None,
        Value::Str(text) => text_literal(text),
        Value::Bytes(bytes) => hex(bytes),
        Value::Date(date) => format!("'{date}'::date"),
        Value::Time(time) => format!("'{time}'::time"),
        Value::DateTime(moment) => format!("'{}'::timestamp", check::format_datetime(*moment)),
        Value::Uuid(id) => format!("'{}'::uuid", id.hyphenated()),
        Value::Json(document) => {
            let mut text = Vec::new();
            json::write(document, &mut text)?;
            format!("{}::jsonb", text_literal(std::str::from_utf8(&text).ok()?))
        }
        _ => return None,
    })
}

fn float(number: f64, ty: &ColumnType) -> String {
    let single = matches!(ty, ColumnType::Core(CoreType::Float32));
    let text = match number {
        number if number.is_nan() => "NaN".to_owned(),
        number if number.is_infinite() => if number > 0.0 { "Infinity" } else { "-Infinity" }.to_owned(),
        number => format!("{number:?}"),
    };
    // A number of single precision is one of double precision, whose text is read back as it.
    format!("'{text}'::{}", if single { "float4" } else { "float8" })
}

fn hex(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len() * 2 + 12);
    text.push_str("'\\x");
    for byte in bytes {
        // Writing to a string cannot fail.
        let _ = write!(text, "{byte:02x}");
    }
    text.push_str("'::bytea");
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_are_doubled_and_names_have_an_end() {
        assert_eq!(quote("a\"b"), "\"a\"\"b\"");
        assert_eq!(text_literal("it's \\"), "'it''s \\'");
        assert!(check_name(&"é".repeat(31)).is_ok());
        for name in ["", "a\0", &"é".repeat(32)] {
            assert!(check_name(name).is_err(), "{name:?}");
        }
    }

    #[test]
    fn literals_say_their_type_where_the_server_would_take_another() {
        let any = ColumnType::Native(String::new());
        let text = |value: Value| literal(&value, &any).unwrap();
        assert_eq!(text(Value::Int(-5)), "(-5)");
        assert_eq!(text(Value::Int(i64::MIN)), "'-9223372036854775808'::int8");
        assert_eq!(text(Value::Float(f64::NAN)), "'NaN'::float8");
        assert_eq!(text(Value::Float(-0.0)), "'-0.0'::float8");
        assert_eq!(text(Value::Bytes(vec![0, 255].into())), "'\\x00ff'::bytea");
        let single = ColumnType::Core(CoreType::Float32);
        assert_eq!(literal(&Value::Float(0.1), &single).unwrap(), "'0.10000000149011612'::float4");
        assert!(matches!(literal(&Value::from("a\0"), &any), Err(DbError::Value { .. })));
    }
}
