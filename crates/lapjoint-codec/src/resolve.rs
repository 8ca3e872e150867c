//! Type specs given as text, resolved in one call.

use lapjoint_types::{StoreRef, TypeSpec};

pub use lapjoint_types::spec::parse_type_spec;

use crate::chain::Chain;
use crate::error::CodecError;
use crate::registry::Registry;

/// What the text of a type spec comes to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResolvedType {
    /// The column type at the end of the chain.
    pub dtype: String,
    /// Names of the codecs, outermost first; empty for a core or native type.
    pub codecs: Vec<String>,
    /// Where the objects of the chain lie.
    pub store: StoreRef,
}

impl Registry {
    /// Resolves the text of a type spec to its column type, codecs and store.
    ///
    /// ```
    /// use lapjoint_codec::{Registry, types::StoreRef};
    /// let resolved = Registry::with_builtins().resolve_dtype("<blob@cold>")?;
    /// assert_eq!(resolved.dtype, "json");
    /// assert_eq!(resolved.codecs, ["blob", "hash"]);
    /// assert_eq!(resolved.store, StoreRef::Named("cold".into()));
    /// # Ok::<(), lapjoint_codec::CodecError>(())
    /// ```
    ///
    /// # Errors
    /// [`CodecError::Type`] when the text is no type; otherwise as [`Chain::resolve`].
    pub fn resolve_dtype(&self, text: &str) -> Result<ResolvedType, CodecError> {
        let text = text.trim();
        if text.starts_with('<') && text.ends_with('>') {
            let chain = Chain::resolve(self, &parse_type_spec(text))?;
            return Ok(ResolvedType {
                dtype: chain.dtype().to_string(),
                codecs: chain.links().iter().map(|link| link.codec.name().to_owned()).collect(),
                store: chain.store().clone(),
            });
        }
        // A plain type may carry a store, too: `json@cold`.
        let (dtype, store) = match text.split_once('@') {
            None => (text, StoreRef::Inline),
            Some((dtype, _)) => (dtype.trim(), parse_type_spec(text).store),
        };
        Ok(ResolvedType { dtype: TypeSpec::parse(dtype)?.to_string(), codecs: Vec::new(), store })
    }
}

/// [`Registry::resolve_dtype`] with the process-wide registry.
///
/// # Errors
/// As [`Registry::resolve_dtype`].
pub fn resolve_dtype(text: &str) -> Result<ResolvedType, CodecError> {
    Registry::global().resolve_dtype(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn built_in_chains_are_those_of_the_reference() {
        let registry = Registry::with_builtins();
        let resolve = |text: &str| {
            let resolved = registry.resolve_dtype(text).unwrap();
            (resolved.dtype, resolved.codecs.join(" "), resolved.store)
        };
        let named = |name: &str| StoreRef::Named(name.into());
        for (text, dtype, codecs, store) in [
            ("<blob>", "bytes", "blob", StoreRef::Inline),
            ("<blob@>", "json", "blob hash", StoreRef::Default),
            ("<blob@cold>", "json", "blob hash", named("cold")),
            ("<attach>", "bytes", "attach", StoreRef::Inline),
            ("<attach@s>", "json", "attach hash", named("s")),
            ("< npy @ s >", "json", "npy", named("s")),
            ("<object@>", "json", "object", StoreRef::Default),
            ("<filepath@s>", "json", "filepath", named("s")),
            ("<hash@>", "json", "hash", StoreRef::Default),
            ("int32", "int32", "", StoreRef::Inline),
            ("json@cold", "json", "", named("cold")),
        ] {
            assert_eq!(resolve(text), (dtype.to_owned(), codecs.to_owned(), store), "{text}");
        }
        for text in ["<npy>", "<object>", "<filepath>", "<hash>"] {
            let error = registry.resolve_dtype(text).unwrap_err().to_string();
            assert!(error.contains(&format!("{text} requires @ (store only)")), "{error}");
        }
        assert!(registry.resolve_dtype("uint8").unwrap_err().to_string().contains("uint8"));
    }
}
