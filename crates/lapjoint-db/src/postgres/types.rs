//! How values of each column type are stored.
//!
//! | core type | column |
//! |---|---|
//! | `int8`, `int16` | `smallint` |
//! | `int32`, `int64` | `integer`, `bigint` |
//! | `float32`, `float64` | `real`, `double precision` |
//! | `bool` | `boolean` |
//! | `decimal(p,s)` | `numeric(p,s)` |
//! | `char(n)`, `varchar(n)` | `char(n)`, `varchar(n)`; blanks at the end of a `char` are refused, for they are not kept |
//! | `enum(…)` | a type of its own, `"<schema>"."enum_<hash of the labels>"` |
//! | `date`, `datetime(n)` | `date`, `timestamp(n)` |
//! | `json` | `jsonb` |
//! | `uuid`, `bytes` | `uuid`, `bytea` |
//!
//! These are DataJoint's. The range of an `int8` is checked here, not by the server. A native type is passed through;
//! see `native`.

use lapjoint_types::{CoreType, Decimal, Value};

use crate::cell::{Cell, plain_text};
use crate::check;
use crate::error::DbError;
use crate::postgres::native;
use crate::postgres::wire::Wire;
use crate::schema::ColumnType;

/// The declared type of a core type's column; `None` for an enum, whose type belongs to a schema.
pub(crate) fn storage(core: &CoreType) -> Option<String> {
    Some(match core {
        CoreType::Int8 | CoreType::Int16 => "smallint".to_owned(),
        CoreType::Int32 => "integer".to_owned(),
        CoreType::Int64 => "bigint".to_owned(),
        CoreType::Float32 => "real".to_owned(),
        CoreType::Float64 => "double precision".to_owned(),
        CoreType::Bool => "boolean".to_owned(),
        CoreType::Decimal { precision, scale } => format!("numeric({precision},{scale})"),
        CoreType::Char(length) => format!("char({length})"),
        CoreType::Varchar(length) => format!("varchar({length})"),
        CoreType::Date => "date".to_owned(),
        CoreType::DateTime(None) => "timestamp".to_owned(),
        CoreType::DateTime(Some(digits)) => format!("timestamp({digits})"),
        CoreType::Json => "jsonb".to_owned(),
        CoreType::Uuid => "uuid".to_owned(),
        CoreType::Bytes => "bytea".to_owned(),
        _ => return None,
    })
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
        ColumnType::Core(CoreType::Char(length)) if matches!(&value, Value::Str(text) if text.ends_with(' ')) =>
        {
            let refused = value.clone();
            native::padded(value, *length).map_err(|reason| refusal(&refused, ty, column, row, reason))
        }
        ColumnType::Core(core) => {
            check::normalise(value, core).map_err(|refusal| refusal.into_error(column, ty, row))
        }
        ColumnType::Native(native_type) => {
            let refused = shown(&value);
            native::canonical(value, native_type).map_err(|reason| refusal(&refused, ty, column, row, reason))
        }
    }
}

/// As much of a value as a message shows.
fn shown(value: &Value) -> Value {
    const ENOUGH_CHARS: usize = 100;
    match value {
        Value::Str(text) if text.len() > ENOUGH_CHARS => {
            Value::Str(text.chars().take(ENOUGH_CHARS).collect())
        }
        Value::Bytes(_) => Value::Bytes(bytes::Bytes::new()),
        Value::Json(_) => Value::Json(Box::default()),
        other => other.clone(),
    }
}

fn refusal(value: &Value, ty: &ColumnType, column: &str, row: Option<u64>, reason: String) -> DbError {
    check::Refusal::new(value, reason).into_error(column, ty, row)
}

/// A value that the server's type has no place for.
pub(crate) fn refused(
    value: &Value,
    ty: &ColumnType,
    column: &str,
    row: Option<u64>,
    server: &str,
) -> DbError {
    let reason = format!("the column is of PostgreSQL's type {server}, which does not hold it exactly");
    refusal(value, ty, column, row, reason)
}

/// The cell of a column as it was sent.
pub(crate) fn cell<'c>(
    bytes: Option<&'c [u8]>,
    wire: Wire,
    ty: &ColumnType,
    column: &str,
) -> Result<Cell<'c>, DbError> {
    let lent = match (bytes, wire, ty) {
        (Some(bytes), Wire::Text, ColumnType::Core(core)) => plain_text(bytes, core),
        (Some(bytes), Wire::Bytea, ColumnType::Core(CoreType::Bytes)) => Some(Cell::Bytes(bytes)),
        _ => None,
    };
    lent.map_or_else(|| decode(bytes, wire, ty, column).map(Cell::Value), Ok)
}

