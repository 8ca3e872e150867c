//! `bsc_cmc`: the transforms of the contact matrix coder, then libbsc.

use super::counts;
use crate::bsc::{self, Options};
use crate::cmc::{self, BitsCoder};
use crate::codec::{TileCodec, WireFormat, strip_shape_header};
use crate::error::Result;
use crate::tile::{Dtype, Tile};

/// The rows of bits that [`cmc`] makes, as one libbsc block, behind the writer's shape header. Takes tiles of every type whose elements
/// are integers of 0 to 2^32 - 1.
#[derive(Debug, Clone, Copy, Default)]
pub struct BscCmc {
    options: Options,
}

impl BscCmc {
    /// With options; [`Default`] is without LZP.
    #[must_use]
    pub const fn new(options: Options) -> Self {
        Self { options }
    }
}

impl BitsCoder for BscCmc {
    fn number(&self) -> u8 {
        2
    }

    fn encode(&self, bits: &[u8]) -> Result<Vec<u8>> {
        bsc::encode(bits, &self.options)
    }

    fn decode(&self, coded: &[u8], size_bytes: usize) -> Result<Vec<u8>> {
        bsc::decode(coded, size_bytes)
    }
}

impl TileCodec for BscCmc {
    fn name(&self) -> &str {
        "bsc_cmc"
    }

    fn wire_format(&self) -> WireFormat {
        WireFormat::OpaquePayload
    }

    fn accepts(&self, tile: &Tile<'_>) -> bool {
        counts::fit(tile)
    }

    fn encode_tile(&self, tile: &Tile<'_>) -> Result<Vec<u8>> {
        let counts = counts::of_tile(tile).ok_or_else(|| counts::refusal("bsc_cmc"))?;
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
        crate::codecs::tests::check(&BscCmc::default());
    }
}
