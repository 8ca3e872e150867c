//! The functions that the model needs, as tables made of integers alone, so that every machine has the same.

/// The logistic function at multiples of a quarter from -8 to 8: `round(65536 / (1 + exp(-x)))`.
const LOGISTIC: [u32; 65] = [
    22, 28, 36, 47, 60, 77, 98, 126, 162, 208, 267, 342, 439, 562, 720, 922, 1179, 1506, 1921, 2446, 3108,
    3938, 4971, 6249, 7812, 9702, 11_955, 14_595, 17_625, 21_025, 24_743, 28_693, 32_768, 36_843, 40_793,
    44_511, 47_911, 50_941, 53_581, 55_834, 57_724, 59_287, 60_565, 61_598, 62_428, 63_090, 63_615, 64_030,
    64_357, 64_614, 64_816, 64_974, 65_097, 65_194, 65_269, 65_328, 65_374, 65_410, 65_438, 65_459, 65_476,
    65_489, 65_500, 65_508, 65_514,
];

/// `256 log2` has this as its unit.
pub(super) const OCTAVE: i32 = 256;

/// The model's tables.
pub(super) struct Tables {
    /// The logistic function of `(index - 2048) / 256`, of 16 bits.
    squash: [u16; 4096],
    /// Its inverse for probabilities of 12 bits, in units of 1/256.
    stretch: [i16; 4096],
    /// `round(256 log2(1 + index / 256))`.
    log: [u16; 256],
    /// How far a probability moves that was met so often: `65536 / (index + 1.5)`.
    pub(super) step: [u16; 1024],
    /// How much it counts: `256 index / (index + 0.6)`.
    pub(super) trust: [u16; 1024],
}

pub(super) static TABLES: Tables = Tables::new();

#[expect(clippy::cast_possible_truncation, reason = "const fn has no try_from; all values are below 65536")]
impl Tables {
    const fn new() -> Self {
        let mut tables =
            Self { squash: [0; 4096], stretch: [0; 4096], log: [0; 256], step: [0; 1024], trust: [0; 1024] };
        let mut i = 0;
        while i < 4096 {
            // Linear between two multiples of a quarter.
            let (low, high) = (LOGISTIC[i / 64], LOGISTIC[i / 64 + 1]);
            tables.squash[i] = (low + (high - low) * (i % 64) as u32 / 64) as u16;
            i += 1;
        }
        let (mut i, mut x) = (0, 1);
        while i < 4096 {
            // The least x whose logistic function is no less.
            while x < 4095 && (tables.squash[x] as usize) < i * 16 + 8 {
                x += 1;
            }
            tables.stretch[i] = x as i16 - 2048;
            i += 1;
        }
        let mut i = 0;
        while i < 256 {
            tables.log[i] = log_of(256 + i as u64);
            i += 1;
        }
        let mut n = 0;
        while n < 1024 {
            tables.step[n] = (131_072 / (2 * n + 3)) as u16;
            tables.trust[n] = (1280 * n / (5 * n + 3)) as u16;
            n += 1;
        }
        tables
    }
}

/// `round(256 log2(x / 256))` of `256 <= x < 512`, by squaring: each squaring doubles the logarithm, whose next bit says whether it is
/// past 2.
#[expect(clippy::cast_possible_truncation, reason = "at most 256")]
const fn log_of(x: u64) -> u16 {
    let (mut y, mut bits, mut i) = (x << 22, 0u64, 0);
    while i < 9 {
        y = (y * y) >> 30;
        bits <<= 1;
        if y >= 2 << 30 {
            bits |= 1;
            y >>= 1;
        }
        i += 1;
    }
    bits.div_ceil(2) as u16
}

impl Tables {
    /// The probability, of 16 bits, of a logit in units of 1/256 within -2047 to 2047.
    #[inline(always)]
    pub(super) fn squash(&self, x: i32) -> i32 {
        i32::from(self.squash[usize::try_from(x + 2048).unwrap_or(0) & 4095])
    }

    /// The logit, in units of 1/256, of a probability of 12 bits.
    #[inline(always)]
    pub(super) fn stretch(&self, probability: u32) -> i32 {
        i32::from(self.stretch[probability as usize & 4095])
    }

    /// `256 log2(x)`, for `x > 0`.
    #[inline(always)]
    pub(super) fn log(&self, x: u64) -> i32 {
        let exponent = (x | 1).ilog2();
        let mantissa = if exponent >= 8 { x >> (exponent - 8) } else { x << (8 - exponent) };
        exponent.cast_signed() * OCTAVE + i32::from(self.log[(mantissa & 255) as usize])
    }

    /// `2^(x / 256)` to a straight line within each octave; `x` is taken within 0 to 48 octaves.
    #[inline(always)]
    pub(super) fn exp(x: i32) -> u64 {
        let x = x.clamp(0, 48 * OCTAVE).cast_unsigned();
        (u64::from(256 + (x & 255)) << (x >> 8)) >> 8
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_are_the_functions() {
        for x in -2047..2048 {
            let exact = 65536.0 / (1.0 + (-f64::from(x) / 256.0).exp());
            assert!((f64::from(TABLES.squash(x)) - exact).abs() < 1.0 + exact * 0.008, "{x}");
        }
        for p in 1..4095u32 {
            let back = TABLES.squash(TABLES.stretch(p));
            assert!(back.abs_diff(i32::try_from(p * 16 + 8).unwrap()) < 65, "{p}");
        }
        for x in (1..100_000u32).step_by(7) {
            let exact = f64::from(x).log2() * 256.0;
            assert!((f64::from(TABLES.log(u64::from(x))) - exact).abs() < 2.0, "{x}");
        }
        assert_eq!([0, 256, 2560].map(Tables::exp), [1, 2, 1024]);
    }
}
