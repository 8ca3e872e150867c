//! Figures of figpack in stores: what the class of `lapjoint.figpack_ref` builds on.

use lapjoint::codec::science::figpack::FigpackRef;
use pyo3::prelude::*;

use crate::error::from_codec;
use crate::reference::PyObjectRef;
use crate::store::PyStore;
use crate::value::json_object;

/// A figure in a store that is read when asked.
#[pyclass(frozen, name = "FigpackRef", module = "lapjoint._core")]
pub(crate) struct PyFigpackRef(pub FigpackRef);

#[pymethods]
impl PyFigpackRef {
    /// The figure that metadata (JSON text) describes, in a store.
    #[new]
    fn new(metadata: &str, store: &PyStore) -> PyResult<Self> {
        let metadata = serde_json::from_str(metadata).map_err(crate::error::from_any)?;
        let mut figure = FigpackRef::from_json(&metadata).map_err(from_codec)?;
        figure.object = figure.object.with_store(store.0.clone());
        Ok(Self(figure))
    }

    #[getter]
    fn title(&self) -> &str {
        &self.0.title
    }

    #[getter]
    fn description(&self) -> &str {
        &self.0.description
    }

    /// The folder.
    #[getter]
    fn object(&self) -> PyObjectRef {
        PyObjectRef(self.0.object.clone())
    }

    /// The metadata, as the row has it.
    #[getter]
    fn metadata(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        json_object(py, self.0.metadata().clone())
    }

    /// `bundle` or `data`.
    fn layout(&self, py: Python<'_>) -> PyResult<&'static str> {
        Ok(py.detach(|| self.0.layout()).map_err(from_codec)?.name())
    }
}
