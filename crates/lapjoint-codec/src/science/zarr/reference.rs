//! Lazy reference to an array in chunks, as `<zarr@>` gives it.

use std::fmt;
use std::sync::{Arc, OnceLock};

use lapjoint_format::npy;
use lapjoint_store::{Manifest, Store};
use lapjoint_types::array::checked_bytes;
use lapjoint_types::{DType, Foreign, NdArray};
use serde_json::{Map, Value as Json};

use super::files::{Files, object};
use super::select::Pick;
use super::{NAME, damaged, read};
use crate::error::CodecError;
use crate::metadata::Metadata;

/// An array in a store that is read when asked, in whole or in part.
///
/// Shape and type come from the metadata of the row, without touching the store; the first read opens the array. Clones share
/// what was opened. Chunks are compared with the checksums of the manifest, if there is one; chunks within a shard with their
/// own, if they were written here.
#[derive(Clone)]
pub struct ZarrRef {
    inner: Arc<Inner>,
}

struct Inner {
    store: Store,
    path: String,
    metadata: Json,
    shape: Vec<usize>,
    dtype_text: String,
    /// `None` when the text is not one that this engine reads: the file then says.
    dtype: Option<DType>,
    files: OnceLock<Files>,
}

impl ZarrRef {
    /// The array that metadata describes: a JSON object with `path`, `dtype` and `shape`.
    ///
    /// # Errors
    /// [`CodecError`] when a field is missing or of another type, or when the path could leave the store.
    pub fn new(metadata: Json, store: Store) -> Result<Self, CodecError> {
        Self::from_metadata(&Metadata::from_json(NAME, metadata)?, store)
    }

    pub(crate) fn from_metadata(metadata: &Metadata, store: Store) -> Result<Self, CodecError> {
        let shape = metadata.shape("shape")?;
        let dtype_text = metadata.text("dtype")?.to_owned();
        let dtype = npy::dtype_from_str(&dtype_text).ok().map(|dtype| DType::little(dtype.kind));
        if checked_bytes(&shape, dtype.as_ref().map_or(1, |dtype| dtype.item_bytes().max(1))).is_none() {
            return Err(damaged(format!("no array can have shape {shape:?} and type {dtype_text}")));
        }
        if let Some(version) = metadata.optional_text("codec_version")?
            && !version.starts_with("1.")
        {
            return Err(damaged(format!(
                "its format is version {version}, this is read up to 1.x: update lapjoint"
            )));
        }
        Ok(Self {
            inner: Arc::new(Inner {
                path: metadata.path()?.to_owned(),
                metadata: metadata.json().clone(),
                store,
                shape,
                dtype_text,
                dtype,
                files: OnceLock::new(),
            }),
        })
    }

    fn files(&self) -> Result<&Files, CodecError> {
        let Inner { store, path, metadata, files, .. } = self.inner.as_ref();
        if let Some(open) = files.get() {
            return Ok(open);
        }
        let open = Files::open(store, path, metadata.get("zarr_format").and_then(Json::as_u64))?;
        let same_shape =
            open.layout.shape.iter().copied().eq(self.inner.shape.iter().map(|&size| size as u64));
        let same_dtype = self.inner.dtype.as_ref().is_none_or(|dtype| *dtype == open.layout.dtype);
        if !same_shape || !same_dtype {
            return Err(object(
                store,
                path,
                format!(
                    "expected shape {:?} and type {}, the folder has shape {:?} and type {}",
                    self.inner.shape, self.inner.dtype_text, open.layout.shape, open.layout.dtype
                ),
            ));
        }
        Ok(files.get_or_init(|| open))
    }

    /// Shape, `(rows, cols, …)`.
    #[must_use]
    pub fn shape(&self) -> &[usize] {
        &self.inner.shape
    }

    /// Element type, little-endian as it is read. Opens the array where the metadata spells the type in another way.
    ///
    /// # Errors
    /// [`CodecError`] when the array has to be opened and cannot be.
    pub fn dtype(&self) -> Result<DType, CodecError> {
        match &self.inner.dtype {
            Some(dtype) => Ok(dtype.clone()),
            None => Ok(self.files()?.layout.dtype.clone()),
        }
    }

