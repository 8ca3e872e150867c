//! Arrays in chunks: what `lapjoint.zarr_ref` and the front of `<zarr@>` build on.

use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

use lapjoint::codec::AxisSlice;
use lapjoint::codec::science::zarr::{Pick, ZarrOptions, ZarrRef, ZarrSource, ZarrSpool};
use lapjoint::{NdArray, Value};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::PyTuple;

use crate::array;
use crate::error::{from_any, from_codec};
use crate::store::PyStore;
use crate::value::{EngineValue, json_object, to_value};

/// Elements along one axis: (start, stop, step) with a positive step, or a list of places, ascending.
#[derive(FromPyObject)]
pub(crate) enum Axis {
    Slice(usize, usize, usize),
    List(Vec<usize>),
}

/// What is selected of the leading axes, as the engine has it.
pub(crate) fn picks(axes: Vec<Axis>) -> Vec<Pick> {
    let pick = |axis| match axis {
        Axis::Slice(start, stop, step) => Pick::Slice(AxisSlice { start, stop, step }),
        Axis::List(list) => Pick::List(list),
    };
    axes.into_iter().map(pick).collect()
}

fn options(json: &str) -> PyResult<ZarrOptions> {
    let json = serde_json::from_str(json).map_err(from_any)?;
    ZarrOptions::from_json(&json).map_err(from_codec)
}

fn array_of(value: &Bound<'_, PyAny>) -> PyResult<NdArray> {
    match to_value(value)? {
        Value::Array(array) => Ok(*array),
        Value::ObjectArray(_) => {
            Err(crate::error::raise("CodecValueError", "<zarr> does not support object dtype arrays"))
        }
        other => Err(crate::error::raise(
            "CodecValueError",
            &format!("<zarr> requires arrays of numbers, got {}", other.type_name()),
        )),
    }
}

/// An array with options (JSON text), as the engine's codec takes it.
#[pyfunction]
pub(crate) fn zarr_source(array: &Bound<'_, PyAny>, options_json: &str) -> PyResult<EngineValue> {
    let source = ZarrSource::new(array_of(array)?, options(options_json)?);
    Ok(EngineValue(Value::foreign(source)))
}

/// An array that comes slab by slab and waits, encoded, in a folder.
#[pyclass(frozen, name = "ZarrSpool", module = "lapjoint._core")]
pub(crate) struct PyZarrSpool(Mutex<Option<ZarrSpool>>);

#[pymethods]
impl PyZarrSpool {
    /// A spool in a folder that exists and is removed with the spool.
    #[new]
    fn new(options_json: &str, folder: PathBuf) -> PyResult<Self> {
        Ok(Self(Mutex::new(Some(ZarrSpool::new(options(options_json)?, folder)))))
    }

    /// Takes the next rows.
    fn push(&self, py: Python<'_>, slab: &Bound<'_, PyAny>) -> PyResult<()> {
        let slab = array_of(slab)?;
        py.detach(|| match self.0.lock().unwrap_or_else(PoisonError::into_inner).as_mut() {
            Some(spool) => spool.push(&slab),
            None => Ok(()),
        })
        .map_err(from_codec)
    }

    /// The array, once all slabs are there.
    fn finish(&self, py: Python<'_>) -> PyResult<EngineValue> {
        let spool = self.0.lock().unwrap_or_else(PoisonError::into_inner).take();
        let spool = spool.ok_or_else(|| PyValueError::new_err("the array was taken already"))?;
        py.detach(|| spool.finish()).map(|source| EngineValue(Value::foreign(source))).map_err(from_codec)
    }
}

/// An array in chunks in a store that is read when asked.
#[pyclass(frozen, name = "ZarrRef", module = "lapjoint._core")]
pub(crate) struct PyZarrRef(pub ZarrRef);

#[pymethods]
impl PyZarrRef {
    /// The array that metadata (JSON text) describes, in a store.
    #[new]
    fn new(metadata: &str, store: &PyStore) -> PyResult<Self> {
        let metadata = serde_json::from_str(metadata).map_err(from_any)?;
        ZarrRef::new(metadata, store.0.clone()).map(Self).map_err(from_codec)
    }

    #[getter]
    fn shape<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
        PyTuple::new(py, self.0.shape())
    }

    #[getter]
    fn dtype(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        let dtype = py.detach(|| self.0.dtype()).map_err(from_codec)?;
        Ok(array::descr(py, &dtype)?.into_any().unbind())
    }

    #[getter]
    fn dtype_text(&self) -> &str {
        self.0.dtype_text()
    }

    #[getter]
    fn chunks<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
        PyTuple::new(py, py.detach(|| self.0.chunks()).map_err(from_codec)?)
    }

    #[getter]
    fn shards<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyTuple>>> {
        let shards = py.detach(|| self.0.shards()).map_err(from_codec)?;
        shards.map(|shards| PyTuple::new(py, shards)).transpose()
    }

    #[getter]
    fn format(&self, py: Python<'_>) -> PyResult<u8> {
        py.detach(|| self.0.format()).map_err(from_codec)
    }

    /// Attributes of the array, each time a copy.
    #[getter]
    fn attrs(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        let attributes = py.detach(|| self.0.attributes().cloned()).map_err(from_codec)?;
        json_object(py, serde_json::Value::Object(attributes))
    }

    #[getter]
    fn store(&self) -> PyStore {
        PyStore(self.0.store().clone())
    }

    #[getter]
    fn metadata(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        json_object(py, self.0.metadata().clone())
    }

    /// Elements by what is selected of the leading axes.
    fn read(&self, py: Python<'_>, axes: Vec<Axis>) -> PyResult<Py<PyAny>> {
        let picks = picks(axes);
        let part = py.detach(|| self.0.read(&picks)).map_err(from_codec)?;
        array::to_numpy(py, &part)
    }

    /// Compares all files with the manifest.
    fn verify(&self, py: Python<'_>) -> PyResult<()> {
        py.detach(|| self.0.verify()).map_err(from_codec)
    }
}
