//! A module as a codec.

use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use lapjoint_codec::builtin::HashCodec;
use lapjoint_codec::version::{PROVENANCE_KEY, VERSION_KEY, version_in_metadata};
use lapjoint_codec::{
    Capabilities, Codec, CodecError, DecodeContext, EncodeContext, ObjectReference, Origin, Package, Place,
};
use lapjoint_types::{CoreType, TypeSpec, Value};
use serde_json::{Value as Json, json};

use crate::call::Call;
use crate::describe::{Description, Form, LIMIT_DESCRIPTION_BYTES};
use crate::embed::{self, Decoder};
use crate::envelope;
use crate::error::WasmError;
use crate::limits::Limits;
use crate::module::Module;
use crate::wire;

/// How a module is loaded.
#[derive(Debug, Clone, Default)]
pub struct LoadOptions {
    /// Limits of each call; by default those of the configuration.
    pub limits: Option<Limits>,
    /// Whether values carry the module; by default what the setting `codecs.embed_decoder` says.
    pub embed_decoder: Option<bool>,
}

/// A codec that runs in a WebAssembly module.
///
/// Many threads may use it at once; each call has an instance of its own.
#[derive(Debug)]
pub struct WasmCodec {
    description: Description,
    module: Arc<Module>,
    bytes: Bytes,
    /// Where it was loaded from: the name under which the registry knows it.
    place: String,
    options: LoadOptions,
}

impl WasmCodec {
    /// A codec from the bytes of a module.
    ///
    /// # Errors
    /// [`WasmError`] when they are no module of the ABI.
    pub fn from_bytes(bytes: impl AsRef<[u8]>) -> Result<Self, WasmError> {
        Self::load(Bytes::copy_from_slice(bytes.as_ref()), None, LoadOptions::default())
    }

    /// A codec from a file.
    ///
    /// # Errors
    /// [`WasmError`] when the file cannot be read or is no module of the ABI.
    pub fn from_path(path: impl AsRef<Path>) -> Result<Self, WasmError> {
        Self::from_path_with(path, LoadOptions::default())
    }

    /// As [`from_bytes`](Self::from_bytes), with options.
    ///
    /// # Errors
    /// As for [`from_bytes`](Self::from_bytes).
    pub fn from_bytes_with(bytes: impl Into<Bytes>, options: LoadOptions) -> Result<Self, WasmError> {
        Self::load(bytes.into(), None, options)
    }

    /// As [`from_path`](Self::from_path), with options.
    ///
    /// # Errors
    /// As for [`from_path`](Self::from_path).
    pub fn from_path_with(path: impl AsRef<Path>, options: LoadOptions) -> Result<Self, WasmError> {
        let path = path.as_ref();
        let failed = |source| WasmError::Io { path: path.to_owned(), source };
        let limits = options.limits.unwrap_or_default();
        let size = std::fs::metadata(path).map_err(failed)?.len();
        if size > limits.module_bytes as u64 {
            return Err(WasmError::TooLarge {
                origin: path.display().to_string(),
                actual_bytes: size,
                max_bytes: limits.module_bytes as u64,
            });
        }
        let bytes = std::fs::read(path).map_err(failed)?;
        Self::load(bytes.into(), Some(path), options)
    }

    fn load(bytes: Bytes, path: Option<&Path>, options: LoadOptions) -> Result<Self, WasmError> {
        let limits = options.limits.unwrap_or_default();
        let place = match path {
            Some(path) => std::path::absolute(path).unwrap_or_else(|_| path.to_owned()).display().to_string(),
            None => format!("sha256:{}", crate::module::sha256(&bytes)),
        };
        let module = Module::new(&bytes, &place, &limits)?;
        let description = describe(&module, limits)?;
        Ok(Self { description, module, bytes, place, options })
    }

    /// What the module says about itself.
    #[must_use]
    pub const fn description(&self) -> &Description {
        &self.description
    }

    /// SHA-256 of the module's bytes, in hexadecimal.
    #[must_use]
    pub fn sha256(&self) -> &str {
        &self.module.sha256
    }

    /// The module's bytes.
    #[must_use]
    pub const fn module_bytes(&self) -> &Bytes {
        &self.bytes
    }

