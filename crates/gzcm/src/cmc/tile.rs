//! The payload of a tile.

use super::WHAT;
use super::binarise::{Collector, bit_cols, each_plane};
use super::diagonal::DiagonalMode;
use super::mask;
use super::params::{Params, push_varint, read_varint};
use super::select::{Survey, Triangle, fewest_planes};
use crate::error::{Error, Result};
use crate::jbig::{ScanDecoder, ScanEncoder};
use crate::tile::{Dtype, Tile};

/// The number of the arithmetic coder of JBIG1 on the wire.
const JBIG: u8 = 0;

/// A coder of bytes that takes the place of JBIG1 behind the transforms. The bytes are the rows of bits, each of
/// `(cols + 1).div_ceil(8)` bytes.
pub trait BitsCoder {
    /// Its number on the wire: 1 is zstd, 2 is libbsc; 0 is JBIG1's, which is no coder of bytes.
    fn number(&self) -> u8;

    /// The bytes, coded.
    ///
    /// # Errors
    /// When the coder fails.
    fn encode(&self, bits: &[u8]) -> Result<Vec<u8>>;

    /// What was coded, which must be `size_bytes` exactly; no more may be allocated.
    ///
    /// # Errors
    /// For what is not so many bytes, coded.
    fn decode(&self, coded: &[u8], size_bytes: usize) -> Result<Vec<u8>>;
}

/// The payload of a tile of shape `(rows, cols)`, row-major, coded by JBIG1's arithmetic coder.
///
/// # Errors
/// [`Error::Invalid`] when the sides are out of bounds or there are not `rows * cols` values.
pub fn encode_tile(values: &[u32], rows: usize, cols: usize) -> Result<Vec<u8>> {
    let (mut payload, prepared) = start(values, rows, cols, JBIG)?;
    if let Some(Prepared { values, cols }) = prepared {
        let mut scan = ScanEncoder::new(bit_cols(cols));
        each_plane(&values, cols, |bits| scan.push_row(bits));
        let coded = scan.end_stripe();
        push_varint(&mut payload, coded.len());
        payload.extend(coded);
    }
    Ok(payload)
}

/// The tile of shape `(rows, cols)` of a payload of [`encode_tile`].
///
/// # Errors
/// [`Error::Corrupt`] or [`Error::Unsupported`] for other bytes. Allocated is what the tile needs, a few times over; coded bits read
/// are at most 32 a count.
pub fn decode_tile(payload: &[u8], rows: usize, cols: usize) -> Result<Vec<u32>> {
    read(payload, rows, cols, JBIG, |rest, rows, cols| {
        let (length, coded) = read_varint(rest)?;
        if coded.len() != length {
            let reason = format!("{} coded bytes where {length} are declared", coded.len());
            return Err(Error::corrupt(WHAT, reason));
        }
        let mut scan = ScanDecoder::new(bit_cols(cols), coded);
        let mut collector = Collector::new(rows, cols);
        while !collector.is_complete() {
            collector.push(scan.next_row())?;
        }
        if !scan.has_read_all() {
            return Err(Error::corrupt(WHAT, "coded bytes behind the last row"));
        }
        collector.finish()
    })
}

/// As [`encode_tile`], with a coder of bytes.
///
/// # Errors
/// As for [`encode_tile`], and those of the coder.
pub fn encode_tile_with(values: &[u32], rows: usize, cols: usize, coder: &impl BitsCoder) -> Result<Vec<u8>> {
    let (mut payload, prepared) = start(values, rows, cols, coder.number())?;
    if let Some(Prepared { values, cols }) = prepared {
        let (mut bits, mut bit_rows) = (Vec::new(), 0);
        each_plane(&values, cols, |row| {
            bits.extend_from_slice(row);
            bit_rows += 1;
        });
        push_varint(&mut payload, bit_rows);
        payload.extend(coder.encode(&bits)?);
    }
    Ok(payload)
}

/// The tile of shape `(rows, cols)` of a payload of [`encode_tile_with`].
///
/// # Errors
/// As for [`decode_tile`], and those of the coder.
pub fn decode_tile_with(
    payload: &[u8],
    rows: usize,
    cols: usize,
    coder: &impl BitsCoder,
) -> Result<Vec<u32>> {
    read(payload, rows, cols, coder.number(), |rest, rows, cols| {
        let (bit_rows, coded) = read_varint(rest)?;
        if bit_rows < rows || bit_rows > rows * 32 {
            let reason = format!("{bit_rows} rows of bits for {rows} rows of counts");
            return Err(Error::corrupt(WHAT, reason));
        }
        let stride = bit_cols(cols).div_ceil(8);
        let bits = coder.decode(coded, bit_rows * stride)?;
        if bits.len() != bit_rows * stride {
            return Err(Error::corrupt(WHAT, format!("{} bytes are not {bit_rows} rows", bits.len())));
        }
        let mut collector = Collector::new(rows, cols);
        bits.chunks_exact(stride).try_for_each(|row| collector.push(row))?;
        collector.finish()
    })
}

/// Counts in the order of their coding.
struct Prepared {
    values: Vec<u32>,
    cols: usize,
}

