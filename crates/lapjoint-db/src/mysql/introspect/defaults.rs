//! Defaults of columns, as the two products show them.

use lapjoint_types::CoreType;
use uuid::Uuid;

use crate::schema::{ColumnType, DefaultValue};

/// A default, from the catalogue's text. MariaDB shows SQL, MySQL the value itself, or SQL where `extra` says so.
pub(super) fn default_of(
    text: Option<&str>,
    extra: &str,
    nullable: bool,
    ty: &ColumnType,
    is_mariadb: bool,
) -> Option<DefaultValue> {
    let none = || nullable.then_some(DefaultValue::Null);
    let Some(text) = text else { return none() };
    let is_sql = is_mariadb || extra.to_ascii_uppercase().contains("DEFAULT_GENERATED");
    if is_sql {
        let upper = text.to_ascii_uppercase();
        if upper == "NULL" {
            return none();
        }
        if upper.starts_with("CURRENT_TIMESTAMP") || upper.starts_with("CURDATE") || upper.starts_with("NOW(")
        {
            return Some(DefaultValue::CurrentTimestamp);
        }
    }
    let literal = if is_sql { unquoted(text) } else { text.to_owned() };
    Some(DefaultValue::Literal(match ty {
        ColumnType::Core(CoreType::Uuid) => uuid_of(&literal).unwrap_or(literal),
        _ => literal,
    }))
}

/// The text of an SQL literal; other SQL as it is.
fn unquoted(sql: &str) -> String {
    // Of an expression MySQL shows each quote and backslash with a backslash before it.
    let shown = sql.starts_with("_utf8mb4\\'").then(|| unescaped(sql));
    let sql = shown.as_deref().and_then(|shown| shown.strip_prefix("_utf8mb4")).unwrap_or(sql);
    match sql.strip_prefix('\'').and_then(|rest| rest.strip_suffix('\'')) {
        Some(inner) => unescaped(&inner.replace("''", "\\'")),
        None => sql.to_owned(),
    }
}

/// A text without its backslashes.
fn unescaped(escaped: &str) -> String {
    let mut text = String::with_capacity(escaped.len());
    let mut letters = escaped.chars();
    while let Some(letter) = letters.next() {
        if letter != '\\' {
            text.push(letter);
            continue;
        }
        match letters.next() {
            Some('0') => text.push('\0'),
            Some('n') => text.push('\n'),
            Some('r') => text.push('\r'),
            Some('t') => text.push('\t'),
            Some('Z') => text.push('\u{1a}'),
            Some(other) => text.push(other),
            None => text.push('\\'),
        }
    }
    text
}

/// A UUID written as its bytes: `0x…`, `x'…'` or `unhex('…')`.
fn uuid_of(text: &str) -> Option<String> {
    let digits: String = text
        .split(|letter: char| !letter.is_ascii_hexdigit())
        .chain(text.strip_prefix("0x"))
        .find(|digits| digits.len() == 32)?
        .to_ascii_lowercase();
    Uuid::try_parse(&digits).ok().map(|id| id.hyphenated().to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_products_defaults_are_read() {
        let text = ColumnType::Core(CoreType::Varchar(9));
        let literal = |text: &str| Some(DefaultValue::Literal(text.to_owned()));
        let of = |shown: Option<&str>, extra: &str, nullable: bool, is_mariadb: bool| {
            default_of(shown, extra, nullable, &text, is_mariadb)
        };
        assert_eq!(of(Some(r"'it''s \\ x'"), "", false, true), literal(r"it's \ x"));
        assert_eq!(of(Some("it's"), "", false, false), literal("it's"));
        assert_eq!(of(Some("NULL"), "", true, true), Some(DefaultValue::Null));
        assert_eq!(of(None, "", true, false), Some(DefaultValue::Null));
        assert_eq!(of(None, "", false, false), None);
        assert_eq!(of(Some("current_timestamp(3)"), "", false, true), Some(DefaultValue::CurrentTimestamp));
        assert_eq!(of(Some("CURRENT_TIMESTAMP"), "", false, false), literal("CURRENT_TIMESTAMP"));
        assert_eq!(
            of(Some("CURRENT_TIMESTAMP"), "DEFAULT_GENERATED", false, false),
            Some(DefaultValue::CurrentTimestamp)
        );
        assert_eq!(of(Some(r"_utf8mb4\'{}\'"), "DEFAULT_GENERATED", false, false), literal("{}"));
        let shown = r#"_utf8mb4\'{"a": "it\\\'s \\\\\\\\ x"}\'"#;
        assert_eq!(of(Some(shown), "", true, false), literal(shown));
        assert_eq!(of(Some(shown), "DEFAULT_GENERATED", true, false), literal(r#"{"a": "it's \\ x"}"#));
        let id = "00112233-4455-6677-8899-aabbccddeeff";
        let uuid = ColumnType::Core(CoreType::Uuid);
        assert_eq!(
            default_of(Some("0x00112233445566778899AABBCCDDEEFF"), "", false, &uuid, false),
            literal(id)
        );
        let shown = r"unhex(_utf8mb4\'00112233445566778899aabbccddeeff\')";
        assert_eq!(default_of(Some(shown), "DEFAULT_GENERATED", false, &uuid, false), literal(id));
    }
}
