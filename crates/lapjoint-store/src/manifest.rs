//! The list of files kept beside a stored folder, as `<path>.manifest.json`.
//!
//! The bytes are those of Python's `json.dumps(manifest, indent=2)`. Each file has, beyond DataJoint's keys,
//! `crc32c`: its checksum as eight lower-case hexadecimal digits.
//!
//! What may be in a folder that is stored: files and folders. A link is followed if it leads to a file within the
//! same folder. A link that leads out of the folder, to a folder or to nowhere is refused, and so is anything that
//! is neither file nor folder: storing it would copy what the user did not point at, or never end. Empty folders
//! are not kept: stores have objects only.

use std::collections::HashMap;
use std::io;
use std::path::{Path, PathBuf};

use serde_json::{Value as Json, json};

use crate::clock::iso_utc_now;
use crate::error::{Result, StoreError};
use crate::path::SafePath;
use crate::store::Store;

/// One file of a folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ManifestFile {
    /// Path relative to the folder, with `/`.
    pub path: String,
    /// Size.
    pub size_bytes: u64,
    /// Checksum; folders stored by DataJoint have none.
    pub crc32c: Option<String>,
}

/// The files of a stored folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Manifest {
    /// Files, by path if Lapjoint wrote the manifest.
    pub files: Vec<ManifestFile>,
    /// When the folder was stored, ISO 8601.
    pub created: String,
}

/// A file found in a local folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScannedFile {
    /// Path relative to the folder, with `/`.
    pub path: String,
    /// Where the file is.
    pub source: PathBuf,
    /// Size when it was found.
    pub size_bytes: u64,
}

/// The files of a local folder, by path.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FolderScan {
    /// Files.
    pub files: Vec<ScannedFile>,
}

impl FolderScan {
    /// Sum of the files' sizes.
    #[must_use]
    pub fn total_bytes(&self) -> u64 {
        self.files.iter().map(|file| file.size_bytes).sum()
    }
}

/// Path of the manifest of the folder at `path`.
#[must_use]
pub fn manifest_path(path: &str) -> String {
    format!("{}.manifest.json", path.trim_end_matches('/'))
}

/// Finds the files of a local folder.
///
/// # Errors
///
/// [`StoreError::LocalFile`] or [`StoreError::UnstorableFile`], naming the file.
pub fn scan_folder(folder: &Path) -> Result<FolderScan> {
    let root = folder.canonicalize().map_err(|error| StoreError::local("read", folder, error))?;
    if !root.is_dir() {
        return Err(StoreError::UnstorableFile { path: folder.into(), reason: "it is not a folder".into() });
    }
    let mut scan = FolderScan::default();
    let mut waiting = vec![(String::new(), root.clone())];
    while let Some((prefix, dir)) = waiting.pop() {
        let fail = |error: io::Error| StoreError::local("read", &dir, error);
        for entry in std::fs::read_dir(&dir).map_err(fail)? {
            let entry = entry.map_err(fail)?;
            let source = entry.path();
            let refuse =
                |reason: &str| StoreError::UnstorableFile { path: source.clone(), reason: reason.into() };
            let name = entry.file_name().into_string().map_err(|_| refuse("its name is not Unicode"))?;
            let path = format!("{prefix}{name}");
            // The store's own rules are met below some prefix; only the parts matter here.
            SafePath::parse(&format!("x/{path}"))?;
            let kind = entry.file_type().map_err(|error| StoreError::local("read", &source, error))?;
            if kind.is_dir() {
                waiting.push((format!("{path}/"), source));
                continue;
            }
            if kind.is_symlink() {
                let target = source.canonicalize().map_err(|_| refuse("it is a link to nowhere"))?;
                if !target.starts_with(&root) {
                    return Err(refuse("it is a link that leads out of the folder"));
                }
            }
            let metadata =
                std::fs::metadata(&source).map_err(|error| StoreError::local("read", &source, error))?;
            if metadata.is_dir() {
                return Err(refuse("it is a link to a folder"));
            }
            if !metadata.is_file() {
                return Err(refuse("it is neither a file nor a folder"));
            }
            scan.files.push(ScannedFile { path, size_bytes: metadata.len(), source });
        }
    }
    scan.files.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(scan)
}

impl Manifest {
    /// The manifest of files stored now.
    #[must_use]
    pub fn new(files: Vec<ManifestFile>) -> Self {
        Self { files, created: iso_utc_now() }
    }

    /// Sum of the files' sizes.
    #[must_use]
    pub fn total_bytes(&self) -> u64 {
        self.files.iter().map(|file| file.size_bytes).sum()
    }

