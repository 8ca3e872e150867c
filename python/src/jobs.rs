//! Jobs and workers.

use std::sync::{Mutex, PoisonError};

use lapjoint::{Jobs, RefreshOptions, Worker};
use pyo3::prelude::*;
use pyo3::types::PyDict;

use crate::engine::PyTable;
use crate::error::from_engine;
use crate::query::{PyQuery, to_condition};
use crate::rows::to_row;
use crate::value::to_python;

/// The jobs of a table.
#[pyclass(frozen, name = "Jobs", module = "lapjoint._core")]
pub(crate) struct PyJobs(Jobs);

#[pymethods]
impl PyJobs {
    /// The jobs of a table; their table is declared when it is missing.
    #[new]
    fn new(py: Python<'_>, target: &PyTable) -> PyResult<Self> {
        py.detach(|| target.0.jobs()).map(Self).map_err(from_engine)
    }

    fn table(&self) -> PyTable {
        PyTable(self.0.table())
    }

    fn definition(&self, py: Python<'_>) -> PyResult<String> {
        py.detach(|| self.0.definition()).map_err(from_engine)
    }

    fn ignored_attributes(&self) -> Vec<String> {
        self.0.ignored_attributes()
    }

    /// Brings the jobs up to date; numbers of jobs added, removed, given back, and to be done again. `timeouts` are those of
    /// stale and of orphaned jobs.
    #[pyo3(signature = (source, restrictions, *, delay, priority=None, timeouts=(None, None)))]
    fn refresh<'py>(
        &self,
        py: Python<'py>,
        source: &PyQuery,
        restrictions: Vec<Bound<'py, PyAny>>,
        delay: f64,
        priority: Option<i64>,
        timeouts: (Option<f64>, Option<f64>),
    ) -> PyResult<Bound<'py, PyDict>> {
        let mut options = RefreshOptions::new().key_source(source.0.clone()).delay_seconds(delay);
        for restriction in &restrictions {
            options = options.restrict(to_condition(restriction)?);
        }
        if let Some(priority) = priority {
            options = options.priority(priority);
        }
        let (stale, orphan) = timeouts;
        if let Some(seconds) = stale {
            options = options.stale_seconds(seconds);
        }
        if let Some(seconds) = orphan {
            options = options.orphan_seconds(seconds);
        }
        let done = py.detach(|| self.0.refresh(&options)).map_err(from_engine)?;
        let dict = PyDict::new(py);
        dict.set_item("added", done.added)?;
        dict.set_item("removed", done.removed)?;
        dict.set_item("orphaned", done.orphaned)?;
        dict.set_item("re_pended", done.re_pended)?;
        Ok(dict)
    }

    fn reserve(&self, py: Python<'_>, key: &Bound<'_, PyDict>) -> PyResult<bool> {
        let key = to_row(key, 0, &mut Default::default(), &[])?;
        py.detach(|| self.0.reserve(&key)).map_err(from_engine)
    }

    fn complete(&self, py: Python<'_>, key: &Bound<'_, PyDict>, duration: Option<f64>) -> PyResult<()> {
        let key = to_row(key, 0, &mut Default::default(), &[])?;
        py.detach(|| self.0.complete(&key, duration)).map_err(from_engine)
    }

    fn error(&self, py: Python<'_>, key: &Bound<'_, PyDict>, message: &str, stack: &str) -> PyResult<()> {
        let key = to_row(key, 0, &mut Default::default(), &[])?;
        py.detach(|| self.0.error(&key, message, stack)).map_err(from_engine)
    }

    fn ignore(&self, py: Python<'_>, key: &Bound<'_, PyDict>) -> PyResult<()> {
        let key = to_row(key, 0, &mut Default::default(), &[])?;
        py.detach(|| self.0.ignore(&key)).map_err(from_engine)
    }

    /// Numbers of jobs by status, and in all.
    fn progress<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let counts = py.detach(|| self.0.progress()).map_err(from_engine)?;
        let dict = PyDict::new(py);
        dict.set_item("pending", counts.pending)?;
        dict.set_item("reserved", counts.reserved)?;
        dict.set_item("success", counts.success)?;
        dict.set_item("error", counts.error)?;
        dict.set_item("ignore", counts.ignore)?;
        dict.set_item("total", counts.total())?;
        Ok(dict)
    }

    /// Jobs that are pending and due, the most urgent first.
    #[pyo3(signature = (keys=None, priority=None, limit=None))]
    fn due(
        &self,
        py: Python<'_>,
        keys: Option<&PyQuery>,
        priority: Option<i64>,
        limit: Option<u64>,
    ) -> PyResult<PyQuery> {
        let keys = keys.map(|keys| &keys.0);
        py.detach(|| self.0.due(keys, priority, limit)).map(PyQuery).map_err(from_engine)
    }

    fn worker(&self, py: Python<'_>) -> PyResult<PyWorker> {
        let worker = py.detach(|| self.0.worker()).map_err(from_engine)?;
        Ok(PyWorker(Mutex::new(worker)))
    }
}

/// A worker on the jobs of a table.
#[pyclass(frozen, name = "Worker", module = "lapjoint._core")]
pub(crate) struct PyWorker(pub Mutex<Worker>);

#[pymethods]
impl PyWorker {
    /// The key of a job to try next; `None` when none is due.
    #[pyo3(signature = (keys=None, priority=None))]
    fn next<'py>(
        &self,
        py: Python<'py>,
        keys: Option<&PyQuery>,
        priority: Option<i64>,
    ) -> PyResult<Option<Bound<'py, PyDict>>> {
        let keys = keys.map(|keys| &keys.0);
        let next = py.detach(|| self.0.lock().unwrap_or_else(PoisonError::into_inner).next(keys, priority));
        let Some(key) = next.map_err(from_engine)? else { return Ok(None) };
        let dict = PyDict::new(py);
        let names = key.names().to_vec();
        for (name, value) in names.iter().zip(key.into_values()) {
            dict.set_item(name, to_python(py, value)?)?;
        }
        Ok(Some(dict))
    }
}
