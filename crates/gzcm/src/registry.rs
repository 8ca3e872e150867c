//! The codecs by name: the single point where a codec is added.

use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock, PoisonError, RwLock};

use crate::codec::TileCodec;
use crate::codecs;
use crate::error::{Error, Result};
use crate::wire;

/// Codecs by name; shared by threads.
pub struct Registry {
    codecs: RwLock<BTreeMap<String, Arc<dyn TileCodec>>>,
}

impl Default for Registry {
    /// The built-in codecs.
    fn default() -> Self {
        let codecs = codecs::built_in().into_iter().map(|codec| (codec.name().to_owned(), codec)).collect();
        Self { codecs: RwLock::new(codecs) }
    }
}

impl Registry {
    /// A registry with the built-in codecs, of its own.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The registry of the process, which readers and writers consult unless told otherwise.
    #[must_use]
    pub fn global() -> &'static Self {
        static GLOBAL: LazyLock<Registry> = LazyLock::new(Registry::default);
        &GLOBAL
    }

    /// Adds a codec under its name, in place of one of that name. It is proven first, see [`wire::prove`].
    ///
    /// # Errors
    /// [`Error::WireFormat`] for a codec that does not keep the wire format it declares, and for a name that is empty or
    /// longer than 255 bytes.
    pub fn register(&self, codec: Arc<dyn TileCodec>) -> Result<()> {
        let name = codec.name().to_owned();
        if name.is_empty() || name.len() > 255 {
            return Err(Error::invalid("codec name", format!("{name:?}: 1 to 255 bytes")));
        }
        wire::prove(&*codec)?;
        self.codecs.write().unwrap_or_else(PoisonError::into_inner).insert(name, codec);
        Ok(())
    }

    /// The codec of a name.
    ///
    /// # Errors
    /// [`Error::UnknownCodec`], with the names that there are.
    pub fn get(&self, name: &str) -> Result<Arc<dyn TileCodec>> {
        let codecs = self.codecs.read().unwrap_or_else(PoisonError::into_inner);
        codecs.get(name).cloned().ok_or_else(|| Error::UnknownCodec {
            name: name.to_owned(),
            available: codecs.keys().cloned().collect(),
        })
    }

    /// The names, sorted.
    #[must_use]
    pub fn list(&self) -> Vec<String> {
        self.codecs.read().unwrap_or_else(PoisonError::into_inner).keys().cloned().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::{WireFormat, shape_header, strip_shape_header};
    use crate::tile::{Dtype, Tile};

    /// Stores the bytes; which headers its two halves handle, and what it declares, are the test's.
    struct Identity {
        adds: bool,
        strips: bool,
        declares: WireFormat,
    }

    impl TileCodec for Identity {
        fn name(&self) -> &str {
            "identity"
        }
        fn wire_format(&self) -> WireFormat {
            self.declares
        }
        fn encode_tile(&self, tile: &Tile<'_>) -> Result<Vec<u8>> {
            let header = shape_header(tile.rows(), tile.cols())?;
            Ok(if self.adds { [&header, tile.bytes()].concat() } else { tile.bytes().to_vec() })
        }
        fn decode_tile(&self, wire: &[u8], rows: usize, cols: usize, dtype: Dtype) -> Result<Tile<'static>> {
            let mut body = wire;
            if self.adds {
                body = strip_shape_header(body, rows, cols)?;
            }
            if self.strips {
                body = strip_shape_header(body, rows, cols)?;
            }
            Tile::new(rows, cols, dtype, body.to_vec())
        }
    }

    fn register(adds: bool, strips: bool, declares: WireFormat) -> Result<()> {
        Registry::new().register(Arc::new(Identity { adds, strips, declares }))
    }

    #[test]
    fn a_codec_of_a_wrong_wire_format_is_refused_and_told_which_it_seems_to_be() {
        use WireFormat::{OpaquePayload, SelfDescribing};
        register(false, true, OpaquePayload).unwrap();
        register(true, false, SelfDescribing).unwrap();
        // Bug 0.3: a header of its own, and the writer's before it.
        for strips in [false, true] {
            let error = register(true, strips, OpaquePayload).unwrap_err().to_string();
            assert!(error.contains("seems to be \"self\""), "{error}");
        }
        let error = register(false, true, SelfDescribing).unwrap_err().to_string();
        assert!(error.contains("seems to be \"opaque\""), "{error}");
        let error = register(true, true, SelfDescribing).unwrap_err().to_string();
        assert!(error.contains("seems to be \"opaque\""), "{error}");
    }

    #[test]
    fn an_unknown_name_lists_the_known_ones() {
        let registry = Registry::new();
        let Err(Error::UnknownCodec { name, available }) = registry.get("not_a_real_codec").map(|_| ())
        else {
            panic!("found");
        };
        assert_eq!(name, "not_a_real_codec");
        assert_eq!(available, registry.list());
        assert!(available.is_sorted());
        registry
            .register(Arc::new(Identity { adds: false, strips: true, declares: WireFormat::OpaquePayload }))
            .unwrap();
        let tile = Tile::from_u32(256, 256, &vec![7; 65536]).unwrap();
        let wire = wire::encode(&*registry.get("identity").unwrap(), &tile).unwrap();
        assert_eq!(wire.len(), 262_152);
    }

    #[test]
    fn the_built_in_codecs_pass_their_own_proof() {
        let registry = Registry::new();
        for name in registry.list() {
            wire::prove(&*registry.get(&name).unwrap()).unwrap();
        }
        assert_eq!(registry.get("lz4").unwrap().wire_format(), WireFormat::SelfDescribing);
        assert_eq!(registry.get("zstd").unwrap().wire_format(), WireFormat::OpaquePayload);
    }
}
