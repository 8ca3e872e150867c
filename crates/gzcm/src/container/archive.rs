//! The catalog of versions 1 to 4, whose header names every offset.

use serde_json::{Map, Value};

use super::catalog::{Catalog, RegionEntry, Storage, TileEntry, VectorEntry};
use super::header::Header;
use super::index::RegionJson;
use super::meta::{Chromosome, Layout, Plan, Region, VectorKey, Version};
use crate::error::{Error, Result};
use crate::tile::Dtype;

/// Reads the catalog out of a header. Parts that only this crate writes may be missing: the region is then described by
/// `arrays.matrix` and `metadata`, and the tiles of version 3 by their own sizes.
///
/// # Errors
/// When a part that the version needs is missing or cannot be.
pub fn catalog(header: Header) -> Result<Catalog> {
    let mut codecs: Vec<String> = Vec::new();
    let json = &header.json;
    let meta = json.get("meta").and_then(Value::as_object).cloned().unwrap_or_default();
    let described = meta.get("regions").and_then(Value::as_array).cloned().unwrap_or_default();
    let mut regions = Vec::new();
    match header.version {
        Version::V1 | Version::V2 => {
            let matrix = array(json, "matrix")?;
            let (region, plan) = match described.first() {
                Some(first) => region_of(first, &mut codecs)?,
                None => bare_region(header.version, json, &matrix)?,
            };
            let offset_bytes = matrix.offset_bytes;
            let storage = if header.version == Version::V1 {
                expect_shape(&matrix, &[region.n_rows, region.n_cols])?;
                Storage::RowMajor { offset_bytes }
            } else {
                let (side, rows, cols) =
                    (plan.tile_side(), plan.tiles_along(region.n_rows), plan.tiles_along(region.n_cols));
                expect_shape(&matrix, &[rows, cols, side, side])?;
                Storage::Blocks { offset_bytes }
            };
            if matrix.dtype != region.dtype {
                return Err(corrupt("arrays.matrix is of another dtype than the region"));
            }
            regions.push(RegionEntry { region, plan, storage, codec_picker: None });
        }
        Version::V3 => {
            let tiles =
                meta.get("tiles").and_then(Value::as_object).ok_or_else(|| corrupt("no meta.tiles"))?;
            let (region, plan) = match described.first() {
                Some(first) => region_of(first, &mut codecs)?,
                None => bare_tiled(json, &meta, tiles, &mut codecs)?,
            };
            let mut entries = Vec::with_capacity(tiles.len());
            for (name, tile) in tiles {
                entries.push(tile_of(name, tile, &region, &plan, &mut codecs)?);
            }
            regions.push(region_entry(region, plan, entries, meta.get("codec_picker"))?);
        }
        Version::V4 => {
            for json in &described {
                let (region, plan) = region_of(json, &mut codecs)?;
                let entries = bboxes(json, &region, &plan, &mut codecs)?;
                regions.push(region_entry(region, plan, entries, meta.get("codec_picker"))?);
            }
            if regions.is_empty() {
                return Err(corrupt("no meta.regions"));
            }
        }
        Version::V5 | Version::V5_1 => return Err(corrupt("a version with an index of its own")),
    }
    let vectors = vectors(json)?;
    let chromosomes = chromosomes(&meta)?;
    let wire_formats = vec![None; codecs.len()];
    Ok(Catalog { header, chromosomes, codecs, wire_formats, regions, vectors })
}

/// The chromosomes of a header's `meta`.
///
/// # Errors
/// When they are not a list of `{name, length_bp}`.
pub fn chromosomes(meta: &Map<String, Value>) -> Result<Vec<Chromosome>> {
    let list = meta.get("chromosomes").cloned().unwrap_or_else(|| Value::Array(Vec::new()));
    serde_json::from_value(list).map_err(|error| corrupt(&format!("meta.chromosomes: {error}")))
}

struct Array {
    dtype: Dtype,
    shape: Vec<u64>,
    offset_bytes: u64,
}

fn array(json: &Map<String, Value>, name: &str) -> Result<Array> {
    let missing = |part: &str| corrupt(&format!("arrays.{name} has no {part}"));
    let array = json.get("arrays").and_then(|arrays| arrays.get(name)).ok_or_else(|| missing("entry"))?;
    let dtype = array.get("dtype").and_then(Value::as_str).unwrap_or("float32");
    let shape = array.get("shape").and_then(Value::as_array).ok_or_else(|| missing("shape"))?;
    let shape =
        shape.iter().map(Value::as_u64).collect::<Option<Vec<_>>>().ok_or_else(|| missing("shape"))?;
    let offset_bytes = array.get("offset").and_then(Value::as_u64).ok_or_else(|| missing("offset"))?;
    if array.get("order").and_then(Value::as_str).unwrap_or("C") != "C" {
        return Err(Error::unsupported("header", "arrays in another order than \"C\""));
    }
    Ok(Array { dtype: Dtype::parse(dtype)?, shape, offset_bytes })
}

