//! Elements between numpy and the crate, whose bytes are little-endian.

use gzcm::{Dtype, Tile};
use numpy::PyArray1;
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict, PyTuple};

use super::error::raise;

/// numpy's text of a type.
pub(super) const fn descr(dtype: Dtype) -> &'static str {
    match dtype {
        Dtype::U8 => "|u1",
        Dtype::U16 => "<u2",
        Dtype::U32 => "<u4",
        Dtype::I32 => "<i4",
        Dtype::I64 => "<i8",
        Dtype::F32 => "<f4",
        Dtype::F64 => "<f8",
    }
}

/// An array over the bytes, which are not copied.
pub(super) fn to_numpy<'py>(
    py: Python<'py>,
    bytes: Vec<u8>,
    dtype: Dtype,
    shape: &[usize],
) -> PyResult<Bound<'py, PyAny>> {
    let flat = PyArray1::from_vec(py, bytes);
    flat.call_method1("view", (descr(dtype),))?.call_method1("reshape", (PyTuple::new(py, shape)?,))
}

/// The elements of a two-dimensional array, row-major and little-endian.
pub(super) struct Elements<'py> {
    rows: usize,
    cols: usize,
    pub dtype: Dtype,
    bytes: Bound<'py, PyBytes>,
}

impl<'py> Elements<'py> {
    /// Those of a numpy array.
    pub(super) fn of(array: &Bound<'py, PyAny>) -> PyResult<Self> {
        let shape: Vec<usize> = array.getattr("shape")?.extract()?;
        let [rows, cols] = shape[..] else {
            return Err(PyValueError::new_err(format!("a tile has 2 dimensions, not {}", shape.len())));
        };
        let name: String = array.getattr("dtype")?.getattr("name")?.extract()?;
        let dtype = Dtype::parse(&name).map_err(raise)?;
        let arguments = PyDict::new(array.py());
        arguments.set_item("copy", false)?;
        let little = array.call_method("astype", (descr(dtype),), Some(&arguments))?;
        let bytes = little.call_method0("tobytes")?.cast_into::<PyBytes>()?;
        Ok(Self { rows, cols, dtype, bytes })
    }

    /// As a tile.
    pub(super) fn tile(&self) -> gzcm::Result<Tile<'_>> {
        Tile::new(self.rows, self.cols, self.dtype, self.bytes.as_bytes())
    }
}
