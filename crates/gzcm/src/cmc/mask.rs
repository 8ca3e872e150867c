//! Masks: which rows or columns have a contact (the contact matrix coder of ISO/IEC 23092-6).
//!
//! Bits, most significant first, filled up to whole bytes: the transform in 2 bits, then for transform 0 the mask as it is, for
//! 1, 2, 3 the value of the first run in 1 bit, the number of runs in 32 bits, and the length of each run in 8, 16, 32 bits.
//! Runs alternate; what they do not cover is one more run.

use crate::error::{Error, Result};

/// The bytes of a mask, in the shortest of the transforms; of equally short ones the first.
#[must_use]
pub fn encode(mask: &[bool]) -> Vec<u8> {
    let mut runs: Vec<usize> = mask.chunk_by(|left, right| left == right).map(<[bool]>::len).collect();
    // The last run is what the others do not cover.
    runs.pop();
    let longest = runs.iter().copied().max().unwrap_or(0);
    let transform: u8 = match longest {
        0..=0xff => 1,
        0x100..=0xffff => 2,
        _ => 3,
    };
    let run_bits = 4_usize << transform;
    let mut writer = BitWriter::default();
    match (u32::try_from(runs.len()), 1 + 32 + runs.len() * run_bits < mask.len()) {
        (Ok(number), true) => {
            writer.push(u32::from(transform), 2);
            writer.push(u32::from(mask[0]), 1);
            writer.push(number, 32);
            runs.iter().for_each(|&run| writer.push(u32::try_from(run).unwrap_or(u32::MAX), 4 << transform));
        }
        _ => {
            writer.push(0, 2);
            mask.iter().for_each(|&bit| writer.push(u32::from(bit), 1));
        }
    }
    writer.bytes
}

/// The mask of `length` elements at the start of the bytes, and how many bytes it takes.
///
/// # Errors
/// When the bytes end within it, or its runs are more than it has elements.
pub fn decode(bytes: &[u8], length: usize) -> Result<(Vec<bool>, usize)> {
    let mut reader = BitReader { bytes, at: 0 };
    let transform = reader.take(2)?;
    let mut mask = Vec::new();
    if transform == 0 {
        if bytes.len().saturating_mul(8) < length {
            return Err(ends());
        }
        for _ in 0..length {
            mask.push(reader.take(1)? == 1);
        }
    } else {
        let mut value = reader.take(1)? == 1;
        for _ in 0..reader.take(32)? {
            let run = usize::try_from(reader.take(4 << transform)?).unwrap_or(usize::MAX);
            if run == 0 || run > length - mask.len() {
                let reason = format!("a run of {run} where {} elements are left", length - mask.len());
                return Err(Error::corrupt("cmc mask", reason));
            }
            mask.resize(mask.len() + run, value);
            value = !value;
        }
        mask.resize(length, value);
    }
    Ok((mask, reader.at.div_ceil(8)))
}

fn ends() -> Error {
    Error::corrupt("cmc mask", "it is cut short")
}

#[derive(Default)]
struct BitWriter {
    bytes: Vec<u8>,
    used: u32,
}

impl BitWriter {
    fn push(&mut self, value: u32, bits: u32) {
        for bit in (0..bits).rev() {
            if self.used.is_multiple_of(8) {
                self.bytes.push(0);
            }
            if let Some(last) = self.bytes.last_mut() {
                *last |= ((value >> bit & 1) << (7 - self.used % 8)).to_le_bytes()[0];
            }
            self.used += 1;
        }
    }
}

struct BitReader<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl BitReader<'_> {
    fn take(&mut self, bits: u32) -> Result<u32> {
        let mut value = 0;
        for _ in 0..bits {
            let byte = self.bytes.get(self.at / 8).ok_or_else(ends)?;
            value = value << 1 | u32::from(byte >> (7 - self.at % 8) & 1);
            self.at += 1;
        }
        Ok(value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn mask(runs: &[usize]) -> Vec<bool> {
        let values = [false, true].into_iter().cycle();
        runs.iter().zip(values).flat_map(|(&run, value)| std::iter::repeat_n(value, run)).collect()
    }

    #[test]
    fn transforms_are_chosen_by_size() {
        // 00, then 0111.
        assert_eq!(encode(&mask(&[1, 3])), [0b0001_1100]);
        // 01, 0, one run of 100; the other 100 are the rest.
        assert_eq!(encode(&mask(&[100, 100])), [0b0100_0000, 0, 0, 0, 0b0010_1100, 0b1000_0000]);
        // 10, 0, one run of 300 in 16 bits.
        assert_eq!(encode(&mask(&[300, 2])), [0b1000_0000, 0, 0, 0, 0b0010_0000, 0b0010_0101, 0b1000_0000]);
        assert_eq!(encode(&mask(&[70_000, 1]))[0] >> 6, 3);
        assert_eq!(encode(&[]), [0]);
        assert_eq!(decode(&[0b0111_1111, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff], 9).ok(), None);
    }

    proptest! {
        #[test]
        fn masks_come_back(runs in prop::collection::vec(1_usize..600, 0..20), junk: Vec<u8>) {
            let mask = mask(&runs);
            let mut bytes = encode(&mask);
            let size = bytes.len();
            for cut in 0..size {
                decode(&bytes[..cut], mask.len()).unwrap_err();
            }
            bytes.extend(&junk);
            prop_assert_eq!(decode(&bytes, mask.len()).unwrap(), (mask, size));
            drop(decode(&junk, 100));
        }
    }
}
