//! Counts of any type: the codecs that take non-negative integers below 2^32 take them from, and give them back as, every type.

use crate::error::{Error, Result};
use crate::tile::{Dtype, Tile};

/// The elements of a tile as counts; `None` when one is no integer of 0 to 2^32 - 1, or is the negative zero, which no count gives
/// back.
pub(super) fn of_tile(tile: &Tile<'_>) -> Option<Vec<u32>> {
    let bytes = tile.bytes();
    match tile.dtype() {
        Dtype::U8 => Some(bytes.iter().map(|&value| u32::from(value)).collect()),
        Dtype::U16 => Some(each(bytes, |value| u32::from(u16::from_le_bytes(value))).collect()),
        Dtype::U32 => Some(each(bytes, u32::from_le_bytes).collect()),
        Dtype::I32 => each(bytes, |value| u32::try_from(i32::from_le_bytes(value)).ok()).collect(),
        Dtype::I64 => each(bytes, |value| u32::try_from(i64::from_le_bytes(value)).ok()).collect(),
        Dtype::F32 => each(bytes, |value| {
            let value = f32::from_le_bytes(value);
            // Every float is a double too; only the sign of zero is not seen by comparing.
            of_double(f64::from(value))
        })
        .collect(),
        Dtype::F64 => each(bytes, |value| of_double(f64::from_le_bytes(value))).collect(),
    }
}

/// Whether [`of_tile`] gives something; makes nothing.
pub(super) fn fit(tile: &Tile<'_>) -> bool {
    let bytes = tile.bytes();
    match tile.dtype() {
        Dtype::U8 | Dtype::U16 | Dtype::U32 => true,
        Dtype::I32 => each(bytes, i32::from_le_bytes).all(|value| value >= 0),
        Dtype::I64 => each(bytes, i64::from_le_bytes).all(|value| u32::try_from(value).is_ok()),
        Dtype::F32 => each(bytes, f32::from_le_bytes).all(|value| of_double(f64::from(value)).is_some()),
        Dtype::F64 => each(bytes, f64::from_le_bytes).all(|value| of_double(value).is_some()),
    }
}

/// The tile of counts, in the given type.
///
/// # Errors
/// For a count that the type does not hold: no encoder had it from such a tile.
pub(super) fn to_tile(counts: &[u32], rows: usize, cols: usize, dtype: Dtype) -> Result<Tile<'static>> {
    let bytes: Option<Vec<u8>> = match dtype {
        Dtype::U8 => counts.iter().map(|&count| u8::try_from(count).ok()).collect(),
        Dtype::U16 => flat(counts, |count| u16::try_from(count).ok().map(u16::to_le_bytes)),
        Dtype::U32 => flat(counts, |count| Some(count.to_le_bytes())),
        Dtype::I32 => flat(counts, |count| i32::try_from(count).ok().map(i32::to_le_bytes)),
        Dtype::I64 => flat(counts, |count| Some(i64::from(count).to_le_bytes())),
        Dtype::F32 => flat(counts, |count| {
            let value = count as f32;
            (f64::from(value) == f64::from(count)).then_some(value.to_le_bytes())
        }),
        Dtype::F64 => flat(counts, |count| Some(f64::from(count).to_le_bytes())),
    };
    let bytes =
        bytes.ok_or_else(|| Error::corrupt("counts", format!("a count that {dtype} does not hold")))?;
    Tile::new(rows, cols, dtype, bytes)
}

/// The error for a tile of which [`of_tile`] gave nothing.
pub(super) fn refusal(codec: &'static str) -> Error {
    Error::invalid(codec, "an element is not an integer of 0 to 4294967295; this codec takes counts only")
}

fn each<const N: usize, T>(bytes: &[u8], read: impl Fn([u8; N]) -> T) -> impl Iterator<Item = T> {
    bytes.as_chunks::<N>().0.iter().map(move |&value| read(value))
}

fn flat<const N: usize>(counts: &[u32], write: impl Fn(u32) -> Option<[u8; N]>) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(counts.len() * N);
    for &count in counts {
        bytes.extend(write(count)?);
    }
    Some(bytes)
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "casts saturate, and the result is compared"
)]
fn of_double(value: f64) -> Option<u32> {
    let count = value as u32;
    (f64::from(count).to_bits() == value.to_bits()).then_some(count)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_come_back_in_every_type() {
        for dtype in Dtype::ALL {
            let counts = [0, 1, 127];
            let tile = to_tile(&counts, 1, 3, dtype).unwrap();
            assert_eq!(of_tile(&tile).unwrap(), counts, "{dtype}");
            assert!(fit(&tile));
        }
        for dtype in [Dtype::U32, Dtype::I64, Dtype::F64] {
            let tile = to_tile(&[u32::MAX], 1, 1, dtype).unwrap();
            assert_eq!(of_tile(&tile).unwrap(), [u32::MAX]);
        }
        for dtype in [Dtype::U8, Dtype::U16, Dtype::I32, Dtype::F32] {
            assert!(matches!(to_tile(&[u32::MAX], 1, 1, dtype), Err(Error::Corrupt { .. })), "{dtype}");
        }
    }

    #[test]
    fn what_is_no_count_is_refused() {
        let of = |dtype: Dtype, bytes: &[u8]| {
            let tile = Tile::new(1, 1, dtype, bytes).unwrap();
            let counts = of_tile(&tile);
            assert_eq!(fit(&tile), counts.is_some());
            counts
        };
        for value in [-1.0, -0.0, 0.5, 4_294_967_296.0, f64::NAN, f64::INFINITY] {
            assert_eq!(of(Dtype::F64, &value.to_le_bytes()), None, "{value}");
        }
        for value in [-1.0, -0.0, 0.5, 4_294_967_296.0, f32::NAN, f32::INFINITY] {
            assert_eq!(of(Dtype::F32, &value.to_le_bytes()), None, "{value}");
        }
        assert_eq!(of(Dtype::F32, &16_777_216_f32.to_le_bytes()), Some(vec![1 << 24]));
        assert_eq!(of(Dtype::I32, &(-1_i32).to_le_bytes()), None);
        assert_eq!(of(Dtype::I64, &(1_i64 << 32).to_le_bytes()), None);
    }
}
