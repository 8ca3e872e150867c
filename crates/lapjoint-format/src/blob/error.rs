//! Why a value cannot be packed, or a blob not be read.

/// A value that the blob format cannot hold.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PackError {
    /// The caller asked to stop.
    #[error("stopped by the caller")]
    Stopped,
    /// Array elements of a type that the format has no code for.
    #[error("arrays of type {dtype} cannot be packed into a blob: {remedy}")]
    ArrayType {
        /// Element type.
        dtype: String,
        /// What to do instead.
        remedy: &'static str,
    },
    /// An object that only its maker understands.
    #[error("Packing object of type {type_name} currently not supported!")]
    Unsupported {
        /// Type of the object.
        type_name: String,
    },
    /// An integer of more than 65,535 bytes.
    #[error("Integers are limited to 65535 bytes; this one has {actual_bytes}")]
    IntegerTooLong {
        /// Bytes that it needs.
        actual_bytes: u64,
    },
    /// A time with a fraction finer than microseconds.
    #[error("{value} has a fraction finer than microseconds, which a blob cannot hold; round it first")]
    TimePrecision {
        /// The time.
        value: String,
    },
    /// A structured array that could not be read back as it was.
    #[error("{0}")]
    Records(String),
    /// Declared shape and number of elements differ.
    #[error("a {what} of shape {shape:?} needs {expected_elements} elements, got {actual_elements}")]
    Shape {
        /// Kind of container.
        what: &'static str,
        /// Declared shape.
        shape: Vec<usize>,
        /// Elements that the shape needs.
        expected_elements: usize,
        /// Elements that are there.
        actual_elements: usize,
    },
    /// Values nested deeper than a reader would follow.
    #[error("values nested more than {limit} deep cannot be packed")]
    TooDeep {
        /// Greatest depth.
        limit: usize,
    },
}

/// A blob that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum UnpackError {
    /// The blob does not begin with a known protocol.
    #[error(
        "not a blob: it begins with {found:?} instead of \"mYm\", \"dj0\" or \"ZL123\"; was it written by another tool, \
         or is the column no <blob>?"
    )]
    Protocol {
        /// First bytes, as text.
        found: String,
    },
    /// The blob ends too early.
    #[error(
        "blob truncated: at byte {offset_bytes} {what} needs {needed_bytes} bytes, {left_bytes} are left (a blob of the \
         old 32-bit mYm is read with dims_32bit)"
    )]
    Truncated {
        /// Place in the uncompressed blob.
        offset_bytes: usize,
        /// What was being read.
        what: &'static str,
        /// Bytes that it needs.
        needed_bytes: u64,
        /// Bytes that are left.
        left_bytes: u64,
    },
    /// A value begins with an unknown code.
    #[error("Unknown data structure code \"{}\" at byte {offset_bytes}. Upgrade datajoint.", code.escape_ascii())]
    Code {
        /// Place in the uncompressed blob.
        offset_bytes: usize,
        /// The code.
        code: u8,
    },
    /// An array has an unknown element type.
    #[error("unknown array type id {type_id}{} at byte {offset_bytes}", if *is_complex { " (complex)" } else { "" })]
    ArrayType {
        /// Place in the uncompressed blob.
        offset_bytes: usize,
        /// Type id.
        type_id: u32,
        /// Whether the array is declared complex.
        is_complex: bool,
    },
    /// A MATLAB sparse array.
    #[error("datajoint-python does not yet support sparse arrays. Issue (#590)")]
    Sparse,
    /// Bytes are left after a value.
    #[error("Blob length check failed! Invalid blob: {left_bytes} bytes are left at byte {offset_bytes}")]
    Trailing {
        /// Place in the uncompressed blob.
        offset_bytes: usize,
        /// Bytes that are left.
        left_bytes: usize,
    },
    /// The uncompressed length is not the declared one.
    #[error("Blob size mismatch: expected {expected_bytes}, got {actual_bytes}")]
    Size {
        /// Declared length.
        expected_bytes: u64,
        /// Actual length.
        actual_bytes: u64,
    },
    /// A declared size that cannot be, or that the caller does not allow.
    #[error("blob declares {declared_bytes} bytes, more than {limit_bytes} ({why})")]
    TooLarge {
        /// Declared size.
        declared_bytes: u64,
        /// Largest size.
        limit_bytes: u64,
        /// Whose limit it is.
        why: &'static str,
    },
    /// The zlib stream is damaged.
    #[error("the compressed blob is damaged: {0}")]
    Zlib(String),
    /// Values nested too deep.
    #[error("values nested more than {limit} deep at byte {offset_bytes}")]
    TooDeep {
        /// Place in the uncompressed blob.
        offset_bytes: usize,
        /// Greatest depth.
        limit: usize,
    },
    /// Content that is no value of its kind: text that is not UTF-8, a date that does not exist.
    #[error("invalid {what} at byte {offset_bytes}: {detail}")]
    Invalid {
        /// Place in the uncompressed blob.
        offset_bytes: usize,
        /// Kind of value.
        what: &'static str,
        /// What is wrong.
        detail: String,
    },
}
