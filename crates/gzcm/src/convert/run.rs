//! The conversion itself.

use std::ops::ControlFlow;
use std::path::Path;

use serde_json::{Map, Value};

use super::input::{Batches, PixelSource, open};
use super::options::ConvertOptions;
use super::pixel::{Pixel as Contact, Query};
use super::plan::{Ask, Job, dtypes, jobs};
use crate::container::meta::{GENOME, Vector, VectorKey, Version, WeightKind};
use crate::error::{Error, Result};
use crate::pixel::Pixel;
use crate::tile::Dtype;
use crate::whole_file;
use crate::writer::{LayoutChoice, PixelOrder, Writer, WriterOptions};

/// How many pixels of a region the writer holds before it chooses the layout: 64 MB.
const MOST_HELD_PIXELS: usize = 4 << 20;

/// How far a conversion is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress<'a> {
    /// The contacts written so far.
    pub done_pixels: u64,
    /// At most how many there are; `None` where the input does not know (`.hic`).
    pub total_pixels: Option<u64>,
    /// The region that is being written.
    pub region: &'a str,
    /// Its place among the regions.
    pub region_index: usize,
    /// How many regions there are.
    pub n_regions: usize,
}

/// What a conversion wrote.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Converted {
    /// The names of the regions.
    pub regions: Vec<String>,
    /// The contacts.
    pub n_pixels: u64,
    /// The normalisation vectors: one for each name, chromosome and resolution.
    pub n_vectors: usize,
    /// The type of the elements.
    pub dtype: Dtype,
    /// The length of the file.
    pub size_bytes: u64,
}

/// Converts a file of contacts (`.cool`, `.mcool`, `.hic`, text) to GZCM.
///
/// Memory is bounded by `chunk_size` and the codecs' tiles, whatever the size of the input. The output appears under its name
/// when it is whole.
///
/// ```no_run
/// use gzcm::convert::{ConvertOptions, convert_to_gzcm};
///
/// let options = ConvertOptions { region1: Some("1".into()), bin_size_bp: Some(50_000), ..ConvertOptions::default() };
/// convert_to_gzcm("in.hic", "out_v3.gzcm", &options)?;
/// # Ok::<(), gzcm::Error>(())
/// ```
///
/// # Errors
/// When the input cannot be read, an option does not fit it, or a count does not fit the type.
pub fn convert_to_gzcm(
    input: impl AsRef<Path>,
    output: impl AsRef<Path>,
    options: &ConvertOptions,
) -> Result<Converted> {
    convert_with(input, output, options, &mut |_| ControlFlow::Continue(()))
}

