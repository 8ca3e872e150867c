//! Lazy reference to an array in a store, as `<npy@>` gives it.

use std::fmt;
use std::ops::Range;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use bytes::Bytes;
use lapjoint_format::npy;
use lapjoint_store::Store;
use lapjoint_types::array::checked_bytes;
use lapjoint_types::{DType, Foreign, Kind, NdArray};

use crate::error::CodecError;
use crate::metadata::{Metadata, check_crc32c};

mod header;
mod mmap;
mod read;
mod slice;

pub use slice::AxisSlice;

const NAME: &str = "npy";

/// An array in a store that is read when asked: whole, in part, or through a memory map.
///
/// Shape, type and size come from the metadata of the row, without touching the store. Clones share what was read.
///
/// Whole reads are compared with the checksum on record, if the row has one (DataJoint writes none). Slices and memory
/// maps read only what they need and cannot be.
#[derive(Clone)]
pub struct NpyRef {
    inner: Arc<Inner>,
}

struct Inner {
    store: Store,
    path: String,
    metadata: serde_json::Value,
    shape: Vec<usize>,
    dtype_text: String,
    /// `None` when the text is not one that this engine writes: the file then says.
    dtype: Option<DType>,
    size_bytes: Option<u64>,
    crc32c: Option<u32>,
    header: OnceLock<npy::Header>,
    loaded: Mutex<Option<NdArray>>,
}

impl NpyRef {
    /// The array that metadata describes: a JSON object with `path`, `dtype` and `shape`.
    ///
    /// # Errors
    /// [`CodecError`] when a field is missing or of another type, or when the path could leave the store.
    pub fn new(metadata: serde_json::Value, store: Store) -> Result<Self, CodecError> {
        Self::from_metadata(&Metadata::from_json(NAME, metadata)?, store)
    }

    pub(crate) fn from_metadata(metadata: &Metadata, store: Store) -> Result<Self, CodecError> {
        let shape = metadata.shape("shape")?;
        let dtype_text = metadata.text("dtype")?.to_owned();
        let dtype = npy::dtype_from_str(&dtype_text).ok();
        if checked_bytes(&shape, dtype.as_ref().map_or(1, |dtype| dtype.item_bytes().max(1))).is_none() {
            return Err(CodecError::stored(
                NAME,
                format!("no array can have shape {shape:?} and type {dtype_text}"),
            ));
        }
        Ok(Self {
            inner: Arc::new(Inner {
                path: metadata.path()?.to_owned(),
                shape,
                dtype_text,
                dtype,
                size_bytes: metadata.optional_u64("size")?,
                crc32c: metadata.crc32c()?,
                metadata: metadata.json().clone(),
                store,
                header: OnceLock::new(),
                loaded: Mutex::new(None),
            }),
        })
    }

    /// Shape, `(rows, cols, …)`.
    #[must_use]
    pub fn shape(&self) -> &[usize] {
        &self.inner.shape
    }

    /// Element type. Reads the file's header in the rare case that the metadata spells the type in another way than
    /// numpy's `str(dtype)` for packed types.
    ///
    /// # Errors
    /// [`CodecError`] when the header has to be read and cannot be.
    pub fn dtype(&self) -> Result<DType, CodecError> {
        match &self.inner.dtype {
            Some(dtype) => Ok(dtype.clone()),
            None => Ok(self.header()?.dtype),
        }
    }

    /// Element type as the metadata spells it.
    #[must_use]
    pub fn dtype_text(&self) -> &str {
        &self.inner.dtype_text
    }

    /// Number of dimensions.
    #[must_use]
    pub fn ndim(&self) -> usize {
        self.inner.shape.len()
    }

    /// Number of elements.
    #[must_use]
    pub fn size_elements(&self) -> usize {
        self.inner.shape.iter().product()
    }

