//! The files of a stored array: metadata, chunks and indexes of shards, compared with the manifest where there is one.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use lapjoint_store::{Manifest, Store};

use super::encode::index_pipeline;
use super::engine::Pipeline;
use super::layout::{Layout, grid};
use super::{NAME, damaged};
use crate::error::CodecError;

/// Indexes of shards that are kept, in entries.
const INDEX_ENTRIES: usize = 4 << 20;

/// An array that is open for reading.
pub(super) struct Files {
    store: Store,
    path: String,
    pub layout: Layout,
    pub chunk: Pipeline,
    pub fill: Vec<u8>,
    index: Option<Pipeline>,
    /// Sizes and checksums on record.
    manifest: Option<HashMap<String, (u64, Option<String>)>>,
    indexes: Mutex<HashMap<String, Option<Arc<Index>>>>,
}

/// Where the chunks of a shard stand: pairs of place and size.
pub(super) struct Index {
    entries: Vec<u8>,
    file_bytes: u64,
}

impl Files {
    /// Opens the array at `path`. Which format it has is known beforehand, or found out.
    pub fn open(store: &Store, path: &str, format: Option<u64>) -> Result<Self, CodecError> {
        let manifest = Manifest::read(store, path)?.map(|manifest| {
            let file = |file: lapjoint_store::ManifestFile| (file.path, (file.size_bytes, file.crc32c));
            manifest.files.into_iter().map(file).collect::<HashMap<_, _>>()
        });
        let get = |name: &str| read(store, path, manifest.as_ref(), name);
        let v3 = if format == Some(2) { None } else { get("zarr.json")? };
        let layout = match v3 {
            Some(bytes) => {
                Layout::read_v3(&bytes).map_err(|error| in_file(store, path, "zarr.json", error))?
            }
            None => match get(".zarray")? {
                Some(bytes) => Layout::read_v2(&bytes, get(".zattrs")?.as_deref())
                    .map_err(|error| in_file(store, path, ".zarray", error))?,
                None => {
                    let message = "there is neither zarr.json nor .zarray".to_owned();
                    return Err(object(store, path, message));
                }
            },
        };
        let named =
            |error| in_file(store, path, if layout.format == 2 { ".zarray" } else { "zarr.json" }, error);
        let chunk = Pipeline::new(&layout.codecs, &layout.dtype, &layout.fill, layout.chunk_shape())
            .map_err(named)?;
        let index = index_pipeline(&layout).map_err(named)?;
        let (store, path, fill) = (store.clone(), path.to_owned(), chunk.fill());
        Ok(Self { store, path, layout, chunk, fill, index, manifest, indexes: Mutex::default() })
    }

    /// Whether whole files are compared with a manifest.
    pub const fn is_verified(&self) -> bool {
        self.manifest.is_some()
    }

    /// A file's content; `None` when nothing is stored, which stands for the fill value.
    pub fn get(&self, name: &str) -> Result<Option<Bytes>, CodecError> {
        read(&self.store, &self.path, self.manifest.as_ref(), name)
    }

    /// Names the file that an error is about.
    pub fn named(&self, name: &str, error: CodecError) -> CodecError {
        in_file(&self.store, &self.path, name, error)
    }

    /// The index of a shard; `None` when the shard is not stored.
    pub fn index(&self, name: &str) -> Result<Option<Arc<Index>>, CodecError> {
        let known = || self.indexes.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(index) = known().get(name) {
            return Ok(index.clone());
        }
        // Two threads may read the same index at once, which costs a request and no more.
        let index = self.read_index(name).map_err(|error| self.named(name, error))?.map(Arc::new);
        let mut kept = known();
        let entries: usize = kept.values().flatten().map(|index| index.entries.len() / 16).sum();
        if entries > INDEX_ENTRIES {
            kept.clear();
        }
        kept.insert(name.to_owned(), index.clone());
        Ok(index)
    }

