//! Pixels: the cells of a matrix that are not zero.

use crate::tile::Dtype;

/// A cell: its position in bins, and its value as the little-endian bits of an element, zero-extended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Pixel {
    /// The row, in bins from the region's first.
    pub row: u32,
    /// The column, in bins from the region's first.
    pub col: u32,
    /// The bits of the element, of the region's type.
    pub bits: u64,
}

impl Pixel {
    /// A count, for a region of an unsigned type.
    #[must_use]
    pub const fn count(row: u32, col: u32, count: u64) -> Self {
        Self { row, col, bits: count }
    }

    /// A number, converted to the type; `None` when the type does not hold it exactly (a `float32` is rounded).
    #[must_use]
    pub fn number(row: u32, col: u32, number: f64, dtype: Dtype) -> Option<Self> {
        bits_of(number, dtype).map(|bits| Self { row, col, bits })
    }
}

/// The bits of a number as an element of the type; `None` when the type does not hold it.
#[must_use]
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "checked against the type's range and for a fraction before"
)]
pub fn bits_of(number: f64, dtype: Dtype) -> Option<u64> {
    let whole = |least: f64, most: f64| {
        (number >= least && number <= most && number.fract() == 0.0).then_some(number)
    };
    match dtype {
        Dtype::U8 => whole(0.0, 255.0).map(|n| n as u64),
        Dtype::U16 => whole(0.0, 65535.0).map(|n| n as u64),
        Dtype::U32 => whole(0.0, 4_294_967_295.0).map(|n| n as u64),
        Dtype::I32 => whole(-2_147_483_648.0, 2_147_483_647.0).map(|n| u64::from(n as i32 as u32)),
        // 2^63 itself is not an i64.
        Dtype::I64 => {
            whole(-9_223_372_036_854_775_808.0, 9_223_372_036_854_774_784.0).map(|n| n as i64 as u64)
        }
        Dtype::F32 => Some(u64::from((number as f32).to_bits())),
        Dtype::F64 => Some(number.to_bits()),
    }
}

/// The number of an element's bits. An `int64` beyond 2^53 is rounded.
#[must_use]
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    reason = "bits above the element's size are zero; the rounding is documented"
)]
pub fn number_of(bits: u64, dtype: Dtype) -> f64 {
    match dtype {
        Dtype::U8 | Dtype::U16 | Dtype::U32 => f64::from(bits as u32),
        Dtype::I32 => f64::from((bits as u32).cast_signed()),
        Dtype::I64 => bits.cast_signed() as f64,
        Dtype::F32 => f64::from(f32::from_bits(bits as u32)),
        Dtype::F64 => f64::from_bits(bits),
    }
}

/// The bits of the element at the head of the bytes.
#[must_use]
pub fn read_bits(bytes: &[u8]) -> u64 {
    let mut all = [0; 8];
    all[..bytes.len().min(8)].copy_from_slice(&bytes[..bytes.len().min(8)]);
    u64::from_le_bytes(all)
}

/// Writes the low bytes of the bits as the element.
pub fn write_bits(bits: u64, element: &mut [u8]) {
    let length = element.len().min(8);
    element[..length].copy_from_slice(&bits.to_le_bytes()[..length]);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_go_to_bits_and_back_or_are_refused() {
        for dtype in Dtype::ALL {
            assert!(number_of(bits_of(7.0, dtype).unwrap(), dtype).to_bits() == 7.0_f64.to_bits());
        }
        assert_eq!(bits_of(-1.0, Dtype::I32), Some(0xffff_ffff));
        assert!(number_of(bits_of(-3.0, Dtype::I64).unwrap(), Dtype::I64).to_bits() == (-3.0_f64).to_bits());
        for (number, dtype) in [
            (-1.0, Dtype::U32),
            (0.5, Dtype::U8),
            (256.0, Dtype::U8),
            (f64::NAN, Dtype::I32),
            (9.3e18, Dtype::I64),
        ] {
            assert_eq!(bits_of(number, dtype), None);
        }
    }
}
