//! Bound chains: a type spec resolved to its codecs, once.

use std::ops::Range;
use std::sync::Arc;

use lapjoint_types::{CodecSpec, LogicalType, StoreRef, TypeSpec, Value};

use crate::codec::{Codec, Place};
use crate::context::{DecodeContext, EncodeContext};
use crate::error::CodecError;
use crate::reference::ObjectReference;
use crate::registry::Registry;
use crate::version;

/// One codec of a chain and the place it works in.
#[derive(Debug, Clone)]
pub struct Link {
    /// Codec.
    pub codec: Arc<dyn Codec>,
    /// Where this codec keeps its value.
    pub store: StoreRef,
}

/// A type spec resolved to its codecs, outermost first, and the column type at its end.
#[derive(Debug, Clone)]
pub struct Chain {
    spec: CodecSpec,
    links: Vec<Link>,
    dtype: TypeSpec,
}

impl Chain {
    /// Resolves `spec` with the codecs of `registry`.
    ///
    /// A codec that asks for another codec without naming a store passes its own store on; an inner `@` without a name
    /// means "in the store that I was given".
    ///
    /// # Errors
    /// [`CodecError`] when a codec is unknown, does not support its place, or comes back in its own chain.
    pub fn resolve(registry: &Registry, spec: &CodecSpec) -> Result<Self, CodecError> {
        let mut links: Vec<Link> = Vec::new();
        let mut current = spec.clone();
        loop {
            if links.iter().any(|link| link.codec.name() == current.name) {
                let passed: Vec<_> = links.iter().map(|link| format!("<{}>", link.codec.name())).collect();
                return Err(CodecError::Circular {
                    chain: format!("{} → <{}>", passed.join(" → "), current.name),
                    name: current.name,
                });
            }
            let codec = registry.get(&current.name)?;
            let place = if current.store.is_store() { Place::Store } else { Place::Inline };
            let next = codec.dtype(place)?;
            links.push(Link { codec, store: current.store.clone() });
            match next {
                TypeSpec::Codec(mut inner) => {
                    if !matches!(inner.store, StoreRef::Named(_)) && current.store.is_store() {
                        inner.store = current.store;
                    }
                    current = inner;
                }
                dtype => return Ok(Self { spec: spec.clone(), links, dtype }),
            }
        }
    }

    /// The type spec as declared.
    #[must_use]
    pub const fn spec(&self) -> &CodecSpec {
        &self.spec
    }

    /// The codecs, outermost first.
    #[must_use]
    pub fn links(&self) -> &[Link] {
        &self.links
    }

    /// The column type at the end of the chain: a core or native type.
    #[must_use]
    pub const fn dtype(&self) -> &TypeSpec {
        &self.dtype
    }

    /// What decoded values are to programs that work on columns.
    #[must_use]
    pub fn logical_type(&self) -> LogicalType {
        self.links.first().map_or(LogicalType::Content, |link| link.codec.logical_type())
    }

    /// The logical type of one value by what its column stores, where that says it.
    #[must_use]
    pub fn logical_type_of(&self, stored: &Value) -> Option<LogicalType> {
        match self.links.as_slice() {
            [link] => link.codec.logical_type_of(stored),
            _ => None,
        }
    }

    /// The store of the innermost codec, where the objects of this chain lie.
    #[must_use]
    pub fn store(&self) -> &StoreRef {
        self.links.last().map_or(&self.spec.store, |link| &link.store)
    }

    /// Whether any codec of the chain keeps objects in a store.
    #[must_use]
    pub fn uses_store(&self) -> bool {
        self.links.iter().any(|link| link.store.is_store())
    }

    /// Whether stored values may refer to objects: in a store, or by a codec that says so of its inline values.
    #[must_use]
    pub fn may_refer(&self) -> bool {
        self.uses_store() || self.links.iter().any(|link| link.codec.capabilities().objects_inline)
    }

    /// Encodes a value from the outermost codec to the innermost. Every codec validates what it is given.
    ///
    /// # Errors
    /// The first error of a codec; nothing has then been written.
    pub fn encode(&self, value: Value, context: &mut EncodeContext<'_>) -> Result<Value, CodecError> {
        let mut value = value;
        for (index, link) in self.links.iter().enumerate() {
            if value.is_null() && !link.codec.capabilities().nulls {
                return Ok(Value::Null);
            }
            link.codec.validate(&value)?;
            let mut inner = EncodeContext::new(context.site, context.stores);
            inner.token = context.token;
            inner.stop = context.stop;
            // Versions are the outermost codec's; those further in write what they always do.
            inner.version = context.version.filter(|_| index == 0);
            inner.store_name = store_name(&link.store);
            inner.place = if link.store.is_store() { Place::Store } else { Place::Inline };
            value = link.codec.encode(value, &mut inner)?;
            context.adopt(inner);
        }
        Ok(value)
    }

