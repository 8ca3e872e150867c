//! Versions 1 to 4: the header names every offset and comes first, so that the data waits in a file without a name.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom, Write};

use serde_json::{Map, Value, json};

use super::options::WriterOptions;
use super::sink::{Sink, vector_bytes};
use super::tiles::EncodedTile;
use crate::container::header;
use crate::container::meta::{Layout, Plan, Region, Vector, VectorKey, Version};
use crate::error::{Error, Result};

struct Stored {
    row: u32,
    col: u32,
    rows: usize,
    cols: usize,
    nnz: u32,
    codec: u16,
    crc32c: u32,
    /// Where it is in the spool.
    spool_offset: u64,
    length: usize,
}

struct ArchiveRegion {
    region: Region,
    plan: Plan,
    codec_picker: Option<Value>,
    tiles: Vec<Stored>,
}

pub(crate) struct ArchiveSink<W> {
    to: W,
    version: Version,
    options: WriterOptions,
    codec_names: Vec<String>,
    spool: File,
    spool_end: u64,
    regions: Vec<ArchiveRegion>,
    vectors: Vec<(VectorKey, u64, usize)>,
}

impl<W: Write + Send> ArchiveSink<W> {
    pub(crate) fn new(to: W, options: &WriterOptions, codec_names: Vec<String>) -> Result<Self> {
        Ok(Self {
            to,
            version: options.version,
            options: options.clone(),
            codec_names,
            spool: tempfile::tempfile()?,
            spool_end: 0,
            regions: Vec::new(),
            vectors: Vec::new(),
        })
    }

    fn append(&mut self, bytes: &[u8]) -> Result<u64> {
        let at = self.spool_end;
        self.write_at(at, bytes)?;
        self.spool_end += u64::try_from(bytes.len()).unwrap_or_default();
        Ok(at)
    }

    fn write_at(&mut self, at: u64, bytes: &[u8]) -> Result<()> {
        self.spool.seek(SeekFrom::Start(at))?;
        Ok(self.spool.write_all(bytes)?)
    }

    /// Puts a tile of elements in its place in the array, and its mirror image in its own.
    fn place(&mut self, tile: &EncodedTile) -> Result<()> {
        let Some(ArchiveRegion { region, plan, .. }) = self.regions.last() else {
            return Err(Error::invalid("writer", "a tile without a region"));
        };
        let (size, side) = (region.dtype.size_bytes(), plan.tile_size);
        let (symmetric, n_cols, tile_cols) =
            (region.symmetric, region.n_cols, plan.tiles_along(region.n_cols));
        let mut elements = tile.bytes.clone();
        if symmetric && tile.row == tile.col {
            for row in 1..tile.rows {
                for col in 0..row {
                    let (from, to) = ((col * tile.cols + row) * size, (row * tile.cols + col) * size);
                    elements.copy_within(from..from + size, to);
                }
            }
        }
        let mut images = vec![(tile.row, tile.col, tile.cols, elements)];
        if symmetric && tile.row != tile.col {
            let mut mirrored = Vec::with_capacity(tile.bytes.len());
            for col in 0..tile.cols {
                for row in 0..tile.rows {
                    let at = (row * tile.cols + col) * size;
                    mirrored.extend_from_slice(&tile.bytes[at..at + size]);
                }
            }
            images.push((tile.col, tile.row, tile.rows, mirrored));
        }
        let wide = |value: usize| u64::try_from(value).unwrap_or(u64::MAX);
        for (tile_row, tile_col, cols, elements) in images {
            let (tile_row, tile_col) = (u64::from(tile_row), u64::from(tile_col));
            for (row, line) in elements.chunks_exact(cols * size).enumerate() {
                let element = if self.version == Version::V1 {
                    (tile_row * wide(side) + wide(row)) * n_cols + tile_col * wide(side)
                } else {
                    ((tile_row * tile_cols + tile_col) * wide(side) + wide(row)) * wide(side)
                };
                self.write_at(element * wide(size), line)?;
            }
        }
        Ok(())
    }

