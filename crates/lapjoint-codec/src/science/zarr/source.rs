//! What `<zarr@>` takes beside plain arrays: an array with options, or slabs that come one after another.

use std::error::Error;
use std::fs;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use lapjoint_store::{FolderContent, MadeFile, at_once};
use lapjoint_types::{DType, Foreign, NdArray, Order};

use super::copy::{Place, copy_box, strides_c, strides_f};
use super::encode::{Encoder, place, places};
use super::layout::{Layout, grid};
use super::options::ZarrOptions;
use super::{NAME, dtype};
use crate::error::CodecError;
use crate::local::io_error;

/// Length of a first axis that is not known yet, for the choice of chunks.
const ENDLESS: u64 = 1 << 40;

/// Elements that wait to be encoded together.
const BUFFER_BYTES: usize = 256 << 20;

/// An array to be stored, and how.
#[derive(Debug, Clone)]
pub struct ZarrSource(Content);

#[derive(Debug, Clone)]
enum Content {
    Array(Box<(ZarrOptions, NdArray)>),
    Spooled(Arc<Spooled>),
}

impl Foreign for ZarrSource {
    fn type_name(&self) -> &str {
        "ZarrValue"
    }

    fn as_any(&self) -> &dyn std::any::Any {
        self
    }
}

impl ZarrSource {
    /// An array to be stored with options.
    #[must_use]
    pub fn new(array: NdArray, options: ZarrOptions) -> Self {
        Self(Content::Array(Box::new((options, array))))
    }

    /// The layout and the files.
    pub(super) fn files(&self) -> Result<(Layout, Arc<dyn FolderContent>), CodecError> {
        match &self.0 {
            Content::Array(given) => {
                let (options, array) = given.as_ref();
                let shape: Vec<u64> = array.shape().iter().map(|&size| size as u64).collect();
                let encoder = Encoder::new(options.layout(array.dtype(), &shape)?)?;
                let layout = encoder.layout.clone();
                Ok((
                    layout,
                    Arc::new(ArrayFiles { grid: encoder.layout.file_grid(), encoder, array: array.clone() }),
                ))
            }
            Content::Spooled(spooled) => {
                Ok((spooled.layout.clone(), Arc::<Spooled>::clone(spooled) as Arc<dyn FolderContent>))
            }
        }
    }
}

/// The files of an array in memory, each made when it is its turn.
#[derive(Debug)]
struct ArrayFiles {
    encoder: Encoder,
    array: NdArray,
    grid: Vec<u64>,
}

impl FolderContent for ArrayFiles {
    fn files(&self) -> Vec<MadeFile> {
        let metadata = self.encoder.layout.files();
        let mut files: Vec<MadeFile> = metadata
            .into_iter()
            .map(|(name, bytes)| MadeFile { path: name.to_owned(), at_most_bytes: bytes.len() as u64 })
            .collect();
        let at_most_bytes = self.encoder.at_most_bytes();
        files.extend(
            places(&self.grid).map(|at| MadeFile { path: self.encoder.layout.key(&at), at_most_bytes }),
        );
        files
    }

    fn make(&self, index: usize) -> Result<Bytes, Box<dyn Error + Send + Sync>> {
        let metadata = self.encoder.layout.files();
        let Some(number) = index.checked_sub(metadata.len()) else {
            return Ok(metadata.into_iter().nth(index).map(|(_, bytes)| bytes.into()).unwrap_or_default());
        };
        Ok(self.encoder.file(&self.array, 0, &place(&self.grid, number as u64))?)
    }
}

/// A folder of this machine that goes with its owner.
#[derive(Debug)]
struct Scratch(PathBuf);

