//! Coordinate text, plain or gzip-compressed: one contact a line, fields separated by tabs or spaces, `#` before comments.
//!
//! The file is read once, when it is opened. Contacts are kept by pair of chromosomes: in memory while they are few,
//! beyond that as sorted runs in a temporary file, so that any order of lines and any size of file is taken.

mod lines;
mod parse;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use self::lines::Lines;
pub use self::parse::Columns;
use self::parse::{Contact, Parser};
use super::sort::{Merge, Spill, SpilledRun};
use super::{BATCH_PIXELS, Batches, DEFAULT_CHUNK_PIXELS, OpenOptions, PixelSource, check_query};
use crate::convert::pixel::{Chromosome, CountKind, Pixel, Query};
use crate::error::{Error, Result};

/// The most chromosomes that are taken from a text.
const MAX_CHROMOSOMES: usize = 1 << 22;

/// A text of contacts.
pub struct TextFile {
    chromosomes: Vec<Chromosome>,
    bin_sizes_bp: Vec<u32>,
    count_kind: CountKind,
    pairs: BTreeMap<(usize, usize), Pair>,
    spill: Option<Arc<Spill>>,
}

/// The contacts of a pair of chromosomes.
#[derive(Default)]
struct Pair {
    held: Arc<Vec<Pixel>>,
    runs: Vec<SpilledRun>,
    n_pixels: u64,
}

impl TextFile {
    /// Opens a file and reads it.
    ///
    /// # Errors
    /// [`Error::Corrupt`] for a line that is no contact, naming the file and the line; [`Error::Invalid`] when the
    /// size of a bin or the name of the chromosome is needed and not given.
    pub fn open(path: impl AsRef<Path>, options: &OpenOptions) -> Result<Self> {
        let path = path.as_ref();
        let Some(bin_size_bp) = options.bin_size_bp.filter(|size| *size > 0) else {
            let reason =
                format!("{}: a text does not say the size of its bins; give bin_size_bp", path.display());
            return Err(Error::invalid("text", reason));
        };
        let mut lines = Lines::open(path)?;
        let mut parser = Parser::new(options, bin_size_bp);
        let mut ingest = Ingest { pairs: BTreeMap::new(), spill: None, held: 0 };
        let most = options.chunk_pixels.unwrap_or(DEFAULT_CHUNK_PIXELS).max(1);
        while let Some(line) = lines.next_line()? {
            let contact = parser.parse(line).map_err(|reason| lines.corrupt(reason))?;
            let Some(contact) = contact else { continue };
            if parser.chromosomes.len() > MAX_CHROMOSOMES {
                return Err(lines.corrupt(format_args!("more than {MAX_CHROMOSOMES} chromosomes")));
            }
            ingest.push(contact);
            if ingest.held >= most {
                ingest.spill()?;
            }
        }
        for pair in ingest.pairs.values_mut() {
            Arc::make_mut(&mut pair.held).sort_unstable_by_key(Pixel::key);
        }
        let count_kind = parser.count_kind();
        let chromosomes = parser.into_chromosomes();
        if chromosomes.is_empty() {
            return Err(lines.corrupt("no contacts, and no chromosomes were given"));
        }
        Ok(Self {
            chromosomes,
            bin_sizes_bp: vec![bin_size_bp],
            count_kind,
            pairs: ingest.pairs,
            spill: ingest.spill,
        })
    }
}

/// Contacts on their way into pairs.
struct Ingest {
    pairs: BTreeMap<(usize, usize), Pair>,
    spill: Option<Arc<Spill>>,
    held: usize,
}

impl Ingest {
    fn push(&mut self, contact: Contact) {
        let pair = self.pairs.entry((contact.chrom1, contact.chrom2)).or_default();
        Arc::make_mut(&mut pair.held).push(contact.pixel);
        pair.n_pixels += 1;
        self.held += 1;
    }

    fn spill(&mut self) -> Result<()> {
        let spill = match &self.spill {
            Some(spill) => Arc::clone(spill),
            None => Arc::clone(self.spill.insert(Spill::new()?)),
        };
        for pair in self.pairs.values_mut() {
            let held = std::mem::take(Arc::make_mut(&mut pair.held));
            let mut held = held;
            if !held.is_empty() {
                held.sort_unstable_by_key(Pixel::key);
                pair.runs.push(spill.append(&held)?);
            }
        }
        self.held = 0;
        Ok(())
    }
}

impl PixelSource for TextFile {
    fn format(&self) -> &'static str {
        "text"
    }

    fn chromosomes(&self) -> &[Chromosome] {
        &self.chromosomes
    }

    fn bin_sizes_bp(&self) -> &[u32] {
        &self.bin_sizes_bp
    }

    fn count_kind(&self, _bin_size_bp: u32) -> Result<CountKind> {
        Ok(self.count_kind)
    }

    fn weight_names(&self, _bin_size_bp: u32) -> Result<Vec<String>> {
        Ok(Vec::new())
    }

    fn weights(&self, _bin_size_bp: u32, _name: &str, _chrom: usize) -> Result<Option<Vec<f64>>> {
        Ok(None)
    }

    fn weights_divide(&self, _bin_size_bp: u32, _name: &str) -> Result<bool> {
        Ok(false)
    }

    fn pixels_at_most(&self, query: &Query) -> Result<Option<u64>> {
        check_query("text", self, query)?;
        Ok(Some(self.pairs.get(&(query.chrom1, query.chrom2)).map_or(0, |pair| pair.n_pixels)))
    }

    fn pixels<'a>(&'a self, query: &Query) -> Result<Batches<'a>> {
        check_query("text", self, query)?;
        let mut merge = Merge::default();
        if let Some(pair) = self.pairs.get(&(query.chrom1, query.chrom2)) {
            merge.add(Arc::clone(&pair.held))?;
            for run in &pair.runs {
                if let Some(spill) = &self.spill {
                    merge.add_spilled(Arc::clone(spill), *run)?;
                }
            }
        }
        let (query, mut failed) = (query.clone(), false);
        Ok(Box::new(std::iter::from_fn(move || {
            let mut batch = Vec::new();
            while batch.is_empty() && !failed {
                if let Err(error) = merge.take_below(Some(query.bins1.end), BATCH_PIXELS, &mut batch) {
                    failed = true;
                    return Some(Err(error));
                }
                if batch.is_empty() {
                    return None;
                }
                batch.retain(|pixel| query.contains(pixel.bin1, pixel.bin2));
            }
            if failed { None } else { Some(Ok(batch)) }
        })))
    }

    fn genome_pixels_at_most(&self, _bin_size_bp: u32) -> Result<Option<u64>> {
        Ok(Some(self.pairs.values().map(|pair| pair.n_pixels).sum()))
    }

    fn genome_pixels<'a>(&'a self, bin_size_bp: u32) -> Result<Batches<'a>> {
        super::genome::merged(self, bin_size_bp)
    }
}

#[cfg(test)]
mod tests;
