//! Identifiers and literals as SQL text.

use std::fmt::Write as _;

use lapjoint_types::{CoreType, Value};

use crate::check;
use crate::error::DbError;
use crate::mysql::types;
use crate::schema::ColumnType;

/// An identifier in backticks.
pub(crate) fn quote(identifier: &str) -> String {
    format!("`{}`", identifier.replace('`', "``"))
}

/// Quoted identifiers, joined by commas.
pub(crate) fn quote_all<S: AsRef<str>>(identifiers: &[S]) -> String {
    identifiers.iter().map(|name| quote(name.as_ref())).collect::<Vec<_>>().join(", ")
}

/// `` `schema`.`table` ``.
pub(crate) fn quote_table(schema: &str, table: &str) -> String {
    format!("{}.{}", quote(schema), quote(table))
}

/// SQL text of a value of a column's type.
pub(crate) fn literal(value: &Value, ty: &ColumnType, is_mariadb: bool) -> Result<String, DbError> {
    let value = match ty {
        // A trailing space is no part of what is compared.
        ColumnType::Core(CoreType::Char(_)) => check_core(value, ty)?,
        ColumnType::Core(_) => types::canonical(value.clone(), ty, "", None)?,
        ColumnType::Native(name) => types::single(check::plain(value.clone()), name),
    };
    let text = match &value {
        Value::Null => "NULL".to_owned(),
        Value::Bool(flag) => u8::from(*flag).to_string(),
        Value::Int(number) => number.to_string(),
        Value::BigInt(number) => number.to_string(),
        // With an exponent it is a double to MySQL; without one it would be a decimal.
        Value::Float(number) if number.is_finite() => format!("{number:e}"),
        Value::Decimal(number) if number.is_finite() => number.as_str().to_owned(),
        Value::Str(text) => text_literal(text),
        Value::Bytes(bytes) => hex(bytes),
        Value::Uuid(id) => hex(id.as_bytes()),
        Value::Date(date) => format!("DATE'{date}'"),
        Value::DateTime(moment) => format!("TIMESTAMP'{}'", check::format_datetime(*moment)),
        Value::Time(time) => format!("TIME'{time}'"),
        Value::Json(document) => {
            let text = text_literal(&document.to_string());
            if is_mariadb { text } else { format!("CAST({text} AS JSON)") }
        }
        _ => return Err(types::refused(&value, ty, "", None)),
    };
    Ok(text)
}

fn check_core(value: &Value, ty: &ColumnType) -> Result<Value, DbError> {
    let ColumnType::Core(core) = ty else { return Ok(value.clone()) };
    check::normalise(value.clone(), core).map_err(|refusal| refusal.into_error("", ty, None))
}

/// A text in single quotes. The session's `sql_mode` is ours, so that a backslash escapes.
pub(crate) fn text_literal(text: &str) -> String {
    let mut literal = String::with_capacity(text.len() + 2);
    literal.push('\'');
    for letter in text.chars() {
        match letter {
            '\'' => literal.push_str("''"),
            '\\' => literal.push_str("\\\\"),
            '\0' => literal.push_str("\\0"),
            other => literal.push(other),
        }
    }
    literal.push('\'');
    literal
}

/// Bytes as a literal.
pub(crate) fn hex(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len() * 2 + 3);
    text.push_str("x'");
    for byte in bytes {
        // Writing to a string cannot fail.
        let _ = write!(text, "{byte:02x}");
    }
    text.push('\'');
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_and_backslashes_stay_what_they_are() {
        assert_eq!(quote("a`b"), "`a``b`");
        assert_eq!(text_literal(r"it's \ %_"), r"'it''s \\ %_'");
        assert_eq!(text_literal("a\0b"), r"'a\0b'");
        assert_eq!(hex(&[0, 255]), "x'00ff'");
    }

    #[test]
    fn numbers_are_of_their_type() {
        let text = |value: Value, ty: CoreType| literal(&value, &ColumnType::Core(ty), false).unwrap();
        assert_eq!(text(Value::Float(0.1), CoreType::Float64), "1e-1");
        assert_eq!(text(Value::Float(0.1), CoreType::Float32), "1.0000000149011612e-1");
        assert_eq!(text(Value::Bool(true), CoreType::Bool), "1");
        assert!(literal(&Value::Float(f64::NAN), &ColumnType::Core(CoreType::Float64), false).is_err());
    }
}
