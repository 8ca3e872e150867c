//! Element types of arrays, as numpy names them.

use std::fmt;
use std::sync::Arc;

/// Byte order of an element that is wider than one byte.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum ByteOrder {
    /// Least significant byte first: what this engine writes.
    #[default]
    Little,
    /// Most significant byte first: read and kept, never produced.
    Big,
}

/// Unit of a `datetime64` or `timedelta64` element.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum TimeUnit {
    /// Year.
    Year,
    /// Month.
    Month,
    /// Week.
    Week,
    /// Day.
    Day,
    /// Hour.
    Hour,
    /// Minute.
    Minute,
    /// Second.
    Second,
    /// 10⁻³ s.
    Milli,
    /// 10⁻⁶ s.
    Micro,
    /// 10⁻⁹ s.
    Nano,
    /// 10⁻¹² s.
    Pico,
    /// 10⁻¹⁵ s.
    Femto,
    /// 10⁻¹⁸ s.
    Atto,
    /// No unit given (numpy's generic unit).
    Generic,
}

impl TimeUnit {
    /// All units that carry a unit, in numpy's order (the order of the blob format's type ids).
    pub const ORDERED: [Self; 13] = [
        Self::Year,
        Self::Month,
        Self::Week,
        Self::Day,
        Self::Hour,
        Self::Minute,
        Self::Second,
        Self::Milli,
        Self::Micro,
        Self::Nano,
        Self::Pico,
        Self::Femto,
        Self::Atto,
    ];

    /// numpy's abbreviation: `Y M W D h m s ms us ns ps fs as`, or the empty string for generic.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Year => "Y",
            Self::Month => "M",
            Self::Week => "W",
            Self::Day => "D",
            Self::Hour => "h",
            Self::Minute => "m",
            Self::Second => "s",
            Self::Milli => "ms",
            Self::Micro => "us",
            Self::Nano => "ns",
            Self::Pico => "ps",
            Self::Femto => "fs",
            Self::Atto => "as",
            Self::Generic => "",
        }
    }

    /// The unit that numpy abbreviates as `code`.
    #[must_use]
    pub fn from_code(code: &str) -> Option<Self> {
        if code.is_empty() || code == "generic" {
            return Some(Self::Generic);
        }
        Self::ORDERED.into_iter().find(|unit| unit.code() == code)
    }
}

/// One named field of a structured element.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Field {
    /// Field name.
    pub name: String,
    /// Type of one item of the field.
    pub dtype: DType,
    /// Shape of a sub-array field, empty for a plain field.
    pub shape: Vec<usize>,
}

/// Kind of an element, without its byte order.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Kind {
    /// One byte, 0 or 1.
    Bool,
    /// Signed integer of the given width in bytes (1, 2, 4, 8).
    Int(u8),
    /// Unsigned integer of the given width in bytes (1, 2, 4, 8).
    UInt(u8),
    /// IEEE float of the given width in bytes (2, 4, 8).
    Float(u8),
    /// Complex of two floats; the width in bytes of both together (8, 16).
    Complex(u8),
    /// Fixed-length byte string of the given length in bytes (numpy `S`).
    Bytes(usize),
    /// Fixed-length text of the given length in code points of four bytes (numpy `U`).
    Unicode(usize),
    /// Opaque bytes of the given length (numpy `V`).
    Void(usize),
    /// Eight-byte count of `count` units since 1970 (numpy `M8[count unit]`).
    DateTime {
        /// Unit.
        unit: TimeUnit,
        /// Multiple of the unit, normally 1.
        count: u32,
    },
    /// Eight-byte count of `count` units (numpy `m8[count unit]`).
    TimeDelta {
        /// Unit.
        unit: TimeUnit,
        /// Multiple of the unit, normally 1.
        count: u32,
    },
    /// Named fields, packed without padding, in order.
    Struct(Arc<[Field]>),
}

/// Element type of an array: kind and byte order.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct DType {
    /// Kind.
    pub kind: Kind,
    /// Byte order; [`ByteOrder::Little`] where it has no meaning.
    pub order: ByteOrder,
}

impl DType {
    /// `bool`.
    pub const BOOL: Self = Self::little(Kind::Bool);
    /// `int8`.
    pub const I8: Self = Self::little(Kind::Int(1));
    /// `int16`.
    pub const I16: Self = Self::little(Kind::Int(2));
    /// `int32`.
    pub const I32: Self = Self::little(Kind::Int(4));
    /// `int64`.
    pub const I64: Self = Self::little(Kind::Int(8));
    /// `uint8`.
    pub const U8: Self = Self::little(Kind::UInt(1));
    /// `uint16`.
    pub const U16: Self = Self::little(Kind::UInt(2));
    /// `uint32`.
    pub const U32: Self = Self::little(Kind::UInt(4));
    /// `uint64`.
    pub const U64: Self = Self::little(Kind::UInt(8));
    /// `float32`.
    pub const F32: Self = Self::little(Kind::Float(4));
    /// `float64`.
    pub const F64: Self = Self::little(Kind::Float(8));
    /// `complex64`.
    pub const C64: Self = Self::little(Kind::Complex(8));
    /// `complex128`.
    pub const C128: Self = Self::little(Kind::Complex(16));

