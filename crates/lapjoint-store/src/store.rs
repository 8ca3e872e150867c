//! Reading and writing the objects of one store.

use std::fmt;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;

use crate::backend::{self, Backend, DirSyncs, Put};
use crate::checksum::{Checksum, crc32c_hex};
use crate::error::{Result, StoreError};
use crate::path::SafePath;
use crate::spec::{Protocol, StoreSpec};

pub(crate) mod parallel;
mod reader;
mod stats;
mod writer;

pub use reader::StoreReader;
use stats::Counters;
pub use stats::Stats;
pub use writer::StoreWriter;

/// How many bytes are read or written at a time when a whole object passes through memory piece by piece.
pub(crate) const CHUNK_BYTES: u64 = 4 << 20;

/// Whether a write may replace an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PutMode {
    /// Fail with [`StoreError::AlreadyExists`] if there is an object.
    Create,
    /// Replace an object that is there.
    Overwrite,
}

/// What was written (or read as a whole).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Written {
    /// Size of the object.
    pub size_bytes: u64,
    /// CRC-32C of its content, eight lower-case hexadecimal digits.
    pub crc32c: String,
}

/// What is known of an object without reading it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ObjectMeta {
    /// Path within the store.
    pub path: String,
    /// Size of the object.
    pub size_bytes: u64,
    /// When it was last written.
    pub modified: jiff::Timestamp,
}

/// What lies directly in a folder.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Level {
    /// Objects, with their full paths.
    pub objects: Vec<ObjectMeta>,
    /// Full paths of folders, without a trailing `/`.
    pub folders: Vec<String>,
}

/// How a store is opened.
#[derive(Debug, Clone)]
pub struct OpenOptions {
    /// Flush every write to disk before it counts as done, so that it survives a loss of power. On by default.
    pub durable: bool,
}

impl Default for OpenOptions {
    fn default() -> Self {
        Self { durable: true }
    }
}

/// An open store. Clones are cheap and share the same store and the same counters.
#[derive(Clone)]
pub struct Store(Arc<Inner>);

struct Inner {
    spec: StoreSpec,
    backend: Arc<dyn Backend>,
    counters: Arc<Counters>,
}

impl Store {
    /// Opens a store with durable writes.
    ///
    /// # Errors
    ///
    /// [`StoreError::InaccessibleDirectory`], or [`StoreError::InvalidSetting`] and [`StoreError::MissingKeys`] for settings
    /// that a service cannot be reached with. No service is asked anything yet.
    pub fn open(spec: StoreSpec) -> Result<Self> {
        Self::open_with(spec, &OpenOptions::default())
    }

    /// Opens a store.
    ///
    /// # Errors
    ///
    /// As [`Store::open`].
    pub fn open_with(spec: StoreSpec, options: &OpenOptions) -> Result<Self> {
        let backend = backend::open(&spec, options)?;
        Ok(Self(Arc::new(Inner { spec, backend, counters: Arc::default() })))
    }

    /// The same open store under changed settings, if they mean the same place.
    pub(crate) fn with_spec(&self, spec: &StoreSpec) -> Option<Self> {
        let old = &self.0.spec;
        // A memory store has no place but itself; its content must outlive a change of its settings.
        let is_same_place = old.name == spec.name
            && old.protocol == spec.protocol
            && (spec.protocol == Protocol::Memory || old.location == spec.location)
            && old.settings() == spec.settings()
            && !matches!(spec.protocol, Protocol::Foreign(_));
        is_same_place.then(|| {
            let (backend, counters) = (Arc::clone(&self.0.backend), Arc::clone(&self.0.counters));
            Self(Arc::new(Inner { spec: spec.clone(), backend, counters }))
        })
    }

