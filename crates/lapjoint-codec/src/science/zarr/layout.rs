//! The metadata of an array: format 2 (`.zarray`, `.zattrs`) and 3 (`zarr.json`).

use lapjoint_types::array::checked_bytes;
use lapjoint_types::{ByteOrder, DType};
use serde_json::{Map, Value as Json, json};

use super::{damaged, dtype, engine};
use crate::error::CodecError;

/// More axes than numpy has.
const AXES: usize = 64;

/// Chunks in one shard: their index is held in memory.
const CHUNKS_IN_SHARD: u64 = 1 << 24;

/// How an array is laid out in files.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Layout {
    /// 2 or 3.
    pub format: u8,
    /// Shape, `(rows, cols, …)`.
    pub shape: Vec<u64>,
    /// Shape of the part of the array that one file has: a chunk, or a shard.
    pub file_shape: Vec<u64>,
    /// How a file is divided, if it is a shard.
    pub shard: Option<Shard>,
    /// Element type, little-endian.
    pub dtype: DType,
    /// What stands where nothing is stored.
    pub fill: Json,
    /// Codecs of a chunk, in the manner of format 3.
    pub codecs: Vec<Json>,
    /// What the codecs are in metadata of format 2: compressor.
    pub compressor: Json,
    /// How files are named.
    pub keys: Keys,
    /// The user's attributes.
    pub attributes: Map<String, Json>,
}

/// How a shard is divided.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Shard {
    /// Shape of a chunk in it.
    pub chunk_shape: Vec<u64>,
    /// Codecs of its index.
    pub index_codecs: Vec<Json>,
    /// Whether the index stands behind the chunks.
    pub index_at_end: bool,
}

/// Names of files by their place in the grid.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Keys {
    /// `c/0/1`.
    Default(char),
    /// `0.1`.
    V2(char),
}

/// Size of a box of elements, unless no memory could hold it.
pub(super) fn box_bytes(shape: &[u64], item_bytes: usize) -> Option<usize> {
    let shape: Option<Vec<usize>> = shape.iter().map(|&size| usize::try_from(size).ok()).collect();
    checked_bytes(&shape?, item_bytes).filter(|bytes| isize::try_from(*bytes).is_ok())
}

impl Layout {
    /// The layout in `zarr.json`.
    ///
    /// # Errors
    /// [`CodecError`] for what is no metadata of an array, or of one that this engine does not read.
    pub fn read_v3(bytes: &[u8]) -> Result<Self, CodecError> {
        let json: Json =
            serde_json::from_slice(bytes).map_err(|error| damaged(format!("zarr.json: {error}")))?;
        let text = |pointer: &str| json.pointer(pointer).and_then(Json::as_str);
        if json.get("zarr_format").and_then(Json::as_u64) != Some(3) || text("/node_type") != Some("array") {
            return Err(damaged("zarr.json does not describe an array of format 3".to_owned()));
        }
        if text("/chunk_grid/name") != Some("regular") {
            return Err(unread("its grid of chunks is not regular"));
        }
        if json.get("storage_transformers").and_then(Json::as_array).is_some_and(|list| !list.is_empty()) {
            return Err(unread("it has storage transformers"));
        }
        let encoding = json.pointer("/chunk_key_encoding/name").and_then(Json::as_str);
        let separator = |default: char| match text("/chunk_key_encoding/configuration/separator") {
            None => Ok(default),
            Some("/") => Ok('/'),
            Some(".") => Ok('.'),
            Some(_) => Err(unread("the names of its files have another separator than . and /")),
        };
        let keys = match encoding {
            Some("default") => Keys::Default(separator('/')?),
            Some("v2") => Keys::V2(separator('.')?),
            _ => return Err(unread("its files are named in another way")),
        };
        let mut layout = Self {
            format: 3,
            shape: sizes(&json, "/shape")?,
            file_shape: sizes(&json, "/chunk_grid/configuration/chunk_shape")?,
            shard: None,
            dtype: dtype::read_v3(json.get("data_type").unwrap_or(&Json::Null))?,
            fill: json.get("fill_value").cloned().unwrap_or(Json::Null),
            codecs: list(&json, "/codecs")?,
            compressor: Json::Null,
            keys,
            attributes: json.get("attributes").and_then(Json::as_object).cloned().unwrap_or_default(),
        };
        let is_sharding = |codec: &Json| name_of(codec) == Some("sharding_indexed");
        if layout.codecs.iter().any(is_sharding) {
            let [sharding] = layout.codecs.as_slice() else {
                return Err(unread("it has further codecs around its shards"));
            };
            let shard = Shard {
                chunk_shape: sizes(sharding, "/configuration/chunk_shape")?,
                index_codecs: list(sharding, "/configuration/index_codecs")?,
                index_at_end: match sharding.pointer("/configuration/index_location").and_then(Json::as_str) {
                    None | Some("end") => true,
                    Some("start") => false,
                    Some(_) => return Err(unread("the index of its shards stands in another place")),
                },
            };
            layout.codecs = list(sharding, "/configuration/codecs")?;
            if layout.codecs.iter().any(is_sharding) {
                return Err(unread("it has shards within shards"));
            }
            layout.shard = Some(shard);
        }
        layout.check()?;
        Ok(layout)
    }

