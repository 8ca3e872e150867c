//! `.hic`, versions 6 to 9, from the published specification (<https://github.com/aidenlab/hic-format>, version 8 at
//! <https://github.com/aidenlab/Juicebox/blob/master/HiCFormatV8.md>). Only the blocks that overlap a query are read.

mod block;
mod bytes;
mod header;
mod matrix;
mod pixels;

use std::path::Path;

use self::bytes::{Cursor, HicBytes};
use self::header::{Header, VectorKey};
use super::{Batches, DEFAULT_CHUNK_PIXELS, PixelSource, check_query};
use crate::convert::pixel::{Chromosome, CountKind, Query};
use crate::error::{Error, Result};

/// A `.hic` file.
pub struct HicFile {
    bytes: HicBytes,
    header: Header,
    chunk_pixels: usize,
}

impl HicFile {
    /// Opens a file: reads its header and its footer.
    ///
    /// # Errors
    /// [`Error::Corrupt`] for a damaged file, naming it and the place; [`Error::Unsupported`] for other versions.
    pub fn open(path: impl AsRef<Path>) -> Result<Self> {
        let bytes = HicBytes::open(path.as_ref())?;
        let header = Header::read(&bytes)?;
        Ok(Self { bytes, header, chunk_pixels: DEFAULT_CHUNK_PIXELS })
    }

    /// The most contacts held at once while sorting; what is beyond goes through a temporary file.
    #[must_use]
    pub const fn with_chunk_pixels(mut self, chunk_pixels: usize) -> Self {
        self.chunk_pixels = chunk_pixels;
        self
    }

    /// The version of the format.
    #[must_use]
    pub const fn version(&self) -> i32 {
        self.header.version
    }

    /// The blocks that overlap a query.
    fn blocks(&self, query: &Query) -> Result<Vec<matrix::BlockPlace>> {
        let numbers = &self.header.chromosome_numbers;
        let pair = (numbers[query.chrom1], numbers[query.chrom2]);
        let Some(&offset) = self.header.matrices.get(&pair) else { return Ok(Vec::new()) };
        let blocks = matrix::blocks(&self.bytes, offset, self.header.version, query.bin_size_bp)?;
        let mut blocks = blocks.unwrap_or_default();
        let overlap = |bins: &std::ops::Range<u32>, block: &std::ops::RangeInclusive<u32>| {
            bins.start <= *block.end() && *block.start() < bins.end
        };
        blocks.retain(|block| overlap(&query.bins1, &block.rows) && overlap(&query.bins2, &block.cols));
        blocks.sort_by_key(|block| (*block.rows.start(), block.offset));
        Ok(blocks)
    }
}

impl PixelSource for HicFile {
    fn format(&self) -> &'static str {
        "hic"
    }

    fn chromosomes(&self) -> &[Chromosome] {
        &self.header.chromosomes
    }

    fn bin_sizes_bp(&self) -> &[u32] {
        &self.header.bin_sizes_bp
    }

    fn count_kind(&self, _bin_size_bp: u32) -> Result<CountKind> {
        Ok(CountKind::F32)
    }

    fn weight_names(&self, bin_size_bp: u32) -> Result<Vec<String>> {
        let keys = self.header.vectors.keys().filter(|key| key.bin_size_bp == bin_size_bp);
        let mut names: Vec<String> = keys.map(|key| key.name.clone()).collect();
        names.dedup();
        Ok(names)
    }

    fn weights(&self, bin_size_bp: u32, name: &str, chrom: usize) -> Result<Option<Vec<f64>>> {
        let Some(&chromosome) = self.header.chromosome_numbers.get(chrom) else {
            return Err(Error::invalid("hic", format!("no chromosome of number {chrom}")));
        };
        let key = VectorKey { bin_size_bp, name: name.to_owned(), chromosome };
        let Some(place) = self.header.vectors.get(&key) else { return Ok(None) };
        let wide = self.header.version > 8;
        let mut cursor = Cursor::new(&self.bytes, place.offset, "normalisation vector");
        let value_bytes = if wide { 4 } else { 8 };
        let count = if wide { cursor.count_64(value_bytes)? } else { cursor.count(value_bytes)? };
        let (at, n_bins) = (cursor.offset(), self.header.chromosomes[chrom].bins(bin_size_bp.into()));
        if count * value_bytes > place.size_bytes || count < n_bins {
            let reason = format!("{count} values in {} bytes, of {n_bins} bins", place.size_bytes);
            return Err(cursor.corrupt(reason));
        }
        // Juicer's vectors are up to one value longer than the chromosome.
        let raw = self.bytes.read(at, n_bins * value_bytes, "normalisation vector")?;
        let values = if wide {
            raw.as_chunks::<4>().0.iter().map(|bytes| f32::from_le_bytes(*bytes).into()).collect()
        } else {
            raw.as_chunks::<8>().0.iter().map(|bytes| f64::from_le_bytes(*bytes)).collect()
        };
        Ok(Some(values))
    }

    fn weights_divide(&self, _bin_size_bp: u32, _name: &str) -> Result<bool> {
        Ok(true)
    }

    fn pixels_at_most(&self, query: &Query) -> Result<Option<u64>> {
        check_query("hic", self, query)?;
        // The file does not say; reading it would be the whole work.
        Ok(None)
    }

    fn pixels<'a>(&'a self, query: &Query) -> Result<Batches<'a>> {
        check_query("hic", self, query)?;
        Ok(Box::new(pixels::Pixels::new(self, query.clone(), self.blocks(query)?)))
    }

    fn genome_pixels_at_most(&self, _bin_size_bp: u32) -> Result<Option<u64>> {
        Ok(None)
    }

    fn genome_pixels<'a>(&'a self, bin_size_bp: u32) -> Result<Batches<'a>> {
        super::genome::merged(self, bin_size_bp)
    }
}
