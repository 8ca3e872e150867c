//! A GZCM file as an input: what exports and conversions to another version read.

use std::ops::Range;

use super::{Batches, PixelSource, check_query, genome};
use crate::container::meta::{GENOME, Region, WeightKind};
use crate::convert::pixel::{Chromosome, CountKind, Pixel, Query};
use crate::error::{Error, Result};
use crate::pixel::number_of;
use crate::reader::Reader;
use crate::tile::Dtype;

/// How many rows are read at once, at least.
const BAND_ROWS: u64 = 256;

/// A GZCM file whose contacts are asked for by chromosomes.
pub struct GzcmFile {
    reader: Reader,
    chromosomes: Vec<Chromosome>,
    bin_sizes_bp: Vec<u32>,
}

impl GzcmFile {
    /// Takes a file that is open for reading.
    ///
    /// # Errors
    /// [`Error::Unsupported`] for regions over parts of one chromosome against other parts of it, and for those whose
    /// first chromosome comes after the second: they are no upper triangle.
    pub fn new(reader: Reader) -> Result<Self> {
        let catalog = reader.catalog();
        let mut chromosomes = catalog.chromosomes.clone();
        for entry in &catalog.regions {
            let region = &entry.region;
            // Files of other writers may lack the table of chromosomes: the regions tell what there is.
            let sides = [
                (&region.chrom1, region.start1_bp, region.n_rows),
                (&region.chrom2, region.start2_bp, region.n_cols),
            ];
            for (name, start_bp, n_bins) in sides {
                if name != GENOME && !chromosomes.iter().any(|chromosome| chromosome.name == *name) {
                    let length_bp = start_bp.saturating_add(n_bins.saturating_mul(region.bin_size_bp));
                    chromosomes.push(Chromosome { name: name.clone(), length_bp });
                }
            }
        }
        let mut bin_sizes_bp = Vec::new();
        for entry in &catalog.regions {
            let region = &entry.region;
            let place = |name: &str| chromosomes.iter().position(|chromosome| chromosome.name == name);
            let turned = region.chrom1 != GENOME && place(&region.chrom1) > place(&region.chrom2);
            if turned || (region.chrom1 == region.chrom2 && !region.symmetric) {
                let reason = format!("{:?} is not of an upper triangle; read it by windows", region.name);
                return Err(Error::unsupported("export", reason));
            }
            let size = u32::try_from(region.bin_size_bp);
            bin_sizes_bp.push(size.map_err(|_| Error::unsupported("export", "bins of more than 2^32 bp"))?);
        }
        bin_sizes_bp.sort_unstable();
        bin_sizes_bp.dedup();
        Ok(Self { reader, chromosomes, bin_sizes_bp })
    }

    fn regions(&self, bin_size_bp: u32) -> impl Iterator<Item = (usize, &Region)> {
        let regions = self.reader.catalog().regions.iter().map(|entry| &entry.region).enumerate();
        regions.filter(move |(_, region)| region.bin_size_bp == u64::from(bin_size_bp))
    }

    /// The contacts of a region's rows and columns, its first bins counted as `offset`.
    fn bands(&self, index: usize, rows: Range<u64>, cols: Range<u64>, offset: (i64, i64)) -> Batches<'_> {
        let entry = &self.reader.catalog().regions[index];
        let (symmetric, dtype) = (entry.region.symmetric, entry.region.dtype);
        let step = entry.plan.tile_side().max(BAND_ROWS);
        let mut next = rows.start;
        Box::new(std::iter::from_fn(move || {
            if next >= rows.end {
                return None;
            }
            // Bands end where rows of tiles do, so that no tile is decoded twice.
            let end = ((next / step + 1) * step).min(rows.end);
            let first_col = if symmetric { cols.start.max(next) } else { cols.start };
            let band = next..end;
            next = end;
            if first_col >= cols.end {
                return Some(Ok(Vec::new()));
            }
            let read = self.reader.pixels(index, band, first_col..cols.end);
            if read.is_err() {
                next = rows.end;
            }
            Some(read.map(|pixels| {
                let stored = pixels.iter().filter(|pixel| !symmetric || pixel.row <= pixel.col);
                let shift = |bin: u32, by: i64| u32::try_from(i64::from(bin) + by).unwrap_or(u32::MAX);
                let contact = |pixel: &crate::pixel::Pixel| Pixel {
                    bin1: shift(pixel.row, offset.0),
                    bin2: shift(pixel.col, offset.1),
                    count: number_of(pixel.bits, dtype),
                };
                stored.map(contact).collect()
            }))
        }))
    }
}

