//! Stores in a directory.
//!
//! A write goes to a file in [`STAGING_FOLDER`] first, is flushed to disk, and gets its name in one step (a hard
//! link for [`PutMode::Create`], which fails if the name is taken; a rename for [`PutMode::Overwrite`]), after which
//! the folder is flushed too. A process that dies leaves either the whole object or none, and what it was writing
//! lies where [`Backend::clean_staging`] finds it.
//!
//! Where hard links do not exist (exFAT, some network drives), `Create` looks first and renames then. Two writers of
//! one name could then both succeed, which is harmless: hash-addressed content is equal, other names are random.

use std::collections::{BTreeSet, HashSet};
use std::fs::{self, File, OpenOptions as FileOptions};
use std::io::{self, ErrorKind, Read, Write};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use bytes::Bytes;

use super::{Backend, Put, Sink, Take, Visit, range_bytes, stream_ranges};
use crate::addressing::token;
use crate::error::{Result, StoreError};
use crate::path::{STAGING_FOLDER, SafePath};
use crate::spec::StoreSpec;
use crate::store::parallel::lock;
use crate::store::{Level, ObjectMeta, OpenOptions, PutMode};

mod listing;

/// Ending of a file that is staged beside its target because that lies on another file system.
const SIBLING_ENDING: &str = ".lapjoint-part";
/// A folder can vanish between making it and using it, when another process deletes its last object.
const ATTEMPTS: usize = 256;
/// How many folders are remembered as durable before the memory starts afresh.
const KNOWN_FOLDERS: usize = 20_000;

/// Folders whose entries changed and are not yet durable.
#[derive(Debug, Default)]
pub(crate) struct DirSyncs(Mutex<BTreeSet<PathBuf>>);

impl DirSyncs {
    fn add(&self, dir: &Path) {
        lock(&self.0).insert(dir.to_path_buf());
    }
}

#[derive(Debug, Clone)]
pub(super) struct Local {
    store: String,
    root: PathBuf,
    durable: bool,
    /// Folders whose own names are durable. Shared with the writers of this store.
    known: Arc<Mutex<HashSet<PathBuf>>>,
}

impl Local {
    pub fn open(spec: &StoreSpec, options: &OpenOptions) -> Result<Self> {
        let inaccessible = || StoreError::InaccessibleDirectory {
            store: spec.name.clone(),
            location: spec.location.clone(),
        };
        // Absolute from now on, so that a later change of directory does not move the store.
        let root = std::path::absolute(&spec.location).map_err(|_| inaccessible())?;
        if !root.is_dir() {
            return Err(inaccessible());
        }
        Ok(Self { store: spec.name.clone(), root, durable: options.durable, known: Arc::default() })
    }

    fn target(&self, path: &SafePath) -> PathBuf {
        let mut target = self.root.clone();
        target.extend(path.parts());
        target
    }

    fn folder(&self, prefix: Option<&SafePath>) -> PathBuf {
        prefix.map_or_else(|| self.root.clone(), |prefix| self.target(prefix))
    }

    fn error(&self, operation: &'static str, path: &SafePath, source: io::Error) -> StoreError {
        StoreError::from_io(operation, &self.store, path.as_str(), source)
    }

    /// A write that found no place is not a missing object.
    fn write_error(&self, path: &SafePath, source: io::Error) -> StoreError {
        match source.kind() {
            ErrorKind::AlreadyExists => {
                StoreError::AlreadyExists { store: self.store.clone(), path: path.to_string() }
            }
            ErrorKind::NotFound => StoreError::Io {
                operation: "write",
                store: self.store.clone(),
                path: path.to_string(),
                source,
            },
            _ => self.error("write", path, source),
        }
    }

    fn stage(&self) -> io::Result<Staged> {
        let dir = self.root.join(STAGING_FOLDER);
        for _ in 0..ATTEMPTS {
            let path = dir.join(token(16));
            match FileOptions::new().write(true).create_new(true).open(&path) {
                Ok(file) => return Ok(Staged { path, file: Some(file) }),
                Err(error) if error.kind() == ErrorKind::NotFound => match fs::create_dir(&dir) {
                    Err(error) if error.kind() != ErrorKind::AlreadyExists => return Err(error),
                    _ => {}
                },
                Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
                Err(error) => return Err(error),
            }
        }
        Err(io::Error::other("no free name for a staged file"))
    }