fn expect_shape(array: &Array, expected: &[u64]) -> Result<()> {
    if array.shape == expected {
        return Ok(());
    }
    Err(corrupt(&format!("arrays.matrix has the shape {:?} where {expected:?} is expected", array.shape)))
}

fn region_of(json: &Value, codecs: &mut Vec<String>) -> Result<(Region, Plan)> {
    let mut json = json.clone();
    if json.get("codec").is_none() {
        json["codec"] = "none".into();
    }
    let RegionJson { region, plan, .. } =
        serde_json::from_value(json).map_err(|error| corrupt(&format!("meta.regions: {error}")))?;
    region.check().and_then(|()| plan.check()).map_err(|error| corrupt(&error.to_string()))?;
    codec_id(&plan.codec, codecs)?;
    Ok((region, plan))
}

/// The region of a file that has no `meta.regions`.
fn bare_region(version: Version, json: &Map<String, Value>, matrix: &Array) -> Result<(Region, Plan)> {
    let (n_rows, n_cols, tile_size) = match (version, matrix.shape.as_slice()) {
        (Version::V2, [rows, cols, side, other]) if side == other => {
            (rows.saturating_mul(*side), cols.saturating_mul(*side), *side)
        }
        (Version::V1 | Version::V3, [rows, cols]) => (*rows, *cols, 256),
        _ => return Err(corrupt("arrays.matrix has no shape of the version")),
    };
    let text = |name: &str| json.get("metadata").and_then(|meta| meta.get(name));
    let chrom = text("region").and_then(Value::as_str).unwrap_or("unknown").to_owned();
    let bin_size_bp = text("resolution").and_then(Value::as_u64).unwrap_or(1);
    let region =
        Region { dtype: matrix.dtype, ..Region::inter((&chrom, n_rows), (&chrom, n_cols), bin_size_bp) };
    let tile_size = usize::try_from(tile_size).unwrap_or(usize::MAX);
    let plan = Plan { layout: Layout::DenseTiled, tile_size, codec: "none".to_owned() };
    region.check().and_then(|()| plan.check()).map_err(|error| corrupt(&error.to_string()))?;
    Ok((region, plan))
}

/// The same for version 3: the tile size is that of the first tile, the codec `meta.codec` or `metadata.codec`.
fn bare_tiled(
    json: &Map<String, Value>,
    meta: &Map<String, Value>,
    tiles: &Map<String, Value>,
    codecs: &mut Vec<String>,
) -> Result<(Region, Plan)> {
    let (region, mut plan) = bare_region(Version::V3, json, &array(json, "matrix")?)?;
    let told = [Some(meta), json.get("metadata").and_then(Value::as_object)];
    let told = |name: &str| told.iter().flatten().find_map(|part| part.get(name));
    let codec = told("codec").and_then(Value::as_str);
    plan.codec = codec
        .ok_or_else(|| Error::unsupported("header", "version 3 without the name of its codec"))?
        .to_owned();
    let rows = tiles.values().filter_map(|tile| tile.get("rows")?.as_u64()).max();
    let side = told("tile_size").and_then(Value::as_u64).or(rows);
    plan.tile_size = side.and_then(|side| usize::try_from(side).ok()).unwrap_or(plan.tile_size);
    plan.check().map_err(|error| corrupt(&error.to_string()))?;
    codec_id(&plan.codec, codecs)?;
    Ok((region, plan))
}

/// The number of a codec, which gets one when it has none.
fn codec_id(name: &str, codecs: &mut Vec<String>) -> Result<u16> {
    let at = codecs.iter().position(|known| known == name).unwrap_or_else(|| {
        codecs.push(name.to_owned());
        codecs.len() - 1
    });
    u16::try_from(at + 1).map_err(|_| corrupt("too many codecs"))
}

/// The number of a tile's codec: 0 in the sparse layouts.
fn codec_of(named: Option<&Value>, plan: &Plan, codecs: &mut Vec<String>) -> Result<u16> {
    match named.and_then(Value::as_str) {
        Some(name) => codec_id(name, codecs),
        None if plan.layout == Layout::DenseTiled => codec_id(&plan.codec, codecs),
        None => Ok(0),
    }
}