impl PixelSource for GzcmFile {
    fn format(&self) -> &'static str {
        "gzcm"
    }

    fn chromosomes(&self) -> &[Chromosome] {
        &self.chromosomes
    }

    fn bin_sizes_bp(&self) -> &[u32] {
        &self.bin_sizes_bp
    }

    fn count_kind(&self, bin_size_bp: u32) -> Result<CountKind> {
        let kind = |dtype: Dtype| match dtype {
            Dtype::U8 | Dtype::U16 | Dtype::U32 => CountKind::Unsigned,
            Dtype::I32 | Dtype::I64 => CountKind::Signed,
            Dtype::F32 => CountKind::F32,
            Dtype::F64 => CountKind::F64,
        };
        let kinds: Vec<CountKind> = self.regions(bin_size_bp).map(|(_, region)| kind(region.dtype)).collect();
        let widest =
            [CountKind::F64, CountKind::F32, CountKind::Signed].into_iter().find(|kind| kinds.contains(kind));
        Ok(widest.unwrap_or(CountKind::Unsigned))
    }

    fn weight_names(&self, bin_size_bp: u32) -> Result<Vec<String>> {
        let vectors = self.reader.catalog().vectors.iter();
        let mut names: Vec<String> = vectors
            .filter(|entry| entry.key.bin_size_bp == u64::from(bin_size_bp))
            .map(|entry| entry.key.name.clone())
            .collect();
        names.sort();
        names.dedup();
        Ok(names)
    }

    fn weights(&self, bin_size_bp: u32, name: &str, chrom: usize) -> Result<Option<Vec<f64>>> {
        let Some(chromosome) = self.chromosomes.get(chrom) else {
            return Err(Error::invalid("export", format!("no chromosome of number {chrom}")));
        };
        let of = |chrom: &str| {
            self.reader.catalog().vectors.iter().find(|entry| {
                let key = &entry.key;
                key.name == name && key.chrom == chrom && key.bin_size_bp == u64::from(bin_size_bp)
            })
        };
        let n_bins = chromosome.bins(bin_size_bp.into());
        let mut values = match (of(&chromosome.name), of(GENOME)) {
            (Some(entry), _) => self.reader.vector(entry)?.values,
            (None, Some(entry)) => {
                let before =
                    self.chromosomes[..chrom].iter().map(|other| other.bins(bin_size_bp.into())).sum::<u64>();
                let before = usize::try_from(before).unwrap_or(usize::MAX);
                self.reader.vector(entry)?.values.into_iter().skip(before).collect()
            }
            (None, None) => return Ok(None),
        };
        values.truncate(usize::try_from(n_bins).unwrap_or(usize::MAX));
        if values.len() as u64 != n_bins {
            let reason = format!("{} weights of {n_bins} bins of {}", values.len(), chromosome.name);
            return Err(Error::corrupt("vector", reason));
        }
        Ok(Some(values))
    }

    fn weights_divide(&self, bin_size_bp: u32, name: &str) -> Result<bool> {
        let vectors = &self.reader.catalog().vectors;
        let found = vectors
            .iter()
            .find(|entry| entry.key.name == name && entry.key.bin_size_bp == u64::from(bin_size_bp));
        Ok(found.is_some_and(|entry| entry.key.kind == WeightKind::Divisive))
    }

    fn pixels_at_most(&self, query: &Query) -> Result<Option<u64>> {
        check_query("export", self, query)?;
        Ok(None)
    }

    fn pixels<'a>(&'a self, query: &Query) -> Result<Batches<'a>> {
        check_query("export", self, query)?;
        let (name1, name2) = (&self.chromosomes[query.chrom1].name, &self.chromosomes[query.chrom2].name);
        let size = u64::from(query.bin_size_bp);
        let of_pair = |(_, region): &(usize, &Region)| region.chrom1 == *name1 && region.chrom2 == *name2;
        let of_genome = |(_, region): &(usize, &Region)| region.chrom1 == GENOME;
        let mut regions = self.regions(query.bin_size_bp);
        let found = regions.find(of_pair).or_else(|| self.regions(query.bin_size_bp).find(of_genome));
        let Some((index, region)) = found else { return Ok(Box::new(std::iter::empty())) };
        // Where the region's first bin lies on the chromosome; negative where the chromosome lies within the genome.
        let start = |chrom: usize, start_bp: u64| -> i64 {
            let before = || self.chromosomes[..chrom].iter().map(|other| other.bins(size)).sum::<u64>();
            let bins = if region.chrom1 == GENOME { before() } else { start_bp / size };
            let bins = i64::try_from(bins).unwrap_or(i64::MAX);
            if region.chrom1 == GENOME { -bins } else { bins }
        };
        let offset = (start(query.chrom1, region.start1_bp), start(query.chrom2, region.start2_bp));
        let within = |bins: &Range<u32>, offset: i64, n_bins: u64| {
            let bin = |bin: u32| u64::try_from((i64::from(bin) - offset).max(0)).unwrap_or(0).min(n_bins);
            bin(bins.start)..bin(bins.end)
        };
        let rows = within(&query.bins1, offset.0, region.n_rows);
        let cols = within(&query.bins2, offset.1, region.n_cols);
        Ok(self.bands(index, rows, cols, offset))
    }

    fn genome_pixels_at_most(&self, bin_size_bp: u32) -> Result<Option<u64>> {
        let mut total = Some(0_u64);
        for (index, _) in self.regions(bin_size_bp) {
            let crate::container::catalog::Storage::Tiles(tiles) =
                &self.reader.catalog().regions[index].storage
            else {
                return Ok(None);
            };
            for tile in tiles {
                total = total.zip(tile.nnz).map(|(sum, more)| sum.saturating_add(more.into()));
            }
        }
        Ok(total)
    }

    fn genome_pixels<'a>(&'a self, bin_size_bp: u32) -> Result<Batches<'a>> {
        let whole = self.regions(bin_size_bp).find(|(_, region)| region.chrom1 == GENOME);
        match whole {
            Some((index, region)) => Ok(self.bands(index, 0..region.n_rows, 0..region.n_cols, (0, 0))),
            None => genome::merged(self, bin_size_bp),
        }
    }
}
