//! Listing the objects of a directory.

use std::fs::{self, Metadata};
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use super::super::Visit;
use super::SIBLING_ENDING;
use crate::error::{Result, StoreError};
use crate::path::{STAGING_FOLDER, SafePath};
use crate::store::{Level, ObjectMeta};

pub(super) fn object(path: String, metadata: &Metadata) -> ObjectMeta {
    let modified = metadata.modified().ok().and_then(|time| jiff::Timestamp::try_from(time).ok());
    ObjectMeta { path, size_bytes: metadata.len(), modified: modified.unwrap_or(jiff::Timestamp::UNIX_EPOCH) }
}

/// What one entry of a folder is.
enum Found {
    Object(ObjectMeta),
    Folder { path: String, dir: PathBuf, is_link: bool },
}

/// Visits all objects below a folder, in the order of their names within each folder.
///
/// Links are followed; one that leads back to a folder it lies in is an error. Something deleted while the walk goes
/// on may or may not be visited.
pub(super) fn walk(store: &str, root: &Path, prefix: Option<&SafePath>, visit: Visit<'_>) -> Result<()> {
    let mut start = root.to_path_buf();
    start.extend(prefix.into_iter().flat_map(SafePath::parts));
    let mut waiting = vec![(prefix.map_or_else(String::new, |prefix| format!("{prefix}/")), start)];
    while let Some((path, dir)) = waiting.pop() {
        let mut folders = Vec::new();
        for found in read(store, &dir, &path)? {
            match found {
                Found::Object(meta) => visit(meta)?,
                Found::Folder { path, dir, is_link } => {
                    if is_link {
                        refuse_loop(&dir)
                            .map_err(|error| StoreError::from_io("list", store, &path, error))?;
                    }
                    folders.push((format!("{path}/"), dir));
                }
            }
        }
        waiting.extend(folders.into_iter().rev());
    }
    Ok(())
}

pub(super) fn level(store: &str, dir: &Path, prefix: Option<&SafePath>) -> Result<Level> {
    let mut level = Level::default();
    let path = prefix.map_or_else(String::new, |prefix| format!("{prefix}/"));
    for found in read(store, dir, &path)? {
        match found {
            Found::Object(meta) => level.objects.push(meta),
            Found::Folder { path, .. } => level.folders.push(path),
        }
    }
    Ok(level)
}

/// Entries of a folder by name; none if it is not there. `path` is the folder's path with a trailing `/`, or empty.
fn read(store: &str, dir: &Path, path: &str) -> Result<Vec<Found>> {
    let fail = |source: io::Error| StoreError::from_io("list", store, path, source);
    let entries = match fs::read_dir(dir) {
        Ok(entries) => entries,
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {
            return Ok(Vec::new());
        }
        Err(source) => return Err(fail(source)),
    };
    let mut names = Vec::new();
    for entry in entries {
        let name = entry.map_err(fail)?.file_name();
        let name = name.into_string().map_err(|name| {
            fail(io::Error::new(ErrorKind::InvalidData, format!("the name {name:?} in it is not Unicode")))
        })?;
        let is_ours = (path.is_empty() && name == STAGING_FOLDER)
            || (name.starts_with('.') && name.ends_with(SIBLING_ENDING));
        if !is_ours {
            names.push(name);
        }
    }
    names.sort_unstable();
    let mut found = Vec::with_capacity(names.len());
    for name in names {
        let (full, entry) = (format!("{path}{name}"), dir.join(&name));
        let link = match fs::symlink_metadata(&entry) {
            Ok(metadata) => metadata,
            Err(error) if error.kind() == ErrorKind::NotFound => continue,
            Err(source) => return Err(StoreError::from_io("list", store, &full, source)),
        };
        let metadata = if link.is_symlink() {
            match fs::metadata(&entry) {
                Ok(metadata) => metadata,
                // A link to nowhere is no object: reading it would say that nothing is there.
                Err(error) if error.kind() == ErrorKind::NotFound => continue,
                Err(source) => return Err(StoreError::from_io("list", store, &full, source)),
            }
        } else {
            link.clone()
        };
        if metadata.is_dir() {
            found.push(Found::Folder { path: full, dir: entry, is_link: link.is_symlink() });
        } else if metadata.is_file() {
            found.push(Found::Object(object(full, &metadata)));
        }
    }
    Ok(found)
}

fn refuse_loop(link: &Path) -> io::Result<()> {
    let Some(parent) = link.parent() else { return Ok(()) };
    if parent.canonicalize()?.starts_with(link.canonicalize()?) {
        return Err(io::Error::other("it is a link to a folder in which it lies"));
    }
    Ok(())
}
