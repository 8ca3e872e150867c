//! How values of each column type are stored.
//!
//! | core type | column | remark |
//! |---|---|---|
//! | `int8` … `int64` | `tinyint`, `smallint`, `int`, `bigint` | |
//! | `float32`, `float64` | `float`, `double` | neither NaN nor infinities; MariaDB has no minus zero |
//! | `bool` | `tinyint` | 0 or 1 |
//! | `decimal(p,s)` | `decimal(p,s)` | |
//! | `char(n)` | `char(n)` | no spaces at the end, which MySQL drops |
//! | `varchar(n)` | `varchar(n)` | |
//! | `enum(…)` | `enum(…)` | |
//! | `date` | `date` | |
//! | `datetime`, `datetime(n)` | the same | without `n` no fractions of a second |
//! | `json` | `json` | MySQL sorts the keys; in MariaDB a text |
//! | `uuid` | `binary(16)` | |
//! | `bytes` | `longblob` | |
//!
//! Native types are passed through; see `native`.

use bytes::Bytes;
use jiff::civil;
use lapjoint_types::{CoreType, Value};
use mysql::Value as Wire;
use mysql::consts::ColumnType as WireType;
use uuid::Uuid;

use crate::cell::{Cell, plain_text};
use crate::check;
use crate::error::DbError;
use crate::mysql::{native, text};
use crate::schema::ColumnType;

/// Number that MySQL gives the character set of bytes.
const BINARY: u16 = 63;

/// A column of a result, as far as values need to know it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Meta {
    kind: WireType,
    is_binary: bool,
}

impl Meta {
    /// What the server says of a column.
    pub fn of(column: &mysql::Column) -> Self {
        Self { kind: column.column_type(), is_binary: column.character_set() == BINARY }
    }
}

/// The SQL type of a core type's column, as DataJoint writes it.
pub(crate) fn sql_type(core: &CoreType) -> String {
    match core {
        CoreType::Int8 | CoreType::Bool => "tinyint".to_owned(),
        CoreType::Int16 => "smallint".to_owned(),
        CoreType::Int32 => "int".to_owned(),
        CoreType::Int64 => "bigint".to_owned(),
        CoreType::Float32 => "float".to_owned(),
        CoreType::Float64 => "double".to_owned(),
        CoreType::Uuid => "binary(16)".to_owned(),
        CoreType::Bytes => "longblob".to_owned(),
        // As they are written in a definition.
        other => other.to_string(),
    }
}

/// The value in the one form that its type has, or an error that names column and row.
pub(crate) fn canonical(
    value: Value,
    ty: &ColumnType,
    column: &str,
    row: Option<u64>,
) -> Result<Value, DbError> {
    if value.is_null() {
        return Ok(value);
    }
    let refuse = |value: &Value, reason: &str| check::Refusal::new(value, reason).into_error(column, ty, row);
    match ty {
        ColumnType::Core(core) => {
            let value =
                check::normalise(value, core).map_err(|refusal| refusal.into_error(column, ty, row))?;
            match unstorable(&value, core) {
                Some(reason) => Err(refuse(&value, reason)),
                None => Ok(value),
            }
        }
        ColumnType::Native(name) => {
            let value = check::plain(value);
            native::canonical(value.clone(), name).map_err(|reason| refuse(&value, &reason))
        }
    }
}

/// Why MySQL does not hold a value that the type has on other databases.
fn unstorable(value: &Value, core: &CoreType) -> Option<&'static str> {
    match (value, core) {
        (Value::Float(number), _) if !number.is_finite() => Some(native::NOT_FINITE),
        (Value::Str(text), CoreType::Char(_)) if text.ends_with(' ') => Some(native::TRAILING_SPACE),
        (Value::DateTime(moment), CoreType::DateTime(None)) if moment.subsec_nanosecond() != 0 => Some(
            "MySQL's `datetime` holds no fractions of a second; round it, or declare the attribute as datetime(6)",
        ),
        _ => None,
    }
}

/// A number for a column of single precision as such a column holds it, so that it can be compared with one.
#[expect(clippy::cast_possible_truncation, reason = "rounding to single precision is what the type means")]
pub(crate) fn single(value: Value, native: &str) -> Value {
    match value {
        Value::Float(number) if native::is_single(native) => Value::Float(f64::from(number as f32)),
        other => other,
    }
}

/// A value that MySQL has no place for.
pub(crate) fn refused(value: &Value, ty: &ColumnType, column: &str, row: Option<u64>) -> DbError {
    let reason = match value {
        Value::Float(_) | Value::Decimal(_) => native::NOT_FINITE,
        _ => "no column of MySQL holds it",
    };
    check::Refusal::new(value, reason).into_error(column, ty, row)
}