/// [`convert_to_gzcm`] that reports how far it is, and ends with [`Error::Cancelled`] when told to.
///
/// # Errors
/// As for [`convert_to_gzcm`], and when cancelled.
pub fn convert_with(
    input: impl AsRef<Path>,
    output: impl AsRef<Path>,
    options: &ConvertOptions,
    progress: &mut dyn FnMut(Progress<'_>) -> ControlFlow<()>,
) -> Result<Converted> {
    let (input, output) = (input.as_ref(), output.as_ref());
    options.check()?;
    let mut opening = options.input.clone();
    opening.chunk_pixels.get_or_insert(options.chunk_size);
    opening.bin_size_bp = opening.bin_size_bp.or(options.bin_size_bp);
    let source = open(input, &opening)?;
    let mut metadata = Map::new();
    metadata.insert(String::from("source_file"), input.display().to_string().into());
    metadata.insert(String::from("source_format"), source.format().into());
    convert_source(&*source, output, options, metadata, progress)
}

/// Converts contacts of any source.
///
/// # Errors
/// As for [`convert_with`].
pub fn convert_source(
    source: &dyn PixelSource,
    output: impl AsRef<Path>,
    options: &ConvertOptions,
    metadata: Map<String, Value>,
    progress: &mut dyn FnMut(Progress<'_>) -> ControlFlow<()>,
) -> Result<Converted> {
    options.check()?;
    let output = output.as_ref();
    let jobs = jobs(source, options)?;
    let dtypes = dtypes(source, options, &jobs)?;
    for dtype in &dtypes {
        // Most counts are u32; where one is not, all begins again with the wider type.
        let again = dtypes.last() != Some(dtype);
        let mut file = whole_file::beside(output)?;
        let mut run = Run { source, options, jobs: &jobs, dtype: *dtype, done_pixels: 0, progress };
        let written =
            run.write(std::io::BufWriter::with_capacity(1 << 18, file.as_file_mut()), metadata.clone())?;
        match written {
            Written::Misfit { .. } if again => {}
            Written::Misfit { count, region } => {
                let reason = format!("a count of {count} in {region} is no {dtype}; choose another dtype");
                return Err(Error::invalid("convert", reason));
            }
            Written::Whole { size_bytes, n_vectors } => {
                let n_pixels = run.done_pixels;
                file.persist(output).map_err(|error| error.error)?;
                let regions = jobs.iter().map(|job| job.region.name.clone()).collect();
                return Ok(Converted { regions, n_pixels, n_vectors, dtype: *dtype, size_bytes });
            }
        }
    }
    Err(Error::invalid("convert", "no dtype"))
}

enum Written {
    Whole { size_bytes: u64, n_vectors: usize },
    Misfit { count: f64, region: String },
}

struct Run<'a> {
    source: &'a dyn PixelSource,
    options: &'a ConvertOptions,
    jobs: &'a [Job],
    dtype: Dtype,
    done_pixels: u64,
    progress: &'a mut dyn FnMut(Progress<'_>) -> ControlFlow<()>,
}

