//! Diagonal transforms: the elements of a tile in the order of its diagonals, so that cells of near-equal genomic distance, whose
//! counts are of one size, come to lie in one row (the contact matrix coder of ISO/IEC 23092-6).

use super::WHAT;
use crate::error::{Error, Result};

/// The order of the elements, with its number on the wire. Offset k is the diagonal of the elements `(i, i + k)`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum DiagonalMode {
    /// As they are.
    None = 0,
    /// Offsets 0, 1, …, n − 1 of a square: its upper triangle and nothing below. Laid out as `(n / 2 + 1, n)`, zeros at the end.
    Upper = 1,
    /// Offsets 0, 1, −1, 2, −2, …
    Outwards = 2,
    /// Offsets −(rows − 1) to cols − 1.
    Ascending = 3,
    /// Offsets cols − 1 to −(rows − 1).
    Descending = 4,
}

impl DiagonalMode {
    /// All of them, by number.
    pub const ALL: [Self; 5] = [Self::None, Self::Upper, Self::Outwards, Self::Ascending, Self::Descending];

    /// The number on the wire: MODE_0 of the standard is 1.
    #[must_use]
    pub const fn number(self) -> u8 {
        match self {
            Self::None => 0,
            Self::Upper => 1,
            Self::Outwards => 2,
            Self::Ascending => 3,
            Self::Descending => 4,
        }
    }

    /// The mode of a number on the wire.
    ///
    /// # Errors
    /// For a number that is none.
    pub fn from_number(number: u8) -> Result<Self> {
        let mode = Self::ALL.get(usize::from(number)).copied();
        mode.ok_or_else(|| Error::unsupported(WHAT, format!("diagonal mode {number}, known are 0 to 4")))
    }

    /// The shape that a tile of shape `(rows, cols)` has when it is transformed.
    ///
    /// # Errors
    /// For [`DiagonalMode::Upper`] of what is no square.
    pub fn shape(self, rows: usize, cols: usize) -> Result<(usize, usize)> {
        match self {
            Self::Upper if rows != cols => Err(Error::corrupt(
                WHAT,
                format!("the upper triangle of ({rows}, {cols}), which is no square"),
            )),
            Self::Upper => Ok((rows / 2 + 1, cols)),
            _ => Ok((rows, cols)),
        }
    }

    /// The elements of a tile of shape `(rows, cols)` in this order, in the shape that [`DiagonalMode::shape`] says. What is below
    /// the diagonal is lost in [`DiagonalMode::Upper`].
    ///
    /// # Errors
    /// As for [`DiagonalMode::shape`], and when there are not `rows * cols` values.
    pub fn forward(self, values: &[u32], rows: usize, cols: usize) -> Result<Vec<u32>> {
        let (out_rows, out_cols) = self.checked_shape(values.len(), rows * cols, rows, cols)?;
        if self == Self::None {
            return Ok(values.to_vec());
        }
        let mut out = Vec::with_capacity(out_rows * out_cols);
        for offset in self.offsets(rows, cols) {
            let diagonal = Diagonal::new(offset, rows, cols);
            out.extend(values[diagonal.start..].iter().step_by(cols + 1).take(diagonal.length));
        }
        out.resize(out_rows * out_cols, 0);
        Ok(out)
    }

    /// The tile of shape `(rows, cols)` that [`DiagonalMode::forward`] made `transformed` of.
    ///
    /// # Errors
    /// As for [`DiagonalMode::shape`], and when there are not as many values as that shape has.
    pub fn inverse(self, transformed: Vec<u32>, rows: usize, cols: usize) -> Result<Vec<u32>> {
        let (in_rows, in_cols) = self.shape(rows, cols)?;
        self.checked_shape(transformed.len(), in_rows * in_cols, rows, cols)?;
        if self == Self::None {
            return Ok(transformed);
        }
        let mut values = vec![0; rows * cols];
        let mut rest = &transformed[..];
        for offset in self.offsets(rows, cols) {
            let diagonal = Diagonal::new(offset, rows, cols);
            let (part, after) = rest.split_at(diagonal.length);
            rest = after;
            let places = values[diagonal.start..].iter_mut().step_by(cols + 1);
            places.zip(part).for_each(|(place, &value)| *place = value);
        }
        Ok(values)
    }

