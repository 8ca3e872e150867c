//! `lapjoint.blob`: the blob format by itself.

use lapjoint::format::blob::{PackOptions, UnpackOptions, pack_with, unpack_with};
use pyo3::prelude::*;
use pyo3::types::PyBytes;

use crate::error::from_any;
use crate::value::{to_python, to_value};

/// Whether fetches read blobs as those of the old 32-bit mYm.
#[pyfunction]
pub(crate) fn read_dims_32bit(old: bool) {
    lapjoint::codec::builtin::blob::read_dims_32bit(old);
}

/// Packs an object into a blob.
#[pyfunction]
#[pyo3(signature = (obj, compress=true))]
pub(crate) fn pack<'py>(
    py: Python<'py>,
    obj: &Bound<'py, PyAny>,
    compress: bool,
) -> PyResult<Bound<'py, PyBytes>> {
    let value = to_value(obj)?;
    let options = if compress { PackOptions::default() } else { PackOptions::uncompressed() };
    let blob = py.detach(|| pack_with(&value, &options)).map_err(from_any)?;
    Ok(PyBytes::new(py, &blob))
}

/// Unpacks a blob; `None` and the empty blob give `None`.
#[pyfunction]
#[pyo3(signature = (blob, squeeze=false, dims_32bit=false))]
pub(crate) fn unpack(
    py: Python<'_>,
    blob: Option<&[u8]>,
    squeeze: bool,
    dims_32bit: bool,
) -> PyResult<Py<PyAny>> {
    let Some(blob) = blob else { return Ok(py.None()) };
    let mut options = UnpackOptions::default();
    options.squeeze = squeeze;
    options.dims_32bit = dims_32bit;
    let blob = bytes::Bytes::copy_from_slice(blob);
    let value = py.detach(|| unpack_with(blob, &options)).map_err(from_any)?;
    to_python(py, value)
}
