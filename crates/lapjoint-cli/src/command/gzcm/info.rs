//! `lapjoint gzcm info`.

use std::path::PathBuf;

use gzcm::container::catalog::{RegionEntry, Storage};
use gzcm::reader::Reader;
use gzcm::{Registry, WireFormat};
use serde_json::{Value, json};

use super::{print_table, size};
use crate::Outcome;

/// Chromosomes and regions that are listed unless all are asked for.
const SHOWN: usize = 30;

/// Options of `lapjoint gzcm info`.
#[derive(Debug, clap::Args)]
pub(crate) struct Info {
    /// GZCM file.
    file: PathBuf,
    /// Prints JSON.
    #[arg(long)]
    json: bool,
    /// Lists all regions and chromosomes, not the first ones only.
    #[arg(long)]
    all: bool,
}

/// Says what a file holds.
pub(crate) fn info(given: &Info) -> Outcome {
    let reader = super::open(&given.file)?;
    let file_bytes = std::fs::metadata(&given.file)?.len();
    if given.json {
        println!("{:#}", document(&reader, file_bytes)?);
        return Ok(());
    }
    let catalog = reader.catalog();
    let version = version(&reader);
    let (tiles, tile_bytes) =
        catalog.regions.iter().map(stored).fold((0, 0), |sum, one| (sum.0 + one.0, sum.1 + one.1));
    println!("{}: GZCM {version}, {}", given.file.display(), size(file_bytes));
    println!(
        "  {} in {tiles} tiles, {} in all else",
        size(tile_bytes),
        size(file_bytes.saturating_sub(tile_bytes))
    );
    for (name, value) in catalog.metadata().into_iter().flatten() {
        let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        println!("  {name}: {text}");
    }
    let sizes: Vec<String> = reader.bin_sizes_bp().iter().map(ToString::to_string).collect();
    println!("  bin sizes: {} bp", sizes.join(", "));
    let shown = if given.all { usize::MAX } else { SHOWN };
    let names: Vec<&str> = catalog.chromosomes.iter().take(shown).map(|one| one.name.as_str()).collect();
    println!(
        "  {} chromosomes: {}{}",
        catalog.chromosomes.len(),
        names.join(", "),
        more(catalog.chromosomes.len(), shown)
    );
    println!();
    let mut lines = vec![
        ["region", "rows", "cols", "type", "layout", "tile", "tiles", "contacts", "bytes", "codec"]
            .map(String::from)
            .to_vec(),
    ];
    lines.extend(catalog.regions.iter().take(shown).map(line));
    print_table(&lines);
    if catalog.regions.len() > shown {
        println!("{} regions in all", catalog.regions.len());
    }
    println!();
    let mut lines = vec![["codec", "wire format", "known here"].map(String::from).to_vec()];
    for (name, declared) in codecs(&reader) {
        let known = Registry::global().get(name).map_or("no", |_| "yes");
        let declared = declared.map_or_else(|| "not declared".to_owned(), |format| format.to_string());
        lines.push(vec![name.to_owned(), declared, known.to_owned()]);
    }
    print_table(&lines);
    if !catalog.vectors.is_empty() {
        let mut names: Vec<String> = catalog
            .vectors
            .iter()
            .map(|entry| {
                format!("{} ({:?}, {} bp)", entry.key.name, entry.key.kind, entry.key.bin_size_bp)
                    .to_lowercase()
            })
            .collect();
        names.dedup();
        names.sort_unstable();
        names.dedup();
        println!("\n{} vectors: {}", catalog.vectors.len(), names.join(", "));
    }
    for entry in catalog.regions.iter().take(shown) {
        if let Some(record) = &entry.codec_picker {
            println!("\ncodec of {}: {}", entry.region.name, picked(record));
        }
    }
    Ok(())
}

fn version(reader: &Reader) -> String {
    let header = &reader.catalog().header.json;
    let minor = header.get("minor").and_then(Value::as_u64).unwrap_or(0);
    let major = reader.version().major();
    if minor == 0 { major.to_string() } else { format!("{major}.{minor}") }
}

fn more(all: usize, shown: usize) -> String {
    if all > shown { format!(" and {} more", all - shown) } else { String::new() }
}

/// The codecs of the file, and the wire formats that it declares for them.
fn codecs(reader: &Reader) -> impl Iterator<Item = (&str, Option<WireFormat>)> {
    let catalog = reader.catalog();
    let formats = catalog.wire_formats.iter().copied().chain(std::iter::repeat(None));
    catalog.codecs.iter().map(String::as_str).zip(formats)
}