    /// Gives a staged file its name.
    fn publish(
        &self,
        mut staged: Staged,
        target: &Path,
        mode: PutMode,
        later: Option<&DirSyncs>,
    ) -> io::Result<()> {
        if let Some(file) = staged.file.take()
            && self.durable
        {
            file.sync_all()?;
        }
        for _ in 0..ATTEMPTS {
            let result = match mode {
                PutMode::Create => match fs::hard_link(&staged.path, target) {
                    Err(error)
                        if matches!(error.kind(), ErrorKind::PermissionDenied | ErrorKind::Unsupported) =>
                    {
                        if fs::symlink_metadata(target).is_ok() {
                            return Err(ErrorKind::AlreadyExists.into());
                        }
                        fs::rename(&staged.path, target)
                    }
                    other => other,
                },
                PutMode::Overwrite => fs::rename(&staged.path, target),
            };
            match result {
                Ok(()) => return self.sync_way(target, later),
                Err(error) if error.kind() == ErrorKind::NotFound => self.make_parents(target)?,
                Err(error) if error.kind() == ErrorKind::CrossesDevices => {
                    staged = self.move_beside(&staged, target)?
                }
                Err(error) => return Err(error),
            }
        }
        Err(io::Error::other("its folder keeps vanishing"))
    }

    /// Copies a staged file onto the file system of its target.
    fn move_beside(&self, staged: &Staged, target: &Path) -> io::Result<Staged> {
        let path = target.with_file_name(format!(".{}{SIBLING_ENDING}", token(16)));
        let mut file = FileOptions::new().write(true).create_new(true).open(&path)?;
        let beside = Staged { path, file: None };
        io::copy(&mut File::open(&staged.path)?, &mut file)?;
        if self.durable {
            file.sync_all()?;
        }
        Ok(beside)
    }

    fn make_parents(&self, target: &Path) -> io::Result<()> {
        let Some(parent) = target.parent() else { return Ok(()) };
        // The root itself is never made: a store whose directory is gone (an unmounted disk) must not
        // be recreated empty.
        if !self.root.is_dir() {
            return Err(io::Error::new(ErrorKind::NotADirectory, "the store's directory is gone"));
        }
        match fs::create_dir_all(parent) {
            // Another thread deleted an object and with it a folder just made; the caller tries again.
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
            other => other,
        }
    }

    /// Makes a new object's name durable, and the folders that lead to it: one of them may have been made by another
    /// writer who has not come to flush it yet.
    fn sync_way(&self, target: &Path, later: Option<&DirSyncs>) -> io::Result<()> {
        if !self.durable {
            return Ok(());
        }
        let folders = || target.ancestors().skip(1).take_while(|dir| dir.starts_with(&self.root));
        let is_known = |dir: &Path| lock(&self.known).contains(dir);
        let mut new = Vec::new();
        for dir in folders() {
            match later {
                Some(later) => later.add(dir),
                None => sync_dir(dir)?,
            }
            if is_known(dir) {
                break;
            }
            new.push(dir.to_path_buf());
        }
        if later.is_none() {
            let mut known = lock(&self.known);
            if known.len() > KNOWN_FOLDERS {
                known.clear();
            }
            known.extend(new);
        }
        Ok(())
    }

    /// Removes folders that a deletion left empty, up to the root.
    fn prune(&self, from: &Path) {
        for dir in from.ancestors().skip(1).take_while(|dir| *dir != self.root && dir.starts_with(&self.root))
        {
            // Forgotten before it goes, so that nobody relies on a folder made anew under its name.
            lock(&self.known).remove(dir);
            if fs::remove_dir(dir).is_err() {
                break;
            }
        }
    }

    fn read_range(&self, path: &SafePath, file: &File, size_bytes: u64, range: &Range<u64>) -> Result<Bytes> {
        let out_of_bounds = || StoreError::RangeOutOfBounds {
            store: self.store.clone(),
            path: path.to_string(),
            start: range.start,
            end: range.end,
            size_bytes,
        };
        // Checked before memory is taken: the range may come from a damaged header.
        if range.end > size_bytes {
            return Err(out_of_bounds());
        }
        let mut buffer = vec![0; range_bytes(range).ok_or_else(out_of_bounds)?];
        read_at(file, &mut buffer, range.start).map_err(|source| self.error("read", path, source))?;
        Ok(buffer.into())
    }

