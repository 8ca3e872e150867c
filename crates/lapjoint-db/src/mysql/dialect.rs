//! Json and functions of PostgreSQL in the SQL of MySQL and MariaDB.

use std::borrow::Cow;

use lapjoint_types::{CoreType, Value};

use crate::dialect::{Call, json_path, replace_calls};
use crate::error::DbError;
use crate::mysql::literal;
use crate::schema::ColumnType;

pub(super) fn json_value(column_sql: &str, path: &str, ty: Option<&str>) -> String {
    let value = format!("JSON_VALUE({column_sql}, {})", literal::text_literal(&json_path(path)));
    let name = ty.map(|ty| ty.trim().to_ascii_lowercase());
    match name.as_deref() {
        None => value,
        Some("int" | "integer" | "bigint" | "smallint" | "tinyint") => format!("CAST({value} AS SIGNED)"),
        // CAST takes no FLOAT on older servers.
        Some("float" | "double" | "real" | "double precision") => format!("({value} + 0e0)"),
        Some("text" | "varchar") => format!("CAST({value} AS CHAR)"),
        Some(ty) => format!("CAST({value} AS {ty})"),
    }
}

pub(super) fn json_equal(
    column_sql: &str,
    path: &str,
    ty: Option<&str>,
    value: &Value,
    is_mariadb: bool,
) -> Result<String, DbError> {
    match value {
        Value::Json(_) | Value::List(_) | Value::Dict(_) => {
            let json = ColumnType::Core(CoreType::Json);
            let literal = literal::literal(value, &json, is_mariadb)?;
            let found = format!("JSON_EXTRACT({column_sql}, {})", literal::text_literal(&json_path(path)));
            Ok(if is_mariadb {
                // Here json is a text, which JSON_EQUALS compares as what it means.
                // Of a null it would say anything.
                format!("({found} IS NOT NULL AND JSON_EQUALS({found}, {literal}) = 1)")
            } else {
                format!("{found} = {literal}")
            })
        }
        // `true` is written as such, or as 1.
        Value::Bool(flag) if ty.is_none() => {
            let found = json_value(column_sql, path, None);
            Ok(format!("{found} IN ('{flag}', '{}')", u8::from(*flag)))
        }
        value => {
            let literal = literal::literal(value, &ColumnType::Native(String::new()), is_mariadb)?;
            Ok(format!("{} = {literal}", json_value(column_sql, path, ty)))
        }
    }
}

/// Functions that PostgreSQL has.
pub(super) fn translate(sql: &str) -> Cow<'_, str> {
    replace_calls(sql, &|call: &Call<'_>| match call.arguments.as_slice() {
        [value, separator] if call.name.eq_ignore_ascii_case("string_agg") => {
            Some(format!("GROUP_CONCAT({value} SEPARATOR {separator})"))
        }
        _ => None,
    })
}
