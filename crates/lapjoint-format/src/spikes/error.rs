//! Why a spike train cannot be packed or read.

/// A spike train that cannot be packed or read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SpikesError {
    /// Not an array of one axis.
    #[error(
        "a spike train has one axis, got an array of shape {shape:?}; store several trains as rows, or the array as <npy@>"
    )]
    Shape {
        /// Shape given.
        shape: Vec<usize>,
    },
    /// Elements that are no times or sample numbers.
    #[error(
        "a spike train has floats of 4 or 8 bytes or integers, got {dtype}; convert it with .astype('float64')"
    )]
    Type {
        /// Element type given.
        dtype: String,
    },
    /// The bytes do not begin as a train does.
    #[error("not a spike train: it begins with \"{0}\" instead of \"LSPK\"")]
    Magic(String),
    /// A version that this reader does not know.
    #[error("spike train of format version {0}, this reader knows version 1: upgrade lapjoint")]
    Version(u8),
    /// The bytes are not those that were written.
    #[error("spike train damaged: its checksum is {expected:08x}, its bytes have {actual:08x}")]
    Checksum {
        /// Checksum on record.
        expected: u32,
        /// Checksum of the bytes.
        actual: u32,
    },
    /// The bytes end too early.
    #[error("spike train truncated: at byte {offset_bytes} {what} is missing")]
    Truncated {
        /// Place in the bytes.
        offset_bytes: usize,
        /// What was being read.
        what: &'static str,
    },
    /// Content that cannot be.
    #[error("invalid spike train at byte {offset_bytes}: {detail}")]
    Invalid {
        /// Place in the bytes.
        offset_bytes: usize,
        /// What is wrong.
        detail: String,
    },
    /// More elements than the caller allows.
    #[error("spike train declares {declared} spikes, more than {limit}")]
    TooMany {
        /// Declared.
        declared: u64,
        /// Limit.
        limit: u64,
    },
    /// zstd failed to compress.
    #[error("zstd: {0}")]
    Zstd(String),
}
