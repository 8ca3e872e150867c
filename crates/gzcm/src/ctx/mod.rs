//! A tile codec by context mixing, made for contact counts: each count is coded by an adaptive model of what the cells before it in
//! the tile let expect. A tile knows of no other. Integers only, so that every machine decodes the same. The format, byte for byte, is
//! in `docs/gzcm-ctx.md`.

mod coder;
mod count;
mod expect;
mod predict;
mod shape;
mod tables;

use crate::error::{Error, Result};
use crate::tile::MAX_TILE_SIDE;
use coder::{Binary, Decoder, Encoder};
use expect::Expecter;
use predict::Predictor;
use shape::{Kept, Kind};

const WHAT: &str = "ctx";

/// The payload of a tile of counts, `(rows, cols)`, row-major.
///
/// Tiles that are zero below the diagonal or symmetric are found out and coded by their upper half; rows and columns without counts
/// are left out where that pays.
///
/// # Errors
/// When a side is 0 or above [`MAX_TILE_SIDE`], or there are not `rows * cols` values.
pub fn encode(values: &[u32], rows: usize, cols: usize) -> Result<Vec<u8>> {
    check_sides(rows, cols)?;
    if values.len() != rows * cols {
        return Err(Error::invalid(WHAT, format!("{} values in a tile of ({rows}, {cols})", values.len())));
    }
    let kind = Kind::of(values, rows, cols);
    if kind == Kind::Zero {
        return Ok(vec![kind.byte(false)]);
    }
    let kept = Kept::of(values, rows, cols, kind);
    let mut coder = Encoder::new(vec![kind.byte(kept.is_some()), 0]);
    let kept = match kept {
        Some(mut kept) => {
            kept.code(&mut coder, kind);
            kept
        }
        None => Kept::all(rows, cols),
    };
    code_cells(&mut coder, kind, &kept, rows, |_| false, |row, col, _| values[row * cols + col]);
    let mut payload = coder.finish();
    // The length's low byte, so that a payload that was cut short is known as such.
    payload[1] = payload.len().to_le_bytes()[0];
    Ok(payload)
}

/// The tile of a payload, row-major.
///
/// # Errors
/// When a side is 0 or above [`MAX_TILE_SIDE`]; [`Error::Corrupt`] for what no encoder wrote for a tile of this shape.
pub fn decode(payload: &[u8], rows: usize, cols: usize) -> Result<Vec<u32>> {
    check_sides(rows, cols)?;
    let corrupt = |reason: &str| Error::corrupt(WHAT, reason);
    let (&first, rest) = payload.split_first().ok_or_else(|| corrupt("empty"))?;
    let (kind, masked) = Kind::read(first).ok_or_else(|| corrupt("an unknown kind of tile"))?;
    if kind == Kind::Zero {
        return if rest.is_empty() {
            Ok(vec![0; rows * cols])
        } else {
            Err(corrupt("bytes behind a tile of zeros"))
        };
    }
    if kind != Kind::Full && rows != cols {
        return Err(corrupt("half a tile that is not square"));
    }
    let (&length, stream) = rest.split_first().ok_or_else(|| corrupt("cut short"))?;
    if length != payload.len().to_le_bytes()[0] {
        return Err(corrupt("of another length than it was written with"));
    }
    let mut coder = Decoder::new(stream);
    let mut kept = Kept::all(rows, cols);
    if masked {
        kept.code(&mut coder, kind);
    }
    let mut values = vec![0; rows * cols];
    code_cells(&mut coder, kind, &kept, rows, Decoder::beyond, |row, col, count| {
        values[row * cols + col] = count;
        if kind == Kind::Symmetric {
            values[col * cols + row] = count;
        }
        count
    });
    if !coder.at_end() {
        return Err(corrupt("the stream does not end where the tile does"));
    }
    Ok(values)
}

fn check_sides(rows: usize, cols: usize) -> Result<()> {
    if rows == 0 || cols == 0 || rows > MAX_TILE_SIDE || cols > MAX_TILE_SIDE {
        return Err(Error::invalid(WHAT, format!("({rows}, {cols}): each side is 1 to {MAX_TILE_SIDE}")));
    }
    Ok(())
}

/// Codes the kept cells, row by row. An encoder's `cell` gives the count to code; a decoder's stores the one that was decoded: it is
/// called with 0 first and what it gives is ignored, then with the count. Stops when `beyond` says that the input is at its end.
fn code_cells<B: Binary>(
    coder: &mut B,
    kind: Kind,
    kept: &Kept,
    rows: usize,
    beyond: impl Fn(&B) -> bool,
    mut cell: impl FnMut(usize, usize, u32) -> u32,
) {
    let half = kind != Kind::Full;
    let cols = kept.cols.iter().max().map_or(0, |last| last + 1);
    let mut expecter = Expecter::new(kept.rows.len(), kept.cols.len(), rows + cols);
    let mut predictor = Predictor::new();
    for (i, &row) in kept.rows.iter().enumerate() {
        expecter.begin_row(half.then_some(i));
        if beyond(coder) {
            return;
        }
        for (j, &col) in kept.cols.iter().enumerate().skip(if half { i } else { 0 }) {
            expecter.begin(&mut predictor, i, j, col + rows - row);
            let count = count::code(&mut predictor, coder, cell(row, col, 0));
            cell(row, col, count);
            expecter.end(count, j, half.then_some((j, i)));
        }
    }
}

#[cfg(test)]
mod tests;
