//! Values in the binary form that the server sends and takes, by the type of the server.

use bytes::Bytes;
use lapjoint_types::Value;
use tokio_postgres::types::{Kind, Type};
use uuid::Uuid;

use crate::postgres::{calendar, json, numeric};

/// Integers up to this are floats of double precision without loss.
const EXACT: u64 = 1 << 53;

/// Form of a type's values on the wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wire {
    Int2,
    Int4,
    Int8,
    Oid,
    Float4,
    Float8,
    Bool,
    Numeric,
    /// Text as it is.
    Text,
    /// Text filled up with blanks.
    Padded,
    Bytea,
    Date,
    Timestamp,
    Time,
    Uuid,
    Json,
    Jsonb,
    /// Nothing.
    Void,
}

impl Wire {
    /// The form of a type; `None` for one that is only read and written as text.
    pub fn of(ty: &Type) -> Option<Self> {
        match ty.kind() {
            Kind::Enum(_) => return Some(Self::Text),
            Kind::Domain(inner) => return Self::of(inner),
            _ => {}
        }
        Some(match *ty {
            Type::INT2 => Self::Int2,
            Type::INT4 => Self::Int4,
            Type::INT8 => Self::Int8,
            Type::OID => Self::Oid,
            Type::FLOAT4 => Self::Float4,
            Type::FLOAT8 => Self::Float8,
            Type::BOOL => Self::Bool,
            Type::NUMERIC => Self::Numeric,
            Type::TEXT | Type::VARCHAR | Type::NAME | Type::UNKNOWN | Type::XML | Type::CHAR => Self::Text,
            Type::BPCHAR => Self::Padded,
            Type::BYTEA => Self::Bytea,
            Type::DATE => Self::Date,
            Type::TIMESTAMP | Type::TIMESTAMPTZ => Self::Timestamp,
            Type::TIME => Self::Time,
            Type::UUID => Self::Uuid,
            Type::JSON => Self::Json,
            Type::JSONB => Self::Jsonb,
            Type::VOID => Self::Void,
            _ if ty.name() == "citext" => Self::Text,
            _ => return None,
        })
    }

    /// Writes a value that is not null; `None` when the type does not hold it exactly.
    pub fn encode(self, value: &Value, out: &mut Vec<u8>) -> Option<()> {
        match (self, value) {
            (Self::Int2, _) => out.extend_from_slice(&i16::try_from(integer(value)?).ok()?.to_be_bytes()),
            (Self::Int4, _) => out.extend_from_slice(&i32::try_from(integer(value)?).ok()?.to_be_bytes()),
            (Self::Int8, _) => out.extend_from_slice(&integer(value)?.to_be_bytes()),
            (Self::Oid, _) => out.extend_from_slice(&u32::try_from(integer(value)?).ok()?.to_be_bytes()),
            (Self::Float4, _) => out.extend_from_slice(&single(float(value)?)?.to_be_bytes()),
            (Self::Float8, _) => out.extend_from_slice(&float(value)?.to_be_bytes()),
            (Self::Bool, Value::Bool(flag)) => out.push((*flag).into()),
            (Self::Bool, Value::Int(flag @ (0 | 1))) => out.push(u8::from(*flag == 1)),
            (Self::Numeric, Value::Decimal(number)) => numeric::encode(number.as_str(), out)?,
            (Self::Numeric, Value::Int(number)) => numeric::encode(&number.to_string(), out)?,
            (Self::Numeric, Value::BigInt(number)) => numeric::encode(&number.to_string(), out)?,
            (Self::Numeric, Value::Float(number)) => numeric::encode(&format!("{number:?}"), out)?,
            (Self::Numeric, Value::Bool(flag)) => numeric::encode(if *flag { "1" } else { "0" }, out)?,
            (Self::Text | Self::Padded, Value::Str(text)) => out.extend_from_slice(text.as_bytes()),
            (Self::Bytea, Value::Bytes(bytes)) => out.extend_from_slice(bytes),
            (Self::Date, Value::Date(date)) => out.extend_from_slice(&calendar::days(*date).to_be_bytes()),
            (Self::Timestamp, Value::DateTime(moment)) => {
                out.extend_from_slice(&calendar::micros(*moment)?.to_be_bytes());
            }
            (Self::Timestamp, Value::Date(date)) => {
                let moment = date.to_datetime(jiff::civil::Time::midnight());
                out.extend_from_slice(&calendar::micros(moment)?.to_be_bytes());
            }
            (Self::Time, Value::Time(time)) => {
                out.extend_from_slice(&calendar::micros_of_day(*time)?.to_be_bytes());
            }
            (Self::Uuid, Value::Uuid(id)) => out.extend_from_slice(id.as_bytes()),
            (Self::Json, Value::Json(document)) => json::write(document, out)?,
            (Self::Jsonb, Value::Json(document)) => {
                out.push(JSONB_VERSION);
                json::write(document, out)?;
            }
            _ => return None,
        }
        Some(())
    }

