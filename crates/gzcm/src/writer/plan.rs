//! The choice of a region's layout, tile size and codec from its pixels, all of them or the first ones.

use serde_json::Value;

use super::options::{CodecChoice, LayoutChoice, WriterOptions};
use super::tiles::{Codecs, dense, split};
use crate::codec::TileCodec;
use crate::container::meta::{Layout, Plan, Region, Version};
use crate::error::{Error, Result};
use crate::picker;
use crate::pixel::Pixel;
use crate::tile::Tile;

/// Regions with less than this part of their cells filled get a sparse layout.
pub const SPARSE_FILL: f64 = 0.05;
/// Sparse tiles are enlarged until they hold about so many pixels: what is learnt anew in every tile is then little.
const SPARSE_TILE_PIXELS: u64 = 8192;
/// The side of a sparse tile, at most, in bins.
const SPARSE_TILE_MOST: usize = 8192;

/// A plan, the place of its codec, and the picker's record.
pub(crate) struct Planned {
    pub(crate) plan: Plan,
    pub(crate) preferred: usize,
    pub(crate) record: Option<Value>,
}

/// Plans a region. `complete` says that these are all of its pixels; else they are those of its first rows.
pub(crate) fn plan(
    region: &Region,
    pixels: &[Pixel],
    complete: bool,
    options: &WriterOptions,
    codecs: &Codecs,
) -> Result<Planned> {
    let rows = if complete {
        region.n_rows
    } else {
        pixels.iter().map(|pixel| u64::from(pixel.row) + 1).max().unwrap_or(1)
    };
    let cells = cells(region, rows);
    let layout = layout(region, pixels.len(), cells, options)?;
    let name =
        |at: usize| codecs.iter().nth(at).map_or_else(|| "none".to_owned(), |codec| codec.name().to_owned());
    let mut plan = Plan { layout, tile_size: options.tile_size, codec: name(0) };
    plan.check()?;
    if layout != Layout::DenseTiled {
        let longest = usize::try_from(region.n_rows.max(region.n_cols)).unwrap_or(usize::MAX);
        let pixels = f64_of(u64::try_from(pixels.len()).unwrap_or(u64::MAX));
        let enough = |side: usize| {
            let tiles = (cells / (f64_of(u64::try_from(side).unwrap_or(u64::MAX)).powi(2))).max(1.0);
            pixels / tiles >= f64_of(SPARSE_TILE_PIXELS)
        };
        while !enough(plan.tile_size) && plan.tile_size < longest && plan.tile_size * 2 <= SPARSE_TILE_MOST {
            plan.tile_size *= 2;
        }
        return Ok(Planned { plan, preferred: 0, record: None });
    }
    let CodecChoice::Adaptive(picker_options) = &options.codec else {
        return Ok(Planned { plan, preferred: 0, record: None });
    };
    if options.version < Version::V3 {
        return Ok(Planned { plan, preferred: 0, record: None });
    }
    let tiles = split(pixels.to_vec(), &plan)?;
    let positions: Vec<_> = tiles.iter().map(|(at, pixels)| (*at, pixels.len())).collect();
    let sample = picker::sample(&positions, picker_options);
    let side = |at: u32, bins| plan.bins_of_tile(at.into(), bins);
    let sampled: Vec<Tile<'static>> = sample
        .iter()
        .map(|at| &tiles[*at])
        .map(|((row, col), pixels)| {
            dense(pixels, side(*row, region.n_rows), side(*col, region.n_cols), region)
        })
        .collect::<Result<_>>()?;
    if sampled.is_empty() {
        return Ok(Planned { plan, preferred: 0, record: None });
    }
    let n_pixels = sample.iter().map(|at| positions[*at].1).sum();
    let candidates: Vec<&dyn TileCodec> = codecs.candidates().map(|codec| &**codec).collect();
    let choice = picker::choose(&candidates, &sampled, n_pixels, picker_options)?;
    plan.codec = name(choice.winner);
    Ok(Planned { plan, preferred: choice.winner, record: Some(choice.record) })
}

/// The cells that can have a pixel in the first rows.
fn cells(region: &Region, rows: u64) -> f64 {
    let (rows, cols) = (f64_of(rows), f64_of(region.n_cols));
    if region.symmetric { rows * cols - rows * (rows - 1.0) / 2.0 } else { rows * cols }
}

fn layout(region: &Region, pixels: usize, cells: f64, options: &WriterOptions) -> Result<Layout> {
    let by_fill = |intra: bool, roaring: bool| {
        if f64_of(u64::try_from(pixels).unwrap_or(u64::MAX)) / cells >= SPARSE_FILL {
            Layout::DenseTiled
        } else if region.symmetric && intra {
            Layout::SparseTiledIntra
        } else if roaring {
            Layout::SparseRoaring
        } else {
            Layout::DenseTiled
        }
    };
    let layout = match options.layout {
        LayoutChoice::Fixed(layout) => layout,
        LayoutChoice::Auto | LayoutChoice::AutoOf { .. } if options.version < Version::V4 => {
            Layout::DenseTiled
        }
        LayoutChoice::Auto => by_fill(true, true),
        LayoutChoice::AutoOf { intra, roaring } => by_fill(intra, roaring),
    };
    if layout != Layout::DenseTiled && options.version < Version::V4 {
        return Err(Error::invalid("layout", format!("{} needs version 4 or 5", layout.name())));
    }
    if layout == Layout::SparseTiledIntra && !region.symmetric {
        let reason = format!("{:?} is not symmetric: take sparse-roaring", region.name);
        return Err(Error::invalid("layout", reason));
    }
    Ok(layout)
}

#[expect(clippy::cast_precision_loss, reason = "an estimate")]
const fn f64_of(value: u64) -> f64 {
    value as f64
}
