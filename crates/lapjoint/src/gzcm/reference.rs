//! Lazy reference to a contact matrix, as `<gzcm@>` gives it.

use std::fmt;
use std::ops::Range;
use std::path::PathBuf;
use std::sync::{Arc, OnceLock};

use ::gzcm::pixel::write_bits;
use ::gzcm::query::Window;
use ::gzcm::reader::{CacheSize, Reader};
use ::gzcm::{Dtype, Registry};
use lapjoint_codec::{CodecError, Metadata};
use lapjoint_store::{Store, StoreError};
use lapjoint_types::{Foreign, NdArray, Order};
use serde_json::Value as Json;

use super::stored::StoredFile;
use super::{NAME, elements};

/// The most cells of a dense window: 2^31, as many as fit a memory with some certainty.
const MOST_CELLS: u64 = 1 << 31;

/// A contact matrix in a store, of which windows are read when asked.
///
/// Shape and type come from the metadata of the row, without touching the store. The first read takes two requests (the header
/// and the index), each further one those for the tiles that it touches. Every tile is compared with its checksum. Clones share
/// what was opened, and its cache of decoded tiles.
#[derive(Clone)]
pub struct GzcmRef {
    inner: Arc<Inner>,
}

struct Inner {
    store: Store,
    path: String,
    metadata: Json,
    shape: (u64, u64),
    dtype: Dtype,
    size_bytes: Option<u64>,
    crc32c: Option<u32>,
    reader: OnceLock<Arc<Reader>>,
}

/// The cells of a window that are not zero, sorted by row and column; positions count from the window's first cell.
#[derive(Debug, Clone)]
pub struct SparseWindow {
    /// Shape of the window, `(rows, cols)`.
    pub shape: (u64, u64),
    /// Rows.
    pub rows: Vec<u32>,
    /// Columns.
    pub cols: Vec<u32>,
    /// Values: one dimension.
    pub values: NdArray,
}

impl GzcmRef {
    /// The matrix that metadata describes: a JSON object with `path`, `dtype` and `shape`.
    ///
    /// # Errors
    /// [`CodecError`] when a field is missing or of another type, or when the path could leave the store.
    pub fn new(metadata: Json, store: Store) -> Result<Self, CodecError> {
        Self::from_metadata(Metadata::from_json(NAME, metadata)?, store)
    }

    pub(super) fn from_metadata(metadata: Metadata, store: Store) -> Result<Self, CodecError> {
        let path = metadata.path()?.to_owned();
        let dtype = Dtype::parse(metadata.text("dtype")?)
            .map_err(|error| CodecError::stored(NAME, error.to_string()))?;
        let [rows, cols] = metadata.shape("shape")?[..] else {
            let message = "\"shape\" of its metadata must be two whole numbers";
            return Err(CodecError::stored(NAME, message));
        };
        let shape = (rows as u64, cols as u64);
        let (size_bytes, crc32c) = (metadata.optional_u64("size")?, metadata.crc32c()?);
        let metadata = metadata.into_json();
        let inner =
            Inner { store, path, shape, dtype, size_bytes, crc32c, metadata, reader: OnceLock::new() };
        Ok(Self { inner: Arc::new(inner) })
    }

    /// Shape of the first region, `(rows, cols)`.
    #[must_use]
    pub fn shape(&self) -> (u64, u64) {
        self.inner.shape
    }

    /// Element type.
    #[must_use]
    pub fn dtype(&self) -> Dtype {
        self.inner.dtype
    }

