//! The payload of a sparse tile: which cells have pixels, row by row, and their values, all range-coded.
//!
//! ```text
//! mode (u8) | pixels (varint) | length of the positions (varint) | positions and counts | other values
//! ```
//!
//! Mode 0: the values are counts from 1; mode 1: whole numbers from 1 of a floating type; mode 2: the values' byte planes
//! follow as one Zstandard frame. A row is its number of pixels, then the gap before each pixel. Contexts of the gaps:
//! the distance from the diagonal in `sparse-tiled-intra`, the expected gap in `sparse-roaring`.

mod model;
mod range;

use self::model::{Gamma, bit_length};
use self::range::{Coder, Decoder, Encoder};
use crate::codecs::shuffle_zstd::{shuffle, unshuffle};
use crate::codecs::zstd::{compress, decompress};
use crate::container::meta::{Layout, Plan, Region};
use crate::container::varint::{self, Cursor};
use crate::error::{Error, Result};
use crate::pixel::{Pixel, bits_of, number_of, write_bits};
use crate::tile::Dtype;

/// The largest count that is coded as one; larger ones go as byte planes.
const MOST_COUNT: u64 = 1 << 38;

/// What both sides know of a tile.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shape {
    /// Its rows.
    pub rows: u32,
    /// Its columns.
    pub cols: u32,
    /// The type of the elements.
    pub dtype: Dtype,
    /// For a tile of `sparse-tiled-intra`: the column of its first cell minus the row, in bins. On the diagonal it is 0,
    /// and only cells with `col >= row` have pixels.
    pub distance: Option<u64>,
}

impl Shape {
    /// The shape of the tile at `(row, col)` of a region.
    #[must_use]
    pub fn of_tile(region: &Region, plan: &Plan, (row, col): (u32, u32)) -> Self {
        let side = |at: u32, bins: u64| u32::try_from(plan.bins_of_tile(at.into(), bins)).unwrap_or(u32::MAX);
        let distance = u64::from(col).saturating_sub(row.into()) * plan.tile_side();
        Self {
            rows: side(row, region.n_rows),
            cols: side(col, region.n_cols),
            dtype: region.dtype,
            distance: (plan.layout == Layout::SparseTiledIntra).then_some(distance),
        }
    }

    /// The first column of a row that can have a pixel.
    fn first_col(&self, row: u32) -> u32 {
        if self.distance == Some(0) { row } else { 0 }
    }
}

/// The payload of a tile's pixels, which are sorted by `(row, col)` and relative to the tile.
///
/// # Errors
/// For a pixel beyond the tile.
pub fn encode(pixels: &[Pixel], shape: &Shape) -> Result<Vec<u8>> {
    let beyond = |pixel: &Pixel| {
        pixel.row >= shape.rows || pixel.col >= shape.cols || pixel.col < shape.first_col(pixel.row)
    };
    if pixels.iter().any(beyond) {
        return Err(Error::invalid("sparse tile", "a pixel beyond the tile"));
    }
    let counts: Option<Vec<u64>> = pixels.iter().map(|pixel| count_of(pixel.bits, shape.dtype)).collect();
    let mode = match (&counts, shape.dtype) {
        (None, _) => 2,
        (Some(_), Dtype::F32 | Dtype::F64) => 1,
        (Some(_), _) => 0,
    };
    let mut encoder = Encoder::new();
    let mut rest = pixels;
    let mut counts = counts.iter().flatten();
    Models::new(shape, pixels.len()).tile(&mut encoder, shape, mode < 2, |row| {
        let length = rest.iter().take_while(|pixel| pixel.row == row).count();
        let (of_row, others) = rest.split_at(length);
        rest = others;
        of_row.iter().map(|pixel| (pixel.col, counts.next().copied().unwrap_or(1))).collect()
    })?;
    let coded = encoder.finish();
    let mut payload = vec![mode];
    varint::put(u64::try_from(pixels.len()).unwrap_or(u64::MAX), &mut payload);
    if mode == 2 {
        varint::put_bytes(&coded, &mut payload);
        let size = shape.dtype.size_bytes();
        let mut elements = vec![0; pixels.len() * size];
        elements.chunks_exact_mut(size).zip(pixels).for_each(|(to, pixel)| write_bits(pixel.bits, to));
        payload.extend(compress(&shuffle(&elements, size), 9)?);
    } else {
        payload.extend(coded);
    }
    Ok(payload)
}

