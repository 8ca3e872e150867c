//! The blob format of DataJoint: protocols `mYm` (readable by MATLAB) and `dj0` (with Python's types).
//!
//! # Layout
//!
//! A blob is a protocol string with its NUL, `mYm\0` or `dj0\0`, followed by exactly one value. All integers are
//! little-endian; counts and lengths have 64 bits. A value begins with a byte that says what it is:
//!
//! | code | value | payload |
//! |---|---|---|
//! | `A` | array | ndim, shape, u32 type id, u32 is complex, elements in column-major order; complex: all real parts, then all imaginary parts |
//! | `F` | structured array | u32 number of fields, names each with a NUL, one array a field |
//! | `C` | MATLAB cell array | ndim, shape, elements in column-major order, each with its length |
//! | `S` | MATLAB struct array | ndim, shape, u32 number of fields, names, for each element each field with its length |
//! | 1 2 3 | tuple, list, set | count, elements each with its length |
//! | 4 | dict | count, keys and values each with its length |
//! | 5 6 | text, bytes | length, UTF-8 or raw bytes |
//! | 10 | integer | u16 number of bytes, two's complement |
//! | 11 12 13 | bool, complex, float | 1, 16 or 8 bytes |
//! | `d` | decimal | length, text |
//! | `t` | date, time or both | i32 YYYYMMDD or −1, i64 HHMMSS·10⁶ + µs or −1 |
//! | `u` | UUID | 16 bytes, big-endian |
//! | 255 | null | nothing |
//!
//! A blob of more than 1,000 bytes may be compressed: `ZL123\0`, its uncompressed length (u64), a zlib stream. Writers
//! leave data uncompressed where a sample shows that compression would not pay.
//!
//! Source of the format: DataJoint 2.3.5, `datajoint.blob`, and mYm.
//!
//! # Memory
//!
//! Reading allocates only after a declared size has been compared with the bytes that are left: at most 64 bytes of
//! memory for each byte of an uncompressed blob. A compressed blob that declares more than 1,100 times its own
//! length is refused, because no zlib stream expands further; inflated memory grows with what the stream really yields
//! and never passes [`UnpackOptions::max_bytes`].

mod compress;
mod error;
mod pack;
mod structured;
mod time;
mod unpack;

pub use error::{PackError, UnpackError};
pub use pack::{PackOptions, pack, pack_until, pack_with};
pub use unpack::{UnpackOptions, unpack, unpack_with};

use lapjoint_types::{DType, Kind, TimeUnit};

/// Codes that values begin with.
mod code {
    pub const ARRAY: u8 = b'A';
    pub const RECORDS: u8 = b'F';
    pub const CELL: u8 = b'C';
    pub const STRUCT: u8 = b'S';
    pub const SPARSE: u8 = b'P';
    pub const TUPLE: u8 = 1;
    pub const LIST: u8 = 2;
    pub const SET: u8 = 3;
    pub const DICT: u8 = 4;
    pub const TEXT: u8 = 5;
    pub const BYTES: u8 = 6;
    pub const INT: u8 = 10;
    pub const BOOL: u8 = 11;
    pub const COMPLEX: u8 = 12;
    pub const FLOAT: u8 = 13;
    pub const DECIMAL: u8 = b'd';
    pub const TIME: u8 = b't';
    pub const UUID: u8 = b'u';
    pub const NULL: u8 = 255;
}

const MYM: &[u8; 4] = b"mYm\0";
const DJ0: &[u8; 4] = b"dj0\0";
const COMPRESSED: &[u8; 6] = b"ZL123\0";

/// The protocol of a blob, by its first 32 bytes or more: `mYm` or `dj0`; that of what a compressed blob holds. `None` when it is
/// none.
#[must_use]
pub fn protocol(header: &[u8]) -> Option<&'static str> {
    let of = |start: &[u8]| {
        if start.starts_with(MYM) {
            Some("mYm")
        } else if start.starts_with(DJ0) {
            Some("dj0")
        } else {
            None
        }
    };
    match header.strip_prefix(COMPRESSED).and_then(|rest| rest.get(8..)) {
        Some(stream) => of(&compress::first_bytes::<4>(stream)?),
        None => of(header),
    }
}

/// Type id of object and text arrays, whose elements are values with their lengths.
const TYPE_OBJECT: u32 = 5;
/// Type id of arrays of characters, two bytes each.
const TYPE_CHAR: u32 = 4;
/// Type id of `datetime64[Y]`; the other units follow in numpy's order.
const TYPE_DATETIME: u32 = 65536;

/// Type id of the elements of a real array, or `None` when the format has none. Complex arrays have the id of their parts.
fn type_id(kind: &Kind) -> Option<u32> {
    Some(match kind {
        Kind::Bool => 3,
        Kind::Float(8) | Kind::Complex(16) => 6,
        Kind::Float(4) | Kind::Complex(8) => 7,
        Kind::Int(1) => 8,
        Kind::UInt(1) => 9,
        Kind::Int(2) => 10,
        Kind::UInt(2) => 11,
        Kind::Int(4) => 12,
        Kind::UInt(4) => 13,
        Kind::Int(8) => 14,
        Kind::UInt(8) => 15,
        Kind::Bytes(1) => TYPE_CHAR,
        Kind::Unicode(_) => TYPE_OBJECT,
        Kind::DateTime { unit, count: 1 } => {
            let place = TimeUnit::ORDERED.iter().position(|known| known == unit)?;
            TYPE_DATETIME + u32::try_from(place).ok()?
        }
        _ => return None,
    })
}

/// Type of the elements of an array with a type id, other than characters and objects.
fn dtype_of(type_id: u32, is_complex: bool) -> Option<DType> {
    Some(match (type_id, is_complex) {
        (6, true) => DType::C128,
        (7, true) => DType::C64,
        (_, true) => return None,
        (3, _) => DType::BOOL,
        (6, _) => DType::F64,
        (7, _) => DType::F32,
        (8, _) => DType::I8,
        (9, _) => DType::U8,
        (10, _) => DType::I16,
        (11, _) => DType::U16,
        (12, _) => DType::I32,
        (13, _) => DType::U32,
        (14, _) => DType::I64,
        (15, _) => DType::U64,
        (id, _) => {
            let place = usize::try_from(id.checked_sub(TYPE_DATETIME)?).ok()?;
            let unit = *TimeUnit::ORDERED.get(place)?;
            DType::little(Kind::DateTime { unit, count: 1 })
        }
    })
}
