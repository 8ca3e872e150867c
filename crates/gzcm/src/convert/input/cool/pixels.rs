//! The contacts of a rectangle of a `.cool` matrix, read window by window.

use std::ops::Range;

use super::Matrix;
use crate::convert::input::BATCH_PIXELS;
use crate::convert::pixel::Pixel;
use crate::error::Result;

/// How many rows' offsets are read at once.
const WINDOW_ROWS: u32 = 1 << 14;

/// An iterator over batches of contacts.
pub(super) struct Pixels<'a> {
    matrix: &'a Matrix,
    rows: Range<u32>,
    cols: Range<u32>,
    /// What is taken off rows and columns.
    shift: (u32, u32),
    /// Where the contacts of the window's rows begin: of row `rows.start` first, and one more at the end.
    offsets: Vec<u64>,
    /// The row that the next contact belongs to, counted within the window.
    row: usize,
    /// The next contact.
    at: u64,
    /// The column of the last contact and its row, to see that they are in order.
    last: Option<(u32, i64)>,
    failed: bool,
}

impl<'a> Pixels<'a> {
    /// Rows and columns are counted over all chromosomes.
    pub(super) const fn new(
        matrix: &'a Matrix,
        rows: Range<u32>,
        cols: Range<u32>,
        shift: (u32, u32),
    ) -> Self {
        Self { matrix, rows, cols, shift, offsets: Vec::new(), row: 0, at: 0, last: None, failed: false }
    }

    /// The rows of the window whose offsets are held.
    fn window_rows(&self) -> u32 {
        u32::try_from(self.offsets.len().saturating_sub(1)).unwrap_or(0)
    }

    /// Reads the offsets of the next rows; whether there are any.
    fn next_window(&mut self) -> Result<bool> {
        self.rows.start += self.window_rows();
        self.offsets.clear();
        if self.rows.is_empty() || self.cols.is_empty() {
            return Ok(false);
        }
        let rows = (self.rows.end - self.rows.start).min(WINDOW_ROWS);
        let column = &self.matrix.bin1_offset;
        let offsets = column.offsets(self.rows.start.into(), u64::from(rows) + 1)?;
        let n_pixels = self.matrix.bin2.len();
        if let Some(at) = offsets.windows(2).position(|pair| pair[0] > pair[1] || pair[1] > n_pixels) {
            let reason = format!("{} is followed by {} of {n_pixels} pixels", offsets[at], offsets[at + 1]);
            return Err(column.corrupt(u64::from(self.rows.start) + at as u64, reason));
        }
        (self.at, self.row, self.offsets) = (offsets[0], 0, offsets);
        Ok(true)
    }

    fn next_batch(&mut self) -> Result<Option<Vec<Pixel>>> {
        loop {
            let end = self.offsets.last().copied().unwrap_or(0);
            if self.at >= end {
                if !self.next_window()? {
                    return Ok(None);
                }
                continue;
            }
            let len = (end - self.at).min(BATCH_PIXELS as u64);
            let cols = self.matrix.bin2.integers(self.at, len)?;
            let wanted = i64::from(self.cols.start)..i64::from(self.cols.end);
            // Of a pair of chromosomes far apart, most windows hold nothing: their counts are not read.
            let mut kept = Vec::new();
            for (index, col) in (0_u64..).zip(&cols) {
                while self.offsets[self.row + 1] <= self.at + index {
                    self.row += 1;
                }
                let row = self.rows.start + u32::try_from(self.row).unwrap_or(u32::MAX);
                let after = self.last.is_none_or(|(last_row, last)| last_row != row || last < *col);
                if !after || *col < i64::from(row) {
                    let reason = format!("column {col} of row {row} is out of order or below the diagonal");
                    return Err(self.matrix.bin2.corrupt(self.at + index, reason));
                }
                self.last = Some((row, *col));
                if wanted.contains(col) {
                    kept.push((index, row));
                }
            }
            let start = self.at;
            self.at += len;
            let (Some(first), Some(last)) = (kept.first(), kept.last()) else { continue };
            let counts = self.matrix.count.numbers(start + first.0, last.0 - first.0 + 1)?;
            let first = first.0;
            let mut pixels = Vec::with_capacity(kept.len());
            for (index, row) in kept {
                let position = |index: u64| usize::try_from(index).unwrap_or(usize::MAX);
                let (col, count) = (cols[position(index)], counts[position(index - first)]);
                let bin2 = u32::try_from(col).unwrap_or(u32::MAX) - self.shift.1;
                pixels.push(Pixel { bin1: row - self.shift.0, bin2, count });
            }
            return Ok(Some(pixels));
        }
    }
}

impl Iterator for Pixels<'_> {
    type Item = Result<Vec<Pixel>>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.failed {
            return None;
        }
        let batch = self.next_batch();
        self.failed = batch.is_err();
        batch.transpose()
    }
}
