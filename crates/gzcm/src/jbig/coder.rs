//! The adaptive arithmetic coder of T.82 clause 6.8: intervals of 16 bits, 113 probability states a context.

use super::states::{CELLS, Cell};

/// What adapts: one cell for each of the 1024 values of a ten-pixel template.
pub(super) type Contexts = [Cell; 1024];

/// The half below which the interval is doubled.
const HALF: u32 = 0x8000;

/// Writes decisions as stripe coded data: bytes without stuffing and without markers.
pub(super) struct Encoder {
    /// The code register: 16 bits below the point, the byte that leaves it in bits 19..27, its carry in bit 27.
    code: u32,
    interval: u32,
    /// How many shifts are left until a byte leaves the register.
    shifts: u32,
    /// The last byte that left, which a carry may still increase; the first one is no byte of the data.
    pending: u32,
    /// How many bytes of 0xff wait behind `pending` for a carry.
    run: usize,
    started: bool,
    out: Vec<u8>,
}

impl Encoder {
    pub(super) fn new() -> Self {
        let out = Vec::new();
        Self { code: 0, interval: 0x1_0000, shifts: 11, pending: 0, run: 0, started: false, out }
    }

    /// Codes one decision.
    #[inline(always)]
    pub(super) fn encode(&mut self, cell: &mut Cell, bit: u32) {
        let state = CELLS[usize::from(*cell)];
        let width = state >> 16;
        self.interval -= width;
        let likely = u32::from(*cell & 1) == bit;
        if likely && self.interval >= HALF {
            return;
        }
        // The smaller part of the interval is the less probable symbol's, above the other: the two change places when the
        // estimate has grown beyond what is left.
        if likely == (self.interval < width) {
            self.code += self.interval;
            self.interval = width;
        }
        *cell = next_cell(state, likely);
        self.renormalise();
    }

    #[inline(always)]
    fn renormalise(&mut self) {
        let mut shifts = self.interval.leading_zeros() - HALF.leading_zeros();
        self.interval <<= shifts;
        while shifts >= self.shifts {
            self.code <<= self.shifts;
            shifts -= self.shifts;
            self.byte_out();
        }
        self.code <<= shifts;
        self.shifts -= shifts;
    }

    fn byte_out(&mut self) {
        let byte = self.code >> 19;
        self.code &= 0x7_ffff;
        self.shifts = 8;
        if byte == 0xff {
            self.run += 1;
            return;
        }
        self.release(byte >> 8);
        self.pending = byte & 0xff;
        self.started = true;
    }

    /// Writes what waited for this carry.
    fn release(&mut self, carry: u32) {
        if self.started {
            self.out.push(low_byte(self.pending + carry));
        }
        let after = if carry == 1 { 0x00 } else { 0xff };
        self.out.extend(std::iter::repeat_n(after, self.run));
        self.run = 0;
    }

    /// The bytes: cut after the last one that is not 0, because a decoder reads zeros beyond the end.
    pub(super) fn finish(mut self) -> Vec<u8> {
        // Of all the codes within the interval, the one with the most zeros at its end.
        let mut code = (self.code + self.interval - 1) & 0xffff_0000;
        if code < self.code {
            code += HALF;
        }
        let code = code << self.shifts;
        self.release(code >> 27);
        self.out.extend([low_byte(code >> 19), low_byte(code >> 11)]);
        let used = self.out.iter().rposition(|&byte| byte != 0).map_or(0, |last| last + 1);
        self.out.truncate(used);
        self.out
    }
}

/// Reads decisions from stripe coded data; beyond its end, zeros.
pub(super) struct Decoder<'a> {
    rest: std::slice::Iter<'a, u8>,
    /// The code: the 16 bits that are compared are the highest, the bits still to come follow them.
    code: u64,
    interval: u32,
    /// How many bits of `code` have been read and are not yet shifted out.
    available: u32,
}

impl<'a> Decoder<'a> {
    pub(super) fn new(data: &'a [u8]) -> Self {
        let mut decoder = Self { rest: data.iter(), code: 0, interval: 0x1_0000, available: 0 };
        decoder.refill();
        decoder
    }

    /// Reads one decision.
    #[inline(always)]
    pub(super) fn decode(&mut self, cell: &mut Cell) -> u32 {
        let state = CELLS[usize::from(*cell)];
        let width = state >> 16;
        let symbol = u32::from(*cell & 1);
        self.interval -= width;
        let boundary = u64::from(self.interval) << 48;
        let likely = if self.code < boundary {
            if self.interval >= HALF {
                return symbol;
            }
            self.interval >= width
        } else {
            let likely = self.interval < width;
            self.code -= boundary;
            self.interval = width;
            likely
        };
        *cell = next_cell(state, likely);
        let shifts = self.interval.leading_zeros() - HALF.leading_zeros();
        self.interval <<= shifts;
        self.code <<= shifts;
        self.available -= shifts;
        // A decision shifts by 15 at most; 16 bits must be there to compare.
        if self.available < 32 {
            self.refill();
        }
        symbol ^ u32::from(!likely)
    }

    /// Whether the data are used up; the decoder reads a few bytes ahead, but an encoder writes none that are not read so.
    pub(super) fn has_read_all(&self) -> bool {
        self.rest.len() == 0
    }

    fn refill(&mut self) {
        while self.available <= 56 {
            let byte = self.rest.next().copied().unwrap_or(0);
            self.code |= u64::from(byte) << (56 - self.available);
            self.available += 8;
        }
    }
}

#[inline(always)]
fn next_cell(state: u32, likely: bool) -> Cell {
    low_byte(if likely { state >> 8 } else { state })
}

#[inline(always)]
fn low_byte(value: u32) -> u8 {
    value.to_le_bytes()[0]
}