/// How many tiles are stored, and their bytes.
fn stored(entry: &RegionEntry) -> (u64, u64) {
    let wide = |value: usize| u64::try_from(value).unwrap_or(u64::MAX);
    let region = &entry.region;
    match &entry.storage {
        Storage::Tiles(tiles) => (wide(tiles.len()), tiles.iter().map(|tile| wide(tile.length_bytes)).sum()),
        Storage::RowMajor { .. } => {
            (1, region.n_rows.saturating_mul(region.n_cols).saturating_mul(wide(region.dtype.size_bytes())))
        }
        Storage::Blocks { .. } => {
            let side = entry.plan.tile_side();
            let tiles =
                entry.plan.tiles_along(region.n_rows).saturating_mul(entry.plan.tiles_along(region.n_cols));
            let bytes = tiles.saturating_mul(side).saturating_mul(side);
            (tiles, bytes.saturating_mul(wide(region.dtype.size_bytes())))
        }
    }
}

/// The contacts of a region, where the file says.
fn contacts(entry: &RegionEntry) -> Option<u64> {
    let Storage::Tiles(tiles) = &entry.storage else { return None };
    tiles.iter().map(|tile| tile.nnz.map(u64::from)).sum()
}

fn line(entry: &RegionEntry) -> Vec<String> {
    let (region, (tiles, bytes)) = (&entry.region, stored(entry));
    let codec = match &entry.storage {
        Storage::Tiles(tiles) if tiles.iter().all(|tile| tile.codec == 0) => "sparse".to_owned(),
        Storage::Tiles(_) => entry.plan.codec.clone(),
        Storage::RowMajor { .. } | Storage::Blocks { .. } => "none".to_owned(),
    };
    vec![
        region.name.clone(),
        region.n_rows.to_string(),
        region.n_cols.to_string(),
        region.dtype.to_string(),
        format!("{}{}", entry.plan.layout.name(), if region.symmetric { ", symmetric" } else { "" }),
        entry.plan.tile_size.to_string(),
        tiles.to_string(),
        contacts(entry).map_or_else(|| "?".to_owned(), |count| count.to_string()),
        bytes.to_string(),
        codec,
    ]
}

/// The record of a choice in few lines.
fn picked(record: &Value) -> String {
    let text = |name: &str| record.get(name).and_then(Value::as_str).unwrap_or("?").to_owned();
    let mut lines = vec![format!(
        "{} of {} tiles, times {}, weights {}",
        text("winner"),
        record.pointer("/sample/tiles").unwrap_or(&Value::Null),
        text("timing"),
        record.get("weights").unwrap_or(&Value::Null)
    )];
    let number = |numbers: &Value, name: &str| numbers.get(name).and_then(Value::as_f64);
    for (name, numbers) in record.get("candidates").and_then(Value::as_object).into_iter().flatten() {
        lines.push(match (number(numbers, "score"), number(numbers, "size_bytes")) {
            (Some(score), Some(size)) => format!("  {name}: score {score:.3}, {size} bytes"),
            _ => format!("  {name}: refused"),
        });
    }
    lines.join("\n")
}

fn document(reader: &Reader, file_bytes: u64) -> Result<Value, serde_json::Error> {
    let catalog = reader.catalog();
    let mut regions = Vec::new();
    for entry in &catalog.regions {
        let (tiles, bytes) = stored(entry);
        regions.push(json!({
            "region": serde_json::to_value(&entry.region)?,
            "plan": serde_json::to_value(&entry.plan)?,
            "tiles": tiles,
            "tile_bytes": bytes,
            "contacts": contacts(entry),
            "codec_picker": entry.codec_picker,
        }));
    }
    let codecs: serde_json::Map<String, Value> = codecs(reader)
        .map(|(name, format)| {
            (name.to_owned(), json!({"wire_format": format.map(|format| format.to_string())}))
        })
        .collect();
    let vectors: Result<Vec<Value>, _> =
        catalog.vectors.iter().map(|entry| serde_json::to_value(&entry.key)).collect();
    Ok(json!({
        "version": version(reader),
        "file_bytes": file_bytes,
        "metadata": catalog.metadata(),
        "bin_sizes_bp": reader.bin_sizes_bp(),
        "chromosomes": serde_json::to_value(&catalog.chromosomes)?,
        "codecs": codecs,
        "regions": regions,
        "vectors": vectors?,
    }))
}
