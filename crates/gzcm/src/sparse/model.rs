//! Numbers by their bit length, adaptively: Elias gamma codes whose decisions are coded by what was seen before.

use super::range::{Bit, Coder};
use crate::error::{Error, Result};

/// exp(-2^d) in 65536ths for d = -8 .. 3: the chance that a gap, geometric of mean 2^e, which is at least 2^j - 1, is at
/// least 2^(j+1) - 1, where d = j - e.
const LONGER: [u16; 12] = [65280, 65026, 64520, 63520, 61565, 57835, 51039, 39750, 24109, 8869, 1200, 100];

/// The models of one number in one context.
#[derive(Debug, Clone)]
pub(crate) struct Gamma {
    /// Whether the bit length is more than the place.
    longer: [Bit; 40],
    /// The first bit below the leading one, and the second by the first.
    high: [[Bit; 3]; 16],
}

impl Gamma {
    /// For numbers from 0 that are about geometric, of a mean of about 2^`log2_mean`.
    pub(crate) fn new(log2_mean: i32) -> Self {
        let mut longer = [Bit::default(); 40];
        for (at, bit) in (0_i32..).zip(&mut longer) {
            let place = usize::try_from((at - log2_mean + 8).clamp(0, 11)).unwrap_or(0);
            *bit = Bit::new(LONGER[place], 4);
        }
        Self { longer, high: [[Bit::new(30000, 8); 3]; 16] }
    }

    /// Codes a number below 2^39 - 1.
    pub(crate) fn code<C: Coder>(&mut self, coder: &mut C, number: u64) -> Result<u64> {
        let plus_one = number.saturating_add(1);
        let length = plus_one.ilog2();
        let mut bits = 0;
        loop {
            let Some(model) = self.longer.get_mut(usize::try_from(bits).unwrap_or(usize::MAX)) else {
                return Err(Error::corrupt("sparse tile", "a number is too large"));
            };
            if !coder.bit(model, length > bits)? {
                break;
            }
            bits += 1;
        }
        let mut value = 1_u64;
        let mut left = bits;
        let high = &mut self.high[usize::try_from(bits).unwrap_or(0).min(15)];
        let mut node = 0;
        while left > 0 && bits - left < 2 {
            left -= 1;
            let bit = coder.bit(&mut high[node], plus_one >> left & 1 == 1)?;
            value = value << 1 | u64::from(bit);
            node = 1 + usize::from(bit);
        }
        value = value << left | coder.plain(plus_one & ((1 << left) - 1), left)?;
        Ok(value - 1)
    }
}

/// The bits of a number: 0 for 0, 1 for 1, 2 for 2 and 3, …
pub(crate) fn bit_length(number: u64) -> usize {
    usize::try_from(64 - number.leading_zeros()).unwrap_or(64)
}
