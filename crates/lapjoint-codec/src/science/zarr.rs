//! `<zarr@>`: an array in chunks, as a Zarr folder that any Zarr library opens.
//!
//! # What it does
//! Stores an array as a folder of compressed chunks under a readable path made of the primary key. Chunks are compressed
//! while they are uploaded, many at once. A fetch gives a [`ZarrRef`], which knows shape and type without reading anything and
//! decodes only the chunks that a selection touches.
//!
//! The value is an array, or a [`ZarrSource`]: an array with options (chunks, shards, codec, format, attributes), or slabs
//! taken one by one by a [`ZarrSpool`]. Without options: format 3, zstd at level 3, chunks of 4 to 16 MB along the leading
//! axis.
//!
//! # Specification
//! The Zarr core specification, version 3 (<https://zarr-specs.readthedocs.io/en/latest/v3/core/index.html>), with the codecs
//! `bytes`, `zstd`, `gzip`, `blosc`, `crc32c`, `transpose` and `sharding_indexed`; and the storage specification of version 2.
//! Elements are truth values, integers, floats (16 to 64 bits) and complex numbers, `datetime64` and `timedelta64` with a unit
//! (`numpy.datetime64`, `numpy.timedelta64`). They are written little-endian, chunks in row-major order. Every chunk of an
//! array is written, also where all elements are zero: a missing file is a loss that shows.
//!
//! # Names
//! `<zarr@>` and `<zarr@store>`; without `@` it is refused.
//!
//! # Stored form
//! ```
//! # let text = r#"
//! {
//!   "path": "_schema/lab/recording/subject=m1/trace_szpx27HL.zarr",
//!   "store": "main",
//!   "shape": [1000, 32],
//!   "dtype": "float64",
//!   "codec_version": "1.0",
//!   "provenance": {"lapjoint": "0.1.0"},
//!   "is_dir": true,
//!   "zarr_format": 3
//! }
//! # "#;
//! # let json: serde_json::Value = serde_json::from_str(text)?;
//! # let reference = lapjoint_codec::ObjectReference::from_json(&json);
//! # assert!(reference.is_some_and(|reference| reference.is_dir));
//! # Ok::<(), serde_json::Error>(())
//! ```
//! Beside the folder stands its manifest, with size and CRC-32C of each file (see [`lapjoint_store::manifest`]).
//!
//! # Compatibility
//! `path`, `store`, `shape`, `dtype` and `provenance` are dj-zarr-codecs'; the other keys are ours, which it ignores. Either
//! reads the other's arrays. What it wrote has no manifest, so reads of it cannot be verified. Texts, bytes and structures are
//! refused on insert; arrays of them that others wrote open with zarr-python.

use lapjoint_store::{Addressing, Payload};
use lapjoint_types::{CoreType, DType, LogicalType, TypeSpec, Value};
use serde_json::json;

use crate::codec::{Capabilities, Codec, Origin, Place, Rendered};
use crate::context::{DecodeContext, EncodeContext};
use crate::error::CodecError;
use crate::metadata::Metadata;
use crate::reference::ObjectReference;

mod copy;
mod dtype;
mod encode;
mod engine;
mod files;
mod inflate;
mod layout;
mod memory;
mod options;
mod read;
mod reference;
mod select;
#[cfg(feature = "photon")]
mod slabs;
mod source;
#[cfg(test)]
mod tests;

pub use options::ZarrOptions;
pub use reference::ZarrRef;
pub use select::Pick;
#[cfg(feature = "photon")]
pub(in crate::science) use slabs::{Slabs, computed};
pub use source::{ZarrSource, ZarrSpool};

const NAME: &str = "zarr";

/// Version of the metadata and of what the folder may hold.
const CODEC_VERSION: &str = "1.0";

/// Stored bytes that are no array that this codec reads.
fn damaged(message: String) -> CodecError {
    CodecError::stored(NAME, message)
}

/// The codec `<zarr@>`.
#[derive(Debug, Clone, Copy, Default)]
pub struct ZarrCodec;

impl Codec for ZarrCodec {
    fn name(&self) -> &str {
        NAME
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities { self_describing: true, ..Capabilities::of_references() }
    }

    fn origin(&self) -> Origin {
        Origin::Builtin
    }