    fn open_object(&self, path: &SafePath) -> Result<(File, fs::Metadata)> {
        let open = || {
            let file = File::open(self.target(path))?;
            let metadata = file.metadata()?;
            Ok((file, metadata))
        };
        let (file, metadata) = open().map_err(|source: io::Error| match source.kind() {
            // A part of the path is a file, so nothing can lie below it.
            ErrorKind::NotADirectory => {
                StoreError::NotFound { store: self.store.clone(), path: path.to_string() }
            }
            _ => self.error("open", path, source),
        })?;
        if metadata.is_dir() {
            let source = io::Error::new(ErrorKind::IsADirectory, "it is a folder");
            return Err(self.error("read", path, source));
        }
        Ok((file, metadata))
    }
}

impl Backend for Local {
    fn put(&self, path: &SafePath, bytes: &Bytes, Put { mode, later, .. }: Put<'_>) -> Result<bool> {
        let target = self.target(path);
        // Most content that is there already (equal hash) is found here, before anything is written.
        if mode == PutMode::Create && fs::symlink_metadata(&target).is_ok() {
            return Err(self.write_error(path, ErrorKind::AlreadyExists.into()));
        }
        let write = || {
            let mut staged = self.stage()?;
            staged.write_all(bytes)?;
            self.publish(staged, &target, mode, later)
        };
        write().map(|()| true).map_err(|source| self.write_error(path, source))
    }

    fn sink(
        &self,
        path: &SafePath,
        mode: PutMode,
        _origin: Option<&str>,
        later: Option<Arc<DirSyncs>>,
    ) -> Result<Box<dyn Sink>> {
        let staged = self.stage().map_err(|source| self.write_error(path, source))?;
        Ok(Box::new(LocalSink { local: self.clone(), path: path.clone(), mode, staged, later }))
    }

    fn sync(&self, later: &DirSyncs) -> Result<()> {
        let dirs = std::mem::take(&mut *lock(&later.0));
        for dir in dirs {
            sync_dir(&dir).map_err(|source| {
                let shown = dir.strip_prefix(&self.root).unwrap_or(&dir).display().to_string();
                StoreError::from_io("flush", &self.store, &shown, source)
            })?;
        }
        Ok(())
    }

    fn get(&self, path: &SafePath) -> Result<Bytes> {
        let (mut file, metadata) = self.open_object(path)?;
        let mut buffer = Vec::with_capacity(usize::try_from(metadata.len()).unwrap_or(0));
        file.read_to_end(&mut buffer).map_err(|source| self.error("read", path, source))?;
        Ok(buffer.into())
    }

    fn get_ranges(&self, path: &SafePath, ranges: &[Range<u64>]) -> Result<Vec<Bytes>> {
        let (file, metadata) = self.open_object(path)?;
        ranges.iter().map(|range| self.read_range(path, &file, metadata.len(), range)).collect()
    }

    fn stream(&self, path: &SafePath, take: Take<'_>) -> Result<()> {
        stream_ranges(self, &self.store, path, take)
    }

    fn head(&self, path: &SafePath) -> Result<Option<ObjectMeta>> {
        match fs::metadata(self.target(path)) {
            Ok(metadata) if metadata.is_file() => Ok(Some(listing::object(path.to_string(), &metadata))),
            Ok(_) => Ok(None),
            Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => Ok(None),
            Err(source) => Err(self.error("look up", path, source)),
        }
    }

    fn list(&self, prefix: Option<&SafePath>, visit: Visit<'_>) -> Result<()> {
        listing::walk(&self.store, &self.root, prefix, visit)
    }

    fn level(&self, prefix: Option<&SafePath>) -> Result<Level> {
        listing::level(&self.store, &self.folder(prefix), prefix)
    }

    fn delete(&self, path: &SafePath) -> Result<()> {
        let target = self.target(path);
        match fs::remove_file(&target) {
            Ok(()) => {
                self.prune(&target);
                Ok(())
            }
            Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => Ok(()),
            Err(source) => Err(self.error("delete", path, source)),
        }
    }

