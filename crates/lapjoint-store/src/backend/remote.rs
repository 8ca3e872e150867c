//! Stores of services, and of memory, through `object_store`.

use std::future::Future;
use std::ops::Range;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use futures_util::{StreamExt, TryStreamExt};
use object_store::memory::InMemory;
use object_store::path::Path;
use object_store::{Attribute, GetOptions, GetRange, ObjectStore, ObjectStoreExt, coalesce_ranges};

use super::{Backend, DirSyncs, Put, Sink, Take, Visit, range_bytes};
use crate::error::{Result, StoreError};
use crate::path::SafePath;
use crate::runtime::{PerProcess, block_on};
use crate::spec::{Protocol, StoreSpec};
use crate::store::{Level, ObjectMeta, PutMode};

mod azure;
mod client;
mod create;
mod failure;
mod gcs;
mod patience;
mod place;
mod profile;
mod s3;
mod sink;
mod trace;
mod web;

use create::Conditional;
use place::Place;
use sink::RemoteSink;
use trace::Trace;

/// Objects up to this size are sent in one request; larger ones in parts.
const SINGLE_BYTES: usize = 16 << 20;
/// Ranges nearer to each other than this are read in one request.
const GAP_BYTES: u64 = 32 << 10;
/// Memory taken for an object before its bytes have come; a service may say any size.
const AHEAD_BYTES: u64 = 64 << 20;
/// Under this name an object carries its origin: a word of the work that created it. Letters alone: Azure refuses hyphens in names, and
/// some servers drop headers with underscores.
const ORIGIN: Attribute = Attribute::Metadata(std::borrow::Cow::Borrowed("lapjointorigin"));

#[derive(Debug, Clone)]
pub(super) struct Remote(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    store: String,
    place: Place,
    /// What all keys begin with: nothing, or the store's location and a `/`.
    prefix: String,
    url: String,
    made: PerProcess<Arc<dyn ObjectStore>>,
    conditional: Arc<Conditional>,
    requests: Arc<AtomicU64>,
}

impl Remote {
    pub fn memory(spec: &StoreSpec) -> Self {
        let objects: Arc<dyn ObjectStore> = Arc::new(InMemory::new());
        let url = format!("memory://{}", spec.name);
        Self::new(spec, Place::Memory(objects), String::new(), url, Arc::default())
    }

    /// A store of a service; nothing is sent yet.
    pub fn open(spec: &StoreSpec) -> Result<Self> {
        let requests = Arc::default();
        let place = Place::of(spec, &requests)?;
        let prefix = if spec.location.is_empty() || spec.protocol == Protocol::Http {
            String::new()
        } else {
            // An empty part is a part of names to DataJoint; keys with one cannot be had through `object_store`.
            SafePath::parse(&spec.location)
                .map_err(|error| place::invalid(spec, "location", &error.to_string()))?;
            format!("{}/", spec.location)
        };
        let url = place.url(spec);
        Ok(Self::new(spec, place, prefix, url, requests))
    }

    fn new(spec: &StoreSpec, place: Place, prefix: String, url: String, requests: Arc<AtomicU64>) -> Self {
        let conditional = Conditional::of(&place);
        let store = spec.name.clone();
        Self(Arc::new(Inner { store, place, prefix, url, made: PerProcess::new(), conditional, requests }))
    }

    /// The client of this process: connections must not be shared over a fork.
    fn objects(&self) -> Result<&Arc<dyn ObjectStore>> {
        self.0.made.get(|| self.0.place.connect(&self.0.store))
    }

    /// The key of a path, byte for byte. `Path::from` would percent-encode; `Path::parse` refuses what keys cannot
    /// hold, which after [`SafePath`] is only control characters.
    fn key(&self, path: &SafePath) -> Result<Path> {
        Path::parse(format!("{}{path}", self.0.prefix)).map_err(|_| {
            StoreError::unsafe_path(path.as_str(), "this store cannot hold control characters in names")
        })
    }

    fn key_of(&self, prefix: Option<&SafePath>) -> Result<Option<Path>> {
        match prefix {
            Some(prefix) => self.key(prefix).map(Some),
            None if self.0.prefix.is_empty() => Ok(None),
            None => Ok(Path::parse(&self.0.prefix).ok()),
        }
    }