impl Run<'_> {
    fn write(&mut self, to: impl std::io::Write + Send, metadata: Map<String, Value>) -> Result<Written> {
        let options = self.options;
        let mut writer = Writer::new(
            to,
            WriterOptions {
                version: options.version,
                tile_size: options.tile_size,
                codec: options.codec_choice(),
                layout: LayoutChoice::Auto,
                chromosomes: self.source.chromosomes().to_vec(),
                metadata,
                held_pixels: options.chunk_size.min(MOST_HELD_PIXELS),
                registry: options.registry.clone(),
            },
        )?;
        let mut totals = self.jobs.iter().map(|job| job.total);
        let total_pixels = totals.try_fold(0_u64, |sum, total| Some(sum.saturating_add(total?)));
        for (index, job) in self.jobs.iter().enumerate() {
            let mut region = job.region.clone();
            region.dtype = self.dtype;
            let progress = Progress {
                done_pixels: 0,
                total_pixels,
                region: &job.region.name,
                region_index: index,
                n_regions: self.jobs.len(),
            };
            writer.set_layout(self.layout(job));
            let order =
                if matches!(job.ask, Ask::Turned(_)) { PixelOrder::Unsorted } else { PixelOrder::ByRow };
            writer.start_region(region, order)?;
            if let Some(count) = self.write_pixels(&mut writer, job, progress)? {
                return Ok(Written::Misfit { count, region: job.region.name.clone() });
            }
            writer.end_region()?;
        }
        let n_vectors = if options.carry_weights { self.write_vectors(&mut writer)? } else { 0 };
        Ok(Written::Whole { size_bytes: writer.finish()?, n_vectors })
    }

    fn layout(&self, job: &Job) -> LayoutChoice {
        let (layouts, region) = (&self.options.region_layouts, &job.region);
        let named = layouts
            .get(&region.name)
            .or_else(|| layouts.get(&format!("{}:{}", region.chrom1, region.chrom2)))
            .or_else(|| layouts.get(&region.chrom1).filter(|_| region.chrom1 == region.chrom2));
        if let Some(layout) = named {
            return LayoutChoice::Fixed(*layout);
        }
        // Versions 1 to 3 know one layout, whatever is allowed.
        if self.options.version < Version::V4 { LayoutChoice::Auto } else { self.options.layout_choice() }
    }

    /// Writes the contacts of a region; the first count that does not fit the type, if there is one.
    fn write_pixels(
        &mut self,
        writer: &mut Writer<'_>,
        job: &Job,
        progress: Progress<'_>,
    ) -> Result<Option<f64>> {
        match &job.ask {
            Ask::Genome => {
                let size = u32::try_from(job.region.bin_size_bp).unwrap_or(u32::MAX);
                self.push(
                    writer,
                    self.source.genome_pixels(size)?,
                    &|pixel| Some((pixel.bin1, pixel.bin2)),
                    progress,
                )
            }
            Ask::Stored(query) => {
                let Query { bins1, bins2, .. } = query;
                let place = |pixel: &Contact| Some((pixel.bin1 - bins1.start, pixel.bin2 - bins2.start));
                self.push(writer, self.source.pixels(query)?, &place, progress)
            }
            Ask::Turned(queries) => {
                for (query, turned) in queries {
                    let Query { bins1, bins2, .. } = query;
                    let same_chromosome = query.chrom1 == query.chrom2;
                    let place = |pixel: &Contact| {
                        let (row, col) = (pixel.bin1 - bins1.start, pixel.bin2 - bins2.start);
                        // The diagonal is its own mirror image and comes from the first query.
                        let again = *turned && same_chromosome && pixel.bin1 == pixel.bin2;
                        (!again).then_some(if *turned { (col, row) } else { (row, col) })
                    };
                    let misfit = self.push(writer, self.source.pixels(query)?, &place, progress)?;
                    if misfit.is_some() {
                        return Ok(misfit);
                    }
                }
                Ok(None)
            }
        }
    }

    fn push(
        &mut self,
        writer: &mut Writer<'_>,
        batches: Batches<'_>,
        place: &dyn Fn(&Contact) -> Option<(u32, u32)>,
        mut progress: Progress<'_>,
    ) -> Result<Option<f64>> {
        let mut pixels = Vec::new();
        for batch in batches {
            pixels.clear();
            for contact in &batch? {
                let Some((row, col)) = place(contact) else { continue };
                let Some(pixel) = Pixel::number(row, col, contact.count, self.dtype) else {
                    return Ok(Some(contact.count));
                };
                self.done_pixels += u64::from(pixel.bits != 0);
                pixels.push(pixel);
            }
            writer.push_pixels(&pixels)?;
            progress.done_pixels = self.done_pixels;
            if (self.progress)(progress).is_break() {
                return Err(Error::Cancelled("convert"));
            }
        }
        Ok(None)
    }

    /// The vectors of every chromosome and resolution that was written.
    fn write_vectors(&self, writer: &mut Writer<'_>) -> Result<usize> {
        let mut n_vectors = 0;
        let mut sizes: Vec<u64> = self.jobs.iter().map(|job| job.region.bin_size_bp).collect();
        sizes.dedup();
        for bin_size_bp in sizes {
            let size = u32::try_from(bin_size_bp).unwrap_or(u32::MAX);
            let used = |name: &str| {
                let names =
                    |job: &Job| [&job.region.chrom1, &job.region.chrom2].map(String::as_str).contains(&name);
                self.jobs.iter().any(|job| names(job) || job.region.chrom1 == GENOME)
            };
            for name in self.source.weight_names(size)? {
                let divide = self.source.weights_divide(size, &name)?;
                let kind = if divide { WeightKind::Divisive } else { WeightKind::Multiplicative };
                for (chrom, chromosome) in self.source.chromosomes().iter().enumerate() {
                    if !used(&chromosome.name) {
                        continue;
                    }
                    let Some(values) = self.source.weights(size, &name, chrom)? else { continue };
                    let key =
                        VectorKey { name: name.clone(), chrom: chromosome.name.clone(), bin_size_bp, kind };
                    writer.add_vector(&Vector { key, values })?;
                    n_vectors += 1;
                }
            }
        }
        Ok(n_vectors)
    }
}
