//! Contacts as they flow from an input to a container.

use std::ops::Range;

pub use crate::container::meta::Chromosome;

/// One contact: two bins, each counted from the start of its own chromosome, and how often they met.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Pixel {
    /// The row: a bin of the query's first chromosome.
    pub bin1: u32,
    /// The column: a bin of the query's second chromosome.
    pub bin2: u32,
    /// The count. An `f64` holds every integer to 2^53 exactly; larger ones are refused by the readers.
    pub count: f64,
}

impl Pixel {
    /// What contacts are ordered by: row, then column.
    pub(crate) const fn key(&self) -> (u32, u32) {
        (self.bin1, self.bin2)
    }
}

/// How counts are stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CountKind {
    /// Integers, none negative.
    Unsigned,
    /// Integers of either sign.
    Signed,
    /// Single precision.
    F32,
    /// Double precision.
    F64,
}

/// A rectangle of the matrix: bins `bins1` of chromosome `chrom1` against bins `bins2` of `chrom2`.
///
/// Chromosomes are numbered as in [`PixelSource::chromosomes`](crate::convert::PixelSource::chromosomes), bins from
/// the start of their chromosome. What comes back is the stored, upper triangle: `chrom1 <= chrom2`, and on one
/// chromosome only contacts with `bin1 <= bin2`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Query {
    /// The size of a bin.
    pub bin_size_bp: u32,
    /// The chromosome of the rows.
    pub chrom1: usize,
    /// The rows.
    pub bins1: Range<u32>,
    /// The chromosome of the columns.
    pub chrom2: usize,
    /// The columns.
    pub bins2: Range<u32>,
}

impl Query {
    pub(crate) fn contains(&self, bin1: u32, bin2: u32) -> bool {
        self.bins1.contains(&bin1) && self.bins2.contains(&bin2)
    }
}
