//! Chunks to bytes and back, by the codecs of the `zarrs` crate: the only file that names it.
//!
//! What is read is not believed: what decompresses is given the size that the chunk must have and refused beyond it, and a
//! panic of a library is an error of the chunk.

use std::borrow::Cow;
use std::num::NonZeroU64;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use bytes::Bytes;
use lapjoint_types::{ByteOrder, DType};
use serde_json::{Value as Json, json};
use zarrs::array::{
    ArrayBytes, ArrayMetadataV2, ArrayToBytesCodecTraits as _, BytesRepresentation, BytesToBytesCodecTraits,
    Codec, CodecChain, CodecOptions, DataType, FillValue,
};
use zarrs::metadata::v3::MetadataV3;

use super::{damaged, dtype, inflate};
use crate::error::CodecError;

/// The codecs of chunks of one shape.
pub(super) struct Pipeline {
    /// From an array to bytes.
    head: CodecChain,
    /// From bytes to bytes, in the order of writing.
    tail: Vec<Stage>,
    data_type: DataType,
    fill_value: FillValue,
    dtype: DType,
    shape: Vec<NonZeroU64>,
    /// Size of a decoded chunk.
    raw_bytes: usize,
    /// Size that `head` gives at most.
    head_bytes: usize,
    /// Whether `head` changes nothing but the byte order.
    is_plain: bool,
}

struct Stage {
    name: String,
    codec: Arc<dyn BytesToBytesCodecTraits>,
}

impl std::fmt::Debug for Pipeline {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let tail: Vec<&str> = self.tail.iter().map(|stage| stage.name.as_str()).collect();
        f.debug_struct("Pipeline").field("shape", &self.shape).field("tail", &tail).finish_non_exhaustive()
    }
}

/// Runs code of the library; its panic is an error.
fn guarded<T>(work: impl FnOnce() -> Result<T, CodecError>) -> Result<T, CodecError> {
    catch_unwind(AssertUnwindSafe(work))
        .unwrap_or_else(|_| Err(damaged("the codecs cannot handle it".to_owned())))
}

fn failed(error: impl std::fmt::Display) -> CodecError {
    damaged(error.to_string())
}

/// Codecs work on one thread each: chunks are what is done at once.
fn options() -> CodecOptions {
    CodecOptions::default().with_concurrent_target(1)
}

impl Pipeline {
    /// The pipeline of metadata in the manner of format 3, for chunks of `shape`.
    ///
    /// # Errors
    /// [`CodecError`] for codecs that are unknown or do not fit the type, and for chunks that are too large for any memory.
    pub fn new(codecs: &[Json], dtype: &DType, fill: &Json, shape: &[u64]) -> Result<Self, CodecError> {
        let physical = dtype::physical(dtype);
        let sizes: Option<Vec<NonZeroU64>> = shape.iter().map(|&size| NonZeroU64::new(size)).collect();
        let sizes = sizes.ok_or_else(|| damaged(format!("its chunks have shape {shape:?}")))?;
        let raw_bytes = super::layout::box_bytes(shape, physical.item_bytes())
            .ok_or_else(|| damaged(format!("chunks of shape {shape:?} fit no memory")))?;
        guarded(|| {
            let metadata: MetadataV3 = serde_json::from_value(dtype::write_v3(&physical)).map_err(failed)?;
            let data_type = DataType::from_metadata(&metadata).map_err(failed)?;
            let fill_value = fill_value(&data_type, dtype, fill)?;
            let (mut head, mut tail) = (Vec::new(), Vec::new());
            for codec in codecs {
                let metadata: MetadataV3 = serde_json::from_value(codec.clone()).map_err(failed)?;
                let made = Codec::from_metadata(&metadata).map_err(|error| {
                    damaged(format!(
                        "codec {}: {error}; zarr-python may read it (`.zarr()` of the reference)",
                        metadata.name()
                    ))
                })?;
                match made {
                    Codec::BytesToBytes(codec) => {
                        tail.push(Stage { name: metadata.name().to_owned(), codec });
                    }
                    _ => head.push(metadata),
                }
            }
            let is_plain = matches!(head.as_slice(), [only] if is_plain_bytes(only.name(), codecs));
            let head = CodecChain::from_metadata(&head).map_err(failed)?;
            let size = head.encoded_representation(&sizes, &data_type, &fill_value).map_err(failed)?;
            let (BytesRepresentation::FixedSize(size) | BytesRepresentation::BoundedSize(size)) = size else {
                return Err(damaged("its chunks have elements of no fixed size".to_owned()));
            };
            let head_bytes = usize::try_from(size).map_err(failed)?;
            let (dtype, shape) = (physical, sizes);
            Ok(Self { head, tail, data_type, fill_value, dtype, shape, raw_bytes, head_bytes, is_plain })
        })
    }

