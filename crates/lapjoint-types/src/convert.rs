//! Conversions between Rust types and [`Value`].

use bytes::Bytes;
use jiff::civil;
use num_bigint::BigInt;
use uuid::Uuid;

use crate::array::NdArray;
use crate::decimal::Decimal;
use crate::value::Value;

/// A value is of another type, or out of the range, of the Rust type asked for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("expected {expected}, got {actual}")]
pub struct FromValueError {
    /// The Rust type asked for.
    pub expected: &'static str,
    /// Type of the value given.
    pub actual: String,
}

/// A Rust type that can be taken out of a [`Value`].
pub trait FromValue: Sized {
    /// Converts `value`.
    ///
    /// # Errors
    /// [`FromValueError`] when the value is of another type or does not fit.
    fn from_value(value: Value) -> Result<Self, FromValueError>;
}

fn mismatch<T>(value: &Value) -> FromValueError {
    FromValueError { expected: std::any::type_name::<T>(), actual: value.type_name() }
}

macro_rules! same_variant {
    ($($rust:ty => $variant:ident),+ $(,)?) => {$(
        impl From<$rust> for Value {
            fn from(value: $rust) -> Self {
                Self::$variant(value)
            }
        }
        impl FromValue for $rust {
            fn from_value(value: Value) -> Result<Self, FromValueError> {
                match value {
                    Value::$variant(inner) => Ok(inner),
                    other => Err(mismatch::<Self>(&other)),
                }
            }
        }
    )+};
}

same_variant! {
    bool => Bool, String => Str, Bytes => Bytes, Decimal => Decimal, Uuid => Uuid,
    civil::Date => Date, civil::Time => Time, civil::DateTime => DateTime,
}

macro_rules! integer {
    ($($rust:ty),+) => {$(
        impl From<$rust> for Value {
            fn from(value: $rust) -> Self {
                Self::from(i128::from(value))
            }
        }
        impl FromValue for $rust {
            fn from_value(value: Value) -> Result<Self, FromValueError> {
                match &value {
                    Value::Int(number) => Self::try_from(*number).map_err(|_| mismatch::<Self>(&value)),
                    Value::BigInt(number) => {
                        Self::try_from(number.as_ref()).map_err(|_| mismatch::<Self>(&value))
                    }
                    _ => Err(mismatch::<Self>(&value)),
                }
            }
        }
    )+};
}

integer!(i8, i16, i32, i64, u8, u16, u32, u64);

impl From<i128> for Value {
    fn from(value: i128) -> Self {
        i64::try_from(value).map_or_else(|_| Self::BigInt(Box::new(BigInt::from(value))), Self::Int)
    }
}

impl From<BigInt> for Value {
    fn from(value: BigInt) -> Self {
        i64::try_from(&value).map_or_else(|_| Self::BigInt(Box::new(value)), Self::Int)
    }
}

impl From<f64> for Value {
    fn from(value: f64) -> Self {
        Self::Float(value)
    }
}

impl From<f32> for Value {
    fn from(value: f32) -> Self {
        Self::Float(f64::from(value))
    }
}

impl FromValue for f64 {
    fn from_value(value: Value) -> Result<Self, FromValueError> {
        match value {
            Value::Float(number) => Ok(number),
            other => Err(mismatch::<Self>(&other)),
        }
    }
}

impl From<&str> for Value {
    fn from(value: &str) -> Self {
        Self::Str(value.into())
    }
}

impl From<&[u8]> for Value {
    fn from(value: &[u8]) -> Self {
        Self::Bytes(Bytes::copy_from_slice(value))
    }
}

impl From<Vec<u8>> for Value {
    fn from(value: Vec<u8>) -> Self {
        Self::Bytes(value.into())
    }
}

impl From<NdArray> for Value {
    fn from(value: NdArray) -> Self {
        Self::Array(Box::new(value))
    }
}

impl From<serde_json::Value> for Value {
    fn from(value: serde_json::Value) -> Self {
        Self::Json(Box::new(value))
    }
}

impl<T: Into<Value>> From<Option<T>> for Value {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Into::into)
    }
}

impl FromValue for Value {
    fn from_value(value: Value) -> Result<Self, FromValueError> {
        Ok(value)
    }
}

impl FromValue for NdArray {
    fn from_value(value: Value) -> Result<Self, FromValueError> {
        match value {
            Value::Array(array) => Ok(*array),
            other => Err(mismatch::<Self>(&other)),
        }
    }
}

impl FromValue for serde_json::Value {
    fn from_value(value: Value) -> Result<Self, FromValueError> {
        match value {
            Value::Json(json) => Ok(*json),
            other => Err(mismatch::<Self>(&other)),
        }
    }
}

impl<T: FromValue> FromValue for Option<T> {
    fn from_value(value: Value) -> Result<Self, FromValueError> {
        match value {
            Value::Null => Ok(None),
            other => T::from_value(other).map(Some),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn integers_choose_the_smallest_variant() {
        assert_eq!(Value::from(5u8), Value::Int(5));
        assert!(matches!(Value::from(u64::MAX), Value::BigInt(_)));
        assert_eq!(u64::from_value(Value::from(u64::MAX)).unwrap(), u64::MAX);
        assert!(i8::from_value(Value::Int(300)).is_err());
        assert_eq!(Option::<i32>::from_value(Value::Null).unwrap(), None);
    }
}
