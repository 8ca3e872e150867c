//! How values of each column type are stored.
//!
//! | core type | column | stored value |
//! |---|---|---|
//! | `int8` … `int64` | `INT`, checked for its range | integer |
//! | `float32`, `float64` | without a type | double; NaN is the text `NaN`, since SQLite turns a NaN into NULL |
//! | `bool` | `INT`, 0 or 1 | integer |
//! | `decimal(p,s)` | `TEXT COLLATE DECIMAL` | digits; the collation compares them as numbers |
//! | `char(n)`, `varchar(n)` | `TEXT`, checked for its length | text |
//! | `enum(…)` | `TEXT`, one of the labels | text |
//! | `date` | `TEXT` | `2026-01-31` |
//! | `datetime` | `TEXT` | `2026-01-31 23:59:59.123456` |
//! | `json` | `TEXT`, valid JSON | the document |
//! | `uuid` | `TEXT` | 36 characters in lower case |
//! | `bytes` | `BLOB` | the bytes |
//!
//! A `REAL` column would turn `-0.0` into `0.0`, which is why columns of floats have no type. `INT` means what `INTEGER`
//! means, except that SQLite takes a key of type `INTEGER` for the number of the row and makes up missing ones: only a
//! single integer key without a default is an `INTEGER PRIMARY KEY`.
//!
//! A native type is passed through: its columns have the affinity that SQLite finds in its name; see `native`.

use std::borrow::Cow;

use bytes::Bytes;
use jiff::civil;
use lapjoint_types::{CoreType, Value};
use rusqlite::ToSql;
use rusqlite::types::{ToSqlOutput, ValueRef};
use uuid::Uuid;

use crate::cell::{Cell, plain_text};
use crate::check;
use crate::error::DbError;
use crate::schema::ColumnType;
use crate::sqlite::literal::{quote, text_literal};
use crate::sqlite::native;

/// How NaN is stored.
const NAN: &str = "NaN";

/// A value as SQLite takes it.
pub(crate) enum Bound<'v> {
    /// NULL.
    Null,
    /// Integer.
    Int(i64),
    /// Double; never NaN.
    Real(f64),
    /// Text.
    Text(Cow<'v, str>),
    /// Bytes.
    Blob(&'v [u8]),
}

impl ToSql for Bound<'_> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(match self {
            Self::Null => ValueRef::Null,
            Self::Int(number) => ValueRef::Integer(*number),
            Self::Real(number) => ValueRef::Real(*number),
            Self::Text(text) => ValueRef::Text(text.as_bytes()),
            Self::Blob(bytes) => ValueRef::Blob(bytes),
        }))
    }
}

/// The declared type of a core type's column, and the condition on its values, if there is one.
pub(crate) fn storage(name: &str, core: &CoreType) -> (&'static str, Option<String>) {
    let column = quote(name);
    let integer = |low: i64, high: i64| {
        ("INT", Some(format!("typeof({column}) = 'integer' AND {column} BETWEEN {low} AND {high}")))
    };
    let text = |more: String| ("TEXT", Some(format!("typeof({column}) = 'text'{more}")));
    match core {
        CoreType::Int8 => integer(i8::MIN.into(), i8::MAX.into()),
        CoreType::Int16 => integer(i16::MIN.into(), i16::MAX.into()),
        CoreType::Int32 => integer(i32::MIN.into(), i32::MAX.into()),
        CoreType::Int64 => ("INT", Some(format!("typeof({column}) = 'integer'"))),
        CoreType::Float32 | CoreType::Float64 => {
            ("", Some(format!("typeof({column}) IN ('real', 'integer') OR {column} = '{NAN}'")))
        }
        CoreType::Bool => ("INT", Some(format!("typeof({column}) = 'integer' AND {column} IN (0, 1)"))),
        CoreType::Decimal { .. } => ("TEXT COLLATE DECIMAL", Some(format!("typeof({column}) = 'text'"))),
        CoreType::Char(length) | CoreType::Varchar(length) => {
            text(format!(" AND length({column}) <= {length}"))
        }
        CoreType::Enum(labels) => {
            let labels: Vec<_> = labels.iter().map(|label| text_literal(label)).collect();
            text(format!(" AND {column} IN ({})", labels.join(", ")))
        }
        CoreType::Json => text(format!(" AND json_valid({column})")),
        CoreType::Uuid => text(format!(" AND length({column}) = 36")),
        CoreType::Bytes => ("BLOB", Some(format!("typeof({column}) = 'blob'"))),
        _ => text(String::new()),
    }
}

/// The value in the one form that its type has, or an error that names column and row.
pub(crate) fn canonical(
    value: Value,
    ty: &ColumnType,
    column: &str,
    row: Option<u64>,
) -> Result<Value, DbError> {
    match ty {
        _ if value.is_null() => Ok(value),
        ColumnType::Core(core) => {
            check::normalise(value, core).map_err(|refusal| refusal.into_error(column, ty, row))
        }
        ColumnType::Native(native_type) => {
            let shown = format!("a value of type {}", value.type_name());
            native::canonical(value, native_type).map_err(|reason| DbError::Value {
                column: column.to_owned(),
                ty: ty.to_string(),
                value: shown,
                reason,
                row,
            })
        }
    }
}

/// A value that SQLite has no place for.
pub(crate) fn refused(value: &Value, ty: &ColumnType, column: &str, row: Option<u64>) -> DbError {
    DbError::Value {
        column: column.to_owned(),
        ty: ty.to_string(),
        value: format!("a value of type {}", value.type_name()),
        reason: "no column of SQLite holds it".to_owned(),
        row,
    }
}