    /// Size of a decoded chunk.
    pub const fn raw_bytes(&self) -> usize {
        self.raw_bytes
    }

    /// The element that stands where nothing is stored, little-endian.
    pub fn fill(&self) -> Vec<u8> {
        let mut bytes = self.fill_value.as_ne_bytes().to_vec();
        self.swap_if_big(&mut bytes);
        bytes
    }

    /// Size of an encoded chunk if it is always the same.
    pub fn fixed_bytes(&self) -> Option<usize> {
        match self.tail.as_slice() {
            [] => Some(self.head_bytes),
            [only] if only.name == "crc32c" => self.head_bytes.checked_add(4),
            _ => None,
        }
    }

    /// The engine's arrays are little-endian, the library's have the machine's order.
    fn swap_if_big(&self, data: &mut [u8]) {
        if cfg!(target_endian = "big") {
            dtype::to_little(&DType { kind: self.dtype.kind.clone(), order: ByteOrder::Big }, data);
        }
    }

    /// A chunk's elements, little-endian in row-major order, as stored.
    ///
    /// # Errors
    /// [`CodecError`] when a codec refuses.
    pub fn encode(&self, raw: Cow<'_, [u8]>) -> Result<Bytes, CodecError> {
        let mut raw = raw;
        if cfg!(target_endian = "big") {
            self.swap_if_big(raw.to_mut());
        }
        guarded(|| {
            let mut bytes = self
                .head
                .encode(ArrayBytes::from(raw), &self.shape, &self.data_type, &self.fill_value, &options())
                .map_err(failed)?;
            for stage in &self.tail {
                bytes = stage.codec.encode(bytes, &options()).map_err(failed)?;
            }
            Ok(bytes.into_owned().into())
        })
    }

    /// The elements of a stored chunk, little-endian in row-major order.
    ///
    /// # Errors
    /// [`CodecError`] when the bytes are not such a chunk.
    pub fn decode(&self, stored: &[u8]) -> Result<Vec<u8>, CodecError> {
        let mut bytes = Cow::Borrowed(stored);
        for (index, stage) in self.tail.iter().enumerate().rev() {
            let at_most = self.size_after(index);
            bytes = Cow::Owned(self.undo(stage, &bytes, at_most)?);
        }
        guarded(|| {
            if bytes.len() > self.head_bytes || (self.is_plain && bytes.len() != self.raw_bytes) {
                return Err(self.wrong_size(bytes.len()));
            }
            let decoded = self
                .head
                .decode(bytes, &self.shape, &self.data_type, &self.fill_value, &options())
                .map_err(failed)?;
            let mut raw = decoded.into_fixed().map_err(failed)?.into_owned();
            if raw.len() != self.raw_bytes {
                return Err(self.wrong_size(raw.len()));
            }
            self.swap_if_big(&mut raw);
            Ok(raw)
        })
    }

    /// The same into the place where the elements belong; saves a copy for the most common codecs.
    ///
    /// # Errors
    /// As [`decode`](Self::decode).
    pub fn decode_into(&self, stored: &[u8], target: &mut [u8]) -> Result<(), CodecError> {
        if self.is_plain && target.len() == self.raw_bytes && cfg!(target_endian = "little") {
            match self.tail.as_slice() {
                [] if stored.len() == target.len() => {
                    target.copy_from_slice(stored);
                    return Ok(());
                }
                [only] if only.name == "zstd" => return inflate::zstd_into(stored, target),
                _ => {}
            }
        }
        let raw = self.decode(stored)?;
        if raw.len() != target.len() {
            return Err(self.wrong_size(raw.len()));
        }
        target.copy_from_slice(&raw);
        Ok(())
    }

