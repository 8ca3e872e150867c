//! Stores of services, and of memory, through `object_store`.

use std::ops::Range;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::{StreamExt, TryStreamExt};
use object_store::memory::InMemory;
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt, PutOptions, PutPayload, WriteMultipart};

use super::{Backend, DirSyncs, Sink, Visit, range_bytes};
use crate::error::{Result, StoreError};
use crate::path::SafePath;
use crate::runtime::block_on;
use crate::spec::StoreSpec;
use crate::store::{Level, ObjectMeta, PutMode};

/// Objects up to this size are sent in one request; larger ones in parts of this size.
const PART_BYTES: usize = 8 << 20;
/// Parts that may be on their way at once.
const PARTS_IN_FLIGHT: usize = 4;

#[derive(Debug, Clone)]
pub(super) struct Remote {
    store: String,
    scheme: String,
    objects: Arc<dyn ObjectStore>,
}

impl Remote {
    pub fn memory(spec: &StoreSpec) -> Self {
        Self {
            store: spec.name.clone(),
            scheme: format!("memory://{}", spec.name),
            objects: Arc::new(InMemory::new()),
        }
    }

    /// The key of a path, byte for byte. `Path::from` would percent-encode; `Path::parse` refuses what keys cannot
    /// hold, which after [`SafePath`] is only control characters.
    fn key(path: &SafePath) -> Result<Path> {
        Path::parse(path.as_str()).map_err(|_| {
            StoreError::unsafe_path(path.as_str(), "this store cannot hold control characters in names")
        })
    }

    fn key_of(prefix: Option<&SafePath>) -> Result<Option<Path>> {
        prefix.map(Self::key).transpose()
    }

    fn error(&self, operation: &'static str, path: &str, error: object_store::Error) -> StoreError {
        let (store, path) = (self.store.clone(), path.to_owned());
        match error {
            object_store::Error::NotFound { .. } => StoreError::NotFound { store, path },
            object_store::Error::AlreadyExists { .. } => StoreError::AlreadyExists { store, path },
            object_store::Error::PermissionDenied { source, .. }
            | object_store::Error::Unauthenticated { source, .. } => {
                StoreError::PermissionDenied { store, path, message: source.to_string() }
            }
            other => StoreError::Service { operation, store, path, message: other.to_string() },
        }
    }

    fn put_key(&self, key: &Path, bytes: Bytes, mode: PutMode) -> object_store::Result<()> {
        let options = PutOptions::from(match mode {
            PutMode::Create => object_store::PutMode::Create,
            PutMode::Overwrite => object_store::PutMode::Overwrite,
        });
        match block_on(self.objects.put_opts(key, PutPayload::from_bytes(bytes), options)) {
            Ok(result) => result.map(|_| ()),
            Err(error) => Err(object_store::Error::Generic { store: "runtime", source: Box::new(error) }),
        }
    }
}

impl Backend for Remote {
    fn put(&self, path: &SafePath, bytes: &Bytes, mode: PutMode, _later: Option<&DirSyncs>) -> Result<()> {
        let key = Self::key(path)?;
        if bytes.len() > PART_BYTES && mode == PutMode::Overwrite {
            let mut sink = self.sink(path, mode, None)?;
            sink.write(bytes)?;
            return sink.finish();
        }
        self.put_key(&key, bytes.clone(), mode).map_err(|error| self.error("write", path.as_str(), error))
    }

    fn sink(&self, path: &SafePath, mode: PutMode, _later: Option<Arc<DirSyncs>>) -> Result<Box<dyn Sink>> {
        Ok(Box::new(RemoteSink {
            remote: self.clone(),
            key: Self::key(path)?,
            mode,
            buffer: Vec::new(),
            upload: None,
        }))
    }

    fn sync(&self, _later: &DirSyncs) -> Result<()> {
        Ok(())
    }

    fn get(&self, path: &SafePath) -> Result<Bytes> {
        let key = Self::key(path)?;
        block_on(async { self.objects.get(&key).await?.bytes().await })?
            .map_err(|error| self.error("read", path.as_str(), error))
    }

