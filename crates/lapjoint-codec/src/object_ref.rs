//! Lazy reference to a file or folder in a store, as `<object@>` and `<filepath@>` give it.

use std::fmt;
use std::ops::Range;
use std::path::PathBuf;

use bytes::Bytes;
use lapjoint_store::{SafePath, Store, StoreReader};
use lapjoint_types::Foreign;
use serde_json::{Map, json};

use crate::error::CodecError;
use crate::metadata::{Metadata, check_crc32c, check_size};

pub(crate) mod column;
mod download;
mod folder;
mod verify;

pub use folder::Level;

const NAME: &str = "object";

/// A file or folder in a store that is read when asked.
///
/// The fields come from the metadata of the row, without touching the store. Whole reads and downloads are compared with
/// size and checksum on record, if the row has them; reads of parts cannot be.
#[derive(Clone)]
#[non_exhaustive]
pub struct ObjectRef {
    /// Path in the store.
    pub path: String,
    /// Size in bytes: of the file, or of all files of the folder. `None` when nobody counted.
    pub size_bytes: Option<u64>,
    /// Content hash, if one is on record.
    pub hash: Option<String>,
    /// File extension with its dot, as a hint for tools.
    pub extension: Option<String>,
    /// Whether this is a folder.
    pub is_dir: bool,
    /// When the object was stored: ISO 8601.
    pub timestamp: Option<String>,
    /// URL on record.
    pub url_on_record: Option<String>,
    /// Store name on record.
    pub store_name: Option<String>,
    /// Media type, if one is on record.
    pub mime_type: Option<String>,
    /// Number of files of a folder.
    pub item_count: Option<u64>,
    /// CRC-32C of a file, if one is on record.
    pub crc32c: Option<u32>,
    store: Option<Store>,
}

impl ObjectRef {
    /// The object that metadata describes, not bound to a store.
    ///
    /// # Errors
    /// [`CodecError::Stored`] when `path` or `size` is missing, or a field has another type than it should;
    /// [`CodecError::Store`] when the path could leave the store.
    pub fn from_json(json: &serde_json::Value) -> Result<Self, CodecError> {
        Self::from_metadata(&Metadata::from_json(NAME, json.clone())?, None)
    }

    pub(crate) fn from_metadata(metadata: &Metadata, store: Option<Store>) -> Result<Self, CodecError> {
        if metadata.json().get("size").is_none() {
            return Err(CodecError::stored(NAME, "its metadata has no \"size\""));
        }
        let text = |name: &str| Ok::<_, CodecError>(metadata.optional_text(name)?.map(str::to_owned));
        Ok(Self {
            path: metadata.path()?.to_owned(),
            size_bytes: metadata.optional_u64("size")?,
            hash: text("hash")?,
            extension: text("ext")?,
            is_dir: metadata.flag("is_dir")?,
            timestamp: text("timestamp")?.map(|text| match text.strip_suffix('Z') {
                Some(moment) => format!("{moment}+00:00"),
                None => text,
            }),
            url_on_record: text("url")?,
            store_name: text("store")?,
            mime_type: text("mime_type")?,
            item_count: metadata.optional_u64("item_count")?,
            crc32c: metadata.crc32c()?,
            store,
        })
    }

    /// The same object, read from `store`.
    #[must_use]
    pub fn with_store(self, store: Store) -> Self {
        Self { store: Some(store), ..self }
    }

    /// The metadata, as Python's `ObjectRef.to_json()` gives it, and our checksum.
    #[must_use]
    pub fn to_json(&self) -> serde_json::Value {
        let mut json = Map::new();
        json.insert("path".into(), json!(self.path));
        json.insert("size".into(), json!(self.size_bytes));
        json.insert("hash".into(), json!(self.hash));
        json.insert("ext".into(), json!(self.extension));
        json.insert("is_dir".into(), json!(self.is_dir));
        json.insert("timestamp".into(), json!(self.timestamp));
        for (name, value) in
            [("url", &self.url_on_record), ("store", &self.store_name), ("mime_type", &self.mime_type)]
        {
            if let Some(text) = value.as_deref().filter(|text| !text.is_empty()) {
                json.insert(name.into(), json!(text));
            }
        }
        if let Some(count) = self.item_count {
            json.insert("item_count".into(), json!(count));
        }
        if let Some(crc) = self.crc32c {
            json.insert("crc32c".into(), json!(format!("{crc:08x}")));
        }
        json.into()
    }

    /// The store that the object is read from.
    ///
    /// # Errors
    /// [`CodecError::NoStore`] for an object that is not bound to one.
    pub fn store(&self) -> Result<&Store, CodecError> {
        self.store.as_ref().ok_or(CodecError::NoStore)
    }

    /// The content of a file. Compared with size and checksum on record.
    ///
    /// # Errors
    /// [`CodecError::WrongKind`] for a folder; [`CodecError`] when the file is missing or damaged.
    pub fn read(&self) -> Result<Bytes, CodecError> {
        self.need_file("Cannot read() a directory. Use listdir() or walk() instead.")?;
        let store = self.store()?;
        let content = store.get(&self.path)?;
        self.check(store, content.len() as u64, || crc32c::crc32c(&content))?;
        Ok(content)
    }

    /// Bytes `range` of a file.
    ///
    /// # Errors
    /// [`CodecError::WrongKind`] for a folder; [`CodecError`] when the file has fewer bytes or cannot be read.
    pub fn read_range(&self, range: Range<u64>) -> Result<Bytes, CodecError> {
        self.need_file("Cannot read() a directory. Use listdir() or walk() instead.")?;
        Ok(self.store()?.get_range(&self.path, range)?)
    }

