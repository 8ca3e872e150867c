//! Questions as genome browsers put them: which bins of which region `chr1:1000-2000` is, and where a bin lies.

use std::ops::Range;

use crate::container::meta::{Chromosome, GENOME, Region};
use crate::error::{Error, Result};
use crate::reader::{Axis, Reader, parse_range};

/// A window of a region.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Window {
    /// The place of the region in the file.
    pub region: usize,
    /// The bins of its rows.
    pub rows: Range<u64>,
    /// The bins of its columns.
    pub cols: Range<u64>,
    /// Whether the first range asked for is that of the columns.
    pub turned: bool,
}

impl Window {
    /// Whether each contact of the window is in it twice, once as `(row, col)` and once as `(col, row)`.
    #[must_use]
    pub fn is_symmetric(&self, region: &Region) -> bool {
        region.symmetric && self.rows == self.cols
    }
}

/// Where a bin lies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place<'a> {
    /// The chromosome.
    pub chrom: &'a str,
    /// The first base pair, counted from 0.
    pub start_bp: u64,
    /// The one behind the last, within the chromosome where its length is known.
    pub end_bp: u64,
}

impl Reader {
    /// The sizes of bins that the file has, the finest first.
    #[must_use]
    pub fn bin_sizes_bp(&self) -> Vec<u64> {
        let mut sizes: Vec<u64> =
            self.catalog().regions.iter().map(|entry| entry.region.bin_size_bp).collect();
        sizes.sort_unstable();
        sizes.dedup();
        sizes
    }

    /// The window of `range1` against `range2` (`chrom` or `chrom:start-end`), by the first region that covers it. Without
    /// `range2` it is `range1` again; without any, the first region. `1` finds `chr1` and the reverse.
    ///
    /// # Errors
    /// When no region covers the ranges, and without `bin_size_bp` when the file has several sizes of bins.
    pub fn locate(
        &self,
        range1: Option<&str>,
        range2: Option<&str>,
        bin_size_bp: Option<u64>,
    ) -> Result<Window> {
        let sizes = self.bin_sizes_bp();
        let size = match (bin_size_bp, sizes.as_slice()) {
            (Some(size), _) if sizes.contains(&size) => size,
            (None, [only]) => *only,
            (Some(size), _) => {
                return Err(Error::invalid("bin size", format!("no {size} bp; the file has {sizes:?}")));
            }
            (None, _) => {
                return Err(Error::invalid("bin size", format!("choose one: the file has {sizes:?} bp")));
            }
        };
        let regions =
            || self.catalog().regions.iter().enumerate().filter(|(_, e)| e.region.bin_size_bp == size);
        let Some(range1) = range1 else {
            let first = regions().next().ok_or_else(|| Error::invalid("region", "the file has none"))?;
            let Region { n_rows, n_cols, .. } = first.1.region;
            return Ok(Window { region: first.0, rows: 0..n_rows, cols: 0..n_cols, turned: false });
        };
        let range2 = range2.unwrap_or(range1);
        let mut reason = None;
        for (region, _) in regions() {
            for turned in [false, true] {
                let (first, second) = if turned { (range2, range1) } else { (range1, range2) };
                let window = self.axis_bins(region, Axis::Rows, first).and_then(|rows| {
                    let cols = self.axis_bins(region, Axis::Cols, second)?;
                    Ok(Window { region, rows, cols, turned })
                });
                match window {
                    Ok(window) => return Ok(window),
                    // Of many regions, the first one's answer says the least about what was meant.
                    Err(error) => reason = reason.filter(|_| regions().count() > 1).or(Some(error)),
                }
            }
        }
        match reason {
            Some(reason) if regions().count() == 1 => Err(reason),
            _ => Err(Error::invalid("range", format!("no region at {size} bp covers {range1} and {range2}"))),
        }
    }