    fn checked_shape(
        self,
        length: usize,
        expected: usize,
        rows: usize,
        cols: usize,
    ) -> Result<(usize, usize)> {
        if length != expected || rows == 0 || cols == 0 {
            let reason = format!("{length} values for ({rows}, {cols})");
            return Err(Error::invalid(WHAT, reason));
        }
        self.shape(rows, cols)
    }

    /// The offsets in their order: how far below the diagonal, or how far above it.
    fn offsets(self, rows: usize, cols: usize) -> Box<dyn Iterator<Item = Offset>> {
        use Offset::{Above, Below};
        let ascending = move || (1..rows).rev().map(Below).chain((0..cols).map(Above));
        match self {
            Self::None | Self::Upper => Box::new((0..cols).map(Above)),
            Self::Ascending => Box::new(ascending()),
            Self::Descending => Box::new(ascending().rev()),
            Self::Outwards => Box::new((0..rows.max(cols)).flat_map(move |distance| {
                let above = (distance < cols).then_some(Above(distance));
                let below = (distance > 0 && distance < rows).then_some(Below(distance));
                above.into_iter().chain(below)
            })),
        }
    }
}

#[derive(Debug, Clone, Copy)]
enum Offset {
    Above(usize),
    Below(usize),
}

/// A diagonal of a row-major tile: every `cols + 1`-th element from `start`.
struct Diagonal {
    start: usize,
    length: usize,
}

impl Diagonal {
    fn new(offset: Offset, rows: usize, cols: usize) -> Self {
        match offset {
            Offset::Above(columns) => Self { start: columns, length: rows.min(cols - columns) },
            Offset::Below(below) => Self { start: below * cols, length: cols.min(rows - below) },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The elements 0, 1, 2, … of a tile in each order.
    fn order(mode: DiagonalMode, rows: u32, cols: u32) -> Vec<u32> {
        let values: Vec<u32> = (0..rows * cols).collect();
        mode.forward(&values, rows.try_into().unwrap(), cols.try_into().unwrap()).unwrap()
    }

    #[test]
    fn orders_are_the_standards() {
        // 0 1 2
        // 3 4 5
        assert_eq!(order(DiagonalMode::None, 2, 3), [0, 1, 2, 3, 4, 5]);
        assert_eq!(order(DiagonalMode::Outwards, 2, 3), [0, 4, 1, 5, 3, 2]);
        assert_eq!(order(DiagonalMode::Ascending, 2, 3), [3, 0, 4, 1, 5, 2]);
        assert_eq!(order(DiagonalMode::Descending, 2, 3), [2, 1, 5, 0, 4, 3]);
        assert_eq!(order(DiagonalMode::Outwards, 3, 1), [0, 1, 2]);
        // 0 1 / 2 3, and the square of three: 0 1 2 / 3 4 5 / 6 7 8.
        assert_eq!(order(DiagonalMode::Upper, 2, 2), [0, 3, 1, 0]);
        assert_eq!(order(DiagonalMode::Upper, 3, 3), [0, 4, 8, 1, 5, 2]);
        assert_eq!(order(DiagonalMode::Upper, 1, 1), [0]);
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        DiagonalMode::Upper.forward(&[1, 2], 1, 2).unwrap_err();
        DiagonalMode::Ascending.forward(&[1, 2], 2, 2).unwrap_err();
        DiagonalMode::Upper.inverse(vec![1, 2, 3], 2, 2).unwrap_err();
        DiagonalMode::from_number(5).unwrap_err();
        assert!(
            DiagonalMode::ALL.iter().all(|&mode| DiagonalMode::from_number(mode.number()).unwrap() == mode)
        );
    }

    proptest! {
        #[test]
        fn every_order_has_its_inverse(rows in 1_usize..20, cols in 1_usize..20, seed: u32) {
            let values: Vec<u32> = (0_u32..).map(|at| seed.wrapping_mul(2 * at + 1)).take(rows * cols).collect();
            for mode in DiagonalMode::ALL {
                let square = mode == DiagonalMode::Upper;
                if square && rows != cols {
                    continue;
                }
                let mut tile = values.clone();
                for (at, value) in tile.iter_mut().enumerate() {
                    if square && at % cols < at / cols {
                        *value = 0;
                    }
                }
                let transformed = mode.forward(&tile, rows, cols).unwrap();
                prop_assert_eq!(mode.inverse(transformed, rows, cols).unwrap(), tile);
            }
        }
    }
}
