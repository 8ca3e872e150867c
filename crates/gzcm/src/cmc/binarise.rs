//! Row binarisation: counts as rows of bits (the contact matrix coder of ISO/IEC 23092-6).
//!
//! A row of counts becomes as many rows of bits as its largest count has, at least one, the plane of the least significant bits
//! first. Column 0 of the bits is a sentinel: 1 in the last plane of a row of counts.

use super::WHAT;
use crate::error::{Error, Result};
use crate::jbig::Bitmap;

/// The columns of the bits of `cols` counts.
#[must_use]
pub const fn bit_cols(cols: usize) -> usize {
    cols + 1
}

/// How many planes a row of counts takes.
#[must_use]
pub fn planes(row: &[u32]) -> u32 {
    // The bits of the largest are those of all together.
    (u32::BITS - row.iter().fold(0, |all, value| all | value).leading_zeros()).max(1)
}

/// Makes rows of bits of rows of counts and hands over each: `bit_cols(cols).div_ceil(8)` bytes, most significant bit first.
pub fn each_plane(values: &[u32], cols: usize, mut plane_done: impl FnMut(&[u8])) {
    let stride = bit_cols(cols).div_ceil(8);
    // Behind the sentinel, and filled up to whole bytes.
    let mut shifted = vec![0; stride * 8];
    let mut bits = vec![0; stride * 32];
    for row in values.chunks_exact(cols) {
        shifted[1..=cols].copy_from_slice(row);
        let planes = planes(row);
        for (index, eight) in shifted.as_chunks::<8>().0.iter().enumerate() {
            for (plane, at) in (0..planes).zip((index..).step_by(stride)) {
                bits[at] =
                    eight.iter().fold(0, |byte, value| byte << 1 | (value >> plane).to_le_bytes()[0] & 1);
            }
        }
        let mut rows = bits.chunks_exact_mut(stride).zip(1..=planes);
        for (bits, plane) in &mut rows {
            if plane == planes {
                bits[0] |= 0x80;
            }
            plane_done(bits);
        }
    }
}

/// The rows of bits of counts of shape `(values.len() / cols, cols)` as one bitmap.
///
/// # Errors
/// When there are no values, or not whole rows of them.
pub fn binarise(values: &[u32], cols: usize) -> Result<Bitmap> {
    if cols == 0 || !values.len().is_multiple_of(cols) {
        return Err(Error::invalid(WHAT, format!("{} values in rows of {cols}", values.len())));
    }
    let mut bytes = Vec::new();
    each_plane(values, cols, |bits| bytes.extend_from_slice(bits));
    Bitmap::new(bytes.len() / bit_cols(cols).div_ceil(8), bit_cols(cols), bytes)
}

/// Collects counts from their rows of bits.
#[derive(Debug)]
pub struct Collector {
    values: Vec<u32>,
    cols: usize,
    /// Where the row being collected begins.
    row: usize,
    plane: u32,
}

impl Collector {
    /// For counts of shape `(rows, cols)`: allocates them all.
    #[must_use]
    pub fn new(rows: usize, cols: usize) -> Self {
        Self { values: vec![0; rows * cols], cols, row: 0, plane: 0 }
    }

    /// Whether all rows are there.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.row == self.values.len()
    }

    /// Takes the next row of bits.
    ///
    /// # Errors
    /// When no more is expected: all rows are there, or this one has 32 planes already.
    pub fn push(&mut self, bits: &[u8]) -> Result<()> {
        if self.is_complete() || self.plane == u32::BITS {
            return Err(Error::corrupt(WHAT, format!("plane {} of a row that has ended", self.plane)));
        }
        let row = &mut self.values[self.row..self.row + self.cols];
        // The sentinel takes the place of the first of eight.
        let (first, rest) = row.split_at_mut(self.cols.min(7));
        or_bits(first, bits[0] << 1, self.plane);
        for (eight, &byte) in rest.chunks_mut(8).zip(&bits[1..]) {
            if byte != 0 {
                or_bits(eight, byte, self.plane);
            }
        }
        self.plane += 1;
        if bits[0] & 0x80 != 0 {
            self.row += self.cols;
            self.plane = 0;
        }
        Ok(())
    }

    /// The counts.
    ///
    /// # Errors
    /// When rows are missing.
    pub fn finish(self) -> Result<Vec<u32>> {
        if !self.is_complete() {
            let reason = format!("{} of {} counts and then no rows of bits", self.row, self.values.len());
            return Err(Error::corrupt(WHAT, reason));
        }
        Ok(self.values)
    }
}

#[inline(always)]
fn or_bits(values: &mut [u32], byte: u8, plane: u32) {
    for (value, shift) in values.iter_mut().zip((0..8).rev()) {
        *value |= u32::from(byte >> shift & 1) << plane;
    }
}

/// The counts of shape `(rows, cols)` of a bitmap.
///
/// # Errors
/// For a bitmap of other columns, or whose sentinels do not end its rows.
pub fn debinarise(bitmap: &Bitmap, rows: usize, cols: usize) -> Result<Vec<u32>> {
    if bitmap.cols() != bit_cols(cols) || bitmap.rows() < rows {
        let reason = format!("({}, {}) bits for ({rows}, {cols}) counts", bitmap.rows(), bitmap.cols());
        return Err(Error::corrupt(WHAT, reason));
    }
    let mut collector = Collector::new(rows, cols);
    bitmap.bytes().chunks_exact(bit_cols(cols).div_ceil(8)).try_for_each(|bits| collector.push(bits))?;
    collector.finish()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn planes_go_from_the_lowest_and_end_with_the_sentinel() {
        let bitmap = binarise(&[5, 0, 2, 0, 0, 0, u32::MAX, 1, 0], 3).unwrap();
        assert_eq!((bitmap.rows(), bitmap.cols()), (3 + 1 + 32, 4));
        assert_eq!(
            bitmap.bytes()[..6],
            [0b0100_0000, 0b0001_0000, 0b1100_0000, 0b1000_0000, 0b0110_0000, 0b0100_0000]
        );
        assert_eq!(bitmap.bytes()[35], 0b1100_0000);
        binarise(&[1, 2, 3], 2).unwrap_err();
    }

    #[test]
    fn sentinels_are_checked() {
        let bits = |rows: &[u8]| Bitmap::new(rows.len(), 4, rows.to_vec()).unwrap();
        assert_eq!(debinarise(&bits(&[0x80, 0xc0]), 2, 3).unwrap(), [0, 0, 0, 1, 0, 0]);
        for (rows, count) in [(&[0x80, 0x40][..], 2), (&[0x80], 2), (&[0x80, 0x80, 0x80], 2), (&[0; 33], 1)] {
            assert!(matches!(debinarise(&bits(rows), count, 3), Err(Error::Corrupt { .. })), "{rows:?}");
        }
        debinarise(&bits(&[0x80]), 1, 4).unwrap_err();
    }

    proptest! {
        #[test]
        fn counts_come_back(rows in 1_usize..9, cols in 1_usize..30, seed: u32) {
            let value = |at: u32| seed.wrapping_mul(at * 2 + 1) >> (at % 40).min(31);
            let values: Vec<u32> = (0..).map(value).take(rows * cols).collect();
            prop_assert_eq!(debinarise(&binarise(&values, cols).unwrap(), rows, cols).unwrap(), values);
        }
    }
}
