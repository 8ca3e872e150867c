//! Stores: what `lapjoint.storage` builds on.

use std::path::PathBuf;
use std::sync::Arc;

use lapjoint::Value;
use lapjoint::store::staging::no_progress;
use lapjoint::store::{
    Addressing, FolderContent, Payload, PendingObject, PutMode, Store, StoreSpec, UploadOptions, addressing,
};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict};

use crate::config::PyConfig;
use crate::error::from_store;
use crate::value::{to_python, to_value};

/// A folder whose files are made when it is their turn.
#[pyclass(frozen, name = "MadeFolder", module = "lapjoint._core")]
pub(crate) struct PyMadeFolder(Arc<dyn FolderContent>);

/// An object to be stored: store, path, kind (`bytes`, `file`, `folder`, `made`), content, whether its path is made from its content.
pub(crate) type StagedParts<'py> = (String, String, String, Bound<'py, PyAny>, bool);

/// What lies in a folder: paths and sizes of objects, and paths of folders.
type Content = (Vec<(String, u64)>, Vec<String>);

/// The object that Python wants stored.
pub(crate) fn staged_object(
    (store, path, kind, content, by_hash): StagedParts<'_>,
) -> PyResult<PendingObject> {
    let payload = match kind.as_str() {
        "bytes" => Payload::Bytes(content.extract::<Vec<u8>>()?.into()),
        "file" => Payload::File(content.extract()?),
        "made" => Payload::Made(Arc::clone(&content.cast::<PyMadeFolder>()?.get().0)),
        _ => Payload::Folder(content.extract()?),
    };
    let addressing = if by_hash { Addressing::Hash } else { Addressing::Schema };
    Ok(PendingObject { store, path, payload, addressing })
}

