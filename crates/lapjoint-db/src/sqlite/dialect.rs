//! Json and functions of other databases in SQLite's SQL.

use std::borrow::Cow;

use lapjoint_types::Value;

use crate::dialect::{Call, group_concat, json_path, replace_calls};
use crate::error::DbError;
use crate::schema::ColumnType;
use crate::sqlite::literal;

/// SQLite's type for a type that users name.
fn cast_type(ty: &str) -> &'static str {
    let name = ty.split(['(', ' ']).next().unwrap_or_default().to_ascii_lowercase();
    match name.as_str() {
        "unsigned" | "signed" | "int" | "integer" | "bigint" | "smallint" | "tinyint" => "INTEGER",
        "float" | "double" | "real" => "REAL",
        "decimal" | "numeric" => "NUMERIC",
        _ => "TEXT",
    }
}

pub(super) fn json_value(column_sql: &str, path: &str, ty: Option<&str>) -> String {
    let value = format!("({column_sql} ->> {})", literal::text_literal(&json_path(path)));
    ty.map_or(value.clone(), |ty| format!("CAST({value} AS {})", cast_type(ty)))
}

pub(super) fn json_equal(
    column_sql: &str,
    path: &str,
    ty: Option<&str>,
    value: &Value,
) -> Result<String, DbError> {
    let found = json_value(column_sql, path, ty);
    match value {
        Value::Json(_) | Value::List(_) | Value::Dict(_) => {
            let json = ColumnType::Core(lapjoint_types::CoreType::Json);
            let literal = literal::literal(value, &json)?;
            Ok(format!("json({column_sql} -> {}) = json({literal})", literal::text_literal(&json_path(path))))
        }
        value => {
            let literal = literal::literal(value, &ColumnType::Native(String::new()))?;
            Ok(format!("{found} = {literal}"))
        }
    }
}

/// SQLite wants rows of literals as a table of values.
pub(super) fn in_rows(columns: &[String], rows: &[Vec<String>]) -> String {
    let rows: Vec<String> = rows.iter().map(|row| format!("({})", row.join(", "))).collect();
    let columns = match columns {
        [column] => column.clone(),
        columns => format!("({})", columns.join(", ")),
    };
    format!("({columns} IN (VALUES {}))", rows.join(", "))
}

/// Functions that MySQL and PostgreSQL have.
pub(super) fn translate(sql: &str) -> Cow<'_, str> {
    replace_calls(sql, &|call: &Call<'_>| {
        let part = |format: &str| match call.arguments.as_slice() {
            [value] => Some(format!("CAST(strftime('{format}', {value}) AS INTEGER)")),
            _ => None,
        };
        match call.name.to_ascii_lowercase().as_str() {
            "now" if call.arguments.is_empty() => Some("datetime('now')".to_owned()),
            "curdate" if call.arguments.is_empty() => Some("date('now')".to_owned()),
            "year" => part("%Y"),
            "month" => part("%m"),
            "day" => part("%d"),
            "timestampdiff" => match call.arguments.as_slice() {
                [unit, from, to] => difference(unit, from, to),
                _ => None,
            },
            "group_concat" => {
                let concat = group_concat(call)?;
                // Two arguments and DISTINCT do not go together here.
                let separator = concat.separator.filter(|_| !concat.is_distinct)?;
                let order = concat.order.map(|order| format!(" ORDER BY {order}")).unwrap_or_default();
                Some(format!("group_concat({}, {separator}{order})", concat.value))
            }
            _ => None,
        }
    })
}

/// Whole units between two moments.
fn difference(unit: &str, from: &str, to: &str) -> Option<String> {
    let seconds = format!("((julianday({to}) - julianday({from})) * 86400.0)");
    let months = |per: u32| {
        format!(
            "(((strftime('%Y', {to}) - strftime('%Y', {from})) * 12 + strftime('%m', {to}) - strftime('%m', {from}) - \
             (strftime('%d %H:%M:%f', {to}) < strftime('%d %H:%M:%f', {from}))) / {per})"
        )
    };
    Some(match unit.to_ascii_uppercase().as_str() {
        // The number of days is a float, whose last digits are noise.
        "SECOND" => format!("CAST(round({seconds}, 3) AS INTEGER)"),
        "MINUTE" => format!("CAST(round({seconds}, 3) / 60 AS INTEGER)"),
        "HOUR" => format!("CAST(round({seconds}, 3) / 3600 AS INTEGER)"),
        "DAY" => format!("CAST(round({seconds}, 3) / 86400 AS INTEGER)"),
        "WEEK" => format!("CAST(round({seconds}, 3) / 604800 AS INTEGER)"),
        "MONTH" => months(1),
        "YEAR" => months(12),
        _ => return None,
    })
}
