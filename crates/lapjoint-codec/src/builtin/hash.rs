//! `<hash@>`: bytes, stored once per schema under the hash of their content.
//!
//! # What it does
//! Stores bytes as an object whose path is made of their MD5, so that equal bytes of one schema are stored once.
//! Reading compares size and hash with the metadata.
//!
//! # Specification
//! The hash is MD5 in base 32 (RFC 4648), lower case, without padding: 26 letters of `a-z2-7`. The path is
//! `<hash_prefix>/<schema>/[<fold>/…]<hash>`, see [`lapjoint_store::addressing`]. The hash finds and checks objects; it
//! does not protect against someone who forges two contents of one MD5.
//!
//! # Names
//! `<hash@>` and `<hash@store>`; without `@` it is refused. `<blob@>` and `<attach@>` end here.
//!
//! # Stored form
//! ```
//! # let text = r#"
//! {
//!   "hash": "saavbgb42jh3bvuwh56sryl7oi",
//!   "path": "_hash/lab/saavbgb42jh3bvuwh56sryl7oi",
//!   "schema": "lab",
//!   "store": "main",
//!   "size": 5,
//!   "crc32c": "c9944271"
//! }
//! # "#;
//! # let json: serde_json::Value = serde_json::from_str(text)?;
//! # assert_eq!(json["hash"].as_str().map(str::len), Some(26));
//! # Ok::<(), serde_json::Error>(())
//! ```
//!
//! # Compatibility
//! DataJoint 2.3 reads and writes the same; it ignores `crc32c`, which it does not write. `store` is the name of the
//! store that was used, also when the type spec left it to the default.

use bytes::Bytes;
use lapjoint_store::{Addressing, Payload, addressing, crc32c_hex};
use lapjoint_types::{CoreType, LogicalType, TypeSpec, Value};
use serde_json::json;

use crate::codec::{Capabilities, Codec, Origin, Place};
use crate::context::{DecodeContext, EncodeContext};
use crate::error::CodecError;
use crate::metadata::Metadata;

const NAME: &str = "hash";

/// The codec `<hash@>`.
#[derive(Debug, Clone, Copy, Default)]
pub struct HashCodec;

impl Codec for HashCodec {
    fn name(&self) -> &str {
        NAME
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities { inline: false, ..Capabilities::default() }
    }

    fn origin(&self) -> Origin {
        Origin::Builtin
    }

    fn summary(&self) -> &str {
        "bytes in a store, one object per content"
    }

    fn dtype(&self, place: Place) -> Result<TypeSpec, CodecError> {
        place.store_only(NAME, CoreType::Json)
    }

    fn validate(&self, value: &Value) -> Result<(), CodecError> {
        match value {
            Value::Bytes(_) => Ok(()),
            other => Err(CodecError::value(NAME, format!("expects bytes, got {}", other.type_name()))),
        }
    }

    fn encode(&self, value: Value, context: &mut EncodeContext<'_>) -> Result<Value, CodecError> {
        self.validate(&value)?;
        let Value::Bytes(content) = value else { return Ok(Value::Null) };
        let store = context.store()?;
        let hash = addressing::content_hash(&content);
        let path = addressing::hash_path(store.spec(), context.site.schema, &hash)?;
        let metadata = json!({
            "hash": hash,
            "path": path,
            "schema": context.site.schema,
            "store": store.name(),
            "size": content.len(),
            "crc32c": crc32c_hex(&content),
        });
        context.stage(&path, Payload::Bytes(content), Addressing::Hash)?;
        Ok(metadata.into())
    }

    fn logical_type(&self) -> LogicalType {
        LogicalType::Core(CoreType::Bytes)
    }

    fn decode(&self, stored: Value, context: &DecodeContext<'_>) -> Result<Value, CodecError> {
        let metadata = Metadata::read(NAME, stored)?;
        let expected = metadata.text("hash")?;
        let path = metadata.path()?;
        let store = context.store_of(metadata.json())?;
        let content: Bytes = store.get(path)?;
        metadata.check_size(&store, content.len() as u64)?;
        let actual = addressing::content_hash(&content);
        if actual != expected {
            return Err(CodecError::HashMismatch {
                store: store.name().to_owned(),
                path: path.to_owned(),
                expected: expected.to_owned(),
                actual,
            });
        }
        Ok(Value::Bytes(content))
    }
}
