//! Stores that a foreign driver reaches.

use std::collections::BTreeSet;
use std::ops::Range;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;

use super::{Backend, DirSyncs, Put, Sink, Take, Visit, stream_ranges};
use crate::error::{Result, StoreError};
use crate::foreign::{Driver, DriverError, drivers};
use crate::path::SafePath;
use crate::spec::StoreSpec;
use crate::store::{Level, ObjectMeta, PutMode};

#[derive(Debug, Clone)]
pub(super) struct Foreign {
    store: String,
    driver: Arc<dyn Driver>,
}

impl Foreign {
    pub fn open(spec: &StoreSpec, protocol: &str) -> Result<Self> {
        let unknown =
            || StoreError::UnknownProtocol { store: spec.name.clone(), protocol: protocol.to_owned() };
        let driver = drivers().ok_or_else(unknown)?.open(protocol, spec.settings()).map_err(|error| {
            StoreError::Service {
                operation: "open",
                store: spec.name.clone(),
                path: spec.location.clone(),
                message: error.to_string(),
                attempts: 1,
            }
        })?;
        Ok(Self { store: spec.name.clone(), driver })
    }

    fn error(&self, operation: &'static str, path: &str, error: &DriverError) -> StoreError {
        let (store, path) = (self.store.clone(), path.to_owned());
        StoreError::Service { operation, store, path, message: error.to_string(), attempts: 1 }
    }

    fn not_found(&self, path: &SafePath) -> StoreError {
        StoreError::NotFound { store: self.store.clone(), path: path.to_string() }
    }

    fn all(&self, prefix: Option<&SafePath>) -> Result<Vec<ObjectMeta>> {
        let shown = prefix.map_or("", SafePath::as_str);
        let found = self.driver.list(shown).map_err(|error| self.error("list", shown, &error))?;
        let meta = |(path, (size_bytes, modified))| ObjectMeta { path, size_bytes, modified };
        Ok(found.into_iter().map(meta).collect())
    }

    fn size_bytes(&self, path: &SafePath) -> Result<u64> {
        self.head(path)?.map(|meta| meta.size_bytes).ok_or_else(|| self.not_found(path))
    }
}

impl Backend for Foreign {
    fn put(&self, path: &SafePath, bytes: &Bytes, put: Put<'_>) -> Result<bool> {
        if put.mode == PutMode::Create && self.head(path)?.is_some() {
            return Err(StoreError::AlreadyExists { store: self.store.clone(), path: path.to_string() });
        }
        let written = self.driver.put(path.as_str(), bytes);
        written.map(|()| true).map_err(|error| self.error("write", path.as_str(), &error))
    }

    fn sink(
        &self,
        path: &SafePath,
        mode: PutMode,
        _origin: Option<&str>,
        _later: Option<Arc<DirSyncs>>,
    ) -> Result<Box<dyn Sink>> {
        Ok(Box::new(ForeignSink { store: self.clone(), path: path.clone(), mode, buffer: Vec::new() }))
    }

    fn sync(&self, _later: &DirSyncs) -> Result<()> {
        Ok(())
    }

    fn get(&self, path: &SafePath) -> Result<Bytes> {
        let content = self.driver.get(path.as_str());
        let content = content.map_err(|error| self.error("read", path.as_str(), &error))?;
        content.map(Bytes::from).ok_or_else(|| self.not_found(path))
    }

    fn get_ranges(&self, path: &SafePath, ranges: &[Range<u64>]) -> Result<Vec<Bytes>> {
        let size_bytes = self.size_bytes(path)?;
        let read = |range: &Range<u64>| {
            let (start, end) = (range.start, range.end);
            if end > size_bytes || start > end {
                let (store, path) = (self.store.clone(), path.to_string());
                return Err(StoreError::RangeOutOfBounds { store, path, start, end, size_bytes });
            }
            if start == end {
                return Ok(Bytes::new());
            }
            let content = self.driver.get_range(path.as_str(), range.clone());
            let content = content.map_err(|error| self.error("read", path.as_str(), &error))?;
            if content.len() as u64 == end - start {
                return Ok(content.into());
            }
            let message = format!("{} bytes came, not the {} asked for", content.len(), end - start);
            Err(self.error("read", path.as_str(), &message.into()))
        };
        ranges.iter().map(read).collect()
    }

    fn stream(&self, path: &SafePath, take: Take<'_>) -> Result<()> {
        stream_ranges(self, &self.store, path, take)
    }

    fn head(&self, path: &SafePath) -> Result<Option<ObjectMeta>> {
        let found = self.driver.head(path.as_str());
        let found = found.map_err(|error| self.error("look up", path.as_str(), &error))?;
        Ok(found.map(|(size_bytes, modified)| ObjectMeta { path: path.to_string(), size_bytes, modified }))
    }

    fn list(&self, prefix: Option<&SafePath>, visit: Visit<'_>) -> Result<()> {
        self.all(prefix)?.into_iter().try_for_each(visit)
    }

    fn level(&self, prefix: Option<&SafePath>) -> Result<Level> {
        let below = prefix.map(|prefix| format!("{prefix}/")).unwrap_or_default();
        let mut level = Level::default();
        let mut folders = BTreeSet::new();
        for object in self.all(prefix)? {
            let Some(inside) = object.path.strip_prefix(&below) else { continue };
            match inside.split_once('/') {
                Some((folder, _)) => drop(folders.insert(format!("{below}{folder}"))),
                None => level.objects.push(object),
            }
        }
        level.folders = folders.into_iter().collect();
        Ok(level)
    }

    fn delete(&self, path: &SafePath) -> Result<()> {
        self.driver.delete(path.as_str()).map_err(|error| self.error("delete", path.as_str(), &error))
    }

    fn rename(&self, from: &SafePath, to: &SafePath) -> Result<()> {
        let content = self.get(from)?;
        self.put(to, &content, Put { mode: PutMode::Overwrite, origin: None, later: None })?;
        self.delete(from)
    }

    fn delete_prefix(&self, prefix: &SafePath) -> Result<()> {
        for object in self.all(Some(prefix))? {
            let deleted = self.driver.delete(&object.path);
            deleted.map_err(|error| self.error("delete", &object.path, &error))?;
        }
        Ok(())
    }

    fn local_path(&self, _path: &SafePath) -> Option<PathBuf> {
        None
    }

    fn url(&self, path: &SafePath) -> String {
        self.driver.url(path.as_str())
    }

    fn clean_staging(&self, _age: Duration) -> Result<u64> {
        Ok(0)
    }
}

/// Keeps an object in memory until it is whole.
struct ForeignSink {
    store: Foreign,
    path: SafePath,
    mode: PutMode,
    buffer: Vec<u8>,
}

impl Sink for ForeignSink {
    fn write(&mut self, bytes: &[u8]) -> Result<()> {
        self.buffer.extend_from_slice(bytes);
        Ok(())
    }

    fn finish(mut self: Box<Self>) -> Result<bool> {
        let content = Bytes::from(std::mem::take(&mut self.buffer));
        let put = Put { mode: self.mode, origin: None, later: None };
        self.store.put(&self.path, &content, put)
    }
}
