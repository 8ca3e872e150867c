//! `<object@>`: a file, a folder or bytes, kept as they are.
//!
//! # What it does
//! Copies a local file or folder, or writes bytes, to a readable path made of the primary key. A fetch gives an
//! [`ObjectRef`], which reads, lists, downloads and verifies, all or in parts.
//!
//! The value is bytes, a pair (extension, bytes), the path of a local file or folder as text, or the metadata of an
//! object that is in the store already, which is kept unchanged.
//!
//! # Specification
//! The path is `[<schema_prefix>/]<schema>/<table>/<key>=<value>/…/<field>_<token><extension>`, see
//! [`lapjoint_store::addressing`]. Folders have a manifest beside them, `<path>.manifest.json`, see
//! [`lapjoint_store::manifest`].
//!
//! # Names
//! `<object@>` and `<object@store>`; without `@` it is refused.
//!
//! # Stored form
//! ```
//! # let text = r#"
//! {
//!   "path": "_schema/lab/scan/subject=m1/movie_Zm7rLub1.tif",
//!   "store": "main",
//!   "size": 1048576,
//!   "ext": ".tif",
//!   "is_dir": false,
//!   "item_count": null,
//!   "timestamp": "2026-01-02T03:04:05.678901+00:00",
//!   "crc32c": "a1b2c3d4"
//! }
//! # "#;
//! # let json: serde_json::Value = serde_json::from_str(text)?;
//! # let object = lapjoint_codec::ObjectRef::from_json(&json)?;
//! # assert_eq!(object.size_bytes, Some(1_048_576));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//! Folders have no `crc32c`; their manifest has one for each file.
//!
//! # Compatibility
//! Paths, metadata and manifests are DataJoint 2.3's; `crc32c` is ours, which it ignores.

use std::path::Path;

use bytes::Bytes;
use lapjoint_store::{Addressing, Payload, SafePath, crc32c_hex, iso_utc_now, manifest};
use lapjoint_types::{CoreType, LogicalType, TypeSpec, Value};
use serde_json::json;

use crate::codec::{Capabilities, Codec, Origin, Place, Rendered};
use crate::context::{DecodeContext, EncodeContext};
use crate::error::CodecError;
use crate::local;
use crate::metadata::{Metadata, to_json};
use crate::object_ref::{ObjectRef, column};

const NAME: &str = "object";

/// The codec `<object@>`.
#[derive(Debug, Clone, Copy, Default)]
pub struct ObjectCodec;

impl Codec for ObjectCodec {
    fn name(&self) -> &str {
        NAME
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities::of_references()
    }

    fn origin(&self) -> Origin {
        Origin::Builtin
    }

    fn summary(&self) -> &str {
        "a file, a folder or bytes, kept as they are"
    }

    fn dtype(&self, place: Place) -> Result<TypeSpec, CodecError> {
        place.store_only(NAME, CoreType::Json)
    }

    fn validate(&self, value: &Value) -> Result<(), CodecError> {
        let valid = match value {
            Value::Bytes(_) | Value::Str(_) => true,
            Value::Tuple(pair) => matches!(pair.as_slice(), [Value::Str(_) | Value::Null, Value::Bytes(_)]),
            Value::Dict(items) => {
                items.iter().any(|(key, _)| matches!(key, Value::Str(key) if key == "path"))
            }
            Value::Json(json) => json.get("path").is_some(),
            _ => false,
        };
        if valid {
            return Ok(());
        }
        Err(CodecError::value(NAME, format!("expects bytes or path, got {}", value.type_name())))
    }

    fn encode(&self, value: Value, context: &mut EncodeContext<'_>) -> Result<Value, CodecError> {
        self.validate(&value)?;
        match value {
            Value::Bytes(content) => stage_bytes(None, content, context),
            Value::Str(path) => stage_path(Path::new(&path), context),
            Value::Tuple(pair) => match <[Value; 2]>::try_from(pair) {
                Ok([Value::Str(extension), Value::Bytes(content)]) => {
                    stage_bytes(Some(extension), content, context)
                }
                Ok([_, Value::Bytes(content)]) => stage_bytes(None, content, context),
                _ => Ok(Value::Null),
            },
            other => staged_already(to_json(NAME, other)?, context),
        }
    }

