//! Files that are open for reading.

use std::ops::Range;
use std::path::PathBuf;
use std::sync::Arc;

use bytes::Bytes;
use gzcm::container::catalog::RegionEntry;
use gzcm::container::meta::Version;
use gzcm::pixel::Pixel;
use gzcm::query::Window;
use gzcm::reader::{Axis, CacheSize, Reader};
use gzcm::source::{FileSource, RangeRead};
use gzcm::view::{ViewOptions, heat_map};
use gzcm::{Dtype, Registry, Result};
use lapjoint::gzcm::{GzcmRef, StoredFile};
use numpy::PyArray1;
use pyo3::prelude::*;
use pyo3::pybacked::PyBackedBytes;
use pyo3::types::PyBytes;
use rayon::ThreadPool;
use serde_json::{Value, json};

use super::array::to_numpy;
use super::error::raise;
use super::pool;
use crate::error::from_codec;
use crate::store::PyStore;

/// Where a file is.
#[derive(FromPyObject)]
pub(crate) enum Place {
    Stored((Py<PyStore>, String)),
    Bytes(PyBackedBytes),
    Path(PathBuf),
}

/// A GZCM file of any version.
#[pyclass(frozen, name = "GzcmFile", module = "lapjoint._core")]
pub(crate) struct PyGzcmFile {
    reader: Reader,
    pool: Option<ThreadPool>,
    /// The reference by which a row's file was opened; its errors name store and path.
    reference: Option<GzcmRef>,
}

impl PyGzcmFile {
    /// The file of a row, opened anew.
    pub(super) fn of_row(reference: GzcmRef, cache: CacheSize) -> PyResult<Self> {
        let pool = pool::after_fork().map_err(raise)?;
        let reader = pool::within(pool.as_ref(), || reference.open(cache)).map_err(from_codec)?;
        Ok(Self { reader, pool, reference: Some(reference) })
    }

    /// Reads without the interpreter's lock.
    fn run<T: Send>(&self, py: Python<'_>, work: impl FnOnce(&Reader) -> Result<T> + Send) -> PyResult<T> {
        let done = py.detach(|| pool::within(self.pool.as_ref(), || work(&self.reader)));
        done.map_err(|error| match &self.reference {
            Some(reference) => from_codec(reference.codec_error(error)),
            None => raise(error),
        })
    }

    fn dtype(&self, region: usize) -> PyResult<Dtype> {
        let entry = self.reader.catalog().regions.get(region);
        let missing = || raise(gzcm::Error::invalid("region", format!("there is no region {region}")));
        entry.map(|entry| entry.region.dtype).ok_or_else(missing)
    }
}

type Columns<'py> = (Bound<'py, PyAny>, Bound<'py, PyAny>, Bound<'py, PyAny>);

/// Rows, columns and values, of int64, int64 and the region's type.
fn columns<'py>(py: Python<'py>, pixels: &[Pixel], dtype: Dtype) -> PyResult<Columns<'py>> {
    let (rows, cols, values) = py.detach(|| {
        let size = dtype.size_bytes();
        let mut values = Vec::with_capacity(pixels.len() * size);
        for pixel in pixels {
            values.extend_from_slice(&pixel.bits.to_le_bytes()[..size]);
        }
        let rows: Vec<i64> = pixels.iter().map(|pixel| i64::from(pixel.row)).collect();
        let cols: Vec<i64> = pixels.iter().map(|pixel| i64::from(pixel.col)).collect();
        (rows, cols, values)
    });
    let rows = PyArray1::from_vec(py, rows).into_any();
    let cols = PyArray1::from_vec(py, cols).into_any();
    Ok((rows, cols, to_numpy(py, values, dtype, &[pixels.len()])?))
}

/// The bound of a cache: so many bytes where they are given, else so many tiles.
pub(super) fn cache_size(tiles: usize, bytes: Option<usize>) -> CacheSize {
    bytes.map_or(CacheSize::Tiles(tiles), CacheSize::Bytes)
}

const fn range(bins: (u64, u64)) -> Range<u64> {
    bins.0..bins.1
}

#[pymethods]
impl PyGzcmFile {
    /// Opens a file by its path, its bytes, or its store and path there, with a cache of so many tiles (0: none), or of bytes when `cache_bytes` is given.
    #[new]
    #[pyo3(signature = (source, cache_tiles, cache_bytes=None))]
    fn new(py: Python<'_>, source: Place, cache_tiles: usize, cache_bytes: Option<usize>) -> PyResult<Self> {
        let cache = cache_size(cache_tiles, cache_bytes);
        let open = || {
            let source: Arc<dyn RangeRead> = match source {
                Place::Bytes(bytes) => Arc::new(Bytes::from_owner(bytes)),
                Place::Path(path) => Arc::new(FileSource::open(path).map_err(raise)?),
                Place::Stored((store, path)) => {
                    Arc::new(StoredFile::new(store.get().0.clone(), &path).map_err(from_codec)?)
                }
            };
            let reader = Reader::new(source, Registry::global(), cache).map_err(raise)?;
            Ok(Self { reader, pool: pool::after_fork().map_err(raise)?, reference: None })
        };
        py.detach(open)
    }

