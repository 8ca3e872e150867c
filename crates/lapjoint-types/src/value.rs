//! What a cell can hold in memory.

use std::any::Any;
use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use jiff::civil;
use num_bigint::BigInt;
use uuid::Uuid;

use crate::array::{MatCell, MatStruct, NdArray, ObjectArray, RecordArray};
use crate::decimal::Decimal;

/// A value as codecs, formats and databases hand it to one another.
///
/// The variants are those that the blob format can write, plus `Json` (a parsed document of a json column) and
/// [`Foreign`] (an object of the host language, or a lazy reference into a store).
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Value {
    /// SQL NULL, Python `None`.
    Null,
    /// Truth value.
    Bool(bool),
    /// Integer that fits 64 bits.
    Int(i64),
    /// Integer outside of 64 bits. Never holds one that fits.
    BigInt(Box<BigInt>),
    /// Double-precision float.
    Float(f64),
    /// Double-precision complex number: real part, imaginary part.
    Complex(f64, f64),
    /// Text.
    Str(String),
    /// Raw bytes.
    Bytes(Bytes),
    /// Exact decimal number.
    Decimal(Decimal),
    /// Calendar date.
    Date(civil::Date),
    /// Time of day, microseconds.
    Time(civil::Time),
    /// Date and time without a time zone, microseconds.
    DateTime(civil::DateTime),
    /// UUID.
    Uuid(Uuid),
    /// JSON document.
    Json(Box<serde_json::Value>),
    /// Immutable sequence.
    Tuple(Vec<Value>),
    /// Sequence.
    List(Vec<Value>),
    /// Set, in the order in which it was read.
    Set(Vec<Value>),
    /// Mapping, in insertion order.
    Dict(Vec<(Value, Value)>),
    /// Dense array or (with shape `()`) numpy scalar.
    Array(Box<NdArray>),
    /// Array of arbitrary values.
    ObjectArray(Box<ObjectArray>),
    /// Structured array.
    RecordArray(Box<RecordArray>),
    /// MATLAB cell array.
    MatCell(Box<MatCell>),
    /// MATLAB struct array.
    MatStruct(Box<MatStruct>),
    /// Object that only its maker understands: a lazy reference, or an object of the host language.
    Foreign(Arc<dyn Foreign>),
}

/// An object carried through the engine without being understood by it.
pub trait Foreign: Any + Send + Sync + fmt::Debug {
    /// Name of the object's type, for error messages.
    fn type_name(&self) -> &str;
    /// The object itself, for downcasting.
    fn as_any(&self) -> &dyn Any;
}

impl Value {
    /// Wraps an object of the host language or a lazy reference.
    #[must_use]
    pub fn foreign(object: impl Foreign) -> Self {
        Self::Foreign(Arc::new(object))
    }

    /// The wrapped object, if there is one of type `T`.
    #[must_use]
    pub fn downcast_ref<T: Foreign>(&self) -> Option<&T> {
        match self {
            Self::Foreign(object) => object.as_any().downcast_ref(),
            _ => None,
        }
    }

    /// Whether this is [`Value::Null`].
    #[must_use]
    pub const fn is_null(&self) -> bool {
        matches!(self, Self::Null)
    }

    /// Name of the value's type for error messages, as Python users know it.
    #[must_use]
    pub fn type_name(&self) -> String {
        match self {
            Self::Null => "None".into(),
            Self::Bool(_) => "bool".into(),
            Self::Int(_) | Self::BigInt(_) => "int".into(),
            Self::Float(_) => "float".into(),
            Self::Complex(..) => "complex".into(),
            Self::Str(_) => "str".into(),
            Self::Bytes(_) => "bytes".into(),
            Self::Decimal(_) => "Decimal".into(),
            Self::Date(_) => "date".into(),
            Self::Time(_) => "time".into(),
            Self::DateTime(_) => "datetime".into(),
            Self::Uuid(_) => "UUID".into(),
            Self::Json(_) => "json".into(),
            Self::Tuple(_) => "tuple".into(),
            Self::List(_) => "list".into(),
            Self::Set(_) => "set".into(),
            Self::Dict(_) => "dict".into(),
            Self::Array(array) if array.ndim() == 0 => format!("numpy.{}", array.dtype()),
            Self::Array(_) | Self::ObjectArray(_) => "numpy.ndarray".into(),
            Self::RecordArray(_) => "numpy.recarray".into(),
            Self::MatCell(_) => "MatCell".into(),
            Self::MatStruct(_) => "MatStruct".into(),
            Self::Foreign(object) => object.type_name().into(),
        }
    }
}

impl PartialEq for Value {
    /// Same variant and content. Floats compare by their bits, so NaN equals NaN and `0.0` differs from `-0.0`;
    /// sets and dicts compare without regard to order; foreign objects are equal only to themselves.
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Null, Self::Null) => true,
            (Self::Bool(a), Self::Bool(b)) => a == b,
            (Self::Int(a), Self::Int(b)) => a == b,
            (Self::BigInt(a), Self::BigInt(b)) => a == b,
            (Self::Float(a), Self::Float(b)) => a.to_bits() == b.to_bits(),
            (Self::Complex(ar, ai), Self::Complex(br, bi)) => {
                ar.to_bits() == br.to_bits() && ai.to_bits() == bi.to_bits()
            }
            (Self::Str(a), Self::Str(b)) => a == b,
            (Self::Bytes(a), Self::Bytes(b)) => a == b,
            (Self::Decimal(a), Self::Decimal(b)) => a == b,
            (Self::Date(a), Self::Date(b)) => a == b,
            (Self::Time(a), Self::Time(b)) => a == b,
            (Self::DateTime(a), Self::DateTime(b)) => a == b,
            (Self::Uuid(a), Self::Uuid(b)) => a == b,
            (Self::Json(a), Self::Json(b)) => a == b,
            (Self::Tuple(a), Self::Tuple(b)) | (Self::List(a), Self::List(b)) => a == b,
            (Self::Set(a), Self::Set(b)) => {
                a.len() == b.len() && (a == b || a.iter().all(|item| b.contains(item)))
            }
            (Self::Dict(a), Self::Dict(b)) => {
                a.len() == b.len()
                    && (a == b || a.iter().all(|(key, value)| b.iter().any(|(k, v)| k == key && v == value)))
            }
            (Self::Array(a), Self::Array(b)) => a == b,
            (Self::ObjectArray(a), Self::ObjectArray(b)) => a == b,
            (Self::RecordArray(a), Self::RecordArray(b)) => a == b,
            (Self::MatCell(a), Self::MatCell(b)) => a == b,
            (Self::MatStruct(a), Self::MatStruct(b)) => a == b,
            (Self::Foreign(a), Self::Foreign(b)) => Arc::ptr_eq(a, b),
            _ => false,
        }
    }
}
