//! How a registry comes to modules that nobody registered.

use std::path::PathBuf;
use std::sync::{Arc, PoisonError, RwLock};

use lapjoint_codec::registry::Problem;
use lapjoint_codec::{Codec, CodecError, DecodeContext, Origin, Registry, StandIn};
use lapjoint_store::Config;
use lapjoint_types::Value;

use crate::{folder, stand_in};

/// Folders to look at, shared by the finder of codecs and the settings.
type Folders = Arc<RwLock<Vec<PathBuf>>>;

/// Reads values with the modules that they name.
#[derive(Debug)]
struct Decoders {
    folders: Folders,
}

impl StandIn for Decoders {
    fn codec_of(
        &self,
        name: &str,
        stored: &Value,
        context: &DecodeContext<'_>,
    ) -> Result<Option<Arc<dyn Codec>>, CodecError> {
        stand_in::find(name, stored, context)
    }

    fn load_all(&self, registry: &Registry) -> Vec<Problem> {
        let folders = self.folders.read().unwrap_or_else(PoisonError::into_inner).clone();
        let mut problems = Vec::new();
        for found in folder::scan(&folders) {
            let stem = found.path.file_stem().and_then(std::ffi::OsStr::to_str).unwrap_or_default();
            let mut note = |name: &str, state: String| {
                let origin = Origin::Wasm(found.path.display().to_string()).to_string();
                problems.push(Problem { name: name.to_owned(), origin, package: None, state });
            };
            match found.codec {
                Ok(codec) => {
                    let name = codec.name().to_owned();
                    let registered = registry.register(codec);
                    if let Err(CodecError::NameTaken { existing, .. }) = registered {
                        note(&name, format!("shadowed by {existing}"));
                    }
                }
                Err(error) => note(stem, format!("broken: {error}")),
            }
        }
        problems
    }

    fn configure(&self, config: &Config) {
        let mut folders = self.folders.write().unwrap_or_else(PoisonError::into_inner);
        for folder in folder::folders(config) {
            if !folders.contains(&folder) {
                folders.push(folder);
            }
        }
    }
}

/// Lets a registry find modules: codecs in the folders of `config` when a definition asks for them, and decoders that values
/// carry. A registry that can already gets the folders.
pub fn install(registry: &Arc<Registry>, config: &Config) {
    let make = || -> Arc<dyn StandIn> {
        let folders = Folders::default();
        let (within, known) = (Arc::downgrade(registry), Arc::clone(&folders));
        registry.add_finder(Arc::new(move |name| {
            let Some(registry) = within.upgrade() else { return Ok(()) };
            let folders = known.read().unwrap_or_else(PoisonError::into_inner).clone();
            match folder::find(&folders, name) {
                Ok(Some(codec)) => registry.register(codec).map_err(|error| error.to_string()),
                Ok(None) => Ok(()),
                Err(error) => Err(error.to_string()),
            }
        }));
        Arc::new(Decoders { folders })
    };
    registry.stand_in_or(make).configure(config);
}

/// The codec that reads a stored value of a codec that is not installed; see `docs/design/010-wasm.md`.
///
/// # Errors
/// [`CodecError`] when the value carries a decoder that may not run or cannot.
pub fn stand_in_for(
    name: &str,
    stored: &Value,
    context: &DecodeContext<'_>,
) -> Result<Option<Arc<dyn Codec>>, CodecError> {
    stand_in::find(name, stored, context)
}