    /// Size of the elements in bytes.
    ///
    /// # Errors
    /// As [`dtype`](Self::dtype).
    pub fn nbytes(&self) -> Result<usize, CodecError> {
        let item_bytes = self.dtype()?.item_bytes();
        checked_bytes(&self.inner.shape, item_bytes).ok_or_else(|| {
            CodecError::stored(
                NAME,
                format!("no array can have shape {:?} of {item_bytes} bytes", self.inner.shape),
            )
        })
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
    pub fn metadata(&self) -> &serde_json::Value {
        &self.inner.metadata
    }

    /// Whether the whole array is in memory.
    #[must_use]
    pub fn is_loaded(&self) -> bool {
        self.loaded().is_some()
    }

    /// The whole array. The first call reads, checks and keeps it; later calls share its memory.
    ///
    /// # Errors
    /// [`CodecError`] when the object is missing, damaged, or not the array that the metadata describes.
    pub fn load(&self) -> Result<NdArray, CodecError> {
        let mut loaded = self.inner.loaded.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(array) = loaded.as_ref() {
            return Ok(array.clone());
        }
        let array = self.parse(self.read_checked()?)?;
        *loaded = Some(array.clone());
        Ok(array)
    }

    /// Forgets the array that [`load`](Self::load) keeps.
    pub fn unload(&self) {
        *self.inner.loaded.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    /// The array over a memory map: pages are read when they are touched, and nothing is kept.
    ///
    /// A file store's own file is mapped. Objects of other stores are downloaded once, checked, into a folder of
    /// temporary files. The checksum of a file store's file is not compared: that would read all of it.
    ///
    /// # Errors
    /// [`CodecError`] when the object is missing or not the array that the metadata describes.
    pub fn load_mmap(&self) -> Result<NdArray, CodecError> {
        self.parse(mmap::map(self)?)
    }

    /// Rows `rows` of the array, reading only their bytes (and once the header) in at most two requests for
    /// row-major arrays. From memory after [`load`](Self::load).
    ///
    /// # Errors
    /// [`CodecError::SliceOutOfBounds`] when the array has fewer rows; [`CodecError`] when they cannot be read.
    pub fn slice(&self, rows: Range<usize>) -> Result<NdArray, CodecError> {
        self.slice_axes(&[rows.into()])
    }

    /// The elements that `slices` of the leading axes select; other axes are taken whole.
    ///
    /// Reads the covering byte ranges, neighbouring ones together, with bounded memory beyond the result. The result has
    /// the order (row-major or column-major) of the file.
    ///
    /// # Errors
    /// As [`slice`](Self::slice).
    pub fn slice_axes(&self, slices: &[AxisSlice]) -> Result<NdArray, CodecError> {
        match self.loaded() {
            Some(array) => read::slice_of_array(&array, slices),
            None => read::slice_of_object(self, slices),
        }
    }

    /// Where the object can be found: `file:///…`, `s3://…`.
    ///
    /// # Errors
    /// [`CodecError::Store`] when the store cannot say.
    pub fn url(&self) -> Result<String, CodecError> {
        Ok(self.inner.store.url(&self.inner.path)?)
    }

    /// The object as a file of this machine, if the store is a folder.
    ///
    /// # Errors
    /// [`CodecError::Store`] when the store cannot say.
    pub fn local_path(&self) -> Result<Option<PathBuf>, CodecError> {
        Ok(self.inner.store.local_path(&self.inner.path)?)
    }

    fn loaded(&self) -> Option<NdArray> {
        self.inner.loaded.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The object's bytes, if size and checksum are those on record.
    fn read_checked(&self) -> Result<Bytes, CodecError> {
        let Inner { store, path, size_bytes, crc32c, .. } = self.inner.as_ref();
        let content = store.get(path)?;
        if let Some(expected) = size_bytes {
            crate::metadata::check_size(store, path, *expected, content.len() as u64)?;
        }
        if let Some(expected) = crc32c {
            check_crc32c(store, path, *expected, crc32c::crc32c(&content))?;
        }
        Ok(content)
    }

    fn parse(&self, content: Bytes) -> Result<NdArray, CodecError> {
        let array = npy::from_bytes(content).map_err(|error| self.damaged(&error))?;
        self.check_description(array.shape(), array.dtype())?;
        Ok(array)
    }

    fn damaged(&self, error: &npy::NpyError) -> CodecError {
        self.damaged_text(error.to_string())
    }

    fn damaged_text(&self, message: String) -> CodecError {
        let (store, path) = (self.inner.store.name().to_owned(), self.inner.path.clone());
        CodecError::Object { codec: NAME.into(), store, path, message }
    }

    /// Compares what the file says about itself with what the row says.
    fn check_description(&self, shape: &[usize], dtype: &DType) -> Result<(), CodecError> {
        // Structured types can be spelled in several ways; their size still has to agree.
        let same_dtype =
            self.inner.dtype.as_ref().is_none_or(|expected| match (&expected.kind, &dtype.kind) {
                (Kind::Struct(_), Kind::Struct(_)) => expected.item_bytes() == dtype.item_bytes(),
                _ => expected == dtype,
            });
        if same_dtype && shape == self.inner.shape {
            return Ok(());
        }
        Err(self.damaged_text(format!(
            "expected shape {:?} and type {}, the file has shape {shape:?} and type {dtype}",
            self.inner.shape, self.inner.dtype_text
        )))
    }
}

impl Foreign for NpyRef {
    fn type_name(&self) -> &str {
        "NpyRef"
    }

    fn as_any(&self) -> &dyn std::any::Any {
        self
    }
}

impl fmt::Display for NpyRef {
    /// `NpyRef(shape=(100, 3), dtype=float64, not loaded)`, as in Python.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sizes: Vec<String> = self.inner.shape.iter().map(ToString::to_string).collect();
        let comma = if sizes.len() == 1 { "," } else { "" };
        let state = if self.is_loaded() { "loaded" } else { "not loaded" };
        write!(f, "NpyRef(shape=({}{comma}), dtype={}, {state})", sizes.join(", "), self.inner.dtype_text)
    }
}

impl fmt::Debug for NpyRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
