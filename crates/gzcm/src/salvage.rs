//! What can still be read of a damaged or unfinished file, as a new file of version 5.1.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufWriter, Write};
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

use serde_json::Value;

use crate::codec::WireFormat;
use crate::container::catalog::{Catalog, RegionEntry, Storage};
use crate::container::frame::{self, Kind, MARKER};
use crate::container::header::{self, Header};
use crate::container::index::{self, RegionJson};
use crate::container::meta::Version;
use crate::container::varint::Cursor;
use crate::container::{archive, stream};
use crate::error::{Error, Result};
use crate::reader::{CacheSize, Reader, read_frame};
use crate::registry::Registry;
use crate::source::{FileSource, RangeRead};
use crate::whole_file;
use crate::writer::{
    CodecChoice, FALLBACK_CODEC, PixelOrder, StreamParts, StreamWriter, Writer, WriterOptions,
};

/// What is searched for the next frame at once.
const SEARCH_BYTES: u64 = 1 << 20;

/// What was saved.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Salvaged {
    /// Regions that the new file has.
    pub regions: u64,
    /// Tiles that were intact; of versions 1 and 2, parts of the array of a tile's size.
    pub tiles: u64,
    /// Tiles known to be lost: all that are when the index is intact, else those met on the way.
    pub lost_tiles: u64,
    /// Normalisation vectors that were intact.
    pub vectors: u64,
    /// Bytes between intact frames that were passed over.
    pub skipped_bytes: u64,
}

/// Walks a file and writes what is intact. Of versions 5, frames are copied as they are wherever their checksum matches,
/// with or without an index; of the others, tiles that decode are written anew. The header must be readable: it alone
/// names the codecs, or the tiles' places.
///
/// # Errors
/// When the header is not readable, the source does not answer, or the new file cannot be written.
pub fn salvage(source: &Arc<dyn RangeRead>, to: impl Write + Send, registry: &Registry) -> Result<Salvaged> {
    let (header, header_bytes) = header::read(&**source)?;
    if header.version < Version::V5 {
        let reader = Reader::new(Arc::clone(source), registry, CacheSize::Tiles(0))?;
        return from_archive(&reader, to);
    }
    let catalog = stream::catalog(&**source, header.clone(), &header_bytes).ok();
    from_frames(&**source, &header, catalog.as_ref(), to, registry)
}

/// As [`salvage`], from a path to a path. The new file appears when it is whole; what is there by its name is replaced.
///
/// # Errors
/// As for [`salvage`].
pub fn salvage_file(from: &Path, to: &Path, registry: &Registry) -> Result<Salvaged> {
    let source: Arc<dyn RangeRead> = Arc::new(FileSource::open(from)?);
    let mut file = whole_file::beside(to)?;
    let mut writer = BufWriter::with_capacity(1 << 18, file.as_file_mut());
    let done = salvage(&source, &mut writer, registry)?;
    writer.flush()?;
    drop(writer);
    file.persist(to).map_err(|error| error.error)?;
    Ok(done)
}

/// The new file while frames are copied into it.
struct Copying<'a> {
    writer: StreamWriter<'a>,
    /// What is known of regions, by their number in the old file.
    known: BTreeMap<u32, RegionJson>,
    /// The one that is being written, and those that are done.
    current: Option<u32>,
    begun: BTreeSet<u32>,
    tiles: BTreeSet<(u32, u32, u32)>,
    vectors: BTreeSet<String>,
    done: Salvaged,
}

