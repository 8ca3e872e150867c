//! Files of this machine: sources of values, and targets of downloads.

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use crate::error::CodecError;

const BUFFER_BYTES: usize = 256 * 1024;

/// An error of the operating system about a local file.
pub(crate) fn io_error(codec: &str, path: &Path, source: io::Error) -> CodecError {
    CodecError::Io { codec: codec.to_owned(), path: path.display().to_string(), source }
}

/// Size in bytes and CRC-32C of a file, read piece by piece.
pub(crate) fn size_and_crc32c(path: &Path) -> io::Result<(u64, u32)> {
    let mut file = File::open(path)?;
    let mut buffer = vec![0; BUFFER_BYTES];
    let (mut size_bytes, mut crc) = (0u64, 0u32);
    loop {
        let count = read_some(&mut file, &mut buffer)?;
        let Some(piece) = buffer.get(..count).filter(|piece| !piece.is_empty()) else {
            return Ok((size_bytes, crc));
        };
        crc = crc32c::crc32c_append(crc, piece);
        size_bytes += piece.len() as u64;
    }
}

/// Fills `buffer` as far as the file goes.
fn read_some(file: &mut File, buffer: &mut [u8]) -> io::Result<usize> {
    let mut filled = 0;
    while let Some(rest) = buffer.get_mut(filled..).filter(|rest| !rest.is_empty()) {
        match file.read(rest) {
            Ok(0) => break,
            Ok(count) => filled += count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(filled)
}

/// A file under construction, removed unless it is published.
#[derive(Debug)]
pub(crate) struct TempFile {
    path: PathBuf,
    file: File,
}

impl TempFile {
    /// A new file in `folder`, whose hidden name no other writer has.
    pub fn create_in(folder: &Path) -> io::Result<Self> {
        static COUNTER: AtomicU64 = AtomicU64::new(0);
        loop {
            let number = COUNTER.fetch_add(1, Ordering::Relaxed);
            let token = lapjoint_store::addressing::token(8);
            let path = folder.join(format!(".lapjoint-{}-{number}-{token}.part", std::process::id()));
            match File::create_new(&path) {
                Ok(file) => return Ok(Self { path, file }),
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// Where the content goes.
    pub const fn file(&mut self) -> &mut File {
        &mut self.file
    }

    /// Number of the user that made the file: who this process is, as the file system sees it.
    #[cfg(unix)]
    pub fn owner(&self) -> io::Result<u32> {
        Ok(std::os::unix::fs::MetadataExt::uid(&self.file.metadata()?))
    }

    /// Gives the complete file its name, replacing what has that name.
    pub fn replace(self, target: &Path) -> io::Result<()> {
        fs::rename(&self.path, target)
    }

    /// Gives the complete file its name, unless something has that name: then `AlreadyExists`.
    pub fn publish(&self, target: &Path) -> io::Result<()> {
        match fs::hard_link(&self.path, target) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Err(error),
            Ok(()) => Ok(()),
            // File systems without hard links: claim the name, then move the content over the claim.
            Err(_) => {
                drop(File::create_new(target)?);
                fs::rename(&self.path, target).inspect_err(|_| {
                    let _ = fs::remove_file(target);
                })
            }
        }
    }
}

impl Drop for TempFile {
    fn drop(&mut self) {
        // After a rename there is nothing left under this name.
        let _ = fs::remove_file(&self.path);
    }
}

/// Writes `content` as `folder/name`, or as `name_1.ext`, `name_2.ext`, … where another file has the name.
///
/// A file that has `content` already is used as it is. Gives the path of the file.
pub(crate) fn write_new(
    codec: &str,
    folder: &Path,
    name: &str,
    content: &[u8],
) -> Result<PathBuf, CodecError> {
    let failed = |path: &Path| {
        let path = path.to_owned();
        move |source| io_error(codec, &path, source)
    };
    fs::create_dir_all(folder).map_err(failed(folder))?;
    let named = Path::new(name);
    let stem = named.file_stem().and_then(std::ffi::OsStr::to_str).unwrap_or(name);
    let extension = named.extension().and_then(std::ffi::OsStr::to_str).map(|text| format!(".{text}"));
    let mut complete: Option<TempFile> = None;
    let mut candidate = folder.join(name);
    let mut number = 0u64;
    loop {
        match has_content(&candidate, content).map_err(failed(&candidate))? {
            Found::Same => return Ok(candidate),
            Found::Other => {
                number += 1;
                candidate =
                    folder.join(format!("{stem}_{number}{}", extension.as_deref().unwrap_or_default()));
                continue;
            }
            Found::Nothing => {}
        }
        let temp = match &complete {
            Some(temp) => temp,
            None => {
                let mut temp = TempFile::create_in(folder).map_err(failed(folder))?;
                temp.file().write_all(content).map_err(failed(&candidate))?;
                complete.insert(temp)
            }
        };
        match temp.publish(&candidate) {
            Ok(()) => return Ok(candidate),
            // Another fetch was faster: look at what it wrote.
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(io_error(codec, &candidate, error)),
        }
    }
}

enum Found {
    Nothing,
    Same,
    Other,
}

/// What lies at `path`, compared with `content` without reading the file at once.
fn has_content(path: &Path, content: &[u8]) -> io::Result<Found> {
    match fs::symlink_metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Found::Nothing),
        Err(error) => return Err(error),
        // A link could lead anywhere; nothing is read through it.
        Ok(metadata) if !metadata.is_file() || metadata.len() != content.len() as u64 => {
            return Ok(Found::Other);
        }
        Ok(_) => {}
    }
    let mut file = File::open(path)?;
    let mut buffer = vec![0; BUFFER_BYTES];
    let mut rest = content;
    loop {
        let count = read_some(&mut file, &mut buffer)?;
        let piece = buffer.get(..count).unwrap_or_default();
        if piece.is_empty() {
            return Ok(if rest.is_empty() { Found::Same } else { Found::Other });
        }
        match rest.strip_prefix(piece) {
            Some(after) => rest = after,
            None => return Ok(Found::Other),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(folder: &Path) -> Vec<String> {
        let mut names: Vec<_> = fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    #[test]
    fn equal_files_are_shared_and_others_are_numbered() {
        let folder = tempfile::tempdir().unwrap();
        let target = folder.path().join("deep/er");
        let write = |name: &str, content: &[u8]| {
            let path = write_new("attach", &target, name, content).unwrap();
            assert_eq!(fs::read(&path).unwrap(), content);
            path.file_name().unwrap().to_str().unwrap().to_owned()
        };
        let large = vec![7u8; BUFFER_BYTES + 5];
        let mut other = large.clone();
        other[BUFFER_BYTES + 4] = 8;
        assert_eq!(write("a.tar.gz", &large), "a.tar.gz");
        assert_eq!(write("a.tar.gz", &large), "a.tar.gz");
        assert_eq!(write("a.tar.gz", &other), "a.tar_1.gz");
        assert_eq!(write("a.tar.gz", b""), "a.tar_2.gz");
        assert_eq!(write("a.tar.gz", &other), "a.tar_1.gz");
        assert_eq!(write(".bashrc", b"1"), ".bashrc");
        assert_eq!(write(".bashrc", b"2"), ".bashrc_1");
        fs::create_dir(target.join("dir")).unwrap();
        assert_eq!(write("dir", b"1"), "dir_1");
        // No half-written file stays behind.
        assert_eq!(
            names(&target),
            [".bashrc", ".bashrc_1", "a.tar.gz", "a.tar_1.gz", "a.tar_2.gz", "dir", "dir_1"]
        );
    }

    #[test]
    fn many_threads_may_fetch_one_attachment() {
        let folder = tempfile::tempdir().unwrap();
        std::thread::scope(|scope| {
            for thread in 0..8u8 {
                let folder = folder.path();
                scope.spawn(move || {
                    for _ in 0..20 {
                        write_new("attach", folder, "x.bin", &[thread % 2; 1000]).unwrap();
                    }
                });
            }
        });
        assert_eq!(names(folder.path()), ["x.bin", "x_1.bin"]);
    }

    #[cfg(unix)]
    #[test]
    fn a_link_in_the_download_folder_is_neither_read_nor_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let secret = folder.path().join("secret");
        fs::write(&secret, b"same").unwrap();
        std::os::unix::fs::symlink(&secret, folder.path().join("link")).unwrap();
        let path = write_new("attach", folder.path(), "link", b"same").unwrap();
        assert_eq!(path, folder.path().join("link_1"));
    }

    #[test]
    fn checksums_of_files_are_those_of_their_bytes() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x");
        let content: Vec<u8> = (0..=255).cycle().take(BUFFER_BYTES * 2 + 17).collect();
        fs::write(&path, &content).unwrap();
        assert_eq!(size_and_crc32c(&path).unwrap(), (content.len() as u64, crc32c::crc32c(&content)));
    }
}