    /// The header when the data begins at `base`.
    fn header(&self, base: u64) -> Result<Map<String, Value>> {
        let mut metadata = self.options.metadata.clone();
        let mut arrays = Map::new();
        let mut meta = Map::new();
        meta.insert("chromosomes".to_owned(), json!(self.options.chromosomes));
        let mut regions = Vec::new();
        for (at, entry) in self.regions.iter().enumerate() {
            let ArchiveRegion { region, plan, codec_picker, .. } = entry;
            if at == 0 {
                metadata.entry("resolution").or_insert_with(|| region.bin_size_bp.into());
                metadata.entry("region").or_insert_with(|| region.chrom1.clone().into());
            }
            let mut json = json!(region);
            let side = plan.tile_size;
            json["layout"] = plan.layout.name().into();
            json["tile_size"] = side.into();
            if self.version >= Version::V3 {
                json["codec"] = plan.codec.clone().into();
                let shape = [region.n_rows, region.n_cols];
                if self.version == Version::V3 {
                    let matrix =
                        json!({"dtype": region.dtype.name(), "shape": shape, "offset": base, "order": "C"});
                    arrays.insert("matrix".to_owned(), matrix);
                    meta.insert("tiles".to_owned(), self.tiles_by_name(entry, base).into());
                } else {
                    self.put_bboxes(entry, base, &mut json);
                }
                if let Some(record) = codec_picker {
                    json["codec_picker"] = record.clone();
                }
            } else {
                let shape = if self.version == Version::V1 {
                    json!([region.n_rows, region.n_cols])
                } else {
                    json!([plan.tiles_along(region.n_rows), plan.tiles_along(region.n_cols), side, side])
                };
                let matrix =
                    json!({"dtype": region.dtype.name(), "shape": shape, "offset": base, "order": "C"});
                arrays.insert("matrix".to_owned(), matrix);
            }
            regions.push(json);
        }
        let picked =
            |json: &Value| Some((json.get("name")?.as_str()?.to_owned(), json.get("codec_picker")?.clone()));
        let records: Map<String, Value> = regions.iter().filter_map(picked).collect();
        if !records.is_empty() {
            meta.insert("codec_picker".to_owned(), records.into());
            for region in &mut regions {
                region.as_object_mut().map(|region| region.remove("codec_picker"));
            }
        }
        meta.insert("regions".to_owned(), regions.into());
        for (key, offset, n_values) in &self.vectors {
            let name = format!("{}/{}/{}", key.name, key.chrom, key.bin_size_bp);
            let array = json!({"dtype": "float64", "shape": [n_values], "offset": base + offset, "order": "C",
                "weights": key});
            arrays.insert(name, array);
        }
        let mut json = Map::new();
        json.insert("version".to_owned(), self.version.major().into());
        json.insert("metadata".to_owned(), metadata.into());
        json.insert("arrays".to_owned(), arrays.into());
        json.insert("meta".to_owned(), meta.into());
        Ok(json)
    }

    fn codec_name(&self, codec: u16) -> Option<&String> {
        usize::from(codec).checked_sub(1).and_then(|at| self.codec_names.get(at))
    }

    fn tiles_by_name(&self, entry: &ArchiveRegion, base: u64) -> Map<String, Value> {
        let mut offset = base;
        let mut tiles = Map::new();
        for tile in &entry.tiles {
            let mut json = json!({"offset": offset, "length": tile.length, "rows": tile.rows, "cols": tile.cols,
                "nnz": tile.nnz, "crc32c": tile.crc32c});
            if let Some(name) = self.codec_name(tile.codec).filter(|name| **name != entry.plan.codec) {
                json["codec"] = name.clone().into();
            }
            tiles.insert(format!("{},{}", tile.row, tile.col), json);
            offset += u64::try_from(tile.length).unwrap_or_default();
        }
        tiles
    }

    fn put_bboxes(&self, entry: &ArchiveRegion, base: u64, json: &mut Value) {
        let before = self.regions.iter().take_while(|other| !std::ptr::eq(*other, entry));
        let length = |tile: &Stored| u64::try_from(tile.length).unwrap_or_default();
        let mut offset = base + before.flat_map(|region| region.tiles.iter().map(length)).sum::<u64>();
        let (mut bboxes, mut checksums, mut nnz, mut codecs) =
            (Vec::new(), Vec::new(), Vec::new(), Map::new());
        for (at, tile) in entry.tiles.iter().enumerate() {
            let start = |at: u32| u64::from(at) * entry.plan.tile_side();
            let (r0, c0) = (start(tile.row), start(tile.col));
            let end = |start: u64, bins: usize| start + u64::try_from(bins).unwrap_or_default();
            bboxes.push(json!([r0, c0, end(r0, tile.rows), end(c0, tile.cols), offset, tile.length]));
            checksums.push(tile.crc32c);
            nnz.push(tile.nnz);
            if let Some(name) = self.codec_name(tile.codec).filter(|name| **name != entry.plan.codec) {
                codecs.insert(at.to_string(), name.clone().into());
            }
            offset += length(tile);
        }
        json["tile_bboxes"] = bboxes.into();
        json["tile_crc32c"] = checksums.into();
        json["tile_nnz"] = nnz.into();
        if !codecs.is_empty() {
            json["tile_codecs"] = codecs.into();
        }
    }
}