    /// The layout in `.zarray` and `.zattrs`.
    ///
    /// # Errors
    /// As [`read_v3`](Self::read_v3).
    pub fn read_v2(array: &[u8], attributes: Option<&[u8]>) -> Result<Self, CodecError> {
        let json: Json =
            serde_json::from_slice(array).map_err(|error| damaged(format!(".zarray: {error}")))?;
        if json.get("zarr_format").and_then(Json::as_u64) != Some(2) {
            return Err(damaged(".zarray does not describe an array of format 2".to_owned()));
        }
        let attributes = match attributes {
            Some(bytes) => {
                serde_json::from_slice(bytes).map_err(|error| damaged(format!(".zattrs: {error}")))?
            }
            None => Map::new(),
        };
        let dtype = dtype::read_v2(json.get("dtype").unwrap_or(&Json::Null))?;
        let is_big = json.get("dtype").and_then(Json::as_str).is_some_and(|text| text.starts_with('>'));
        let mut layout = Self {
            format: 2,
            shape: sizes(&json, "/shape")?,
            file_shape: sizes(&json, "/chunks")?,
            shard: None,
            fill: json.get("fill_value").cloned().unwrap_or(Json::Null),
            codecs: Vec::new(),
            compressor: json.get("compressor").cloned().unwrap_or(Json::Null),
            keys: match json.get("dimension_separator").and_then(Json::as_str) {
                None | Some(".") => Keys::V2('.'),
                Some("/") => Keys::V2('/'),
                Some(_) => return Err(unread("the names of its files have another separator than . and /")),
            },
            attributes,
            dtype,
        };
        layout.check()?;
        layout.codecs = engine::codecs_of_v2(&json, &layout.dtype, is_big)?;
        Ok(layout)
    }

    /// Whether such an array can be.
    fn check(&self) -> Result<(), CodecError> {
        let (axes, shape) = (self.shape.len(), &self.shape);
        let fits = |chunk: &[u64]| chunk.len() == axes && !chunk.contains(&0);
        if axes > AXES || !fits(&self.file_shape) {
            return Err(damaged(format!("an array of shape {shape:?} in chunks of {:?}", self.file_shape)));
        }
        let item_bytes = self.dtype.item_bytes();
        if box_bytes(shape, item_bytes).is_none() && !shape.contains(&0) {
            return Err(damaged(format!(
                "no memory could hold an array of shape {shape:?} and type {}",
                self.dtype
            )));
        }
        if box_bytes(&self.file_shape, item_bytes).is_none() {
            return Err(damaged(format!("no memory could hold a chunk of shape {:?}", self.file_shape)));
        }
        let Some(shard) = &self.shard else { return Ok(()) };
        let divides = |(whole, part): (&u64, &u64)| whole.is_multiple_of(*part);
        if !fits(&shard.chunk_shape) || !self.file_shape.iter().zip(&shard.chunk_shape).all(divides) {
            return Err(damaged(format!(
                "shards of {:?} in chunks of {:?}",
                self.file_shape, shard.chunk_shape
            )));
        }
        match grid(&self.file_shape, &shard.chunk_shape).iter().try_fold(1u64, |all, &n| all.checked_mul(n)) {
            Some(count) if count <= CHUNKS_IN_SHARD => Ok(()),
            _ => {
                Err(damaged(format!("shards of {:?} in chunks of {:?}", self.file_shape, shard.chunk_shape)))
            }
        }
    }

