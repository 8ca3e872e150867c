//! `lapjoint gzcm bench`.

use std::time::{Duration, Instant};

use gzcm::container::catalog::{RegionEntry, Storage};
use gzcm::reader::Reader;
use gzcm::{Registry, Tile, TileCodec, wire};

use super::{Ranges, print_table, size};
use crate::Outcome;
use crate::command::progress;

/// Options of `lapjoint gzcm bench`.
#[derive(Debug, clap::Args)]
pub(crate) struct Bench {
    #[command(flatten)]
    ranges: Ranges,
    /// Codecs, separated by commas; all without it.
    #[arg(long, value_delimiter = ',', value_name = "NAMES")]
    codecs: Vec<String>,
    /// Rows and columns of a tile, in bins.
    #[arg(long, default_value_t = 256, value_name = "BINS")]
    tile_size: u64,
    /// Tiles that are taken, spread evenly over those with contacts.
    #[arg(long, default_value_t = 64)]
    tiles: usize,
    /// Each is timed so often; the shortest time counts.
    #[arg(long, default_value_t = 3)]
    repeats: u32,
}

/// Times the codecs.
pub(crate) fn bench(given: &Bench) -> Outcome {
    let Ranges { file, range, range2, bin_size } = &given.ranges;
    let reader = super::open(file)?;
    let bin_size = bin_size.or_else(|| reader.bin_sizes_bp().first().copied());
    let window = reader.locate(range.as_deref(), range2.as_deref(), bin_size)?;
    let entry = &reader.catalog().regions[window.region];
    let tiles = tiles(&reader, window.region, entry, given)?;
    let raw: usize = tiles.iter().map(|tile| tile.bytes().len()).sum();
    let registry = Registry::global();
    let names = if given.codecs.is_empty() { registry.list() } else { given.codecs.clone() };
    println!(
        "{}: {} tiles of {} by {} {}, {}; one thread",
        entry.region.name,
        tiles.len(),
        given.tile_size,
        given.tile_size,
        entry.region.dtype,
        size(u64::try_from(raw)?)
    );
    let mut lines =
        vec![["codec", "wire", "bytes", "of raw", "encode MB/s", "decode MB/s"].map(String::from).to_vec()];
    let bar = progress(u64::try_from(names.len())?, "codecs");
    for name in &names {
        let codec = registry.get(name)?;
        lines.push(measure(&*codec, &tiles, given.repeats)?);
        bar.inc(1);
    }
    bar.finish_and_clear();
    print_table(&lines);
    Ok(())
}

/// Dense tiles with contacts. Those of the file may be of another size, or sparse.
fn tiles(
    reader: &Reader,
    region: usize,
    entry: &RegionEntry,
    given: &Bench,
) -> Result<Vec<Tile<'static>>, Box<dyn std::error::Error>> {
    let (side, what) = (given.tile_size, &entry.region);
    if side == 0 || given.tiles == 0 || given.repeats == 0 {
        return Err("tile size, tiles and repeats are at least 1".into());
    }
    let stored = entry.plan.tile_side();
    let mut places: Vec<(u64, u64)> = match &entry.storage {
        // A stored tile may hold several of the size asked for, or lie within one.
        Storage::Tiles(tiles) => {
            let along = |at: u32| {
                let start = u64::from(at) * stored;
                start / side..(start + stored).div_ceil(side)
            };
            tiles
                .iter()
                .flat_map(|tile| {
                    along(tile.row).flat_map(move |row| along(tile.col).map(move |col| (row, col)))
                })
                .collect()
        }
        Storage::RowMajor { .. } | Storage::Blocks { .. } => {
            let along = |bins: u64| 0..bins.div_ceil(side);
            along(what.n_rows).flat_map(|row| along(what.n_cols).map(move |col| (row, col))).collect()
        }
    };
    places.retain(|(row, col)| {
        row * side < what.n_rows && col * side < what.n_cols && (!what.symmetric || col >= row)
    });
    places.sort_unstable();
    places.dedup();
    let mut tiles = Vec::new();
    // Evenly spread, and more than asked for where some turn out empty.
    let step = (places.len() / given.tiles).max(1);
    let order = (0..step).flat_map(|start| (start..places.len()).step_by(step));
    for (row, col) in order.map(|at| places[at]) {
        if tiles.len() == given.tiles {
            break;
        }
        let (rows, cols) = (
            row * side..((row + 1) * side).min(what.n_rows),
            col * side..((col + 1) * side).min(what.n_cols),
        );
        let matrix = reader.dense(region, rows, cols)?;
        if matrix.bytes.iter().any(|byte| *byte != 0) {
            tiles.push(Tile::new(matrix.rows, matrix.cols, matrix.dtype, matrix.bytes)?);
        }
    }
    if tiles.is_empty() {
        return Err(format!("{} has no contacts", what.name).into());
    }
    Ok(tiles)
}

fn measure(
    codec: &dyn TileCodec,
    tiles: &[Tile<'static>],
    repeats: u32,
) -> Result<Vec<String>, Box<dyn std::error::Error>> {
    let taken: Vec<&Tile<'static>> =
        tiles.iter().filter(|tile| codec.accepts_dtype(tile.dtype()) && codec.accepts(tile)).collect();
    let name = codec.name().to_owned();
    if taken.is_empty() {
        return Ok(vec![name, codec.wire_format().to_string(), "does not take these tiles".to_owned()]);
    }
    let (mut encode, mut decode) = (Duration::MAX, Duration::MAX);
    let mut encoded = Vec::new();
    for _ in 0..repeats {
        let start = Instant::now();
        encoded = taken.iter().map(|tile| wire::encode(codec, tile)).collect::<gzcm::Result<Vec<_>>>()?;
        encode = encode.min(start.elapsed());
        let start = Instant::now();
        let back = taken
            .iter()
            .zip(&encoded)
            .map(|(tile, bytes)| wire::decode(codec, bytes, tile.rows(), tile.cols(), tile.dtype()));
        let back = back.collect::<gzcm::Result<Vec<_>>>()?;
        decode = decode.min(start.elapsed());
        if back.iter().zip(&taken).any(|(back, tile)| back != *tile) {
            return Err(format!("{name} gave another tile back").into());
        }
    }
    let raw: usize = taken.iter().map(|tile| tile.bytes().len()).sum();
    let bytes: usize = encoded.iter().map(Vec::len).sum();
    let left = tiles.len() - taken.len();
    #[expect(clippy::cast_precision_loss, reason = "figures of three digits")]
    let (raw, compressed) = (raw as f64, bytes as f64);
    let speed = |time: Duration| format!("{:.1}", raw / 1e6 / time.as_secs_f64().max(1e-9));
    let note = if left == 0 { String::new() } else { format!("({left} not taken)") };
    Ok(vec![
        name,
        codec.wire_format().to_string(),
        bytes.to_string(),
        format!("{:.2} %", 100.0 * compressed / raw),
        speed(encode),
        speed(decode),
        note,
    ])
}
