//! Tile codecs: the built-in ones from Python, and Python's classes as codecs of the crate.

use std::sync::Arc;

use gzcm::picker::{PickerOptions, Timing, Weights, choose};
use gzcm::{Dtype, Error, Registry, Result, Tile, TileCodec, WireFormat, wire};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict};

use super::array::{Elements, to_numpy};
use super::error::raise;

/// The codecs of the process: names, wire formats, the names of the types that each takes.
#[pyfunction]
pub(crate) fn gzcm_codecs() -> PyResult<Vec<(String, &'static str, Vec<&'static str>)>> {
    let registry = Registry::global();
    let about = |name: String| {
        let codec = registry.get(&name).map_err(raise)?;
        let dtypes = Dtype::ALL.into_iter().filter(|dtype| codec.accepts_dtype(*dtype));
        Ok((name, codec.wire_format().value(), dtypes.map(Dtype::name).collect()))
    };
    registry.list().into_iter().map(about).collect()
}

/// The payload of a tile, an array of shape (rows, cols), by a codec's name.
#[pyfunction]
pub(crate) fn gzcm_encode<'py>(
    py: Python<'py>,
    codec: &str,
    tile: &Bound<'py, PyAny>,
) -> PyResult<Bound<'py, PyBytes>> {
    let codec = Registry::global().get(codec).map_err(raise)?;
    let elements = Elements::of(tile)?;
    let tile = elements.tile().map_err(raise)?;
    let payload = py.detach(|| codec.encode_tile(&tile)).map_err(raise)?;
    Ok(PyBytes::new(py, &payload))
}

/// The tile of bytes on the wire, by a codec's name.
#[pyfunction]
pub(crate) fn gzcm_decode<'py>(
    py: Python<'py>,
    codec: &str,
    wire: &[u8],
    shape: (usize, usize),
    dtype: &str,
) -> PyResult<Bound<'py, PyAny>> {
    let codec = Registry::global().get(codec).map_err(raise)?;
    let dtype = Dtype::parse(dtype).map_err(raise)?;
    let (rows, cols) = shape;
    let tile = py.detach(|| wire::decode(&*codec, wire, rows, cols, dtype)).map_err(raise)?;
    to_numpy(py, tile.into_bytes(), dtype, &[rows, cols])
}

/// What the picker records of its choice for sample tiles of so many pixels: JSON text.
#[pyfunction]
pub(crate) fn gzcm_pick(
    py: Python<'_>,
    candidates: Vec<String>,
    tiles: Vec<Bound<'_, PyAny>>,
    pixels: usize,
    weights: (f64, f64, f64),
    measured: bool,
) -> PyResult<String> {
    let codecs = candidates.iter().map(|name| Registry::global().get(name)).collect::<Result<Vec<_>>>();
    let codecs = codecs.map_err(raise)?;
    let codecs: Vec<&dyn TileCodec> = codecs.iter().map(|codec| &**codec).collect();
    let elements = tiles.iter().map(Elements::of).collect::<PyResult<Vec<_>>>()?;
    let tiles = elements.iter().map(Elements::tile).collect::<Result<Vec<_>>>().map_err(raise)?;
    let options = PickerOptions {
        weights: Weights { decode: weights.0, size: weights.1, encode: weights.2 },
        timing: if measured { Timing::Measured } else { Timing::Model },
        ..PickerOptions::default()
    };
    let choice = py.detach(|| choose(&codecs, &tiles, pixels, &options)).map_err(raise)?;
    Ok(choice.record.to_string())
}

/// Adds classes of Python as a codec, after they have proven the wire format.
#[pyfunction]
pub(crate) fn gzcm_register_codec(
    name: String,
    encoder: Py<PyAny>,
    decoder: Py<PyAny>,
    wire_format: &str,
    dtypes: Vec<String>,
) -> PyResult<()> {
    let codec = PyCodec::new(name, encoder, decoder, wire_format, &dtypes).map_err(raise)?;
    Registry::global().register(Arc::new(codec)).map_err(raise)
}