    /// What the file holds: JSON text.
    fn info(&self) -> String {
        let catalog = self.reader.catalog();
        let region = |entry: &RegionEntry| {
            let mut about = json!(entry.region);
            if let (Some(about), Value::Object(plan)) = (about.as_object_mut(), json!(entry.plan)) {
                about.extend(plan);
                about.insert("codec_picker".to_owned(), json!(entry.codec_picker));
            }
            about
        };
        let minor = u8::from(self.reader.version() == Version::V5_1);
        json!({
            "version": [self.reader.version().major(), minor],
            "metadata": catalog.metadata(),
            "chromosomes": catalog.chromosomes,
            "codecs": catalog.codecs,
            "regions": catalog.regions.iter().map(region).collect::<Vec<_>>(),
            "vectors": catalog.vectors.iter().map(|vector| json!(vector.key)).collect::<Vec<_>>(),
        })
        .to_string()
    }

    /// A window of bins, dense; a symmetric region as the full matrix.
    fn dense<'py>(
        &self,
        py: Python<'py>,
        region: usize,
        rows: (u64, u64),
        cols: (u64, u64),
    ) -> PyResult<Bound<'py, PyAny>> {
        let matrix = self.run(py, |reader| reader.dense(region, range(rows), range(cols)))?;
        to_numpy(py, matrix.bytes, matrix.dtype, &[matrix.rows, matrix.cols])
    }

    /// The cells of a window that are not zero: rows, columns, values; positions in bins of the region.
    fn pixels<'py>(
        &self,
        py: Python<'py>,
        region: usize,
        rows: (u64, u64),
        cols: (u64, u64),
    ) -> PyResult<Columns<'py>> {
        let dtype = self.dtype(region)?;
        let pixels = self.run(py, |reader| reader.pixels(region, range(rows), range(cols)))?;
        columns(py, &pixels, dtype)
    }

    /// The cells that are stored, each once: of a symmetric region one triangle.
    fn stored_pixels<'py>(&self, py: Python<'py>, region: usize) -> PyResult<Columns<'py>> {
        let dtype = self.dtype(region)?;
        let pixels = self.run(py, |reader| reader.stored_pixels(region))?;
        columns(py, &pixels, dtype)
    }

    /// The bins of an axis (0: rows, 1: columns) that cover a range of a chromosome.
    fn bins(
        &self,
        region: usize,
        axis: u8,
        chrom: &str,
        start_bp: u64,
        end_bp: Option<u64>,
    ) -> PyResult<(u64, u64)> {
        let axis = if axis == 0 { Axis::Rows } else { Axis::Cols };
        let bins = self.reader.bins(region, axis, chrom, start_bp, end_bp).map_err(raise)?;
        Ok((bins.start, bins.end))
    }

    /// The place of a region by its name.
    fn region(&self, name: &str) -> PyResult<usize> {
        self.reader.region(name).map_err(raise)
    }

    /// The place of the region of two chromosomes, and whether its axes are the other way round.
    fn region_of(&self, chrom1: &str, chrom2: &str, bin_size_bp: u64) -> PyResult<(usize, bool)> {
        self.reader.region_of(chrom1, chrom2, bin_size_bp).map_err(raise)
    }

    /// A normalisation vector by its place.
    fn vector<'py>(&self, py: Python<'py>, at: usize) -> PyResult<Bound<'py, PyArray1<f64>>> {
        let vector = self.run(py, |reader| {
            let entry = reader.catalog().vectors.get(at);
            let missing = || gzcm::Error::invalid("vector", format!("there is no vector {at}"));
            reader.vector(entry.ok_or_else(missing)?)
        })?;
        Ok(PyArray1::from_vec(py, vector.values))
    }

    /// A window as a picture: a file of PNG. `turned`: the rows across. `side_pixels` is the longer side of the map, at most.
    #[expect(clippy::too_many_arguments, reason = "a window takes four of them")]
    fn picture<'py>(
        &self,
        py: Python<'py>,
        region: usize,
        rows: (u64, u64),
        cols: (u64, u64),
        turned: bool,
        side_pixels: usize,
        axes: bool,
    ) -> PyResult<Bound<'py, PyBytes>> {
        let window = Window { region, rows: range(rows), cols: range(cols), turned };
        let options = ViewOptions { side_pixels, axes, ..ViewOptions::default() };
        let png = self.run(py, |reader| heat_map(reader, &window, &options))?;
        Ok(PyBytes::new(py, &png))
    }

    /// Hits, misses, tiles held, their bytes.
    fn cache_stats(&self) -> (u64, u64, usize, usize) {
        let stats = self.reader.cache_stats();
        (stats.hits, stats.misses, stats.tiles, stats.bytes)
    }

    /// Sound tiles, their pixels, sound vectors, and what is damaged.
    fn verify(&self, py: Python<'_>) -> PyResult<(u64, u64, u64, Vec<String>)> {
        let found = self.run(py, Reader::verify)?;
        let damaged = found.damaged.iter().map(ToString::to_string).collect();
        Ok((found.tiles, found.pixels, found.vectors, damaged))
    }
}

/// A range as genome browsers write it: name, start, end if there is one.
#[pyfunction]
pub(crate) fn gzcm_parse_range(text: &str) -> PyResult<(&str, u64, Option<u64>)> {
    gzcm::reader::parse_range(text).map_err(raise)
}
