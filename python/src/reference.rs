//! Lazy references to arrays and objects in stores.

use lapjoint::codec::{NpyRef, ObjectRef};
use lapjoint::types::Foreign;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PySlice, PyTuple};

use crate::array;
use crate::error::from_any;

/// An array in a store that is read when asked.
#[pyclass(frozen, name = "NpyRef", module = "lapjoint")]
pub(crate) struct PyNpyRef(NpyRef);

impl PyNpyRef {
    /// The reference that a value of the engine is.
    pub fn of(object: &dyn Foreign) -> Option<Self> {
        object.as_any().downcast_ref::<NpyRef>().cloned().map(Self)
    }
}

#[pymethods]
impl PyNpyRef {
    /// Shape, without reading the array.
    #[getter]
    fn shape<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
        PyTuple::new(py, self.0.shape())
    }

    /// Element type, without reading the array.
    #[getter]
    fn dtype(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        let dtype = py.detach(|| self.0.dtype()).map_err(from_any)?;
        Ok(array::descr(py, &dtype)?.into_any().unbind())
    }

    #[getter]
    fn ndim(&self) -> usize {
        self.0.ndim()
    }

    #[getter]
    fn size(&self) -> usize {
        self.0.size_elements()
    }

    #[getter]
    fn nbytes(&self, py: Python<'_>) -> PyResult<usize> {
        py.detach(|| self.0.nbytes()).map_err(from_any)
    }

    #[getter]
    fn path(&self) -> &str {
        self.0.path()
    }

    #[getter]
    fn store(&self) -> &str {
        self.0.store().name()
    }

    #[getter]
    fn is_loaded(&self) -> bool {
        self.0.is_loaded()
    }

    /// The whole array; with `mmap_mode`, a map of its file.
    #[pyo3(signature = (mmap_mode=None))]
    fn load(&self, py: Python<'_>, mmap_mode: Option<&str>) -> PyResult<Py<PyAny>> {
        let loaded = py.detach(|| if mmap_mode.is_some() { self.0.load_mmap() } else { self.0.load() });
        array::to_numpy(py, &loaded.map_err(from_any)?)
    }

    #[pyo3(signature = (dtype=None, copy=None))]
    fn __array__(
        &self,
        py: Python<'_>,
        dtype: Option<&Bound<'_, PyAny>>,
        copy: Option<bool>,
    ) -> PyResult<Py<PyAny>> {
        let array = self.load(py, None)?;
        match (dtype, copy) {
            (Some(dtype), _) => Ok(array.bind(py).call_method1("astype", (dtype,))?.unbind()),
            (None, Some(true)) => Ok(array.bind(py).call_method0("copy")?.unbind()),
            (None, _) => Ok(array),
        }
    }

    fn __len__(&self) -> PyResult<usize> {
        self.0
            .shape()
            .first()
            .copied()
            .ok_or_else(|| pyo3::exceptions::PyTypeError::new_err("len() of 0-dimensional array"))
    }

    /// Rows by a slice read only their bytes; any other index loads the array.
    fn __getitem__(&self, py: Python<'_>, index: &Bound<'_, PyAny>) -> PyResult<Py<PyAny>> {
        if let (Ok(slice), Some(&rows)) = (index.cast::<PySlice>(), self.0.shape().first())
            && !self.0.is_loaded()
        {
            let indices = slice.indices(isize::try_from(rows)?)?;
            if indices.step == 1 {
                let start = usize::try_from(indices.start)?;
                let stop = start.max(usize::try_from(indices.stop)?);
                let part = py.detach(|| self.0.slice(start..stop)).map_err(from_any)?;
                return array::to_numpy(py, &part);
            }
        }
        Ok(self.load(py, None)?.bind(py).get_item(index)?.unbind())
    }

    fn __repr__(&self) -> String {
        self.0.to_string()
    }
}

/// A file or folder in a store.
#[pyclass(frozen, name = "ObjectRef", module = "lapjoint")]
pub(crate) struct PyObjectRef(ObjectRef);

impl PyObjectRef {
    /// The reference that a value of the engine is.
    pub fn of(object: &dyn Foreign) -> Option<Self> {
        object.as_any().downcast_ref::<ObjectRef>().cloned().map(Self)
    }
}

#[pymethods]
impl PyObjectRef {
    #[getter]
    fn path(&self) -> &str {
        &self.0.path
    }

    #[getter]
    fn size(&self) -> Option<u64> {
        self.0.size_bytes
    }

    #[getter]
    fn ext(&self) -> Option<&str> {
        self.0.extension.as_deref()
    }

    #[getter]
    fn is_dir(&self) -> bool {
        self.0.is_dir
    }

    /// The whole content of a file, compared with its checksum.
    fn read<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyBytes>> {
        let content = py.detach(|| self.0.read()).map_err(from_any)?;
        Ok(PyBytes::new(py, &content))
    }

    /// Copies the file or folder into a folder; returns its path there.
    #[pyo3(signature = (destination, subpath=None))]
    fn download(
        &self,
        py: Python<'_>,
        destination: std::path::PathBuf,
        subpath: Option<&str>,
    ) -> PyResult<std::path::PathBuf> {
        py.detach(|| self.0.download(&destination, subpath)).map_err(from_any)
    }

    /// Names in a folder.
    #[pyo3(signature = (subpath=""))]
    fn listdir(&self, py: Python<'_>, subpath: &str) -> PyResult<Vec<String>> {
        py.detach(|| self.0.list(subpath)).map_err(from_any)
    }

    #[pyo3(signature = (subpath=None))]
    fn exists(&self, py: Python<'_>, subpath: Option<&str>) -> PyResult<bool> {
        py.detach(|| self.0.exists(subpath)).map_err(from_any)
    }

    /// Compares the stored object with its metadata.
    fn verify(&self, py: Python<'_>) -> PyResult<bool> {
        py.detach(|| self.0.verify())
            .map(|()| true)
            .map_err(|error| crate::error::raise("IntegrityError", &error.to_string()))
    }

    fn __repr__(&self) -> String {
        self.0.to_string()
    }
}
