//! What stands at an axis: positions in base pairs, or the names of chromosomes.

use std::ops::Range;

use super::colour::round_step;
use crate::container::meta::GENOME;
use crate::error::Result;
use crate::reader::{Axis, Reader};

/// A mark at a position along the axis.
pub(super) struct Mark {
    /// In bins from the first of the picture; fractions of bins are meant.
    pub(super) at_bins: f64,
    /// What stands there.
    pub(super) label: String,
    /// Whether it is a border between chromosomes, or the middle of one, which has a label and no tick.
    pub(super) tick: bool,
}

/// An axis of a picture.
pub(super) struct Labels {
    /// The chromosome and the unit; empty for several chromosomes.
    pub(super) title: String,
    pub(super) marks: Vec<Mark>,
}

/// Units by their size, the largest first.
const UNITS: [(f64, &str); 3] = [(1e6, "Mb"), (1e3, "kb"), (1.0, "bp")];

/// What stands at an axis over some bins of a region.
#[expect(clippy::cast_precision_loss, reason = "positions on chromosomes are far below 2^52")]
pub(super) fn labels(reader: &Reader, region: usize, axis: Axis, bins: &Range<u64>) -> Result<Labels> {
    let entry = &reader.catalog().regions[region];
    let of_axis = if axis == Axis::Rows { &entry.region.chrom1 } else { &entry.region.chrom2 };
    let first = reader.place(region, axis, bins.start)?;
    let last = reader.place(region, axis, bins.end.saturating_sub(1))?;
    let size = entry.region.bin_size_bp;
    if of_axis == GENOME && first.chrom != last.chrom {
        let mut marks = Vec::new();
        let mut start = 0_u64;
        for chromosome in &reader.catalog().chromosomes {
            let end = start.saturating_add(chromosome.bins(size));
            let (from, to) = (start.max(bins.start), end.min(bins.end));
            if from < to {
                let at = |bin: u64| (bin - bins.start) as f64;
                if from > bins.start {
                    marks.push(Mark { at_bins: at(from), label: String::new(), tick: true });
                }
                let middle = f64::midpoint(at(from), at(to));
                marks.push(Mark { at_bins: middle, label: chromosome.name.clone(), tick: false });
            }
            start = end;
        }
        return Ok(Labels { title: String::new(), marks });
    }
    let (start, end) = (first.start_bp as f64, last.end_bp as f64);
    let step = round_step((end - start) / 7.0).max(1.0);
    // The unit by which the largest position is not long and steps have few decimals.
    let fits = |(unit, _): &(f64, &str)| step >= unit / 20.0 && end >= *unit;
    let (unit, name) = UNITS.into_iter().find(fits).unwrap_or((1.0, "bp"));
    let mut marks = Vec::new();
    let mut position = (start / step).ceil() * step;
    while position <= end {
        let decimals = decimals(step / unit);
        let label = format!("{:.decimals$}", position / unit);
        marks.push(Mark { at_bins: (position - start) / size as f64, label, tick: true });
        position += step;
    }
    Ok(Labels { title: format!("{} ({name})", first.chrom), marks })
}

/// The decimals that a step has.
fn decimals(step: f64) -> usize {
    usize::from(step < 0.999) + usize::from(step < 0.0999)
}
