//! Type specs: what may stand after the colon of an attribute.

use std::fmt;

use crate::core_type::CoreType;

pub(crate) mod error;
mod modifier;
mod native;
mod parse;
pub(crate) mod remedy;

pub use error::{TypeSpecError, TypeSpecErrorKind};
pub use native::{NativeFamily, native_family};
pub use parse::parse_type_spec;

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

impl TypeSpec {
    /// The warning that a native type deserves; `None` for core and codec types.
    #[must_use]
    pub fn native_warning(&self, attribute: &str) -> Option<NativeTypeWarning> {
        match self {
            Self::Native(text) => {
                Some(NativeTypeWarning { type_text: text.clone(), attribute: attribute.to_owned() })
            }
            Self::Core(_) | Self::Codec(_) => None,
        }
    }
}

/// An attribute has a type of one database, which others may not have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NativeTypeWarning {
    /// Type as written.
    pub type_text: String,
    /// Name of the attribute.
    pub attribute: String,
}

impl fmt::Display for NativeTypeWarning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Native type '{}' is used in attribute '{}'. ", self.type_text, self.attribute)?;
        f.write_str(match native_family(&self.type_text) {
            Some(NativeFamily::Blob) => {
                "It holds raw bytes: values are neither packed nor unpacked. \
                 Use '<blob>' for arrays and objects, or 'bytes' if raw bytes are meant."
            }
            _ => "Consider using a core DataJoint type for better portability.",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_native_types_warn() {
        let warning = |text: &str| TypeSpec::parse(text).unwrap().native_warning("x").map(|w| w.to_string());
        assert_eq!(warning("int32"), None);
        assert_eq!(warning("<blob>"), None);
        assert_eq!(
            warning("mediumint unsigned").unwrap(),
            "Native type 'mediumint unsigned' is used in attribute 'x'. \
             Consider using a core DataJoint type for better portability."
        );
        assert!(warning("longblob").unwrap().contains("raw bytes"));
    }
}
