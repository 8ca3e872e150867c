//! The range coder of libbsc's QLFC coders: 32-bit range, renormalised by 16-bit little-endian words.
//!
//! Both directions offer the same operation, [`Binary::bit`], so that a model is written once and used for both.

/// Below this the range is renormalised.
const BOTTOM: u32 = 1 << 16;

/// Codes one binary decision.
pub(super) trait Binary {
    /// Codes a bit whose probability of being 0 is `zero / 2^P`. An encoder writes `bit` and returns it; a decoder ignores it and
    /// returns what it reads.
    fn bit<const P: u32>(&mut self, zero: u32, bit: bool) -> bool;
}

/// Writes bits.
pub(super) struct Encoder {
    low: u32,
    range: u32,
    /// What is settled but for carries, which run back through it. The format begins with a word that is always 0.
    words: Vec<u16>,
}

impl Encoder {
    pub(super) fn new(capacity_bytes: usize) -> Self {
        let mut words = Vec::with_capacity(capacity_bytes / 2 + 8);
        words.push(0);
        Self { low: 0, range: u32::MAX, words }
    }

    /// The bytes written, without those that a carry or the end may still add.
    pub(super) fn written_bytes(&self) -> usize {
        (self.words.len() - 1) * 2
    }

    fn shift(&mut self) {
        self.words.push((self.low >> 16) as u16);
        self.low <<= 16;
        self.range <<= 16;
    }

    #[cold]
    fn carry(&mut self) {
        for word in self.words.iter_mut().rev() {
            *word = word.wrapping_add(1);
            if *word != 0 {
                break;
            }
        }
    }

    pub(super) fn finish(mut self) -> Vec<u8> {
        if self.range < BOTTOM {
            self.shift();
        }
        self.shift();
        self.shift();
        self.words.iter().flat_map(|word| word.to_le_bytes()).collect()
    }
}

impl Binary for Encoder {
    #[inline(always)]
    fn bit<const P: u32>(&mut self, zero: u32, bit: bool) -> bool {
        if self.range < BOTTOM {
            self.shift();
        }
        let split = (self.range >> P) * zero;
        if bit {
            let (low, carried) = self.low.overflowing_add(split);
            self.low = low;
            self.range -= split;
            if carried {
                self.carry();
            }
        } else {
            self.range = split;
        }
        bit
    }
}

/// Reads bits.
pub(super) struct Decoder<'a> {
    code: u32,
    range: u32,
    rest: &'a [u8],
    /// Whether words were asked for that are not there.
    pub(super) exhausted: bool,
}

impl<'a> Decoder<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        let mut decoder = Self { code: 0, range: u32::MAX, rest: bytes, exhausted: false };
        for _ in 0..3 {
            decoder.code = decoder.code << 16 | decoder.word();
        }
        decoder
    }

    #[inline(always)]
    fn word(&mut self) -> u32 {
        if let Some((word, rest)) = self.rest.split_first_chunk() {
            self.rest = rest;
            u32::from(u16::from_le_bytes(*word))
        } else {
            self.exhausted = true;
            0
        }
    }
}

impl Binary for Decoder<'_> {
    #[inline(always)]
    fn bit<const P: u32>(&mut self, zero: u32, _: bool) -> bool {
        if self.range < BOTTOM {
            self.range <<= 16;
            self.code = self.code << 16 | self.word();
        }
        let split = (self.range >> P) * zero;
        let bit = self.code >= split;
        if bit {
            self.code -= split;
            self.range -= split;
        } else {
            self.range = split;
        }
        bit
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bits_come_back_through_carries() {
        // Ones at a probability of nearly all zeros push `low` to the top, where carries run through words of 0xffff.
        let bits: Vec<bool> = (0..5000u32).map(|i| i.wrapping_mul(2_654_435_761) >> 29 != 0).collect();
        let mut encoder = Encoder::new(0);
        for (i, &bit) in bits.iter().enumerate() {
            encoder.bit::<12>(if i % 3 == 0 { 4095 } else { 1 }, bit);
        }
        let bytes = encoder.finish();
        let mut decoder = Decoder::new(&bytes);
        for (i, &bit) in bits.iter().enumerate() {
            assert_eq!(decoder.bit::<12>(if i % 3 == 0 { 4095 } else { 1 }, false), bit, "{i}");
        }
        assert!(!decoder.exhausted && decoder.rest.is_empty());
        let mut decoder = Decoder::new(&bytes[..bytes.len() - 2]);
        for _ in &bits {
            decoder.bit::<12>(4095, false);
        }
    }
}