/// The pixels of a payload, sorted by `(row, col)` and relative to the tile.
///
/// # Errors
/// When the payload is damaged, or has another number of pixels than `nnz`, where that is known.
pub fn decode(payload: &[u8], shape: &Shape, nnz: Option<u32>) -> Result<Vec<Pixel>> {
    let corrupt = |reason: &str| Error::corrupt("sparse tile", reason);
    let mut cursor = Cursor::new(payload, "sparse tile");
    let mode = cursor.take(1)?[0];
    let declared = cursor.number()?;
    let most = u64::from(shape.rows) * u64::from(shape.cols);
    if declared > most || nnz.is_some_and(|nnz| u64::from(nnz) != declared) || mode > 2 {
        return Err(corrupt("its number of pixels, or its mode, is not one that it can have"));
    }
    let declared = usize::try_from(declared).map_err(|_| corrupt("too large"))?;
    let coded = if mode == 2 { cursor.bytes()? } else { cursor.rest() };
    let mut decoder = Decoder::new(coded)?;
    let mut pixels: Vec<Pixel> = Vec::new();
    let mut models = Models::new(shape, declared);
    models.read(&mut decoder, shape, mode < 2, declared, &mut pixels)?;
    decoder.finish()?;
    if pixels.len() != declared {
        return Err(corrupt("it has another number of pixels than it declares"));
    }
    let size = shape.dtype.size_bytes();
    if mode == 2 {
        let planes = decompress(cursor.rest(), declared * size)?;
        let elements = unshuffle(&planes, size);
        for (pixel, element) in pixels.iter_mut().zip(elements.chunks_exact(size)) {
            pixel.bits = crate::pixel::read_bits(element);
        }
    } else if mode == 1 {
        #[expect(clippy::cast_precision_loss, reason = "counts are at most 2^38")]
        for pixel in &mut pixels {
            pixel.bits =
                bits_of(pixel.bits as f64, shape.dtype).ok_or_else(|| corrupt("a value too large"))?;
        }
    } else if size < 8 && pixels.iter().any(|pixel| pixel.bits >> (size * 8) != 0) {
        return Err(corrupt("a value too large"));
    }
    Ok(pixels)
}

/// The value as a count from 1, when it is one.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a whole number from 1 to 2^38")]
#[expect(clippy::cast_precision_loss, reason = "2^38 is exact")]
fn count_of(bits: u64, dtype: Dtype) -> Option<u64> {
    let count = match dtype {
        Dtype::F32 | Dtype::F64 => {
            let number = number_of(bits, dtype);
            let whole = number >= 1.0 && number <= MOST_COUNT as f64 && number.fract() == 0.0;
            whole.then_some(number as u64)?
        }
        Dtype::I32 if bits >> 31 != 0 => return None,
        _ => bits,
    };
    (1..=MOST_COUNT).contains(&count).then_some(count)
}

/// The contexts of a tile.
struct Models {
    per_row: Vec<Gamma>,
    gaps: Vec<Gamma>,
    counts: Vec<Gamma>,
}

const ROW_CONTEXTS: usize = 8;
const LEFT_CONTEXTS: usize = 4;
const LENGTHS: usize = 40;

impl Models {
    fn new(shape: &Shape, pixels: usize) -> Self {
        let rows = usize::try_from(shape.rows.max(1)).unwrap_or(1);
        let exponent = |value: usize| i32::try_from(value).unwrap_or(0);
        let log2 = |value: usize| i32::try_from(value.max(1).ilog2()).unwrap_or(0);
        let mean = log2(pixels) - log2(rows);
        let per_row =
            (0..ROW_CONTEXTS).map(|context| Gamma::new((exponent(context) - 3).max(mean.min(0)))).collect();
        let gaps = (0..LENGTHS * LEFT_CONTEXTS)
            .map(|context| {
                let (length, left) = (exponent(context / LEFT_CONTEXTS), exponent(context % LEFT_CONTEXTS));
                Gamma::new(if shape.distance.is_some() { length - left } else { length - 1 })
            })
            .collect();
        Self { per_row, gaps, counts: vec![Gamma::new(-2); LENGTHS] }
    }

    /// Codes all rows; `row` gives the columns and counts of each, when encoding.
    fn tile<C: Coder>(
        &mut self,
        coder: &mut C,
        shape: &Shape,
        with_counts: bool,
        mut row: impl FnMut(u32) -> Vec<(u32, u64)>,
    ) -> Result<()> {
        let mut recent = 0;
        for at in 0..shape.rows {
            let pixels = row(at);
            let wanted = u64::try_from(pixels.len()).unwrap_or(u64::MAX);
            self.row(
                coder,
                shape,
                at,
                wanted,
                &mut recent,
                with_counts,
                |place| pixels[place],
                &mut |_, _| {},
            )?;
        }
        Ok(())
    }

    fn read(
        &mut self,
        coder: &mut Decoder<'_>,
        shape: &Shape,
        with_counts: bool,
        declared: usize,
        pixels: &mut Vec<Pixel>,
    ) -> Result<()> {
        let mut recent = 0;
        for row in 0..shape.rows {
            let push = &mut |col, bits| pixels.push(Pixel { row, col, bits });
            self.row(coder, shape, row, 0, &mut recent, with_counts, |_| (0, 1), push)?;
            if pixels.len() > declared {
                break;
            }
        }
        Ok(())
    }

