//! `cmc`: the contact matrix coder with JBIG1's arithmetic coder.

use super::counts;
use crate::cmc;
use crate::codec::{TileCodec, WireFormat, strip_shape_header};
use crate::error::Result;
use crate::tile::{Dtype, Tile};

/// Mask, diagonal transform, row binarisation and JBIG1 (see [`cmc`]), behind the writer's shape header. Takes tiles of every
/// type whose elements are integers of 0 to 2^32 - 1.
#[derive(Debug, Clone, Copy, Default)]
pub struct Cmc;

impl TileCodec for Cmc {
    fn name(&self) -> &str {
        "cmc"
    }

    fn wire_format(&self) -> WireFormat {
        WireFormat::OpaquePayload
    }

    fn accepts(&self, tile: &Tile<'_>) -> bool {
        counts::fit(tile)
    }

    fn encode_tile(&self, tile: &Tile<'_>) -> Result<Vec<u8>> {
        let counts = counts::of_tile(tile).ok_or_else(|| counts::refusal("cmc"))?;
        cmc::encode_tile(&counts, tile.rows(), tile.cols())
    }

    fn decode_tile(&self, wire: &[u8], rows: usize, cols: usize, dtype: Dtype) -> Result<Tile<'static>> {
        let counts = cmc::decode_tile(strip_shape_header(wire, rows, cols)?, rows, cols)?;
        counts::to_tile(&counts, rows, cols, dtype)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keeps_the_contract() {
        crate::codecs::tests::check(&Cmc);
    }

    #[test]
    fn refuses_what_is_no_count() {
        let tile = Tile::new(1, 1, Dtype::F32, 0.5_f32.to_le_bytes().to_vec()).unwrap();
        assert!(!Cmc.accepts(&tile));
        assert!(Cmc.encode_tile(&tile).unwrap_err().to_string().contains("not an integer"));
    }
}