    fn wrong_size(&self, actual_bytes: usize) -> CodecError {
        damaged(format!("it decodes to {actual_bytes} bytes, expected {}", self.raw_bytes))
    }

    /// What the stages before `index` can have made of the chunk at most.
    fn size_after(&self, index: usize) -> usize {
        (0..index).fold(self.head_bytes, |size, _| size.saturating_add(size / 8).saturating_add(1 << 16))
    }

    fn undo(&self, stage: &Stage, bytes: &[u8], at_most: usize) -> Result<Vec<u8>, CodecError> {
        match stage.name.as_str() {
            "zstd" | "numcodecs.zstd" => inflate::zstd(bytes, at_most),
            "gzip" | "numcodecs.gzip" => inflate::gzip(bytes, at_most),
            "zlib" | "numcodecs.zlib" => inflate::zlib(bytes, at_most),
            name => {
                if name.ends_with("blosc") {
                    inflate::check_blosc(bytes, at_most)?;
                } else if !matches!(name, "crc32c" | "numcodecs.shuffle") {
                    return Err(damaged(format!(
                        "codec {name} is not read here: open it with zarr-python (`.zarr()`)"
                    )));
                }
                guarded(|| {
                    let size = BytesRepresentation::BoundedSize(at_most as u64);
                    let undone =
                        stage.codec.decode(Cow::Borrowed(bytes), &size, &options()).map_err(failed)?;
                    Ok(undone.into_owned())
                })
            }
        }
    }
}

/// Whether the codec named is `bytes` in little-endian order.
fn is_plain_bytes(name: &str, codecs: &[Json]) -> bool {
    let is_big =
        |codec: &Json| codec.pointer("/configuration/endian").is_some_and(|endian| endian != "little");
    name == "bytes" && !codecs.iter().any(is_big)
}

fn fill_value(data_type: &DataType, dtype: &DType, fill: &Json) -> Result<FillValue, CodecError> {
    let fill = match fill {
        Json::Null => dtype::zero(dtype),
        Json::String(text) if text == "NaT" => json!(i64::MIN),
        // Format 2 writes truth values as numbers, too.
        Json::Number(number) if data_type.fixed_size() == Some(1) && *dtype == DType::BOOL => {
            json!(number.as_f64() != Some(0.0))
        }
        other => other.clone(),
    };
    let wrong = |error: &dyn std::fmt::Display| damaged(format!("its fill value {fill}: {error}"));
    let metadata = serde_json::from_value(fill.clone()).map_err(|error| wrong(&error))?;
    data_type.fill_value_v3(&metadata).map_err(|error| wrong(&error))
}

/// The codecs of format 2 in the manner of format 3.
///
/// # Errors
/// [`CodecError`] for filters and compressors that are unknown.
pub(super) fn codecs_of_v2(metadata: &Json, dtype: &DType, is_big: bool) -> Result<Vec<Json>, CodecError> {
    let order = if is_big { ByteOrder::Big } else { ByteOrder::Little };
    let physical = DType { kind: dtype::physical(dtype).kind, order };
    let mut metadata = metadata.clone();
    if let Some(fields) = metadata.as_object_mut() {
        fields.insert("dtype".into(), json!(physical.typestr()));
        fields.insert("fill_value".into(), dtype::zero(dtype));
    }
    guarded(|| {
        let unsupported = |error: &dyn std::fmt::Display| {
            damaged(format!("{error}; zarr-python may read it (`.zarr()` of the reference)"))
        };
        let v2: ArrayMetadataV2 = serde_json::from_value(metadata).map_err(failed)?;
        let v3 = zarrs::convert::array_metadata_v2_to_v3(&v2).map_err(|error| unsupported(&error))?;
        v3.codecs.iter().map(|codec| serde_json::to_value(codec).map_err(failed)).collect()
    })
}
