//! `<gzcm@>`: a contact matrix in compressed tiles, of which windows are read.
//!
//! # What it does
//! Stores a matrix as one GZCM file under a readable path made of the primary key. A fetch gives a [`GzcmRef`], which knows
//! shape and type without reading anything and decodes only the tiles that a window touches.
//!
//! The value is an array of two dimensions, the path of a file (`.cool`, `.mcool`, `.hic`, `.gzcm` or text), or a
//! [`GzcmSource`]: either of them, or the cells of a sparse matrix, with [options](GzcmOptions). Without options: tiles of 256,
//! codec `zstd`, a sparse layout where less than 5 % of the cells are filled. Of a matrix that equals its transpose one triangle
//! is stored.
//!
//! # Specification
//! GZCM version 5.1, by the crate `gzcm`: frames with checksums, codecs whose wire formats the file declares, the index at the
//! end.
//!
//! # Names
//! `<gzcm@>` and `<gzcm@store>`; without `@` it is refused.
//!
//! # Stored form
//! ```
//! # let text = r#"
//! {
//!   "path": "_schema/lab/hi_c/sample=s1/contacts_szpx27HL.gzcm",
//!   "store": "main",
//!   "shape": [2522, 2522],
//!   "dtype": "uint32",
//!   "nnz": 2125980,
//!   "chromosomes": ["chr20"],
//!   "bin_size_bp": 25000,
//!   "codec": "zstd",
//!   "codec_version": "1.0",
//!   "provenance": {"lapjoint": "0.1.0"},
//!   "size": 1956120,
//!   "crc32c": "5f2a90c1"
//! }
//! # "#;
//! # let json: serde_json::Value = serde_json::from_str(text)?;
//! # let reference = lapjoint::codec::ObjectReference::from_json(&json);
//! # assert_eq!(reference.and_then(|reference| reference.size_bytes), Some(1_956_120));
//! # Ok::<(), serde_json::Error>(())
//! ```
//! Shape, type, number of contacts and size of bins are those of the file's first region; files of several resolutions or pairs of
//! chromosomes have more of them. `bin_size_bp` and `chromosomes` are missing where they are not known.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use ::gzcm::container::catalog::Storage;
use ::gzcm::reader::Reader;
use lapjoint_codec::{
    Capabilities, Codec, CodecError, DecodeContext, EncodeContext, Metadata, Origin, Place, Registry,
    Rendered,
};
use lapjoint_store::Addressing;
use lapjoint_types::{CoreType, DType, LogicalType, TypeSpec, Value};
use serde_json::{Value as Json, json};

mod elements;
mod encode;
mod reference;
mod source;
mod stored;
#[cfg(test)]
mod tests;

pub use reference::{GzcmRef, SparseWindow};
pub use source::{GzcmOptions, GzcmSource};
pub use stored::StoredFile;

const NAME: &str = "gzcm";

/// Version of the metadata and of what the file may hold.
const CODEC_VERSION: &str = "1.0";

/// Chromosomes that are listed in the metadata; drafts of genomes have very many.
const MOST_CHROMOSOMES: usize = 200;

/// Adds the codec to a registry. It yields its name: a codec of the user's or of a plugin that has it stays.
pub fn install(registry: &Registry) {
    // The name is valid, and a codec that yields is never refused.
    let _ = registry.register(Arc::new(GzcmCodec));
}

/// The codec `<gzcm@>`.
#[derive(Debug, Clone, Copy, Default)]
pub struct GzcmCodec;