fn from_frames<'a>(
    source: &dyn RangeRead,
    header: &Header,
    catalog: Option<&Catalog>,
    to: impl Write + Send + 'a,
    registry: &Registry,
) -> Result<Salvaged> {
    let (names, declared) = stream::codecs(header)?;
    let wire_format = |(name, declared): (&String, Option<WireFormat>)| {
        let of_registry = || registry.get(name).map(|codec| codec.wire_format());
        Ok((name.clone(), declared.map_or_else(of_registry, Ok)?))
    };
    let codecs = names.iter().zip(declared).map(wire_format).collect::<Result<Vec<_>>>()?;
    let meta = header.json.get("meta").and_then(Value::as_object).cloned().unwrap_or_default();
    let metadata = header.json.get("metadata").and_then(Value::as_object).cloned().unwrap_or_default();
    let parts = StreamParts {
        version: Version::V5_1,
        metadata,
        chromosomes: archive::chromosomes(&meta).unwrap_or_default(),
        codecs,
    };
    let mut copying = Copying {
        writer: StreamWriter::new(to, parts)?,
        known: BTreeMap::new(),
        current: None,
        begun: BTreeSet::new(),
        tiles: BTreeSet::new(),
        vectors: BTreeSet::new(),
        done: Salvaged::default(),
    };
    let mut stored = 0;
    for (number, entry) in (0..).zip(catalog.iter().flat_map(|catalog| &catalog.regions)) {
        let RegionEntry { region, plan, codec_picker, storage } = entry.clone();
        copying.known.insert(number, RegionJson { region, plan, codec_picker });
        if let Storage::Tiles(tiles) = storage {
            stored += u64::try_from(tiles.len()).unwrap_or_default();
        }
    }
    let end = match catalog {
        Some(catalog) => end_of_frames(catalog),
        None => source.len_bytes()?,
    };
    let mut at = header.data_start_bytes;
    while at < end {
        let taken = match read_frame(source, at, end) {
            Ok(bytes) => frame::unpack(&bytes).and_then(|(kind, body, length)| {
                copying.frame(kind, body, &bytes)?;
                Ok(u64::try_from(length).unwrap_or(1))
            }),
            Err(error) => Err(error),
        };
        match taken {
            Ok(length) => at += length,
            Err(Error::Corrupt { .. }) => {
                let next = next_marker(source, at + 1, end)?;
                copying.done.skipped_bytes += next - at;
                at = next;
            }
            Err(error) => return Err(error),
        }
    }
    // Regions without a tile, whose frame is damaged or behind the last tile.
    let known: Vec<u32> = copying.known.keys().copied().collect();
    known.into_iter().try_for_each(|number| copying.begin(number))?;
    copying.done.lost_tiles = copying.done.lost_tiles.max(stored.saturating_sub(copying.done.tiles));
    copying.writer.finish()?;
    Ok(copying.done)
}

impl Copying<'_> {
    /// Takes over an intact frame. What it says can still be impossible: then it is corrupt as well.
    fn frame(&mut self, kind: Kind, body: &[u8], bytes: &[u8]) -> Result<()> {
        match kind {
            Kind::Region => {
                let mut cursor = Cursor::new(body, "frame of a region");
                let number = cursor.narrow()?;
                let json: RegionJson = index::from_json(cursor.rest())?;
                self.known.insert(number, json);
                self.begin(number)
            }
            Kind::Vector => {
                let key = Cursor::new(body, "vector").bytes()?;
                if self.vectors.insert(String::from_utf8_lossy(key).into_owned()) {
                    self.writer.copy_vector(body, bytes)?;
                    self.done.vectors += 1;
                }
                Ok(())
            }
            Kind::Tile => {
                let (head, wire_bytes) = frame::unpack_tile(body)?;
                if self.current != Some(head.region) {
                    self.begin(head.region)?;
                }
                if self.current == Some(head.region) && self.tiles.insert((head.region, head.row, head.col)) {
                    self.writer.copy_tile(&head, wire_bytes)?;
                    self.done.tiles += 1;
                } else {
                    self.done.lost_tiles += 1;
                }
                Ok(())
            }
        }
    }

    /// Begins a region of the new file, unless nothing is known of it, or it was begun before.
    fn begin(&mut self, number: u32) -> Result<()> {
        let Some(json) = self.known.get(&number) else { return Ok(()) };
        json.region
            .check()
            .and_then(|()| json.plan.check())
            .map_err(|e| Error::corrupt("region", e.to_string()))?;
        if self.begun.insert(number) {
            self.writer.copy_region(json)?;
            self.current = Some(number);
            self.done.regions += 1;
        }
        Ok(())
    }
}

