//! The readers: any version of the container, by windows of bins or base pairs.

mod cache;
mod load;
mod locate;
mod matrix;
mod verify;
mod window;

use std::ops::{Deref, Range};
use std::path::Path;
use std::sync::Arc;

pub use self::cache::{CacheSize, CacheStats};
use self::cache::{Decoded, Key, TileCache};
use self::load::Loader;
pub use self::locate::{Axis, parse_range};
pub use self::matrix::Matrix;
pub use self::verify::Verified;
pub(crate) use self::verify::read_frame;
use self::window::{Placed, Window};
use crate::codec::TileCodec;
use crate::codecs::shuffle_zstd::unshuffle;
use crate::codecs::zstd::decompress_declared;
use crate::container::catalog::{Catalog, RegionEntry, Storage, TileEntry, VectorEntry};
use crate::container::frame::{self, Kind};
use crate::container::meta::{Vector, Version};
use crate::container::varint::Cursor;
use crate::container::{archive, header, stream};
use crate::error::{Error, Result};
use crate::pixel::Pixel;
use crate::registry::Registry;
use crate::source::{FileSource, RangeRead};
use crate::tile::Tile;

/// A file that is open for reading; threads share it.
pub struct Reader {
    source: Arc<dyn RangeRead>,
    catalog: Catalog,
    codecs: Vec<Option<Arc<dyn TileCodec>>>,
    cache: TileCache,
}

/// Opens a file of any version, with the process's registry and a cache of the default size.
///
/// # Errors
/// As for [`Reader::new`], and the operating system's.
pub fn open(path: impl AsRef<Path>) -> Result<Reader> {
    Reader::new(Arc::new(FileSource::open(path)?), Registry::global(), CacheSize::default())
}

impl Reader {
    /// Opens what a source has. Versions 1 to 4 take one request, or two when the header is longer than 4096 bytes; versions
    /// 5 take one more for the end of the file, and another when the index is longer than 64 KiB.
    ///
    /// # Errors
    /// For what is no intact file of a known version, and [`Error::WireFormat`] when it declares another wire format for a
    /// codec than the registry does. A codec that the registry does not have is an error only where its tiles are read.
    pub fn new(source: Arc<dyn RangeRead>, registry: &Registry, cache: CacheSize) -> Result<Self> {
        let (header, header_bytes) = header::read(&*source)?;
        let catalog = match header.version {
            Version::V5 | Version::V5_1 => stream::catalog(&*source, header, &header_bytes)?,
            _ => archive::catalog(header)?,
        };
        let codecs: Vec<Option<Arc<dyn TileCodec>>> =
            catalog.codecs.iter().map(|name| registry.get(name).ok()).collect();
        for ((name, declared), codec) in catalog.codecs.iter().zip(&catalog.wire_formats).zip(&codecs) {
            let (Some(declared), Some(codec)) = (declared, codec) else { continue };
            if *declared != codec.wire_format() {
                let reason = format!(
                    "the file declares its wire format as \"{declared}\", the registry as \"{}\": its tiles would be \
                     misread, so the file is refused",
                    codec.wire_format()
                );
                return Err(Error::WireFormat { codec: name.clone(), reason });
            }
        }
        Ok(Self { source, catalog, codecs, cache: TileCache::new(cache) })
    }

    /// What the file holds.
    #[must_use]
    pub const fn catalog(&self) -> &Catalog {
        &self.catalog
    }

    /// The version of the file.
    #[must_use]
    pub const fn version(&self) -> Version {
        self.catalog.header.version
    }

    /// What the tile cache did so far.
    #[must_use]
    pub fn cache_stats(&self) -> CacheStats {
        self.cache.stats()
    }

    /// How much the tile cache holds at most.
    #[must_use]
    pub const fn cache_size(&self) -> CacheSize {
        self.cache.size()
    }

    /// The place of the region of a name.
    ///
    /// # Errors
    /// When there is none; the error names those that there are.
    pub fn region(&self, name: &str) -> Result<usize> {
        let regions = &self.catalog.regions;
        regions.iter().position(|entry| entry.region.name == name).ok_or_else(|| {
            let names: Vec<&str> = regions.iter().take(20).map(|entry| entry.region.name.as_str()).collect();
            Error::invalid("region", format!("no {name:?}; there are: {}", names.join(", ")))
        })
    }