impl Drop for Scratch {
    fn drop(&mut self) {
        // What cannot be removed is swept with the other temporary files.
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// Files that are encoded already and wait in a folder.
#[derive(Debug)]
struct Spooled {
    layout: Layout,
    folder: Scratch,
    /// Names of the array's files, and their sizes.
    files: Vec<(String, u64)>,
}

impl FolderContent for Spooled {
    fn files(&self) -> Vec<MadeFile> {
        let metadata =
            self.layout.files().into_iter().map(|(name, bytes)| (name.to_owned(), bytes.len() as u64));
        metadata
            .chain(self.files.iter().cloned())
            .map(|(path, at_most_bytes)| MadeFile { path, at_most_bytes })
            .collect()
    }

    fn make(&self, index: usize) -> Result<Bytes, Box<dyn Error + Send + Sync>> {
        let metadata = self.layout.files();
        let Some(number) = index.checked_sub(metadata.len()) else {
            return Ok(metadata.into_iter().nth(index).map(|(_, bytes)| bytes.into()).unwrap_or_default());
        };
        let path = self.folder.0.join(number.to_string());
        let bytes = fs::read(&path)?;
        match self.files.get(number) {
            Some((_, size)) if *size == bytes.len() as u64 => Ok(bytes.into()),
            _ => Err(format!("{} was changed while it waited", path.display()).into()),
        }
    }
}

/// Takes an array slab by slab along its first axis and encodes as it comes: memory holds some chunks, a folder the rest.
#[derive(Debug)]
pub struct ZarrSpool {
    options: ZarrOptions,
    folder: Option<Scratch>,
    state: Option<State>,
}

#[derive(Debug)]
struct State {
    encoder: Encoder,
    dtype: DType,
    /// Shape of what is buffered when the buffer is full.
    shape: Vec<usize>,
    /// Elements in row-major order.
    buffer: Vec<u8>,
    /// Rows in the buffer, and rows that are encoded.
    rows: usize,
    done: u64,
    files: Vec<(String, u64)>,
}

impl ZarrSpool {
    /// A spool in a folder that exists and belongs to it from now on.
    #[must_use]
    pub const fn new(options: ZarrOptions, folder: PathBuf) -> Self {
        Self { options, folder: Some(Scratch(folder)), state: None }
    }

    /// Takes the next rows.
    ///
    /// # Errors
    /// [`CodecError`] for a slab of another type or shape than the first, and when the folder cannot be written.
    pub fn push(&mut self, slab: &NdArray) -> Result<(), CodecError> {
        let Some(folder) = &self.folder else { return Ok(()) };
        if slab.ndim() == 0 {
            return Err(CodecError::value(
                NAME,
                "takes slabs of at least one dimension, got one of shape ()",
            ));
        }
        let state = match &mut self.state {
            Some(state) => state,
            empty => empty.insert(State::new(&self.options, slab)?),
        };
        if slab.dtype().kind != state.dtype.kind || slab.shape().get(1..) != state.shape.get(1..) {
            return Err(CodecError::value(
                NAME,
                format!(
                    "takes slabs of one type and shape: the first is {} of (…, {:?}), one that follows is {} of {:?}",
                    state.dtype,
                    state.shape.get(1..).unwrap_or_default(),
                    slab.dtype(),
                    slab.shape()
                ),
            ));
        }
        let mut taken = 0;
        let rows = slab.shape().first().copied().unwrap_or_default();
        while taken < rows {
            taken += state.take(slab, taken);
            if state.rows == state.shape.first().copied().unwrap_or(1) {
                state.flush(folder)?;
            }
        }
        Ok(())
    }

    /// The array, once all slabs are there.
    ///
    /// # Errors
    /// [`CodecError::Value`] when there was no slab, which leaves type and shape unknown.
    pub fn finish(mut self) -> Result<ZarrSource, CodecError> {
        let (Some(mut state), Some(folder)) = (self.state.take(), self.folder.take()) else {
            return Err(CodecError::value(
                NAME,
                "takes at least one slab: without any, type and shape are not known",
            ));
        };
        if state.done == 0 {
            // All of it is in memory, and its length is known now.
            let mut shape = state.shape;
            let row_bytes = state.buffer.len() / shape.first().copied().unwrap_or(1).max(1);
            if let Some(rows) = shape.first_mut() {
                *rows = state.rows;
            }
            state.buffer.truncate(row_bytes * state.rows);
            let array = NdArray::new(state.dtype, shape, Order::C, state.buffer.into())
                .map_err(|error| CodecError::value(NAME, error.to_string()))?;
            return Ok(ZarrSource::new(array, self.options));
        }
        state.flush(&folder)?;
        let mut layout = state.encoder.layout;
        if let Some(rows) = layout.shape.first_mut() {
            *rows = state.done;
        }
        Ok(ZarrSource(Content::Spooled(Arc::new(Spooled { layout, folder, files: state.files }))))
    }
}

impl State {
    fn new(options: &ZarrOptions, slab: &NdArray) -> Result<Self, CodecError> {
        let mut shape: Vec<u64> = slab.shape().iter().map(|&size| size as u64).collect();
        if let Some(rows) = shape.first_mut() {
            *rows = ENDLESS;
        }
        let encoder = Encoder::new(options.layout(slab.dtype(), &shape)?)?;
        let rows = encoder.layout.file_shape.first().copied().unwrap_or(1);
        let rows = usize::try_from(rows).map_err(|error| CodecError::value(NAME, error.to_string()))?;
        let mut shape = slab.shape().to_vec();
        let row_bytes: usize = shape.iter().skip(1).product::<usize>() * slab.dtype().item_bytes();
        let band_bytes = rows.saturating_mul(row_bytes).max(1);
        // As many bands as are encoded at once.
        let threads = std::thread::available_parallelism().map_or(1, usize::from);
        let bands = threads.clamp(1, (BUFFER_BYTES / band_bytes).max(1));
        if let Some(first) = shape.first_mut() {
            *first = rows.saturating_mul(bands);
        }
        let buffer = super::inflate::zeroed(band_bytes.saturating_mul(bands))?;
        let mut buffer = buffer;
        buffer.truncate(shape.first().copied().unwrap_or_default().saturating_mul(row_bytes));
        let dtype = DType::little(slab.dtype().kind.clone());
        Ok(Self { encoder, dtype, shape, buffer, rows: 0, done: 0, files: Vec::new() })
    }

    /// Copies rows of a slab from `first` on, as many as find room; says how many.
    fn take(&mut self, slab: &NdArray, first: usize) -> usize {
        let item_bytes = self.dtype.item_bytes();
        let room = self.shape.first().copied().unwrap_or_default().saturating_sub(self.rows);
        let count = slab.shape().first().copied().unwrap_or_default().saturating_sub(first).min(room);
        let strides =
            if slab.order() == Order::F { strides_f(slab.shape()) } else { strides_c(slab.shape()) };
        let target = strides_c(&self.shape);
        let lead = |strides: &[usize], row: usize| strides.first().copied().unwrap_or_default() * row;
        let from = Place { first: lead(&strides, first), strides };
        let to = Place { first: lead(&target, self.rows), strides: target };
        let mut shape = slab.shape().to_vec();
        if let Some(rows) = shape.first_mut() {
            *rows = count;
        }
        copy_box(slab.data(), &from, &mut self.buffer, &to, &shape, item_bytes);
        let row_bytes = to.strides.first().copied().unwrap_or_default() * item_bytes;
        if let Some(taken) = self.buffer.get_mut(self.rows * row_bytes..(self.rows + count) * row_bytes) {
            dtype::to_little(slab.dtype(), taken);
        }
        self.rows += count;
        count
    }

    /// Encodes what is buffered into files of the folder.
    fn flush(&mut self, folder: &Scratch) -> Result<(), CodecError> {
        if self.rows == 0 {
            return Ok(());
        }
        let mut shape = self.shape.clone();
        if let Some(rows) = shape.first_mut() {
            *rows = self.rows;
        }
        let row_bytes = self.buffer.len() / self.shape.first().copied().unwrap_or(1).max(1);
        let length = row_bytes * self.rows;
        let mut buffer = std::mem::take(&mut self.buffer);
        let full = buffer.len();
        buffer.truncate(length);
        let owned = bytes::Bytes::from(buffer);
        let data = NdArray::new(self.dtype.clone(), shape, Order::C, owned.clone())
            .map_err(|error| CodecError::value(NAME, error.to_string()))?;
        // Beyond the rows that are there, the layout's endless axis must not look like data.
        self.encoder.layout.shape[0] = self.done + self.rows as u64;
        let file_rows = self.encoder.layout.file_shape.first().copied().unwrap_or(1);
        let mut span = grid(&self.encoder.layout.shape, &self.encoder.layout.file_shape);
        let before = self.done / file_rows;
        if let Some(rows) = span.first_mut() {
            *rows -= before;
        }
        let jobs: Vec<Vec<u64>> = places(&span)
            .map(|mut at| {
                if let Some(row) = at.first_mut() {
                    *row += before;
                }
                at
            })
            .collect();
        let start = self.files.len();
        let sizes: Mutex<Vec<(usize, u64)>> = Mutex::default();
        let threads = std::thread::available_parallelism().map_or(1, usize::from);
        at_once(jobs.iter().enumerate(), threads, |(number, at)| {
            let bytes = self.encoder.file(&data, self.done, at)?;
            let path = folder.0.join((start + number).to_string());
            fs::write(&path, &bytes).map_err(|error| io_error(NAME, &path, error))?;
            sizes.lock().unwrap_or_else(PoisonError::into_inner).push((number, bytes.len() as u64));
            Ok::<_, CodecError>(())
        })?;
        let mut sizes = sizes.into_inner().unwrap_or_else(PoisonError::into_inner);
        sizes.sort_unstable();
        self.files.extend(jobs.iter().zip(sizes).map(|(at, (_, size))| (self.encoder.layout.key(at), size)));
        self.done += self.rows as u64;
        self.rows = 0;
        drop(data);
        // The buffer comes back where nobody else holds it.
        let mut buffer = owned.try_into_mut().map_or_else(|_| Vec::new(), Vec::from);
        buffer.resize(full, 0);
        self.buffer = buffer;
        Ok(())
    }
}