/// The value of a column as it was sent.
pub(crate) fn decode(
    bytes: Option<&[u8]>,
    wire: Wire,
    ty: &ColumnType,
    column: &str,
) -> Result<Value, DbError> {
    let Some(bytes) = bytes else { return Ok(Value::Null) };
    let value = wire.decode(bytes);
    let decoded = match (value, ty) {
        (Some(value), ColumnType::Core(core)) => as_core(value, core),
        (Some(value), ColumnType::Native(_)) => Ok(value),
        // Days and times that the engine has no form for stay texts where no type is promised.
        (None, ColumnType::Native(_)) => unusual(bytes, wire).map(Value::Str).ok_or(None),
        (None, ColumnType::Core(_)) => Err(None),
    };
    decoded.map_err(|value| DbError::Stored {
        column: column.to_owned(),
        ty: ty.to_string(),
        found: match value {
            Some(value) => check::Refusal::new(&value, "").value,
            None => {
                unusual(bytes, wire).unwrap_or_else(|| format!("{} bytes that are no {wire:?}", bytes.len()))
            }
        },
    })
}

/// Infinite dates and times, and those before the year 1.
fn unusual(bytes: &[u8], wire: Wire) -> Option<String> {
    let number = match (wire, bytes.len()) {
        (Wire::Date, 4) => i64::from(i32::from_be_bytes(bytes.try_into().ok()?)),
        (Wire::Timestamp | Wire::Time, 8) => i64::from_be_bytes(bytes.try_into().ok()?),
        _ => return None,
    };
    Some(match (wire, number) {
        (Wire::Date, number) if number == i64::from(i32::MAX) => "infinity".to_owned(),
        (Wire::Date, number) if number == i64::from(i32::MIN) => "-infinity".to_owned(),
        (Wire::Timestamp, i64::MAX) => "infinity".to_owned(),
        (Wire::Timestamp, i64::MIN) => "-infinity".to_owned(),
        (Wire::Time, 86_400_000_000) => "24:00:00".to_owned(),
        (Wire::Date, number) => format!("the day {number} days from 2000-01-01"),
        (_, number) => format!("the moment {number} microseconds from 2000-01-01"),
    })
}

/// A value of the server's type as one of a core type; what it is none of comes back.
fn as_core(value: Value, core: &CoreType) -> Result<Value, Option<Value>> {
    match (core, value) {
        (CoreType::Int8, Value::Int(number)) if i8::try_from(number).is_err() => {
            Err(Some(Value::Int(number)))
        }
        (CoreType::Int16, Value::Int(number)) if i16::try_from(number).is_err() => {
            Err(Some(Value::Int(number)))
        }
        (CoreType::Int32, Value::Int(number)) if i32::try_from(number).is_err() => {
            Err(Some(Value::Int(number)))
        }
        (CoreType::Int8 | CoreType::Int16 | CoreType::Int32 | CoreType::Int64, value @ Value::Int(_))
        | (CoreType::Float32 | CoreType::Float64, value @ Value::Float(_))
        | (CoreType::Bool, value @ Value::Bool(_))
        | (CoreType::Decimal { .. }, value @ Value::Decimal(_))
        | (CoreType::Date, value @ Value::Date(_))
        | (CoreType::DateTime(_), value @ Value::DateTime(_))
        | (CoreType::Json, value @ Value::Json(_))
        | (CoreType::Uuid, value @ Value::Uuid(_))
        | (CoreType::Bytes, value @ Value::Bytes(_)) => Ok(value),
        (CoreType::Char(length) | CoreType::Varchar(length), Value::Str(text)) => {
            let limit = usize::try_from(*length).unwrap_or(usize::MAX);
            // A text has no more characters than bytes.
            let fits = text.len() <= limit || text.chars().count() <= limit;
            if fits { Ok(Value::Str(text)) } else { Err(Some(Value::Str(text))) }
        }
        (CoreType::Enum(labels), Value::Str(text)) => {
            if labels.contains(&text) {
                Ok(Value::Str(text))
            } else {
                Err(Some(Value::Str(text)))
            }
        }
        // A computed column may come in a wider or another type than was asked for.
        (CoreType::Decimal { .. }, Value::Int(number)) => {
            number.to_string().parse::<Decimal>().map(Value::Decimal).map_err(|_| None)
        }
        (CoreType::Bool, Value::Int(flag @ (0 | 1))) => Ok(Value::Bool(flag == 1)),
        (CoreType::Json, Value::Str(text)) => {
            serde_json::from_str(&text).map(Value::Json).map_err(|_| Some(Value::Str(text)))
        }
        (CoreType::Float32 | CoreType::Float64, value @ Value::Int(_))
        | (
            CoreType::Int8 | CoreType::Int16 | CoreType::Int32 | CoreType::Int64 | CoreType::Float64,
            value @ Value::Decimal(_),
        )
        | (CoreType::Date, value @ Value::DateTime(_))
        | (CoreType::DateTime(_), value @ Value::Date(_)) => {
            check::normalise(value.clone(), core).map_err(|_| Some(value))
        }
        (_, value) => Err(Some(value)),
    }
}
