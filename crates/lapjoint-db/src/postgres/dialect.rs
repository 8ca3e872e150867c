//! Json and functions of MySQL in PostgreSQL's SQL.

use std::borrow::Cow;

use lapjoint_types::{CoreType, Value};

use crate::dialect::{Call, group_concat, json_steps, replace_calls};
use crate::error::DbError;
use crate::postgres::literal;
use crate::schema::ColumnType;

/// PostgreSQL's type for a type that users name.
fn cast_type(ty: &str) -> String {
    let lower = ty.trim().to_ascii_lowercase();
    match lower.as_str() {
        "unsigned" | "signed" => "integer".to_owned(),
        "double" => "double precision".to_owned(),
        _ => lower,
    }
}

fn steps(path: &str) -> String {
    json_steps(path).iter().map(|step| literal::text_literal(step)).collect::<Vec<_>>().join(", ")
}

pub(super) fn json_value(column_sql: &str, path: &str, ty: Option<&str>) -> String {
    let value = format!("jsonb_extract_path_text({column_sql}, {})", steps(path));
    ty.map_or(value.clone(), |ty| format!("({value})::{}", cast_type(ty)))
}

pub(super) fn json_equal(
    column_sql: &str,
    path: &str,
    ty: Option<&str>,
    value: &Value,
) -> Result<String, DbError> {
    if ty.is_some() {
        let literal = literal::literal(value, &ColumnType::Native(String::new()))?;
        return Ok(format!("{} = {literal}", json_value(column_sql, path, ty)));
    }
    // Values in json have types of their own: 5 is no text, and 5 is 5.0.
    let literal = literal::literal(value, &ColumnType::Core(CoreType::Json))?;
    Ok(format!("jsonb_extract_path({column_sql}, {}) = {literal}::jsonb", steps(path)))
}

/// Functions that MySQL has.
pub(super) fn translate(sql: &str) -> Cow<'_, str> {
    replace_calls(sql, &|call: &Call<'_>| {
        let part = |field: &str| match call.arguments.as_slice() {
            [value] => Some(format!("EXTRACT({field} FROM {value})::int")),
            _ => None,
        };
        match call.name.to_ascii_lowercase().as_str() {
            "curdate" if call.arguments.is_empty() => Some("CURRENT_DATE".to_owned()),
            "year" => part("YEAR"),
            "month" => part("MONTH"),
            "day" => part("DAY"),
            "timestampdiff" => match call.arguments.as_slice() {
                [unit, from, to] => difference(unit, from, to),
                _ => None,
            },
            // Truth values are no numbers here.
            "sum" | "avg" => match call.arguments.as_slice() {
                [condition] if is_comparison(condition) => Some(format!("{}(({condition})::int)", call.name)),
                _ => None,
            },
            "group_concat" => {
                let concat = group_concat(call)?;
                let distinct = if concat.is_distinct { "DISTINCT " } else { "" };
                let order = concat.order.map(|order| format!(" ORDER BY {order}")).unwrap_or_default();
                let separator = concat.separator.unwrap_or("','");
                Some(format!("STRING_AGG({distinct}({})::text, {separator}{order})", concat.value))
            }
            _ => None,
        }
    })
}

/// Whether a text compares two values, outside of parentheses and texts.
fn is_comparison(text: &str) -> bool {
    let mut depth = 0usize;
    let mut is_text = false;
    text.bytes().any(|byte| {
        match byte {
            b'\'' => is_text = !is_text,
            b'(' if !is_text => depth += 1,
            b')' if !is_text => depth = depth.saturating_sub(1),
            b'=' | b'<' | b'>' if !is_text && depth == 0 => return true,
            _ => {}
        }
        false
    })
}

/// Whole units between two moments.
fn difference(unit: &str, from: &str, to: &str) -> Option<String> {
    let seconds = format!("EXTRACT(EPOCH FROM ({to})::timestamp - ({from})::timestamp)");
    let age = format!("AGE(({to})::timestamp, ({from})::timestamp)");
    Some(match unit.to_ascii_uppercase().as_str() {
        "SECOND" => format!("TRUNC({seconds})::bigint"),
        "MINUTE" => format!("TRUNC({seconds} / 60)::bigint"),
        "HOUR" => format!("TRUNC({seconds} / 3600)::bigint"),
        "DAY" => format!("TRUNC({seconds} / 86400)::bigint"),
        "WEEK" => format!("TRUNC({seconds} / 604800)::bigint"),
        "MONTH" => format!("(EXTRACT(YEAR FROM {age}) * 12 + EXTRACT(MONTH FROM {age}))::bigint"),
        "YEAR" => format!("EXTRACT(YEAR FROM {age})::bigint"),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::translate;

    #[test]
    fn functions_of_mysql() {
        assert_eq!(translate("sum(sex='F')"), "sum((sex='F')::int)");
        assert_eq!(translate("sum(a)"), "sum(a)");
        assert_eq!(translate("GROUP_CONCAT(x SEPARATOR ';')"), "STRING_AGG((x)::text, ';')");
        assert_eq!(
            translate("year(now()) - year(born)"),
            "EXTRACT(YEAR FROM now())::int - EXTRACT(YEAR FROM born)::int"
        );
        assert_eq!(
            translate("timestampdiff(YEAR, born, now())"),
            "EXTRACT(YEAR FROM AGE((now())::timestamp, (born)::timestamp))::bigint"
        );
    }
}
