//! The error type of the crate.

/// The result of what this crate does.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What went wrong.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Bytes that are not what a codec or a container wrote: damaged, cut short, or of another format.
    #[error("{what}: {reason}")]
    Corrupt {
        /// What was read: a codec, a part of a container.
        what: &'static str,
        /// What is wrong with it.
        reason: String,
    },
    /// A well-formed input that needs something that this crate does not have.
    #[error("{what}: {reason}")]
    Unsupported {
        /// What was read or asked for.
        what: &'static str,
        /// What is not supported, and what to do instead.
        reason: String,
    },
    /// A value that a codec or a container cannot hold.
    #[error("{what}: {reason}")]
    Invalid {
        /// What refused the value.
        what: &'static str,
        /// Why, and what it takes.
        reason: String,
    },
    /// A name that the registry does not have: a `KeyError` to Python.
    #[error("unknown codec {name:?}; there are: {}", available.join(", "))]
    UnknownCodec {
        /// The name asked for.
        name: String,
        /// The names that there are, sorted.
        available: Vec<String>,
    },
    /// A codec, or a file, that breaks the wire-format contract.
    #[error("codec {codec:?}: {reason}")]
    WireFormat {
        /// The name of the codec.
        codec: String,
        /// What was declared, what it seems to be, and why.
        reason: String,
    },
    /// Somebody asked to stop; what is named was not finished.
    #[error("{0}: cancelled")]
    Cancelled(&'static str),
    /// The operating system's.
    #[error(transparent)]
    Io(#[from] std::io::Error),
}

impl Error {
    /// [`Error::Corrupt`].
    pub fn corrupt(what: &'static str, reason: impl Into<String>) -> Self {
        Self::Corrupt { what, reason: reason.into() }
    }

    /// [`Error::Unsupported`].
    pub fn unsupported(what: &'static str, reason: impl Into<String>) -> Self {
        Self::Unsupported { what, reason: reason.into() }
    }

    /// [`Error::Invalid`].
    pub fn invalid(what: &'static str, reason: impl Into<String>) -> Self {
        Self::Invalid { what, reason: reason.into() }
    }
}
