//! `<npy@>`: an array as a `.npy` file that other programs can open.
//!
//! # What it does
//! Stores an array as one file under a readable path made of the primary key. A fetch gives an
//! [`NpyRef`], which knows shape and type without reading anything and reads slices by byte range.
//!
//! # Specification
//! NumPy's format 1.0 to 3.0, written by [`lapjoint_format::npy`] as `numpy.save(allow_pickle=False)` does: row- or
//! column-major, structured types included, object arrays refused.
//!
//! # Names
//! `<npy@>` and `<npy@store>`; without `@` it is refused.
//!
//! # Stored form
//! ```
//! # let text = r#"
//! {
//!   "path": "_schema/lab/recording/subject=m1/trace_szpx27HL.npy",
//!   "store": "main",
//!   "dtype": "float64",
//!   "shape": [1000, 32],
//!   "crc32c": "5f2a90c1",
//!   "size": 256128
//! }
//! # "#;
//! # let json: serde_json::Value = serde_json::from_str(text)?;
//! # let reference = lapjoint_codec::ObjectReference::from_json(&json);
//! # assert_eq!(reference.and_then(|reference| reference.size_bytes), Some(256_128));
//! # Ok::<(), serde_json::Error>(())
//! ```
//!
//! # Compatibility
//! Files and metadata are DataJoint 2.3's; `crc32c` and `size` are ours, which it ignores. DataJoint stores structured
//! arrays but cannot use what it reads back; here they work.

use bytes::{Bytes, BytesMut};
use lapjoint_format::npy;
use lapjoint_store::{Addressing, Payload};
use lapjoint_types::{CoreType, DType, LogicalType, TypeSpec, Value};
use serde_json::json;

use crate::codec::{Capabilities, Codec, Origin, Place, Rendered};
use crate::context::{DecodeContext, EncodeContext};
use crate::error::CodecError;
use crate::metadata::Metadata;
use crate::npy_ref::NpyRef;

mod records;

const NAME: &str = "npy";

/// The codec `<npy@>`.
#[derive(Debug, Clone, Copy, Default)]
pub struct NpyCodec;

impl Codec for NpyCodec {
    fn name(&self) -> &str {
        NAME
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities { self_describing: true, ..Capabilities::of_references() }
    }

    fn origin(&self) -> Origin {
        Origin::Builtin
    }

    fn summary(&self) -> &str {
        "an array as a .npy file, read lazily and in parts"
    }

    fn dtype(&self, place: Place) -> Result<TypeSpec, CodecError> {
        place.store_only(NAME, CoreType::Json)
    }

    fn validate(&self, value: &Value) -> Result<(), CodecError> {
        match value {
            Value::Array(_) | Value::RecordArray(_) => Ok(()),
            Value::ObjectArray(_) => Err(CodecError::value(NAME, "does not support object dtype arrays")),
            other => {
                Err(CodecError::value(NAME, format!("requires numpy.ndarray, got {}", other.type_name())))
            }
        }
    }

    fn encode(&self, value: Value, context: &mut EncodeContext<'_>) -> Result<Value, CodecError> {
        self.validate(&value)?;
        let array = match value {
            Value::Array(array) => *array,
            Value::RecordArray(records) => records::interleave(&records)?,
            _ => return Ok(Value::Null),
        };
        let path = context.schema_path(".npy")?;
        let header = Bytes::from(npy::header_bytes(&array)?);
        let crc = crc32c::crc32c_append(crc32c::crc32c(&header), array.data());
        let metadata = json!({
            "path": path,
            "store": context.store()?.name(),
            "dtype": array.dtype().to_string(),
            "shape": array.shape(),
            "crc32c": format!("{crc:08x}"),
            "size": header.len() + array.data().len(),
        });
        context.stage(&path, payload(header, array.data().clone()), Addressing::Schema)?;
        Ok(metadata.into())
    }

    fn decode(&self, stored: Value, context: &DecodeContext<'_>) -> Result<Value, CodecError> {
        let metadata = Metadata::read(NAME, stored)?;
        let store = context.store_of(metadata.json())?;
        Ok(Value::foreign(NpyRef::from_metadata(&metadata, store)?))
    }

    /// A tensor: element type and shape are the arrays' own.
    fn logical_type(&self) -> LogicalType {
        LogicalType::Tensor { element: None, shape: None }
    }

    fn logical_type_of(&self, stored: &Value) -> Option<LogicalType> {
        let Value::Json(metadata) = stored else { return None };
        let axis = |size: &serde_json::Value| Some(Some(usize::try_from(size.as_u64()?).ok()?));
        let shape = metadata.get("shape")?.as_array()?.iter().map(axis).collect::<Option<Vec<_>>>()?;
        let element = DType::little(npy::dtype_from_str(metadata.get("dtype")?.as_str()?).ok()?.kind);
        Some(if element.is_number() {
            LogicalType::Tensor { element: Some(element), shape: Some(shape) }
        } else {
            LogicalType::Packed
        })
    }

    /// The arrays themselves, which are read here.
    fn render(&self, values: Vec<Value>) -> Result<Rendered, CodecError> {
        let load = |value: Value| match value.downcast_ref::<NpyRef>() {
            Some(reference) => {
                let array = reference.load()?;
                reference.unload();
                Ok(Value::Array(Box::new(array)))
            }
            None => Ok(value),
        };
        Ok(Rendered::Values(values.into_iter().map(load).collect::<Result<_, CodecError>>()?))
    }
}

/// Arrays up to this size are copied behind their header: one small write is cheaper than several.
const COPIED_BYTES: usize = 256 * 1024;

/// Header and data as one object; a large array is not copied.
fn payload(header: Bytes, data: Bytes) -> Payload {
    if data.len() > COPIED_BYTES {
        return Payload::Chunks(vec![header, data]);
    }
    let mut both = BytesMut::with_capacity(header.len() + data.len());
    both.extend_from_slice(&header);
    both.extend_from_slice(&data);
    Payload::Bytes(both.freeze())
}