/// The payload up to what is coded, and that; nothing for a tile of zeros.
fn start(values: &[u32], rows: usize, cols: usize, coder: u8) -> Result<(Vec<u8>, Option<Prepared>)> {
    Tile::size_bytes(rows, cols, Dtype::U32)?;
    if values.len() != rows * cols {
        return Err(Error::invalid(WHAT, format!("{} values for ({rows}, {cols})", values.len())));
    }
    let mut survey = Survey::new(values, rows, cols);
    if survey.nonzero == 0 {
        return Ok((vec![Params::byte(None, coder)], None));
    }
    let triangular = survey.triangle != Triangle::Full;
    if triangular {
        // One mask for both, so that the diagonal stays where it is.
        survey.rows.iter_mut().zip(&survey.cols).for_each(|(row, &col)| *row |= col);
        survey.cols.clone_from(&survey.rows);
    }
    let pays = survey.mask_pays();
    let row_mask = pays && survey.rows.contains(&false);
    let col_mask = pays && survey.cols.contains(&false);
    let kept;
    let (mut values, mut rows, mut cols) = (values, rows, cols);
    if row_mask || col_mask {
        kept = take(values, cols, row_mask.then_some(&survey.rows), col_mask.then_some(&survey.cols));
        values = &kept;
        if col_mask {
            cols = survey.cols.iter().filter(|&&kept| kept).count();
        }
        rows = values.len() / cols;
    }
    let (mode, transformed) = if triangular {
        (DiagonalMode::Upper, DiagonalMode::Upper.forward(values, rows, cols)?)
    } else {
        fewest_planes(values, rows, cols)?
    };
    let mirrored = survey.triangle == Triangle::Mirrored;
    let params = Params { mode, row_mask, col_mask: col_mask && !triangular, mirrored };
    let mut payload = vec![Params::byte(Some(params), coder)];
    if params.row_mask {
        payload.extend(mask::encode(&survey.rows));
    }
    if params.col_mask {
        payload.extend(mask::encode(&survey.cols));
    }
    Ok((payload, Some(Prepared { values: transformed, cols })))
}

/// The tile of a payload whose coded part `decode` reads: given the bytes and the shape `(rows, cols)` of the counts in them.
fn read(
    payload: &[u8],
    rows: usize,
    cols: usize,
    coder: u8,
    decode: impl FnOnce(&[u8], usize, usize) -> Result<Vec<u32>>,
) -> Result<Vec<u32>> {
    Tile::size_bytes(rows, cols, Dtype::U32)?;
    let (&byte, mut rest) = payload.split_first().ok_or_else(|| Error::corrupt(WHAT, "no bytes"))?;
    let Some(params) = Params::read(byte, coder)? else {
        if !rest.is_empty() {
            return Err(Error::corrupt(WHAT, "bytes behind a tile of zeros"));
        }
        return Ok(vec![0; rows * cols]);
    };
    let mut read_mask = |is_there: bool, length: usize| {
        if !is_there {
            return Ok(None);
        }
        let (mask, size_bytes) = mask::decode(rest, length)?;
        rest = &rest[size_bytes..];
        if mask.contains(&true) {
            Ok(Some(mask))
        } else {
            Err(Error::corrupt(WHAT, "a mask that keeps nothing"))
        }
    };
    // The shape that the diagonal transform is of must be known before the masks are read.
    params.mode.shape(rows, cols)?;
    let row_mask = read_mask(params.row_mask, rows)?;
    let col_mask =
        if params.mode == DiagonalMode::Upper { row_mask.clone() } else { read_mask(params.col_mask, cols)? };
    let kept = |mask: &Option<Vec<bool>>, side: usize| {
        mask.as_ref().map_or(side, |mask| mask.iter().filter(|&&kept| kept).count())
    };
    let (inner_rows, inner_cols) = (kept(&row_mask, rows), kept(&col_mask, cols));
    let (coded_rows, coded_cols) = params.mode.shape(inner_rows, inner_cols)?;
    let transformed = decode(rest, coded_rows, coded_cols)?;
    let mut values = params.mode.inverse(transformed, inner_rows, inner_cols)?;
    if row_mask.is_some() || col_mask.is_some() {
        values = put(&values, rows, cols, row_mask.as_deref(), col_mask.as_deref());
    }
    if params.mirrored {
        mirror(&mut values, rows);
    }
    Ok(values)
}

/// The cells of the rows and columns that the masks keep.
fn take(values: &[u32], cols: usize, row_mask: Option<&Vec<bool>>, col_mask: Option<&Vec<bool>>) -> Vec<u32> {
    let mut kept = Vec::with_capacity(values.len());
    for (at, row) in values.chunks_exact(cols).enumerate() {
        if row_mask.is_some_and(|mask| !mask[at]) {
            continue;
        }
        match col_mask {
            None => kept.extend_from_slice(row),
            Some(mask) => kept.extend(row.iter().zip(mask).filter(|cell| *cell.1).map(|cell| *cell.0)),
        }
    }
    kept
}

/// The opposite of [`take`]: zeros elsewhere.
fn put(
    kept: &[u32],
    rows: usize,
    cols: usize,
    row_mask: Option<&[bool]>,
    col_mask: Option<&[bool]>,
) -> Vec<u32> {
    let mut values = vec![0; rows * cols];
    let mut kept = kept.iter();
    for (at, row) in values.chunks_exact_mut(cols).enumerate() {
        if row_mask.is_none_or(|mask| mask[at]) {
            let cells = row.iter_mut().enumerate().filter(|(col, _)| col_mask.is_none_or(|mask| mask[*col]));
            cells.zip(&mut kept).for_each(|((_, cell), &value)| *cell = value);
        }
    }
    values
}

/// Copies what is above the diagonal of a square below it.
fn mirror(values: &mut [u32], side: usize) {
    for row in 1..side {
        for col in 0..row {
            values[row * side + col] = values[col * side + row];
        }
    }
}

#[cfg(test)]
#[path = "tile_tests.rs"]
mod tests;