    /// The cells of a window of bins `(rows, cols)`, dense. A symmetric region is read as the full matrix.
    ///
    /// # Errors
    /// When the window is not within the region, or its tiles cannot be read.
    pub fn dense(&self, region: usize, rows: Range<u64>, cols: Range<u64>) -> Result<Matrix> {
        let entry = self.entry(region)?;
        if let Storage::RowMajor { offset_bytes } = entry.storage {
            return self.row_major(entry, offset_bytes, &self.window(region, rows, cols)?);
        }
        let (window, tiles) = self.tiles(region, rows, cols)?;
        window::dense(&window, &tiles, entry.region.dtype)
    }

    /// The cells of a window that are not zero, sorted by row and column; positions in bins of the region. A symmetric region
    /// is read as the full matrix.
    ///
    /// # Errors
    /// As for [`Reader::dense`].
    pub fn pixels(&self, region: usize, rows: Range<u64>, cols: Range<u64>) -> Result<Vec<Pixel>> {
        let entry = self.entry(region)?;
        if let Storage::RowMajor { offset_bytes } = entry.storage {
            let mut window = self.window(region, rows, cols)?;
            let mut pixels = Vec::new();
            // Rows by rows: the window may be far larger than its pixels.
            while window.rows.start < window.rows.end {
                let end = window.rows.end.min(window.rows.start + 64);
                let some = Window { rows: window.rows.start..end, ..window.clone() };
                pixels.extend(self.row_major_pixels(entry, offset_bytes, &some)?);
                window.rows.start = end;
            }
            return Ok(pixels);
        }
        let (window, tiles) = self.tiles(region, rows, cols)?;
        Ok(window::pixels(&window, &tiles))
    }

    /// The cells that are stored, each once: of a symmetric region only those with `col >= row`.
    ///
    /// # Errors
    /// As for [`Reader::dense`].
    pub fn stored_pixels(&self, region: usize) -> Result<Vec<Pixel>> {
        let what = &self.entry(region)?.region;
        let (rows, cols, symmetric) = (0..what.n_rows, 0..what.n_cols, what.symmetric);
        if symmetric && matches!(self.entry(region)?.storage, Storage::Tiles(_)) {
            let (mut window, tiles) = self.tiles(region, rows, cols)?;
            window.mirrored = false;
            return Ok(window::pixels(&window, &tiles));
        }
        let mut pixels = self.pixels(region, rows, cols)?;
        pixels.retain(|pixel| !symmetric || pixel.col >= pixel.row);
        Ok(pixels)
    }

    /// A normalisation vector.
    ///
    /// # Errors
    /// When its bytes are damaged.
    pub fn vector(&self, entry: &VectorEntry) -> Result<Vector> {
        let corrupt = |reason: &str| Error::corrupt("vector", format!("{reason} ({:?})", entry.key.name));
        let bytes = self.source.read_range(entry.offset_bytes, entry.length_bytes)?;
        let elements = if self.version() >= Version::V5 {
            let (kind, body, length) = frame::unpack(&bytes)?;
            let mut cursor = Cursor::new(body, "vector");
            let key = serde_json::from_slice(cursor.bytes()?).ok();
            let n_values: usize = cursor.narrow()?;
            if kind != Kind::Vector
                || length != bytes.len()
                || key.as_ref() != Some(&entry.key)
                || n_values != entry.n_values
            {
                return Err(corrupt("it is not the one that the index says"));
            }
            // Weights do not pack better than this.
            if n_values > cursor.rest().len().saturating_mul(1 << 16) {
                return Err(corrupt("more values than its bytes can hold"));
            }
            let size = n_values.checked_mul(8).ok_or_else(|| corrupt("too long"))?;
            unshuffle(&decompress_declared(cursor.rest(), size)?, 8)
        } else {
            bytes.to_vec()
        };
        let values: Vec<f64> =
            elements.as_chunks::<8>().0.iter().map(|value| f64::from_le_bytes(*value)).collect();
        if values.len() != entry.n_values {
            return Err(corrupt("it has another length than the index says"));
        }
        Ok(Vector { key: entry.key.clone(), values })
    }