/// A canonical value as it is sent; `None` for values that no column holds.
pub(crate) fn wire(value: &Value) -> Option<Wire> {
    Some(match value {
        Value::Null => Wire::NULL,
        Value::Bool(flag) => Wire::Int((*flag).into()),
        Value::Int(number) => Wire::Int(*number),
        Value::BigInt(number) => match u64::try_from(&**number) {
            Ok(number) => Wire::UInt(number),
            Err(_) => Wire::Bytes(number.to_string().into_bytes()),
        },
        Value::Float(number) if number.is_finite() => Wire::Double(*number),
        Value::Str(text) => Wire::Bytes(text.as_bytes().to_vec()),
        Value::Bytes(bytes) => Wire::Bytes(bytes.to_vec()),
        Value::Decimal(number) if number.is_finite() => Wire::Bytes(number.as_str().as_bytes().to_vec()),
        Value::Date(date) => moment(date.to_datetime(civil::Time::midnight()))?,
        Value::DateTime(time) => moment(*time)?,
        Value::Time(time) => {
            let part = |number: i8| u8::try_from(number).unwrap_or(0);
            let micros = u32::try_from(time.subsec_nanosecond() / 1000).unwrap_or(0);
            Wire::Time(false, 0, part(time.hour()), part(time.minute()), part(time.second()), micros)
        }
        Value::Uuid(id) => Wire::Bytes(id.as_bytes().to_vec()),
        Value::Json(document) => Wire::Bytes(document.to_string().into_bytes()),
        _ => return None,
    })
}

fn moment(time: civil::DateTime) -> Option<Wire> {
    let part = |number: i8| u8::try_from(number).ok();
    Some(Wire::Date(
        u16::try_from(time.year()).ok()?,
        part(time.month())?,
        part(time.day())?,
        part(time.hour())?,
        part(time.minute())?,
        part(time.second())?,
        u32::try_from(time.subsec_nanosecond() / 1000).ok()?,
    ))
}

/// A text that can be taken as it is.
pub(crate) fn lent<'c>(stored: &'c Wire, ty: &ColumnType) -> Option<Cell<'c>> {
    match (stored, ty) {
        (Wire::Bytes(bytes), ColumnType::Core(core)) => plain_text(bytes, core),
        _ => None,
    }
}

/// The value that a column holds.
pub(crate) fn decode(stored: Wire, ty: &ColumnType, meta: Meta, column: &str) -> Result<Value, DbError> {
    let decoded = match (ty, &stored) {
        (_, Wire::NULL) => return Ok(Value::Null),
        (ColumnType::Core(CoreType::Bytes), Wire::Bytes(_)) => {
            let Wire::Bytes(bytes) = stored else { return Ok(Value::Null) };
            return Ok(Value::Bytes(Bytes::from(bytes)));
        }
        (ColumnType::Core(core), _) => decode_core(&stored, core),
        (ColumnType::Native(_), _) => decode_own(&stored, meta),
    };
    decoded.ok_or_else(|| DbError::Stored {
        column: column.to_owned(),
        ty: ty.to_string(),
        found: describe(&stored),
    })
}

fn decode_core(stored: &Wire, core: &CoreType) -> Option<Value> {
    match core {
        CoreType::Int8 => integer(stored, i8::MIN.into(), i8::MAX.into()),
        CoreType::Int16 => integer(stored, i16::MIN.into(), i16::MAX.into()),
        CoreType::Int32 => integer(stored, i32::MIN.into(), i32::MAX.into()),
        CoreType::Int64 => integer(stored, i64::MIN, i64::MAX),
        CoreType::Bool => match integer(stored, 0, 1)? {
            Value::Int(number) => Some(Value::Bool(number == 1)),
            _ => None,
        },
        CoreType::Float32 | CoreType::Float64 => float(stored),
        CoreType::Decimal { .. } => decimal(stored),
        CoreType::Char(length) | CoreType::Varchar(length) => {
            let text = utf8(stored)?;
            let limit = usize::try_from(*length).unwrap_or(usize::MAX);
            // A text has no more characters than bytes.
            (text.len() <= limit || text.chars().count() <= limit).then(|| Value::Str(text.to_owned()))
        }
        CoreType::Enum(labels) => {
            let text = utf8(stored)?;
            labels.iter().any(|label| label == text).then(|| Value::Str(text.to_owned()))
        }
        CoreType::Date => match date_time(stored)? {
            moment if moment.time() == civil::Time::midnight() => Some(Value::Date(moment.date())),
            _ => None,
        },
        CoreType::DateTime(_) => date_time(stored).map(Value::DateTime),
        CoreType::Json => {
            let Wire::Bytes(bytes) = stored else { return None };
            serde_json::from_slice(bytes).ok().map(|json| Value::Json(Box::new(json)))
        }
        CoreType::Uuid => match stored {
            Wire::Bytes(bytes) => Uuid::from_slice(bytes).ok().map(Value::Uuid),
            _ => None,
        },
        // Bytes were dealt with where they need no copy.
        _ => None,
    }
}

