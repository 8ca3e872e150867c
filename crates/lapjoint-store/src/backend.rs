//! What a protocol must be able to do. The public face is [`crate::store::Store`].

use std::fmt;
use std::ops::Range;
use std::path::PathBuf;
use std::sync::Arc;

use bytes::Bytes;

use crate::error::{Result, StoreError};
use crate::path::SafePath;
use crate::spec::{Protocol, StoreSpec};
use crate::store::{CHUNK_BYTES, Level, ObjectMeta, OpenOptions, PutMode};

mod foreign;
mod local;
mod remote;

pub(crate) use local::DirSyncs;

/// Receives the objects of a listing.
pub(crate) type Visit<'a> = &'a mut dyn FnMut(ObjectMeta) -> Result<()>;

/// Receives the bytes of an object.
pub(crate) type Take<'a> = &'a mut dyn FnMut(&[u8]) -> Result<()>;

/// Bytes on their way into one object, which appears when `finish` returns. Dropped before, it leaves nothing.
pub(crate) trait Sink: Send {
    fn write(&mut self, bytes: &[u8]) -> Result<()>;
    /// As `write`, of bytes that may be kept instead of copied.
    fn write_bytes(&mut self, bytes: Bytes) -> Result<()> {
        self.write(&bytes)
    }
    /// False if the object may be another's, as for [`Backend::put`].
    fn finish(self: Box<Self>) -> Result<bool>;
}

/// How an object is written.
#[derive(Clone, Copy)]
pub(crate) struct Put<'a> {
    pub mode: PutMode,
    /// Kept with the object where the protocol can, to tell later whose it is.
    pub origin: Option<&'a str>,
    /// Making the folder's entry durable is left to `sync` of this.
    pub later: Option<&'a DirSyncs>,
}

/// One protocol. The caller has checked every path. Calls come from many threads at once.
pub(crate) trait Backend: Send + Sync + fmt::Debug {
    /// Writes an object as a whole. False if it was to be created and there is one with the same content that may be
    /// another's: an answer was lost, and the service keeps no origins.
    fn put(&self, path: &SafePath, bytes: &Bytes, put: Put<'_>) -> Result<bool>;
    /// Starts to write an object piece by piece.
    fn sink(
        &self,
        path: &SafePath,
        mode: PutMode,
        origin: Option<&str>,
        later: Option<Arc<DirSyncs>>,
    ) -> Result<Box<dyn Sink>>;
    /// Makes durable what `put` and `sink` left to later.
    fn sync(&self, later: &DirSyncs) -> Result<()>;
    fn get(&self, path: &SafePath) -> Result<Bytes>;
    /// Ranges may touch or overlap; each lies within the object, or the call fails.
    fn get_ranges(&self, path: &SafePath, ranges: &[Range<u64>]) -> Result<Vec<Bytes>>;
    /// Hands over a whole object from its start, piece by piece.
    fn stream(&self, path: &SafePath, take: Take<'_>) -> Result<()>;
    fn head(&self, path: &SafePath) -> Result<Option<ObjectMeta>>;
    /// Whether objects keep the origins they are written with.
    fn keeps_origins(&self) -> bool {
        false
    }
    /// The origin of an object; `None` if it has none, or is not there.
    fn origin(&self, _path: &SafePath) -> Result<Option<String>> {
        Ok(None)
    }
    /// Visits every object below a folder, or in the store. Fails as a whole rather than leaving something out.
    fn list(&self, prefix: Option<&SafePath>, visit: Visit<'_>) -> Result<()>;
    /// Objects and folders directly in a folder, by name.
    fn level(&self, prefix: Option<&SafePath>) -> Result<Level>;
    /// Deletes an object; one that is not there is no error.
    fn delete(&self, path: &SafePath) -> Result<()>;
    /// Gives an object another name, replacing what has it. It is never under neither name.
    fn rename(&self, from: &SafePath, to: &SafePath) -> Result<()>;
    /// Deletes everything below a folder.
    fn delete_prefix(&self, prefix: &SafePath) -> Result<()>;
    fn local_path(&self, path: &SafePath) -> Option<PathBuf>;
    fn url(&self, path: &SafePath) -> String;
    /// Removes remains of writes that were cut off, when older than `age`; returns how many.
    fn clean_staging(&self, age: std::time::Duration) -> Result<u64>;
    /// Requests sent to a service, attempts included; `None` where there is no service.
    fn requests(&self) -> Option<u64> {
        None
    }
}

pub(crate) fn open(spec: &StoreSpec, options: &OpenOptions) -> Result<Arc<dyn Backend>> {
    match spec.protocol {
        Protocol::File => Ok(Arc::new(local::Local::open(spec, options)?)),
        Protocol::Foreign(protocol) => Ok(Arc::new(foreign::Foreign::open(spec, protocol)?)),
        Protocol::Memory => Ok(Arc::new(remote::Remote::memory(spec))),
        Protocol::S3 | Protocol::Gcs | Protocol::Azure | Protocol::Http => {
            Ok(Arc::new(remote::Remote::open(spec)?))
        }
    }
}

/// Streams an object whose protocol only reads ranges.
fn stream_ranges(backend: &dyn Backend, store: &str, path: &SafePath, take: Take<'_>) -> Result<()> {
    let missing = || StoreError::NotFound { store: store.to_owned(), path: path.to_string() };
    let size_bytes = backend.head(path)?.ok_or_else(missing)?.size_bytes;
    let mut start = 0;
    while start < size_bytes {
        let end = size_bytes.min(start + CHUNK_BYTES);
        for part in backend.get_ranges(path, std::slice::from_ref(&(start..end)))? {
            take(&part)?;
        }
        start = end;
    }
    Ok(())
}

/// The length of a range as a size in memory.
pub(crate) fn range_bytes(range: &Range<u64>) -> Option<usize> {
    usize::try_from(range.end.checked_sub(range.start)?).ok()
}