    fn decode(&self, stored: Value, context: &DecodeContext<'_>) -> Result<Value, CodecError> {
        let metadata = Metadata::read(NAME, stored)?;
        let store = context.store_of(metadata.json())?;
        Ok(Value::foreign(ObjectRef::from_metadata(&metadata, Some(store))?))
    }

    /// What is on record of the object; its content stays where it is.
    fn logical_type(&self) -> LogicalType {
        column::logical_type()
    }

    fn render(&self, values: Vec<Value>) -> Result<Rendered, CodecError> {
        Ok(Rendered::Values(values.into_iter().map(column::render).collect()))
    }
}

fn stage_bytes(
    extension: Option<String>,
    content: Bytes,
    context: &mut EncodeContext<'_>,
) -> Result<Value, CodecError> {
    let path = context.schema_path(extension.as_deref().unwrap_or_default())?;
    let metadata = json!({
        "path": path,
        "store": context.store()?.name(),
        "size": content.len(),
        "ext": extension,
        "is_dir": false,
        "item_count": null,
        "timestamp": iso_utc_now(),
        "crc32c": crc32c_hex(&content),
    });
    context.stage(&path, Payload::Bytes(content), Addressing::Schema)?;
    Ok(metadata.into())
}

fn stage_path(source: &Path, context: &mut EncodeContext<'_>) -> Result<Value, CodecError> {
    let failed = |error| local::io_error(NAME, source, error);
    let found = match std::fs::metadata(source) {
        Ok(found) => found,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            return Err(CodecError::SourceNotFound(source.display().to_string()));
        }
        Err(error) => return Err(failed(error)),
    };
    if found.is_dir() {
        return stage_folder(source, context);
    }
    // Python's `suffix`: a leading or trailing dot starts no extension.
    let extension = match source.extension() {
        Some(text) if text.is_empty() => None,
        Some(text) => match text.to_str() {
            Some(text) => Some(format!(".{text}")),
            None => {
                return Err(CodecError::value(
                    NAME,
                    format!("needs a file name in UTF-8, got {}", source.display()),
                ));
            }
        },
        None => None,
    };
    let (size_bytes, crc) = local::size_and_crc32c(source).map_err(failed)?;
    let path = context.schema_path(extension.as_deref().unwrap_or_default())?;
    let metadata = json!({
        "path": path,
        "store": context.store()?.name(),
        "size": size_bytes,
        "ext": extension.unwrap_or_default(),
        "is_dir": false,
        "item_count": null,
        "timestamp": iso_utc_now(),
        "crc32c": format!("{crc:08x}"),
    });
    context.stage(&path, Payload::File(source.to_owned()), Addressing::Schema)?;
    Ok(metadata.into())
}

fn stage_folder(source: &Path, context: &mut EncodeContext<'_>) -> Result<Value, CodecError> {
    let scan = manifest::scan_folder(source)?;
    let path = context.schema_path("")?;
    let metadata = json!({
        "path": path,
        "store": context.store()?.name(),
        "size": scan.total_bytes(),
        "ext": null,
        "is_dir": true,
        "item_count": scan.files.len(),
        "timestamp": iso_utc_now(),
    });
    context.stage(&path, Payload::Folder(source.to_owned()), Addressing::Schema)?;
    Ok(metadata.into())
}

/// Metadata of an object that somebody put into the store before: kept as given, once it is certain that a fetch can
/// follow it without leaving a configured store.
fn staged_already(json: serde_json::Value, context: &EncodeContext<'_>) -> Result<Value, CodecError> {
    let metadata = Metadata::from_json(NAME, json)?;
    SafePath::parse(metadata.text("path")?)?;
    match metadata.optional_text("store")? {
        Some(name) if !name.is_empty() => context.stores.get(Some(name))?,
        _ => context.store()?,
    };
    ObjectRef::from_metadata(&metadata, None)?;
    Ok(metadata.into_json().into())
}
