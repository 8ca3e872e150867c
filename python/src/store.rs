//! Stores: what `lapjoint.storage` builds on.

use std::path::PathBuf;

use lapjoint::Value;
use lapjoint::store::{Addressing, Payload, PendingObject, PutMode, Store, addressing};
use pyo3::prelude::*;
use pyo3::types::PyBytes;

use crate::error::{from_any, raise};
use crate::value::to_value;

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

    /// A fresh schema-addressed path, and its token.
    fn schema_path(
        &self,
        schema: &str,
        table: &str,
        field: &str,
        key: Vec<(String, Bound<'_, PyAny>)>,
        extension: &str,
    ) -> PyResult<(String, String)> {
        let key: Vec<(String, Value)> =
            key.into_iter().map(|(name, value)| Ok((name, to_value(&value)?))).collect::<PyResult<_>>()?;
        let token = addressing::token(self.0.spec().token_length);
        let path = addressing::schema_path(self.0.spec(), schema, table, &key, field, &token, extension);
        path.map(|path| (path, token)).map_err(from_any)
    }

    fn put(&self, py: Python<'_>, path: &str, content: Vec<u8>) -> PyResult<()> {
        py.detach(|| self.0.put(path, content, PutMode::Overwrite)).map(drop).map_err(from_any)
    }

    fn put_file(&self, py: Python<'_>, path: &str, source: PathBuf) -> PyResult<()> {
        py.detach(|| self.0.put_file(path, &source, PutMode::Overwrite)).map(drop).map_err(from_any)
    }

    fn get<'py>(&self, py: Python<'py>, path: &str) -> PyResult<Bound<'py, PyBytes>> {
        let content = py.detach(|| self.0.get(path)).map_err(|error| {
            let class = if error.is_not_found() { "MissingExternalFile" } else { "DataJointError" };
            raise(class, &error.to_string())
        })?;
        Ok(PyBytes::new(py, &content))
    }

    fn download(&self, py: Python<'_>, path: &str, destination: PathBuf) -> PyResult<()> {
        py.detach(|| self.0.download(path, &destination)).map(drop).map_err(from_any)
    }

    fn exists(&self, py: Python<'_>, path: &str) -> PyResult<bool> {
        py.detach(|| Ok::<_, lapjoint::store::StoreError>(self.0.exists(path)? || self.0.is_folder(path)?))
            .map_err(from_any)
    }

    fn is_folder(&self, py: Python<'_>, path: &str) -> PyResult<bool> {
        py.detach(|| self.0.is_folder(path)).map_err(from_any)
    }

    fn size(&self, py: Python<'_>, path: &str) -> PyResult<u64> {
        py.detach(|| self.0.size_bytes(path)).map_err(from_any)
    }

    /// Paths below a prefix.
    fn list(&self, py: Python<'_>, prefix: &str) -> PyResult<Vec<String>> {
        let found = py.detach(|| self.0.list(prefix)).map_err(from_any)?;
        Ok(found.into_iter().map(|object| object.path).collect())
    }

    fn delete(&self, py: Python<'_>, path: &str) -> PyResult<()> {
        py.detach(|| self.0.delete(path)).map(drop).map_err(from_any)
    }

    fn delete_prefix(&self, py: Python<'_>, prefix: &str) -> PyResult<()> {
        py.detach(|| self.0.delete_prefix(prefix)).map_err(from_any)
    }

    fn local_path(&self, path: &str) -> PyResult<Option<PathBuf>> {
        self.0.local_path(path).map_err(from_any)
    }

    fn url(&self, path: &str) -> PyResult<String> {
        self.0.url(path).map_err(from_any)
    }

    /// Stores a folder with its manifest, at once.
    fn put_folder(
        &self,
        py: Python<'_>,
        path: &str,
        source: PathBuf,
        config: &crate::engine::PyConfig,
    ) -> PyResult<()> {
        let object = PendingObject {
            store: self.0.name().to_owned(),
            path: path.to_owned(),
            payload: Payload::Folder(source),
            addressing: Addressing::Schema,
        };
        let options = lapjoint::store::UploadOptions::default();
        py.detach(|| {
            lapjoint::store::upload(&config.0, &[object], &options, &lapjoint::store::staging::no_progress)
        })
        .map(drop)
        .map_err(from_any)
    }
}