    /// A little-endian type of this kind.
    #[must_use]
    pub const fn little(kind: Kind) -> Self {
        Self { kind, order: ByteOrder::Little }
    }

    /// Whether elements are truth values, integers or real numbers of at most 8 bytes.
    #[must_use]
    pub const fn is_number(&self) -> bool {
        matches!(
            self.kind,
            Kind::Bool | Kind::Int(1 | 2 | 4 | 8) | Kind::UInt(1 | 2 | 4 | 8) | Kind::Float(2 | 4 | 8)
        )
    }

    /// Size of one element in bytes.
    #[must_use]
    pub fn item_bytes(&self) -> usize {
        match &self.kind {
            Kind::Bool => 1,
            Kind::Int(width) | Kind::UInt(width) | Kind::Float(width) | Kind::Complex(width) => {
                usize::from(*width)
            }
            Kind::Bytes(length) | Kind::Void(length) => *length,
            Kind::Unicode(length) => length.saturating_mul(4),
            Kind::DateTime { .. } | Kind::TimeDelta { .. } => 8,
            Kind::Struct(fields) => fields.iter().fold(0usize, |total, field| {
                let items = field.shape.iter().fold(1usize, |n, &d| n.saturating_mul(d));
                total.saturating_add(field.dtype.item_bytes().saturating_mul(items))
            }),
        }
    }

    /// Type code of numpy's array interface, as the header of a `.npy` file spells it: `<f8`, `|b1`, `<M8[us]`.
    ///
    /// Structured types have no such code; see the npy format for their descriptor.
    #[must_use]
    pub fn typestr(&self) -> Option<String> {
        let order = match self.order {
            ByteOrder::Little => '<',
            ByteOrder::Big => '>',
        };
        let time = |letter: char, unit: &TimeUnit, count: &u32| match (unit, count) {
            (TimeUnit::Generic, _) => format!("{order}{letter}8"),
            (unit, 1) => format!("{order}{letter}8[{}]", unit.code()),
            (unit, count) => format!("{order}{letter}8[{count}{}]", unit.code()),
        };
        Some(match &self.kind {
            Kind::Bool => "|b1".into(),
            Kind::Int(1) => "|i1".into(),
            Kind::UInt(1) => "|u1".into(),
            Kind::Int(width) => format!("{order}i{width}"),
            Kind::UInt(width) => format!("{order}u{width}"),
            Kind::Float(width) => format!("{order}f{width}"),
            Kind::Complex(width) => format!("{order}c{width}"),
            Kind::Bytes(length) => format!("|S{length}"),
            Kind::Unicode(length) => format!("{order}U{length}"),
            Kind::Void(length) => format!("|V{length}"),
            Kind::DateTime { unit, count } => time('M', unit, count),
            Kind::TimeDelta { unit, count } => time('m', unit, count),
            Kind::Struct(_) => return None,
        })
    }
}

impl fmt::Display for DType {
    /// The text of `str(numpy.dtype)`: `float64`, `>f8`, `<U3`, `datetime64[us]`, `|S4`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let time = |name: &str, unit: &TimeUnit, count: &u32| match (unit, count) {
            (TimeUnit::Generic, _) => name.to_owned(),
            (unit, 1) => format!("{name}[{}]", unit.code()),
            (unit, count) => format!("{name}[{count}{}]", unit.code()),
        };
        if self.order == ByteOrder::Big
            && let Some(code) = self.typestr()
        {
            return f.write_str(&code);
        }
        match &self.kind {
            Kind::Bool => f.write_str("bool"),
            Kind::Int(width) => write!(f, "int{}", u32::from(*width) * 8),
            Kind::UInt(width) => write!(f, "uint{}", u32::from(*width) * 8),
            Kind::Float(width) => write!(f, "float{}", u32::from(*width) * 8),
            Kind::Complex(width) => write!(f, "complex{}", u32::from(*width) * 8),
            Kind::DateTime { unit, count } => f.write_str(&time("datetime64", unit, count)),
            Kind::TimeDelta { unit, count } => f.write_str(&time("timedelta64", unit, count)),
            Kind::Bytes(_) | Kind::Unicode(_) | Kind::Void(_) => {
                f.write_str(&self.typestr().unwrap_or_default())
            }
            Kind::Struct(fields) => {
                f.write_str("[")?;
                for (index, field) in fields.iter().enumerate() {
                    if index > 0 {
                        f.write_str(", ")?;
                    }
                    match field.dtype.typestr() {
                        Some(code) => write!(f, "('{}', '{code}'", field.name)?,
                        None => write!(f, "('{}', {}", field.name, field.dtype)?,
                    }
                    if !field.shape.is_empty() {
                        f.write_str(", (")?;
                        for &size in &field.shape {
                            write!(f, "{size},")?;
                        }
                        f.write_str(")")?;
                    }
                    f.write_str(")")?;
                }
                f.write_str("]")
            }
        }
    }
}
