//! Decoding with the module that a value carries.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use lapjoint_codec::{Codec, CodecError, DecodeContext};
use lapjoint_types::Value;

use crate::codec::{LoadOptions, WasmCodec, metadata};
use crate::embed::Decoder;
use crate::error::WasmError;
use crate::limits::Limits;
use crate::trust;

/// Codecs of modules that came with data, by SHA-256.
static LOADED: Mutex<Option<HashMap<String, Arc<WasmCodec>>>> = Mutex::new(None);

/// The codec that reads a value of a codec `name` that is not installed, if the value carries one that is trusted.
///
/// # Errors
/// [`WasmError::Untrusted`] with what to do; [`WasmError::Changed`] when the module is not the one that the value names; those of
/// loading a module and of reading an object.
pub(crate) fn find(
    name: &str,
    stored: &Value,
    context: &DecodeContext<'_>,
) -> Result<Option<Arc<dyn Codec>>, CodecError> {
    let Some(metadata) = metadata(name, stored)? else { return Ok(None) };
    let Some(decoder) = Decoder::read(name, &metadata)? else { return Ok(None) };
    let codec = load(name, &decoder, context)?;
    if codec.name() != name {
        return Err(CodecError::stored(
            name,
            format!("its decoder {} is of another codec, <{}>", decoder.sha256, codec.name()),
        ));
    }
    Ok(Some(codec))
}

fn load(name: &str, decoder: &Decoder, context: &DecodeContext<'_>) -> Result<Arc<WasmCodec>, CodecError> {
    let Decoder { sha256, object } = decoder;
    let store_name = object.store.as_deref().or(context.store_name);
    let store = || store_name.unwrap_or("the default store").to_owned();
    // The permission may have been taken back since the module was loaded.
    if !context.stores.read(|config| trust::is_trusted(sha256, config)) {
        return Err(WasmError::Untrusted {
            codec: name.to_owned(),
            sha256: sha256.clone(),
            store: store(),
            path: object.path.clone(),
        }
        .of(name));
    }
    if let Some(codec) = loaded(|known| known.get(sha256).cloned()) {
        return Ok(codec);
    }
    let limits = context.stores.read(Limits::from_config);
    let bytes = read(name, decoder, store_name, &limits, context)?;
    let options = LoadOptions { limits: None, embed_decoder: Some(false) };
    let codec = Arc::new(WasmCodec::from_bytes_with(bytes, options).map_err(|error| error.of(name))?);
    Ok(loaded(|known| Arc::clone(known.entry(sha256.clone()).or_insert(codec))))
}

/// Reads a module, no more of it than a module may have, and compares its hash before anything else looks at it.
fn read(
    name: &str,
    decoder: &Decoder,
    store_name: Option<&str>,
    limits: &Limits,
    context: &DecodeContext<'_>,
) -> Result<Bytes, CodecError> {
    let store = context.stores.get(store_name)?;
    let path = &decoder.object.path;
    let size = store.size_bytes(path)?;
    if size > limits.module_bytes as u64 {
        return Err(WasmError::TooLarge {
            origin: format!("the decoder at {path} in store '{}'", store.name()),
            actual_bytes: size,
            max_bytes: limits.module_bytes as u64,
        }
        .of(name));
    }
    let bytes = store.get_range(path, 0..size)?;
    let actual = crate::module::sha256(&bytes);
    if actual != decoder.sha256 {
        return Err(WasmError::Changed {
            store: store.name().to_owned(),
            path: path.clone(),
            expected: decoder.sha256.clone(),
            actual,
        }
        .of(name));
    }
    Ok(bytes)
}

fn loaded<T>(look: impl FnOnce(&mut HashMap<String, Arc<WasmCodec>>) -> T) -> T {
    let mut known = LOADED.lock().unwrap_or_else(PoisonError::into_inner);
    look(known.get_or_insert_default())
}