/// How a canonical value is bound; `None` for values that no column holds.
pub(crate) fn bound(value: &Value) -> Option<Bound<'_>> {
    Some(match value {
        Value::Null => Bound::Null,
        Value::Bool(flag) => Bound::Int((*flag).into()),
        Value::Int(number) => Bound::Int(*number),
        Value::Float(number) if number.is_nan() => Bound::Text(NAN.into()),
        Value::Float(number) => Bound::Real(*number),
        Value::Str(text) => Bound::Text(text.as_str().into()),
        Value::Bytes(bytes) => Bound::Blob(bytes),
        Value::Decimal(number) => Bound::Text(number.as_str().into()),
        Value::Date(date) => Bound::Text(date.to_string().into()),
        Value::DateTime(time) => Bound::Text(check::format_datetime(*time).into()),
        Value::Uuid(id) => Bound::Text(id.hyphenated().to_string().into()),
        Value::Json(document) => Bound::Text(document.to_string().into()),
        _ => return None,
    })
}

/// The cell of a column.
pub(crate) fn cell<'c>(stored: ValueRef<'c>, ty: &ColumnType, column: &str) -> Result<Cell<'c>, DbError> {
    let lent = match (stored, ty) {
        (ValueRef::Text(text), ColumnType::Core(core)) => plain_text(text, core),
        (ValueRef::Blob(bytes), ColumnType::Core(CoreType::Bytes)) => Some(Cell::Bytes(bytes)),
        _ => None,
    };
    lent.map_or_else(|| decode(stored, ty, column).map(Cell::Value), Ok)
}

/// The value that a column holds.
pub(crate) fn decode(stored: ValueRef<'_>, ty: &ColumnType, column: &str) -> Result<Value, DbError> {
    let decoded = match ty {
        _ if matches!(stored, ValueRef::Null) => Some(Value::Null),
        ColumnType::Core(core) => decode_core(stored, core),
        ColumnType::Native(native_type) => native::decode(stored, native_type),
    };
    decoded.ok_or_else(|| DbError::Stored {
        column: column.to_owned(),
        ty: ty.to_string(),
        found: describe(stored),
    })
}

fn decode_core(stored: ValueRef<'_>, core: &CoreType) -> Option<Value> {
    match stored {
        ValueRef::Null => Some(Value::Null),
        ValueRef::Integer(number) => decode_integer(number, core),
        ValueRef::Real(number) => match core {
            CoreType::Float64 | CoreType::Float32 => Some(Value::Float(number)),
            _ => None,
        },
        ValueRef::Text(text) => decode_text(std::str::from_utf8(text).ok()?, core),
        ValueRef::Blob(bytes) => {
            matches!(core, CoreType::Bytes).then(|| Value::Bytes(Bytes::copy_from_slice(bytes)))
        }
    }
}

fn decode_integer(number: i64, core: &CoreType) -> Option<Value> {
    let fits = match core {
        CoreType::Int8 => i8::try_from(number).is_ok(),
        CoreType::Int16 => i16::try_from(number).is_ok(),
        CoreType::Int32 => i32::try_from(number).is_ok(),
        CoreType::Int64 => true,
        CoreType::Bool => {
            return match number {
                0 => Some(Value::Bool(false)),
                1 => Some(Value::Bool(true)),
                _ => None,
            };
        }
        // Another program may have written a whole number into a column of floats.
        CoreType::Float32 | CoreType::Float64 => return whole_float(number),
        _ => false,
    };
    fits.then_some(Value::Int(number))
}

/// An integer as a float, where one equals it.
fn whole_float(number: i64) -> Option<Value> {
    const EXACT: u64 = 1 << 53;
    if number.unsigned_abs() > EXACT {
        return None;
    }
    // Up to 2⁵³ every integer is a double.
    Some(Value::Float(number as f64))
}

fn decode_text(text: &str, core: &CoreType) -> Option<Value> {
    match core {
        CoreType::Char(length) | CoreType::Varchar(length) => {
            let limit = usize::try_from(*length).unwrap_or(usize::MAX);
            // A text has no more characters than bytes.
            let fits = text.len() <= limit || text.chars().count() <= limit;
            fits.then(|| Value::Str(text.to_owned()))
        }
        CoreType::Enum(labels) => {
            labels.iter().any(|label| label == text).then(|| Value::Str(text.to_owned()))
        }
        CoreType::Float32 | CoreType::Float64 if text == NAN => Some(Value::Float(f64::NAN)),
        CoreType::Decimal { .. } => text.parse().ok().map(Value::Decimal),
        CoreType::Date => text.parse::<civil::Date>().ok().map(Value::Date),
        CoreType::DateTime(_) => check::parse_datetime(text).map(Value::DateTime),
        CoreType::Json => serde_json::from_str(text).ok().map(|json| Value::Json(Box::new(json))),
        CoreType::Uuid => Uuid::try_parse(text).ok().map(Value::Uuid),
        _ => None,
    }
}

/// A stored value for a message.
fn describe(stored: ValueRef<'_>) -> String {
    const SHOWN_CHARS: usize = 60;
    match stored {
        ValueRef::Null => "NULL".to_owned(),
        ValueRef::Integer(number) => format!("the integer {number}"),
        ValueRef::Real(number) => format!("the number {number:?}"),
        ValueRef::Text(text) => {
            let lossy = String::from_utf8_lossy(text);
            let shown: String = lossy.chars().take(SHOWN_CHARS).collect();
            format!("the text {shown:?}{}", if shown.len() < lossy.len() { "…" } else { "" })
        }
        ValueRef::Blob(bytes) => format!("{} bytes", bytes.len()),
    }
}