    /// Decodes a stored value from the innermost codec to the outermost.
    ///
    /// # Errors
    /// The first error of a codec.
    pub fn decode(&self, stored: Value, context: &DecodeContext<'_>) -> Result<Value, CodecError> {
        self.decode_links(0..self.links.len(), stored, context)
    }

    /// As [`decode`](Self::decode), with some of the codecs only: those at `links`, of a value that has passed all codecs
    /// further in.
    ///
    /// # Errors
    /// The first error of a codec.
    pub fn decode_links(
        &self,
        links: Range<usize>,
        value: Value,
        context: &DecodeContext<'_>,
    ) -> Result<Value, CodecError> {
        let mut value = value;
        for link in self.links.get(links).unwrap_or_default().iter().rev() {
            if value.is_null() && !link.codec.capabilities().nulls {
                return Ok(Value::Null);
            }
            version::check(link.codec.as_ref(), &value, &context.site)?;
            let inner = DecodeContext { store_name: store_name(&link.store), ..*context };
            value = link.codec.decode(value, &inner)?;
        }
        Ok(value)
    }

    /// All objects that a stored value refers to, by any codec of the chain.
    ///
    /// # Errors
    /// [`CodecError`] when a codec cannot read the stored value.
    pub fn references(&self, stored: &Value) -> Result<Vec<ObjectReference>, CodecError> {
        let mut all: Vec<ObjectReference> = Vec::new();
        if stored.is_null() || !self.may_refer() {
            return Ok(all);
        }
        for link in self.links.iter().rev() {
            for mut reference in link.codec.references(stored)? {
                if reference.store.is_none() {
                    reference.store = store_name(&link.store).map(str::to_owned);
                }
                let known = all.iter().any(|r| r.path == reference.path && r.store == reference.store);
                if !known {
                    all.push(reference);
                }
            }
        }
        Ok(all)
    }
}

fn store_name(store: &StoreRef) -> Option<&str> {
    match store {
        StoreRef::Named(name) => Some(name),
        StoreRef::Inline | StoreRef::Default => None,
    }
}

#[cfg(test)]
mod tests {
    use lapjoint_types::{CoreType, spec::parse_type_spec};

    use super::*;
    use crate::codec::Capabilities;
    use crate::context::Site;

    /// A codec whose next type is given as text, for each place.
    #[derive(Debug)]
    struct Over {
        name: &'static str,
        inline: &'static str,
        store: &'static str,
        nulls: bool,
    }

    fn over(name: &'static str, inline: &'static str, store: &'static str) -> Over {
        Over { name, inline, store, nulls: false }
    }

    impl Codec for Over {
        fn name(&self) -> &str {
            self.name
        }
        fn capabilities(&self) -> Capabilities {
            Capabilities { nulls: self.nulls, ..Capabilities::default() }
        }
        fn dtype(&self, place: Place) -> Result<TypeSpec, CodecError> {
            Ok(TypeSpec::parse(if place.is_store() { self.store } else { self.inline })?)
        }
        fn encode(&self, value: Value, _: &mut EncodeContext<'_>) -> Result<Value, CodecError> {
            Ok(value)
        }
        fn decode(&self, stored: Value, _: &DecodeContext<'_>) -> Result<Value, CodecError> {
            Ok(stored)
        }
    }

    fn registry(codecs: impl IntoIterator<Item = Over>) -> Registry {
        let registry = Registry::with_builtins();
        for codec in codecs {
            registry.register(Arc::new(codec)).unwrap();
        }
        registry
    }

    fn stores_of(registry: &Registry, spec: &str) -> Vec<String> {
        let chain = Chain::resolve(registry, &parse_type_spec(spec)).unwrap();
        let spell =
            |link: &Link| CodecSpec { name: link.codec.name().into(), store: link.store.clone() }.to_string();
        chain.links().iter().map(spell).collect()
    }

