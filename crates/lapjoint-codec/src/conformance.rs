//! What every codec must do, as a test that any codec can be put through.
//!
//! ```
//! use std::sync::Arc;
//! use lapjoint_codec::{Codec, builtin::BlobCodec, conformance::{Case, codec_conformance}};
//! let codec: Arc<dyn Codec> = Arc::new(BlobCodec);
//! codec_conformance(&codec, &[Case::new(5i64), Case::new("text")])?;
//! # Ok::<(), lapjoint_codec::conformance::ConformanceError>(())
//! ```

use std::fmt;
use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use lapjoint_store::staging::no_progress;
use lapjoint_store::{Config, PendingObject, PutMode, Stores, UploadOptions, upload};
use lapjoint_types::{CodecSpec, CoreType, StoreRef, TypeSpec, Value};
use serde_json::json;

use crate::chain::Chain;
use crate::codec::{Codec, Place};
use crate::context::{DecodeContext, EncodeContext, Site};
use crate::error::CodecError;
use crate::npy_ref::NpyRef;
use crate::object_ref::ObjectRef;
use crate::registry::Registry;
use crate::version::VERSION_KEY;

mod damage;
mod frozen;

pub use frozen::{FrozenError, check_frozen, frozen_cases};

type Check = Arc<dyn Fn(&Value) -> Result<bool, CodecError> + Send + Sync>;

/// A value that the codec must carry there and back.
#[derive(Clone)]
pub struct Case {
    value: Value,
    is_same: Check,
    objects: Vec<(String, Bytes)>,
}

impl Case {
    /// A value that comes back equal. A lazy reference is read first: an [`NpyRef`] as its array, an [`ObjectRef`] as its
    /// bytes.
    #[must_use]
    pub fn new(value: impl Into<Value>) -> Self {
        let value = value.into();
        let expected = value.clone();
        let is_same = move |decoded: &Value| Ok(read(decoded)? == expected);
        Self { value, is_same: Arc::new(is_same), objects: Vec::new() }
    }

    /// A value of which something else comes back: `is_same` says whether it is the right thing.
    #[must_use]
    pub fn checked(
        value: impl Into<Value>,
        is_same: impl Fn(&Value) -> Result<bool, CodecError> + Send + Sync + 'static,
    ) -> Self {
        Self { value: value.into(), is_same: Arc::new(is_same), objects: Vec::new() }
    }

    /// Puts an object into the store before the value is encoded, for codecs that refer to what is there.
    #[must_use]
    pub fn with_object(mut self, path: &str, content: &'static [u8]) -> Self {
        self.objects.push((path.to_owned(), Bytes::from_static(content)));
        self
    }
}

impl fmt::Debug for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Case").field("value", &self.value).finish_non_exhaustive()
    }
}

/// A rule that a codec broke.
#[derive(Debug, thiserror::Error)]
#[error("{spec}, case {case}: {message}")]
pub struct ConformanceError {
    /// Type spec under test.
    pub spec: String,
    /// Number of the case, counted from 0.
    pub case: usize,
    /// The rule, and how it was broken.
    pub message: String,
}

/// Puts a codec through every rule, in each place it supports, on a memory store.
///
/// 1. It refuses the places that its capabilities exclude, and no other.
/// 2. Values come back; encoding does not change with the case before it.
/// 3. Nulls stay null, unless it asks for them.
/// 4. If it is deterministic, equal values stage equal bytes.
/// 5. A json column holds JSON.
/// 6. Every staged object is referred to; every reference that it owns was staged.
/// 7. What it writes has the version that it declares; versions that it does not read are refused before it sees them.
/// 8. Damaged columns and objects give errors: never a panic, and never another value where a checksum is on record.
///
/// # Errors
/// [`ConformanceError`] for the first rule that is broken.
pub fn codec_conformance(codec: &Arc<dyn Codec>, cases: &[Case]) -> Result<(), ConformanceError> {
    let registry = Registry::with_builtins();
    let name = codec.name().to_owned();
    if !registry.get(&name).is_ok_and(|known| known.origin() == codec.origin()) {
        let _ = registry.unregister(&name);
    }
    let broken = |spec: &CodecSpec, case: usize, message: String| ConformanceError {
        spec: spec.to_string(),
        case,
        message,
    };
    for (place, store) in [(Place::Inline, StoreRef::Inline), (Place::Store, StoreRef::Default)] {
        let spec = CodecSpec { name: name.clone(), store };
        registry.register(Arc::clone(codec)).map_err(|error| broken(&spec, 0, error.to_string()))?;
        let can = codec.capabilities();
        let supported = if place.is_store() { can.store } else { can.inline };
        match (codec.dtype(place), supported) {
            (Ok(_), true) => {}
            (Err(_), false) => continue,
            (Ok(_), false) => return Err(broken(&spec, 0, "its capabilities exclude this place".into())),
            (Err(error), true) => {
                return Err(broken(&spec, 0, format!("its capabilities promise this place: {error}")));
            }
        }
        let chain = Chain::resolve(&registry, &spec).map_err(|error| broken(&spec, 0, error.to_string()))?;
        for (index, case) in cases.iter().enumerate() {
            Bed::new()
                .and_then(|bed| bed.try_case(&chain, case))
                .map_err(|text| broken(&spec, index, text))?;
        }
    }
    Ok(())
}

