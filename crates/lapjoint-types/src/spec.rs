//! Type specs: what may stand after the colon of an attribute.

use std::fmt;

use crate::core_type::CoreType;

/// Where a codec keeps its value, as the text after the `@` says.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum StoreRef {
    /// No `@`: in the table's own column.
    Inline,
    /// `@` without a name: the default store.
    Default,
    /// `@name`: the named store.
    Named(String),
}

impl StoreRef {
    /// Whether the value goes to an object store.
    #[must_use]
    pub const fn is_store(&self) -> bool {
        !matches!(self, Self::Inline)
    }
}

/// A codec type, `<name>`, `<name@>` or `<name@store>`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct CodecSpec {
    /// Codec name.
    pub name: String,
    /// Where the value is kept.
    pub store: StoreRef,
}

impl fmt::Display for CodecSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.store {
            StoreRef::Inline => write!(f, "<{}>", self.name),
            StoreRef::Default => write!(f, "<{}@>", self.name),
            StoreRef::Named(store) => write!(f, "<{}@{store}>", self.name),
        }
    }
}

/// One of the three layers of types.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum TypeSpec {
    /// Layer 1: a type of the database, passed through as written.
    Native(String),
    /// Layer 2: a portable type.
    Core(CoreType),
    /// Layer 3: a codec.
    Codec(CodecSpec),
}

impl fmt::Display for TypeSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Native(text) => f.write_str(text),
            Self::Core(core) => core.fmt(f),
            Self::Codec(codec) => codec.fmt(f),
        }
    }
}