impl Codec for GzcmCodec {
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
        "a contact matrix in compressed tiles, read lazily and by windows"
    }

    fn dtype(&self, place: Place) -> Result<TypeSpec, CodecError> {
        place.store_only(NAME, CoreType::Json)
    }

    fn validate(&self, value: &Value) -> Result<(), CodecError> {
        GzcmSource::of_value(value)?.validate()
    }

    fn encode(&self, value: Value, context: &mut EncodeContext<'_>) -> Result<Value, CodecError> {
        let source = GzcmSource::of_value(&value)?;
        let written = encode::encode(&source, &|| context.stop.is_some_and(stopped))?;
        let path = context.schema_path(".gzcm")?;
        let mut metadata = json!({"path": path, "store": context.store()?.name()});
        if let Some(metadata) = metadata.as_object_mut() {
            metadata.extend(describe(&written.reader));
            metadata.insert("size".into(), written.size_bytes.into());
            metadata.insert("crc32c".into(), format!("{:08x}", written.crc32c).into());
        }
        context.stage(&path, written.payload, Addressing::Schema)?;
        Ok(metadata.into())
    }

    fn decode(&self, stored: Value, context: &DecodeContext<'_>) -> Result<Value, CodecError> {
        let metadata = Metadata::read(NAME, stored)?;
        let store = context.store_of(metadata.json())?;
        Ok(Value::foreign(GzcmRef::from_metadata(metadata, store)?))
    }

    /// A tensor: element type and shape are the matrices' own.
    fn logical_type(&self) -> LogicalType {
        LogicalType::Tensor { element: None, shape: None }
    }

    fn logical_type_of(&self, stored: &Value) -> Option<LogicalType> {
        let Value::Json(metadata) = stored else { return None };
        let axis = |size: &Json| Some(Some(usize::try_from(size.as_u64()?).ok()?));
        let shape = metadata.get("shape")?.as_array()?.iter().map(axis).collect::<Option<Vec<_>>>()?;
        let dtype = ::gzcm::Dtype::parse(metadata.get("dtype")?.as_str()?).ok()?;
        Some(LogicalType::Tensor { element: Some(elements::dtype(dtype)), shape: Some(shape) })
    }

    /// The matrices themselves, dense, which are read here.
    fn render(&self, values: Vec<Value>) -> Result<Rendered, CodecError> {
        let load = |value: Value| match value.downcast_ref::<GzcmRef>() {
            Some(reference) => Ok(Value::Array(Box::new(reference.load()?))),
            None => Ok(value),
        };
        Ok(Rendered::Values(values.into_iter().map(load).collect::<Result<_, CodecError>>()?))
    }

    /// By the contacts of all regions: dense, a genome would fit no memory.
    fn is_same(&self, a: &Value, b: &Value) -> Result<Option<bool>, CodecError> {
        match (a.downcast_ref::<GzcmRef>(), b.downcast_ref::<GzcmRef>()) {
            (Some(a), Some(b)) => a.is_same(b).map(Some),
            _ => Ok(None),
        }
    }
}

fn stopped(stop: &AtomicBool) -> bool {
    stop.load(Ordering::Relaxed)
}

/// The metadata that a file's content gives.
fn describe(reader: &Reader) -> serde_json::Map<String, Json> {
    let mut metadata = serde_json::Map::new();
    let catalog = reader.catalog();
    let Some(entry) = catalog.regions.first() else { return metadata };
    let region = &entry.region;
    metadata.insert("shape".into(), json!([region.n_rows, region.n_cols]));
    metadata.insert("dtype".into(), region.dtype.name().into());
    if let Storage::Tiles(tiles) = &entry.storage {
        let nnz: Option<u64> = tiles.iter().map(|tile| tile.nnz.map(u64::from)).sum();
        metadata.insert("nnz".into(), nnz.into());
    }
    let mut names: Vec<&str> = catalog.chromosomes.iter().map(|known| known.name.as_str()).collect();
    if names.is_empty() && region.chrom1 != source::NO_CHROMOSOME {
        names.extend([region.chrom1.as_str(), region.chrom2.as_str()]);
        names.dedup();
    }
    if !names.is_empty() && names.len() <= MOST_CHROMOSOMES {
        metadata.insert("chromosomes".into(), names.into());
    }
    if region.chrom1 != source::NO_CHROMOSOME {
        metadata.insert("bin_size_bp".into(), region.bin_size_bp.into());
    }
    metadata.insert("codec".into(), entry.plan.codec.clone().into());
    metadata.insert("codec_version".into(), CODEC_VERSION.into());
    metadata.insert("provenance".into(), json!({"lapjoint": env!("CARGO_PKG_VERSION")}));
    metadata
}

/// The array type of an element type, little-endian.
#[must_use]
pub fn array_dtype(dtype: ::gzcm::Dtype) -> DType {
    elements::dtype(dtype)
}
