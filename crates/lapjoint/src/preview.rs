//! Short texts of values and tables, for people.

use std::fmt::Write;

use lapjoint_types::Value;

use crate::heading::Heading;
use crate::row::Row;

/// A value in one short line. Contents of arrays, blobs and files are not shown, only what they are.
#[must_use]
pub fn cell(value: &Value) -> String {
    let shape = |shape: &[usize]| shape.iter().map(ToString::to_string).collect::<Vec<_>>().join("×");
    match value {
        Value::Null => "NULL".into(),
        Value::Bool(value) => value.to_string(),
        Value::Int(value) => value.to_string(),
        Value::BigInt(value) => value.to_string(),
        Value::Float(value) => format!("{value:?}"),
        Value::Complex(re, im) => format!("{re}{im:+}j"),
        Value::Str(text) => text.replace('\n', "⏎"),
        Value::Bytes(bytes) => format!("{} bytes", bytes.len()),
        Value::Decimal(value) => value.to_string(),
        Value::Date(value) => value.to_string(),
        Value::Time(value) => value.to_string(),
        Value::DateTime(value) => value.to_string().replace('T', " "),
        Value::Uuid(value) => value.to_string(),
        Value::Json(value) => value.to_string(),
        Value::Tuple(items) => format!("tuple of {}", items.len()),
        Value::List(items) => format!("list of {}", items.len()),
        Value::Set(items) => format!("set of {}", items.len()),
        Value::Dict(items) => format!("dict of {}", items.len()),
        Value::Array(array) => format!("{} {}", array.dtype(), shape(array.shape())),
        Value::ObjectArray(array) => format!("object {}", shape(&array.shape)),
        Value::RecordArray(array) => format!("{} records", shape(&array.shape)),
        Value::MatCell(cells) => format!("cell {}", shape(&cells.shape)),
        Value::MatStruct(structs) => format!("struct {}", shape(&structs.shape)),
        Value::Foreign(object) => format!("{object:?}"),
        _ => value.type_name(),
    }
}

/// A table of rows as text: `*` marks the primary key.
///
/// ```
/// # use lapjoint::{Connection, preview, row};
/// # let lab = Connection::in_memory()?.schema("lab")?;
/// let point = lab.manual("Point", "x : int32\n---\ny = 0 : float64")?;
/// point.insert1(row! { "x" => 1 })?;
/// let text = preview::table(point.heading(), &point.query().head(5)?, 20);
/// assert_eq!(text, "*x  y\n──  ───\n1   0.0\n");
/// # Ok::<(), lapjoint::Error>(())
/// ```
///
/// Cells are cut to `width` characters.
#[must_use]
pub fn table(heading: &Heading, rows: &[Row], width: usize) -> String {
    let attributes: Vec<_> = heading.attributes().collect();
    let cut = |text: String| {
        if text.chars().count() > width {
            text.chars().take(width.saturating_sub(1)).chain(['…']).collect()
        } else {
            text
        }
    };
    let mut columns: Vec<Vec<String>> = Vec::new();
    for attribute in &attributes {
        let mark = if attribute.in_key { "*" } else { "" };
        let mut column = vec![cut(format!("{mark}{}", attribute.name))];
        column.extend(rows.iter().map(|row| cut(row.value(&attribute.name).map_or_else(String::new, cell))));
        columns.push(column);
    }
    let widths: Vec<usize> = columns
        .iter()
        .map(|column| column.iter().map(|text| text.chars().count()).max().unwrap_or(0))
        .collect();
    let mut text = String::new();
    for line in 0..=rows.len() {
        for (column, width) in columns.iter().zip(&widths) {
            let cell = column.get(line).map_or("", String::as_str);
            let _ = write!(text, "{cell:<width$}  ");
        }
        text.truncate(text.trim_end().len());
        text.push('\n');
        if line == 0 {
            for width in &widths {
                let _ = write!(text, "{}  ", "─".repeat(*width));
            }
            text.truncate(text.trim_end().len());
            text.push('\n');
        }
    }
    text
}
