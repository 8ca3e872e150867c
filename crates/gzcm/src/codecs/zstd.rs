//! `zstd`: one Zstandard frame (RFC 8878) of the tile's bytes.

use std::io::Read;

use crate::codec::{TileCodec, WireFormat, strip_shape_header};
use crate::error::{Error, Result};
use crate::tile::{Dtype, Tile};

/// One Zstandard frame of the row-major little-endian elements, behind the writer's shape header. Takes every type.
#[derive(Debug, Clone, Copy)]
pub struct Zstd {
    level: i32,
}

impl Zstd {
    /// With a compression level of zstd's, 1 to 22.
    #[must_use]
    pub const fn new(level: i32) -> Self {
        Self { level }
    }
}

impl Default for Zstd {
    fn default() -> Self {
        Self::new(3)
    }
}

impl TileCodec for Zstd {
    fn name(&self) -> &str {
        "zstd"
    }

    fn wire_format(&self) -> WireFormat {
        WireFormat::OpaquePayload
    }

    fn encode_tile(&self, tile: &Tile<'_>) -> Result<Vec<u8>> {
        compress(tile.bytes(), self.level)
    }

    fn decode_tile(&self, wire: &[u8], rows: usize, cols: usize, dtype: Dtype) -> Result<Tile<'static>> {
        let size_bytes = Tile::size_bytes(rows, cols, dtype)?;
        let bytes = decompress(strip_shape_header(wire, rows, cols)?, size_bytes)?;
        Tile::new(rows, cols, dtype, bytes)
    }
}

/// One frame of the bytes.
///
/// # Errors
/// When zstd refuses the level.
pub fn compress(bytes: &[u8], level: i32) -> Result<Vec<u8>> {
    Ok(::zstd::bulk::compress(bytes, level)?)
}

/// The bytes of one frame, which must be `size_bytes` exactly; no more than that is allocated.
///
/// # Errors
/// For what is no frame of so many bytes.
pub fn decompress(frame: &[u8], size_bytes: usize) -> Result<Vec<u8>> {
    let mut bytes = vec![0; size_bytes];
    let written = ::zstd::bulk::decompress_to_buffer(frame, &mut bytes)
        .map_err(|error| Error::corrupt("zstd", error.to_string()))?;
    if written != size_bytes {
        return Err(Error::corrupt("zstd", format!("{written} bytes where {size_bytes} are declared")));
    }
    Ok(bytes)
}

/// As [`decompress`], where the size is only declared by the same bytes: memory grows with what is really unpacked.
///
/// # Errors
/// As for [`decompress`].
pub fn decompress_declared(frame: &[u8], size_bytes: usize) -> Result<Vec<u8>> {
    let corrupt = |error: std::io::Error| Error::corrupt("zstd", error.to_string());
    let mut decoder = ::zstd::stream::read::Decoder::with_buffer(frame).map_err(corrupt)?.single_frame();
    // The decoder allocates the window that the frame asks for; the levels up to 19 that are written here ask for 2^23 bytes at most.
    decoder.window_log_max(24).map_err(corrupt)?;
    let limit = u64::try_from(size_bytes).unwrap_or(u64::MAX).saturating_add(1);
    let mut bytes = Vec::new();
    decoder.by_ref().take(limit).read_to_end(&mut bytes).map_err(corrupt)?;
    let rest = decoder.finish();
    if bytes.len() != size_bytes || !rest.is_empty() {
        let reason =
            format!("{} bytes or more where {size_bytes} are declared, or bytes behind them", bytes.len());
        return Err(Error::corrupt("zstd", reason));
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keeps_the_contract() {
        crate::codecs::tests::check(&Zstd::default());
    }

    #[test]
    fn a_declared_size_must_be_the_real_one() {
        let frame = compress(&[7; 100_000], 3).unwrap();
        assert_eq!(decompress_declared(&frame, 100_000).unwrap(), [7; 100_000]);
        for size_bytes in [0, 99_999, 100_001, usize::MAX] {
            decompress_declared(&frame, size_bytes).unwrap_err();
        }
        decompress_declared(&frame[..frame.len() - 1], 100_000).unwrap_err();
        decompress_declared(&[frame.as_slice(), &[0]].concat(), 100_000).unwrap_err();
    }
}
