//! Modules that are kept beside the values they read.

use bytes::Bytes;
use data_encoding::{BASE32_NOPAD, HEXLOWER};
use lapjoint_codec::{CodecError, EncodeContext, ObjectReference};
use lapjoint_store::{Addressing, Payload, addressing, crc32c_hex};
use serde_json::{Value as Json, json};

use crate::trust;

/// Key of the metadata under which the module is named.
pub(crate) const DECODER: &str = "decoder";

/// Stages a module's bytes under their SHA-256, in the store of the value, and gives what the metadata says of it. Equal bytes
/// of one schema are stored once.
pub(crate) fn stage(
    codec: &str,
    sha256: &str,
    bytes: &Bytes,
    context: &mut EncodeContext<'_>,
) -> Result<Json, CodecError> {
    let store = context.store()?;
    let digest =
        HEXLOWER.decode(sha256.as_bytes()).map_err(|error| CodecError::stored(codec, error.to_string()))?;
    let name = BASE32_NOPAD.encode(&digest).to_ascii_lowercase();
    let path = addressing::hash_path(store.spec(), context.site.schema, &name)?;
    let decoder = json!({
        "sha256": sha256,
        "path": path,
        "store": store.name(),
        "size": bytes.len(),
        "crc32c": crc32c_hex(bytes),
    });
    context.stage(&path, Payload::Bytes(bytes.clone()), Addressing::Hash)?;
    Ok(decoder)
}

/// The module that metadata name.
#[derive(Debug)]
pub(crate) struct Decoder {
    pub sha256: String,
    pub object: ObjectReference,
}

impl Decoder {
    /// Reads the entry of the metadata, if there is one.
    pub fn read(codec: &str, metadata: &Json) -> Result<Option<Self>, CodecError> {
        let Some(entry) = metadata.get(DECODER).filter(|entry| !entry.is_null()) else { return Ok(None) };
        let wrong = |what: &str| CodecError::stored(codec, format!("\"decoder\" of its metadata {what}"));
        let sha256 = entry.get("sha256").and_then(Json::as_str).and_then(trust::hash);
        let sha256 = sha256.ok_or_else(|| wrong("has no \"sha256\" of 64 hexadecimal digits"))?;
        let object = ObjectReference::from_json(entry).ok_or_else(|| wrong("has no \"path\""))?;
        lapjoint_store::SafePath::parse(&object.path)?;
        Ok(Some(Self { sha256, object }))
    }
}
