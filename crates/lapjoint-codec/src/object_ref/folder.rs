//! What lies in a folder.

use std::collections::BTreeMap;

use lapjoint_store::SafePath;

use super::ObjectRef;
use crate::error::CodecError;

/// One folder of a walk: as `os.walk` of Python gives it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Level {
    /// Path of this folder within the object; empty for the object itself.
    pub path: String,
    /// Names of the folders in it, sorted.
    pub folders: Vec<String>,
    /// Names of the files in it, sorted.
    pub files: Vec<String>,
}

impl ObjectRef {
    /// Names of what lies directly in the folder, or in the folder `subpath` of it: folders and files, sorted.
    ///
    /// # Errors
    /// [`CodecError::WrongKind`] for a file; [`CodecError`] when the store cannot list.
    pub fn list(&self, subpath: &str) -> Result<Vec<String>, CodecError> {
        self.need_folder("Cannot listdir() on a file. Use read() or open() instead.")?;
        let path = self.path_of(Some(subpath))?;
        let level = self.store()?.level(&path)?;
        let last =
            |path: &String| path.trim_end_matches('/').rsplit('/').next().unwrap_or_default().to_owned();
        let files = level.objects.iter().map(|object| last(&object.path));
        let mut names: Vec<String> = level.folders.iter().map(last).chain(files).collect();
        names.sort();
        Ok(names)
    }

    /// Every folder in the folder, itself first, each before those in it.
    ///
    /// # Errors
    /// [`CodecError::WrongKind`] for a file; [`CodecError`] when the store cannot list.
    pub fn walk(&self) -> Result<Vec<Level>, CodecError> {
        self.need_folder("Cannot walk() on a file.")?;
        let mut levels: BTreeMap<Vec<String>, Level> = BTreeMap::new();
        let level_of =
            |parts: &[&str]| Level { path: parts.join("/"), folders: Vec::new(), files: Vec::new() };
        levels.insert(Vec::new(), level_of(&[]));
        for (file, _) in self.files()? {
            let parts: Vec<&str> = file.split('/').collect();
            let Some((name, folders)) = parts.split_last() else { continue };
            for depth in 0..=folders.len() {
                let Some((here, below)) = folders.split_at_checked(depth) else { continue };
                let key = here.iter().map(|&part| part.to_owned()).collect();
                let level = levels.entry(key).or_insert_with(|| level_of(here));
                match below.first() {
                    Some(&folder) if !level.folders.iter().any(|known| known == folder) => {
                        level.folders.push(folder.to_owned());
                    }
                    Some(_) => {}
                    None => level.files.push((*name).to_owned()),
                }
            }
        }
        let mut levels: Vec<Level> = levels.into_values().collect();
        for level in &mut levels {
            level.folders.sort();
            level.files.sort();
        }
        Ok(levels)
    }

    /// Paths within the folder and sizes in bytes of all files in it.
    pub(super) fn files(&self) -> Result<Vec<(String, u64)>, CodecError> {
        let prefix = format!("{}/", self.path);
        let mut files = Vec::new();
        for object in self.store()?.list(&self.path)? {
            if let Some(inside) = object.path.strip_prefix(&prefix) {
                SafePath::parse(inside)?;
                files.push((inside.to_owned(), object.size_bytes));
            }
        }
        Ok(files)
    }
}