/// A memory store and a folder for downloads.
pub(super) struct Bed {
    pub stores: Stores,
    pub downloads: Downloads,
}

/// A folder that is removed at the end.
pub(super) struct Downloads(std::path::PathBuf);

impl Downloads {
    fn new() -> Self {
        Self(std::env::temp_dir().join(format!("lapjoint-{}", lapjoint_store::addressing::token(16))))
    }
}

impl Drop for Downloads {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// What a value became.
pub(super) struct Encoded {
    pub column: Value,
    pub staged: Vec<PendingObject>,
}

const TOKEN: &str = "conformn";

impl Bed {
    fn new() -> Result<Self, String> {
        let mut config = Config::default();
        config
            .set(
                "stores",
                json!({"default": "memory", "filepath_default": "memory", "memory": {"protocol": "memory"}}),
            )
            .map_err(text)?;
        Ok(Self { stores: Stores::new(config), downloads: Downloads::new() })
    }

    fn encode(&self, chain: &Chain, value: Value) -> Result<Encoded, CodecError> {
        let key = [("id".to_owned(), Value::Int(1))];
        let site = Site { schema: "conformance", table: "case", field: "value", key: &key };
        let mut context = EncodeContext::new(site, &self.stores);
        context.token = Some(TOKEN);
        let column = chain.encode(value, &mut context)?;
        Ok(Encoded { column, staged: context.take_staged() })
    }

    pub fn decode(&self, chain: &Chain, column: Value) -> Result<Value, CodecError> {
        let download_path: &Path = &self.downloads.0;
        let site = Site { schema: "conformance", table: "case", field: "value", key: &[] };
        let context = DecodeContext { site, stores: &self.stores, store_name: None, download_path };
        chain.decode(column, &context)
    }

    fn try_case(&self, chain: &Chain, case: &Case) -> Result<(), String> {
        let store = self.stores.get(None).map_err(text)?;
        for (path, content) in &case.objects {
            store.put(path, content.clone(), PutMode::Overwrite).map_err(text)?;
        }
        let encoded =
            self.encode(chain, case.value.clone()).map_err(|error| format!("encode failed: {error}"))?;
        upload(&self.stores, &encoded.staged, &UploadOptions::default(), &no_progress).map_err(text)?;
        self.comes_back(chain, case, &encoded)?;
        self.nulls(chain)?;
        self.same_again(chain, case, &encoded)?;
        if chain.dtype() == &TypeSpec::Core(CoreType::Json) && !matches!(encoded.column, Value::Json(_)) {
            return Err(format!("a json column was given {}", encoded.column.type_name()));
        }
        self.references(chain, &encoded)?;
        self.versions(chain, &encoded)?;
        damage::survived(self, chain, case, &encoded)
    }

    fn comes_back(&self, chain: &Chain, case: &Case, encoded: &Encoded) -> Result<(), String> {
        let decoded = self
            .decode(chain, encoded.column.clone())
            .map_err(|error| format!("what was encoded cannot be decoded: {error}"))?;
        match (case.is_same)(&decoded) {
            Ok(true) => Ok(()),
            Ok(false) => Err(format!("another value came back: {decoded:?}")),
            Err(error) => Err(format!("what came back cannot be read: {error}")),
        }
    }