    /// Encodes a value without storing anything: what the module makes of it.
    ///
    /// # Errors
    /// [`CodecError`] when the value is of another form, or the module refuses it or fails.
    pub fn encode_value(&self, value: &Value, limits: Limits) -> Result<Vec<u8>, CodecError> {
        let name = &self.description.name;
        let pieces = wire::write(name, self.description.values, value)?;
        self.run("dj_encode", &pieces.slices(), limits, CodecError::value)
    }

    /// Decodes what [`encode_value`](Self::encode_value) gave.
    ///
    /// # Errors
    /// [`CodecError`] when the module refuses the bytes or fails.
    pub fn decode_value(&self, stored: &[u8], limits: Limits) -> Result<Value, CodecError> {
        let bytes = self.run("dj_decode", &[stored], limits, CodecError::stored)?;
        wire::read(&self.description.name, self.description.values, bytes, limits.memory_bytes)
    }

    fn run(
        &self,
        function: &str,
        pieces: &[&[u8]],
        limits: Limits,
        refused: fn(&str, String) -> CodecError,
    ) -> Result<Vec<u8>, CodecError> {
        let name = &self.description.name;
        let call = Call::new(&self.module, limits).map_err(|error| error.of(name))?;
        call.transform(function, pieces).map_err(|error| match error {
            WasmError::Refused(message) => refused(name, message),
            error => error.of(name),
        })
    }

    fn limits(&self, stores: &lapjoint_store::Stores) -> Limits {
        self.options.limits.unwrap_or_else(|| stores.read(Limits::from_config))
    }

    fn embeds(&self, stores: &lapjoint_store::Stores) -> bool {
        self.options
            .embed_decoder
            .unwrap_or_else(|| stores.read(|config| config.flag("codecs.embed_decoder")))
    }

    /// What the metadata of a value say of its codec.
    fn signature(&self) -> Json {
        json!({
            "codec": self.description.name,
            VERSION_KEY: self.description.version,
            PROVENANCE_KEY: {"lapjoint": env!("CARGO_PKG_VERSION")},
            "wasm_sha256": self.sha256(),
        })
    }

    /// Stores the module's own bytes: in the column, or as an object named by its hash.
    fn keep(
        &self,
        payload: Vec<u8>,
        context: &mut EncodeContext<'_>,
        place: Place,
    ) -> Result<Value, CodecError> {
        let name = &self.description.name;
        let decoder = if self.embeds(context.stores) {
            Some(embed::stage(name, self.sha256(), &self.bytes, context).map_err(|error| match error {
                CodecError::Store(error) => CodecError::value(
                    name,
                    format!("is to keep its decoder in a store (codecs.embed_decoder): {error}"),
                ),
                error => error,
            })?)
        } else {
            None
        };
        let mut signature = self.signature();
        if let (Some(decoder), Some(object)) = (&decoder, signature.as_object_mut()) {
            object.insert(embed::DECODER.to_owned(), decoder.clone());
        }
        if !place.is_store() {
            let is_wrapped = decoder.is_some() || envelope::is_envelope(&payload);
            let column = if is_wrapped { envelope::wrap(&signature, &payload) } else { payload.into() };
            return Ok(Value::Bytes(column));
        }
        let mut metadata = HashCodec.encode(Value::Bytes(payload.into()), context)?;
        if let (Value::Json(json), Json::Object(signature)) = (&mut metadata, signature)
            && let Some(object) = json.as_object_mut()
        {
            object.extend(signature);
        }
        Ok(metadata)
    }
}

/// Asks a new module who it is.
fn describe(module: &Module, limits: Limits) -> Result<Description, WasmError> {
    let mut call = Call::new(module, limits)?;
    let version = call.number("dj_abi_version")?;
    if version != crate::ABI_VERSION {
        return Err(WasmError::Abi {
            origin: module.origin.clone(),
            actual: version,
            expected: crate::ABI_VERSION,
        });
    }
    Description::parse(&call.text("dj_describe", LIMIT_DESCRIPTION_BYTES)?, &module.origin)
}

/// The metadata that a stored value carries: JSON, text that is JSON, or the header of an envelope.
pub(crate) fn metadata(codec: &str, stored: &Value) -> Result<Option<Json>, CodecError> {
    match stored {
        Value::Json(json) => Ok(Some(json.as_ref().clone())),
        Value::Str(text) if text.trim_start().starts_with('{') => {
            serde_json::from_str(text).map(Some).map_err(|error| CodecError::stored(codec, error.to_string()))
        }
        Value::Bytes(bytes) => {
            let opened = envelope::open(bytes).map_err(|reason| CodecError::stored(codec, reason))?;
            Ok(opened.map(|(header, _)| header))
        }
        _ => Ok(None),
    }
}

