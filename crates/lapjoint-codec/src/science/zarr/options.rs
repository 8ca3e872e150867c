//! How an array is to be stored: what the user asks for, and what is chosen otherwise.

use lapjoint_types::{DType, Kind};
use serde_json::{Map, Value as Json, json};

use super::layout::{Keys, Layout, Shard, box_bytes};
use super::{NAME, dtype};
use crate::error::CodecError;

/// Chunks are chosen up to this size.
const CHUNK_BYTES: u64 = 8 << 20;

/// An array up to this size is one chunk.
const WHOLE_BYTES: u64 = 16 << 20;

/// Shards are chosen up to this size.
const SHARD_BYTES: u64 = 256 << 20;

/// What blosc can compress at once.
const BLOSC_BYTES: usize = 2_147_483_647 - 16;

/// What the user asks for; what is not said is chosen.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ZarrOptions {
    /// Shape of a chunk.
    pub chunks: Option<Vec<u64>>,
    /// Shape of a shard, a multiple of the chunks'.
    pub shards: Option<Vec<u64>>,
    /// Chunks in shards of a size that is chosen.
    pub sharded: bool,
    /// Compression: `zstd`, `gzip`, `blosc` or `none`, or an object with `name` and settings of that codec.
    pub codec: Option<Json>,
    /// Zarr format, 2 or 3; 3 by default.
    pub format: Option<u8>,
    /// Attributes of the array.
    pub attributes: Map<String, Json>,
}

fn wrong(message: impl Into<String>) -> CodecError {
    CodecError::value(NAME, message)
}

impl ZarrOptions {
    /// Options in JSON: an object with any of `chunks`, `shards`, `codec`, `zarr_format`, `attrs`.
    ///
    /// # Errors
    /// [`CodecError::Value`] naming what is not understood.
    pub fn from_json(json: &Json) -> Result<Self, CodecError> {
        let object =
            json.as_object().ok_or_else(|| wrong(format!("options must be an object, got {json}")))?;
        let mut options = Self::default();
        for (name, value) in object.iter().filter(|(_, value)| !value.is_null()) {
            match name.as_str() {
                "chunks" => options.chunks = Some(sizes(name, value)?),
                "shards" if value.is_boolean() => options.sharded = value == true,
                "shards" => options.shards = Some(sizes(name, value)?),
                "codec" => options.codec = Some(value.clone()),
                "zarr_format" => match value.as_u64() {
                    Some(2) => options.format = Some(2),
                    Some(3) => options.format = Some(3),
                    _ => return Err(wrong(format!("zarr_format must be 2 or 3, got {value}"))),
                },
                "attrs" => match value.as_object() {
                    Some(attributes) => options.attributes = attributes.clone(),
                    None => return Err(wrong(format!("attrs must be a dict, got {value}"))),
                },
                other => {
                    return Err(wrong(format!(
                        "has no option {other:?}: there are chunks, shards, codec, zarr_format and attrs"
                    )));
                }
            }
        }
        Ok(options)
    }

