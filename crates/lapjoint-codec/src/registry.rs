//! Registered codecs: a value owned by a session, with one process-wide default.

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock, PoisonError, RwLock};

use lapjoint_types::suggest::nearest;

use crate::builtin;
use crate::codec::Codec;
use crate::error::CodecError;

/// A set of codecs by name.
///
/// Codecs are looked up when a chain is bound; a bound chain keeps its codecs, whatever happens to the registry.
#[derive(Debug, Default)]
pub struct Registry {
    codecs: RwLock<BTreeMap<String, Arc<dyn Codec>>>,
}

impl Registry {
    /// A registry without codecs.
    #[must_use]
    pub fn empty() -> Self {
        Self::default()
    }

    /// A registry with the built-in codecs.
    #[must_use]
    pub fn with_builtins() -> Self {
        let registry = Self::empty();
        for codec in builtin::all() {
            // Built-in names are distinct and valid, which a test checks; nothing can be refused here.
            let _ = registry.register(codec);
        }
        registry
    }

    /// The registry of the process, shared by all connections that do not bring their own.
    #[must_use]
    pub fn global() -> &'static Arc<Self> {
        static GLOBAL: OnceLock<Arc<Registry>> = OnceLock::new();
        GLOBAL.get_or_init(|| Arc::new(Self::with_builtins()))
    }

    /// Adds a codec under its own name. A codec of the same name and origin is replaced.
    ///
    /// # Errors
    /// [`CodecError::NameTaken`] when the name belongs to a codec of another origin, [`CodecError::InvalidName`]
    /// when the name cannot stand between `<` and `>`.
    pub fn register(&self, codec: Arc<dyn Codec>) -> Result<(), CodecError> {
        let name = codec.name().to_owned();
        if !is_codec_name(&name) {
            return Err(CodecError::InvalidName(name));
        }
        let mut codecs = self.codecs.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(existing) = codecs.get(&name)
            && existing.origin() != codec.origin()
        {
            return Err(CodecError::NameTaken { name, existing: existing.origin(), new: codec.origin() });
        }
        codecs.insert(name, codec);
        Ok(())
    }

    /// Removes a codec. Tables that are already bound keep it.
    ///
    /// # Errors
    /// [`CodecError::NotRegistered`] when there is none of this name.
    pub fn unregister(&self, name: &str) -> Result<Arc<dyn Codec>, CodecError> {
        let name = bare_name(name);
        let mut codecs = self.codecs.write().unwrap_or_else(PoisonError::into_inner);
        codecs.remove(name).ok_or_else(|| CodecError::NotRegistered(name.to_owned()))
    }

    /// The codec of a name, given as `blob`, `<blob>` or `<blob@store>`.
    ///
    /// # Errors
    /// [`CodecError::Unknown`] with the nearest and all registered names.
    pub fn get(&self, spec: &str) -> Result<Arc<dyn Codec>, CodecError> {
        let name = bare_name(spec);
        let codecs = self.codecs.read().unwrap_or_else(PoisonError::into_inner);
        codecs.get(name).cloned().ok_or_else(|| CodecError::Unknown {
            name: name.to_owned(),
            nearest: nearest(name, codecs.keys().map(String::as_str)).map(str::to_owned),
            known: codecs.keys().cloned().collect(),
        })
    }

    /// Whether a codec of this name is registered; spelled as for [`get`](Self::get).
    #[must_use]
    pub fn contains(&self, spec: &str) -> bool {
        self.codecs.read().unwrap_or_else(PoisonError::into_inner).contains_key(bare_name(spec))
    }

    /// Names of all codecs, sorted.
    #[must_use]
    pub fn names(&self) -> Vec<String> {
        self.codecs.read().unwrap_or_else(PoisonError::into_inner).keys().cloned().collect()
    }

    /// All codecs, sorted by name.
    #[must_use]
    pub fn codecs(&self) -> Vec<Arc<dyn Codec>> {
        self.codecs.read().unwrap_or_else(PoisonError::into_inner).values().cloned().collect()
    }
}

/// Names of the codecs in the process-wide registry, sorted.
#[must_use]
pub fn list_codecs() -> Vec<String> {
    Registry::global().names()
}

/// A codec of the process-wide registry, given as `blob`, `<blob>` or `<blob@store>`.
///
/// # Errors
/// [`CodecError::Unknown`] with the nearest and all registered names.
pub fn get_codec(spec: &str) -> Result<Arc<dyn Codec>, CodecError> {
    Registry::global().get(spec)
}

/// Whether the process-wide registry has a codec.
#[must_use]
pub fn is_codec_registered(spec: &str) -> bool {
    Registry::global().contains(spec)
}

/// Removes a codec from the process-wide registry.
///
/// # Errors
/// [`CodecError::NotRegistered`] when there is none of this name.
pub fn unregister_codec(name: &str) -> Result<(), CodecError> {
    Registry::global().unregister(name).map(drop)
}

