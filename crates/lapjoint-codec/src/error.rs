//! What can go wrong in a codec.

use lapjoint_format::blob::{PackError, UnpackError};
use lapjoint_format::npy::NpyError;
use lapjoint_store::StoreError;
use lapjoint_types::spec::TypeSpecError;

use crate::codec::Origin;
use crate::version::UnsupportedVersion;

/// An error of a codec, of the registry or of a chain.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CodecError {
    /// No codec of this name is registered.
    #[error(
        "Unknown codec: <{name}>. Ensure the codec is defined (inherit from dj.Codec with name='{name}').{}",
        known_text(nearest.as_deref(), known)
    )]
    Unknown {
        /// Name asked for.
        name: String,
        /// The registered name that is most like it.
        nearest: Option<String>,
        /// All registered names, sorted.
        known: Vec<String>,
    },
    /// The codec's plugin could not be loaded.
    #[error("Unknown codec: <{name}>. Its plugin {reason}")]
    BrokenPlugin {
        /// Name asked for.
        name: String,
        /// Which plugin it is, and what went wrong.
        reason: String,
    },
    /// The name belongs to another codec.
    #[error("Codec <{name}> already registered by {existing}; {new} cannot take the name")]
    NameTaken {
        /// Name.
        name: String,
        /// Owner of the name.
        existing: Origin,
        /// The codec that was refused.
        new: Origin,
    },
    /// The codec to be removed is not there.
    #[error("Codec <{0}> is not registered")]
    NotRegistered(String),
    /// A name that cannot stand between `<` and `>`.
    #[error("{0:?} is not a codec name: a lower-case letter, then lower-case letters, digits, `_` and `-`")]
    InvalidName(String),
    /// A chain comes back to a codec that it has passed.
    #[error("Circular codec reference detected: <{name}> (chain: {chain})")]
    Circular {
        /// Codec met a second time.
        name: String,
        /// The chain so far.
        chain: String,
    },
    /// The codec works in a store only.
    #[error("<{0}> requires @ (store only): write <{0}@> or <{0}@store>")]
    StoreOnly(String),
    /// The codec works in the table's own column only.
    #[error("<{0}> is internal-only: write <{0}> without @")]
    InlineOnly(String),
    /// A codec declared a stored type that does not exist.
    #[error("Invalid dtype '{dtype}' in codec <{codec}>: {reason}")]
    InvalidDtype {
        /// Codec.
        codec: String,
        /// What it declared.
        dtype: String,
        /// Why that is no type.
        reason: String,
    },
    /// A text that is no type.
    #[error(transparent)]
    Type(#[from] TypeSpecError),
    /// A value of the wrong type or content.
    #[error("<{codec}> {message}")]
    Value {
        /// Codec.
        codec: String,
        /// What was expected and what was given.
        message: String,
    },
    /// The stored form is not what the codec writes.
    #[error("<{codec}> cannot read its stored value: {message}")]
    Stored {
        /// Codec.
        codec: String,
        /// What is wrong.
        message: String,
    },
    /// The codec is another one than the lock file says.
    #[error(
        "{difference}. The lock file {source_file} (setting codecs.lock) keeps it out; to accept it, write the lock anew: \
         lapjoint codecs lock"
    )]
    Locked {
        /// What differs.
        difference: String,
        /// Lock file.
        source_file: String,
    },
    /// The stored form has a version that the codec does not read.
    #[error(transparent)]
    UnsupportedVersion(Box<UnsupportedVersion>),
    /// An object in a store is not what the row says it is.
    #[error("<{codec}> object {path} in store '{store}': {message}")]
    Object {
        /// Codec.
        codec: String,
        /// Store name.
        store: String,
        /// Path in the store.
        path: String,
        /// What is wrong.
        message: String,
    },
    /// The content of a hash-addressed object has another hash than the row says.
    #[error(
        "Hash mismatch: expected {expected}, got {actual}. Data at {path} may be corrupted. (store '{store}')"
    )]
    HashMismatch {
        /// Store name.
        store: String,
        /// Path in the store.
        path: String,
        /// Hash on record.
        expected: String,
        /// Hash of what was read.
        actual: String,
    },
    /// Part of an array was asked for that it does not have.
    #[error("axis {axis} has no {start}..{stop} in steps of {step}: the array has shape {shape:?}")]
    SliceOutOfBounds {
        /// Axis, counted from 0.
        axis: usize,
        /// First index asked for.
        start: usize,
        /// One past the last index asked for.
        stop: usize,
        /// Step asked for.
        step: usize,
        /// Shape of the array.
        shape: Vec<usize>,
    },
    /// A file is not there; the text is the whole message.
    #[error("{0}")]
    FileNotFound(String),
    /// A folder was given where a file is needed; the text is the whole message.
    #[error("{0}")]
    IsADirectory(String),
    /// The file or folder to be stored is not there.
    #[error("Source path not found: {0}")]
    SourceNotFound(String),
    /// What was asked for works with files only, or with folders only; the text is the whole message.
    #[error("{0}")]
    WrongKind(String),
    /// A reference was made without a store, so there is nothing to read from.
    #[error(
        "ObjectRef has no storage backend configured: it was made from metadata alone. Fetch it from a table, or bind \
         it to a store"
    )]
    NoStore,
    /// A file or folder of this machine cannot be read or written.
    #[error("<{codec}> {path}: {source}")]
    Io {
        /// Codec.
        codec: String,
        /// File or folder.
        path: String,
        /// Cause.
        source: std::io::Error,
    },
    /// A value cannot be packed.
    #[error(transparent)]
    Pack(#[from] PackError),
    /// A blob cannot be unpacked.
    #[error(transparent)]
    Unpack(#[from] UnpackError),
    /// A `.npy` file cannot be read or written.
    #[error(transparent)]
    Npy(#[from] NpyError),
    /// An object store refused or failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// An error raised by a codec of the host language or of a plugin.
    #[error("<{codec}>: {source}")]
    Foreign {
        /// Codec.
        codec: String,
        /// Cause.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

impl CodecError {
    /// A value of the wrong type or content.
    pub fn value(codec: &str, message: impl Into<String>) -> Self {
        Self::Value { codec: codec.to_owned(), message: message.into() }
    }

    /// A stored form that the codec does not write.
    pub fn stored(codec: &str, message: impl Into<String>) -> Self {
        Self::Stored { codec: codec.to_owned(), message: message.into() }
    }
}

fn known_text(nearest: Option<&str>, known: &[String]) -> String {
    let nearest = nearest.map(|name| format!(" Did you mean <{name}>?")).unwrap_or_default();
    format!("{nearest} Registered: {}.", known.join(", "))
}
