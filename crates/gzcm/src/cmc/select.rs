//! How a tile is to be transformed: rules that look at the counts once and give the same answer everywhere.

use super::binarise::planes;
use super::diagonal::DiagonalMode;
use crate::error::Result;

/// Where a tile has counts.
pub(super) struct Survey {
    /// The rows with a count.
    pub(super) rows: Vec<bool>,
    /// The columns with a count.
    pub(super) cols: Vec<bool>,
    /// The number of cells that are not 0.
    pub(super) nonzero: usize,
    pub(super) triangle: Triangle,
}

/// What is below the diagonal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Triangle {
    /// Nothing: the tile is a square, its upper triangle is all.
    Upper,
    /// What is above it: the tile is a symmetric square.
    Mirrored,
    /// Something else, or the tile is no square.
    Full,
}

impl Survey {
    pub(super) fn new(values: &[u32], rows: usize, cols: usize) -> Self {
        let mut column_or = vec![0; cols];
        let (mut has, mut nonzero) = (Vec::with_capacity(rows), 0);
        for row in values.chunks_exact(cols) {
            let before = nonzero;
            for (all, &value) in column_or.iter_mut().zip(row) {
                *all |= value;
                nonzero += usize::from(value != 0);
            }
            has.push(nonzero > before);
        }
        let cols_with = column_or.into_iter().map(|all: u32| all != 0).collect();
        Self { rows: has, cols: cols_with, nonzero, triangle: triangle(values, rows, cols) }
    }

    /// Whether to take out empty rows and columns. It pays where what is left is filled; in a sparse tile rows are empty by
    /// chance, and their places cost more than they save. The bounds are of measurements on maps of 2 to 25 kb.
    pub(super) fn mask_pays(&self) -> bool {
        let kept = |mask: &[bool]| mask.iter().filter(|&&kept| kept).count();
        let cells_left = kept(&self.rows) * kept(&self.cols);
        let mask_bytes = (self.rows.len() + self.cols.len()) / 8;
        self.nonzero * 10 >= cells_left && self.nonzero >= 16 * mask_bytes
    }
}

fn triangle(values: &[u32], rows: usize, cols: usize) -> Triangle {
    if rows != cols {
        return Triangle::Full;
    }
    let below = || values.chunks_exact(cols).enumerate().flat_map(|(row, values)| &values[..row]);
    if below().all(|&value| value == 0) {
        return Triangle::Upper;
    }
    let mirror = (0..rows).flat_map(|row| values[row..].iter().step_by(cols).take(row));
    if below().eq(mirror) { Triangle::Mirrored } else { Triangle::Full }
}

/// The mode for a tile that is more than an upper triangle, and the counts in its order: that of the fewest planes of bits, of
/// equals the first.
pub(super) fn fewest_planes(values: &[u32], rows: usize, cols: usize) -> Result<(DiagonalMode, Vec<u32>)> {
    // Descending is Ascending from its end: about as many planes, seldom fewer.
    let mut best = (DiagonalMode::None, values.to_vec());
    let mut fewest = count_planes(values, cols);
    for mode in [DiagonalMode::Ascending, DiagonalMode::Outwards] {
        let transformed = mode.forward(values, rows, cols)?;
        let planes = count_planes(&transformed, cols);
        if planes < fewest {
            (best, fewest) = ((mode, transformed), planes);
        }
    }
    Ok(best)
}

fn count_planes(values: &[u32], cols: usize) -> u32 {
    values.chunks_exact(cols).map(planes).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn triangles_are_told_apart() {
        assert_eq!(triangle(&[1, 2, 0, 3], 2, 2), Triangle::Upper);
        assert_eq!(triangle(&[1, 2, 2, 3], 2, 2), Triangle::Mirrored);
        assert_eq!(triangle(&[1, 2, 1, 3], 2, 2), Triangle::Full);
        assert_eq!(triangle(&[1, 2, 3, 2, 4, 5, 3, 6, 7], 3, 3), Triangle::Full);
        assert_eq!(triangle(&[1, 2, 3, 2, 4, 5, 3, 5, 7], 3, 3), Triangle::Mirrored);
        assert_eq!(triangle(&[1, 2, 0], 1, 3), Triangle::Full);
    }

    #[test]
    fn masks_are_for_filled_tiles() {
        let mut values = vec![5; 64 * 64];
        values[640..1280].fill(0);
        let survey = Survey::new(&values, 64, 64);
        assert_eq!(
            (survey.nonzero, survey.rows[9..21].to_vec()),
            (54 * 64, [vec![true], vec![false; 10], vec![true]].concat())
        );
        assert!(survey.mask_pays());
        values.fill(0);
        values[70] = 3;
        assert!(!Survey::new(&values, 64, 64).mask_pays());
    }

    #[test]
    fn the_mode_is_that_of_the_fewest_planes() {
        // Large above the diagonal, small elsewhere; then large in the first row; then large on and by the diagonal.
        let values: Vec<u32> = (0..64).map(|at| if at % 8 > at / 8 { 1000 } else { 1 }).collect();
        assert_eq!(fewest_planes(&values, 8, 8).unwrap().0, DiagonalMode::Ascending);
        let values: Vec<u32> = (0..64).map(|at| if at < 8 { 1000 } else { 1 }).collect();
        assert_eq!(fewest_planes(&values, 8, 8).unwrap().0, DiagonalMode::None);
        let values: Vec<u32> =
            (0_usize..64).map(|at| if (at % 8).abs_diff(at / 8) < 2 { 1000 } else { 1 }).collect();
        assert_eq!(fewest_planes(&values, 8, 8).unwrap().0, DiagonalMode::Outwards);
    }
}
