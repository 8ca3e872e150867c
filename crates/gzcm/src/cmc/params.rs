//! The byte at the start of a payload, and numbers of as many bytes as they need.

use super::WHAT;
use super::diagonal::DiagonalMode;
use crate::error::{Error, Result};

/// In place of a diagonal mode: every count is 0, and nothing follows.
const ALL_ZERO: u8 = 7;
const ROW_MASK: u8 = 1 << 3;
const COL_MASK: u8 = 1 << 4;
const MIRRORED: u8 = 1 << 5;

/// How a tile that is not all zero was transformed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Params {
    pub(super) mode: DiagonalMode,
    /// A mask of rows follows; of rows and columns alike in [`DiagonalMode::Upper`].
    pub(super) row_mask: bool,
    pub(super) col_mask: bool,
    /// What is below the diagonal is what is above it, not zero.
    pub(super) mirrored: bool,
}

impl Params {
    /// The byte: mode in bits 0 to 2, the flags in bits 3 to 5, the entropy coder in bits 6 and 7. `None` is a tile of zeros.
    pub(super) fn byte(params: Option<Self>, coder: u8) -> u8 {
        let low = params.map_or(ALL_ZERO, |params| {
            let flags =
                [(params.row_mask, ROW_MASK), (params.col_mask, COL_MASK), (params.mirrored, MIRRORED)];
            let flags = flags.into_iter().filter(|flag| flag.0).map(|flag| flag.1);
            flags.fold(params.mode.number(), |byte, flag| byte | flag)
        });
        low | coder << 6
    }

    pub(super) fn read(byte: u8, coder: u8) -> Result<Option<Self>> {
        if byte >> 6 != coder {
            let reason = format!("entropy coder {} where {coder} is expected", byte >> 6);
            return Err(Error::corrupt(WHAT, reason));
        }
        if byte & 0x3f == ALL_ZERO {
            return Ok(None);
        }
        let has = |flag: u8| byte & flag != 0;
        let mode = DiagonalMode::from_number(byte & 7)?;
        let params = Self { mode, row_mask: has(ROW_MASK), col_mask: has(COL_MASK), mirrored: has(MIRRORED) };
        let upper = params.mode == DiagonalMode::Upper;
        if upper && params.col_mask || !upper && params.mirrored {
            return Err(Error::corrupt(WHAT, format!("flags {byte:#04x} that do not go together")));
        }
        Ok(Some(params))
    }
}

/// Appends a number: 7 bits a byte, the lowest first, bit 7 set in all but the last.
pub(super) fn push_varint(out: &mut Vec<u8>, mut value: usize) {
    while value > 0x7f {
        out.push(value.to_le_bytes()[0] | 0x80);
        value >>= 7;
    }
    out.push(value.to_le_bytes()[0]);
}

/// The number at the start of the bytes, and the bytes behind it.
pub(super) fn read_varint(bytes: &[u8]) -> Result<(usize, &[u8])> {
    let mut value = 0;
    // Five bytes hold more than any tile needs.
    for (at, &byte) in bytes.iter().enumerate().take(5) {
        value |= u64::from(byte & 0x7f) << (7 * at);
        if byte & 0x80 == 0 {
            return Ok((usize::try_from(value).unwrap_or(usize::MAX), &bytes[at + 1..]));
        }
    }
    Err(Error::corrupt(WHAT, "a number without end"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_byte_is_read_as_it_is_written_or_refused() {
        let mut read = 0;
        for byte in 0..=u8::MAX {
            if let Ok(params) = Params::read(byte, byte >> 6) {
                assert_eq!(Params::byte(params, byte >> 6), byte);
                read += 1;
            }
            Params::read(byte, (byte >> 6) ^ 1).unwrap_err();
        }
        // Four coders: zeros; four modes of two masks; the upper triangle with one mask and mirrored.
        assert_eq!(read, 4 * (1 + 4 * 4 + 4));
    }

    #[test]
    fn numbers_come_back() {
        for value in [0, 1, 127, 128, 300, 16_383, 16_384, 1 << 30] {
            let mut bytes = Vec::new();
            push_varint(&mut bytes, value);
            for cut in 0..bytes.len() {
                read_varint(&bytes[..cut]).unwrap_err();
            }
            bytes.push(9);
            assert_eq!(read_varint(&bytes).unwrap(), (value, &[9][..]));
        }
        read_varint(&[0xff; 6]).unwrap_err();
    }
}
