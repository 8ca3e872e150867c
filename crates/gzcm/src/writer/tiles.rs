//! From the pixels of whole rows of tiles to encoded tiles, in parallel.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use rayon::prelude::*;

use super::FALLBACK_CODEC;
use crate::codec::TileCodec;
use crate::container::meta::{Layout, Plan, Region};
use crate::error::{Error, Result};
use crate::pixel::{Pixel, write_bits};
use crate::sparse;
use crate::tile::Tile;
use crate::wire;

/// A tile as it goes to the file.
#[derive(Debug)]
pub(crate) struct EncodedTile {
    pub(crate) row: u32,
    pub(crate) col: u32,
    pub(crate) rows: usize,
    pub(crate) cols: usize,
    pub(crate) nnz: u32,
    /// 0 for a sparse tile, else one more than the codec's place.
    pub(crate) codec: u16,
    /// The bytes on the wire, or the elements themselves for the versions without codecs.
    pub(crate) bytes: Vec<u8>,
}

/// The codecs of a writer; each proves itself at its first tile.
pub(crate) struct Codecs {
    codecs: Vec<(Arc<dyn TileCodec>, AtomicBool)>,
    /// The first ones are to be chosen from; a fallback may follow.
    candidates: usize,
}

impl Codecs {
    pub(crate) fn new(codecs: Vec<Arc<dyn TileCodec>>, candidates: usize) -> Self {
        Self { codecs: codecs.into_iter().map(|codec| (codec, AtomicBool::new(false))).collect(), candidates }
    }

    pub(crate) fn candidates(&self) -> impl Iterator<Item = &Arc<dyn TileCodec>> {
        self.iter().take(self.candidates)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Arc<dyn TileCodec>> {
        self.codecs.iter().map(|(codec, _)| codec)
    }

    /// The number of the codec that takes the tile, the preferred one before the fallback, and the wire bytes.
    fn encode(&self, preferred: usize, tile: &Tile<'_>) -> Result<(u16, Vec<u8>)> {
        let is_fallback = |(codec, _): &(Arc<dyn TileCodec>, AtomicBool)| codec.name() == FALLBACK_CODEC;
        let fallback = self.codecs.iter().position(is_fallback).unwrap_or(preferred);
        let takes = |at: &usize| self.codecs.get(*at).is_some_and(|(codec, _)| codec.accepts(tile));
        let Some(at) = [preferred, fallback].into_iter().find(takes) else {
            return Err(Error::invalid("writer", "no codec takes the tile"));
        };
        let (codec, proven) = &self.codecs[at];
        let bytes = if proven.load(Ordering::Acquire) {
            wire::encode(&**codec, tile)?
        } else {
            let bytes = wire::encode_proven(&**codec, tile)?;
            proven.store(true, Ordering::Release);
            bytes
        };
        let id = u16::try_from(at + 1).map_err(|_| Error::invalid("writer", "too many codecs"))?;
        Ok((id, bytes))
    }
}

/// A tile's `(row, col)`, and its pixels, relative to it.
pub(crate) type TilePixels = ((u32, u32), Vec<Pixel>);

/// How the tiles of a region become bytes.
pub(crate) enum Encoding<'a> {
    /// The elements themselves.
    Elements,
    /// Through the codecs, the preferred one first.
    Wire { codecs: &'a Codecs, preferred: usize },
}

/// Splits pixels, of whole rows of tiles and in any order, into tiles with positions relative to the tile.
///
/// # Errors
/// For a cell that comes twice.
pub(crate) fn split(mut pixels: Vec<Pixel>, plan: &Plan) -> Result<Vec<TilePixels>> {
    let side = u32::try_from(plan.tile_size).unwrap_or(u32::MAX);
    let key = |pixel: &Pixel| (pixel.row / side, pixel.col / side, pixel.row, pixel.col);
    pixels.par_sort_unstable_by_key(key);
    if let Some(twice) = pixels.windows(2).find(|pair| key(&pair[0]) == key(&pair[1])) {
        let reason = format!("cell ({}, {}) comes twice", twice[0].row, twice[0].col);
        return Err(Error::invalid("pixels", reason));
    }
    let of_tile = |pixel: &Pixel| (pixel.row / side, pixel.col / side);
    let groups = pixels.chunk_by(|a, b| of_tile(a) == of_tile(b));
    Ok(groups
        .map(|group| {
            let at = of_tile(&group[0]);
            let local = |pixel: &Pixel| Pixel { row: pixel.row % side, col: pixel.col % side, ..*pixel };
            (at, group.iter().map(local).collect())
        })
        .collect())
}

/// Encodes tiles in parallel; their order stays.
///
/// # Errors
/// When no codec takes a tile.
pub(crate) fn encode(
    tiles: Vec<TilePixels>,
    region: &Region,
    plan: &Plan,
    encoding: &Encoding<'_>,
) -> Result<Vec<EncodedTile>> {
    let encode = |((row, col), pixels): TilePixels| {
        let rows = plan.bins_of_tile(row.into(), region.n_rows);
        let cols = plan.bins_of_tile(col.into(), region.n_cols);
        let nnz =
            u32::try_from(pixels.len()).map_err(|_| Error::invalid("writer", "too many pixels a tile"))?;
        let (codec, bytes) = match encoding {
            Encoding::Elements => (0, dense(&pixels, rows, cols, region)?.into_bytes()),
            Encoding::Wire { codecs, preferred } if plan.layout == Layout::DenseTiled => {
                codecs.encode(*preferred, &dense(&pixels, rows, cols, region)?)?
            }
            Encoding::Wire { .. } => {
                let shape = sparse::Shape::of_tile(region, plan, (row, col));
                (0, sparse::encode(&pixels, &shape)?)
            }
        };
        Ok(EncodedTile { row, col, rows, cols, nnz, codec, bytes })
    };
    tiles.into_par_iter().map(encode).collect()
}

/// A tile with its pixels in place, all others zero.
///
/// # Errors
/// For a shape that no tile has.
pub(crate) fn dense(pixels: &[Pixel], rows: usize, cols: usize, region: &Region) -> Result<Tile<'static>> {
    let size = region.dtype.size_bytes();
    let mut bytes = vec![0; Tile::size_bytes(rows, cols, region.dtype)?];
    for pixel in pixels {
        let at =
            usize::try_from(pixel.row).unwrap_or(rows) * cols + usize::try_from(pixel.col).unwrap_or(cols);
        let element = bytes.get_mut(at * size..(at + 1) * size);
        write_bits(pixel.bits, element.ok_or_else(|| Error::invalid("pixels", "a cell beyond the tile"))?);
    }
    Tile::new(rows, cols, region.dtype, bytes)
}
