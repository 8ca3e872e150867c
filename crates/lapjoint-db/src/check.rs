//! Checks of values that hold on every database: each core type has one form of each of its values.
//!
//! Adapters call [`normalise`] before they bind a value, so that the same value means the same everywhere, and a value
//! that a type cannot hold exactly is refused before any database rounds, cuts or drops something.

mod decimal;
mod json;
mod number;
mod temporal;
mod text;

use lapjoint_types::{CoreType, Kind, NdArray, Value};

use crate::error::DbError;
use crate::schema::ColumnType;

pub use temporal::{format_datetime, parse_datetime};

/// Why a type does not hold a value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// The value, shortened, with the name of its type.
    pub value: String,
    /// Why not, and what to do.
    pub reason: String,
}

impl Refusal {
    pub(crate) fn new(value: &Value, reason: impl Into<String>) -> Self {
        Self { value: shown(value), reason: reason.into() }
    }

    /// The error of an adapter that met the value in a column and row.
    #[must_use]
    pub fn into_error(self, column: &str, ty: &ColumnType, row: Option<u64>) -> DbError {
        DbError::Value {
            column: column.to_owned(),
            ty: ty.to_string(),
            value: self.value,
            reason: self.reason,
            row,
        }
    }
}

/// A value for a message: its text where that is short, and its type.
fn shown(value: &Value) -> String {
    const SHOWN_CHARS: usize = 60;
    let text = match value {
        Value::Bool(flag) => flag.to_string(),
        Value::Int(number) => number.to_string(),
        Value::BigInt(number) => number.to_string(),
        Value::Float(number) => format!("{number:?}"),
        Value::Str(text) => format!("{text:?}"),
        Value::Decimal(number) => number.to_string(),
        Value::Date(date) => date.to_string(),
        Value::Time(time) => time.to_string(),
        Value::DateTime(time) => time.to_string(),
        Value::Uuid(id) => id.to_string(),
        other => return format!("a value of type {}", other.type_name()),
    };
    let cut: String = text.chars().take(SHOWN_CHARS).collect();
    let more = if cut.len() < text.len() { "…" } else { "" };
    format!("{cut}{more} ({})", value.type_name())
}

/// The one form that a value has in a core type. Null passes through; whether it may stand is the column's matter.
///
/// # Errors
/// [`Refusal`] when the type does not hold the value exactly. (`float32` holds the nearest number of single precision:
/// that is what the type means.)
pub fn normalise(value: Value, ty: &CoreType) -> Result<Value, Refusal> {
    let value = plain(value);
    match ty {
        _ if value.is_null() => Ok(value),
        CoreType::Int8 => number::integer(value, i8::MIN.into(), i8::MAX.into(), "int16"),
        CoreType::Int16 => number::integer(value, i16::MIN.into(), i16::MAX.into(), "int32"),
        CoreType::Int32 => number::integer(value, i32::MIN.into(), i32::MAX.into(), "int64"),
        CoreType::Int64 => number::integer(value, i64::MIN, i64::MAX, "decimal(n,0)"),
        CoreType::Float32 => number::float32(value),
        CoreType::Float64 => number::float64(value),
        CoreType::Bool => number::boolean(value),
        CoreType::Decimal { precision, scale } => decimal::decimal(value, *precision, *scale),
        CoreType::Char(length) | CoreType::Varchar(length) => text::text(value, *length),
        CoreType::Enum(labels) => text::label(value, labels),
        CoreType::Date => temporal::date(value),
        CoreType::DateTime(digits) => temporal::datetime(value, *digits),
        CoreType::Json => json::json(value),
        CoreType::Uuid => text::uuid(value),
        CoreType::Bytes => text::bytes(value),
        other => Err(Refusal::new(&value, format!("this version cannot store {other}"))),
    }
}

/// Refuses what no primary key may hold.
///
/// # Errors
/// [`Refusal`] for null and NaN.
pub fn check_key(value: &Value) -> Result<(), Refusal> {
    match value {
        Value::Null => Err(Refusal::new(value, "a primary key cannot be null; give a value")),
        Value::Float(number) if number.is_nan() => Err(Refusal::new(
            value,
            "a primary key cannot be NaN, which is equal to nothing, so that no row could be found by it; use another value",
        )),
        _ => Ok(()),
    }
}

/// A value without the type of numpy that it may have as a scalar.
#[must_use]
pub fn plain(value: Value) -> Value {
    match value {
        Value::Array(array) if array.ndim() == 0 => scalar(*array),
        other => other,
    }
}

/// A numpy scalar as the plain value that it holds; others stay as they are.
fn scalar(array: NdArray) -> Value {
    let plain = match &array.dtype().kind {
        Kind::Bool => array.to_vec::<bool>().and_then(|v| v.first().copied()).map(Value::Bool),
        Kind::Float(4) => first::<f32>(&array).map(Value::from),
        Kind::Float(8) => first::<f64>(&array).map(Value::Float),
        Kind::Int(1) => first::<i8>(&array).map(Value::from),
        Kind::Int(2) => first::<i16>(&array).map(Value::from),
        Kind::Int(4) => first::<i32>(&array).map(Value::from),
        Kind::Int(8) => first::<i64>(&array).map(Value::from),
        Kind::UInt(1) => first::<u8>(&array).map(Value::from),
        Kind::UInt(2) => first::<u16>(&array).map(Value::from),
        Kind::UInt(4) => first::<u32>(&array).map(Value::from),
        Kind::UInt(8) => first::<u64>(&array).map(Value::from),
        Kind::DateTime { .. } => temporal::of_numpy(&array),
        Kind::Unicode(_) => text::of_numpy(&array),
        _ => None,
    };
    plain.unwrap_or_else(|| Value::from(array))
}

fn first<T: lapjoint_types::Element>(array: &NdArray) -> Option<T> {
    array.to_vec::<T>()?.first().copied()
}

#[cfg(test)]
mod tests;