    #[test]
    fn the_store_goes_down_the_chain() {
        let registry = registry([
            over("graph", "<blob>", "<blob@>"),
            over("cgraph", "<graph>", "<graph>"),
            over("pinned", "<blob>", "<blob@archive>"),
        ]);
        assert_eq!(stores_of(&registry, "<graph@cold>"), ["<graph@cold>", "<blob@cold>", "<hash@cold>"]);
        assert_eq!(stores_of(&registry, "<graph@>"), ["<graph@>", "<blob@>", "<hash@>"]);
        assert_eq!(stores_of(&registry, "<graph>"), ["<graph>", "<blob>"]);
        assert_eq!(
            stores_of(&registry, "<cgraph@cold>"),
            ["<cgraph@cold>", "<graph@cold>", "<blob@cold>", "<hash@cold>"]
        );
        assert_eq!(
            stores_of(&registry, "<pinned@cold>"),
            ["<pinned@cold>", "<blob@archive>", "<hash@archive>"]
        );
    }

    #[test]
    fn an_inline_codec_may_ask_for_a_store() {
        let registry = registry([over("far", "<blob@cold>", "<blob>"), over("away", "<blob@>", "<blob>")]);
        assert_eq!(stores_of(&registry, "<far>"), ["<far>", "<blob@cold>", "<hash@cold>"]);
        assert_eq!(stores_of(&registry, "<away>"), ["<away>", "<blob@>", "<hash@>"]);
        let chain = Chain::resolve(&registry, &parse_type_spec("<far>")).unwrap();
        assert!(chain.uses_store());
        assert_eq!(chain.store(), &StoreRef::Named("cold".into()));
        assert_eq!(chain.dtype(), &TypeSpec::Core(CoreType::Json));
        assert_eq!(chain.spec().to_string(), "<far>");
    }

    #[test]
    fn a_chain_can_be_decoded_in_two_goes() {
        let registry = registry([over("graph", "<blob>", "<blob>")]);
        let chain = Chain::resolve(&registry, &parse_type_spec("<graph>")).unwrap();
        let site = Site { schema: "s", table: "t", field: "f", key: &[] };
        let stores = lapjoint_store::Stores::default();
        let packed = chain.encode(Value::Int(7), &mut EncodeContext::new(site, &stores)).unwrap();
        let context = DecodeContext {
            site,
            stores: &stores,
            store_name: None,
            download_path: std::path::Path::new("."),
        };
        let inner = chain.decode_links(1..2, packed.clone(), &context).unwrap();
        assert_eq!(inner, chain.decode(packed.clone(), &context).unwrap());
        assert_eq!(chain.decode_links(0..1, inner.clone(), &context).unwrap(), inner);
        assert_eq!(chain.decode_links(2..9, packed.clone(), &context).unwrap(), packed);
    }

    #[test]
    fn faults_of_a_chain_are_found_when_it_is_bound() {
        let registry = registry([
            over("a", "<b>", "<b>"),
            over("b", "<a>", "<a>"),
            over("selfish", "<selfish>", "int8"),
            over("lost", "<nowhere>", "<nowhere>"),
            over("misplaced", "<npy>", "<npy>"),
            over("odd", "uint8", "int8"),
        ]);
        let fault = |spec: &str| Chain::resolve(&registry, &parse_type_spec(spec)).unwrap_err().to_string();
        assert_eq!(fault("<a>"), "Circular codec reference detected: <a> (chain: <a> → <b> → <a>)");
        assert_eq!(
            fault("<selfish>"),
            "Circular codec reference detected: <selfish> (chain: <selfish> → <selfish>)"
        );
        assert!(fault("<lost>").starts_with("Unknown codec: <nowhere>."));
        assert!(fault("<misplaced>").starts_with("<npy> requires @ (store only)"));
        assert!(fault("<odd>").contains("Unsupported attribute type uint8"));
        assert!(Chain::resolve(&registry, &parse_type_spec("<misplaced@>")).is_ok());
    }

    #[test]
    fn a_bound_chain_keeps_its_codecs() {
        let registry = registry([over("graph", "<blob>", "<blob>")]);
        let chain = Chain::resolve(&registry, &parse_type_spec("<graph>")).unwrap();
        registry.unregister("graph").unwrap();
        registry.unregister("blob").unwrap();
        assert_eq!(chain.links().len(), 2);
        assert!(Chain::resolve(&registry, &parse_type_spec("<graph>")).is_err());
    }
}
