//! Conversion to GZCM and back.

use std::collections::BTreeMap;
use std::io::{BufWriter, Write};
use std::ops::ControlFlow;
use std::path::PathBuf;

use gzcm::container::meta::{Layout, Version};
use gzcm::convert::{
    Chromosome, ConvertOptions, Genome, OpenOptions, Progress, TextOptions, convert_with, export_cool,
    export_text, open,
};
use gzcm::picker::{Timing, Weights};
use gzcm::salvage::salvage_file;
use gzcm::{Dtype, Error, Registry, Result};
use pyo3::prelude::*;

use super::error::raise;
use super::pool;

/// The arguments of `convert_to_gzcm`.
#[derive(FromPyObject)]
#[pyo3(from_item_all)]
pub(crate) struct Options {
    region1: Option<String>,
    region2: Option<String>,
    bin_size_bp: Option<u32>,
    version: (u64, u64),
    tile_size: usize,
    codec: String,
    adaptive_codec: bool,
    codec_candidates: Vec<String>,
    codec_picker_weights: (f64, f64, f64),
    measured: bool,
    region_layouts: BTreeMap<String, String>,
    chunk_size: usize,
    enable_region_layout_picker: bool,
    enable_anti_diagonal_layout: bool,
    enable_roaring_row_index: bool,
    dtype: Option<String>,
    pairs: bool,
    carry_weights: bool,
    chromosomes: Option<Vec<(String, u64)>>,
}

impl Options {
    fn read(self) -> Result<ConvertOptions> {
        let layout = |name: &str| {
            let all = [Layout::DenseTiled, Layout::SparseTiledIntra, Layout::SparseRoaring];
            let known = all.map(Layout::name).join(", ");
            let reason = || format!("no layout {name:?}; there are: {known}");
            all.into_iter()
                .find(|layout| layout.name() == name)
                .ok_or_else(|| Error::invalid("convert", reason()))
        };
        let named = |(region, name): (String, String)| Ok((region, layout(&name)?));
        let region_layouts = self.region_layouts.into_iter().map(named).collect::<Result<_>>()?;
        let (decode, size, encode) = self.codec_picker_weights;
        let mut options = ConvertOptions {
            region1: self.region1,
            region2: self.region2,
            bin_size_bp: self.bin_size_bp,
            version: Version::from_numbers(self.version.0, self.version.1)?,
            tile_size: self.tile_size,
            codec: self.codec,
            adaptive_codec: self.adaptive_codec,
            codec_candidates: self.codec_candidates,
            codec_picker_weights: Weights { decode, size, encode },
            codec_picker_timing: if self.measured { Timing::Measured } else { Timing::Model },
            region_layouts,
            chunk_size: self.chunk_size,
            enable_region_layout_picker: self.enable_region_layout_picker,
            enable_anti_diagonal_layout: self.enable_anti_diagonal_layout,
            enable_roaring_row_index: self.enable_roaring_row_index,
            dtype: self.dtype.as_deref().map(Dtype::parse).transpose()?,
            genome: if self.pairs { Genome::Pairs } else { Genome::One },
            carry_weights: self.carry_weights,
            ..ConvertOptions::default()
        };
        options.input.chromosomes = self
            .chromosomes
            .map(|all| all.into_iter().map(|(name, length_bp)| Chromosome { name, length_bp }).collect());
        Ok(options)
    }
}

/// What was written: names of the regions, pixels, vectors, the type's name, bytes. `progress` is called with the pixels done, how many
/// there are at most, the region's name; what it raises ends the conversion and leaves no file.
#[pyfunction]
pub(crate) fn gzcm_convert(
    py: Python<'_>,
    input: PathBuf,
    output: PathBuf,
    options: Options,
    progress: Option<Py<PyAny>>,
) -> PyResult<(Vec<String>, u64, usize, &'static str, u64)> {
    let options = options.read().map_err(raise)?;
    let mut raised = None;
    let mut report = |at: Progress<'_>| {
        // Also where Ctrl-C is noticed.
        let told = Python::attach(|py| {
            py.check_signals()?;
            let Some(progress) = &progress else { return Ok(()) };
            progress.call1(py, (at.done_pixels, at.total_pixels, at.region)).map(drop)
        });
        match told {
            Ok(()) => ControlFlow::Continue(()),
            Err(error) => {
                raised = Some(error);
                ControlFlow::Break(())
            }
        }
    };
    let converted = py.detach(|| {
        let pool = pool::after_fork()?;
        pool::within(pool.as_ref(), || convert_with(input, output, &options, &mut report))
    });
    match (converted, raised) {
        (_, Some(error)) => Err(error),
        (Ok(done), None) => {
            Ok((done.regions, done.n_pixels, done.n_vectors, done.dtype.name(), done.size_bytes))
        }
        (Err(error), None) => Err(raise(error)),
    }
}

/// Writes a GZCM file (or what else can be converted) as `.cool`, `.mcool`, or, by any other ending, text. Returns the contacts.
#[pyfunction]
pub(crate) fn gzcm_export(
    py: Python<'_>,
    input: PathBuf,
    output: PathBuf,
    bin_size_bp: Option<u32>,
    ends: bool,
) -> PyResult<u64> {
    let export = || {
        let source = open(input, &OpenOptions { bin_size_bp, ..OpenOptions::default() })?;
        let ending = output.extension().unwrap_or_default().to_ascii_lowercase();
        if ending == "cool" || ending == "mcool" {
            return export_cool(&*source, &output, bin_size_bp);
        }
        let mut text = BufWriter::new(std::fs::File::create(&output)?);
        let n_pixels = export_text(&*source, &mut text, &TextOptions { bin_size_bp, ends })?;
        text.flush()?;
        Ok(n_pixels)
    };
    py.detach(|| {
        let pool = pool::after_fork()?;
        pool::within(pool.as_ref(), export)
    })
    .map_err(raise)
}

/// Writes what is intact of a file as a new one: regions, tiles, lost tiles, vectors, bytes that were passed over.
#[pyfunction]
pub(crate) fn gzcm_salvage(
    py: Python<'_>,
    input: PathBuf,
    output: PathBuf,
) -> PyResult<(u64, u64, u64, u64, u64)> {
    let saved = py.detach(|| {
        let pool = pool::after_fork()?;
        pool::within(pool.as_ref(), || salvage_file(&input, &output, Registry::global()))
    });
    let saved = saved.map_err(raise)?;
    Ok((saved.regions, saved.tiles, saved.lost_tiles, saved.vectors, saved.skipped_bytes))
}