    /// Reads a value that is not null; `None` when the bytes are none of the type, or its value is one that the engine has
    /// no form for (a date before the year 1).
    pub fn decode(self, bytes: &[u8]) -> Option<Value> {
        Some(match self {
            Self::Int2 => Value::Int(i16::from_be_bytes(bytes.try_into().ok()?).into()),
            Self::Int4 => Value::Int(i32::from_be_bytes(bytes.try_into().ok()?).into()),
            Self::Int8 => Value::Int(i64::from_be_bytes(bytes.try_into().ok()?)),
            Self::Oid => Value::Int(u32::from_be_bytes(bytes.try_into().ok()?).into()),
            Self::Float4 => Value::Float(f32::from_be_bytes(bytes.try_into().ok()?).into()),
            Self::Float8 => Value::Float(f64::from_be_bytes(bytes.try_into().ok()?)),
            Self::Bool => match bytes {
                [0] => Value::Bool(false),
                [1] => Value::Bool(true),
                _ => return None,
            },
            Self::Numeric => Value::Decimal(numeric::decode(bytes)?.parse().ok()?),
            Self::Text => Value::Str(std::str::from_utf8(bytes).ok()?.to_owned()),
            Self::Padded => Value::Str(std::str::from_utf8(bytes).ok()?.trim_end_matches(' ').to_owned()),
            Self::Bytea => Value::Bytes(Bytes::copy_from_slice(bytes)),
            Self::Date => Value::Date(calendar::date(i32::from_be_bytes(bytes.try_into().ok()?))?),
            Self::Timestamp => Value::DateTime(calendar::moment(i64::from_be_bytes(bytes.try_into().ok()?))?),
            Self::Time => Value::Time(calendar::time(i64::from_be_bytes(bytes.try_into().ok()?))?),
            Self::Uuid => Value::Uuid(Uuid::from_slice(bytes).ok()?),
            Self::Json => Value::Json(serde_json::from_slice(bytes).ok()?),
            Self::Jsonb => match bytes {
                [JSONB_VERSION, document @ ..] => Value::Json(serde_json::from_slice(document).ok()?),
                _ => return None,
            },
            Self::Void => Value::Null,
        })
    }
}

const JSONB_VERSION: u8 = 1;

/// The type in which a value is sent where nothing else says its type.
pub(crate) fn natural(value: &Value) -> Type {
    match value {
        Value::Bool(_) => Type::BOOL,
        Value::Int(_) => Type::INT8,
        Value::Float(_) => Type::FLOAT8,
        Value::BigInt(_) | Value::Decimal(_) => Type::NUMERIC,
        Value::Bytes(_) => Type::BYTEA,
        Value::Date(_) => Type::DATE,
        Value::DateTime(_) => Type::TIMESTAMP,
        Value::Time(_) => Type::TIME,
        Value::Uuid(_) => Type::UUID,
        Value::Json(_) => Type::JSONB,
        _ => Type::TEXT,
    }
}

fn integer(value: &Value) -> Option<i64> {
    match value {
        Value::Int(number) => Some(*number),
        Value::Bool(flag) => Some((*flag).into()),
        _ => None,
    }
}

fn float(value: &Value) -> Option<f64> {
    match value {
        Value::Float(number) => Some(*number),
        Value::Int(number) if number.unsigned_abs() <= EXACT => Some(*number as f64),
        _ => None,
    }
}

/// A float as one of single precision, where one equals it.
#[expect(clippy::cast_possible_truncation, reason = "what changes by it is refused")]
fn single(number: f64) -> Option<f32> {
    let single = number as f32;
    (f64::from(single) == number || number.is_nan()).then_some(single)
}
