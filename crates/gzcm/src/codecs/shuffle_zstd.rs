//! `shuffle_zstd`: the byte planes of the elements, then zstd.

use super::zstd::{compress, decompress};
use crate::codec::{TileCodec, WireFormat, strip_shape_header};
use crate::error::Result;
use crate::tile::{Dtype, Tile};

/// The elements' first bytes, then their second ones, …, as one Zstandard frame behind the writer's shape header. The
/// high bytes of counts are nearly all zero, so that a plane of them costs next to nothing. Takes every type.
#[derive(Debug, Clone, Copy)]
pub struct ShuffleZstd {
    level: i32,
}

impl ShuffleZstd {
    /// With a compression level of zstd's, 1 to 22.
    #[must_use]
    pub const fn new(level: i32) -> Self {
        Self { level }
    }
}

impl Default for ShuffleZstd {
    fn default() -> Self {
        Self::new(9)
    }
}

impl TileCodec for ShuffleZstd {
    fn name(&self) -> &str {
        "shuffle_zstd"
    }

    fn wire_format(&self) -> WireFormat {
        WireFormat::OpaquePayload
    }

    fn encode_tile(&self, tile: &Tile<'_>) -> Result<Vec<u8>> {
        compress(&shuffle(tile.bytes(), tile.dtype().size_bytes()), self.level)
    }

    fn decode_tile(&self, wire: &[u8], rows: usize, cols: usize, dtype: Dtype) -> Result<Tile<'static>> {
        let size_bytes = Tile::size_bytes(rows, cols, dtype)?;
        let planes = decompress(strip_shape_header(wire, rows, cols)?, size_bytes)?;
        Tile::new(rows, cols, dtype, unshuffle(&planes, dtype.size_bytes()))
    }
}

/// The byte planes of elements of so many bytes: all first bytes, then all second ones, …
#[must_use]
pub fn shuffle(elements: &[u8], size: usize) -> Vec<u8> {
    let mut planes = Vec::with_capacity(elements.len());
    for plane in 0..size.min(elements.len()) {
        planes.extend(elements[plane..].iter().step_by(size));
    }
    planes
}

/// The elements of byte planes, see [`shuffle`].
#[must_use]
pub fn unshuffle(planes: &[u8], size: usize) -> Vec<u8> {
    let mut elements = vec![0; planes.len()];
    for (at, plane) in planes.chunks_exact((planes.len() / size.max(1)).max(1)).enumerate() {
        for (to, from) in elements[at..].iter_mut().step_by(size.max(1)).zip(plane) {
            *to = *from;
        }
    }
    elements
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keeps_the_contract() {
        crate::codecs::tests::check(&ShuffleZstd::default());
    }

    #[test]
    fn planes_are_laid_least_significant_first() {
        let tile = Tile::from_u32(1, 2, &[0x0102_0304, 0x1112_1314]).unwrap();
        let planes = decompress(&ShuffleZstd::default().encode_tile(&tile).unwrap(), 8).unwrap();
        assert_eq!(planes, [4, 0x14, 3, 0x13, 2, 0x12, 1, 0x11]);
    }
}
