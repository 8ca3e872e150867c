//! Arrays over memory maps.

use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};

use bytes::Bytes;
use lapjoint_store::{StoreError, addressing};

use super::{NAME, NpyRef};
use crate::error::CodecError;
use crate::local::{TempFile, io_error};

/// The bytes of the object's file, without reading them.
pub(super) fn map(array: &NpyRef) -> Result<Bytes, CodecError> {
    match array.local_path()? {
        Some(path) => map_file(array, &path),
        None => map_file(array, &downloaded(array)?),
    }
}

fn map_file(array: &NpyRef, path: &Path) -> Result<Bytes, CodecError> {
    let failed = |error| io_error(NAME, path, error);
    let file = File::open(path).map_err(|error| match error.kind() {
        std::io::ErrorKind::NotFound => missing(array),
        _ => failed(error),
    })?;
    if file.metadata().map_err(failed)?.len() == 0 {
        return Ok(Bytes::new());
    }
    // SAFETY: the map is only read, and stored objects are never written again: a store puts another file in their
    // place. Someone who cuts the file short behind the store's back stops the process, as with every mapped file.
    let map = unsafe { memmap2::Mmap::map(&file) }.map_err(failed)?;
    Ok(Bytes::from_owner(map))
}

fn missing(array: &NpyRef) -> CodecError {
    StoreError::NotFound { store: array.store().name().to_owned(), path: array.path().to_owned() }.into()
}

/// A local copy of the object, made and checked on first use.
fn downloaded(array: &NpyRef) -> Result<PathBuf, CodecError> {
    let folder = cache_folder()?;
    let found = array.store().head(array.path())?.ok_or_else(|| missing(array))?;
    // Everything that tells one object from another: copies of two stores, or of two contents, never meet.
    let identity = format!(
        "{}\0{}\0{}\0{}\0{}",
        array.store().name(),
        array.url()?,
        found.size_bytes,
        found.modified,
        array.inner.crc32c.map_or_else(String::new, |crc| format!("{crc:08x}")),
    );
    let path = folder.join(format!("{}.npy", addressing::content_hash(identity.as_bytes())));
    if fs::metadata(&path).is_ok_and(|copy| copy.is_file() && copy.len() == found.size_bytes) {
        return Ok(path);
    }
    let content = array.read_checked()?;
    let mut temp = TempFile::create_in(&folder).map_err(|error| io_error(NAME, &folder, error))?;
    temp.file()
        .write_all(&content)
        .and_then(|()| temp.replace(&path))
        .map_err(|error| io_error(NAME, &path, error))?;
    Ok(path)
}

/// A folder for copies that nobody else can write to.
fn cache_folder() -> Result<PathBuf, CodecError> {
    let user = std::env::var("USER").or_else(|_| std::env::var("USERNAME")).unwrap_or_default();
    let user: String = user.chars().filter(char::is_ascii_alphanumeric).collect();
    let folder = std::env::temp_dir().join(format!("lapjoint_mmap_{user}"));
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(&folder).map_err(|error| io_error(NAME, &folder, error))?;
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt;
        let found = fs::symlink_metadata(&folder).map_err(|error| io_error(NAME, &folder, error))?;
        let probe = TempFile::create_in(&folder).map_err(|error| io_error(NAME, &folder, error))?;
        let me = probe.owner().map_err(|error| io_error(NAME, &folder, error))?;
        if found.uid() != me || found.mode() & 0o022 != 0 || !found.is_dir() {
            let refused = std::io::Error::other("others could change files in this folder; remove it");
            return Err(io_error(NAME, &folder, refused));
        }
    }
    Ok(folder)
}