impl<W: Write + Send> Sink for ArchiveSink<W> {
    fn start_region(&mut self, region: &Region, plan: &Plan, codec_picker: Option<Value>) -> Result<()> {
        let (region, plan) = (region.clone(), plan.clone());
        if self.version <= Version::V2 {
            let cells = if self.version == Version::V1 {
                region.n_rows.checked_mul(region.n_cols)
            } else {
                let side = plan.tile_side();
                let area = plan.tiles_along(region.n_rows).checked_mul(plan.tiles_along(region.n_cols));
                area.and_then(|tiles| tiles.checked_mul(side * side))
            };
            let size = u64::try_from(region.dtype.size_bytes()).unwrap_or(8);
            let bytes = cells.and_then(|cells| cells.checked_mul(size)).filter(|bytes| *bytes <= 1 << 40);
            self.spool_end =
                bytes.ok_or_else(|| Error::invalid("writer", "a dense array of more than 1 TiB"))?;
            // Cells that are never written are zeros.
            self.spool.set_len(self.spool_end)?;
        } else if self.version == Version::V3 && plan.layout != Layout::DenseTiled {
            return Err(Error::invalid("writer", "version 3 has the layout dense-tiled alone"));
        }
        self.regions.push(ArchiveRegion { region, plan, codec_picker, tiles: Vec::new() });
        Ok(())
    }

    fn tile(&mut self, tile: EncodedTile) -> Result<()> {
        if self.version <= Version::V2 {
            return self.place(&tile);
        }
        let spool_offset = self.append(&tile.bytes)?;
        let EncodedTile { row, col, rows, cols, nnz, codec, bytes } = tile;
        let (length, crc32c) = (bytes.len(), crc32c::crc32c(&bytes));
        if let Some(region) = self.regions.last_mut() {
            region.tiles.push(Stored { row, col, rows, cols, nnz, codec, crc32c, spool_offset, length });
        }
        Ok(())
    }

    fn vector(&mut self, vector: &Vector) -> Result<()> {
        // Their place is behind all tiles, which is known at the end: until then they wait where they are.
        let offset = self.append(&vector_bytes(vector))?;
        self.vectors.push((vector.key.clone(), offset, vector.values.len()));
        Ok(())
    }

    fn finish(mut self: Box<Self>) -> Result<u64> {
        // The pieces of the data in their final order: (offset in the spool, length).
        let mut pieces: Vec<(u64, u64)> = Vec::new();
        let mut data_bytes = 0;
        if self.version <= Version::V2 {
            let array = self.vectors.first().map_or(self.spool_end, |vector| vector.1);
            pieces.push((0, array));
            data_bytes = array;
        }
        for region in &mut self.regions {
            if self.version == Version::V4 {
                region
                    .tiles
                    .sort_unstable_by_key(|tile| (u64::from(tile.row) + u64::from(tile.col), tile.row));
            } else {
                region.tiles.sort_unstable_by_key(|tile| (tile.row, tile.col));
            }
            for tile in &region.tiles {
                let length = u64::try_from(tile.length).unwrap_or_default();
                pieces.push((tile.spool_offset, length));
                data_bytes += length;
            }
        }
        for (_, offset, n_values) in &mut self.vectors {
            let length = u64::try_from(*n_values * 8).unwrap_or_default();
            pieces.push((*offset, length));
            *offset = data_bytes;
            data_bytes += length;
        }
        // The digits of the offsets are part of the header's length: it settles after a round or two, since it only grows.
        let mut base = u64::try_from(header::ALIGNMENT_BYTES).unwrap_or(4096);
        let header = loop {
            let header = header::pack(&self.header(base)?)?;
            let length = u64::try_from(header.len()).unwrap_or_default();
            if length <= base {
                break (header, base);
            }
            base = length;
        };
        let (mut header, base) = header;
        header.resize(usize::try_from(base).unwrap_or(header.len()), b' ');
        self.to.write_all(&header)?;
        for (offset, length) in pieces {
            self.spool.seek(SeekFrom::Start(offset))?;
            std::io::copy(&mut Read::by_ref(&mut self.spool).take(length), &mut self.to)?;
        }
        self.to.flush()?;
        Ok(base + data_bytes)
    }
}
