//! The built-in tile codecs, one file each.

use std::sync::Arc;

use crate::codec::TileCodec;

pub mod bsc;
pub mod bsc_cmc;
pub mod cmc;
pub mod cmc_zstd;
mod counts;
pub mod ctx;
pub mod lz4;
pub mod shuffle_zstd;
pub mod zstd;

/// The built-in codecs: one line each.
#[must_use]
pub fn built_in() -> Vec<Arc<dyn TileCodec>> {
    vec![
        Arc::new(bsc::Bsc::default()),
        Arc::new(bsc_cmc::BscCmc::default()),
        Arc::new(cmc::Cmc),
        Arc::new(cmc_zstd::CmcZstd::default()),
        Arc::new(ctx::Ctx),
        Arc::new(lz4::Lz4),
        Arc::new(shuffle_zstd::ShuffleZstd::default()),
        Arc::new(zstd::Zstd::default()),
    ]
}

#[cfg(test)]
pub(crate) mod tests {
    //! What every codec must do; a codec's own tests call this with itself.
    use proptest::prelude::*;
    use proptest::test_runner::{Config, TestRunner};

    use crate::codec::TileCodec;
    use crate::tile::{Dtype, Tile};
    use crate::wire;

    /// Tiles of every dtype that the codec accepts, of edge shapes: zeros, one cell, small counts, all bits set.
    pub(crate) fn tiles(codec: &dyn TileCodec) -> Vec<Tile<'static>> {
        let mut tiles = Vec::new();
        for dtype in Dtype::ALL.into_iter().filter(|dtype| codec.accepts_dtype(*dtype)) {
            let size = dtype.size_bytes();
            for (rows, cols) in [(1, 1), (1, 37), (41, 1), (3, 5), (64, 64), (33, 70)] {
                let zeros = vec![0; rows * cols * size];
                let (mut one_cell, mut counts) = (zeros.clone(), zeros.clone());
                one_cell[(rows * cols / 2) * size] = 9;
                for (at, cell) in counts.chunks_exact_mut(size).enumerate() {
                    let value = (at % cols).abs_diff(at / cols).pow(2) % 11 * usize::from(at % 3 == 0);
                    cell[0] = u8::try_from(value).unwrap();
                }
                for bytes in [zeros, one_cell, counts, vec![0xff; rows * cols * size]] {
                    tiles.push(Tile::new(rows, cols, dtype, bytes).unwrap());
                }
            }
        }
        tiles.retain(|tile| codec.accepts(tile));
        assert!(!tiles.is_empty());
        tiles
    }

    /// Round trips, truncations, bit flips and random bytes: never a panic, and never a tile of another shape.
    pub(crate) fn check(codec: &dyn TileCodec) {
        for tile in tiles(codec) {
            let (rows, cols, dtype) = (tile.rows(), tile.cols(), tile.dtype());
            let wire = wire::encode(codec, &tile).unwrap();
            assert_eq!(wire::decode(codec, &wire, rows, cols, dtype).unwrap(), tile);
            if rows * cols > 256 {
                continue;
            }
            for end in 0..wire.len() {
                let cut = wire::decode(codec, &wire[..end], rows, cols, dtype);
                assert!(cut.is_err(), "{} cut at {end} of {}", codec.name(), wire.len());
            }
            for bit in 0..wire.len() * 8 {
                let mut flipped = wire.clone();
                flipped[bit / 8] ^= 1 << (bit % 8);
                drop(wire::decode(codec, &flipped, rows, cols, dtype));
            }
            wire::decode(codec, &wire, rows + 1, cols, dtype).unwrap_err();
        }
        let strategy = (
            proptest::collection::vec(any::<u8>(), 0..200),
            1_usize..20,
            1_usize..20,
            0_usize..Dtype::ALL.len(),
        );
        let mut runner =
            TestRunner::new(Config { cases: 256, failure_persistence: None, ..Config::default() });
        runner
            .run(&strategy, |(body, rows, cols, dtype)| {
                let header = crate::codec::shape_header(rows, cols).unwrap();
                for wire in [body.clone(), [&header, body.as_slice()].concat()] {
                    drop(wire::decode(codec, &wire, rows, cols, Dtype::ALL[dtype]));
                }
                Ok(())
            })
            .unwrap();
    }
}