    /// Element type as the metadata spells it.
    #[must_use]
    pub fn dtype_text(&self) -> &str {
        &self.inner.dtype_text
    }

    /// Number of elements.
    #[must_use]
    pub fn size_elements(&self) -> usize {
        self.inner.shape.iter().product()
    }

    /// Path in the store.
    #[must_use]
    pub fn path(&self) -> &str {
        &self.inner.path
    }

    /// Store.
    #[must_use]
    pub fn store(&self) -> &Store {
        &self.inner.store
    }

    /// The metadata, as the row has it.
    #[must_use]
    pub fn metadata(&self) -> &Json {
        &self.inner.metadata
    }

    /// Shape of a chunk, which is what is decoded at once.
    ///
    /// # Errors
    /// [`CodecError`] when the array cannot be opened.
    pub fn chunks(&self) -> Result<Vec<u64>, CodecError> {
        Ok(self.files()?.layout.chunk_shape().to_vec())
    }

    /// Shape of a shard, which is what one file has; `None` for arrays whose chunks are files.
    ///
    /// # Errors
    /// As [`chunks`](Self::chunks).
    pub fn shards(&self) -> Result<Option<Vec<u64>>, CodecError> {
        let layout = &self.files()?.layout;
        Ok(layout.shard.as_ref().map(|_| layout.file_shape.clone()))
    }

    /// Zarr format, 2 or 3.
    ///
    /// # Errors
    /// As [`chunks`](Self::chunks).
    pub fn format(&self) -> Result<u8, CodecError> {
        Ok(self.files()?.layout.format)
    }

    /// Attributes of the array.
    ///
    /// # Errors
    /// As [`chunks`](Self::chunks).
    pub fn attributes(&self) -> Result<&Map<String, Json>, CodecError> {
        Ok(&self.files()?.layout.attributes)
    }

    /// Whether reads of whole files are compared with a manifest.
    ///
    /// # Errors
    /// As [`chunks`](Self::chunks).
    pub fn is_verified(&self) -> Result<bool, CodecError> {
        Ok(self.files()?.is_verified())
    }

    /// The whole array, row-major.
    ///
    /// # Errors
    /// [`CodecError`] when a chunk is missing or damaged.
    pub fn load(&self) -> Result<NdArray, CodecError> {
        self.read(&[])
    }

    /// The elements that `picks` of the leading axes select; other axes are taken whole. Reads and decodes only the chunks that
    /// are touched, many at once.
    ///
    /// # Errors
    /// [`CodecError::SliceOutOfBounds`] for what the array does not have, and as [`load`](Self::load).
    pub fn read(&self, picks: &[Pick]) -> Result<NdArray, CodecError> {
        read::read(self.files()?, &self.inner.store, picks)
    }

    /// Compares all files with the manifest.
    ///
    /// # Errors
    /// [`CodecError`] naming every file that is missing or damaged, or that there is no manifest.
    pub fn verify(&self) -> Result<(), CodecError> {
        let Inner { store, path, .. } = self.inner.as_ref();
        match Manifest::read(store, path)? {
            Some(manifest) => Ok(manifest.verify(store, path, true)?),
            None => Err(object(store, path, "it has no manifest to be compared with".to_owned())),
        }
    }

    /// Where the folder can be found: `file:///…`, `s3://…`.
    ///
    /// # Errors
    /// [`CodecError::Store`] when the store cannot say.
    pub fn url(&self) -> Result<String, CodecError> {
        Ok(self.inner.store.url(&self.inner.path)?)
    }
}

impl Foreign for ZarrRef {
    fn type_name(&self) -> &str {
        "ZarrRef"
    }

    fn as_any(&self) -> &dyn std::any::Any {
        self
    }
}

impl fmt::Display for ZarrRef {
    /// `ZarrRef(shape=(100, 3), dtype=float64)`, as in Python.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sizes: Vec<String> = self.inner.shape.iter().map(ToString::to_string).collect();
        let comma = if sizes.len() == 1 { "," } else { "" };
        write!(f, "ZarrRef(shape=({}{comma}), dtype={})", sizes.join(", "), self.inner.dtype_text)
    }
}

impl fmt::Debug for ZarrRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
