//! `<filepath@>`: a file that is in a store already, and stays the user's.
//!
//! # What it does
//! Records the path of a file or folder that lies in a store. Nothing is copied, and nothing is ever deleted: the file
//! belongs to whoever put it there. A fetch gives an [`ObjectRef`].
//!
//! # Specification
//! The value is text: a path relative to the store's root, outside of the sections that hold managed objects
//! (`hash_prefix`, `schema_prefix`), and within `filepath_prefix` where the store sets one. The file must exist. Paths
//! that could leave the store are refused.
//!
//! # Names
//! `<filepath@store>`, or `<filepath@>` for the store of `stores.filepath_default`; without `@` it is refused.
//!
//! # Stored form
//! ```
//! # let text = r#"
//! {
//!   "path": "subject01/session001/data.bin",
//!   "store": "acquisition",
//!   "size": 1048576,
//!   "is_dir": false,
//!   "timestamp": "2026-01-02T03:04:05.678901+00:00"
//! }
//! # "#;
//! # let json: serde_json::Value = serde_json::from_str(text)?;
//! # assert!(!lapjoint_codec::ObjectRef::from_json(&json)?.is_dir);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//! Folders have a `size` of null.
//!
//! # Compatibility
//! DataJoint 2.3 reads and writes the same. It keeps no checksum of such files, because they may change; nor do we.

use lapjoint_store::Stores;
use lapjoint_types::{CoreType, LogicalType, TypeSpec, Value};
use serde_json::json;

use crate::codec::{Capabilities, Codec, Origin, Place, Rendered};
use crate::context::{DecodeContext, EncodeContext};
use crate::error::CodecError;
use crate::metadata::Metadata;
use crate::object_ref::{ObjectRef, column};
use crate::reference::ObjectReference;

const NAME: &str = "filepath";

/// The codec `<filepath@>`.
#[derive(Debug, Clone, Copy, Default)]
pub struct FilepathCodec;

impl Codec for FilepathCodec {
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
        "a file that is in a store already, and stays the user's"
    }

    fn dtype(&self, place: Place) -> Result<TypeSpec, CodecError> {
        place.store_only(NAME, CoreType::Json)
    }

    fn default_store(&self, stores: &Stores) -> Result<String, CodecError> {
        Ok(stores.read(|config| config.filepath_store_spec(None))?.name)
    }

    fn validate(&self, value: &Value) -> Result<(), CodecError> {
        match value {
            Value::Str(_) => Ok(()),
            other => Err(CodecError::value(
                NAME,
                format!("expects a path string or Path, got {}", other.type_name()),
            )),
        }
    }

    fn encode(&self, value: Value, context: &mut EncodeContext<'_>) -> Result<Value, CodecError> {
        self.validate(&value)?;
        let Value::Str(path) = value else { return Ok(Value::Null) };
        let store = context.stores.get_for_filepath(context.store_name)?;
        let path = lapjoint_store::filepath::check(store.spec(), &path)?;
        let size_bytes = store.head(&path)?.map(|found| found.size_bytes);
        let is_dir = size_bytes.is_none() && store.is_folder(&path)?;
        if size_bytes.is_none() && !is_dir {
            return Err(CodecError::FileNotFound(format!(
                "File not found in store '{}': {path}",
                store.name()
            )));
        }
        Ok(json!({
            "path": path,
            "store": store.name(),
            "size": size_bytes,
            "is_dir": is_dir,
            "timestamp": lapjoint_store::iso_utc_now(),
        })
        .into())
    }

    fn decode(&self, stored: Value, context: &DecodeContext<'_>) -> Result<Value, CodecError> {
        let metadata = Metadata::read(NAME, stored)?;
        let named = metadata.optional_text("store")?.filter(|name| !name.is_empty());
        let store = context.stores.get_for_filepath(named.or(context.store_name))?;
        Ok(Value::foreign(ObjectRef::from_metadata(&metadata, Some(store))?))
    }

    /// What is on record of the object; its content stays where it is.
    fn logical_type(&self) -> LogicalType {
        column::logical_type()
    }

    fn render(&self, values: Vec<Value>) -> Result<Rendered, CodecError> {
        Ok(Rendered::Values(values.into_iter().map(column::render).collect()))
    }

    fn references(&self, stored: &Value) -> Result<Vec<ObjectReference>, CodecError> {
        let mut references = ObjectReference::from_metadata(stored)?;
        for reference in &mut references {
            reference.owned = false;
        }
        Ok(references)
    }
}