fn tile_of(
    name: &str,
    json: &Value,
    region: &Region,
    plan: &Plan,
    codecs: &mut Vec<String>,
) -> Result<TileEntry> {
    let bad = || corrupt(&format!("meta.tiles[{name:?}] is not {{offset, length}} of a tile \"row,col\""));
    let (row, col) = name.split_once(',').ok_or_else(bad)?;
    let number = |name: &str| json.get(name).and_then(Value::as_u64);
    let entry = TileEntry {
        row: row.trim().parse().map_err(|_| bad())?,
        col: col.trim().parse().map_err(|_| bad())?,
        offset_bytes: number("offset").ok_or_else(bad)?,
        length_bytes: number("length").and_then(|length| usize::try_from(length).ok()).ok_or_else(bad)?,
        codec: codec_of(json.get("codec"), plan, codecs)?,
        nnz: number("nnz").and_then(|nnz| u32::try_from(nnz).ok()),
        crc32c: number("crc32c").and_then(|crc| u32::try_from(crc).ok()),
    };
    for (told, at, bins) in [("rows", entry.row, region.n_rows), ("cols", entry.col, region.n_cols)] {
        let bins = u64::try_from(plan.bins_of_tile(at.into(), bins)).unwrap_or(0);
        if number(told).is_some_and(|number| number != bins) {
            return Err(bad());
        }
    }
    Ok(entry)
}

fn bboxes(json: &Value, region: &Region, plan: &Plan, codecs: &mut Vec<String>) -> Result<Vec<TileEntry>> {
    let list = |name: &str| json.get(name).and_then(Value::as_array);
    let boxes = list("tile_bboxes").ok_or_else(|| corrupt("a region without tile_bboxes"))?;
    let number_at = |name: &str, at: usize| {
        list(name)
            .and_then(|numbers| numbers.get(at))
            .and_then(Value::as_u64)
            .and_then(|n| u32::try_from(n).ok())
    };
    let mut entries = Vec::with_capacity(boxes.len());
    for (at, bbox) in boxes.iter().enumerate() {
        let bad = || corrupt(&format!("tile_bboxes[{at}] is not [r0, c0, r1, c1, offset, length] of a tile"));
        let numbers: Option<Vec<u64>> = bbox.as_array().and_then(|b| b.iter().map(Value::as_u64).collect());
        let Some([r0, c0, r1, c1, offset_bytes, length]) = numbers.as_deref() else {
            return Err(bad());
        };
        let side = plan.tile_side();
        let tile = |start: u64, end: u64, bins: u64| {
            let whole =
                start.is_multiple_of(side) && end == start.saturating_add(side).min(bins) && start < bins;
            u32::try_from(start / side).ok().filter(|_| whole)
        };
        let named = json.get("tile_codecs").and_then(|names| names.get(at.to_string()));
        entries.push(TileEntry {
            row: tile(*r0, *r1, region.n_rows).ok_or_else(bad)?,
            col: tile(*c0, *c1, region.n_cols).ok_or_else(bad)?,
            offset_bytes: *offset_bytes,
            length_bytes: usize::try_from(*length).map_err(|_| bad())?,
            codec: codec_of(named, plan, codecs)?,
            nnz: number_at("tile_nnz", at),
            crc32c: number_at("tile_crc32c", at),
        });
    }
    Ok(entries)
}

fn region_entry(
    region: Region,
    plan: Plan,
    mut tiles: Vec<TileEntry>,
    records: Option<&Value>,
) -> Result<RegionEntry> {
    tiles.sort_unstable_by_key(|tile| (tile.row, tile.col));
    let beyond = |tile: &TileEntry| {
        u64::from(tile.row) >= plan.tiles_along(region.n_rows)
            || u64::from(tile.col) >= plan.tiles_along(region.n_cols)
    };
    let twice = tiles.windows(2).any(|pair| (pair[0].row, pair[0].col) == (pair[1].row, pair[1].col));
    if twice || tiles.iter().any(beyond) {
        return Err(corrupt("a tile comes twice, or is beyond the matrix"));
    }
    let codec_picker = records.and_then(|records| records.get(&region.name)).cloned();
    Ok(RegionEntry { region, plan, storage: Storage::Tiles(tiles), codec_picker })
}

fn vectors(json: &Map<String, Value>) -> Result<Vec<VectorEntry>> {
    let mut vectors = Vec::new();
    for (name, entry) in json.get("arrays").and_then(Value::as_object).into_iter().flatten() {
        let Some(key) = entry.get("weights") else { continue };
        let key: VectorKey = serde_json::from_value(key.clone())
            .map_err(|error| corrupt(&format!("arrays.{name}: {error}")))?;
        let array = array(json, name)?;
        let n_values = array.shape.first().and_then(|n| usize::try_from(*n).ok());
        let length_bytes = n_values.and_then(|n| n.checked_mul(8));
        let (Some(n_values), Some(length_bytes)) = (n_values, length_bytes) else {
            return Err(corrupt("a vector without its length"));
        };
        vectors.push(VectorEntry { key, offset_bytes: array.offset_bytes, length_bytes, n_values });
    }
    Ok(vectors)
}

fn corrupt(reason: &str) -> Error {
    Error::corrupt("header", reason)
}
