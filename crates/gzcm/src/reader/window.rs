//! From decoded tiles to a window: their cells, and their mirror images in a symmetric region.

use std::ops::Range;
use std::sync::Arc;

use rayon::prelude::*;

use super::cache::Decoded;
use super::matrix::Matrix;
use crate::error::Result;
use crate::pixel::{Pixel, read_bits, write_bits};
use crate::tile::{Dtype, Tile};

/// A decoded tile and the cell of the region that its first cell is.
pub(crate) struct Placed {
    pub(crate) row: u64,
    pub(crate) col: u64,
    pub(crate) tile: Arc<Decoded>,
}

/// Which cells of a region are wanted.
#[derive(Debug, Clone)]
pub(crate) struct Window {
    pub(crate) rows: Range<u64>,
    pub(crate) cols: Range<u64>,
    /// Only `col >= row` is stored; the rest is mirrored.
    pub(crate) mirrored: bool,
}

/// Windows of at least so many cells are put together in parallel.
const PARALLEL_CELLS: usize = 1 << 20;

/// The window as a dense matrix.
pub(crate) fn dense(window: &Window, tiles: &[Placed], dtype: Dtype) -> Result<Matrix> {
    let length = |range: &Range<u64>| usize::try_from(range.end - range.start).unwrap_or(usize::MAX);
    let (rows, cols) = (length(&window.rows), length(&window.cols));
    let mut matrix = Matrix::zeros(rows, cols, dtype)?;
    if matrix.bytes.is_empty() {
        return Ok(matrix);
    }
    let bands = if rows * cols < PARALLEL_CELLS { 1 } else { rayon::current_num_threads() * 4 };
    let band_rows = rows.div_ceil(bands).max(1);
    let line = cols * dtype.size_bytes();
    let fill = |(band, bytes): (usize, &mut [u8])| {
        let start = window.rows.start + u64::try_from(band * band_rows).unwrap_or(0);
        let end = start + u64::try_from(bytes.len() / line).unwrap_or(0);
        let band = Window { rows: start..end, ..window.clone() };
        tiles.iter().for_each(|placed| match dtype.size_bytes() {
            1 => paste::<1>(&band, placed, bytes),
            2 => paste::<2>(&band, placed, bytes),
            4 => paste::<4>(&band, placed, bytes),
            _ => paste::<8>(&band, placed, bytes),
        });
    };
    if bands == 1 {
        fill((0, &mut matrix.bytes));
    } else {
        matrix.bytes.par_chunks_mut(band_rows * line).enumerate().for_each(fill);
    }
    Ok(matrix)
}

/// The window's pixels, sorted by `(row, col)`, positions in bins of the region.
pub(crate) fn pixels(window: &Window, tiles: &[Placed]) -> Vec<Pixel> {
    let of_tile = |placed: &Placed| {
        let mut found = Vec::new();
        let mut put = |row: u64, col: u64, bits: u64| {
            let (Ok(at_row), Ok(at_col)) = (u32::try_from(row), u32::try_from(col)) else { return };
            if window.rows.contains(&row) && window.cols.contains(&col) {
                found.push(Pixel { row: at_row, col: at_col, bits });
            }
            if window.mirrored && row != col && window.rows.contains(&col) && window.cols.contains(&row) {
                found.push(Pixel { row: at_col, col: at_row, bits });
            }
        };
        match &*placed.tile {
            Decoded::Sparse(pixels) => {
                pixels
                    .iter()
                    .for_each(|p| put(placed.row + u64::from(p.row), placed.col + u64::from(p.col), p.bits));
            }
            Decoded::Dense(tile) => {
                let size = tile.dtype().size_bytes();
                for (row, line) in (placed.row..).zip(tile.bytes().chunks_exact(tile.cols() * size)) {
                    for (col, element) in (placed.col..).zip(line.chunks_exact(size)) {
                        let bits = read_bits(element);
                        if bits != 0 {
                            put(row, col, bits);
                        }
                    }
                }
            }
        }
        found
    };
    let mut pixels: Vec<Pixel> = tiles.par_iter().flat_map_iter(of_tile).collect();
    pixels.par_sort_unstable();
    pixels
}

