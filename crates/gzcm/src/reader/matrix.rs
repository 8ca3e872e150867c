//! A window of a matrix, dense.

use crate::error::{Error, Result};
use crate::pixel::{bits_of, number_of, read_bits, write_bits};
use crate::tile::Dtype;

/// A dense window: shape `(rows, cols)`, row-major, elements little-endian.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Matrix {
    /// The number of rows.
    pub rows: usize,
    /// The number of columns.
    pub cols: usize,
    /// The type of the elements.
    pub dtype: Dtype,
    /// The elements.
    pub bytes: Vec<u8>,
}

impl Matrix {
    /// All zeros.
    ///
    /// # Errors
    /// When there is no memory for so many.
    pub fn zeros(rows: usize, cols: usize, dtype: Dtype) -> Result<Self> {
        let size = rows.checked_mul(cols).and_then(|cells| cells.checked_mul(dtype.size_bytes()));
        let too_large =
            || Error::invalid("window", format!("({rows}, {cols}) of {dtype} does not fit the memory"));
        let size = size.filter(|size| isize::try_from(*size).is_ok()).ok_or_else(too_large)?;
        let mut probe: Vec<u8> = Vec::new();
        probe.try_reserve_exact(size).map_err(|_| too_large())?;
        drop(probe);
        // Fresh pages are zero already: cheaper than to fill what was reserved.
        Ok(Self { rows, cols, dtype, bytes: vec![0; size] })
    }

    /// The element's number; `None` beyond the window.
    #[must_use]
    pub fn number(&self, row: usize, col: usize) -> Option<f64> {
        if row >= self.rows || col >= self.cols {
            return None;
        }
        let size = self.dtype.size_bytes();
        let at = (row * self.cols + col) * size;
        self.bytes.get(at..at + size).map(|element| number_of(read_bits(element), self.dtype))
    }

    /// All elements as numbers, row-major.
    #[must_use]
    pub fn numbers(&self) -> Vec<f64> {
        let elements = self.bytes.chunks_exact(self.dtype.size_bytes());
        elements.map(|element| number_of(read_bits(element), self.dtype)).collect()
    }

    /// The same numbers in another type.
    ///
    /// # Errors
    /// For a number that the type does not hold; `float32` rounds.
    pub fn cast(&self, dtype: Dtype) -> Result<Self> {
        if dtype == self.dtype {
            return Ok(self.clone());
        }
        let mut to = Self::zeros(self.rows, self.cols, dtype)?;
        let from = self.bytes.chunks_exact(self.dtype.size_bytes());
        for (element, from) in to.bytes.chunks_exact_mut(dtype.size_bytes()).zip(from) {
            let number = number_of(read_bits(from), self.dtype);
            let bits = bits_of(number, dtype)
                .ok_or_else(|| Error::invalid("window", format!("{number} is no {dtype}")))?;
            write_bits(bits, element);
        }
        Ok(to)
    }
}
