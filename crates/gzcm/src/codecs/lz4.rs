//! `lz4`: a raw LZ4 block behind a header of its own, the one built-in codec that describes itself.

use lz4::block;

use crate::codec::{TileCodec, WireFormat};
use crate::error::{Error, Result};
use crate::tile::{Dtype, Tile};

/// `(rows, cols, uncompressed size in bytes)`, each 4 bytes little-endian.
const HEADER_BYTES: usize = 12;

/// LZ4's block format (as `lz4.block` of python-lz4 writes it with `store_size=False`) behind 12 bytes
/// `(rows, cols, uncompressed_size_bytes)`, 3 × 32-bit little-endian. Takes every type.
#[derive(Debug, Clone, Copy, Default)]
pub struct Lz4;

impl TileCodec for Lz4 {
    fn name(&self) -> &str {
        "lz4"
    }

    fn wire_format(&self) -> WireFormat {
        WireFormat::SelfDescribing
    }

    fn encode_tile(&self, tile: &Tile<'_>) -> Result<Vec<u8>> {
        let mut wire = header(tile.rows(), tile.cols(), tile.bytes().len())?.to_vec();
        wire.extend(block::compress(tile.bytes(), None, false)?);
        Ok(wire)
    }

    fn decode_tile(&self, wire: &[u8], rows: usize, cols: usize, dtype: Dtype) -> Result<Tile<'static>> {
        let size_bytes = Tile::size_bytes(rows, cols, dtype)?;
        let expected = header(rows, cols, size_bytes)?;
        let packed = wire.strip_prefix(&expected).ok_or_else(|| {
            let reason = format!("the 12-byte header is not that of ({rows}, {cols}), {size_bytes} bytes");
            Error::corrupt("lz4", reason)
        })?;
        // The library counts in 32 bits with a sign.
        let (Ok(size), true) = (i32::try_from(size_bytes), i32::try_from(packed.len()).is_ok()) else {
            return Err(Error::corrupt("lz4", format!("{} bytes are too many for a block", packed.len())));
        };
        let mut bytes = vec![0; size_bytes];
        let written = block::decompress_to_buffer(packed, Some(size), &mut bytes)
            .map_err(|error| Error::corrupt("lz4", error.to_string()))?;
        if written != size_bytes {
            return Err(Error::corrupt("lz4", format!("{written} bytes where {size_bytes} are declared")));
        }
        Tile::new(rows, cols, dtype, bytes)
    }
}

fn header(rows: usize, cols: usize, size_bytes: usize) -> Result<[u8; HEADER_BYTES]> {
    let mut header = [0; HEADER_BYTES];
    for (field, value) in header.chunks_exact_mut(4).zip([rows, cols, size_bytes]) {
        let value =
            u32::try_from(value).map_err(|_| Error::invalid("lz4", format!("{value} does not fit")))?;
        field.copy_from_slice(&value.to_le_bytes());
    }
    Ok(header)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keeps_the_contract() {
        crate::codecs::tests::check(&Lz4);
    }

    #[test]
    fn the_bytes_are_those_of_the_format() {
        // 12-byte header, then a block of one token: 4 literals.
        let wire = Lz4.encode_tile(&Tile::from_u32(1, 1, &[0x0403_0201]).unwrap()).unwrap();
        assert_eq!(wire, [1, 0, 0, 0, 1, 0, 0, 0, 4, 0, 0, 0, 0x40, 1, 2, 3, 4]);
    }
}
