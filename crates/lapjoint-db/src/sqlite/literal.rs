//! Identifiers and literals as SQL text.

use std::fmt::Write as _;

use lapjoint_types::Value;

use crate::check;
use crate::error::DbError;
use crate::schema::ColumnType;
use crate::sqlite::types::{self, Bound};

/// An identifier in double quotes.
pub(crate) fn quote(identifier: &str) -> String {
    let mut text = String::with_capacity(identifier.len() + 2);
    text.push('"');
    for part in identifier.split_inclusive('"') {
        text.push_str(part);
        if part.ends_with('"') {
            text.push('"');
        }
    }
    text.push('"');
    text
}

/// Quoted identifiers, joined by commas.
pub(crate) fn quote_all<S: AsRef<str>>(identifiers: &[S]) -> String {
    identifiers.iter().map(|name| quote(name.as_ref())).collect::<Vec<_>>().join(", ")
}

/// `"schema"."table"`.
pub(crate) fn quote_table(schema: &str, table: &str) -> String {
    format!("{}.{}", quote(schema), quote(table))
}

/// SQL text of a value of a column's type.
pub(crate) fn literal(value: &Value, ty: &ColumnType) -> Result<String, DbError> {
    let value = match ty {
        ColumnType::Core(_) => types::canonical(value.clone(), ty, "", None)?,
        ColumnType::Native(_) => check::plain(value.clone()),
    };
    let bound = types::bound(&value).ok_or_else(|| types::refused(&value, ty, "", None))?;
    Ok(print(&bound))
}

/// SQL text of what would be bound.
fn print(bound: &Bound<'_>) -> String {
    match bound {
        Bound::Null => "NULL".to_owned(),
        Bound::Int(number) => number.to_string(),
        Bound::Real(number) if number.is_infinite() => {
            if *number > 0.0 { "9e999" } else { "-9e999" }.to_owned()
        }
        Bound::Real(number) => format!("{number:?}"),
        Bound::Text(text) => text_literal(text),
        Bound::Blob(bytes) => hex(bytes),
    }
}

/// A text in single quotes.
pub(crate) fn text_literal(text: &str) -> String {
    // SQLite ends a statement at a NUL.
    if text.contains('\0') {
        return format!("CAST({} AS TEXT)", hex(text.as_bytes()));
    }
    format!("'{}'", text.replace('\'', "''"))
}

fn hex(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len() * 2 + 3);
    text.push_str("X'");
    for byte in bytes {
        // Writing to a string cannot fail.
        let _ = write!(text, "{byte:02X}");
    }
    text.push('\'');
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_are_doubled() {
        assert_eq!(quote("a\"b"), "\"a\"\"b\"");
        assert_eq!(quote("\""), "\"\"\"\"");
        assert_eq!(text_literal("it's"), "'it''s'");
        assert_eq!(text_literal("a\0b"), "CAST(X'610062' AS TEXT)");
    }
}