    /// Contacts that are stored of the first region, where the row says; of a symmetric one each once.
    #[must_use]
    pub fn nnz(&self) -> Option<u64> {
        self.inner.metadata.get("nnz").and_then(Json::as_u64)
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

    /// The open file, with all its regions, resolutions and normalisation vectors. It stays open, with a cache of tiles that
    /// clones share.
    ///
    /// # Errors
    /// As for [`open`](Self::open).
    pub fn reader(&self) -> Result<&Arc<Reader>, CodecError> {
        if let Some(open) = self.inner.reader.get() {
            return Ok(open);
        }
        let open = self.open(CacheSize::default())?;
        Ok(self.inner.reader.get_or_init(|| Arc::new(open)))
    }

    /// Opens the file anew, with a cache of its own.
    ///
    /// # Errors
    /// [`CodecError`] when the object is missing, damaged, or not the matrix that the metadata describes.
    pub fn open(&self, cache: CacheSize) -> Result<Reader, CodecError> {
        let Inner { store, path, shape, dtype, size_bytes, .. } = self.inner.as_ref();
        let object = match size_bytes {
            Some(size) => StoredFile::of_size(store.clone(), path, *size),
            None => StoredFile::new(store.clone(), path)?,
        };
        let open = Reader::new(Arc::new(object), Registry::global(), cache)
            .map_err(|error| self.codec_error(error))?;
        let found = open.catalog().regions.first().map(|entry| &entry.region);
        let found = found.map(|region| ((region.n_rows, region.n_cols), region.dtype));
        if found != Some((*shape, *dtype)) {
            let (expected, found) = ((shape, dtype), found.map(|(shape, dtype)| (shape, dtype.name())));
            return Err(self.damaged(format!(
                "expected shape {:?} and type {}, the file has {found:?}",
                expected.0, expected.1
            )));
        }
        Ok(open)
    }

    /// The window of `range1` against `range2` (`chrom` or `chrom:start-end`); see [`Reader::locate`].
    ///
    /// # Errors
    /// As for [`reader`](Self::reader), and when no region covers the ranges.
    pub fn locate(
        &self,
        range1: Option<&str>,
        range2: Option<&str>,
        bin_size_bp: Option<u64>,
    ) -> Result<Window, CodecError> {
        self.reader()?.locate(range1, range2, bin_size_bp).map_err(|error| self.codec_error(error))
    }

    /// A window of the first region by bins, dense.
    ///
    /// # Errors
    /// As for [`dense`](Self::dense).
    pub fn bins(&self, rows: Range<u64>, cols: Range<u64>) -> Result<NdArray, CodecError> {
        self.dense(&Window { region: 0, rows, cols, turned: false })
    }

    /// A window, dense: shape `(rows, cols)`, of a turned one its transpose. Of a symmetric region both triangles are there.
    ///
    /// # Errors
    /// [`CodecError`] when the window is not within its region, has more than 2^31 cells, or its tiles cannot be read.
    pub fn dense(&self, window: &Window) -> Result<NdArray, CodecError> {
        let length = |range: &Range<u64>| range.end.saturating_sub(range.start);
        let cells = length(&window.rows).checked_mul(length(&window.cols));
        if cells.is_none_or(|cells| cells > MOST_CELLS) {
            let (rows, cols) = (length(&window.rows), length(&window.cols));
            let message =
                format!("({rows}, {cols}) cells are too many at once: read windows, or sparse ones");
            return Err(CodecError::value(NAME, message));
        }
        let reader = self.reader()?;
        let matrix = reader.dense(window.region, window.rows.clone(), window.cols.clone());
        let matrix = matrix.map_err(|error| self.codec_error(error))?;
        let (shape, order) = if window.turned {
            (vec![matrix.cols, matrix.rows], Order::F)
        } else {
            (vec![matrix.rows, matrix.cols], Order::C)
        };
        NdArray::new(elements::dtype(matrix.dtype), shape, order, matrix.bytes.into())
            .map_err(|error| self.damaged(error.to_string()))
    }

    /// A window's cells that are not zero. Of a symmetric region both triangles are there.
    ///
    /// # Errors
    /// [`CodecError`] when the window is not within its region, or its tiles cannot be read.
    pub fn sparse(&self, window: &Window) -> Result<SparseWindow, CodecError> {
        let reader = self.reader()?;
        let pixels = reader.pixels(window.region, window.rows.clone(), window.cols.clone());
        let mut pixels = pixels.map_err(|error| self.codec_error(error))?;
        let first = |start: u64| u32::try_from(start).unwrap_or(u32::MAX);
        let (row, col) = (first(window.rows.start), first(window.cols.start));
        let (mut n_rows, mut n_cols) =
            (window.rows.end - window.rows.start, window.cols.end - window.cols.start);
        for pixel in &mut pixels {
            pixel.row -= row;
            pixel.col -= col;
            if window.turned {
                std::mem::swap(&mut pixel.row, &mut pixel.col);
            }
        }
        if window.turned {
            std::mem::swap(&mut n_rows, &mut n_cols);
            pixels.sort_unstable();
        }
        let dtype = reader.catalog().regions[window.region].region.dtype;
        let mut values = vec![0; pixels.len() * dtype.size_bytes()];
        for (element, pixel) in values.chunks_exact_mut(dtype.size_bytes()).zip(&pixels) {
            write_bits(pixel.bits, element);
        }
        let values = NdArray::new(elements::dtype(dtype), vec![pixels.len()], Order::C, values.into())
            .map_err(|error| self.damaged(error.to_string()))?;
        Ok(SparseWindow {
            shape: (n_rows, n_cols),
            rows: pixels.iter().map(|pixel| pixel.row).collect(),
            cols: pixels.iter().map(|pixel| pixel.col).collect(),
            values,
        })
    }

    /// All of the first region, dense.
    ///
    /// # Errors
    /// As for [`dense`](Self::dense).
    pub fn load(&self) -> Result<NdArray, CodecError> {
        self.bins(0..self.inner.shape.0, 0..self.inner.shape.1)
    }

    /// Reads all of the object: size and checksum are those on record, and every tile is as it was written.
    ///
    /// # Errors
    /// [`CodecError`] for the first thing that is damaged.
    pub fn verify(&self) -> Result<(), CodecError> {
        let Inner { store, path, size_bytes, crc32c, .. } = self.inner.as_ref();
        let expected = crc32c.map(|crc| format!("{crc:08x}"));
        let found = store.checksum(path)?;
        if let Some(expected_bytes) = size_bytes.filter(|size| *size != found.size_bytes) {
            return Err(CodecError::Store(StoreError::SizeMismatch {
                store: store.name().to_owned(),
                path: path.clone(),
                expected_bytes,
                actual_bytes: found.size_bytes,
            }));
        }
        if let Some(expected) = expected.filter(|expected| *expected != found.crc32c) {
            return Err(CodecError::Store(StoreError::ChecksumMismatch {
                store: store.name().to_owned(),
                path: path.clone(),
                expected: format!("crc32c {expected}"),
                actual: format!("crc32c {}", found.crc32c),
            }));
        }
        let verified = self.reader()?.verify().map_err(|error| self.codec_error(error))?;
        match verified.damaged.into_iter().next() {
            Some(damage) => Err(self.codec_error(damage)),
            None => Ok(()),
        }
    }

    /// A small picture of the first region as PNG, at most `side_pixels` a side.
    ///
    /// # Errors
    /// [`CodecError`] when the matrix cannot be read.
    pub fn thumbnail(&self, side_pixels: usize) -> Result<Vec<u8>, CodecError> {
        ::gzcm::view::thumbnail(self.reader()?, 0, side_pixels).map_err(|error| self.codec_error(error))
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

    /// Whether both have the same regions with the same contacts.
    pub(super) fn is_same(&self, other: &Self) -> Result<bool, CodecError> {
        let (one, two) = (self.reader()?, other.reader()?);
        let (these, those) = (&one.catalog().regions, &two.catalog().regions);
        if these.len() != those.len() || these.iter().zip(those).any(|(a, b)| a.region != b.region) {
            return Ok(false);
        }
        for region in 0..these.len() {
            let of = |matrix: &Self, reader: &Reader| {
                reader.stored_pixels(region).map_err(|error| matrix.codec_error(error))
            };
            if of(self, one)? != of(other, two)? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn damaged(&self, message: String) -> CodecError {
        let (store, path) = (self.inner.store.name().to_owned(), self.inner.path.clone());
        CodecError::Object { codec: NAME.into(), store, path, message }
    }

    /// An error of the engine of matrices as one of the codec, which names store and path; the store's own as it was.
    #[must_use]
    pub fn codec_error(&self, error: ::gzcm::Error) -> CodecError {
        match error {
            ::gzcm::Error::Io(error) => match error.downcast::<StoreError>() {
                Ok(error) => CodecError::Store(error),
                Err(error) => self.damaged(error.to_string()),
            },
            ::gzcm::Error::Invalid { what, reason } => CodecError::value(NAME, format!("{what}: {reason}")),
            other => self.damaged(other.to_string()),
        }
    }
}

impl Foreign for GzcmRef {
    fn type_name(&self) -> &str {
        "GzcmRef"
    }

    fn as_any(&self) -> &dyn std::any::Any {
        self
    }
}

impl fmt::Display for GzcmRef {
    /// `GzcmRef(shape=(2522, 2522), dtype=uint32, nnz=2125980)`, as in Python.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (rows, cols) = self.inner.shape;
        write!(f, "GzcmRef(shape=({rows}, {cols}), dtype={}", self.inner.dtype)?;
        self.nnz().map_or(Ok(()), |nnz| write!(f, ", nnz={nnz}"))?;
        write!(f, ")")
    }
}

impl fmt::Debug for GzcmRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