    /// Codes one row: how many pixels, then for each its gap and its count.
    #[expect(
        clippy::too_many_arguments,
        reason = "one step of both directions, called by the two functions above"
    )]
    fn row<C: Coder>(
        &mut self,
        coder: &mut C,
        shape: &Shape,
        row: u32,
        wanted: u64,
        recent: &mut u64,
        with_counts: bool,
        pixel: impl Fn(usize) -> (u32, u64),
        push: &mut impl FnMut(u32, u64),
    ) -> Result<()> {
        let context = bit_length(*recent).min(ROW_CONTEXTS - 1);
        let number = self.per_row[context].code(coder, wanted)?;
        // A running mean of the last rows, in eighths.
        *recent = (*recent * 3 + number.min(1 << 20) * 8).div_ceil(4);
        let first = shape.first_col(row);
        if number > u64::from(shape.cols.saturating_sub(first)) {
            return Err(Error::corrupt("sparse tile", "a row of more pixels than columns"));
        }
        let mut col = first;
        for place in 0..usize::try_from(number).unwrap_or(0) {
            let left = number - u64::try_from(place).unwrap_or(0);
            let (at, count) = pixel(place);
            let free = u64::from(shape.cols - col);
            let distance =
                shape.distance.map(|start| start.saturating_add(col.into()).saturating_sub(row.into()));
            let context = match distance {
                Some(distance) => {
                    bit_length(distance).min(LENGTHS - 1) * LEFT_CONTEXTS
                        + (bit_length(left) - 1).min(LEFT_CONTEXTS - 1)
                }
                None => bit_length(free / (left + 1)) * LEFT_CONTEXTS + usize::from(left == 1),
            };
            let gap = self.gaps[context].code(coder, u64::from(at.saturating_sub(col)))?;
            if gap + left > free {
                return Err(Error::corrupt("sparse tile", "a pixel beyond the row"));
            }
            col += u32::try_from(gap).unwrap_or(0);
            let context =
                distance.map_or(0, |distance| 1 + bit_length(distance.saturating_add(gap)).min(LENGTHS - 2));
            let count =
                if with_counts { self.counts[context].code(coder, count.saturating_sub(1))? + 1 } else { 1 };
            push(col, count);
            col += 1;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn shapes(dtype: Dtype) -> [Shape; 4] {
        let shape = |rows, cols, distance| Shape { rows, cols, dtype, distance };
        [shape(64, 64, Some(0)), shape(64, 50, Some(64)), shape(64, 64, None), shape(1, 300, None)]
    }

    fn pixels(shape: &Shape, cells: &[(u32, u32, u64)]) -> Vec<Pixel> {
        let mut pixels: Vec<Pixel> = cells
            .iter()
            .map(|(row, col, bits)| (row % shape.rows, col % shape.cols, *bits))
            .filter(|(row, col, _)| *col >= shape.first_col(*row))
            .map(|(row, col, bits)| Pixel { row, col, bits })
            .collect();
        pixels.sort_unstable();
        pixels.dedup_by_key(|pixel| (pixel.row, pixel.col));
        pixels
    }

    proptest! {
        #[test]
        fn pixels_come_back(
            cells in proptest::collection::vec((any::<u32>(), any::<u32>(), any::<u64>()), 0..200),
            kind in 0_usize..3, dtype in 0_usize..Dtype::ALL.len(),
        ) {
            let dtype = Dtype::ALL[dtype];
            let mask = u64::MAX >> (64 - 8 * dtype.size_bytes());
            for shape in shapes(dtype) {
                let mut pixels = pixels(&shape, &cells);
                for pixel in &mut pixels {
                    pixel.bits = match kind {
                        0 => bits_of(f64::from((pixel.bits % 7) as u8 + 1), dtype).unwrap(),
                        1 => (pixel.bits & mask).max(1),
                        _ => mask,
                    };
                }
                let payload = encode(&pixels, &shape).unwrap();
                let nnz = u32::try_from(pixels.len()).unwrap();
                prop_assert_eq!(&decode(&payload, &shape, Some(nnz)).unwrap(), &pixels);
                decode(&payload, &shape, Some(nnz + 1)).unwrap_err();
            }
        }

        #[test]
        fn random_bytes_are_no_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            for shape in shapes(Dtype::U32) {
                drop(decode(&bytes, &shape, None));
            }
        }
    }

    #[test]
    fn flipped_and_cut_payloads_are_no_panic() {
        let cells: Vec<_> = (0..300_u32).map(|at| (at * 31, at * at, u64::from(at % 3 + 1))).collect();
        for shape in shapes(Dtype::U16) {
            let payload = encode(&pixels(&shape, &cells), &shape).unwrap();
            for bit in 0..payload.len() * 8 {
                let mut flipped = payload.clone();
                flipped[bit / 8] ^= 1 << (bit % 8);
                drop(decode(&flipped, &shape, None));
            }
            for end in 0..payload.len() {
                drop(decode(&payload[..end], &shape, None));
            }
        }
        let shape = shapes(Dtype::U16)[0];
        encode(&[Pixel::count(5, 4, 1)], &shape).unwrap_err();
    }
}