    fn yields(&self) -> bool {
        true
    }

    fn format_version(&self) -> Option<String> {
        Some(CODEC_VERSION.to_owned())
    }

    fn summary(&self) -> &str {
        "an array in compressed chunks as a Zarr folder, read lazily and in parts"
    }

    fn dtype(&self, place: Place) -> Result<TypeSpec, CodecError> {
        place.store_only(NAME, CoreType::Json)
    }

    fn validate(&self, value: &Value) -> Result<(), CodecError> {
        match value {
            Value::Array(array) => {
                let shape: Vec<u64> = array.shape().iter().map(|&size| size as u64).collect();
                ZarrOptions::default().layout(array.dtype(), &shape).map(drop)
            }
            Value::Foreign(source) if source.as_any().is::<ZarrSource>() => Ok(()),
            Value::ObjectArray(_) => Err(CodecError::value(NAME, "does not support object dtype arrays")),
            Value::RecordArray(_) => Err(CodecError::value(
                NAME,
                "does not support structured arrays: store their fields apart, or the array in <npy@>",
            )),
            other => Err(CodecError::value(
                NAME,
                format!(
                    "requires a NumPy array, Zarr array or iterator of arrays, got {}",
                    other.type_name()
                ),
            )),
        }
    }

    fn encode(&self, value: Value, context: &mut EncodeContext<'_>) -> Result<Value, CodecError> {
        self.validate(&value)?;
        let plain;
        let source = match &value {
            Value::Array(array) => {
                plain = ZarrSource::new(array.as_ref().clone(), ZarrOptions::default());
                &plain
            }
            Value::Foreign(source) => match source.as_any().downcast_ref::<ZarrSource>() {
                Some(source) => source,
                None => return Ok(Value::Null),
            },
            _ => return Ok(Value::Null),
        };
        let (layout, files) = source.files()?;
        let path = context.schema_path(".zarr")?;
        let metadata = json!({
            "path": path,
            "store": context.store()?.name(),
            "shape": layout.shape,
            "dtype": layout.dtype.to_string(),
            "codec_version": CODEC_VERSION,
            "provenance": {"lapjoint": env!("CARGO_PKG_VERSION")},
            "is_dir": true,
            "zarr_format": layout.format,
        });
        context.stage(&path, Payload::Made(files), Addressing::Schema)?;
        Ok(metadata.into())
    }

    fn decode(&self, stored: Value, context: &DecodeContext<'_>) -> Result<Value, CodecError> {
        let metadata = Metadata::read(NAME, stored)?;
        let store = context.store_of(metadata.json())?;
        Ok(Value::foreign(ZarrRef::from_metadata(&metadata, store)?))
    }

    /// A tensor: element type and shape are the arrays' own.
    fn logical_type(&self) -> LogicalType {
        LogicalType::Tensor { element: None, shape: None }
    }

    fn logical_type_of(&self, stored: &Value) -> Option<LogicalType> {
        let Value::Json(metadata) = stored else { return None };
        let axis = |size: &serde_json::Value| Some(Some(usize::try_from(size.as_u64()?).ok()?));
        let shape = metadata.get("shape")?.as_array()?.iter().map(axis).collect::<Option<Vec<_>>>()?;
        let element = lapjoint_format::npy::dtype_from_str(metadata.get("dtype")?.as_str()?).ok()?;
        let element = DType::little(element.kind);
        Some(if element.is_number() {
            LogicalType::Tensor { element: Some(element), shape: Some(shape) }
        } else {
            LogicalType::Packed
        })
    }

    /// The arrays themselves, which are read here.
    fn render(&self, values: Vec<Value>) -> Result<Rendered, CodecError> {
        let load = |value: Value| match value.downcast_ref::<ZarrRef>() {
            Some(reference) => Ok(Value::Array(Box::new(reference.load()?))),
            None => Ok(value),
        };
        Ok(Rendered::Values(values.into_iter().map(load).collect::<Result<_, CodecError>>()?))
    }

    /// The folder: dj-zarr-codecs does not say that it is one.
    fn references(&self, stored: &Value) -> Result<Vec<ObjectReference>, CodecError> {
        let mut references = ObjectReference::from_metadata(stored)?;
        references.iter_mut().for_each(|reference| reference.is_dir = true);
        Ok(references)
    }
}