    fn get_ranges(&self, path: &SafePath, ranges: &[Range<u64>]) -> Result<Vec<Bytes>> {
        let key = Self::key(path)?;
        // Services refuse an empty range, and cut one that reaches beyond the end short instead of refusing it.
        let wanted: Vec<_> = ranges.iter().filter(|range| range.start < range.end).cloned().collect();
        let read = block_on(async { self.objects.get_ranges(&key, &wanted).await })?;
        let is_whole = |parts: &[Bytes]| {
            wanted.len() == ranges.len()
                && parts.iter().zip(&wanted).all(|(part, range)| Some(part.len()) == range_bytes(range))
        };
        match read {
            Ok(parts) if is_whole(&parts) => return Ok(parts),
            Err(error @ object_store::Error::NotFound { .. }) => {
                return Err(self.error("read", path.as_str(), error));
            }
            _ => {}
        }
        let size_bytes = self
            .head(path)?
            .map(|meta| meta.size_bytes)
            .ok_or_else(|| StoreError::NotFound { store: self.store.clone(), path: path.to_string() })?;
        if let Some(range) = ranges.iter().find(|range| range.end > size_bytes || range.start > range.end) {
            return Err(StoreError::RangeOutOfBounds {
                store: self.store.clone(),
                path: path.to_string(),
                start: range.start,
                end: range.end,
                size_bytes,
            });
        }
        let mut parts = read.map_err(|error| self.error("read", path.as_str(), error))?.into_iter();
        let mut next = |range: &Range<u64>| {
            if range.is_empty() {
                return Ok(Bytes::new());
            }
            parts.next().filter(|part| Some(part.len()) == range_bytes(range)).ok_or_else(|| {
                StoreError::Service {
                    operation: "read",
                    store: self.store.clone(),
                    path: path.to_string(),
                    message: format!("fewer bytes came than the {} asked for", range.end - range.start),
                }
            })
        };
        ranges.iter().map(&mut next).collect()
    }

    fn head(&self, path: &SafePath) -> Result<Option<ObjectMeta>> {
        let key = Self::key(path)?;
        match block_on(async { self.objects.head(&key).await })? {
            Ok(meta) => convert(meta).map(Some),
            Err(object_store::Error::NotFound { .. }) => Ok(None),
            Err(error) => Err(self.error("look up", path.as_str(), error)),
        }
    }

    fn list(&self, prefix: Option<&SafePath>, visit: Visit<'_>) -> Result<()> {
        let key = Self::key_of(prefix)?;
        let shown = prefix.map_or("", SafePath::as_str);
        let mut stream = self.objects.list(key.as_ref()).chunks(1000);
        // Visited outside of the runtime: a visitor may call this store again.
        while let Some(chunk) = block_on(stream.next())? {
            for meta in chunk {
                visit(convert(meta.map_err(|error| self.error("list", shown, error))?)?)?;
            }
        }
        Ok(())
    }

    fn level(&self, prefix: Option<&SafePath>) -> Result<Level> {
        let key = Self::key_of(prefix)?;
        let shown = prefix.map_or("", SafePath::as_str);
        let found = block_on(async { self.objects.list_with_delimiter(key.as_ref()).await })?
            .map_err(|error| self.error("list", shown, error))?;
        Ok(Level {
            objects: found.objects.into_iter().map(convert).collect::<Result<_>>()?,
            folders: found.common_prefixes.into_iter().map(String::from).collect(),
        })
    }

    fn delete(&self, path: &SafePath) -> Result<()> {
        let key = Self::key(path)?;
        match block_on(async { self.objects.delete(&key).await })? {
            Ok(()) | Err(object_store::Error::NotFound { .. }) => Ok(()),
            Err(error) => Err(self.error("delete", path.as_str(), error)),
        }
    }

    fn rename(&self, from: &SafePath, to: &SafePath) -> Result<()> {
        let (source, target) = (Self::key(from)?, Self::key(to)?);
        // Not the service's own renaming, where it has one: the copy has to be there before the object goes.
        block_on(async {
            self.objects.copy(&source, &target).await?;
            self.objects.delete(&source).await
        })?
        .map_err(|error| self.error("rename", from.as_str(), error))
    }