/// Only the proof of what `gzcm_register_codec` adds.
#[pyfunction]
pub(crate) fn gzcm_probe_codec(
    name: String,
    encoder: Py<PyAny>,
    decoder: Py<PyAny>,
    wire_format: &str,
    dtypes: Vec<String>,
) -> PyResult<()> {
    let codec = PyCodec::new(name, encoder, decoder, wire_format, &dtypes).map_err(raise)?;
    wire::prove(&codec).map_err(raise)
}

/// Two classes of Python as a codec.
struct PyCodec {
    name: String,
    wire_format: WireFormat,
    dtypes: Vec<Dtype>,
    encoder: Py<PyAny>,
    decoder: Py<PyAny>,
}

impl PyCodec {
    fn new(
        name: String,
        encoder: Py<PyAny>,
        decoder: Py<PyAny>,
        wire_format: &str,
        dtypes: &[String],
    ) -> Result<Self> {
        let wire_format = WireFormat::parse(wire_format)?;
        let dtypes = dtypes.iter().map(|name| Dtype::parse(name)).collect::<Result<_>>()?;
        Ok(Self { name, wire_format, dtypes, encoder, decoder })
    }

    /// An encoder or decoder. They are asked for `dtype=` only where it is not the usual one, so that classes need not know it.
    fn made<'py>(
        py: Python<'py>,
        class: &Py<PyAny>,
        rows: usize,
        cols: usize,
        dtype: Dtype,
    ) -> PyResult<Bound<'py, PyAny>> {
        let arguments = PyDict::new(py);
        arguments.set_item("tile_size", rows.max(cols))?;
        if dtype != Dtype::U32 {
            arguments.set_item("dtype", dtype.name())?;
        }
        class.bind(py).call((), Some(&arguments))
    }

    fn encode(&self, py: Python<'_>, tile: &Tile<'_>) -> PyResult<Vec<u8>> {
        let (rows, cols, dtype) = (tile.rows(), tile.cols(), tile.dtype());
        let encoder = Self::made(py, &self.encoder, rows, cols, dtype)?;
        let array = to_numpy(py, tile.bytes().to_vec(), dtype, &[rows, cols])?;
        let payload = encoder.call_method1("encode_tile", (array,))?;
        let bytes =
            py.import("builtins")?.getattr("memoryview")?.call1((payload,))?.call_method0("tobytes")?;
        Ok(bytes.cast::<PyBytes>()?.as_bytes().to_vec())
    }

    fn decode(
        &self,
        py: Python<'_>,
        wire: &[u8],
        rows: usize,
        cols: usize,
        dtype: Dtype,
    ) -> PyResult<Result<Tile<'static>>> {
        let decoder = Self::made(py, &self.decoder, rows, cols, dtype)?;
        let tile = decoder.call_method1("decode_tile", (PyBytes::new(py, wire), (rows, cols)))?;
        let elements = Elements::of(&py.import("numpy")?.call_method1("asarray", (tile,))?)?;
        Ok(elements
            .tile()
            .and_then(|tile| Tile::new(tile.rows(), tile.cols(), tile.dtype(), tile.bytes().to_vec())))
    }

    fn failed(&self, what: &str, error: &PyErr) -> String {
        format!("the {what} of {:?} raised {error}", self.name)
    }
}

impl TileCodec for PyCodec {
    fn name(&self) -> &str {
        &self.name
    }

    fn wire_format(&self) -> WireFormat {
        self.wire_format
    }

    fn accepts_dtype(&self, dtype: Dtype) -> bool {
        self.dtypes.contains(&dtype)
    }

    fn encode_tile(&self, tile: &Tile<'_>) -> Result<Vec<u8>> {
        Python::attach(|py| self.encode(py, tile))
            .map_err(|error| Error::invalid("codec in Python", self.failed("encoder", &error)))
    }

    fn decode_tile(&self, wire: &[u8], rows: usize, cols: usize, dtype: Dtype) -> Result<Tile<'static>> {
        let tile = Python::attach(|py| self.decode(py, wire, rows, cols, dtype));
        tile.unwrap_or_else(|error| Err(Error::corrupt("codec in Python", self.failed("decoder", &error))))
    }
}