/// An object that a codec of the engine wants stored, for Python.
pub(crate) fn staged_parts(py: Python<'_>, object: PendingObject) -> PyResult<StagedParts<'_>> {
    let path = |path: PathBuf| Ok::<_, PyErr>(path.into_os_string().into_pyobject(py)?.into_any());
    let (kind, content) = match object.payload {
        Payload::Bytes(bytes) => ("bytes", PyBytes::new(py, &bytes).into_any()),
        Payload::Chunks(chunks) => ("bytes", PyBytes::new(py, &chunks.concat()).into_any()),
        Payload::File(file) => ("file", path(file)?),
        Payload::Folder(folder) => ("folder", path(folder)?),
        Payload::Made(folder) => ("made", Bound::new(py, PyMadeFolder(folder))?.into_any()),
    };
    Ok((object.store, object.path, kind.to_owned(), content, object.addressing == Addressing::Hash))
}

/// Stores objects now: all of them, or none.
#[pyfunction]
pub(crate) fn upload(py: Python<'_>, config: &PyConfig, objects: Vec<StagedParts<'_>>) -> PyResult<()> {
    let objects: Vec<_> = objects.into_iter().map(staged_object).collect::<PyResult<_>>()?;
    let options = UploadOptions::default();
    py.detach(|| lapjoint::store::upload(&config.0, &objects, &options, &no_progress))
        .map(drop)
        .map_err(from_store)
}

/// Whether a setting of this name is a credential.
#[pyfunction]
pub(crate) fn is_secret(key: &str) -> bool {
    lapjoint::store::is_secret(key)
}

/// Hash of a content, as hash-addressed paths have it.
#[pyfunction]
pub(crate) fn content_hash(content: &[u8]) -> String {
    addressing::content_hash(content)
}

/// Path of hash-addressed content.
#[pyfunction]
pub(crate) fn hash_path(hash: &str, schema: &str, subfolding: Vec<usize>, prefix: &str) -> PyResult<String> {
    let mut spec = StoreSpec::memory("");
    spec.subfolding = subfolding;
    prefix.clone_into(&mut spec.hash_prefix);
    addressing::hash_path(&spec, schema, hash).map_err(from_store)
}

/// Path of a schema-addressed object.
#[pyfunction]
pub(crate) fn object_path(
    place: (String, String, String),
    key: Vec<(String, Bound<'_, PyAny>)>,
    extension: &str,
    partition_pattern: Option<String>,
    token: &str,
    prefix: &str,
) -> PyResult<String> {
    let (schema, table, field) = place;
    let mut spec = StoreSpec::memory("");
    spec.partition_pattern = partition_pattern;
    prefix.clone_into(&mut spec.schema_prefix);
    addressing::schema_path(&spec, &schema, &table, &key_values(key)?, &field, token, extension)
        .map_err(from_store)
}

/// A random token.
#[pyfunction]
pub(crate) fn token(length: usize) -> String {
    addressing::token(length)
}

/// A value of a primary key as it stands in paths.
#[pyfunction]
pub(crate) fn encode_pk_value(value: &Bound<'_, PyAny>) -> PyResult<String> {
    addressing::encode_pk_value("value", &to_value(value)?).map_err(from_store)
}

pub(crate) fn key_values(key: Vec<(String, Bound<'_, PyAny>)>) -> PyResult<Vec<(String, Value)>> {
    key.into_iter().map(|(name, value)| Ok((name, to_value(&value)?))).collect()
}

/// A store.
#[pyclass(frozen, name = "Store", module = "lapjoint._core")]
pub(crate) struct PyStore(pub Store);

#[pymethods]
impl PyStore {
    /// Resolved name.
    #[getter]
    fn name(&self) -> &str {
        self.0.name()
    }

    #[getter]
    fn protocol(&self) -> &str {
        self.0.spec().protocol.name()
    }

    #[getter]
    fn location(&self) -> &str {
        &self.0.spec().location
    }

    /// The settings that make this store again, also in another process. They may have credentials.
    fn settings<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let spec = self.0.spec();
        let settings = PyDict::new(py);
        settings.set_item("protocol", spec.protocol.name())?;
        settings.set_item("location", &spec.location)?;
        settings.set_item("hash_prefix", &spec.hash_prefix)?;
        settings.set_item("schema_prefix", &spec.schema_prefix)?;
        settings.set_item("filepath_prefix", spec.filepath_prefix.as_deref())?;
        settings.set_item("subfolding", (!spec.subfolding.is_empty()).then(|| spec.subfolding.clone()))?;
        settings.set_item("partition_pattern", spec.partition_pattern.as_deref())?;
        settings.set_item("token_length", spec.token_length)?;
        for (key, value) in spec.settings() {
            settings.set_item(key, to_python(py, value.clone().into())?)?;
        }
        Ok(settings)
    }

    /// Objects that are best read at once.
    #[getter]
    fn parallelism(&self) -> usize {
        self.0.parallelism()
    }

    /// Address of an object.
    fn url(&self, path: &str) -> PyResult<String> {
        self.0.url(path).map_err(from_store)
    }

    /// A fresh schema-addressed path, and its token.
    fn schema_path(
        &self,
        schema: &str,
        table: &str,
        field: &str,
        key: Vec<(String, Bound<'_, PyAny>)>,
        extension: &str,
    ) -> PyResult<(String, String)> {
        let key = key_values(key)?;
        let token = addressing::token(self.0.spec().token_length);
        let path = addressing::schema_path(self.0.spec(), schema, table, &key, field, &token, extension);
        path.map(|path| (path, token)).map_err(from_store)
    }

    fn put(&self, py: Python<'_>, path: &str, content: Vec<u8>) -> PyResult<()> {
        py.detach(|| self.0.put(path, content, PutMode::Overwrite)).map(drop).map_err(from_store)
    }

    fn put_file(&self, py: Python<'_>, path: &str, source: PathBuf) -> PyResult<()> {
        py.detach(|| self.0.put_file(path, &source, PutMode::Overwrite)).map(drop).map_err(from_store)
    }

    fn get<'py>(&self, py: Python<'py>, path: &str) -> PyResult<Bound<'py, PyBytes>> {
        let content = py.detach(|| self.0.get(path)).map_err(from_store)?;
        Ok(PyBytes::new(py, &content))
    }

    /// Bytes `start..end` of an object.
    fn get_range<'py>(
        &self,
        py: Python<'py>,
        path: &str,
        start: u64,
        end: u64,
    ) -> PyResult<Bound<'py, PyBytes>> {
        let content = py.detach(|| self.0.get_range(path, start..end)).map_err(from_store)?;
        Ok(PyBytes::new(py, &content))
    }

    /// Size in bytes and time of the last change (seconds since 1970) of an object; `None` when it is not there.
    fn head(&self, py: Python<'_>, path: &str) -> PyResult<Option<(u64, f64)>> {
        let found = py.detach(|| self.0.head(path)).map_err(from_store)?;
        Ok(found.map(|meta| (meta.size_bytes, meta.modified.as_duration().as_secs_f64())))
    }

    /// What lies directly in a folder: paths and sizes of objects, and paths of folders.
    fn level(&self, py: Python<'_>, path: &str) -> PyResult<Content> {
        let level = py.detach(|| self.0.level(path)).map_err(from_store)?;
        let objects = level.objects.into_iter().map(|object| (object.path, object.size_bytes));
        Ok((objects.collect(), level.folders))
    }

    fn download(&self, py: Python<'_>, path: &str, destination: PathBuf) -> PyResult<()> {
        py.detach(|| self.0.download(path, &destination)).map(drop).map_err(from_store)
    }

    fn exists(&self, py: Python<'_>, path: &str) -> PyResult<bool> {
        py.detach(|| Ok::<_, lapjoint::store::StoreError>(self.0.exists(path)? || self.0.is_folder(path)?))
            .map_err(from_store)
    }

    fn is_folder(&self, py: Python<'_>, path: &str) -> PyResult<bool> {
        py.detach(|| self.0.is_folder(path)).map_err(from_store)
    }

    fn size(&self, py: Python<'_>, path: &str) -> PyResult<u64> {
        py.detach(|| self.0.size_bytes(path)).map_err(from_store)
    }

    /// Paths and sizes in bytes of all objects below a prefix.
    fn list(&self, py: Python<'_>, prefix: &str) -> PyResult<Vec<(String, u64)>> {
        let found = py.detach(|| self.0.list(prefix)).map_err(from_store)?;
        Ok(found.into_iter().map(|object| (object.path, object.size_bytes)).collect())
    }

    fn delete(&self, py: Python<'_>, path: &str) -> PyResult<()> {
        py.detach(|| self.0.delete(path)).map(drop).map_err(from_store)
    }

    fn delete_prefix(&self, py: Python<'_>, prefix: &str) -> PyResult<()> {
        py.detach(|| self.0.delete_prefix(prefix)).map_err(from_store)
    }
}