    /// A reader of the file, or of the file `subpath` of a folder: reads what is asked for, and a little ahead.
    ///
    /// # Errors
    /// [`CodecError::WrongKind`] for a folder without `subpath` or a file with one; [`CodecError`] when the file is
    /// missing.
    pub fn open(&self, subpath: Option<&str>) -> Result<StoreReader, CodecError> {
        let path = self.path_of(subpath)?;
        if subpath.is_none() {
            self.need_file("Cannot open() a directory without the path of a file in it.")?;
        }
        Ok(self.store()?.reader(&path)?)
    }

    /// Whether the object, or `subpath` in it, is in the store.
    ///
    /// # Errors
    /// [`CodecError`] when the store cannot say.
    pub fn exists(&self, subpath: Option<&str>) -> Result<bool, CodecError> {
        let store = self.store()?;
        let path = match subpath {
            Some(subpath) => format!("{}/{}", self.path, SafePath::parse(subpath)?),
            None => self.path.clone(),
        };
        Ok(store.exists(&path)? || store.is_folder(&path)?)
    }

    /// The object as a file or folder of this machine, if its store is a folder.
    ///
    /// # Errors
    /// [`CodecError::NoStore`] for an object that is not bound to a store.
    pub fn local_path(&self) -> Result<Option<PathBuf>, CodecError> {
        Ok(self.store()?.local_path(&self.path)?)
    }

    /// Where the object can be found: `file:///…`, `s3://…`.
    ///
    /// # Errors
    /// [`CodecError::NoStore`] for an object that is not bound to a store.
    pub fn url(&self) -> Result<String, CodecError> {
        Ok(self.store()?.url(&self.path)?)
    }

    /// The path of the object, or of `subpath` in a folder.
    fn path_of(&self, subpath: Option<&str>) -> Result<String, CodecError> {
        match subpath.filter(|subpath| !subpath.is_empty()) {
            None => Ok(self.path.clone()),
            Some(_) if !self.is_dir => {
                Err(CodecError::WrongKind("Cannot use subpath on a file object".into()))
            }
            Some(subpath) => Ok(format!("{}/{}", self.path, SafePath::parse(subpath)?)),
        }
    }

    fn need_file(&self, otherwise: &str) -> Result<(), CodecError> {
        if self.is_dir { Err(CodecError::WrongKind(otherwise.into())) } else { Ok(()) }
    }

    fn need_folder(&self, otherwise: &str) -> Result<(), CodecError> {
        if self.is_dir { Ok(()) } else { Err(CodecError::WrongKind(otherwise.into())) }
    }

    /// Compares a whole file with size and checksum on record.
    fn check(&self, store: &Store, size_bytes: u64, crc32c: impl FnOnce() -> u32) -> Result<(), CodecError> {
        if let Some(expected) = self.size_bytes {
            check_size(store, &self.path, expected, size_bytes)?;
        }
        if let Some(expected) = self.crc32c {
            check_crc32c(store, &self.path, expected, crc32c())?;
        }
        Ok(())
    }
}

impl Foreign for ObjectRef {
    fn type_name(&self) -> &str {
        "ObjectRef"
    }

    fn as_any(&self) -> &dyn std::any::Any {
        self
    }
}

impl fmt::Display for ObjectRef {
    /// The path.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.path)
    }
}

impl fmt::Debug for ObjectRef {
    /// `ObjectRef(file: a/b.tif, size=10)`, as in Python.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = if self.is_dir { "folder" } else { "file" };
        let size = self.size_bytes.map_or_else(|| "None".into(), |bytes| bytes.to_string());
        write!(f, "ObjectRef({kind}: {}, size={size})", self.path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn metadata_comes_back_as_python_writes_it() {
        let json = json!({
            "path": "a/b.tif", "store": "main", "size": 5, "ext": ".tif", "is_dir": false, "item_count": null,
            "timestamp": "2024-01-02T03:04:05Z", "crc32c": "0000000f",
        });
        let object = ObjectRef::from_json(&json).unwrap();
        assert_eq!(
            object.to_json().to_string(),
            r#"{"path":"a/b.tif","size":5,"hash":null,"ext":".tif","is_dir":false,"timestamp":"2024-01-02T03:04:05+00:00","store":"main","crc32c":"0000000f"}"#
        );
        assert_eq!(format!("{object:?} {object}"), "ObjectRef(file: a/b.tif, size=5) a/b.tif");
        let folder = ObjectRef::from_json(&json!({"path": "z", "size": null, "is_dir": true})).unwrap();
        assert_eq!(format!("{folder:?}"), "ObjectRef(folder: z, size=None)");
    }

    #[test]
    fn metadata_that_lies_about_its_types_is_refused() {
        for json in [
            json!({"path": "a"}),
            json!({"size": 1}),
            json!({"path": 5, "size": 1}),
            json!({"path": "../../etc/passwd", "size": 1}),
            json!({"path": "/etc/passwd", "size": 1}),
            json!({"path": "a", "size": "big"}),
            json!({"path": "a", "size": 1, "is_dir": 1}),
            json!({"path": "a", "size": 1, "crc32c": 5}),
            json!("a"),
        ] {
            assert!(ObjectRef::from_json(&json).is_err(), "{json}");
        }
    }

    #[test]
    fn without_a_store_nothing_can_be_read() {
        let object = ObjectRef::from_json(&json!({"path": "a", "size": 1})).unwrap();
        let error = object.read().unwrap_err().to_string();
        assert!(error.starts_with("ObjectRef has no storage backend configured"), "{error}");
        assert!(object.exists(None).is_err() && object.verify().is_err() && object.open(None).is_err());
        assert!(object.local_path().is_err() && object.url().is_err());
    }
}