    fn entry(&self, region: usize) -> Result<&RegionEntry> {
        let regions = &self.catalog.regions;
        regions.get(region).ok_or_else(|| Error::invalid("region", format!("{region} of {}", regions.len())))
    }

    fn window(&self, region: usize, rows: Range<u64>, cols: Range<u64>) -> Result<Window> {
        let RegionEntry { region, storage, .. } = self.entry(region)?;
        if rows.start > rows.end
            || cols.start > cols.end
            || rows.end > region.n_rows
            || cols.end > region.n_cols
        {
            let reason = format!(
                "rows {rows:?} and columns {cols:?} are not within the ({}, {}) bins of {:?}",
                region.n_rows, region.n_cols, region.name
            );
            return Err(Error::invalid("window", reason));
        }
        // The arrays of versions 1 and 2 hold both triangles.
        let mirrored = region.symmetric && matches!(storage, Storage::Tiles(_));
        Ok(Window { rows, cols, mirrored })
    }

    /// The decoded tiles that touch a window, or whose mirror images do.
    fn tiles(&self, region: usize, rows: Range<u64>, cols: Range<u64>) -> Result<(Window, Vec<Placed>)> {
        let window = self.window(region, rows, cols)?;
        let entry = self.entry(region)?;
        let side = entry.plan.tile_side();
        let along = |range: &Range<u64>| {
            if range.is_empty() { 0..0 } else { range.start / side..range.end.div_ceil(side) }
        };
        let (tile_rows, tile_cols) = (along(&window.rows), along(&window.cols));
        let mut entries = entries_in(entry, &tile_rows, &tile_cols)?;
        if window.mirrored {
            entries.extend(entries_in(entry, &tile_cols, &tile_rows)?);
            entries.sort_unstable_by_key(|tile| (tile.row, tile.col));
            entries.dedup();
        }
        let keys: Vec<Key> = entries.iter().map(|tile| (region, tile.row, tile.col)).collect();
        let loader = self.loader();
        let tiles = self.cache.get(&keys, |wanted| {
            let wanted: Vec<TileEntry> = wanted.iter().map(|at| entries[*at]).collect();
            loader.load(region, &wanted)
        })?;
        let place = |(entry, tile): (&TileEntry, Arc<Decoded>)| Placed {
            row: u64::from(entry.row) * side,
            col: u64::from(entry.col) * side,
            tile,
        };
        Ok((window, entries.iter().zip(tiles).map(place).collect()))
    }

    fn loader(&self) -> Loader<'_> {
        Loader { source: &*self.source, catalog: &self.catalog, codecs: &self.codecs }
    }

    fn row_major(&self, entry: &RegionEntry, offset_bytes: u64, window: &Window) -> Result<Matrix> {
        let wide = |value: usize| u64::try_from(value).unwrap_or(u64::MAX);
        let size = entry.region.dtype.size_bytes();
        let length = |range: &Range<u64>| usize::try_from(range.end - range.start).unwrap_or(usize::MAX);
        let (rows, cols) = (length(&window.rows), length(&window.cols));
        let at = |row: u64| {
            let element = row.checked_mul(entry.region.n_cols)?.checked_add(window.cols.start)?;
            element.checked_mul(wide(size))?.checked_add(offset_bytes)
        };
        let ranges: Option<Vec<_>> =
            window.rows.clone().map(|row| Some((at(row)?, cols.checked_mul(size)?))).collect();
        let ranges = ranges.ok_or_else(|| Error::corrupt("arrays.matrix", "it does not fit a file"))?;
        let mut bytes = Vec::new();
        for line in load::read_joined(&*self.source, &ranges)? {
            bytes.extend_from_slice(&line);
        }
        Ok(Matrix { rows, cols, dtype: entry.region.dtype, bytes })
    }

    fn row_major_pixels(
        &self,
        entry: &RegionEntry,
        offset_bytes: u64,
        window: &Window,
    ) -> Result<Vec<Pixel>> {
        let matrix = self.row_major(entry, offset_bytes, window)?;
        if matrix.bytes.is_empty() {
            return Ok(Vec::new());
        }
        let mut pixels = Vec::new();
        let size = matrix.dtype.size_bytes();
        for (row, line) in (window.rows.start..).zip(matrix.bytes.chunks_exact(matrix.cols * size)) {
            for (col, element) in (window.cols.start..).zip(line.chunks_exact(size)) {
                let bits = crate::pixel::read_bits(element);
                if let (true, Ok(row), Ok(col)) = (bits != 0, u32::try_from(row), u32::try_from(col)) {
                    pixels.push(Pixel { row, col, bits });
                }
            }
        }
        Ok(pixels)
    }
}

