//! `<gzcm@>`: what `lapjoint.gzcm_ref` and the front of the codec build on.

use std::path::PathBuf;

use lapjoint::gzcm::{GzcmOptions, GzcmRef, GzcmSource};
use lapjoint::{NdArray, Value};
use numpy::PyReadonlyArray1;
use pyo3::prelude::*;

use super::pool;
use super::reader::{PyGzcmFile, cache_size};
use crate::error::{from_any, from_codec, raise};
use crate::store::PyStore;
use crate::value::{EngineValue, json_object, to_value};

fn options(json: &str) -> PyResult<GzcmOptions> {
    let json = serde_json::from_str(json).map_err(from_any)?;
    GzcmOptions::from_json(&json).map_err(from_codec)
}

fn numbers(value: &Bound<'_, PyAny>) -> PyResult<NdArray> {
    match to_value(value)? {
        Value::Array(array) => Ok(*array),
        other => {
            let message = format!("<gzcm> requires a matrix of numbers, got {}", other.type_name());
            Err(raise("CodecValueError", &message))
        }
    }
}

/// A file of contacts with options (JSON text), as the engine's codec takes it.
#[pyfunction]
pub(crate) fn gzcm_file_source(path: PathBuf, options_json: &str) -> PyResult<EngineValue> {
    Ok(EngineValue(Value::foreign(GzcmSource::file(path, options(options_json)?))))
}

/// An array of shape (rows, cols) with options.
#[pyfunction]
pub(crate) fn gzcm_dense_source(matrix: &Bound<'_, PyAny>, options_json: &str) -> PyResult<EngineValue> {
    Ok(EngineValue(Value::foreign(GzcmSource::dense(numbers(matrix)?, options(options_json)?))))
}

/// The cells of a matrix that are not zero, with options.
#[pyfunction]
pub(crate) fn gzcm_sparse_source(
    shape: (u64, u64),
    rows: PyReadonlyArray1<'_, u32>,
    cols: PyReadonlyArray1<'_, u32>,
    values: &Bound<'_, PyAny>,
    options_json: &str,
) -> PyResult<EngineValue> {
    let (rows, cols) = (rows.as_array().to_vec(), cols.as_array().to_vec());
    let source = GzcmSource::sparse(shape, rows, cols, numbers(values)?, options(options_json)?);
    Ok(EngineValue(Value::foreign(source)))
}

/// A contact matrix in a store that is read when asked.
#[pyclass(frozen, name = "GzcmRef", module = "lapjoint._core")]
pub(crate) struct PyGzcmRef(pub GzcmRef);

#[pymethods]
impl PyGzcmRef {
    /// The matrix that metadata (JSON text) describes, in a store.
    #[new]
    fn new(metadata: &str, store: &PyStore) -> PyResult<Self> {
        let metadata = serde_json::from_str(metadata).map_err(from_any)?;
        GzcmRef::new(metadata, store.0.clone()).map(Self).map_err(from_codec)
    }

    #[getter]
    fn shape(&self) -> (u64, u64) {
        self.0.shape()
    }

    #[getter]
    fn dtype(&self) -> &'static str {
        self.0.dtype().name()
    }

    #[getter]
    fn store(&self) -> PyStore {
        PyStore(self.0.store().clone())
    }

    #[getter]
    fn metadata(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        json_object(py, self.0.metadata().clone())
    }

    /// The file, opened anew, with a cache of so many tiles, or of bytes when `cache_bytes` is given.
    fn open(&self, py: Python<'_>, cache_tiles: usize, cache_bytes: Option<usize>) -> PyResult<PyGzcmFile> {
        let reference = self.0.clone();
        py.detach(|| PyGzcmFile::of_row(reference, cache_size(cache_tiles, cache_bytes)))
    }

    /// Reads all of the object and compares it with what was written.
    fn verify(&self, py: Python<'_>) -> PyResult<()> {
        let pool = pool::after_fork().map_err(super::error::raise)?;
        py.detach(|| {
            // Opened anew: a process that was forked cannot count on what its parent had open.
            let whole = GzcmRef::new(self.0.metadata().clone(), self.0.store().clone())?;
            pool::within(pool.as_ref(), || whole.verify())
        })
        .map_err(from_codec)
    }

    /// Path of the file on this machine, if the store is a folder.
    fn local_path(&self) -> PyResult<Option<PathBuf>> {
        self.0.local_path().map_err(from_codec)
    }
}