    /// Shape of what is decoded at once.
    pub fn chunk_shape(&self) -> &[u64] {
        self.shard.as_ref().map_or(&self.file_shape, |shard| &shard.chunk_shape)
    }

    /// How many files there are along each axis.
    pub fn file_grid(&self) -> Vec<u64> {
        grid(&self.shape, &self.file_shape)
    }

    /// Name of the file at a place of the grid.
    pub fn key(&self, at: &[u64]) -> String {
        let numbers: Vec<String> = at.iter().map(ToString::to_string).collect();
        match self.keys {
            Keys::Default(_) if at.is_empty() => "c".into(),
            Keys::Default(separator) => {
                format!("c{separator}{}", numbers.join(separator.encode_utf8(&mut [0; 4])))
            }
            Keys::V2(_) if at.is_empty() => "0".into(),
            Keys::V2(separator) => numbers.join(separator.encode_utf8(&mut [0; 4])),
        }
    }

    /// The files of metadata, by name.
    pub fn files(&self) -> Vec<(&'static str, Vec<u8>)> {
        let pretty = |json: &Json| format!("{json:#}").into_bytes();
        if self.format == 2 {
            let order = DType { kind: self.dtype.kind.clone(), order: ByteOrder::Little };
            let separator = if self.keys == Keys::V2('/') { "/" } else { "." };
            let array = json!({
                "zarr_format": 2,
                "shape": self.shape,
                "chunks": self.file_shape,
                "dtype": order.typestr(),
                "fill_value": self.fill,
                "order": "C",
                "filters": null,
                "dimension_separator": separator,
                "compressor": self.compressor,
            });
            return vec![
                (".zarray", pretty(&array)),
                (".zattrs", pretty(&Json::Object(self.attributes.clone()))),
            ];
        }
        let codecs = match &self.shard {
            None => json!(self.codecs),
            Some(shard) => json!([{"name": "sharding_indexed", "configuration": {
                "chunk_shape": shard.chunk_shape,
                "codecs": self.codecs,
                "index_codecs": shard.index_codecs,
                "index_location": if shard.index_at_end { "end" } else { "start" },
            }}]),
        };
        let array = json!({
            "zarr_format": 3,
            "node_type": "array",
            "shape": self.shape,
            "data_type": dtype::write_v3(&self.dtype),
            "chunk_grid": {"name": "regular", "configuration": {"chunk_shape": self.file_shape}},
            "chunk_key_encoding": {"name": "default", "configuration": {"separator": "/"}},
            "fill_value": self.fill,
            "codecs": codecs,
            "attributes": self.attributes,
            "storage_transformers": [],
        });
        vec![("zarr.json", pretty(&array))]
    }
}

/// How many parts of `part` cover `whole`, along each axis.
pub(super) fn grid(whole: &[u64], part: &[u64]) -> Vec<u64> {
    whole.iter().zip(part).map(|(whole, part)| whole.div_ceil((*part).max(1))).collect()
}

fn name_of(codec: &Json) -> Option<&str> {
    codec.as_str().or_else(|| codec.get("name")?.as_str())
}

fn unread(what: &str) -> CodecError {
    damaged(format!("{what}: open it with zarr-python (`.zarr()` of the reference)"))
}

fn sizes(json: &Json, pointer: &str) -> Result<Vec<u64>, CodecError> {
    let wrong = || damaged(format!("its metadata has no list of whole numbers at {pointer}"));
    let list = json.pointer(pointer).and_then(Json::as_array).ok_or_else(wrong)?;
    list.iter().map(|size| size.as_u64().ok_or_else(wrong)).collect()
}

fn list(json: &Json, pointer: &str) -> Result<Vec<Json>, CodecError> {
    let list = json.pointer(pointer).and_then(Json::as_array);
    list.cloned().ok_or_else(|| damaged(format!("its metadata has no list at {pointer}")))
}
