//! `ctx`: the context-mixing codec of [`crate::ctx`].

use crate::codec::{TileCodec, WireFormat, strip_shape_header};
use crate::codecs::counts;
use crate::ctx;
use crate::error::{Error, Result};
use crate::tile::{Dtype, Tile};

/// Counts by context mixing, behind the writer's shape header. Takes every type whose values are integers from 0 to 2^32 - 1; of
/// 32-bit floats it takes all, others by their bit patterns, which come out no smaller than with a general codec.
#[derive(Debug, Clone, Copy, Default)]
pub struct Ctx;

/// Set in the payload's first byte when the values are bit patterns of 32-bit floats.
const PATTERNS: u8 = 0x80;

impl TileCodec for Ctx {
    fn name(&self) -> &str {
        "ctx"
    }

    fn wire_format(&self) -> WireFormat {
        WireFormat::OpaquePayload
    }

    fn accepts(&self, tile: &Tile<'_>) -> bool {
        tile.dtype() == Dtype::F32 || counts::fit(tile)
    }

    fn encode_tile(&self, tile: &Tile<'_>) -> Result<Vec<u8>> {
        let (rows, cols) = (tile.rows(), tile.cols());
        if let Some(values) = counts::of_tile(tile) {
            return ctx::encode(&values, rows, cols);
        }
        if tile.dtype() != Dtype::F32 {
            return Err(counts::refusal("ctx"));
        }
        let patterns: Vec<u32> =
            tile.bytes().as_chunks().0.iter().map(|pattern| u32::from_le_bytes(*pattern)).collect();
        let mut payload = ctx::encode(&patterns, rows, cols)?;
        if let Some(first) = payload.first_mut() {
            *first |= PATTERNS;
        }
        Ok(payload)
    }

    fn decode_tile(&self, wire: &[u8], rows: usize, cols: usize, dtype: Dtype) -> Result<Tile<'static>> {
        let mut payload = strip_shape_header(wire, rows, cols)?.to_vec();
        let patterns = payload.first().is_some_and(|first| first & PATTERNS != 0);
        if patterns {
            payload[0] ^= PATTERNS;
            if dtype != Dtype::F32 {
                return Err(Error::corrupt(
                    "ctx",
                    format!("bit patterns of float32 where {dtype} is expected"),
                ));
            }
        }
        let values = ctx::decode(&payload, rows, cols)?;
        if patterns {
            let bytes: Vec<u8> = values.iter().flat_map(|value| value.to_le_bytes()).collect();
            return Tile::new(rows, cols, dtype, bytes);
        }
        counts::to_tile(&values, rows, cols, dtype)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keeps_the_contract() {
        crate::codecs::tests::check(&Ctx);
    }

    #[test]
    fn floats_are_counts_where_they_can_be() {
        let tile = |values: &[f32]| {
            let bytes: Vec<u8> = values.iter().flat_map(|value| value.to_le_bytes()).collect();
            Tile::new(1, values.len(), Dtype::F32, bytes).unwrap()
        };
        let whole = tile(&[0.0, 3.0, 16_777_216.0, 4_294_967_040.0]);
        let other = tile(&[0.0, -0.0, 0.5, f32::NAN, f32::INFINITY, -3.0]);
        assert_eq!(Ctx.encode_tile(&whole).unwrap()[0] & PATTERNS, 0);
        assert_eq!(Ctx.encode_tile(&other).unwrap()[0] & PATTERNS, PATTERNS);
        for tile in [whole, other] {
            let wire = crate::wire::encode(&Ctx, &tile).unwrap();
            assert_eq!(crate::wire::decode(&Ctx, &wire, 1, tile.cols(), Dtype::F32).unwrap(), tile);
        }
    }

    #[test]
    fn what_is_no_count_is_refused() {
        let tiles = [
            Tile::new(1, 1, Dtype::I32, (-1i32).to_le_bytes().to_vec()).unwrap(),
            Tile::new(1, 1, Dtype::I64, (1i64 << 32).to_le_bytes().to_vec()).unwrap(),
            Tile::new(1, 1, Dtype::F64, 0.5f64.to_le_bytes().to_vec()).unwrap(),
        ];
        for tile in tiles {
            assert!(!Ctx.accepts(&tile));
            Ctx.encode_tile(&tile).unwrap_err();
        }
        let wire = crate::wire::encode(&Ctx, &Tile::from_u32(1, 1, &[256]).unwrap()).unwrap();
        assert!(crate::wire::decode(&Ctx, &wire, 1, 1, Dtype::U8).is_err());
    }
}
