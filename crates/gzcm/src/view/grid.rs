//! A window of a matrix, averaged until it fits a picture.

use crate::error::{Error, Result};
use crate::pixel::number_of;
use crate::query::Window;
use crate::reader::Reader;

/// Columns that are read at once, in bins: what bounds the memory of a wide window.
const BLOCK_BINS: u64 = 8192;

/// Means over squares of bins: shape `(rows, cols)`, row-major.
pub(super) struct Grid {
    pub(super) rows: usize,
    pub(super) cols: usize,
    pub(super) values: Vec<f64>,
    /// The bins of a side of a cell; those at the end have fewer.
    pub(super) cell_bins: u64,
}

impl Grid {
    /// Averages a window to at most `side` cells each way; the rows of a turned window become columns.
    #[expect(clippy::cast_precision_loss, reason = "bins of a cell are few")]
    pub(super) fn read(reader: &Reader, window: &Window, side: usize) -> Result<Self> {
        let entry = &reader.catalog().regions[window.region];
        let (n_rows, n_cols) = (window.rows.end - window.rows.start, window.cols.end - window.cols.start);
        if n_rows == 0 || n_cols == 0 {
            return Err(Error::invalid("view", "the window is empty"));
        }
        let wide_side = u64::try_from(side.max(1)).unwrap_or(u64::MAX);
        let cell_bins = n_rows.max(n_cols).div_ceil(wide_side);
        let cells = |bins: u64| usize::try_from(bins.div_ceil(cell_bins)).unwrap_or(usize::MAX);
        let (rows, cols) = (cells(n_rows), cells(n_cols));
        let mut values = vec![0.0; rows * cols];
        let mut add = |row: u64, col: u64, value: f64| {
            let cell = |bin: u64| usize::try_from(bin / cell_bins).unwrap_or(usize::MAX);
            values[cell(row) * cols + cell(col)] += value;
        };
        // Of a square on the diagonal one triangle is read and mirrored here, so that no tile is decoded twice.
        let mirrored = window.is_symmetric(&entry.region);
        let tall = entry.plan.tile_side();
        let wide = BLOCK_BINS.next_multiple_of(tall);
        let mut row = window.rows.start;
        while row < window.rows.end {
            let row_end = (row / tall + 1).saturating_mul(tall).min(window.rows.end);
            let mut col = if mirrored { row } else { window.cols.start };
            while col < window.cols.end {
                let col_end = (col / tall).saturating_mul(tall).saturating_add(wide).min(window.cols.end);
                for pixel in reader.pixels(window.region, row..row_end, col..col_end)? {
                    let (at_row, at_col) = (u64::from(pixel.row), u64::from(pixel.col));
                    let value = number_of(pixel.bits, entry.region.dtype);
                    let (at_row, at_col) = (at_row - window.rows.start, at_col - window.cols.start);
                    if !mirrored {
                        add(at_row, at_col, value);
                    } else if at_col >= at_row {
                        add(at_row, at_col, value);
                        if at_col > at_row {
                            add(at_col, at_row, value);
                        }
                    }
                }
                col = col_end;
            }
            row = row_end;
        }
        let bins = |cell: usize, all: u64| {
            let start = u64::try_from(cell).unwrap_or(u64::MAX).saturating_mul(cell_bins);
            all.saturating_sub(start).min(cell_bins).max(1) as f64
        };
        for (at, value) in values.iter_mut().enumerate() {
            *value /= bins(at / cols, n_rows) * bins(at % cols, n_cols);
        }
        let grid = Self { rows, cols, values, cell_bins };
        Ok(if window.turned { grid.transposed() } else { grid })
    }

    fn transposed(&self) -> Self {
        let turned = (0..self.cols).flat_map(|col| (0..self.rows).map(move |row| row * self.cols + col));
        let values = turned.map(|at| self.values[at]).collect();
        Self { rows: self.cols, cols: self.rows, values, cell_bins: self.cell_bins }
    }

    /// The value that so large a part (0 to 1) of the values above zero does not exceed; 1 when there are none.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        clippy::cast_precision_loss,
        reason = "a place in a list"
    )]
    pub(super) fn quantile(&self, part: f64) -> f64 {
        let mut above: Vec<f64> = self.values.iter().copied().filter(|value| *value > 0.0).collect();
        above.retain(|value| value.is_finite());
        above.sort_unstable_by(f64::total_cmp);
        let at = (above.len().saturating_sub(1) as f64 * part) as usize;
        above.get(at).copied().unwrap_or(1.0)
    }
}