/// Puts a tile's cells, and their mirror images, into the rows of the window.
fn paste<const N: usize>(window: &Window, placed: &Placed, out: &mut [u8]) {
    match &*placed.tile {
        Decoded::Sparse(pixels) => paste_pixels::<N>(window, placed, pixels, out),
        Decoded::Dense(tile) => {
            paste_direct::<N>(window, placed, tile, out);
            if window.mirrored {
                paste_mirrored::<N>(window, placed, tile, out);
            }
        }
    }
}

fn paste_pixels<const N: usize>(window: &Window, placed: &Placed, pixels: &[Pixel], out: &mut [u8]) {
    let cols = window.cols.end - window.cols.start;
    let mut put = |row: u64, col: u64, bits: u64| {
        if window.rows.contains(&row) && window.cols.contains(&col) {
            let at = (row - window.rows.start) * cols + (col - window.cols.start);
            let at = usize::try_from(at).unwrap_or(usize::MAX) * N;
            write_bits(bits, &mut out[at..at + N]);
        }
    };
    for pixel in pixels {
        let (row, col) = (placed.row + u64::from(pixel.row), placed.col + u64::from(pixel.col));
        put(row, col, pixel.bits);
        if window.mirrored && row != col {
            put(col, row, pixel.bits);
        }
    }
}

fn overlap(a: &Range<u64>, start: u64, length: usize) -> Range<u64> {
    let end = start.saturating_add(u64::try_from(length).unwrap_or(u64::MAX));
    a.start.max(start)..a.end.min(end)
}

fn place(at: u64, start: u64) -> usize {
    usize::try_from(at - start).unwrap_or(usize::MAX)
}

fn paste_direct<const N: usize>(window: &Window, placed: &Placed, tile: &Tile<'_>, out: &mut [u8]) {
    let (rows, cols) =
        (overlap(&window.rows, placed.row, tile.rows()), overlap(&window.cols, placed.col, tile.cols()));
    let line = place(window.cols.end, window.cols.start);
    for row in rows {
        // Below the diagonal, the diagonal's tiles hold nothing of their own.
        let start = if window.mirrored { cols.start.max(row) } else { cols.start };
        if start >= cols.end {
            continue;
        }
        let length = place(cols.end, start) * N;
        let from = (place(row, placed.row) * tile.cols() + place(start, placed.col)) * N;
        let to = (place(row, window.rows.start) * line + place(start, window.cols.start)) * N;
        out[to..to + length].copy_from_slice(&tile.bytes()[from..from + length]);
    }
}

fn paste_mirrored<const N: usize>(window: &Window, placed: &Placed, tile: &Tile<'_>, out: &mut [u8]) {
    let (rows, cols) =
        (overlap(&window.rows, placed.col, tile.cols()), overlap(&window.cols, placed.row, tile.rows()));
    if rows.is_empty() || cols.is_empty() {
        return;
    }
    let line = place(window.cols.end, window.cols.start);
    let (elements, _) = tile.bytes().as_chunks::<N>();
    let (out, _) = out.as_chunks_mut::<N>();
    // Blocks keep both the rows that are read and those that are written in the cache.
    let mut block = rows.start;
    while block < rows.end {
        let block_end = rows.end.min(block + 16);
        for col in cols.clone() {
            let until = if placed.row == placed.col { block.max(col + 1) } else { block };
            let from = &elements[place(col, placed.row) * tile.cols()..];
            for row in until..block_end {
                out[place(row, window.rows.start) * line + place(col, window.cols.start)] =
                    from[place(row, placed.col)];
            }
        }
        block = block_end;
    }
}