    fn rename(&self, from: &SafePath, to: &SafePath) -> Result<()> {
        let (source, target) = (self.target(from), self.target(to));
        let mut attempts = 0;
        loop {
            match fs::rename(&source, &target) {
                Ok(()) => break,
                Err(error)
                    if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory)
                        && fs::symlink_metadata(&source).is_err() =>
                {
                    return Err(StoreError::NotFound { store: self.store.clone(), path: from.to_string() });
                }
                Err(error) if error.kind() == ErrorKind::NotFound && attempts < ATTEMPTS => {
                    attempts += 1;
                    self.make_parents(&target).map_err(|source| self.write_error(to, source))?;
                }
                Err(source) => return Err(self.error("rename", from, source)),
            }
        }
        self.sync_way(&target, None).map_err(|source| self.write_error(to, source))?;
        self.prune(&source);
        Ok(())
    }

    fn delete_prefix(&self, prefix: &SafePath) -> Result<()> {
        let target = self.target(prefix);
        match fs::symlink_metadata(&target) {
            Ok(metadata) if metadata.is_dir() => {}
            // Not a folder (a file, or a link to a folder elsewhere): it is no prefix of this store's making.
            Ok(_) => return Ok(()),
            Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {
                return Ok(());
            }
            Err(source) => return Err(self.error("delete", prefix, source)),
        }
        lock(&self.known).retain(|dir| !dir.starts_with(&target));
        match fs::remove_dir_all(&target) {
            Err(source) if source.kind() != ErrorKind::NotFound => Err(self.error("delete", prefix, source)),
            _ => {
                self.prune(&target);
                Ok(())
            }
        }
    }

    fn local_path(&self, path: &SafePath) -> Option<PathBuf> {
        Some(self.target(path))
    }

    fn url(&self, path: &SafePath) -> String {
        let target = self.target(path).to_string_lossy().replace('\\', "/");
        format!("file:///{}", target.trim_start_matches('/'))
    }

    fn clean_staging(&self, age: Duration) -> Result<u64> {
        let dir = self.root.join(STAGING_FOLDER);
        let fail = |source| StoreError::from_io("clean", &self.store, STAGING_FOLDER, source);
        let entries = match fs::read_dir(&dir) {
            Ok(entries) => entries,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(0),
            Err(source) => return Err(fail(source)),
        };
        let mut removed = 0;
        for entry in entries {
            let entry = entry.map_err(fail)?;
            let modified = entry.metadata().and_then(|metadata| metadata.modified());
            let is_old = modified
                .is_ok_and(|time| SystemTime::now().duration_since(time).unwrap_or(Duration::ZERO) >= age);
            if is_old && fs::remove_file(entry.path()).is_ok() {
                removed += 1;
            }
        }
        Ok(removed)
    }
}

/// A file being prepared. Its name is removed when it is dropped; published content has another name by then.
struct Staged {
    path: PathBuf,
    file: Option<File>,
}

impl Staged {
    fn write_all(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.file.as_mut().map_or(Ok(()), |file| file.write_all(bytes))
    }
}

impl Drop for Staged {
    fn drop(&mut self) {
        // After a rename there is nothing to remove; anything else is left for clean_staging.
        let _ = fs::remove_file(&self.path);
    }
}

struct LocalSink {
    local: Local,
    path: SafePath,
    mode: PutMode,
    staged: Staged,
    later: Option<Arc<DirSyncs>>,
}

impl Sink for LocalSink {
    fn write(&mut self, bytes: &[u8]) -> Result<()> {
        self.staged.write_all(bytes).map_err(|source| self.local.write_error(&self.path, source))
    }

    fn finish(self: Box<Self>) -> Result<bool> {
        let Self { local, path, mode, staged, later } = *self;
        local
            .publish(staged, &local.target(&path), mode, later.as_deref())
            .map(|()| true)
            .map_err(|source| local.write_error(&path, source))
    }
}

/// Makes a folder's entries durable. Only Unix can. A folder that is gone has none: somebody deleted what was in it.
fn sync_dir(dir: &Path) -> io::Result<()> {
    if !cfg!(unix) {
        return Ok(());
    }
    match File::open(dir).and_then(|dir| dir.sync_all()) {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        other => other,
    }
}

#[cfg(unix)]
fn read_at(file: &File, buffer: &mut [u8], offset: u64) -> io::Result<()> {
    std::os::unix::fs::FileExt::read_exact_at(file, buffer, offset)
}

#[cfg(not(unix))]
fn read_at(mut file: &File, buffer: &mut [u8], offset: u64) -> io::Result<()> {
    use std::io::Seek;
    file.seek(io::SeekFrom::Start(offset))?;
    file.read_exact(buffer)
}

#[cfg(test)]
mod tests;