    /// The layout of an array. The first axis may be longer than known: it then counts as `rows` for the choice of chunks.
    ///
    /// # Errors
    /// [`CodecError::Value`] for a type that Zarr has not, and for options that contradict each other or the array.
    pub(super) fn layout(&self, dtype: &DType, shape: &[u64]) -> Result<Layout, CodecError> {
        if !dtype::is_storable(dtype) {
            let remedy = match dtype.kind {
                Kind::DateTime { .. } | Kind::TimeDelta { .. } => "give it a unit, such as datetime64[us]",
                _ => "store it in <npy@> or <blob@>",
            };
            return Err(wrong(format!("has no type for elements of {dtype}; {remedy}")));
        }
        let format = self.format.unwrap_or(3);
        let item_bytes = dtype.item_bytes();
        let chunks = match &self.chunks {
            Some(chunks) => {
                check_shape("chunks", chunks, shape)?;
                chunks.clone()
            }
            None => match &self.shards {
                // Chunks that divide the shards asked for.
                Some(shards) if shards.len() == shape.len() => choose(shards, item_bytes as u64)
                    .iter()
                    .zip(shards)
                    .map(|(&n, &all)| divisor(all, n))
                    .collect(),
                _ => choose(shape, item_bytes as u64),
            },
        };
        let file_shape = match (&self.shards, self.sharded) {
            (Some(shards), _) => {
                check_shape("shards", shards, shape)?;
                if chunks.iter().zip(shards).any(|(chunk, shard)| !shard.is_multiple_of(*chunk)) {
                    return Err(wrong(format!("shards {shards:?} must be multiples of chunks {chunks:?}")));
                }
                shards.clone()
            }
            (None, true) => shard_of(&chunks, shape, item_bytes as u64),
            (None, false) => chunks.clone(),
        };
        let is_sharded = self.sharded || self.shards.is_some();
        if is_sharded && format == 2 {
            return Err(wrong("format 2 has no shards: leave out shards, or zarr_format=2"));
        }
        let chunk_bytes = box_bytes(&chunks, item_bytes);
        if chunk_bytes.is_none() || box_bytes(&file_shape, item_bytes).is_none() {
            return Err(wrong(format!("chunks {chunks:?} fit no memory")));
        }
        // Zstandard over the bits of equal weight: of numbers it makes no more than Zstandard alone at its default level, several times as
        // fast (docs/benchmarks.md). What blosc does not take, Zstandard does.
        let is_blosc = chunk_bytes.is_some_and(|bytes| bytes <= BLOSC_BYTES);
        let default = if is_blosc {
            json!({"name": "blosc", "clevel": 3, "shuffle": "bitshuffle"})
        } else {
            json!("zstd")
        };
        let (name, settings) = compression(self.codec.as_ref().unwrap_or(&default), dtype)?;
        if name == "blosc" && chunk_bytes.is_some_and(|bytes| bytes > BLOSC_BYTES) {
            return Err(wrong(format!("blosc takes chunks up to 2 GiB, chunks {chunks:?} are larger")));
        }
        let bytes = if item_bytes > 1 {
            json!({"name": "bytes", "configuration": {"endian": "little"}})
        } else {
            json!({"name": "bytes"})
        };
        let mut codecs = vec![bytes.clone()];
        if name != "none" {
            codecs.push(json!({"name": name, "configuration": settings}));
        }
        if is_sharded {
            // A chunk in a shard is read by itself, so it has a checksum of its own.
            codecs.push(json!({"name": "crc32c"}));
        }
        Ok(Layout {
            format,
            shape: shape.to_vec(),
            file_shape,
            shard: is_sharded.then(|| Shard {
                chunk_shape: chunks,
                index_codecs: vec![
                    json!({"name": "bytes", "configuration": {"endian": "little"}}),
                    json!({"name": "crc32c"}),
                ],
                index_at_end: true,
            }),
            dtype: DType::little(dtype.kind.clone()),
            fill: dtype::zero(dtype),
            codecs,
            compressor: compressor_v2(name, &settings),
            keys: if format == 2 { Keys::V2('.') } else { Keys::Default('/') },
            attributes: self.attributes.clone(),
        })
    }
}

fn sizes(name: &str, value: &Json) -> Result<Vec<u64>, CodecError> {
    let parsed = value.as_array().map(|list| list.iter().map(Json::as_u64).collect::<Option<Vec<_>>>());
    parsed.flatten().ok_or_else(|| wrong(format!("{name} must be a tuple of whole numbers, got {value}")))
}

fn check_shape(name: &str, chosen: &[u64], shape: &[u64]) -> Result<(), CodecError> {
    if chosen.len() != shape.len() || chosen.contains(&0) {
        return Err(wrong(format!(
            "{name} {chosen:?} do not fit an array of shape {shape:?}: one size above 0 for each axis"
        )));
    }
    Ok(())
}

/// Chunks that divide the leading axis, and further axes only where one row is too large.
fn choose(shape: &[u64], item_bytes: u64) -> Vec<u64> {
    let mut chunks: Vec<u64> = shape.iter().map(|size| (*size).max(1)).collect();
    let bytes_of =
        |chunks: &[u64]| chunks.iter().fold(item_bytes.max(1), |all, &size| all.saturating_mul(size));
    for axis in 0..chunks.len() {
        let all = bytes_of(&chunks);
        if all <= WHOLE_BYTES {
            break;
        }
        let row_bytes = (all / chunks[axis]).max(1);
        let rows = (CHUNK_BYTES / row_bytes).clamp(1, chunks[axis]);
        // Chunks of about equal size, so that the last one is not a sliver.
        let count = chunks[axis].div_ceil(rows);
        chunks[axis] = chunks[axis].div_ceil(count);
    }
    chunks
}