/// `blob` of `blob`, `<blob>` and `<blob@store>`.
fn bare_name(spec: &str) -> &str {
    let inner = spec.trim().trim_start_matches('<').trim_end_matches('>').trim();
    inner.split_once('@').map_or(inner, |(name, _)| name.trim())
}

fn is_codec_name(name: &str) -> bool {
    let mut bytes = name.bytes();
    bytes.next().is_some_and(|first| first.is_ascii_lowercase())
        && bytes.all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_' || b == b'-')
}

#[cfg(test)]
mod tests {
    use lapjoint_types::{CoreType, TypeSpec, Value};

    use super::*;
    use crate::codec::{Origin, Place};
    use crate::context::{DecodeContext, EncodeContext};

    #[derive(Debug)]
    struct Named(&'static str, Origin);

    impl Codec for Named {
        fn name(&self) -> &str {
            self.0
        }
        fn origin(&self) -> Origin {
            self.1.clone()
        }
        fn dtype(&self, _: Place) -> Result<TypeSpec, CodecError> {
            Ok(TypeSpec::Core(CoreType::Int8))
        }
        fn encode(&self, value: Value, _: &mut EncodeContext<'_>) -> Result<Value, CodecError> {
            Ok(value)
        }
        fn decode(&self, stored: Value, _: &DecodeContext<'_>) -> Result<Value, CodecError> {
            Ok(stored)
        }
    }

    fn python(name: &'static str, class: &str) -> Arc<dyn Codec> {
        Arc::new(Named(name, Origin::Python(class.into())))
    }

    #[test]
    fn built_in_codecs_are_all_there() {
        let registry = Registry::with_builtins();
        assert_eq!(registry.names(), ["attach", "blob", "filepath", "hash", "npy", "object"]);
        assert!(
            registry
                .codecs()
                .iter()
                .all(|codec| codec.origin() == Origin::Builtin && !codec.summary().is_empty())
        );
        assert!(Registry::empty().names().is_empty());
        assert_eq!(list_codecs(), registry.names());
    }

    #[test]
    fn a_codec_is_found_by_every_spelling() {
        let registry = Registry::with_builtins();
        for spec in ["blob", "<blob>", "<blob@>", "<blob@cold>", " < blob @ cold > "] {
            assert_eq!(registry.get(spec).unwrap().name(), "blob", "{spec}");
            assert!(registry.contains(spec));
        }
        assert_eq!(get_codec("<npy@>").unwrap().name(), "npy");
        assert!(is_codec_registered("npy") && !is_codec_registered("zarr"));
        assert!(unregister_codec("zarr").is_err());
    }

    #[test]
    fn an_unknown_name_gets_a_suggestion() {
        let error = Registry::with_builtins().get("<blop@cold>").unwrap_err().to_string();
        assert_eq!(
            error,
            "Unknown codec: <blop>. Ensure the codec is defined (inherit from dj.Codec with name='blop'). Did you mean \
             <blob>? Registered: attach, blob, filepath, hash, npy, object."
        );
    }

    #[test]
    fn the_same_class_replaces_and_another_is_refused() {
        let registry = Registry::with_builtins();
        registry.register(python("graph", "lab.Graph")).unwrap();
        let again = python("graph", "lab.Graph");
        registry.register(Arc::clone(&again)).unwrap();
        assert!(Arc::ptr_eq(&registry.get("graph").unwrap(), &again));
        let error = registry.register(python("graph", "other.Graph")).unwrap_err().to_string();
        assert_eq!(
            error,
            "Codec <graph> already registered by Python class lab.Graph; Python class other.Graph cannot take the name"
        );
        assert!(registry.register(python("blob", "lab.Blob")).is_err());
        assert_eq!(registry.get("blob").unwrap().origin(), Origin::Builtin);
    }

    #[test]
    fn a_name_is_free_again_after_unregistering() {
        let registry = Registry::empty();
        registry.register(python("graph", "lab.Graph")).unwrap();
        assert_eq!(registry.unregister("<graph>").unwrap().name(), "graph");
        assert_eq!(registry.unregister("graph").unwrap_err().to_string(), "Codec <graph> is not registered");
        registry.register(python("graph", "other.Graph")).unwrap();
    }

    #[test]
    fn names_that_no_type_spec_can_spell_are_refused() {
        for name in ["", "Graph", "1graph", "_graph", "gr aph", "gr@ph", "graph>", "é"] {
            assert!(
                matches!(Registry::empty().register(python(name, "x")), Err(CodecError::InvalidName(_))),
                "{name:?}"
            );
        }
        for name in ["g", "spike_train", "zarr-v3", "h5"] {
            Registry::empty().register(python(name, "x")).unwrap();
        }
    }
}