/// The stored tiles of rows and columns of tiles.
fn entries_in(entry: &RegionEntry, rows: &Range<u64>, cols: &Range<u64>) -> Result<Vec<TileEntry>> {
    let narrow = |at: u64| u32::try_from(at).map_err(|_| Error::invalid("window", "beyond 2^32 tiles"));
    match &entry.storage {
        Storage::RowMajor { .. } => Err(Error::invalid("window", "a row-major array has no tiles")),
        Storage::Tiles(tiles) => {
            let mut found = Vec::new();
            let of_rows = tiles.partition_point(|tile| u64::from(tile.row) < rows.start);
            let mut rest = &tiles[of_rows..];
            while let Some(first) = rest.first().filter(|tile| u64::from(tile.row) < rows.end) {
                let (line, others) = rest.split_at(rest.partition_point(|tile| tile.row <= first.row));
                rest = others;
                let start = line.partition_point(|tile| u64::from(tile.col) < cols.start);
                let end = line.partition_point(|tile| u64::from(tile.col) < cols.end);
                found.extend_from_slice(line.get(start..end).unwrap_or_default());
            }
            Ok(found)
        }
        Storage::Blocks { offset_bytes } => {
            let (side, across) = (entry.plan.tile_side(), entry.plan.tiles_along(entry.region.n_cols));
            let length_bytes =
                Tile::size_bytes(entry.plan.tile_size, entry.plan.tile_size, entry.region.dtype)?;
            let length = u64::try_from(length_bytes).unwrap_or(side);
            let mut found = Vec::new();
            for (row, col) in rows.clone().flat_map(|row| cols.clone().map(move |col| (row, col))) {
                let place = row.checked_mul(across).and_then(|at| at.checked_add(col)?.checked_mul(length));
                let place = place.and_then(|at| at.checked_add(*offset_bytes));
                found.push(TileEntry {
                    row: narrow(row)?,
                    col: narrow(col)?,
                    offset_bytes: place
                        .ok_or_else(|| Error::corrupt("arrays.matrix", "it does not fit a file"))?,
                    length_bytes,
                    codec: 0,
                    nnz: None,
                    crc32c: None,
                });
            }
            Ok(found)
        }
    }
}

/// The published reader of versions 1 to 3.
pub struct GzcmReader(Reader);

/// The published reader of version 4.
pub struct GzcmV4Reader(Reader);

impl GzcmReader {
    /// Opens a file of version 1, 2 or 3.
    ///
    /// # Errors
    /// As for [`open`], and for another version.
    pub fn open(path: impl AsRef<Path>) -> Result<Self> {
        open(path)?.only(Version::V1..=Version::V3).map(Self)
    }
}

impl GzcmV4Reader {
    /// Opens a file of version 4.
    ///
    /// # Errors
    /// As for [`open`], and for another version.
    pub fn open(path: impl AsRef<Path>) -> Result<Self> {
        open(path)?.only(Version::V4..=Version::V4).map(Self)
    }
}

impl Reader {
    fn only(self, versions: std::ops::RangeInclusive<Version>) -> Result<Self> {
        if versions.contains(&self.version()) {
            return Ok(self);
        }
        let reason = format!("the file is of version {}, which another reader opens", self.version().major());
        Err(Error::unsupported("reader", reason))
    }
}

impl Deref for GzcmReader {
    type Target = Reader;

    fn deref(&self) -> &Reader {
        &self.0
    }
}

impl Deref for GzcmV4Reader {
    type Target = Reader;

    fn deref(&self) -> &Reader {
        &self.0
    }
}
