//! Data types and tiles.

use std::borrow::Cow;
use std::fmt;

use crate::error::{Error, Result};

/// The most rows or columns of a tile, so that declared sizes are checked before anything is allocated.
pub const MAX_TILE_SIDE: usize = 1 << 14;

/// The type of a matrix's elements, stored little-endian.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Dtype {
    /// 8-bit unsigned.
    U8,
    /// 16-bit unsigned.
    U16,
    /// 32-bit unsigned: what contact counts are.
    U32,
    /// 32-bit signed.
    I32,
    /// 64-bit signed.
    I64,
    /// IEEE 754 single precision.
    F32,
    /// IEEE 754 double precision.
    F64,
}

impl Dtype {
    /// All of them.
    pub const ALL: [Self; 7] = [Self::U8, Self::U16, Self::U32, Self::I32, Self::I64, Self::F32, Self::F64];

    /// numpy's name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::U8 => "uint8",
            Self::U16 => "uint16",
            Self::U32 => "uint32",
            Self::I32 => "int32",
            Self::I64 => "int64",
            Self::F32 => "float32",
            Self::F64 => "float64",
        }
    }

    /// The type of numpy's name.
    ///
    /// # Errors
    /// For a name that is none of them.
    pub fn parse(name: &str) -> Result<Self> {
        Self::ALL.into_iter().find(|dtype| dtype.name() == name).ok_or_else(|| {
            let known = Self::ALL.map(Self::name).join(", ");
            Error::unsupported("dtype", format!("{name:?} is none of {known}"))
        })
    }

    /// The bytes of an element.
    #[must_use]
    pub const fn size_bytes(self) -> usize {
        match self {
            Self::U8 => 1,
            Self::U16 => 2,
            Self::U32 | Self::I32 | Self::F32 => 4,
            Self::I64 | Self::F64 => 8,
        }
    }
}

impl fmt::Display for Dtype {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A rectangle of a matrix: shape `(rows, cols)`, row-major, elements little-endian.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tile<'a> {
    rows: usize,
    cols: usize,
    dtype: Dtype,
    bytes: Cow<'a, [u8]>,
}

impl<'a> Tile<'a> {
    /// A tile of the given bytes.
    ///
    /// # Errors
    /// When a side is 0 or more than [`MAX_TILE_SIDE`], or the number of bytes is not `rows * cols * dtype.size_bytes()`.
    pub fn new(rows: usize, cols: usize, dtype: Dtype, bytes: impl Into<Cow<'a, [u8]>>) -> Result<Self> {
        let (bytes, expected) = (bytes.into(), Self::size_bytes(rows, cols, dtype)?);
        if bytes.len() != expected {
            let reason = format!("({rows}, {cols}) of {dtype} are {expected} bytes, not {}", bytes.len());
            return Err(Error::invalid("tile", reason));
        }
        Ok(Self { rows, cols, dtype, bytes })
    }

    /// The bytes of a tile of this shape and type.
    ///
    /// # Errors
    /// When a side is 0 or more than [`MAX_TILE_SIDE`].
    pub fn size_bytes(rows: usize, cols: usize, dtype: Dtype) -> Result<usize> {
        if rows == 0 || cols == 0 || rows > MAX_TILE_SIDE || cols > MAX_TILE_SIDE {
            let reason = format!("({rows}, {cols}): each side is 1 to {MAX_TILE_SIDE}");
            return Err(Error::invalid("tile", reason));
        }
        Ok(rows * cols * dtype.size_bytes())
    }

    /// A tile of counts.
    ///
    /// # Errors
    /// As for [`Tile::new`].
    pub fn from_u32(rows: usize, cols: usize, values: &[u32]) -> Result<Tile<'static>> {
        let bytes: Vec<u8> = values.iter().flat_map(|value| value.to_le_bytes()).collect();
        Tile::new(rows, cols, Dtype::U32, bytes)
    }

    /// The number of rows.
    #[must_use]
    pub const fn rows(&self) -> usize {
        self.rows
    }

    /// The number of columns.
    #[must_use]
    pub const fn cols(&self) -> usize {
        self.cols
    }

    /// The type of the elements.
    #[must_use]
    pub const fn dtype(&self) -> Dtype {
        self.dtype
    }

    /// The elements, row-major and little-endian.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The elements as their owner.
    #[must_use]
    pub fn into_bytes(self) -> Vec<u8> {
        self.bytes.into_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sides_and_sizes_are_checked() {
        for (rows, cols, bytes) in [(0, 1, 0), (1, 0, 0), (MAX_TILE_SIDE + 1, 1, 4), (2, 2, 15)] {
            Tile::new(rows, cols, Dtype::U32, vec![0; bytes]).unwrap_err();
        }
        let tile = Tile::from_u32(1, 2, &[1, 256]).unwrap();
        assert_eq!(tile.bytes(), [1, 0, 0, 0, 0, 1, 0, 0]);
        assert!(Dtype::ALL.into_iter().all(|dtype| Dtype::parse(dtype.name()).unwrap() == dtype));
    }
}
