//! Copies of objects on this machine.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use lapjoint_store::at_once;

use super::{NAME, ObjectRef};
use crate::error::CodecError;
use crate::local::{TempFile, io_error};
use crate::metadata::parse_crc32c;

impl ObjectRef {
    /// Copies the object, or the file `subpath` of a folder, to this machine. Gives the path of the copy of a file, or
    /// `destination` for a folder.
    ///
    /// A file goes into `destination` if that is a folder, or else becomes `destination`. A folder becomes a folder of
    /// its own name in `destination`, which is made if need be. A file appears when it is complete and compared with
    /// size and checksum on record; it replaces what has its name.
    ///
    /// # Errors
    /// [`CodecError::WrongKind`] for `subpath` of a file; [`CodecError`] when an object cannot be read, is damaged, or
    /// a file cannot be written.
    pub fn download(&self, destination: &Path, subpath: Option<&str>) -> Result<PathBuf, CodecError> {
        let subpath = subpath.filter(|subpath| !subpath.is_empty());
        let path = self.path_of(subpath)?;
        if self.is_dir && subpath.is_none() {
            let folder = destination.join(base_name(&path));
            fs::create_dir_all(&folder).map_err(|error| io_error(NAME, &folder, error))?;
            let copy = |(file, _)| self.copy(&format!("{path}/{file}"), &folder.join(&file));
            at_once(self.files()?, self.store()?.parallelism(), copy)?;
            return Ok(destination.to_owned());
        }
        let target =
            if destination.is_dir() { destination.join(base_name(&path)) } else { destination.to_owned() };
        self.copy(&path, &target)?;
        Ok(target)
    }

    /// Copies one file of the object. Piece by piece, so that its size does not matter.
    fn copy(&self, path: &str, target: &Path) -> Result<(), CodecError> {
        let failed = |error| io_error(NAME, target, error);
        let folder = match target.parent() {
            Some(folder) if !folder.as_os_str().is_empty() => folder,
            _ => Path::new("."),
        };
        fs::create_dir_all(folder).map_err(failed)?;
        let mut temp = TempFile::create_in(folder).map_err(failed)?;
        let store = self.store()?;
        let read = store.read_in_pieces(path, |piece| temp.file().write_all(piece).map_err(failed))?;
        if path == self.path {
            self.check(store, read.size_bytes, || parse_crc32c(&read.crc32c).unwrap_or_default())?;
        }
        temp.replace(target).map_err(failed)
    }
}

fn base_name(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}
