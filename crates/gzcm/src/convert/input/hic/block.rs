//! One block: zlib around a sparse list of rows, or a dense rectangle.

use std::io::Read;

use super::bytes::HicBytes;
use super::matrix::BlockPlace;
use crate::convert::pixel::Pixel;
use crate::error::{Error, Result};

/// The most that a block may decompress to.
const MAX_BLOCK_BYTES: u64 = 1 << 30;

/// The contacts of a block, of the upper triangle if `intra`, in the order in which they are stored; zeros are left out.
pub(super) fn read(bytes: &HicBytes, place: &BlockPlace, version: i32, intra: bool) -> Result<Vec<Pixel>> {
    let name = format!("block {} at byte {}", place.number, place.offset);
    let packed = bytes.read(place.offset, place.size_bytes, &name)?;
    let mut raw = Vec::new();
    flate2::read::ZlibDecoder::new(packed.as_slice())
        .take(MAX_BLOCK_BYTES + 1)
        .read_to_end(&mut raw)
        .map_err(|error| bytes.corrupt(&name, error))?;
    if raw.len() as u64 > MAX_BLOCK_BYTES {
        return Err(bytes.corrupt(&name, format_args!("more than {MAX_BLOCK_BYTES} bytes")));
    }
    parse(&raw, version, intra).map_err(|reason| bytes.corrupt(&name, reason))
}

/// What is left of a block.
struct Rest<'a>(&'a [u8]);

impl Rest<'_> {
    fn take<const N: usize>(&mut self) -> Result<[u8; N], String> {
        let Some((taken, rest)) = self.0.split_first_chunk::<N>() else {
            return Err(String::from("the block is cut short"));
        };
        self.0 = rest;
        Ok(*taken)
    }

    fn i32(&mut self) -> Result<i32, String> {
        self.take().map(i32::from_le_bytes)
    }

    fn i16(&mut self) -> Result<i16, String> {
        self.take().map(i16::from_le_bytes)
    }

    fn f32(&mut self) -> Result<f32, String> {
        self.take().map(f32::from_le_bytes)
    }

    fn flag(&mut self) -> Result<bool, String> {
        self.take().map(|[byte]| byte != 0)
    }

    /// An `int` or a `short`.
    fn number(&mut self, wide: bool) -> Result<i32, String> {
        if wide { self.i32() } else { self.i16().map(i32::from) }
    }

    /// A `float` or a `short`; the values that say "none" are `NaN`.
    fn value(&mut self, float: bool) -> Result<f64, String> {
        if float {
            return self.f32().map(f64::from);
        }
        Ok(match self.i16()? {
            i16::MIN => f64::NAN,
            value => value.into(),
        })
    }
}

fn parse(raw: &[u8], version: i32, intra: bool) -> Result<Vec<Pixel>, String> {
    let mut rest = Rest(raw);
    let n_records = rest.i32()?;
    let mut pixels = Vec::new();
    let mut push = |x: i64, y: i64, count: f64| {
        let (Ok(x), Ok(y)) = (u32::try_from(x), u32::try_from(y)) else {
            return Err(format!("a contact of bins {x} and {y}"));
        };
        if count != 0.0 && !count.is_nan() {
            let (bin1, bin2) = if intra { (x.min(y), x.max(y)) } else { (x, y) };
            pixels.push(Pixel { bin1, bin2, count });
        }
        Ok(())
    };
    if version < 7 {
        for _ in 0..n_records {
            let (x, y, count) = (rest.i32()?, rest.i32()?, rest.f32()?);
            push(x.into(), y.into(), count.into())?;
        }
        return Ok(pixels);
    }
    let (x0, y0) = (i64::from(rest.i32()?), i64::from(rest.i32()?));
    let float = rest.flag()?;
    let (wide_x, wide_y) = if version > 8 { (rest.flag()?, rest.flag()?) } else { (false, false) };
    match rest.take()? {
        [1] => {
            for _ in 0..rest.number(wide_y)? {
                let y = y0 + i64::from(rest.number(wide_y)?);
                for _ in 0..rest.number(wide_x)? {
                    let x = x0 + i64::from(rest.number(wide_x)?);
                    push(x, y, rest.value(float)?)?;
                }
            }
        }
        [2] => {
            let n_values = rest.i32()?;
            let width = i64::from(rest.i16()?);
            if width <= 0 && n_values > 0 {
                return Err(format!("a dense block of {width} columns"));
            }
            for index in 0..i64::from(n_values) {
                push(x0 + index % width, y0 + index / width, rest.value(float)?)?;
            }
        }
        [kind] => return Err(format!("representation {kind}; known are 1, a list of rows, and 2, dense")),
    }
    Ok(pixels)
}

/// An error for contacts outside of where their block's number puts them, which would break their order.
pub(super) fn misplaced(bytes: &HicBytes, place: &BlockPlace, pixel: &Pixel) -> Error {
    let name = format!("block {} at byte {}", place.number, place.offset);
    let reason = format!(
        "a contact of bins {} and {}, but the block's number puts it in rows {:?} and columns {:?}",
        pixel.bin1, pixel.bin2, place.rows, place.cols
    );
    bytes.corrupt(&name, reason)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dense(values: &[i16], width: i16) -> Vec<u8> {
        let mut raw = Vec::new();
        for head in [i32::try_from(values.len()).unwrap(), 10, 20] {
            raw.extend(head.to_le_bytes());
        }
        raw.extend([0, 2]);
        raw.extend(i32::try_from(values.len()).unwrap().to_le_bytes());
        raw.extend(width.to_le_bytes());
        raw.extend(values.iter().flat_map(|value| value.to_le_bytes()));
        raw
    }

    #[test]
    fn dense_blocks_leave_out_zeros_and_missing_values() {
        let pixels = parse(&dense(&[5, 0, i16::MIN, 7], 2), 8, false).unwrap();
        let expected = [Pixel { bin1: 10, bin2: 20, count: 5.0 }, Pixel { bin1: 11, bin2: 21, count: 7.0 }];
        assert_eq!(pixels, expected);
        // Of one chromosome, the smaller bin is the row.
        assert_eq!(parse(&dense(&[5], 1), 8, true).unwrap()[0].bin1, 10);
    }

    #[test]
    fn blocks_cut_short_or_of_impossible_sizes_are_errors() {
        let whole = dense(&[1, 2, 3, 4, 5, 6], 3);
        for len in 0..whole.len() {
            parse(&whole[..len], 8, true).unwrap_err();
        }
        parse(&dense(&[1], 0), 8, true).unwrap_err();
        let mut other = whole;
        other[13] = 3;
        assert!(parse(&other, 8, true).unwrap_err().contains("representation 3"));
    }
}
