//! `cmc_zstd`: the transforms of the contact matrix coder, then Zstandard.

use super::{counts, zstd};
use crate::cmc::{self, BitsCoder};
use crate::codec::{TileCodec, WireFormat, strip_shape_header};
use crate::error::Result;
use crate::tile::{Dtype, Tile};

/// The rows of bits that [`cmc`] makes, as one Zstandard frame, behind the writer's shape header. Takes tiles of every type whose elements
/// are integers of 0 to 2^32 - 1.
#[derive(Debug, Clone, Copy)]
pub struct CmcZstd {
    level: i32,
}

impl CmcZstd {
    /// With a compression level of zstd's, 1 to 22.
    #[must_use]
    pub const fn new(level: i32) -> Self {
        Self { level }
    }
}

impl Default for CmcZstd {
    fn default() -> Self {
        Self::new(LEVEL)
    }
}

const LEVEL: i32 = 9;

impl BitsCoder for CmcZstd {
    fn number(&self) -> u8 {
        1
    }

    fn encode(&self, bits: &[u8]) -> Result<Vec<u8>> {
        zstd::compress(bits, self.level)
    }

    fn decode(&self, coded: &[u8], size_bytes: usize) -> Result<Vec<u8>> {
        zstd::decompress(coded, size_bytes)
    }
}

impl TileCodec for CmcZstd {
    fn name(&self) -> &str {
        "cmc_zstd"
    }

    fn wire_format(&self) -> WireFormat {
        WireFormat::OpaquePayload
    }

    fn accepts(&self, tile: &Tile<'_>) -> bool {
        counts::fit(tile)
    }

    fn encode_tile(&self, tile: &Tile<'_>) -> Result<Vec<u8>> {
        let counts = counts::of_tile(tile).ok_or_else(|| counts::refusal("cmc_zstd"))?;
        cmc::encode_tile_with(&counts, tile.rows(), tile.cols(), self)
    }

    fn decode_tile(&self, wire: &[u8], rows: usize, cols: usize, dtype: Dtype) -> Result<Tile<'static>> {
        let counts = cmc::decode_tile_with(strip_shape_header(wire, rows, cols)?, rows, cols, self)?;
        counts::to_tile(&counts, rows, cols, dtype)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keeps_the_contract() {
        crate::codecs::tests::check(&CmcZstd::default());
    }
}