impl Codec for WasmCodec {
    fn name(&self) -> &str {
        &self.description.name
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities {
            inline: self.description.inline,
            store: self.description.store,
            deterministic: self.description.deterministic,
            objects_inline: self.description.stores_bytes(),
            ..Capabilities::default()
        }
    }

    fn origin(&self) -> Origin {
        Origin::Wasm(self.place.clone())
    }

    fn summary(&self) -> &str {
        &self.description.summary
    }

    /// Where another type stores what the module makes, there is no metadata of ours to compare versions with: the module does.
    fn format_version(&self) -> Option<String> {
        self.description.stores_bytes().then(|| self.description.version.clone())
    }

    fn reads_versions(&self) -> Vec<String> {
        if self.description.stores_bytes() { self.description.reads.clone() } else { Vec::new() }
    }

    fn version_of(&self, stored: &Value) -> Option<String> {
        match stored {
            Value::Bytes(bytes) => {
                let (header, _) = envelope::open(bytes).ok()??;
                version_in_metadata(&Value::from(header))
            }
            stored => version_in_metadata(stored),
        }
    }

    fn provenance(&self) -> Option<Package> {
        Some(Package { name: self.description.name.clone(), version: self.description.version.clone() })
    }

    fn digest(&self) -> Option<String> {
        Some(self.module.sha256.clone())
    }

    fn dtype(&self, place: Place) -> Result<TypeSpec, CodecError> {
        let Description { name, inline, store, stored, .. } = &self.description;
        match place {
            Place::Inline if !inline => Err(CodecError::StoreOnly(name.clone())),
            Place::Store if !store => Err(CodecError::InlineOnly(name.clone())),
            Place::Store if self.description.stores_bytes() => Ok(TypeSpec::Core(CoreType::Json)),
            _ => Ok(stored.clone()),
        }
    }

    fn encode(&self, value: Value, context: &mut EncodeContext<'_>) -> Result<Value, CodecError> {
        let limits = self.limits(context.stores);
        let made = self.encode_value(&value, limits)?;
        // The module has its own copy; large values are given back before the next codec makes more.
        drop(value);
        if self.description.stores_bytes() {
            let place = context.place;
            return self.keep(made, context, place);
        }
        wire::read(&self.description.name, self.stored_form(), made, limits.memory_bytes)
    }

    fn decode(&self, stored: Value, context: &DecodeContext<'_>) -> Result<Value, CodecError> {
        let name = &self.description.name;
        let limits = self.limits(context.stores);
        if !self.description.stores_bytes() {
            let pieces = wire::write(name, self.stored_form(), &stored)?;
            let bytes = self.run("dj_decode", &pieces.slices(), limits, CodecError::stored)?;
            return wire::read(name, self.description.values, bytes, limits.memory_bytes);
        }
        let payload = match stored {
            Value::Bytes(bytes) => {
                let opened = envelope::open(&bytes).map_err(|reason| CodecError::stored(name, reason))?;
                opened.map_or(bytes, |(_, payload)| payload)
            }
            other => match HashCodec.decode(other, context)? {
                Value::Bytes(bytes) => bytes,
                other => {
                    return Err(CodecError::stored(
                        name,
                        format!("expected bytes, got {}", other.type_name()),
                    ));
                }
            },
        };
        self.decode_value(&payload, limits)
    }

    fn references(&self, stored: &Value) -> Result<Vec<ObjectReference>, CodecError> {
        if !self.description.stores_bytes() {
            return ObjectReference::from_metadata(stored);
        }
        references(&self.description.name, stored)
    }
}

/// The value's own object, and the module beside it.
pub(crate) fn references(codec: &str, stored: &Value) -> Result<Vec<ObjectReference>, CodecError> {
    let mut found = ObjectReference::from_metadata(stored)?;
    if let Some(metadata) = metadata(codec, stored)? {
        found.extend(Decoder::read(codec, &metadata)?.map(|decoder| decoder.object));
    }
    Ok(found)
}

impl WasmCodec {
    /// How what is stored crosses, where another type stores it.
    const fn stored_form(&self) -> Form {
        match self.description.stored {
            TypeSpec::Core(CoreType::Json) => Form::Json,
            _ => Form::Blob,
        }
    }
}