    /// The manifest's bytes.
    #[must_use]
    pub fn to_json(&self) -> Vec<u8> {
        let files: Vec<Json> = self
            .files
            .iter()
            .map(|file| match &file.crc32c {
                Some(crc) => json!({"path": file.path, "size": file.size_bytes, "crc32c": crc}),
                None => json!({"path": file.path, "size": file.size_bytes}),
            })
            .collect();
        let document = json!({
            "files": files,
            "total_size": self.total_bytes(),
            "item_count": self.files.len(),
            "created": self.created,
        });
        escape_like_python(&format!("{document:#}")).into_bytes()
    }

    /// Reads a manifest that Lapjoint or DataJoint wrote.
    ///
    /// # Errors
    ///
    /// [`StoreError::InvalidManifest`], also for a path that would leave the folder.
    pub fn from_json(manifest: &str, bytes: &[u8]) -> Result<Self> {
        let fail = |message: String| StoreError::InvalidManifest { path: manifest.to_owned(), message };
        let document: Json = serde_json::from_slice(bytes).map_err(|error| fail(error.to_string()))?;
        let list = document
            .get("files")
            .and_then(Json::as_array)
            .ok_or_else(|| fail("it has no list 'files'".into()))?;
        let mut files = Vec::with_capacity(list.len());
        for (index, file) in list.iter().enumerate() {
            let path = file.get("path").and_then(Json::as_str);
            let size_bytes = file.get("size").and_then(Json::as_u64);
            let (Some(path), Some(size_bytes)) = (path, size_bytes) else {
                return Err(fail(format!("file {index} lacks 'path' or 'size'")));
            };
            SafePath::parse(&format!("x/{path}")).map_err(|error| fail(error.to_string()))?;
            let crc32c = file.get("crc32c").and_then(Json::as_str).map(str::to_owned);
            files.push(ManifestFile { path: path.to_owned(), size_bytes, crc32c });
        }
        let created = document.get("created").and_then(Json::as_str).unwrap_or_default().to_owned();
        Ok(Self { files, created })
    }

    /// Reads the manifest of the folder at `path`; `None` if it has none.
    ///
    /// # Errors
    ///
    /// [`StoreError::InvalidManifest`], or a failure of the store.
    pub fn read(store: &Store, path: &str) -> Result<Option<Self>> {
        let manifest = manifest_path(path);
        match store.get(&manifest) {
            Ok(bytes) => Self::from_json(&manifest, &bytes).map(Some),
            Err(error) if error.is_not_found() => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Compares a stored folder with this manifest: every file is there with its size and, if `contents`, its
    /// checksum (as far as the manifest has them). Files that the manifest does not name are not looked at.
    ///
    /// # Errors
    ///
    /// [`StoreError::FolderMismatch`] naming every file that is wrong, or a failure of the store.
    pub fn verify(&self, store: &Store, path: &str, contents: bool) -> Result<()> {
        let folder = path.trim_end_matches('/');
        let mut sizes = HashMap::new();
        store.list_with(folder, |meta| {
            sizes.insert(meta.path, meta.size_bytes);
            Ok(())
        })?;
        let mut problems = Vec::new();
        for file in &self.files {
            let full = format!("{folder}/{}", file.path);
            match sizes.get(&full) {
                None => problems.push(format!("{} is missing", file.path)),
                Some(size) if *size != file.size_bytes => {
                    problems.push(format!("{} has {size} bytes, expected {}", file.path, file.size_bytes));
                }
                Some(_) if contents => {
                    if let Some(expected) = &file.crc32c {
                        let actual = store.checksum(&full)?.crc32c;
                        if actual != *expected {
                            problems
                                .push(format!("{} has checksum {actual}, expected {expected}", file.path));
                        }
                    }
                }
                Some(_) => {}
            }
        }
        if problems.is_empty() {
            return Ok(());
        }
        Err(StoreError::FolderMismatch { store: store.name().to_owned(), path: path.to_owned(), problems })
    }
}

/// Python's JSON has ASCII only: other letters are written `\uXXXX`, in UTF-16.
fn escape_like_python(json: &str) -> String {
    use std::fmt::Write as _;
    let mut escaped = String::with_capacity(json.len());
    for letter in json.chars() {
        if letter <= '~' {
            escaped.push(letter);
            continue;
        }
        for unit in letter.encode_utf16(&mut [0; 2]) {
            let _ = write!(escaped, "\\u{unit:04x}");
        }
    }
    escaped
}

#[cfg(test)]
mod tests;
