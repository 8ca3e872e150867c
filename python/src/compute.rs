//! Computation whose makes are Python functions.

use std::sync::PoisonError;

use lapjoint::{Condition, Error, Failure, Made, Make, Row, Table};
use pyo3::prelude::*;
use pyo3::types::PyDict;

use crate::engine::PyTable;
use crate::error::{from_engine, from_engine_ref};
use crate::jobs::PyWorker;
use crate::query::{PyQuery, to_condition};
use crate::rows::to_row;

/// The make of one key: functions of what comes before the transaction and of what belongs into it, and one that says what is to
/// be written down of an exception.
struct PyMake {
    key: Py<PyDict>,
    prepare: Option<Py<PyAny>>,
    make: Py<PyAny>,
    failure: Py<PyAny>,
}

impl PyMake {
    fn call(&self, function: &Py<PyAny>) -> Result<(), Error> {
        Python::attach(|py| function.call1(py, (self.key.bind(py).copy()?,)).map(drop))
            .map_err(|raised| Error::Source(Box::new(raised)))
    }
}

impl Make for PyMake {
    fn prepares(&self) -> bool {
        self.prepare.is_some()
    }

    fn prepare(&mut self, _key: &Row) -> Result<(), Error> {
        self.prepare.as_ref().map_or(Ok(()), |prepare| self.call(prepare))
    }

    fn make(&mut self, _key: &Row) -> Result<(), Error> {
        self.call(&self.make)
    }

    fn failure(&self, error: &Error) -> Failure {
        let described = Python::attach(|py| {
            // With its traceback.
            self.failure.call1(py, (from_engine_ref(error).into_value(py),))?.extract::<(String, String)>(py)
        });
        described.map_or_else(|_| Failure::of(error), |(message, stack)| Failure { message, stack })
    }
}

fn conditions(restrictions: &[Bound<'_, PyAny>]) -> PyResult<Vec<Condition>> {
    restrictions.iter().map(to_condition).collect()
}

/// The making of a table's rows.
#[pyclass(frozen, name = "Computation", module = "lapjoint._core")]
pub(crate) struct PyComputation(Table);

#[pymethods]
impl PyComputation {
    #[new]
    fn new(table: &PyTable) -> Self {
        Self(table.0.clone())
    }

    /// The keys that the table is made for, by its foreign keys.
    fn key_source(&self, py: Python<'_>) -> PyResult<PyQuery> {
        py.detach(|| self.0.key_source()).map(PyQuery).map_err(from_engine)
    }

    /// Those keys of `source` that are still to be made.
    fn keys_to_do(
        &self,
        py: Python<'_>,
        source: &PyQuery,
        restrictions: Vec<Bound<'_, PyAny>>,
    ) -> PyResult<PyQuery> {
        let restrictions = conditions(&restrictions)?;
        py.detach(|| self.0.keys_to_do(&source.0, &restrictions)).map(PyQuery).map_err(from_engine)
    }

    /// Keys of `source` that are still to be made, and keys in all.
    fn progress(
        &self,
        py: Python<'_>,
        source: &PyQuery,
        restrictions: Vec<Bound<'_, PyAny>>,
    ) -> PyResult<(u64, u64)> {
        let restrictions = conditions(&restrictions)?;
        py.detach(|| self.0.progress(&source.0, &restrictions)).map_err(from_engine)
    }

    /// The keys of `source` for which the restrictions hold, done or not.
    fn wanted_keys(
        &self,
        py: Python<'_>,
        source: &PyQuery,
        restrictions: Vec<Bound<'_, PyAny>>,
    ) -> PyResult<PyQuery> {
        let restrictions = conditions(&restrictions)?;
        py.detach(|| self.0.wanted_keys(&source.0, &restrictions)).map(PyQuery).map_err(from_engine)
    }

    /// Makes the rows of one key in a transaction: `True` if they were made now, `False` if they were there, `None` if another
    /// worker has the job. `prepare` and `make` are called with the key, `failure` with an exception, whose message and stack it
    /// returns. With a worker, its job is taken first.
    fn make_one(
        &self,
        py: Python<'_>,
        key: &Bound<'_, PyDict>,
        prepare: Option<Py<PyAny>>,
        make: Py<PyAny>,
        failure: Py<PyAny>,
        worker: Option<&PyWorker>,
    ) -> PyResult<Option<bool>> {
        let row = to_row(key, 0, &mut Default::default(), &[])?;
        let mut make = PyMake { key: key.clone().unbind(), prepare, make, failure };
        let made = py.detach(|| match worker {
            Some(worker) => {
                let mut worker = worker.0.lock().unwrap_or_else(PoisonError::into_inner);
                self.0.make_job(&mut worker, &row, &mut make)
            }
            None => self.0.make_one(&row, &mut make),
        });
        Ok(match made.map_err(from_engine)? {
            Made::Now => Some(true),
            Made::Before => Some(false),
            _ => None,
        })
    }
}
