//! The matrix of one pair of chromosomes at one bin size: where its blocks are and which bins each may hold.

use std::ops::RangeInclusive;

use super::bytes::{Cursor, HicBytes};
use crate::error::Result;

/// The bins that a block may hold contacts of, and where it is in the file.
#[derive(Debug, Clone)]
pub(super) struct BlockPlace {
    pub(super) number: i32,
    pub(super) offset: u64,
    pub(super) size_bytes: u64,
    /// Rows, as of the upper triangle.
    pub(super) rows: RangeInclusive<u32>,
    /// Columns, as of the upper triangle.
    pub(super) cols: RangeInclusive<u32>,
}

/// The grid that blocks are numbered by.
#[derive(Debug, Clone, Copy)]
struct Grid {
    block_bins: u64,
    columns: u64,
    intra: bool,
    /// Version 9 turns the grid of one chromosome by 45 degrees.
    rotated: bool,
}

impl Grid {
    /// The rows and columns of a block.
    fn place(self, number: u64) -> (RangeInclusive<u64>, RangeInclusive<u64>) {
        let (row, col) = (number / self.columns, number % self.columns);
        if self.rotated {
            return self.place_rotated(row, col);
        }
        let span = |at: u64| at.saturating_mul(self.block_bins);
        let range = |at: u64| span(at)..=span(at.saturating_add(1)) - 1;
        // Of one chromosome, either half may be stored; rows are the smaller bins.
        if self.intra { (range(row.min(col)), range(row.max(col))) } else { (range(col), range(row)) }
    }

    /// Version 9, one chromosome: column `p` holds bins with `(x + y) / 2 / block_bins == p`, row `a` those with
    /// `floor(log2(1 + |x - y| / sqrt(2) / block_bins)) == a`. Two bins of slack make up for rounding.
    fn place_rotated(self, depth: u64, along: u64) -> (RangeInclusive<u64>, RangeInclusive<u64>) {
        let far = |depth: u64| {
            let steps = if depth < 40 { (1_u64 << depth) - 1 } else { u64::MAX >> 24 };
            // sqrt(2) as 1,414,213 / 1,000,000 and one more.
            steps.saturating_mul(self.block_bins).saturating_mul(1_414_213) / 1_000_000
        };
        let (near, far) = (far(depth).saturating_sub(2), far(depth.saturating_add(1)).saturating_add(4));
        let first = along.saturating_mul(self.block_bins).saturating_mul(2);
        let last = first.saturating_add(self.block_bins.saturating_mul(2));
        let rows = first.saturating_sub(far) / 2..=last.saturating_sub(near).div_ceil(2);
        let cols = first.saturating_add(near) / 2..=last.saturating_add(far).div_ceil(2);
        (rows, cols)
    }
}

/// The blocks of a matrix at a bin size, or nothing if the matrix is not stored at it.
pub(super) fn blocks(
    bytes: &HicBytes,
    offset: u64,
    version: i32,
    bin_size_bp: u32,
) -> Result<Option<Vec<BlockPlace>>> {
    let mut cursor = Cursor::new(bytes, offset, "matrix");
    let (chrom1, chrom2) = (cursor.i32()?, cursor.i32()?);
    let intra = chrom1 == chrom2;
    for _ in 0..cursor.count(39)? {
        let unit = cursor.string()?;
        // The number of the resolution, the sum of counts, and three numbers that nothing uses.
        cursor.skip(5 * 4)?;
        let bin_size = cursor.i32()?;
        let (block_bins, columns) = (cursor.i32()?, cursor.i32()?);
        let n_blocks = cursor.count(16)?;
        if unit != "BP" || i64::from(bin_size) != i64::from(bin_size_bp) {
            cursor.skip(n_blocks * 16)?;
            continue;
        }
        let sides = u64::try_from(block_bins).ok().zip(u64::try_from(columns).ok());
        let Some((block_bins, columns)) = sides.filter(|sides| sides.0 > 0 && sides.1 > 0) else {
            return Err(cursor.corrupt(format_args!("blocks of {block_bins} bins in {columns} columns")));
        };
        let grid = Grid { block_bins, columns, intra, rotated: intra && version > 8 };
        let mut blocks = Vec::new();
        for _ in 0..n_blocks {
            let (number, position, size) = (cursor.i32()?, cursor.i64()?, cursor.i32()?);
            let (Ok(at), Ok(size_bytes)) = (u64::try_from(number), u64::try_from(size)) else {
                return Err(cursor.corrupt(format_args!("block {number} of {size} bytes")));
            };
            let (rows, cols) = grid.place(at);
            let narrow = |range: RangeInclusive<u64>| {
                let bin = |bin: u64| u32::try_from(bin).unwrap_or(u32::MAX);
                bin(*range.start())..=bin(*range.end())
            };
            let offset = bytes.position(position, "matrix: position of a block")?;
            blocks.push(BlockPlace { number, offset, size_bytes, rows: narrow(rows), cols: narrow(cols) });
        }
        return Ok(Some(blocks));
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_contact_lies_within_the_place_of_its_block() {
        for (block_bins, n_bins) in [(1_u32, 40_u32), (7, 300), (64, 900), (250, 1200)] {
            let columns = u64::from(n_bins / block_bins + 1);
            let grid = Grid { block_bins: block_bins.into(), columns, intra: true, rotated: true };
            for x in 0..n_bins {
                for y in (x..n_bins).step_by(3) {
                    // The published formulas.
                    let along = u64::from((x + y) / 2 / block_bins);
                    let distance = f64::from(y - x) / std::f64::consts::SQRT_2 / f64::from(block_bins);
                    let depth = (0_u64..)
                        .take_while(|depth| (2_f64).powi(i32::try_from(*depth).unwrap()) <= 1.0 + distance);
                    let depth = depth.last().unwrap();
                    let (rows, cols) = grid.place(depth * columns + along);
                    assert!(
                        rows.contains(&x.into()) && cols.contains(&y.into()),
                        "{x} {y} {rows:?} {cols:?}"
                    );
                }
            }
        }
    }
}
