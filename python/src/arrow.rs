//! Queries as Arrow streams, by the PyCapsule interface.

use std::ffi::CStr;
use std::ptr;
use std::sync::{Mutex, PoisonError};

use arrow_array::ffi::{FFI_ArrowArray, FFI_ArrowSchema, from_ffi, to_ffi};
use arrow_array::ffi_stream::FFI_ArrowArrayStream;
use arrow_array::{Array, ArrayRef, RecordBatch, RecordBatchReader, StructArray, make_array};
use lapjoint::Query;
use lapjoint::arrow::ArrowStream;
use lapjoint::arrow::arrow_schema::{ArrowError, Schema, SchemaRef};
use pyo3::prelude::*;
use pyo3::types::PyCapsule;

use crate::error::from_any;
use crate::watch::Signals;

const STREAM: &CStr = c"arrow_array_stream";
const SCHEMA: &CStr = c"arrow_schema";
const ARRAY: &CStr = c"arrow_array";

/// The rows of a query for whoever reads Arrow streams.
pub(crate) fn stream<'py>(py: Python<'py>, query: &Query) -> PyResult<Bound<'py, PyCapsule>> {
    let (signals, watch) = Signals::watch(None);
    let watched = query.watched(watch);
    let reader = py.detach(|| watched.arrow()).map_err(|error| signals.raise(error))?;
    let stream = FFI_ArrowArrayStream::new(Box::new(Detached(Some(reader.into_reader()))));
    PyCapsule::new_with_value(py, stream, STREAM)
}

/// The schema of such a stream.
pub(crate) fn schema<'py>(py: Python<'py>, query: &Query) -> PyResult<Bound<'py, PyCapsule>> {
    let (signals, watch) = Signals::watch(None);
    let watched = query.watched(watch);
    let schema = py.detach(|| Ok(watched.arrow()?.schema())).map_err(|error| signals.raise(error))?;
    schema_capsule(py, &schema)
}

fn schema_capsule<'py>(py: Python<'py>, schema: &Schema) -> PyResult<Bound<'py, PyCapsule>> {
    let schema = FFI_ArrowSchema::try_from(schema).map_err(from_any)?;
    PyCapsule::new_with_value(py, schema, SCHEMA)
}

/// An array of any library that knows the interface.
pub(crate) fn array_of(object: &Bound<'_, PyAny>) -> PyResult<ArrayRef> {
    let given = object.call_method0("__arrow_c_array__")?;
    let (schema, array): (Bound<'_, PyCapsule>, Bound<'_, PyCapsule>) = given.extract()?;
    let schema = schema.pointer_checked(Some(SCHEMA))?.cast::<FFI_ArrowSchema>();
    let array = array.pointer_checked(Some(ARRAY))?.cast::<FFI_ArrowArray>();
    // SAFETY: capsules of these names hold these structs, by the interface. Reading the array out of its capsule moves it:
    // what stays there is marked as released, so that it is released once. The schema is only read, and its capsule lives on.
    let data = unsafe {
        let moved = ptr::replace(array.as_ptr(), FFI_ArrowArray::empty());
        from_ffi(moved, schema.as_ref())
    };
    Ok(make_array(data.map_err(from_any)?))
}

/// A reader that lets other threads of Python work meanwhile, whatever thread asks it: one that holds a connection may need
/// Python to go on.
struct Detached<R>(Option<R>);

impl<R: RecordBatchReader + Send> Iterator for Detached<R> {
    type Item = Result<RecordBatch, ArrowError>;

    fn next(&mut self) -> Option<Self::Item> {
        let reader = self.0.as_mut()?;
        let _held = Held::now();
        Python::attach(|py| py.detach(|| reader.next()))
    }
}

impl<R> Drop for Detached<R> {
    fn drop(&mut self) {
        // It may have objects of Python in it.
        let _held = Held::now();
        drop(self.0.take());
    }
}

/// The interpreter, held by this thread.
///
/// A library that has been called from Python from here may have let go of the interpreter before it calls back. PyO3 counts only
/// what goes through itself, and would take the interpreter for held.
struct Held(pyo3::ffi::PyGILState_STATE);

impl Held {
    fn now() -> Self {
        // SAFETY: the interpreter runs, for this code was imported by it; `drop` lets go of it on the same thread.
        Self(unsafe { pyo3::ffi::PyGILState_Ensure() })
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        // SAFETY: the state is what `now` was given, and this is the innermost one: the value never leaves its function.
        unsafe { pyo3::ffi::PyGILState_Release(self.0) }
    }
}

impl<R: RecordBatchReader + Send> RecordBatchReader for Detached<R> {
    fn schema(&self) -> SchemaRef {
        self.0.as_ref().map_or_else(|| SchemaRef::new(Schema::empty()), R::schema)
    }
}

/// Record batches one after the other, whose errors are Python's.
#[pyclass(frozen, name = "ArrowBatches", module = "lapjoint._core")]
pub(crate) struct PyArrowBatches {
    stream: Mutex<ArrowStream>,
    signals: Signals,
}

impl PyArrowBatches {
    pub fn open(py: Python<'_>, query: &Query, progress: Option<Py<PyAny>>) -> PyResult<Self> {
        let (signals, watch) = Signals::watch(progress);
        let watched = query.watched(watch);
        let stream = py.detach(|| watched.arrow()).map_err(|error| signals.raise(error))?;
        Ok(Self { stream: Mutex::new(stream), signals })
    }
}

#[pymethods]
impl PyArrowBatches {
    fn __iter__(this: Py<Self>) -> Py<Self> {
        this
    }

    fn __next__(&self, py: Python<'_>) -> PyResult<Option<PyArrowBatch>> {
        let next = py.detach(|| self.stream.lock().unwrap_or_else(PoisonError::into_inner).next());
        next.transpose().map(|batch| batch.map(PyArrowBatch)).map_err(|error| self.signals.raise(error))
    }

    fn __arrow_c_schema__<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyCapsule>> {
        let schema = py.detach(|| self.stream.lock().unwrap_or_else(PoisonError::into_inner).schema());
        schema_capsule(py, &schema)
    }
}

/// A record batch.
#[pyclass(frozen, name = "ArrowBatch", module = "lapjoint._core")]
pub(crate) struct PyArrowBatch(RecordBatch);

#[pymethods]
impl PyArrowBatch {
    fn __len__(&self) -> usize {
        self.0.num_rows()
    }

    fn __arrow_c_schema__<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyCapsule>> {
        schema_capsule(py, &self.0.schema())
    }

    #[pyo3(signature = (requested_schema=None))]
    fn __arrow_c_array__<'py>(
        &self,
        py: Python<'py>,
        requested_schema: Option<Py<PyAny>>,
    ) -> PyResult<(Bound<'py, PyCapsule>, Bound<'py, PyCapsule>)> {
        // Who asks for another schema casts; the interface leaves that to its user.
        drop(requested_schema);
        let schema = schema_capsule(py, &self.0.schema())?;
        let array: FFI_ArrowArray =
            to_ffi(&StructArray::from(self.0.clone()).into_data()).map_err(from_any)?.0;
        Ok((schema, PyCapsule::new_with_value(py, array, ARRAY)?))
    }
}
