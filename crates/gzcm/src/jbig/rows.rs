//! Rows of pixels and the ten-pixel templates that give their contexts (T.82 figures 14 and 15, T.85 clause 6).
//!
//! A row of work is its pixels, most significant bit first, between one byte of zeros at each side, so that a window of three
//! bytes never leaves it; bits right of the last pixel are 0. The number of a context has the pixels of the template from the top
//! left to the bottom right as its bits, the nearest on the left in bit 0:
//!
//! ```text
//! three lines   . 9 8 7 .     two lines   . . . . . . .
//!               6 5 4 3 A                 9 8 7 6 5 A .
//!               1 0 x                     3 2 1 0 x
//! ```
//!
//! A is the adaptive pixel, bit 2 or bit 4: at home two columns to the right in the row above. An encoder may have moved it to
//! the row being coded, `shift` columns to the left of x.

use super::coder::{Contexts, Decoder, Encoder};

/// The lines of the template.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Template {
    /// Three lines, the default.
    #[default]
    Three,
    /// Two lines (the option LRLTWO): no reference to the line before the last.
    Two,
}

impl Template {
    /// The context of the decision "this line differs in kind from the one above" of typical prediction (T.82 figures 8 and 9).
    pub(super) const fn typical_context(self) -> usize {
        match self {
            Self::Three => 0x0e5,
            Self::Two => 0x195,
        }
    }
}

/// A row of work for `cols` pixels.
pub(super) fn blank(cols: usize) -> Vec<u8> {
    vec![0; cols.div_ceil(8) + 2]
}

/// The rows that a row is coded by: the two above it, the nearer one second.
pub(super) struct Above<'a> {
    pub(super) far: &'a [u8],
    pub(super) near: &'a [u8],
}

/// How the contexts of the rows of a stripe are made.
#[derive(Debug, Clone, Copy)]
pub(super) struct Shape {
    pub(super) template: Template,
    /// Where the adaptive pixel is: 0 at home, else so many columns to the left in the row itself.
    pub(super) shift: usize,
}

/// Codes the `cols` pixels of `row`, a row of work.
pub(super) fn encode(coder: &mut Encoder, contexts: &mut Contexts, above: &Above, row: &[u8], cols: usize) {
    let mut left = 0;
    let (mut far, mut near) = (start(above.far), start(above.near));
    for (index, bits) in bytes_of(cols) {
        far = slide(far, above.far, index);
        near = slide(near, above.near, index);
        let byte = u32::from(row[index]);
        for pixel in 0..bits {
            let cell = &mut contexts[context::<true>(far, near, left, pixel)];
            let bit = byte >> (7 - pixel) & 1;
            coder.encode(cell, bit);
            left = left << 1 | bit;
        }
    }
}

/// Decodes the `cols` pixels of a row into `row`, a row of work.
pub(super) fn decode(
    coder: &mut Decoder,
    contexts: &mut Contexts,
    shape: Shape,
    above: &Above,
    row: &mut [u8],
    cols: usize,
) {
    match shape {
        Shape { shift: 1.., .. } => decode_moved(coder, contexts, shape, above, row, cols),
        Shape { template: Template::Three, .. } => decode_at_home::<true>(coder, contexts, above, row, cols),
        Shape { template: Template::Two, .. } => decode_at_home::<false>(coder, contexts, above, row, cols),
    }
}

fn decode_at_home<const THREE: bool>(
    coder: &mut Decoder,
    contexts: &mut Contexts,
    above: &Above,
    row: &mut [u8],
    cols: usize,
) {
    let mut left = 0;
    let (mut far, mut near) = (start(above.far), start(above.near));
    for (index, bits) in bytes_of(cols) {
        far = slide(far, above.far, index);
        near = slide(near, above.near, index);
        for pixel in 0..bits {
            let cell = &mut contexts[context::<THREE>(far, near, left, pixel)];
            left = left << 1 | coder.decode(cell);
        }
        row[index] = (left << (8 - bits)).to_le_bytes()[0];
    }
}

/// As [`decode_at_home`], with the adaptive pixel in the row itself: rare, so it is not made fast.
fn decode_moved(
    coder: &mut Decoder,
    contexts: &mut Contexts,
    shape: Shape,
    above: &Above,
    row: &mut [u8],
    cols: usize,
) {
    let mut left = 0;
    let (mut far, mut near) = (start(above.far), start(above.near));
    row.fill(0);
    for (index, bits) in bytes_of(cols) {
        far = slide(far, above.far, index);
        near = slide(near, above.near, index);
        for pixel in 0..bits {
            let column = (index - 1) * 8 + pixel;
            let adaptive =
                column.checked_sub(shape.shift).is_some_and(|at| row[1 + at / 8] >> (7 - at % 8) & 1 == 1);
            let (context, bit) = match shape.template {
                Template::Three => (context::<true>(far, near, left, pixel), 2),
                Template::Two => (context::<false>(far, near, left, pixel), 4),
            };
            let cell = &mut contexts[context & !(1 << bit) | usize::from(adaptive) << bit];
            let value = coder.decode(cell);
            left = left << 1 | value;
            row[index] |= (value << (7 - pixel)).to_le_bytes()[0];
        }
    }
}

/// The bytes of a row of work that hold pixels, and how many each holds.
fn bytes_of(cols: usize) -> impl Iterator<Item = (usize, usize)> {
    (1..=cols.div_ceil(8)).map(move |index| (index, (cols - (index - 1) * 8).min(8)))
}

/// The window before the first byte: two bytes of a row, the first of which is the margin.
fn start(row: &[u8]) -> u32 {
    u32::from(row[0]) << 8 | u32::from(row[1])
}

/// The window of the bytes before, at and behind `index`.
#[inline(always)]
fn slide(window: u32, row: &[u8], index: usize) -> u32 {
    (window << 8 | u32::from(row[index + 1])) & 0xff_ffff
}

/// The context of the `pixel`-th bit of the byte in the middle of the windows; `left` ends with the pixels coded before.
#[inline(always)]
fn context<const THREE: bool>(far: u32, near: u32, left: u32, pixel: usize) -> usize {
    let value = if THREE {
        (far >> (14 - pixel) & 0b111) << 7 | (near >> (13 - pixel) & 0b1_1111) << 2 | left & 0b11
    } else {
        (near >> (13 - pixel) & 0b11_1111) << 4 | left & 0b1111
    };
    value as usize & 0x3ff
}