    fn path_of(&self, key: &str) -> String {
        key.strip_prefix(&self.0.prefix).unwrap_or(key).to_owned()
    }

    fn convert(&self, meta: object_store::ObjectMeta) -> ObjectMeta {
        let nanoseconds = meta.last_modified.timestamp_nanos_opt().unwrap_or(0);
        ObjectMeta {
            path: self.path_of(meta.location.as_ref()),
            size_bytes: meta.size,
            modified: jiff::Timestamp::from_nanosecond(nanoseconds.into())
                .unwrap_or(jiff::Timestamp::UNIX_EPOCH),
        }
    }

    /// Runs an operation to its end, and says what became of it.
    fn run<T: Send>(
        &self,
        operation: &'static str,
        path: &str,
        work: impl Future<Output = object_store::Result<T>> + Send,
    ) -> Result<T> {
        let trace = Arc::new(Trace::default());
        block_on(trace.of(work))?.map_err(|error| self.error(operation, path, &error, &trace))
    }

    fn error(
        &self,
        operation: &'static str,
        path: &str,
        error: &object_store::Error,
        trace: &Trace,
    ) -> StoreError {
        failure::sort(&self.0.store, &self.0.place, operation, path, error, trace)
    }

    fn meta_and_origin(&self, path: &SafePath) -> Result<Option<(ObjectMeta, Option<String>)>> {
        let (key, objects) = (self.key(path)?, self.objects()?);
        let found = self.run("look up", path.as_str(), async {
            objects.get_opts(&key, GetOptions::new().with_head(true)).await
        });
        match found {
            Ok(found) => {
                let origin = found.attributes.get(&ORIGIN).map(|origin| origin.as_ref().to_owned());
                Ok(Some((self.convert(found.meta), origin)))
            }
            Err(StoreError::NotFound { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    async fn read(
        objects: &dyn ObjectStore,
        key: &Path,
        range: Option<Range<u64>>,
    ) -> object_store::Result<Bytes> {
        let options = GetOptions::new().with_range(range.map(GetRange::Bounded));
        let found = objects.get_opts(key, options).await?;
        let expected_bytes = found.range.end.saturating_sub(found.range.start);
        let mut pieces = found.into_stream();
        let Some(first) = pieces.try_next().await? else { return whole(Bytes::new(), expected_bytes) };
        if first.len() as u64 == expected_bytes {
            return Ok(first);
        }
        let ahead = usize::try_from(expected_bytes.min(AHEAD_BYTES)).unwrap_or_default();
        let mut content = BytesMut::with_capacity(ahead.max(first.len()));
        content.extend_from_slice(&first);
        while let Some(piece) = pieces.try_next().await? {
            content.extend_from_slice(&piece);
        }
        whole(content.freeze(), expected_bytes)
    }

    /// A range, even from a server that only serves whole files.
    async fn read_range(
        objects: &dyn ObjectStore,
        key: &Path,
        range: Range<u64>,
    ) -> object_store::Result<Bytes> {
        match Self::read(objects, key, Some(range.clone())).await {
            Err(object_store::Error::NotSupported { .. }) => {}
            read => return read,
        }
        let mut pieces = objects.get_opts(key, GetOptions::new()).await?.into_stream();
        let (mut position, mut content) = (0_u64, BytesMut::new());
        while position < range.end
            && let Some(piece) = pieces.try_next().await?
        {
            let end = position + piece.len() as u64;
            let within = |at: u64| usize::try_from(at.clamp(position, end) - position).unwrap_or_default();
            content.extend_from_slice(piece.get(within(range.start)..within(range.end)).unwrap_or_default());
            position = end;
        }
        Ok(content.freeze())
    }

    /// Deletes what lies below a prefix, in the client's own way or one by one.
    async fn delete_all(objects: &dyn ObjectStore, prefix: &Path) -> object_store::Result<()> {
        let keys: Vec<object_store::Result<Path>> =
            objects.list(Some(prefix)).map_ok(|meta| meta.location).collect().await;
        let mut deleted = objects.delete_stream(futures_util::stream::iter(keys).boxed());
        while let Some(result) = deleted.next().await {
            match result {
                Ok(_) | Err(object_store::Error::NotFound { .. }) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    fn refuse_write(&self, path: &SafePath) -> Result<()> {
        if !self.0.place.is_read_only() {
            return Ok(());
        }
        let message = "stores of the protocol http are read only".to_owned();
        Err(StoreError::PermissionDenied { store: self.0.store.clone(), path: path.to_string(), message })
    }
}

/// Content that is as long as the service said; connections that end early must not shorten it.
fn whole(content: Bytes, expected_bytes: u64) -> object_store::Result<Bytes> {
    if content.len() as u64 == expected_bytes {
        return Ok(content);
    }
    let source = format!("{} bytes came, not the {expected_bytes} that were announced", content.len()).into();
    Err(object_store::Error::Generic { store: "HTTP", source })
}

impl Backend for Remote {
    fn put(&self, path: &SafePath, bytes: &Bytes, put: Put<'_>) -> Result<bool> {
        self.refuse_write(path)?;
        if bytes.len() > SINGLE_BYTES {
            let mut sink = self.sink(path, put.mode, put.origin, None)?;
            sink.write_bytes(bytes.clone())?;
            sink.finish()?;
            return Ok(true);
        }
        match put.mode {
            PutMode::Create => self.create(path, bytes, put.origin),
            PutMode::Overwrite => self.overwrite(path, bytes, put.origin).map(|()| true),
        }
    }

    fn sink(
        &self,
        path: &SafePath,
        mode: PutMode,
        origin: Option<&str>,
        _later: Option<Arc<DirSyncs>>,
    ) -> Result<Box<dyn Sink>> {
        self.refuse_write(path)?;
        Ok(Box::new(RemoteSink::new(self.clone(), path.clone(), mode, origin)))
    }

    fn sync(&self, _later: &DirSyncs) -> Result<()> {
        Ok(())
    }

    fn get(&self, path: &SafePath) -> Result<Bytes> {
        let (key, objects) = (self.key(path)?, self.objects()?);
        self.run("read", path.as_str(), Self::read(objects.as_ref(), &key, None))
    }

    fn get_ranges(&self, path: &SafePath, ranges: &[Range<u64>]) -> Result<Vec<Bytes>> {
        let (key, objects) = (self.key(path)?, self.objects()?);
        // Services refuse an empty range, and cut one that reaches beyond the end short instead of refusing it.
        let wanted: Vec<_> = ranges.iter().filter(|range| range.start < range.end).cloned().collect();
        let read = self.run("read", path.as_str(), async {
            let one = |range| Self::read_range(objects.as_ref(), &key, range);
            coalesce_ranges(&wanted, one, GAP_BYTES).await
        });
        let is_whole = |parts: &[Bytes]| {
            wanted.len() == ranges.len()
                && parts.iter().zip(&wanted).all(|(part, range)| Some(part.len()) == range_bytes(range))
        };
        match read {
            Ok(parts) if is_whole(&parts) => return Ok(parts),
            Err(error @ StoreError::NotFound { .. }) => return Err(error),
            _ => {}
        }
        let size_bytes = self
            .head(path)?
            .map(|meta| meta.size_bytes)
            .ok_or_else(|| StoreError::NotFound { store: self.0.store.clone(), path: path.to_string() })?;
        if let Some(range) = ranges.iter().find(|range| range.end > size_bytes || range.start > range.end) {
            return Err(StoreError::RangeOutOfBounds {
                store: self.0.store.clone(),
                path: path.to_string(),
                start: range.start,
                end: range.end,
                size_bytes,
            });
        }
        let mut parts = read?.into_iter();
        let mut next = |range: &Range<u64>| {
            if range.is_empty() {
                return Ok(Bytes::new());
            }
            parts.next().filter(|part| Some(part.len()) == range_bytes(range)).ok_or_else(|| {
                StoreError::Service {
                    operation: "read",
                    store: self.0.store.clone(),
                    path: path.to_string(),
                    message: format!("fewer bytes came than the {} asked for", range.end - range.start),
                    attempts: 1,
                }
            })
        };
        ranges.iter().map(&mut next).collect()
    }

    fn stream(&self, path: &SafePath, take: Take<'_>) -> Result<()> {
        let (key, objects) = (self.key(path)?, self.objects()?);
        let found = self.run("read", path.as_str(), objects.get_opts(&key, GetOptions::new()))?;
        let mut missing_bytes = found.meta.size;
        let mut pieces = found.into_stream();
        // A connection that breaks is made again from the byte at which it broke. Bytes are taken outside of the runtime.
        while let Some(piece) = self.run("read", path.as_str(), pieces.try_next())? {
            missing_bytes = missing_bytes.saturating_sub(piece.len() as u64);
            take(&piece)?;
        }
        if missing_bytes == 0 {
            return Ok(());
        }
        let (store, path) = (self.0.store.clone(), path.to_string());
        let message = format!("{missing_bytes} bytes of it did not come");
        Err(StoreError::Service { operation: "read", store, path, message, attempts: 1 })
    }

    fn head(&self, path: &SafePath) -> Result<Option<ObjectMeta>> {
        Ok(self.meta_and_origin(path)?.map(|(meta, _)| meta))
    }

    fn keeps_origins(&self) -> bool {
        !self.0.place.is_read_only()
    }

    fn origin(&self, path: &SafePath) -> Result<Option<String>> {
        Ok(self.meta_and_origin(path)?.and_then(|(_, origin)| origin))
    }

    fn list(&self, prefix: Option<&SafePath>, visit: Visit<'_>) -> Result<()> {
        let (key, objects) = (self.key_of(prefix)?, self.objects()?);
        let shown = prefix.map_or("", SafePath::as_str);
        let mut stream = objects.list(key.as_ref()).chunks(1000);
        // Visited outside of the runtime: a visitor may call this store again.
        loop {
            let trace = Arc::new(Trace::default());
            let Some(chunk) = block_on(trace.of(stream.next()))? else { return Ok(()) };
            for meta in chunk {
                visit(self.convert(meta.map_err(|error| self.error("list", shown, &error, &trace))?))?;
            }
        }
    }

    fn level(&self, prefix: Option<&SafePath>) -> Result<Level> {
        let (key, objects) = (self.key_of(prefix)?, self.objects()?);
        let shown = prefix.map_or("", SafePath::as_str);
        let found = self.run("list", shown, objects.list_with_delimiter(key.as_ref()))?;
        Ok(Level {
            objects: found.objects.into_iter().map(|meta| self.convert(meta)).collect(),
            folders: found.common_prefixes.iter().map(|key| self.path_of(key.as_ref())).collect(),
        })
    }

    fn delete(&self, path: &SafePath) -> Result<()> {
        self.refuse_write(path)?;
        let (key, objects) = (self.key(path)?, self.objects()?);
        match self.run("delete", path.as_str(), async { objects.delete(&key).await }) {
            Err(StoreError::NotFound { .. }) => Ok(()),
            other => other,
        }
    }

    fn rename(&self, from: &SafePath, to: &SafePath) -> Result<()> {
        self.refuse_write(from)?;
        let (source, target, objects) = (self.key(from)?, self.key(to)?, self.objects()?);
        let size_bytes = match self.head(from)? {
            Some(meta) => meta.size_bytes,
            None => return Err(StoreError::NotFound { store: self.0.store.clone(), path: from.to_string() }),
        };
        // Not the service's own renaming, where it has one: the copy has to be there before the object goes.
        let copied = self.run("rename", from.as_str(), objects.copy(&source, &target));
        let is_there = copied.is_ok() && self.head(to)?.is_some_and(|meta| meta.size_bytes == size_bytes);
        if !is_there {
            // Some services know no copies, or none of large objects.
            let mut sink = self.sink(to, PutMode::Overwrite, None, None)?;
            self.stream(from, &mut |bytes| sink.write(bytes))?;
            sink.finish()?;
        }
        self.delete(from)
    }

    fn delete_prefix(&self, prefix: &SafePath) -> Result<()> {
        self.refuse_write(prefix)?;
        let (key, objects) = (self.key(prefix)?, self.objects()?);
        self.run("delete", prefix.as_str(), Self::delete_all(objects.as_ref(), &key))
    }

    fn local_path(&self, _path: &SafePath) -> Option<PathBuf> {
        None
    }

    fn url(&self, path: &SafePath) -> String {
        format!("{}/{}{path}", self.0.url, self.0.prefix)
    }

    fn clean_staging(&self, _age: Duration) -> Result<u64> {
        Ok(0)
    }

    fn requests(&self) -> Option<u64> {
        (!matches!(self.0.place, Place::Memory(_))).then(|| self.0.requests.load(Ordering::Relaxed))
    }
}