/// Where the last frame that an index knows of ends.
fn end_of_frames(catalog: &Catalog) -> u64 {
    let mut frames: Vec<(u64, usize)> =
        catalog.vectors.iter().map(|vector| (vector.offset_bytes, vector.length_bytes)).collect();
    for entry in &catalog.regions {
        if let Storage::Tiles(tiles) = &entry.storage {
            frames.extend(tiles.iter().map(|tile| (tile.offset_bytes, tile.length_bytes)));
        }
    }
    let end =
        |(offset, length): (u64, usize)| offset.saturating_add(u64::try_from(length).unwrap_or(u64::MAX));
    frames.into_iter().map(end).max().unwrap_or(0)
}

/// Where the next marker begins, or the end.
fn next_marker(source: &dyn RangeRead, mut at: u64, end: u64) -> Result<u64> {
    while at < end {
        let length = usize::try_from((end - at).min(SEARCH_BYTES)).unwrap_or(0);
        let bytes = source.read_range(at, length)?;
        if let Some(found) = bytes.windows(MARKER.len()).position(|window| window == MARKER) {
            return Ok(at + u64::try_from(found).unwrap_or_default());
        }
        if at + u64::try_from(length).unwrap_or(u64::MAX) >= end {
            break;
        }
        // A marker may lie across the border.
        at += u64::try_from(length - (MARKER.len() - 1)).unwrap_or(1);
    }
    Ok(end)
}

fn from_archive(reader: &Reader, to: impl Write + Send) -> Result<Salvaged> {
    let catalog = reader.catalog();
    let codec = catalog.codecs.iter().find(|name| *name != "none").cloned();
    let options = WriterOptions {
        codec: CodecChoice::Named(codec.unwrap_or_else(|| FALLBACK_CODEC.to_owned())),
        tile_size: catalog.regions.iter().map(|entry| entry.plan.tile_size).min().unwrap_or(256),
        chromosomes: catalog.chromosomes.clone(),
        metadata: catalog.metadata().cloned().unwrap_or_default(),
        ..WriterOptions::default()
    };
    let mut writer = Writer::new(to, options)?;
    let mut done = Salvaged::default();
    for (at, entry) in catalog.regions.iter().enumerate() {
        let RegionEntry { region, plan, storage, .. } = entry;
        writer.start_region(region.clone(), PixelOrder::ByRow)?;
        let bins = |tile: u64, bins: u64| {
            let start = tile * plan.tile_side();
            start..bins.min(start + plan.tile_side())
        };
        let mut take = |row: u64, col: u64| {
            let (rows, cols): (Range<u64>, Range<u64>) = (bins(row, region.n_rows), bins(col, region.n_cols));
            match reader.pixels(at, rows, cols) {
                Ok(mut pixels) => {
                    pixels.retain(|pixel| !region.symmetric || pixel.col >= pixel.row);
                    done.tiles += 1;
                    writer.push_pixels(&pixels)
                }
                Err(Error::Io(error)) => Err(Error::Io(error)),
                Err(_) => {
                    done.lost_tiles += 1;
                    Ok(())
                }
            }
        };
        if let Storage::Tiles(tiles) = storage {
            tiles.iter().try_for_each(|tile| take(tile.row.into(), tile.col.into()))?;
        } else {
            for row in 0..plan.tiles_along(region.n_rows) {
                let first = if region.symmetric { row } else { 0 };
                (first..plan.tiles_along(region.n_cols)).try_for_each(|col| take(row, col))?;
            }
        }
        writer.end_region()?;
        done.regions += 1;
    }
    for entry in &catalog.vectors {
        if let Ok(vector) = reader.vector(entry) {
            writer.add_vector(&vector)?;
            done.vectors += 1;
        }
    }
    writer.finish()?;
    Ok(done)
}