/// The largest divisor of `all` up to `at_most`.
fn divisor(all: u64, at_most: u64) -> u64 {
    let at_most = at_most.clamp(1, all.max(1));
    (1..=at_most.min(1 << 20)).rev().find(|n| all.is_multiple_of(*n)).unwrap_or(1)
}

fn shard_of(chunks: &[u64], shape: &[u64], item_bytes: u64) -> Vec<u64> {
    let mut shard = chunks.to_vec();
    let mut bytes = chunks.iter().fold(item_bytes.max(1), |all, &size| all.saturating_mul(size));
    for axis in (0..shard.len()).rev() {
        let most = (SHARD_BYTES / bytes.max(1)).max(1);
        let count = shape[axis].div_ceil(chunks[axis]).clamp(1, most);
        shard[axis] = chunks[axis].saturating_mul(count);
        bytes = bytes.saturating_mul(count);
    }
    shard
}

/// Name and settings of a compression as the user gives it.
fn compression(codec: &Json, dtype: &DType) -> Result<(&'static str, Json), CodecError> {
    let empty = Map::new();
    let (name, settings) = match codec {
        Json::String(name) => (name.as_str(), &empty),
        Json::Object(object) => match object.get("name").and_then(Json::as_str) {
            Some(name) => (name, object),
            None => return Err(wrong(format!("codec {codec} has no name"))),
        },
        other => return Err(wrong(format!("codec must be text or a dict, got {other}"))),
    };
    let known: &[&str] = match name {
        "zstd" => &["name", "level"],
        "gzip" => &["name", "level"],
        "blosc" => &["name", "cname", "clevel", "shuffle"],
        "none" => &["name"],
        other => return Err(wrong(format!("has no codec {other:?}: there are zstd, gzip, blosc and none"))),
    };
    if let Some(unknown) = settings.keys().find(|key| !known.contains(&key.as_str())) {
        return Err(wrong(format!(
            "codec {name} has no setting {unknown:?}: there are {}",
            known.join(", ")
        )));
    }
    let number = |key: &str, default: i64, range: std::ops::RangeInclusive<i64>| match settings.get(key) {
        None | Some(Json::Null) => Ok(default),
        Some(value) => value.as_i64().filter(|level| range.contains(level)).ok_or_else(|| {
            wrong(format!(
                "{key} of {name} must be a whole number from {} to {}, got {value}",
                range.start(),
                range.end()
            ))
        }),
    };
    let text = |key: &str, default: &str, choices: &[&str]| match settings.get(key) {
        None | Some(Json::Null) => Ok(default.to_owned()),
        Some(value) => match value.as_str().filter(|text| choices.contains(text)) {
            Some(text) => Ok(text.to_owned()),
            None => Err(wrong(format!("{key} of {name} must be one of {}, got {value}", choices.join(", ")))),
        },
    };
    Ok(match name {
        "zstd" => ("zstd", json!({"level": number("level", 3, -131_072..=22)?, "checksum": false})),
        "gzip" => ("gzip", json!({"level": number("level", 6, 0..=9)?})),
        "blosc" => {
            let shuffle = if dtype.item_bytes() == 1 { "bitshuffle" } else { "shuffle" };
            (
                "blosc",
                json!({
                    "cname": text("cname", "zstd", &["zstd", "lz4", "lz4hc", "blosclz", "zlib", "snappy"])?,
                    "clevel": number("clevel", 5, 0..=9)?,
                    "shuffle": text("shuffle", shuffle, &["noshuffle", "shuffle", "bitshuffle"])?,
                    "typesize": dtype.item_bytes(),
                    "blocksize": 0,
                }),
            )
        }
        _ => ("none", Json::Null),
    })
}

/// The same in metadata of format 2.
fn compressor_v2(name: &str, settings: &Json) -> Json {
    let mut compressor = settings.clone();
    if name == "blosc" {
        let number = match settings.get("shuffle").and_then(Json::as_str) {
            Some("shuffle") => 1,
            Some("bitshuffle") => 2,
            _ => 0,
        };
        compressor = json!({"cname": settings["cname"], "clevel": settings["clevel"], "shuffle": number, "blocksize": 0});
    }
    if let Some(object) = compressor.as_object_mut() {
        object.insert("id".into(), json!(name));
    }
    compressor
}