    /// The store's name in the configuration.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.0.spec.name
    }

    /// The store's settings.
    #[must_use]
    pub fn spec(&self) -> &StoreSpec {
        &self.0.spec
    }

    /// Requests made and bytes moved since the store was opened, by all its clones.
    #[must_use]
    pub fn stats(&self) -> Stats {
        let mut stats = self.0.counters.read();
        if let Some(requests) = self.0.backend.requests() {
            stats.requests = requests;
        }
        stats
    }

    /// How many objects are read or written at once where the caller does not say: few for a disk, more for a service, which
    /// answers late but many at a time (its setting `concurrency`, by default 32).
    #[must_use]
    pub fn parallelism(&self) -> usize {
        const OF_DISKS: usize = 8;
        const OF_SERVICES: u64 = 32;
        match self.0.spec.protocol {
            Protocol::File | Protocol::Memory | Protocol::Foreign(_) => OF_DISKS,
            Protocol::S3 | Protocol::Gcs | Protocol::Azure | Protocol::Http => {
                let set = self.0.spec.option("concurrency").and_then(serde_json::Value::as_u64);
                usize::try_from(set.unwrap_or(OF_SERVICES).clamp(1, 256)).unwrap_or(1)
            }
        }
    }

    /// Whether reading is mostly waiting, so that more objects should be read at once than there are processors.
    #[must_use]
    pub fn is_distant(&self) -> bool {
        !matches!(self.0.spec.protocol, Protocol::File | Protocol::Memory)
    }

    /// Whether objects keep the origin of the upload that created them; see [`crate::staging::UploadOptions::origin`].
    #[must_use]
    pub fn keeps_origins(&self) -> bool {
        self.0.backend.keeps_origins()
    }

    /// The origin of an object; `None` if it has none, or is not there.
    ///
    /// # Errors
    ///
    /// As [`Store::head`].
    pub fn origin(&self, path: &str) -> Result<Option<String>> {
        let path = SafePath::parse(path)?;
        self.0.counters.request();
        self.0.backend.origin(&path)
    }

    /// Writes an object. It appears whole or not at all.
    ///
    /// # Errors
    ///
    /// [`StoreError::AlreadyExists`] with [`PutMode::Create`], [`StoreError::UnsafePath`], or a failure of the store.
    pub fn put(&self, path: &str, bytes: impl Into<Bytes>, mode: PutMode) -> Result<Written> {
        let bytes = bytes.into();
        self.put_with(path, &bytes, Put { mode, origin: None, later: None })?;
        Ok(Written { size_bytes: bytes.len() as u64, crc32c: crc32c_hex(&bytes) })
    }

    /// Writes an object; false if one that was to be created may be another's with the same content.
    pub(crate) fn put_with(&self, path: &str, bytes: &Bytes, put: Put<'_>) -> Result<bool> {
        let path = SafePath::parse(path)?;
        self.0.counters.request();
        let is_ours = self.0.backend.put(&path, bytes, put)?;
        self.0.counters.wrote(bytes.len() as u64);
        Ok(is_ours)
    }

    /// Writes many objects, up to `parallelism` at a time. Items are taken from the iterator as they are needed, so
    /// no more than that many are in memory if it makes them one by one. After an error no further item is begun;
    /// those that were written stay.
    ///
    /// # Errors
    ///
    /// The first error of [`Store::put`].
    pub fn put_many<I>(&self, items: I, mode: PutMode, parallelism: usize) -> Result<Vec<Written>>
    where
        I: IntoIterator<Item = (String, Bytes)>,
        I::IntoIter: Send,
    {
        let later = DirSyncs::default();
        let written = parallel::run(items, parallelism, |(path, bytes)| {
            self.put_with(&path, &bytes, Put { mode, origin: None, later: Some(&later) })?;
            Ok(Written { size_bytes: bytes.len() as u64, crc32c: crc32c_hex(&bytes) })
        });
        // What was written must last even if something after it failed.
        let synced = self.sync(&later);
        let written = written?;
        synced.map(|()| written)
    }

    pub(crate) fn sync(&self, later: &DirSyncs) -> Result<()> {
        self.0.backend.sync(later)
    }

    /// Starts to write an object piece by piece. It appears when [`StoreWriter::finish`] returns; a writer that is
    /// dropped leaves nothing.
    ///
    /// # Errors
    ///
    /// [`StoreError::UnsafePath`], or a failure of the store.
    pub fn writer(&self, path: &str, mode: PutMode) -> Result<StoreWriter> {
        self.writer_with(path, mode, None, None)
    }

    pub(crate) fn writer_with(
        &self,
        path: &str,
        mode: PutMode,
        origin: Option<&str>,
        later: Option<Arc<DirSyncs>>,
    ) -> Result<StoreWriter> {
        let path = SafePath::parse(path)?;
        self.0.counters.request();
        let sink = self.0.backend.sink(&path, mode, origin, later)?;
        Ok(StoreWriter::new(sink, Arc::clone(&self.0.counters)))
    }

    /// Writes the content of a local file, in pieces; its checksum is computed on the way.
    ///
    /// # Errors
    ///
    /// [`StoreError::LocalFile`] for the source, and those of [`Store::put`].
    pub fn put_file(&self, path: &str, source: &Path, mode: PutMode) -> Result<Written> {
        self.put_file_with(path, source, mode, None, None).map(|(written, _)| written)
    }

    pub(crate) fn put_file_with(
        &self,
        path: &str,
        source: &Path,
        mode: PutMode,
        origin: Option<&str>,
        later: Option<Arc<DirSyncs>>,
    ) -> Result<(Written, bool)> {
        let fail = |error| StoreError::local("read", source, error);
        let mut file = std::fs::File::open(source).map_err(fail)?;
        // Opening a folder succeeds on Unix; only reading it fails.
        let size_bytes = file.metadata().map_err(fail)?.len();
        let mut writer = self.writer_with(path, mode, origin, later)?;
        let chunk = usize::try_from(size_bytes.clamp(1, CHUNK_BYTES)).unwrap_or(1);
        let mut buffer = vec![0; chunk];
        loop {
            match std::io::Read::read(&mut file, &mut buffer) {
                Ok(0) => break,
                Ok(count) => writer.push(buffer.get(..count).unwrap_or_default())?,
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
                Err(error) => return Err(fail(error)),
            }
        }
        writer.finish_with()
    }

    /// Reads a whole object.
    ///
    /// # Errors
    ///
    /// [`StoreError::NotFound`], [`StoreError::UnsafePath`], or a failure of the store.
    pub fn get(&self, path: &str) -> Result<Bytes> {
        let path = SafePath::parse(path)?;
        self.0.counters.request();
        let bytes = self.0.backend.get(&path)?;
        self.0.counters.read_bytes(bytes.len() as u64);
        Ok(bytes)
    }

    /// Reads a whole object and compares it with the size and checksum on record, as far as they are.
    ///
    /// # Errors
    ///
    /// [`StoreError::SizeMismatch`], [`StoreError::ChecksumMismatch`], and those of [`Store::get`].
    pub fn get_verified(&self, path: &str, size_bytes: Option<u64>, crc32c: Option<&str>) -> Result<Bytes> {
        let bytes = self.get(path)?;
        let actual_bytes = bytes.len() as u64;
        self.check_size(path, size_bytes.unwrap_or(actual_bytes), actual_bytes)?;
        if let Some(expected) = crc32c {
            self.check_crc(path, expected, &crc32c_hex(&bytes))?;
        }
        Ok(bytes)
    }

    pub(crate) fn check_size(&self, path: &str, expected_bytes: u64, actual_bytes: u64) -> Result<()> {
        if expected_bytes == actual_bytes {
            return Ok(());
        }
        let (store, path) = (self.name().to_owned(), path.to_owned());
        Err(StoreError::SizeMismatch { store, path, expected_bytes, actual_bytes })
    }

    pub(crate) fn check_crc(&self, path: &str, expected: &str, actual: &str) -> Result<()> {
        if expected.eq_ignore_ascii_case(actual) {
            return Ok(());
        }
        Err(StoreError::ChecksumMismatch {
            store: self.name().to_owned(),
            path: path.to_owned(),
            expected: expected.to_owned(),
            actual: actual.to_owned(),
        })
    }

    /// Reads the bytes `range.start..range.end` of an object.
    ///
    /// # Errors
    ///
    /// [`StoreError::RangeOutOfBounds`] if the object is shorter, and those of [`Store::get`].
    pub fn get_range(&self, path: &str, range: Range<u64>) -> Result<Bytes> {
        let ranges = self.get_ranges(path, std::slice::from_ref(&range))?;
        Ok(ranges.into_iter().next().unwrap_or_default())
    }

    /// Reads several ranges of one object, in the order asked for.
    ///
    /// # Errors
    ///
    /// As [`Store::get_range`].
    pub fn get_ranges(&self, path: &str, ranges: &[Range<u64>]) -> Result<Vec<Bytes>> {
        let path = SafePath::parse(path)?;
        self.0.counters.request();
        let parts = self.0.backend.get_ranges(&path, ranges)?;
        self.0.counters.read_bytes(parts.iter().map(|part| part.len() as u64).sum());
        Ok(parts)
    }

    /// An object as a file to read and seek in; reads ahead a little.
    ///
    /// # Errors
    ///
    /// [`StoreError::NotFound`], [`StoreError::UnsafePath`], or a failure of the store.
    pub fn reader(&self, path: &str) -> Result<StoreReader> {
        let size_bytes = self.size_bytes(path)?;
        Ok(StoreReader::new(self.clone(), path.to_owned(), size_bytes))
    }

    /// Size of an object.
    ///
    /// # Errors
    ///
    /// [`StoreError::NotFound`], [`StoreError::UnsafePath`], or a failure of the store.
    pub fn size_bytes(&self, path: &str) -> Result<u64> {
        let meta = self.head(path)?;
        let (store, missing) = (self.name().to_owned(), path.to_owned());
        meta.map(|meta| meta.size_bytes).ok_or(StoreError::NotFound { store, path: missing })
    }

    /// Copies an object into a local file, which appears whole or not at all.
    ///
    /// # Errors
    ///
    /// [`StoreError::LocalFile`] for the destination, and those of [`Store::get`].
    pub fn download(&self, path: &str, destination: &Path) -> Result<Written> {
        let fail = |error| StoreError::local("write", destination, error);
        let mut name = destination.file_name().unwrap_or_default().to_owned();
        name.push(format!(".{}.part", crate::addressing::token(8)));
        let part = destination.with_file_name(name);
        let mut file = std::fs::OpenOptions::new().write(true).create_new(true).open(&part).map_err(fail)?;
        let copied = self
            .read_in_pieces(path, |bytes| std::io::Write::write_all(&mut file, bytes).map_err(fail))
            .and_then(|written| std::fs::rename(&part, destination).map(|()| written).map_err(fail));
        if copied.is_err() {
            // The error of the copy is the one to report.
            let _ = std::fs::remove_file(&part);
        }
        copied
    }

    /// Size and checksum of an object, by reading it piece by piece.
    ///
    /// # Errors
    ///
    /// As [`Store::get`].
    pub fn checksum(&self, path: &str) -> Result<Written> {
        self.read_in_pieces(path, |_| Ok::<_, StoreError>(()))
    }

    /// Reads a whole object from its start and hands it over piece by piece: one request, and little memory. A connection that
    /// breaks is made again at the byte at which it broke; what cannot be had whole is an error.
    ///
    /// # Errors
    ///
    /// As [`Store::get`], or the error of `take`.
    pub fn read_in_pieces<E: From<StoreError>>(
        &self,
        path: &str,
        mut take: impl FnMut(&[u8]) -> Result<(), E>,
    ) -> Result<Written, E> {
        let safe = SafePath::parse(path)?;
        let mut sum = Checksum::default();
        let mut refused = None;
        self.0.counters.request();
        let read = self.0.backend.stream(&safe, &mut |bytes| {
            sum.update(bytes);
            self.0.counters.read_bytes(bytes.len() as u64);
            take(bytes).map_err(|error| {
                refused = Some(error);
                StoreError::Cancelled { objects_done: 0, objects_total: 1 }
            })
        });
        refused.map_or(Ok(()), Err)?;
        read?;
        Ok(Written { size_bytes: sum.size_bytes(), crc32c: sum.hex() })
    }

    /// Size and time of an object; `None` if there is none (a folder is none).
    ///
    /// # Errors
    ///
    /// [`StoreError::UnsafePath`], or a failure of the store.
    pub fn head(&self, path: &str) -> Result<Option<ObjectMeta>> {
        let path = SafePath::parse(path)?;
        self.0.counters.request();
        self.0.backend.head(&path)
    }

    /// Whether there is an object.
    ///
    /// # Errors
    ///
    /// As [`Store::head`].
    pub fn exists(&self, path: &str) -> Result<bool> {
        Ok(self.head(path)?.is_some())
    }

    /// Whether there is a folder: something lies below the path, or it is an empty directory.
    ///
    /// # Errors
    ///
    /// As [`Store::head`].
    pub fn is_folder(&self, path: &str) -> Result<bool> {
        if let Some(local) = self.local_path(path)? {
            return Ok(local.is_dir());
        }
        let level = match self.level(path) {
            // A plain web server shows no folders; whether it answers at all is seen when a file is asked for.
            Err(StoreError::Service { .. }) if self.0.spec.protocol == Protocol::Http => Level::default(),
            level => level?,
        };
        Ok(!level.objects.is_empty() || !level.folders.is_empty())
    }

    /// All objects below a folder; `""` is the whole store. An error anywhere fails the listing.
    ///
    /// # Errors
    ///
    /// [`StoreError::UnsafePath`], or a failure of the store.
    pub fn list(&self, prefix: &str) -> Result<Vec<ObjectMeta>> {
        let mut objects = Vec::new();
        self.list_with(prefix, |meta| {
            objects.push(meta);
            Ok(())
        })?;
        Ok(objects)
    }

    /// Calls `visit` for each object below a folder, without keeping them in memory. An error of `visit` ends the
    /// listing and is returned.
    ///
    /// # Errors
    ///
    /// [`StoreError::UnsafePath`], a failure of the store, or the error of `visit`.
    pub fn list_with(&self, prefix: &str, mut visit: impl FnMut(ObjectMeta) -> Result<()>) -> Result<()> {
        let prefix = SafePath::parse_prefix(prefix)?;
        self.0.counters.request();
        self.0.backend.list(prefix.as_ref(), &mut visit)
    }

    /// Objects and folders directly in a folder.
    ///
    /// # Errors
    ///
    /// [`StoreError::UnsafePath`], or a failure of the store.
    pub fn level(&self, prefix: &str) -> Result<Level> {
        let prefix = SafePath::parse_prefix(prefix)?;
        self.0.counters.request();
        self.0.backend.level(prefix.as_ref())
    }

    /// Deletes an object; one that is not there is no error (services do not tell).
    ///
    /// # Errors
    ///
    /// [`StoreError::UnsafePath`], or a failure of the store.
    pub fn delete(&self, path: &str) -> Result<()> {
        let path = SafePath::parse(path)?;
        self.0.counters.request();
        self.0.backend.delete(&path)
    }

    /// Gives an object another name in the same store, replacing what has it. If that is cut off, the object is under one of
    /// the names, or both.
    ///
    /// # Errors
    ///
    /// [`StoreError::NotFound`], [`StoreError::UnsafePath`], or a failure of the store.
    pub fn rename(&self, from: &str, to: &str) -> Result<()> {
        let (from, to) = (SafePath::parse(from)?, SafePath::parse(to)?);
        self.0.counters.request();
        self.0.backend.rename(&from, &to)
    }

    /// Deletes everything below a folder. The whole store cannot be deleted.
    ///
    /// # Errors
    ///
    /// [`StoreError::UnsafePath`], also for an empty prefix, or a failure of the store.
    pub fn delete_prefix(&self, prefix: &str) -> Result<()> {
        let path = SafePath::parse(prefix.strip_suffix('/').unwrap_or(prefix))?;
        self.0.counters.request();
        self.0.backend.delete_prefix(&path)
    }

    /// Where an object lies on this machine, for memory mapping; `None` if it does not.
    ///
    /// # Errors
    ///
    /// [`StoreError::UnsafePath`].
    pub fn local_path(&self, path: &str) -> Result<Option<PathBuf>> {
        Ok(self.0.backend.local_path(&SafePath::parse(path)?))
    }

    /// The object's address, as DataJoint's `get_url`: `file:///…` for a directory, never percent-encoded.
    ///
    /// # Errors
    ///
    /// [`StoreError::UnsafePath`].
    pub fn url(&self, path: &str) -> Result<String> {
        Ok(self.0.backend.url(&SafePath::parse(path)?))
    }

    /// Removes what writes left behind whose process died more than `age` ago; returns how many files. Must not be
    /// called with an age in which a running write could still be under way.
    ///
    /// # Errors
    ///
    /// A failure of the store.
    pub fn clean_staging(&self, age: Duration) -> Result<u64> {
        self.0.backend.clean_staging(age)
    }
}

impl fmt::Debug for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Store").field(&self.0.spec).finish()
    }
}

#[cfg(test)]
mod tests;
