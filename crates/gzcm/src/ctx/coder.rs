//! The binary arithmetic coder: 32 bits, carryless, probabilities of 16 bits.

/// Codes one binary decision.
pub(super) trait Binary {
    /// Codes a bit whose probability of being 1 is `one / 65536`, `0 < one < 65536`. An encoder writes `bit` and returns it; a decoder
    /// ignores it and returns what it reads.
    fn bit(&mut self, one: u32, bit: bool) -> bool;
}

/// Where the interval `first..=last` is cut: ones are at or below.
#[inline(always)]
fn cut(first: u32, last: u32, one: u32) -> u32 {
    let range = u64::from(last - first);
    // At most last - first, since one < 65536.
    first + u32::try_from((range * u64::from(one)) >> 16).unwrap_or(0)
}

/// Writes bits.
pub(super) struct Encoder {
    first: u32,
    last: u32,
    bytes: Vec<u8>,
}

impl Encoder {
    pub(super) const fn new(bytes: Vec<u8>) -> Self {
        Self { first: 0, last: u32::MAX, bytes }
    }

    /// One more byte determines the rest: behind it, a decoder reads zeros.
    pub(super) fn finish(mut self) -> Vec<u8> {
        let [top, ..] = self.first.to_be_bytes();
        self.bytes.push(if self.first << 8 == 0 { top } else { top + 1 });
        self.bytes
    }
}

impl Binary for Encoder {
    #[inline(always)]
    fn bit(&mut self, one: u32, bit: bool) -> bool {
        let middle = cut(self.first, self.last, one);
        if bit {
            self.last = middle;
        } else {
            self.first = middle + 1;
        }
        while (self.first ^ self.last) >> 24 == 0 {
            self.bytes.push(self.first.to_be_bytes()[0]);
            self.first <<= 8;
            self.last = self.last << 8 | 0xff;
        }
        bit
    }
}

/// Reads bits.
pub(super) struct Decoder<'a> {
    first: u32,
    last: u32,
    code: u32,
    rest: &'a [u8],
    /// How many bytes were asked for that are not there.
    missing: usize,
}

impl<'a> Decoder<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        let mut decoder = Self { first: 0, last: u32::MAX, code: 0, rest: bytes, missing: 0 };
        for _ in 0..4 {
            decoder.shift();
        }
        decoder
    }

    #[inline(always)]
    fn shift(&mut self) {
        let byte = match self.rest.split_first() {
            Some((byte, rest)) => {
                self.rest = rest;
                *byte
            }
            None => {
                self.missing += 1;
                0
            }
        };
        self.code = self.code << 8 | u32::from(byte);
    }

    /// Whether more was read than an encoder can have written.
    pub(super) const fn beyond(&self) -> bool {
        self.missing > 3
    }

    /// Whether all was read that an encoder wrote, and no more.
    pub(super) const fn at_end(&self) -> bool {
        self.missing == 3
    }
}

impl Binary for Decoder<'_> {
    #[inline(always)]
    fn bit(&mut self, one: u32, _: bool) -> bool {
        let middle = cut(self.first, self.last, one);
        let bit = self.code <= middle;
        if bit {
            self.last = middle;
        } else {
            self.first = middle + 1;
        }
        while (self.first ^ self.last) >> 24 == 0 {
            self.first <<= 8;
            self.last = self.last << 8 | 0xff;
            self.shift();
        }
        bit
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bits_come_back_and_the_end_is_known() {
        for count in 0..600u32 {
            let bits = || (0..count).map(|i| (i.wrapping_mul(2_654_435_761) >> 13 & 0xffff, i));
            let probability = |i: u32| [1, 20, 32768, 65000, 65535][i as usize % 5];
            let mut encoder = Encoder::new(Vec::new());
            for (draw, i) in bits() {
                encoder.bit(probability(i), draw < probability(i));
            }
            let bytes = encoder.finish();
            let mut decoder = Decoder::new(&bytes);
            for (draw, i) in bits() {
                assert_eq!(decoder.bit(probability(i), false), draw < probability(i));
            }
            assert!(decoder.at_end(), "{count}");
        }
    }
}