    fn nulls(&self, chain: &Chain) -> Result<(), String> {
        if chain.links().iter().any(|link| link.codec.capabilities().nulls) {
            return Ok(());
        }
        let encoded =
            self.encode(chain, Value::Null).map_err(|error| format!("null cannot be encoded: {error}"))?;
        let decoded =
            self.decode(chain, Value::Null).map_err(|error| format!("null cannot be decoded: {error}"))?;
        if encoded.column.is_null() && encoded.staged.is_empty() && decoded.is_null() {
            return Ok(());
        }
        Err("null did not stay null".into())
    }

    fn same_again(&self, chain: &Chain, case: &Case, first: &Encoded) -> Result<(), String> {
        if !chain.links().iter().all(|link| link.codec.capabilities().deterministic) {
            return Ok(());
        }
        let second =
            self.encode(chain, case.value.clone()).map_err(|error| format!("encode failed: {error}"))?;
        let names = |encoded: &Encoded| -> Vec<String> {
            encoded.staged.iter().map(|object| format!("{:?}", (&object.path, &object.payload))).collect()
        };
        if without_time(&first.column) == without_time(&second.column) && names(first) == names(&second) {
            return Ok(());
        }
        Err("equal values gave other stored bytes, though the codec is said to be deterministic".into())
    }

    fn versions(&self, chain: &Chain, encoded: &Encoded) -> Result<(), String> {
        let Some(link) = chain.links().first() else { return Ok(()) };
        let (codec, Value::Json(metadata)) = (&link.codec, &encoded.column) else { return Ok(()) };
        let Some(written) = codec.format_version() else { return Ok(()) };
        let (reads, writes) = (codec.reads_versions(), codec.writes_versions());
        if reads.is_empty() {
            // The codec decides when it decodes.
            return Ok(());
        }
        if let Some(missing) = writes.iter().chain([&written]).find(|version| !reads.contains(version)) {
            return Err(format!("it writes version {missing}, and does not read it"));
        }
        if chain.links().len() > 1 {
            // The version stands further in than the column.
            return Ok(());
        }
        match codec.version_of(&encoded.column) {
            Some(version) if version == written => {}
            found => return Err(format!("its version is {written}, and what it wrote says {found:?}")),
        }
        let mut unknown = metadata.as_ref().clone();
        let Some(object) = unknown.as_object_mut().filter(|object| object.contains_key(VERSION_KEY)) else {
            return Ok(());
        };
        object.insert(VERSION_KEY.into(), "0.0.unknown".into());
        match self.decode(chain, unknown.into()) {
            Err(CodecError::UnsupportedVersion(_)) => Ok(()),
            Err(error) => Err(format!("an unknown version gave another error: {error}")),
            Ok(_) => Err("a value of an unknown version was read".into()),
        }
    }

    fn references(&self, chain: &Chain, encoded: &Encoded) -> Result<(), String> {
        let references = chain.references(&encoded.column).map_err(text)?;
        let is_of = |path: &str, store: Option<&str>, object: &PendingObject| {
            path == object.path && store.is_none_or(|store| store == object.store)
        };
        for object in &encoded.staged {
            if !references.iter().any(|r| is_of(&r.path, r.store.as_deref(), object)) {
                return Err(format!("no reference leads to the staged object {}", object.path));
            }
        }
        for reference in references.iter().filter(|reference| reference.owned) {
            let is_staged = encoded
                .staged
                .iter()
                .any(|object| is_of(&reference.path, reference.store.as_deref(), object));
            let store = self.stores.get(reference.store.as_deref()).map_err(text)?;
            if !is_staged && !store.exists(&reference.path).map_err(text)? {
                return Err(format!("a reference leads to {}, which nobody stored", reference.path));
            }
        }
        Ok(())
    }
}

/// What a lazy reference refers to; any other value as it is.
pub(super) fn read(value: &Value) -> Result<Value, CodecError> {
    if let Some(array) = value.downcast_ref::<NpyRef>() {
        return Ok(array.load()?.into());
    }
    if let Some(object) = value.downcast_ref::<ObjectRef>() {
        if object.is_dir {
            object.verify()?;
            return Ok(Value::Null);
        }
        return Ok(Value::Bytes(object.read()?));
    }
    Ok(value.clone())
}

/// The column without the moment at which it was made.
fn without_time(column: &Value) -> Value {
    let mut column = column.clone();
    if let Value::Json(json) = &mut column
        && let Some(object) = json.as_object_mut()
    {
        object.remove("timestamp");
    }
    column
}

pub(super) fn text(error: impl fmt::Display) -> String {
    error.to_string()
}