#[cfg(test)]
mod tests {
    use super::*;

    fn layout(options: Json, shape: &[u64]) -> Result<Layout, CodecError> {
        ZarrOptions::from_json(&options)?.layout(&DType::F64, shape)
    }

    #[test]
    fn chunks_divide_the_leading_axis_into_equal_parts() {
        let chosen = |shape: &[u64]| layout(json!({}), shape).unwrap().file_shape;
        assert_eq!(chosen(&[1000, 32]), [1000, 32]);
        assert_eq!(chosen(&[128 << 20]), [1 << 20]);
        assert_eq!(chosen(&[1_000_000, 128]), [8131, 128]);
        assert_eq!(chosen(&[10, 4096, 4096]), [1, 256, 4096]);
        assert_eq!(chosen(&[0, 5]), [1, 5]);
        assert_eq!(chosen(&[]), [0; 0]);
        let sharded = layout(json!({"shards": true}), &[1_000_000, 128]).unwrap();
        assert_eq!(sharded.file_shape, [8131 * 32, 128]);
        assert_eq!(sharded.chunk_shape(), [8131, 128]);
        let asked = layout(json!({"shards": [100_000, 128]}), &[1_000_000, 128]).unwrap();
        assert_eq!(asked.chunk_shape(), [6250, 128]);
    }

    #[test]
    fn what_is_written_is_read() {
        for options in [
            json!({}),
            json!({"zarr_format": 2, "codec": "gzip", "attrs": {"unit": "mV"}}),
            json!({"zarr_format": 2, "codec": {"name": "blosc", "cname": "lz4", "shuffle": "bitshuffle"}}),
            json!({"zarr_format": 2, "codec": "none"}),
            json!({"chunks": [10, 16], "shards": [20, 32], "codec": {"name": "zstd", "level": -5}}),
            json!({"codec": "blosc", "attrs": {"gain": [1.5]}}),
        ] {
            let written = layout(options.clone(), &[100, 32]).unwrap();
            let files = written.files();
            let file =
                |name: &str| files.iter().find(|(file, _)| *file == name).map(|(_, bytes)| bytes.as_slice());
            let read = match file("zarr.json") {
                Some(bytes) => Layout::read_v3(bytes).unwrap(),
                None => Layout::read_v2(file(".zarray").unwrap(), file(".zattrs")).unwrap(),
            };
            let same = |layout: &Layout| {
                (
                    layout.shape.clone(),
                    layout.file_shape.clone(),
                    layout.shard.clone(),
                    layout.attributes.clone(),
                    layout.keys,
                )
            };
            assert_eq!(same(&read), same(&written), "{options}");
            assert_eq!(read.codecs.len(), written.codecs.len(), "{options}");
        }
    }

    #[test]
    fn options_that_make_no_sense_are_refused_by_name() {
        for (options, word) in [
            (json!({"chunk": [1]}), "chunk"),
            (json!({"chunks": [1]}), "[100, 32]"),
            (json!({"chunks": [0, 3]}), "above 0"),
            (json!({"chunks": 5}), "tuple"),
            (json!({"chunks": [3, 32], "shards": [10, 32]}), "multiples"),
            (json!({"shards": true, "zarr_format": 2}), "format 2"),
            (json!({"zarr_format": 4}), "2 or 3"),
            (json!({"codec": "lzma"}), "lzma"),
            (json!({"codec": {"name": "zstd", "level": 99}}), "22"),
            (json!({"codec": {"name": "blosc", "cname": "x"}}), "blosclz"),
            (json!({"codec": {"name": "gzip", "clevel": 3}}), "clevel"),
            (json!({"attrs": 5}), "attrs"),
            (json!({"chunks": [1u64 << 40, 1u64 << 40]}), "memory"),
        ] {
            let error = layout(options, &[100, 32]).unwrap_err().to_string();
            assert!(error.contains(word), "{error}");
        }
        let error =
            ZarrOptions::default().layout(&DType::little(Kind::Unicode(3)), &[2]).unwrap_err().to_string();
        assert_eq!(error, "<zarr> has no type for elements of <U3; store it in <npy@> or <blob@>");
    }
}
