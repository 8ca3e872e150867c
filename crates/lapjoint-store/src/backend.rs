//! What a protocol must be able to do. The public face is [`crate::store::Store`].

use std::fmt;
use std::ops::Range;
use std::path::PathBuf;
use std::sync::Arc;

use bytes::Bytes;

use crate::error::{Result, StoreError};
use crate::path::SafePath;
use crate::spec::{Protocol, StoreSpec};
use crate::store::{Level, ObjectMeta, OpenOptions, PutMode};

mod foreign;
mod local;
mod remote;

pub(crate) use local::DirSyncs;

/// Receives the objects of a listing.
pub(crate) type Visit<'a> = &'a mut dyn FnMut(ObjectMeta) -> Result<()>;

/// Bytes on their way into one object, which appears when `finish` returns. Dropped before, it leaves nothing.
pub(crate) trait Sink: Send {
    fn write(&mut self, bytes: &[u8]) -> Result<()>;
    fn finish(self: Box<Self>) -> Result<()>;
}

/// One protocol. The caller has checked every path. Calls come from many threads at once.
pub(crate) trait Backend: Send + Sync + fmt::Debug {
    /// Writes an object as a whole. With `later`, making the folder's entry durable is left to `sync`.
    fn put(&self, path: &SafePath, bytes: &Bytes, mode: PutMode, later: Option<&DirSyncs>) -> Result<()>;
    /// Starts to write an object piece by piece.
    fn sink(&self, path: &SafePath, mode: PutMode, later: Option<Arc<DirSyncs>>) -> Result<Box<dyn Sink>>;
    /// Makes durable what `put` and `sink` left to later.
    fn sync(&self, later: &DirSyncs) -> Result<()>;
    fn get(&self, path: &SafePath) -> Result<Bytes>;
    /// Ranges may touch or overlap; each lies within the object, or the call fails.
    fn get_ranges(&self, path: &SafePath, ranges: &[Range<u64>]) -> Result<Vec<Bytes>>;
    fn head(&self, path: &SafePath) -> Result<Option<ObjectMeta>>;
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
}

pub(crate) fn open(spec: &StoreSpec, options: &OpenOptions) -> Result<Arc<dyn Backend>> {
    match spec.protocol {
        Protocol::File => Ok(Arc::new(local::Local::open(spec, options)?)),
        Protocol::Foreign(protocol) => Ok(Arc::new(foreign::Foreign::open(spec, protocol)?)),
        Protocol::Memory => Ok(Arc::new(remote::Remote::memory(spec))),
        Protocol::S3 | Protocol::Gcs | Protocol::Azure | Protocol::Http => {
            Err(StoreError::UnsupportedProtocol {
                store: spec.name.clone(),
                protocol: spec.protocol.name().to_owned(),
            })
        }
    }
}

/// The length of a range as a size in memory.
pub(crate) fn range_bytes(range: &Range<u64>) -> Option<usize> {
    usize::try_from(range.end.checked_sub(range.start)?).ok()
}
