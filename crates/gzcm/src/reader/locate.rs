//! From base pairs to bins.

use std::ops::Range;

use super::Reader;
use crate::container::meta::{GENOME, Region};
use crate::error::{Error, Result};

/// One of the two axes of a region.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Axis {
    /// The rows, of the first chromosome.
    Rows,
    /// The columns, of the second.
    Cols,
}

impl Reader {
    /// The bins of a region's axis that cover `start_bp..end_bp` of a chromosome; to the chromosome's end when `end_bp` is
    /// `None`.
    ///
    /// # Errors
    /// When the axis is not of that chromosome, or the range is not within it.
    pub fn bins(
        &self,
        region: usize,
        axis: Axis,
        chrom: &str,
        start_bp: u64,
        end_bp: Option<u64>,
    ) -> Result<Range<u64>> {
        let Region { chrom1, chrom2, start1_bp, start2_bp, n_rows, n_cols, bin_size_bp, .. } =
            &self.entry(region)?.region;
        let (of_axis, axis_start_bp, mut bins) = match axis {
            Axis::Rows => (chrom1, *start1_bp, *n_rows),
            Axis::Cols => (chrom2, *start2_bp, *n_cols),
        };
        let known = |chromosome: &&crate::container::meta::Chromosome| chromosome.name == chrom;
        let chromosome = self.catalog.chromosomes.iter().find(known);
        let mut first_bin = 0;
        if of_axis == GENOME {
            let unknown = || {
                let names: Vec<&str> =
                    self.catalog.chromosomes.iter().take(30).map(|known| known.name.as_str()).collect();
                Error::invalid("range", format!("no chromosome {chrom:?}; the file has {}", names.join(", ")))
            };
            let chromosome = chromosome.ok_or_else(unknown)?;
            let before = self.catalog.chromosomes.iter().take_while(|other| *other != chromosome);
            first_bin = before.map(|other| other.bins(*bin_size_bp)).sum();
            bins = chromosome.bins(*bin_size_bp);
        } else if of_axis != chrom {
            return Err(Error::invalid("range", format!("the axis is of {of_axis:?}, not of {chrom:?}")));
        }
        let end_bp = end_bp
            .or_else(|| chromosome.map(|chromosome| chromosome.length_bp))
            .unwrap_or_else(|| axis_start_bp.saturating_add(bins.saturating_mul(*bin_size_bp)));
        let (Some(start), Some(end)) =
            (start_bp.checked_sub(axis_start_bp), end_bp.checked_sub(axis_start_bp))
        else {
            return Err(Error::invalid("range", format!("the axis begins at {axis_start_bp} bp")));
        };
        let bins_of_range = start / bin_size_bp..end.div_ceil(*bin_size_bp);
        if start > end || bins_of_range.end > bins {
            let reason =
                format!("{chrom}:{start_bp}-{end_bp} is not within the {bins} bins of {bin_size_bp} bp");
            return Err(Error::invalid("range", reason));
        }
        Ok(first_bin + bins_of_range.start..first_bin + bins_of_range.end)
    }

    /// The place of the region of two chromosomes at a resolution, and whether its axes are the other way round. A region
    /// over the whole genome serves any two.
    ///
    /// # Errors
    /// When there is none.
    pub fn region_of(&self, chrom1: &str, chrom2: &str, bin_size_bp: u64) -> Result<(usize, bool)> {
        let find = |first: &str, second: &str| {
            self.catalog.regions.iter().position(|entry| {
                let region = &entry.region;
                region.bin_size_bp == bin_size_bp && region.chrom1 == first && region.chrom2 == second
            })
        };
        let genome = || find(GENOME, GENOME).map(|at| (at, false));
        find(chrom1, chrom2)
            .map(|at| (at, false))
            .or_else(|| find(chrom2, chrom1).map(|at| (at, true)))
            .or_else(genome)
            .ok_or_else(|| {
                Error::invalid("region", format!("none of {chrom1:?} and {chrom2:?} at {bin_size_bp} bp"))
            })
    }
}

/// A range as genome browsers write it: `chr1`, `chr1:1000-2000`, `chr1:1,000-`; the end is exclusive. A chromosome's name may
/// have colons: only what is behind the last one, and only when it is a range, is taken as one.
///
/// # Errors
/// For an empty name, and for a range that ends before it begins.
pub fn parse_range(text: &str) -> Result<(&str, u64, Option<u64>)> {
    let number = |digits: &str| digits.replace([',', '_'], "").parse::<u64>().ok();
    let range = |part: &str| {
        let (start, end) = part.split_once('-')?;
        let start = if start.trim().is_empty() { 0 } else { number(start.trim())? };
        let end = if end.trim().is_empty() { None } else { Some(number(end.trim())?) };
        Some((start, end))
    };
    let split = text.rsplit_once(':').and_then(|(name, part)| Some((name, range(part)?)));
    let (name, (start, end)) = split.unwrap_or((text, (0, None)));
    if name.trim().is_empty() || end.is_some_and(|end| end < start) {
        return Err(Error::invalid("range", format!("{text:?} is no chrom or chrom:start-end")));
    }
    Ok((name.trim(), start, end))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_read_as_browsers_write_them() {
        assert_eq!(parse_range("chr1").unwrap(), ("chr1", 0, None));
        assert_eq!(parse_range("chr1:1,000-2_000").unwrap(), ("chr1", 1000, Some(2000)));
        assert_eq!(parse_range("HLA:01:5-").unwrap(), ("HLA:01", 5, None));
        assert_eq!(parse_range("HLA-A:01").unwrap(), ("HLA-A:01", 0, None));
        for bad in ["", ":1-2", "chr1:5-4"] {
            parse_range(bad).unwrap_err();
        }
    }
}
