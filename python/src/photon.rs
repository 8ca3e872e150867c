//! Photon-limited movies: what `lapjoint.photon` and the front of `<photon@>` build on.

use lapjoint::codec::science::photon::estimate::estimate;
use lapjoint::codec::science::photon::noise::{Inverse, Noise};
use lapjoint::codec::science::photon::samples::map_values;
use lapjoint::codec::science::photon::{Mode, PhotonRef};
use lapjoint::{NdArray, Value};
use pyo3::prelude::*;
use pyo3::types::PyTuple;

use crate::array;
use crate::error::{from_any, from_codec};
use crate::store::PyStore;
use crate::value::{json_object, to_value};
use crate::zarr::{Axis, PyZarrRef, picks};

fn array_of(value: &Bound<'_, PyAny>) -> PyResult<NdArray> {
    match to_value(value)? {
        Value::Array(array) => Ok(*array),
        other => Err(crate::error::raise(
            "CodecValueError",
            &format!("<photon> requires an array of numbers, got {}", other.type_name()),
        )),
    }
}

fn kind(inverse: &str) -> PyResult<Inverse> {
    match inverse {
        "algebraic" => Ok(Inverse::Algebraic),
        "unbiased" => Ok(Inverse::Unbiased),
        other => Err(crate::error::raise(
            "CodecValueError",
            &format!("<photon> has the inverses \"algebraic\" and \"unbiased\", got {other:?}"),
        )),
    }
}

fn noise_of((gain, offset, variance): (f64, f64, f64)) -> PyResult<Noise> {
    Noise::new(gain, offset, variance).map_err(from_codec)
}

/// Gain, offset and variance of a movie, estimated from its noise.
#[pyfunction]
pub(crate) fn photon_estimate(py: Python<'_>, movie: &Bound<'_, PyAny>) -> PyResult<(f64, f64, f64)> {
    let movie = array_of(movie)?;
    let noise = py.detach(|| estimate(&movie)).map_err(from_codec)?;
    Ok((noise.gain, noise.offset, noise.variance))
}

/// The transform of every value.
#[pyfunction]
pub(crate) fn photon_forward(
    py: Python<'_>,
    values: &Bound<'_, PyAny>,
    parameters: (f64, f64, f64),
) -> PyResult<Py<PyAny>> {
    let values = array_of(values)?;
    let noise = noise_of(parameters)?;
    let done = py.detach(|| map_values(&values, |value| noise.forward(value))).map_err(from_codec)?;
    array::to_numpy(py, &done)
}

/// The value of every transform.
#[pyfunction]
pub(crate) fn photon_inverse(
    py: Python<'_>,
    values: &Bound<'_, PyAny>,
    parameters: (f64, f64, f64),
    inverse: &str,
) -> PyResult<Py<PyAny>> {
    let (values, inverse) = (array_of(values)?, kind(inverse)?);
    let noise = noise_of(parameters)?;
    let done =
        py.detach(|| map_values(&values, |value| noise.inverse(value, inverse))).map_err(from_codec)?;
    array::to_numpy(py, &done)
}

/// A movie in a store that is read when asked.
#[pyclass(frozen, name = "PhotonRef", module = "lapjoint._core")]
pub(crate) struct PyPhotonRef(pub PhotonRef);

#[pymethods]
impl PyPhotonRef {
    /// The movie that metadata (JSON text) describes, in a store.
    #[new]
    fn new(metadata: &str, store: &PyStore) -> PyResult<Self> {
        let metadata = serde_json::from_str(metadata).map_err(from_any)?;
        PhotonRef::new(metadata, store.0.clone()).map(Self).map_err(from_codec)
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
    fn mode(&self) -> &'static str {
        match self.0.mode() {
            Mode::Anscombe => "anscombe",
            Mode::Quantised => "quantised",
        }
    }

    /// Gain, offset and variance.
    #[getter]
    fn noise(&self, py: Python<'_>) -> PyResult<(f64, f64, f64)> {
        let noise = py.detach(|| self.0.noise()).map_err(from_codec)?;
        Ok((noise.gain, noise.offset, noise.variance))
    }

    #[getter]
    fn beta(&self, py: Python<'_>) -> PyResult<Option<f64>> {
        py.detach(|| self.0.beta()).map_err(from_codec)
    }

    /// The array as it is stored.
    #[getter]
    fn zarr(&self) -> PyZarrRef {
        PyZarrRef(self.0.zarr().clone())
    }

    #[getter]
    fn metadata(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        json_object(py, self.0.metadata().clone())
    }

    /// Elements by what is selected of the leading axes: values by an inverse, or the transform without one.
    fn read(&self, py: Python<'_>, axes: Vec<Axis>, inverse: Option<&str>) -> PyResult<Py<PyAny>> {
        let (picks, inverse) = (picks(axes), inverse.map(kind).transpose()?);
        let part = py.detach(|| match inverse {
            Some(inverse) => self.0.read(&picks, inverse),
            None => self.0.read_transformed(&picks),
        });
        array::to_numpy(py, &part.map_err(from_codec)?)
    }

    /// Compares all files with the manifest.
    fn verify(&self, py: Python<'_>) -> PyResult<()> {
        py.detach(|| self.0.verify()).map_err(from_codec)
    }
}
