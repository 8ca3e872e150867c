//! `<blob>`: any value, serialised.
//!
//! # What it does
//! Packs a value (numbers, text, containers, arrays, dates, UUIDs, MATLAB containers) into DataJoint's blob format, in
//! the table's own column or, with `@`, in a hash-addressed object. Equal values share one object per schema.
//!
//! # Specification
//! The blob format: [`lapjoint_format::blob`]. Protocols `mYm` and `dj0`, zlib above 1,000 bytes where it helps.
//!
//! # Names
//! `<blob>` is `bytes`; `<blob@>` and `<blob@store>` are `<hash@…>`.
//!
//! # Stored form
//! Inline, the bytes of the blob. In a store, the bytes under the path that the metadata of `<hash@>` names:
//!
//! ```
//! # let text = r#"
//! {
//!   "hash": "saavbgb42jh3bvuwh56sryl7oi",
//!   "path": "_hash/lab/saavbgb42jh3bvuwh56sryl7oi",
//!   "schema": "lab",
//!   "store": "main",
//!   "size": 31,
//!   "crc32c": "1b2f8e0a"
//! }
//! # "#;
//! # let json: serde_json::Value = serde_json::from_str(text)?;
//! # assert!(lapjoint_codec::ObjectReference::from_json(&json).is_some());
//! # Ok::<(), serde_json::Error>(())
//! ```
//!
//! # Compatibility
//! Byte for byte what DataJoint 2.3 writes and reads, uncompressed; zlib streams may differ in their bytes but not in
//! their content. A value that the format cannot hold is refused, never altered.

use std::sync::atomic::{AtomicBool, Ordering};

use lapjoint_format::blob::{self, PackOptions, UnpackOptions};
use lapjoint_types::{CodecSpec, CoreType, LogicalType, StoreRef, TypeSpec, Value};

use crate::codec::{Capabilities, Codec, Origin, Place};
use crate::context::{DecodeContext, EncodeContext};
use crate::error::CodecError;

static DIMS_32BIT: AtomicBool = AtomicBool::new(false);

/// Whether this process reads blobs as those of the old 32-bit mYm, whose sizes have 32 bits. Nothing in such a blob says so.
/// Writing is not affected.
pub fn read_dims_32bit(old: bool) {
    DIMS_32BIT.store(old, Ordering::Relaxed);
}

/// The codec `<blob>`.
#[derive(Debug, Clone, Copy, Default)]
pub struct BlobCodec;

impl Codec for BlobCodec {
    fn name(&self) -> &str {
        "blob"
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities { self_describing: true, ..Capabilities::default() }
    }

    fn origin(&self) -> Origin {
        Origin::Builtin
    }

    fn summary(&self) -> &str {
        "any value, serialised in DataJoint's blob format"
    }

    /// The protocol, where the bytes are at hand.
    fn version_of(&self, stored: &Value) -> Option<String> {
        match stored {
            Value::Bytes(bytes) => blob::protocol(bytes).map(str::to_owned),
            _ => None,
        }
    }

    fn dtype(&self, place: Place) -> Result<TypeSpec, CodecError> {
        Ok(bytes_or_hash(place))
    }

    fn encode(&self, value: Value, context: &mut EncodeContext<'_>) -> Result<Value, CodecError> {
        let never = AtomicBool::new(false);
        let packed = blob::pack_until(&value, &PackOptions::default(), context.stop.unwrap_or(&never))?;
        Ok(Value::Bytes(packed))
    }

    /// Whatever the values are: arrays of one axis are lists, others tensors, dicts structs; what is of no one kind stays packed.
    fn logical_type(&self) -> LogicalType {
        LogicalType::Content
    }

    fn decode(&self, stored: Value, _context: &DecodeContext<'_>) -> Result<Value, CodecError> {
        match stored {
            Value::Bytes(bytes) => {
                let mut options = UnpackOptions::default();
                options.dims_32bit = DIMS_32BIT.load(Ordering::Relaxed);
                Ok(blob::unpack_with(bytes, &options)?)
            }
            other => Err(CodecError::stored("blob", format!("expected bytes, got {}", other.type_name()))),
        }
    }
}

/// `bytes` in the table, `<hash>` in a store: the next type of the codecs that make bytes.
pub(crate) fn bytes_or_hash(place: Place) -> TypeSpec {
    match place {
        Place::Inline => TypeSpec::Core(CoreType::Bytes),
        Place::Store => TypeSpec::Codec(CodecSpec { name: "hash".into(), store: StoreRef::Inline }),
    }
}
