//! `bsc`: one block of libbsc of the tile's bytes.

use crate::bsc::{self, Options};
use crate::codec::{TileCodec, WireFormat, strip_shape_header};
use crate::error::{Error, Result};
use crate::tile::{Dtype, Tile};

/// One libbsc block (Burrows-Wheeler transform, QLFC fast) of the row-major little-endian elements, behind the writer's shape header.
/// Takes every type. Reads blocks with and without LZP.
#[derive(Debug, Clone, Copy, Default)]
pub struct Bsc {
    options: Options,
}

impl Bsc {
    /// With options; [`Default`] is without LZP.
    #[must_use]
    pub const fn new(options: Options) -> Self {
        Self { options }
    }
}

impl TileCodec for Bsc {
    fn name(&self) -> &str {
        "bsc"
    }

    fn wire_format(&self) -> WireFormat {
        WireFormat::OpaquePayload
    }

    fn encode_tile(&self, tile: &Tile<'_>) -> Result<Vec<u8>> {
        bsc::encode(tile.bytes(), &self.options)
    }

    fn decode_tile(&self, wire: &[u8], rows: usize, cols: usize, dtype: Dtype) -> Result<Tile<'static>> {
        let size_bytes = Tile::size_bytes(rows, cols, dtype)?;
        let bytes = bsc::decode(strip_shape_header(wire, rows, cols)?, size_bytes)?;
        if bytes.len() != size_bytes {
            return Err(Error::corrupt(
                "bsc",
                format!("{} bytes where {size_bytes} are declared", bytes.len()),
            ));
        }
        Tile::new(rows, cols, dtype, bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keeps_the_contract() {
        for lzp in [false, true] {
            crate::codecs::tests::check(&Bsc::new(Options { lzp }));
        }
    }
}
