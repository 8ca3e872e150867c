//! The portable column types of layer 2.

use std::fmt;

pub(crate) mod labels;
pub(crate) mod parse;

/// A portable column type: the same values on every database.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum CoreType {
    /// `int8`: −128 to 127.
    Int8,
    /// `int16`: −32,768 to 32,767.
    Int16,
    /// `int32`: −2³¹ to 2³¹−1.
    Int32,
    /// `int64`: −2⁶³ to 2⁶³−1.
    Int64,
    /// `float32`: IEEE single precision.
    Float32,
    /// `float64`: IEEE double precision.
    Float64,
    /// `bool`.
    Bool,
    /// `decimal(precision, scale)`: exact, `precision` digits of which `scale` after the point.
    Decimal {
        /// Digits in all.
        precision: u32,
        /// Digits after the point.
        scale: u32,
    },
    /// `char(n)`: text of at most `n` characters.
    Char(u32),
    /// `varchar(n)`: text of at most `n` characters.
    Varchar(u32),
    /// `enum('a', 'b')`: one of the labels, in declared order.
    Enum(Vec<String>),
    /// `date`.
    Date,
    /// `datetime` or `datetime(n)`: without a time zone; `n` digits of fractional seconds, at most 6.
    DateTime(Option<u8>),
    /// `json`: any JSON document.
    Json,
    /// `uuid`.
    Uuid,
    /// `bytes`: raw bytes.
    Bytes,
}

impl fmt::Display for CoreType {
    /// The type as a definition spells it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Int8 => f.write_str("int8"),
            Self::Int16 => f.write_str("int16"),
            Self::Int32 => f.write_str("int32"),
            Self::Int64 => f.write_str("int64"),
            Self::Float32 => f.write_str("float32"),
            Self::Float64 => f.write_str("float64"),
            Self::Bool => f.write_str("bool"),
            Self::Decimal { precision, scale } => write!(f, "decimal({precision},{scale})"),
            Self::Char(length) => write!(f, "char({length})"),
            Self::Varchar(length) => write!(f, "varchar({length})"),
            Self::Enum(labels) => {
                f.write_str("enum(")?;
                labels::write(f, labels)?;
                f.write_str(")")
            }
            Self::Date => f.write_str("date"),
            Self::DateTime(None) => f.write_str("datetime"),
            Self::DateTime(Some(digits)) => write!(f, "datetime({digits})"),
            Self::Json => f.write_str("json"),
            Self::Uuid => f.write_str("uuid"),
            Self::Bytes => f.write_str("bytes"),
        }
    }
}
