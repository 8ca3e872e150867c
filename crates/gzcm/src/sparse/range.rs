//! A binary range coder with adaptive probabilities (Martin 1979; carries are held back as in Schindler's byte-wise coder).

use crate::error::{Error, Result};

/// The probability of a 1, in 65536ths, and how often it was seen.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Bit {
    one: u16,
    seen: u8,
}

/// Where a probability stays at least this far from certain.
const LEAST: u16 = 48;
/// Steps of 1/(n + 1.5) until they are about 1/64.
const MOST_SEEN: u8 = 62;

impl Bit {
    /// With a first guess, which counts as much as `seen` observations.
    pub(crate) const fn new(one: u16, seen: u8) -> Self {
        Self { one, seen }
    }

    fn update(&mut self, bit: bool) {
        let target = if bit { 65535 - i32::from(LEAST) } else { i32::from(LEAST) };
        let step = (target - i32::from(self.one)) * 2 / (i32::from(self.seen) * 2 + 3);
        self.one = u16::try_from(i32::from(self.one) + step).unwrap_or(self.one);
        self.seen = (self.seen + 1).min(MOST_SEEN);
    }
}

impl Default for Bit {
    fn default() -> Self {
        Self::new(1 << 15, 0)
    }
}

/// One direction of the coder; models are written once for both.
pub(crate) trait Coder {
    /// Codes a bit: the given one is written, or, when decoding, ignored and the read one returned.
    fn bit(&mut self, model: &mut Bit, bit: bool) -> Result<bool>;
    /// Codes the low bits of a value with even chances.
    fn plain(&mut self, value: u64, bits: u32) -> Result<u64>;
}

/// The split of a range by a probability: the part of the 1.
fn split(range: u32, one: u16) -> u32 {
    // Both factors are below 2^32 and 2^16, so that the shifted product is below 2^32.
    u32::try_from((u64::from(range) * u64::from(one)) >> 16).unwrap_or(range)
}

pub(crate) struct Encoder {
    low: u64,
    range: u32,
    cache: u8,
    /// How many bytes wait for a carry, the cache included.
    waiting: u64,
    bytes: Vec<u8>,
}

impl Encoder {
    pub(crate) const fn new() -> Self {
        Self { low: 0, range: u32::MAX, cache: 0, waiting: 1, bytes: Vec::new() }
    }

    fn shift(&mut self) {
        let carry = self.low >> 32 != 0;
        if carry || self.low < 0xff00_0000 {
            let mut byte = self.cache;
            while self.waiting > 0 {
                self.bytes.push(if carry { byte.wrapping_add(1) } else { byte });
                byte = 0xff;
                self.waiting -= 1;
            }
            self.cache = self.low.to_le_bytes()[3];
        }
        self.waiting += 1;
        self.low = (self.low & 0x00ff_ffff) << 8;
    }

    fn normalise(&mut self) {
        while self.range < 1 << 24 {
            self.range <<= 8;
            self.shift();
        }
    }

    /// The bytes; without trailing zeros, which the decoder supplies.
    pub(crate) fn finish(mut self) -> Vec<u8> {
        for _ in 0..5 {
            self.shift();
        }
        // The first byte is the empty cache.
        self.bytes.remove(0);
        while self.bytes.last() == Some(&0) {
            self.bytes.pop();
        }
        self.bytes
    }
}

impl Coder for Encoder {
    fn bit(&mut self, model: &mut Bit, bit: bool) -> Result<bool> {
        let ones = split(self.range, model.one);
        if bit {
            self.range = ones;
        } else {
            self.low += u64::from(ones);
            self.range -= ones;
        }
        model.update(bit);
        self.normalise();
        Ok(bit)
    }

    fn plain(&mut self, value: u64, bits: u32) -> Result<u64> {
        for at in (0..bits).rev() {
            self.range >>= 1;
            if value >> at & 1 == 1 {
                self.low += u64::from(self.range);
            }
            self.normalise();
        }
        Ok(value)
    }
}

pub(crate) struct Decoder<'a> {
    code: u32,
    range: u32,
    rest: &'a [u8],
    /// Zeros read behind the end: the coder's state holds 4 bytes, and trailing zeros were cut.
    beyond: u32,
}

impl<'a> Decoder<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Result<Self> {
        let mut decoder = Self { code: 0, range: u32::MAX, rest: bytes, beyond: 0 };
        for _ in 0..4 {
            decoder.code = decoder.code << 8 | u32::from(decoder.next()?);
        }
        Ok(decoder)
    }

    fn next(&mut self) -> Result<u8> {
        if let Some((byte, rest)) = self.rest.split_first() {
            self.rest = rest;
            return Ok(*byte);
        }
        self.beyond += 1;
        if self.beyond > 8 {
            return Err(Error::corrupt("sparse tile", "cut short"));
        }
        Ok(0)
    }

    /// That all bytes were read.
    pub(crate) fn finish(&self) -> Result<()> {
        if self.rest.is_empty() { Ok(()) } else { Err(Error::corrupt("sparse tile", "bytes too many")) }
    }

    fn normalise(&mut self) -> Result<()> {
        while self.range < 1 << 24 {
            self.range <<= 8;
            self.code = self.code << 8 | u32::from(self.next()?);
        }
        Ok(())
    }
}

impl Coder for Decoder<'_> {
    fn bit(&mut self, model: &mut Bit, _bit: bool) -> Result<bool> {
        let ones = split(self.range, model.one);
        let bit = self.code < ones;
        if bit {
            self.range = ones;
        } else {
            self.code -= ones;
            self.range -= ones;
        }
        model.update(bit);
        self.normalise()?;
        Ok(bit)
    }

    fn plain(&mut self, _value: u64, bits: u32) -> Result<u64> {
        let mut value = 0;
        for _ in 0..bits {
            self.range >>= 1;
            let bit = self.code >= self.range;
            if bit {
                self.code -= self.range;
            }
            value = value << 1 | u64::from(bit);
            self.normalise()?;
        }
        Ok(value)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn what_is_coded_is_decoded(values in proptest::collection::vec((any::<bool>(), any::<u64>(), 0_u32..64), 0..300),
                                    skewed in 0_usize..2000) {
            let mut encoder = Encoder::new();
            let (mut model, mut rare) = (Bit::default(), Bit::default());
            for (bit, value, bits) in &values {
                encoder.bit(&mut model, *bit).unwrap();
                encoder.plain(value & ((1 << bits) - 1), *bits).unwrap();
            }
            for at in 0..skewed {
                encoder.bit(&mut rare, at % 500 == 499).unwrap();
            }
            let bytes = encoder.finish();
            let mut decoder = Decoder::new(&bytes).unwrap();
            let (mut model, mut rare) = (Bit::default(), Bit::default());
            for (bit, value, bits) in &values {
                prop_assert_eq!(decoder.bit(&mut model, false).unwrap(), *bit);
                prop_assert_eq!(decoder.plain(0, *bits).unwrap(), value & ((1 << bits) - 1));
            }
            for at in 0..skewed {
                prop_assert_eq!(decoder.bit(&mut rare, false).unwrap(), at % 500 == 499);
            }
            decoder.finish().unwrap();
        }
    }

    #[test]
    fn an_endless_read_ends() {
        let mut decoder = Decoder::new(&[]).unwrap();
        assert!((0..1000).any(|_| decoder.plain(0, 1).is_err()));
    }
}