    /// Where a bin of a region's axis lies.
    ///
    /// # Errors
    /// When there is no such region or bin.
    pub fn place(&self, region: usize, axis: Axis, bin: u64) -> Result<Place<'_>> {
        let catalog = self.catalog();
        let Some(entry) = catalog.regions.get(region) else {
            return Err(Error::invalid("region", format!("{region} of {}", catalog.regions.len())));
        };
        let what = &entry.region;
        let (chrom, axis_start_bp, bins) = match axis {
            Axis::Rows => (&what.chrom1, what.start1_bp, what.n_rows),
            Axis::Cols => (&what.chrom2, what.start2_bp, what.n_cols),
        };
        let beyond = || Error::invalid("bin", format!("{bin} of {bins} of {:?}", what.name));
        if bin >= bins {
            return Err(beyond());
        }
        let size = what.bin_size_bp;
        let known = catalog.chromosomes.iter().find(|known| known.name == *chrom);
        let mut place = (chrom.as_str(), known, bin);
        if chrom == GENOME {
            for chromosome in &catalog.chromosomes {
                if place.2 < chromosome.bins(size) {
                    place = (&chromosome.name, Some(chromosome), place.2);
                    break;
                }
                place.2 -= chromosome.bins(size);
            }
            if place.1.is_none() {
                return Err(beyond());
            }
        }
        let (chrom, chromosome, bin) = place;
        let start_bp =
            bin.checked_mul(size).and_then(|bp| bp.checked_add(axis_start_bp)).ok_or_else(beyond)?;
        let end_bp = start_bp.saturating_add(size);
        let end_bp = chromosome.map_or(end_bp, |chromosome: &Chromosome| {
            if chromosome.length_bp > start_bp { end_bp.min(chromosome.length_bp) } else { end_bp }
        });
        Ok(Place { chrom, start_bp, end_bp })
    }

    /// The bins of an axis that a range is, under the chromosome's name with or without `chr`.
    fn axis_bins(&self, region: usize, axis: Axis, range: &str) -> Result<Range<u64>> {
        let what = &self.catalog().regions[region].region;
        let (of_axis, bins) = match axis {
            Axis::Rows => (&what.chrom1, what.n_rows),
            Axis::Cols => (&what.chrom2, what.n_cols),
        };
        let (name, start_bp, end_bp) = parse_range(range)?;
        let other = name.strip_prefix("chr").map_or_else(|| format!("chr{name}"), str::to_owned);
        if name == of_axis || range == of_axis || (other == *of_axis && of_axis != GENOME) {
            // All of the axis, which may be a part of the chromosome.
            if (start_bp, end_bp) == (0, None) || range == of_axis {
                return Ok(0..bins);
            }
            return self.bins(region, axis, of_axis, start_bp, end_bp);
        }
        self.bins(region, axis, name, start_bp, end_bp)
            .or_else(|error| self.bins(region, axis, &other, start_bp, end_bp).map_err(|_| error))
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;
    use crate::Registry;
    use crate::pixel::Pixel;
    use crate::reader::CacheSize;
    use crate::writer::{PixelOrder, Writer, WriterOptions};

    fn chromosome(name: &str, length_bp: u64) -> Chromosome {
        Chromosome { name: name.to_owned(), length_bp }
    }

    fn reader(regions: Vec<Region>) -> Reader {
        let chromosomes = vec![chromosome("chr1", 1005), chromosome("chr2", 300)];
        let mut file = Vec::new();
        let mut writer =
            Writer::new(&mut file, WriterOptions { chromosomes, ..WriterOptions::default() }).unwrap();
        for region in regions {
            writer.start_region(region, PixelOrder::ByRow).unwrap();
            writer.push_pixels(&[Pixel::count(0, 1, 7)]).unwrap();
            writer.end_region().unwrap();
        }
        writer.finish().unwrap();
        Reader::new(std::sync::Arc::new(Bytes::from(file)), Registry::global(), CacheSize::default()).unwrap()
    }

    #[test]
    fn ranges_find_their_region_whichever_way_round() {
        let two = reader(vec![
            Region::intra("chr1", 10, 101),
            Region::inter(("chr1", 101), ("chr2", 30), 10),
            Region::intra("chr1", 100, 11),
        ]);
        assert_eq!(two.bin_sizes_bp(), [10, 100]);
        let window = |range1, range2, size| two.locate(Some(range1), range2, size);
        let of = |region, rows, cols, turned| Window { region, rows, cols, turned };
        assert_eq!(window("chr1:95-205", None, Some(10)).unwrap(), of(0, 9..21, 9..21, false));
        assert_eq!(window("2:5-", Some("1"), Some(10)).unwrap(), of(1, 0..101, 0..30, true));
        assert_eq!(window("chr1", None, Some(100)).unwrap(), of(2, 0..11, 0..11, false));
        assert_eq!(two.locate(None, None, Some(100)).unwrap(), of(2, 0..11, 0..11, false));
        for (range, size) in [
            ("chr1", None),
            ("chr1", Some(7)),
            ("chr2", Some(10)),
            ("chr3", Some(10)),
            ("chr1:5-2", Some(10)),
        ] {
            window(range, None, size).unwrap_err();
        }
    }

    #[test]
    fn bins_of_the_genome_lie_on_their_chromosomes() {
        let chromosomes = [chromosome("chr1", 1005), chromosome("chr2", 300)];
        let genome = reader(vec![Region::genome(&chromosomes, 10)]);
        let window = genome.locate(Some("chr2:100-120"), Some("chr1"), None).unwrap();
        assert_eq!((window.rows, window.cols), (111..113, 0..101));
        for (bin, chrom, start_bp, end_bp) in
            [(0, "chr1", 0, 10), (100, "chr1", 1000, 1005), (101, "chr2", 0, 10), (130, "chr2", 290, 300)]
        {
            assert_eq!(genome.place(0, Axis::Cols, bin).unwrap(), Place { chrom, start_bp, end_bp });
        }
        genome.place(0, Axis::Rows, 131).unwrap_err();
        genome.place(1, Axis::Rows, 0).unwrap_err();
    }
}
