//! Inputs: files that contacts are read from, behind one trait.

pub mod cool;
pub(crate) mod genome;
pub mod gzcm;
pub mod hic;
pub(crate) mod sort;
pub mod text;

use std::io::Read;
use std::path::Path;

use super::pixel::{Chromosome, CountKind, Pixel, Query};
use crate::error::{Error, Result};

/// The most contacts in one batch of [`PixelSource::pixels`].
pub const BATCH_PIXELS: usize = 1 << 16;

/// The most contacts that a reader holds at once before it sorts them through temporary files: 160 MB.
pub const DEFAULT_CHUNK_PIXELS: usize = 10_000_000;

/// Batches of contacts, ordered by row, then column, across all batches.
pub type Batches<'a> = Box<dyn Iterator<Item = Result<Vec<Pixel>>> + Send + 'a>;

/// A file of contacts.
pub trait PixelSource: Send + Sync {
    /// The name of the format: `cool`, `mcool`, `hic`, `text`.
    fn format(&self) -> &'static str;

    /// The chromosomes, in the order of the file.
    fn chromosomes(&self) -> &[Chromosome];

    /// The bin sizes (resolutions), the finest first.
    fn bin_sizes_bp(&self) -> &[u32];

    /// How counts are stored at a bin size.
    ///
    /// # Errors
    /// For a bin size that the file does not have, or a damaged file.
    fn count_kind(&self, bin_size_bp: u32) -> Result<CountKind>;

    /// The names of the weights or normalisation vectors at a bin size, sorted.
    ///
    /// # Errors
    /// For a bin size that the file does not have, or a damaged file.
    fn weight_names(&self, bin_size_bp: u32) -> Result<Vec<String>>;

    /// The weights of one chromosome, one for each bin, as the file has them: `NaN` where a bin is masked.
    /// Nothing if the file has none of this name for this chromosome.
    ///
    /// # Errors
    /// For a damaged file.
    fn weights(&self, bin_size_bp: u32, name: &str, chrom: usize) -> Result<Option<Vec<f64>>>;

    /// Whether a balanced value is `count / (w1 * w2)` (Juicer's vectors: KR, VC, VC_SQRT, SCALE) and not
    /// `count * w1 * w2` (cooler's `weight`).
    ///
    /// # Errors
    /// For a damaged file.
    fn weights_divide(&self, bin_size_bp: u32, name: &str) -> Result<bool>;

    /// At most how many contacts a query reads, where that is known without reading them: what progress is measured by.
    ///
    /// # Errors
    /// For a query outside of the file, or a damaged file.
    fn pixels_at_most(&self, query: &Query) -> Result<Option<u64>>;

    /// The contacts of a rectangle, in batches of at most [`BATCH_PIXELS`], ordered by row, then column.
    ///
    /// # Errors
    /// For a query outside of the file. A damaged file is found here or by the iterator, which ends after an error.
    fn pixels<'a>(&'a self, query: &Query) -> Result<Batches<'a>>;

    /// The same of all chromosomes against all.
    ///
    /// # Errors
    /// As for [`PixelSource::pixels_at_most`].
    fn genome_pixels_at_most(&self, bin_size_bp: u32) -> Result<Option<u64>>;

    /// The contacts of all chromosomes against all, rows and columns counted over all chromosomes in their order.
    ///
    /// # Errors
    /// As for [`PixelSource::pixels`], and when there are more than 2^32 bins.
    fn genome_pixels<'a>(&'a self, bin_size_bp: u32) -> Result<Batches<'a>>;
}

/// How a file is opened.
#[derive(Debug, Clone, Default)]
pub struct OpenOptions {
    /// For text: the size of a bin, needed where positions are given in base pairs or the file has bins only.
    pub bin_size_bp: Option<u32>,
    /// For text: the chromosomes with their lengths. Without them they are taken from the contacts, in the order in
    /// which they appear, each as long as its last bin reaches.
    pub chromosomes: Option<Vec<Chromosome>>,
    /// For text without chromosome names: the name of its one chromosome.
    pub chromosome: Option<String>,
    /// For text: what the columns are. Without it, five columns are `chrom1 pos1 chrom2 pos2 count` and three
    /// columns `pos1 pos2 count`.
    pub columns: Option<text::Columns>,
    /// The most contacts held at once while sorting; [`DEFAULT_CHUNK_PIXELS`] without it.
    pub chunk_pixels: Option<usize>,
}

/// Opens a file of contacts; its format is told by its first bytes, not by its name.
///
/// # Errors
/// When the file cannot be read, is damaged, or is of a kind that is not supported; the error names the file.
pub fn open(path: impl AsRef<Path>, options: &OpenOptions) -> Result<Box<dyn PixelSource>> {
    let path = path.as_ref();
    let mut magic = Vec::new();
    std::fs::File::open(path).and_then(|file| file.take(8).read_to_end(&mut magic)).map_err(|error| {
        Error::Io(std::io::Error::new(error.kind(), format!("{}: {error}", path.display())))
    })?;
    if magic == *b"\x89HDF\r\n\x1a\n" {
        return Ok(Box::new(cool::CoolFile::open(path)?));
    }
    if magic.starts_with(b"HIC\0") {
        let chunk = options.chunk_pixels.unwrap_or(DEFAULT_CHUNK_PIXELS);
        return Ok(Box::new(hic::HicFile::open(path)?.with_chunk_pixels(chunk)));
    }
    if magic.starts_with(b"GZCM") {
        return Ok(Box::new(gzcm::GzcmFile::new(crate::reader::open(path)?)?));
    }
    Ok(Box::new(text::TextFile::open(path, options)?))
}

/// Checks that a query lies within an input.
pub(crate) fn check_query(what: &'static str, source: &dyn PixelSource, query: &Query) -> Result<()> {
    let sizes = source.bin_sizes_bp();
    if !sizes.contains(&query.bin_size_bp) {
        let reason = format!("no bins of {} bp; the file has {sizes:?}", query.bin_size_bp);
        return Err(Error::invalid(what, reason));
    }
    if query.chrom1 > query.chrom2 {
        return Err(Error::invalid(what, "the rows' chromosome comes after the columns'"));
    }
    for (chrom, bins) in [(query.chrom1, &query.bins1), (query.chrom2, &query.bins2)] {
        let Some(chromosome) = source.chromosomes().get(chrom) else {
            return Err(Error::invalid(what, format!("no chromosome of number {chrom}")));
        };
        let n_bins = chromosome.bins(query.bin_size_bp.into());
        if bins.start > bins.end || u64::from(bins.end) > n_bins {
            let reason = format!("bins {bins:?} of {}, which has {n_bins}", chromosome.name);
            return Err(Error::invalid(what, reason));
        }
    }
    Ok(())
}