/// The value by the type of the result's own column.
fn decode_own(stored: &Wire, meta: Meta) -> Option<Value> {
    match meta.kind {
        WireType::MYSQL_TYPE_TINY
        | WireType::MYSQL_TYPE_SHORT
        | WireType::MYSQL_TYPE_INT24
        | WireType::MYSQL_TYPE_LONG
        | WireType::MYSQL_TYPE_LONGLONG
        | WireType::MYSQL_TYPE_YEAR => text::whole(stored),
        WireType::MYSQL_TYPE_FLOAT | WireType::MYSQL_TYPE_DOUBLE => float(stored),
        WireType::MYSQL_TYPE_DECIMAL | WireType::MYSQL_TYPE_NEWDECIMAL => decimal(stored),
        WireType::MYSQL_TYPE_DATE | WireType::MYSQL_TYPE_NEWDATE => {
            date_time(stored).map(|moment| Value::Date(moment.date()))
        }
        WireType::MYSQL_TYPE_DATETIME
        | WireType::MYSQL_TYPE_TIMESTAMP
        | WireType::MYSQL_TYPE_DATETIME2
        | WireType::MYSQL_TYPE_TIMESTAMP2 => date_time(stored).map(Value::DateTime),
        WireType::MYSQL_TYPE_TIME | WireType::MYSQL_TYPE_TIME2 => text::time(stored),
        WireType::MYSQL_TYPE_JSON => decode_core(stored, &CoreType::Json),
        WireType::MYSQL_TYPE_BIT => text::bits(stored),
        _ if meta.is_binary => match stored {
            Wire::Bytes(bytes) => Some(Value::Bytes(Bytes::copy_from_slice(bytes))),
            other => text::whole(other),
        },
        _ => match stored {
            Wire::Bytes(_) => utf8(stored).map(|text| Value::Str(text.to_owned())),
            other => text::whole(other),
        },
    }
}

fn integer(stored: &Wire, low: i64, high: i64) -> Option<Value> {
    match text::whole(stored)? {
        Value::Int(number) if (low..=high).contains(&number) => Some(Value::Int(number)),
        _ => None,
    }
}

fn float(stored: &Wire) -> Option<Value> {
    match stored {
        Wire::Float(number) => Some(Value::Float(f64::from(*number))),
        Wire::Double(number) => Some(Value::Float(*number)),
        // A computed attribute may be a whole number, or a decimal.
        Wire::Int(number) => number.to_string().parse().ok().map(Value::Float),
        Wire::Bytes(_) => utf8(stored)?.parse().ok().map(Value::Float),
        _ => None,
    }
}

fn decimal(stored: &Wire) -> Option<Value> {
    match stored {
        Wire::Bytes(_) => utf8(stored)?.parse().ok().map(Value::Decimal),
        Wire::Int(number) => number.to_string().parse().ok().map(Value::Decimal),
        Wire::UInt(number) => number.to_string().parse().ok().map(Value::Decimal),
        _ => None,
    }
}

fn date_time(stored: &Wire) -> Option<civil::DateTime> {
    match stored {
        Wire::Date(year, month, day, hour, minute, second, micros) => {
            let part = |number: u8| i8::try_from(number).ok();
            let nanos = i32::try_from(*micros).ok()?.checked_mul(1000)?;
            // Zeros, which MySQL once took for a date, are none.
            civil::DateTime::new(
                i16::try_from(*year).ok()?,
                part(*month)?,
                part(*day)?,
                part(*hour)?,
                part(*minute)?,
                part(*second)?,
                nanos,
            )
            .ok()
        }
        Wire::Bytes(_) => check::parse_datetime(utf8(stored)?),
        _ => None,
    }
}

pub(super) fn utf8(stored: &Wire) -> Option<&str> {
    let Wire::Bytes(bytes) = stored else { return None };
    std::str::from_utf8(bytes).ok()
}

/// A stored value for a message.
fn describe(stored: &Wire) -> String {
    const SHOWN_CHARS: usize = 60;
    match stored {
        Wire::NULL => "NULL".to_owned(),
        Wire::Int(number) => format!("the integer {number}"),
        Wire::UInt(number) => format!("the integer {number}"),
        Wire::Float(number) => format!("the number {number:?}"),
        Wire::Double(number) => format!("the number {number:?}"),
        Wire::Bytes(bytes) => match std::str::from_utf8(bytes) {
            Ok(text) => {
                let shown: String = text.chars().take(SHOWN_CHARS).collect();
                format!("the text {shown:?}{}", if shown.len() < text.len() { "…" } else { "" })
            }
            Err(_) => format!("{} bytes", bytes.len()),
        },
        Wire::Date(year, month, day, hour, minute, second, _) => {
            format!("the date {year:04}-{month:02}-{day:02} {hour:02}:{minute:02}:{second:02}")
        }
        Wire::Time(..) => "a time".to_owned(),
    }
}
