//! Why a type cannot be read.

use std::fmt;

/// What is wrong with a type.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum TypeSpecErrorKind {
    /// There is no type.
    Empty,
    /// Not a type of any layer.
    Unknown,
    /// A known type with arguments it cannot have: `datetime(9)`, `enum(a, b)`.
    Argument,
    /// A known type followed by an SQL modifier that a definition says elsewhere: `int32 NOT NULL`.
    Modifier,
    /// `<...>` that is not a codec's name with an optional store.
    Codec,
}

/// A text is not a type that an attribute can have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TypeSpecError {
    /// What is wrong.
    pub kind: TypeSpecErrorKind,
    /// What is wrong, in words.
    pub message: String,
    /// What to write instead, if known.
    pub help: Option<String>,
    /// Where in the text, in bytes from its start; on a character boundary.
    pub offset_bytes: usize,
}

impl TypeSpecError {
    pub(crate) fn new(kind: TypeSpecErrorKind, offset_bytes: usize, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), help: None, offset_bytes }
    }

    pub(crate) fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// The same error, seen from a text that holds this one from `offset_bytes` on.
    pub(crate) fn moved(mut self, offset_bytes: usize) -> Self {
        self.offset_bytes += offset_bytes;
        self
    }
}

impl fmt::Display for TypeSpecError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)?;
        self.help.as_ref().map_or(Ok(()), |help| write!(f, "; {help}"))
    }
}

impl std::error::Error for TypeSpecError {}

/// At most 60 characters of `text`, for messages about text of any length.
pub(crate) fn shown(text: &str) -> String {
    const MAX_CHARS: usize = 60;
    match text.char_indices().nth(MAX_CHARS) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text.to_owned(),
    }
}