    fn delete_prefix(&self, prefix: &SafePath) -> Result<()> {
        let key = Self::key(prefix)?;
        block_on(async {
            let keys: Vec<object_store::Result<Path>> =
                self.objects.list(Some(&key)).map_ok(|meta| meta.location).collect().await;
            let mut deleted = self.objects.delete_stream(futures_util::stream::iter(keys).boxed());
            while let Some(result) = deleted.next().await {
                match result {
                    Ok(_) | Err(object_store::Error::NotFound { .. }) => {}
                    Err(error) => return Err(error),
                }
            }
            Ok(())
        })?
        .map_err(|error| self.error("delete", prefix.as_str(), error))
    }

    fn local_path(&self, _path: &SafePath) -> Option<PathBuf> {
        None
    }

    fn url(&self, path: &SafePath) -> String {
        format!("{}/{path}", self.scheme)
    }

    fn clean_staging(&self, _age: Duration) -> Result<u64> {
        Ok(0)
    }
}

fn convert(meta: object_store::ObjectMeta) -> Result<ObjectMeta> {
    let nanoseconds = meta.last_modified.timestamp_nanos_opt().unwrap_or(0);
    Ok(ObjectMeta {
        path: meta.location.into(),
        size_bytes: meta.size,
        modified: jiff::Timestamp::from_nanosecond(nanoseconds.into()).unwrap_or(jiff::Timestamp::UNIX_EPOCH),
    })
}

/// Sends small content in one request and large content in parts.
struct RemoteSink {
    remote: Remote,
    key: Path,
    mode: PutMode,
    buffer: Vec<u8>,
    upload: Option<WriteMultipart>,
}

impl RemoteSink {
    fn error(&self, error: object_store::Error) -> StoreError {
        self.remote.error("write", self.key.as_ref(), error)
    }

    fn send_part(&mut self) -> Result<()> {
        if self.upload.is_none() {
            // Services complete an upload in parts without asking whether the object has appeared meanwhile.
            let taken = self.mode == PutMode::Create
                && block_on(async { self.remote.objects.head(&self.key).await })?.is_ok();
            if taken {
                return Err(StoreError::AlreadyExists {
                    store: self.remote.store.clone(),
                    path: self.key.to_string(),
                });
            }
            let upload = block_on(async { self.remote.objects.put_multipart(&self.key).await })?
                .map_err(|error| self.error(error))?;
            self.upload = Some(WriteMultipart::new_with_chunk_size(upload, PART_BYTES));
        }
        let bytes = Bytes::from(std::mem::take(&mut self.buffer));
        let result = match &mut self.upload {
            Some(upload) => block_on(async {
                upload.wait_for_capacity(PARTS_IN_FLIGHT).await?;
                upload.put(bytes);
                Ok(())
            })?,
            None => Ok(()),
        };
        result.map_err(|error| self.error(error))
    }
}

impl Sink for RemoteSink {
    fn write(&mut self, bytes: &[u8]) -> Result<()> {
        for piece in bytes.chunks(PART_BYTES) {
            if self.buffer.len() + piece.len() > PART_BYTES {
                self.send_part()?;
            }
            self.buffer.extend_from_slice(piece);
        }
        Ok(())
    }

    fn finish(mut self: Box<Self>) -> Result<()> {
        if self.upload.is_some() {
            self.send_part()?;
        }
        match self.upload.take() {
            Some(upload) => {
                block_on(async { upload.finish().await })?.map(|_| ()).map_err(|error| self.error(error))
            }
            None => {
                let bytes = Bytes::from(std::mem::take(&mut self.buffer));
                self.remote.put_key(&self.key, bytes, self.mode).map_err(|error| self.error(error))
            }
        }
    }
}

impl Drop for RemoteSink {
    fn drop(&mut self) {
        if let Some(upload) = self.upload.take() {
            // Parts of an upload that nobody completes are billed for until they are aborted.
            if let Err(error) | Ok(Err(error)) = block_on(async { upload.abort().await })
                .map(|result| result.map_err(|error| self.error(error)))
            {
                tracing::warn!(%error, "an unfinished upload could not be aborted");
            }
        }
    }
}
