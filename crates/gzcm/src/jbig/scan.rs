//! The coded data of a stripe, row by row.

use super::coder::{Contexts, Decoder, Encoder};
use super::rows::{self, Above, Shape, Template};

/// What is carried from row to row: the contexts and the two rows before.
pub(super) struct State {
    pub(super) contexts: Box<Contexts>,
    far: Vec<u8>,
    near: Vec<u8>,
    row: Vec<u8>,
    cols: usize,
}

impl State {
    pub(super) fn new(cols: usize) -> Self {
        let blank = rows::blank(cols);
        Self { contexts: Box::new([0; 1024]), far: blank.clone(), near: blank.clone(), row: blank, cols }
    }

    /// Reads a row: from then on the last one.
    pub(super) fn decode_row(&mut self, coder: &mut Decoder, shape: Shape) {
        let above = Above { far: &self.far, near: &self.near };
        rows::decode(coder, &mut self.contexts, shape, &above, &mut self.row, self.cols);
        self.advance();
    }

    /// Takes the last row for this one too.
    pub(super) fn repeat_row(&mut self) {
        self.row.clone_from(&self.near);
        self.advance();
    }

    fn encode_row(&mut self, coder: &mut Encoder, pixels: &[u8]) {
        let bytes = self.row.len() - 2;
        self.row[1..=bytes].copy_from_slice(&pixels[..bytes]);
        let spare_bits = bytes * 8 - self.cols;
        self.row[bytes] &= 0xff << spare_bits;
        let above = Above { far: &self.far, near: &self.near };
        rows::encode(coder, &mut self.contexts, &above, &self.row, self.cols);
        self.advance();
    }

    fn advance(&mut self) {
        std::mem::swap(&mut self.far, &mut self.near);
        std::mem::swap(&mut self.near, &mut self.row);
    }

    pub(super) fn last_row(&self) -> &[u8] {
        &self.near[1..self.near.len() - 1]
    }
}

/// Writes rows of pixels as stripe coded data: template of three lines, no typical prediction, the adaptive pixel at home.
pub struct ScanEncoder {
    coder: Encoder,
    state: State,
}

impl ScanEncoder {
    /// An encoder of rows of `cols` pixels.
    #[must_use]
    pub fn new(cols: usize) -> Self {
        Self { coder: Encoder::new(), state: State::new(cols.max(1)) }
    }

    /// Codes the next row: `cols.div_ceil(8)` bytes, most significant bit first; bits behind the last pixel are not looked at.
    ///
    /// # Panics
    /// When `row` has fewer bytes.
    pub fn push_row(&mut self, row: &[u8]) {
        self.state.encode_row(&mut self.coder, row);
    }

    /// Ends the stripe and returns its data, without stuffed bytes, marker and zeros at its end. The next row begins the next
    /// stripe of the same image.
    pub fn end_stripe(&mut self) -> Vec<u8> {
        std::mem::replace(&mut self.coder, Encoder::new()).finish()
    }
}

/// Reads rows of pixels from what [`ScanEncoder::end_stripe`] returned for the first stripe. There is no end to see in the data:
/// any bytes give as many rows as are asked for.
pub struct ScanDecoder<'a> {
    coder: Decoder<'a>,
    state: State,
}

impl<'a> ScanDecoder<'a> {
    /// A decoder of rows of `cols` pixels.
    #[must_use]
    pub fn new(cols: usize, data: &'a [u8]) -> Self {
        Self { coder: Decoder::new(data), state: State::new(cols.max(1)) }
    }

    /// The next row: `cols.div_ceil(8)` bytes, most significant bit first, bits behind the last pixel 0.
    pub fn next_row(&mut self) -> &[u8] {
        self.state.decode_row(&mut self.coder, Shape { template: Template::Three, shift: 0 });
        self.state.last_row()
    }

    /// Whether nothing is left of the data: so it is after the last row that was coded.
    #[must_use]
    pub fn has_read_all(&self) -> bool {
        self.coder.has_read_all()
    }
}
