//! Lazy references to arrays and objects in stores: what the classes of `lapjoint.npy_ref` and `lapjoint.objectref` build on.

use std::path::PathBuf;

use lapjoint::codec::science::figpack::FigpackRef;
use lapjoint::codec::science::photon::PhotonRef;
use lapjoint::codec::science::zarr::ZarrRef;
use lapjoint::codec::{AxisSlice, NpyRef, ObjectRef};
use lapjoint::gzcm::GzcmRef;
use lapjoint::types::Foreign;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyTuple};

use crate::array;
use crate::error::from_codec;
use crate::figpack::PyFigpackRef;
use crate::gzcm::PyGzcmRef;
use crate::photon::PyPhotonRef;
use crate::store::PyStore;
use crate::value::json_object;
use crate::zarr::PyZarrRef;

/// The Python object of a reference that the engine decoded; `None` for other objects.
pub(crate) fn reference_object(py: Python<'_>, object: &dyn Foreign) -> PyResult<Option<Py<PyAny>>> {
    let of = |module: &str, class: &str, core: Bound<'_, PyAny>| {
        py.import(module)?.getattr(class)?.call_method1("_of", (core,)).map(|made| Some(made.unbind()))
    };
    if let Some(reference) = object.as_any().downcast_ref::<NpyRef>() {
        let core = Bound::new(py, PyNpyRef(reference.clone()))?.into_any();
        return of("lapjoint.npy_ref", "NpyRef", core);
    }
    if let Some(reference) = object.as_any().downcast_ref::<ZarrRef>() {
        let core = Bound::new(py, PyZarrRef(reference.clone()))?.into_any();
        return of("lapjoint.zarr_ref", "ZarrRef", core);
    }
    if let Some(reference) = object.as_any().downcast_ref::<ObjectRef>() {
        let core = Bound::new(py, PyObjectRef(reference.clone()))?.into_any();
        return of("lapjoint.objectref", "ObjectRef", core);
    }
    if let Some(movie) = object.as_any().downcast_ref::<PhotonRef>() {
        let core = Bound::new(py, PyPhotonRef(movie.clone()))?.into_any();
        return of("lapjoint.photon", "PhotonRef", core);
    }
    if let Some(figure) = object.as_any().downcast_ref::<FigpackRef>() {
        let core = Bound::new(py, PyFigpackRef(figure.clone()))?.into_any();
        return of("lapjoint.figpack_ref", "FigpackRef", core);
    }
    if let Some(matrix) = object.as_any().downcast_ref::<GzcmRef>() {
        let core = Bound::new(py, PyGzcmRef(matrix.clone()))?.into_any();
        return of("lapjoint.gzcm_ref", "GzcmRef", core);
    }
    Ok(None)
}

/// A folder of a walk: path, names of folders, names of files.
type Folder = (String, Vec<String>, Vec<String>);

/// An array in a store that is read when asked.
#[pyclass(frozen, name = "NpyRef", module = "lapjoint._core")]
pub(crate) struct PyNpyRef(NpyRef);

#[pymethods]
impl PyNpyRef {
    /// The array that metadata (JSON text) describes, in a store.
    #[new]
    fn new(metadata: &str, store: &PyStore) -> PyResult<Self> {
        let metadata = serde_json::from_str(metadata).map_err(crate::error::from_any)?;
        NpyRef::new(metadata, store.0.clone()).map(Self).map_err(from_codec)
    }

    /// Shape, without reading the array.
    #[getter]
    fn shape<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
        PyTuple::new(py, self.0.shape())
    }

    /// Element type; for arrays of records the header is read.
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
    fn store(&self) -> PyStore {
        PyStore(self.0.store().clone())
    }

    #[getter]
    fn metadata(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        json_object(py, self.0.metadata().clone())
    }

    /// The whole array.
    fn load(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        let loaded = py.detach(|| self.0.load()).map_err(from_codec)?;
        array::to_numpy(py, &loaded)
    }

    /// Elements by (start, stop, step) of the leading axes; steps are positive. Reads only the bytes asked for.
    fn slice(&self, py: Python<'_>, axes: Vec<(usize, usize, usize)>) -> PyResult<Py<PyAny>> {
        let slices: Vec<_> =
            axes.into_iter().map(|(start, stop, step)| AxisSlice { start, stop, step }).collect();
        let part = py.detach(|| self.0.slice_axes(&slices)).map_err(from_codec)?;
        array::to_numpy(py, &part)
    }

    /// Path of the file on this machine, if the store is a folder.
    fn local_path(&self) -> PyResult<Option<PathBuf>> {
        self.0.local_path().map_err(from_codec)
    }
}

/// A file or folder in a store.
#[pyclass(frozen, name = "ObjectRef", module = "lapjoint._core")]
pub(crate) struct PyObjectRef(pub ObjectRef);

#[pymethods]
impl PyObjectRef {
    /// The object that metadata (JSON text) describes, in a store.
    #[new]
    fn new(metadata: &str, store: &PyStore) -> PyResult<Self> {
        let metadata = serde_json::from_str(metadata).map_err(crate::error::from_any)?;
        let reference = ObjectRef::from_json(&metadata).map_err(from_codec)?;
        Ok(Self(reference.with_store(store.0.clone())))
    }

    /// The metadata.
    #[getter]
    fn metadata(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        json_object(py, self.0.to_json())
    }

    #[getter]
    fn store(&self) -> PyResult<PyStore> {
        Ok(PyStore(self.0.store().map_err(from_codec)?.clone()))
    }

    /// The whole content of a file, compared with its checksum.
    fn read<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyBytes>> {
        let content = py.detach(|| self.0.read()).map_err(from_codec)?;
        Ok(PyBytes::new(py, &content))
    }

    /// Copies the file or folder into a folder; returns its path there.
    fn download(&self, py: Python<'_>, destination: PathBuf, subpath: Option<&str>) -> PyResult<PathBuf> {
        py.detach(|| self.0.download(&destination, subpath)).map_err(from_codec)
    }

    /// Names in a folder.
    fn listdir(&self, py: Python<'_>, subpath: &str) -> PyResult<Vec<String>> {
        py.detach(|| self.0.list(subpath)).map_err(from_codec)
    }

    /// Folders below a folder, itself first: path, names of folders, names of files.
    fn walk(&self, py: Python<'_>) -> PyResult<Vec<Folder>> {
        let levels = py.detach(|| self.0.walk()).map_err(from_codec)?;
        Ok(levels.into_iter().map(|level| (level.path, level.folders, level.files)).collect())
    }

    fn exists(&self, py: Python<'_>, subpath: Option<&str>) -> PyResult<bool> {
        py.detach(|| self.0.exists(subpath)).map_err(from_codec)
    }

    /// Compares the stored object with its metadata; raises an error where they differ.
    fn verify(&self, py: Python<'_>) -> PyResult<()> {
        py.detach(|| self.0.verify())
            .map_err(|error| crate::error::raise("ObjectIntegrityError", &error.to_string()))
    }
}