    fn read_index(&self, name: &str) -> Result<Option<Index>, CodecError> {
        let (Some(pipeline), Some(shard)) = (&self.index, &self.layout.shard) else { return Ok(None) };
        let path = format!("{}/{name}", self.path);
        let file_bytes = match &self.manifest {
            Some(files) => match files.get(name) {
                Some((size, _)) => *size,
                None => return Ok(None),
            },
            None => match self.store.head(&path)? {
                Some(meta) => meta.size_bytes,
                None => return Ok(None),
            },
        };
        let index_bytes = pipeline
            .fixed_bytes()
            .and_then(|bytes| u64::try_from(bytes).ok())
            .ok_or_else(|| damaged("the index of its shards has no fixed size".to_owned()))?;
        let Some(rest) = file_bytes.checked_sub(index_bytes) else {
            return Err(damaged(format!("it has {file_bytes} bytes, its index alone needs {index_bytes}")));
        };
        let start = if shard.index_at_end { rest } else { 0 };
        let stored = self.store.get_range(&path, start..start + index_bytes)?;
        Ok(Some(Index { entries: pipeline.decode(&stored)?, file_bytes }))
    }

    /// Stored chunks of one shard, by their places in it; `None` for those that are not stored.
    pub fn chunks_of(&self, name: &str, places: &[Vec<u64>]) -> Result<Vec<Option<Bytes>>, CodecError> {
        let (Some(index), Some(shard)) = (self.index(name)?, &self.layout.shard) else {
            return Ok(vec![None; places.len()]);
        };
        let chunks = grid(&self.layout.file_shape, &shard.chunk_shape);
        let ranges: Result<Vec<_>, _> = places.iter().map(|at| index.range(&chunks, at)).collect();
        let ranges = ranges.map_err(|error| self.named(name, error))?;
        let wanted: Vec<_> = ranges.iter().flatten().cloned().collect();
        let mut read = if wanted.is_empty() {
            Vec::new().into_iter()
        } else {
            self.store.get_ranges(&format!("{}/{name}", self.path), &wanted)?.into_iter()
        };
        Ok(ranges.into_iter().map(|range| range.and_then(|_| read.next())).collect())
    }
}

impl Index {
    /// Where the chunk at a place of the shard stands.
    fn range(&self, chunks: &[u64], at: &[u64]) -> Result<Option<std::ops::Range<u64>>, CodecError> {
        let number = at.iter().zip(chunks).fold(0u64, |number, (at, size)| number * size + at);
        let entry = usize::try_from(number)
            .ok()
            .and_then(|number| self.entries.get(number.checked_mul(16)?..)?.get(..16));
        let Some((place, size)) = entry.and_then(|entry| entry.split_at_checked(8)) else {
            return Err(damaged(format!("its index has no entry {number}")));
        };
        let number_of = |bytes: &[u8]| bytes.try_into().map_or(u64::MAX, u64::from_le_bytes);
        let (place, size) = (number_of(place), number_of(size));
        if place == u64::MAX && size == u64::MAX {
            return Ok(None);
        }
        match place.checked_add(size) {
            Some(end) if end <= self.file_bytes => Ok(Some(place..end)),
            _ => Err(damaged(format!("its index points to {size} bytes at {place} of {}", self.file_bytes))),
        }
    }
}

/// A file, compared with its entry in the manifest. One that the manifest has and the store has not is an error.
fn read(
    store: &Store,
    path: &str,
    manifest: Option<&HashMap<String, (u64, Option<String>)>>,
    name: &str,
) -> Result<Option<Bytes>, CodecError> {
    let full = format!("{path}/{name}");
    match manifest {
        Some(files) => match files.get(name) {
            Some((size, crc)) => Ok(Some(store.get_verified(&full, Some(*size), crc.as_deref())?)),
            None => Ok(None),
        },
        None => match store.get(&full) {
            Ok(bytes) => Ok(Some(bytes)),
            Err(error) if error.is_not_found() => Ok(None),
            Err(error) => Err(error.into()),
        },
    }
}

pub(super) fn object(store: &Store, path: &str, message: String) -> CodecError {
    CodecError::Object { codec: NAME.into(), store: store.name().to_owned(), path: path.to_owned(), message }
}

/// The same error with the file that it is about.
fn in_file(store: &Store, path: &str, name: &str, error: CodecError) -> CodecError {
    match error {
        CodecError::Stored { message, .. } => object(store, &format!("{path}/{name}"), message),
        other => other,
    }
}
