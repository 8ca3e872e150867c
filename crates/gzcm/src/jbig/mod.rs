//! Bi-level images in the single-layer profile of JBIG1: ITU-T T.85, which is ITU-T T.82 (ISO/IEC 11544) with one resolution layer,
//! one bit plane, and the adaptive pixel in the current line at most.
//!
//! [`encode`] writes whole images with a header; [`ScanEncoder`] and [`ScanDecoder`] have the arithmetic coded data of one
//! stripe alone, row by row, for those who know the shape.

mod bie;
mod coder;
mod rows;
mod scan;
mod states;

use std::borrow::Cow;

use crate::error::{Error, Result};
use bie::{ESCAPE, Header, Layout, SDNORM, WHAT};
use rows::Shape;
pub use rows::Template;
pub use scan::{ScanDecoder, ScanEncoder};

/// The rows of a stripe that encoders for facsimile take (T.85 clause 7), and [`encode`] too.
pub const ROWS_PER_STRIPE: u32 = 128;

/// A bi-level image of shape `(rows, cols)`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bitmap {
    rows: usize,
    cols: usize,
    bytes: Vec<u8>,
}

impl Bitmap {
    /// An image of its pixels: each row from a byte of its own, most significant bit first. Bits behind the last pixel of a row
    /// are cleared.
    ///
    /// # Errors
    /// When a side is 0 or more than `u32::MAX`, or the number of bytes is not `rows * cols.div_ceil(8)`.
    pub fn new(rows: usize, cols: usize, mut bytes: Vec<u8>) -> Result<Self> {
        let sides = [rows, cols].map(|side| u32::try_from(side).unwrap_or(0));
        if sides.contains(&0) || rows.checked_mul(cols.div_ceil(8)) != Some(bytes.len()) {
            let reason = format!("({rows}, {cols}) pixels in {} bytes", bytes.len());
            return Err(Error::invalid("bitmap", reason));
        }
        let spare_bits = cols.div_ceil(8) * 8 - cols;
        for last in bytes.iter_mut().skip(cols.div_ceil(8) - 1).step_by(cols.div_ceil(8)) {
            *last &= 0xff << spare_bits;
        }
        Ok(Self { rows, cols, bytes })
    }

    /// The number of rows.
    #[must_use]
    pub const fn rows(&self) -> usize {
        self.rows
    }

    /// The number of columns.
    #[must_use]
    pub const fn cols(&self) -> usize {
        self.cols
    }

    /// The pixels: `rows * cols.div_ceil(8)` bytes.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }
}

/// What a decoder may be made to hold.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// The most bytes of [`Bitmap::bytes`].
    pub bitmap_bytes: usize,
}

impl Limits {
    fn check(&self, rows: u32, cols: u32) -> Result<usize> {
        let bytes = u64::from(rows) * u64::from(cols.div_ceil(8));
        let fits = usize::try_from(bytes).ok().filter(|&bytes| bytes <= self.bitmap_bytes);
        fits.ok_or_else(|| {
            let reason =
                format!("({rows}, {cols}) pixels are {bytes} bytes, allowed are {}", self.bitmap_bytes);
            Error::corrupt(WHAT, reason)
        })
    }
}

/// Writes an image as a T.85 bi-level image entity: template of three lines, no typical prediction, the adaptive pixel at home,
/// stripes of [`ROWS_PER_STRIPE`] rows.
#[must_use]
pub fn encode(bitmap: &Bitmap) -> Vec<u8> {
    encode_striped(bitmap, ROWS_PER_STRIPE)
}

/// As [`encode`], with stripes of `rows_per_stripe` rows, at least 1; `u32::MAX` makes one stripe of all.
#[must_use]
pub fn encode_striped(bitmap: &Bitmap, rows_per_stripe: u32) -> Vec<u8> {
    let rows_per_stripe = rows_per_stripe.max(1);
    let side = |side: usize| u32::try_from(side).unwrap_or(u32::MAX);
    let mut out = Vec::new();
    Header::new(side(bitmap.rows), side(bitmap.cols), rows_per_stripe).write(&mut out);
    let stride = bitmap.cols.div_ceil(8);
    let stripe_bytes = usize::try_from(rows_per_stripe).unwrap_or(usize::MAX).saturating_mul(stride);
    let mut scan = ScanEncoder::new(bitmap.cols);
    for stripe in bitmap.bytes.chunks(stripe_bytes) {
        for row in stripe.chunks(stride) {
            scan.push_row(row);
        }
        for byte in scan.end_stripe() {
            out.push(byte);
            if byte == ESCAPE {
                out.push(0);
            }
        }
        out.extend([ESCAPE, SDNORM]);
    }
    out
}

/// Reads a T.85 bi-level image entity: either template, with or without typical prediction, moved adaptive pixels, any stripes,
/// comments, new lengths.
///
/// # Errors
/// [`Error::Corrupt`] for bytes that are no such entity or are more than `limits` allow, [`Error::Unsupported`] for what T.82 has
/// beyond T.85: several layers or planes, private tables, adaptive pixels in other rows.
pub fn decode(bytes: &[u8], limits: &Limits) -> Result<Bitmap> {
    let Layout { header, stripes } = Layout::read(bytes, limits)?;
    let mut pixels = Vec::with_capacity(limits.check(header.rows, header.cols)?);
    let cols = usize::try_from(header.cols).unwrap_or(usize::MAX);
    let mut state = scan::State::new(cols);
    let mut shape = Shape { template: header.template(), shift: 0 };
    let mut is_typical = false;
    let mut rows_left = header.rows;
    for stripe in &stripes {
        let data = unstuffed(&bytes[stripe.data.clone()]);
        let mut coder = coder::Decoder::new(&data);
        let mut moves = stripe.moves.iter().peekable();
        let rows = rows_left.min(header.rows_per_stripe);
        for row in 0..rows {
            if let Some((_, shift)) = moves.next_if(|(at, _)| *at == row) {
                shape.shift = *shift;
            }
            if header.typical_prediction() {
                let cell = &mut state.contexts[shape.template.typical_context()];
                is_typical ^= coder.decode(cell) == 0;
            }
            if is_typical {
                state.repeat_row();
            } else {
                state.decode_row(&mut coder, shape);
            }
            pixels.extend_from_slice(state.last_row());
        }
        rows_left -= rows;
        if stripe.resets {
            state = scan::State::new(cols);
            shape.shift = 0;
            is_typical = false;
        }
    }
    Ok(Bitmap { rows: usize::try_from(header.rows).unwrap_or(usize::MAX), cols, bytes: pixels })
}

/// Coded data without the bytes that were stuffed.
fn unstuffed(data: &[u8]) -> Cow<'_, [u8]> {
    if !data.contains(&ESCAPE) {
        return Cow::Borrowed(data);
    }
    let mut after_escape = false;
    let keep = data.iter().copied().filter(|&byte| {
        let stuffed = std::mem::replace(&mut after_escape, byte == ESCAPE);
        !stuffed
    });
    Cow::Owned(keep.collect())
}

#[cfg(test)]
mod tests;
