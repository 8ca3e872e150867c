//! Versions 5 and 5.1: header, frames as they come, index, footer. Nothing is written twice or sought.

use std::io::Write;

use serde_json::{Map, Value, json};

use super::sink::{Sink, vector_bytes};
use super::tiles::EncodedTile;
use crate::codec::WireFormat;
use crate::codecs::shuffle_zstd::shuffle;
use crate::codecs::zstd::compress;
use crate::container::catalog::{RegionEntry, Storage, TileEntry, VectorEntry};
use crate::container::frame::{self, Kind, TileHead};
use crate::container::index::{self, Footer, RegionJson};
use crate::container::meta::{Chromosome, Plan, Region, Vector, VectorKey, Version};
use crate::container::varint::Cursor;
use crate::container::{header, varint};
use crate::error::{Error, Result};

pub(crate) struct StreamSink<W> {
    to: W,
    at_bytes: u64,
    header_crc32c: u32,
    regions: Vec<RegionEntry>,
    vectors: Vec<VectorEntry>,
}

/// What the header of a streamed file says.
pub(crate) struct StreamParts {
    pub(crate) version: Version,
    pub(crate) metadata: Map<String, Value>,
    pub(crate) chromosomes: Vec<Chromosome>,
    /// In the order of their ids, which begin at 1.
    pub(crate) codecs: Vec<(String, WireFormat)>,
}

impl<W: Write + Send> StreamSink<W> {
    pub(crate) fn new(to: W, parts: StreamParts) -> Result<Self> {
        let mut json = Map::new();
        json.insert("version".to_owned(), 5.into());
        if parts.version == Version::V5_1 {
            json.insert("minor".to_owned(), 1.into());
        }
        json.insert("metadata".to_owned(), parts.metadata.into());
        json.insert("meta".to_owned(), json!({"chromosomes": parts.chromosomes}));
        let mut table = Map::new();
        for (at, (name, wire_format)) in parts.codecs.into_iter().enumerate() {
            let mut entry = json!({"id": at + 1});
            if parts.version == Version::V5_1 {
                entry["wire_format"] = wire_format.value().into();
            }
            table.insert(name, entry);
        }
        json.insert("codecs".to_owned(), table.into());
        let header = header::pack(&json)?;
        let header_crc32c = crc32c::crc32c(&header);
        let mut sink = Self { to, at_bytes: 0, header_crc32c, regions: Vec::new(), vectors: Vec::new() };
        sink.append(&header)?;
        Ok(sink)
    }

    /// Appends bytes; where they begin.
    fn append(&mut self, bytes: &[u8]) -> Result<u64> {
        let at = self.at_bytes;
        self.to.write_all(bytes)?;
        self.at_bytes += u64::try_from(bytes.len()).unwrap_or_default();
        Ok(at)
    }
}

impl<W: Write + Send> Sink for StreamSink<W> {
    fn start_region(&mut self, region: &Region, plan: &Plan, codec_picker: Option<Value>) -> Result<()> {
        let (region, plan) = (region.clone(), plan.clone());
        let mut body = Vec::new();
        varint::put(u64::try_from(self.regions.len()).unwrap_or_default(), &mut body);
        body.extend(index::to_json(&RegionJson {
            region: region.clone(),
            plan: plan.clone(),
            codec_picker: codec_picker.clone(),
        })?);
        self.append(&frame::pack(Kind::Region, &body))?;
        self.regions.push(RegionEntry { region, plan, storage: Storage::Tiles(Vec::new()), codec_picker });
        Ok(())
    }

    fn tile(&mut self, tile: EncodedTile) -> Result<()> {
        let EncodedTile { row, col, nnz, codec, .. } = tile;
        let region = self.regions.len().checked_sub(1).and_then(|at| u32::try_from(at).ok());
        let region = region.ok_or_else(|| Error::invalid("writer", "a tile without a region"))?;
        let frame = frame::pack_tile(&TileHead { region, row, col, codec, nnz }, &tile.bytes);
        let (length_bytes, offset_bytes) = (frame.len(), self.append(&frame)?);
        let entry = TileEntry { row, col, offset_bytes, length_bytes, codec, nnz: Some(nnz), crc32c: None };
        if let Some(RegionEntry { storage: Storage::Tiles(tiles), .. }) = self.regions.last_mut() {
            tiles.push(entry);
        }
        Ok(())
    }

    fn vector(&mut self, vector: &Vector) -> Result<()> {
        let mut body = Vec::new();
        varint::put_bytes(&index::to_json(&vector.key)?, &mut body);
        varint::put(u64::try_from(vector.values.len()).unwrap_or_default(), &mut body);
        body.extend(compress(&shuffle(&vector_bytes(vector), 8), 9)?);
        let frame = frame::pack(Kind::Vector, &body);
        let (length_bytes, offset_bytes) = (frame.len(), self.append(&frame)?);
        let n_values = vector.values.len();
        self.vectors.push(VectorEntry { key: vector.key.clone(), offset_bytes, length_bytes, n_values });
        Ok(())
    }

    fn finish(mut self: Box<Self>) -> Result<u64> {
        for entry in &mut self.regions {
            if let Storage::Tiles(tiles) = &mut entry.storage {
                tiles.sort_unstable_by_key(|tile| (tile.row, tile.col));
            }
        }
        let (packed, index_raw_bytes) = index::pack(&self.regions, &self.vectors)?;
        let index_length_bytes =
            u32::try_from(packed.len()).map_err(|_| Error::invalid("index", "more than 4 GiB"))?;
        let index_offset_bytes = self.append(&packed)?;
        let footer = Footer {
            index_offset_bytes,
            index_length_bytes,
            index_raw_bytes,
            index_crc32c: crc32c::crc32c(&packed),
            header_crc32c: self.header_crc32c,
        };
        self.append(&footer.pack())?;
        self.to.flush()?;
        Ok(self.at_bytes)
    }
}

/// Copies parts of one file into another as they are: what salvage writes with.
pub(crate) struct StreamWriter<'a>(Box<StreamSink<Box<dyn Write + Send + 'a>>>);

impl<'a> StreamWriter<'a> {
    pub(crate) fn new(to: impl Write + Send + 'a, parts: StreamParts) -> Result<Self> {
        let to: Box<dyn Write + Send + 'a> = Box::new(to);
        Ok(Self(Box::new(StreamSink::new(to, parts)?)))
    }

    pub(crate) fn copy_region(&mut self, json: &RegionJson) -> Result<()> {
        self.0.start_region(&json.region, &json.plan, json.codec_picker.clone())
    }

    /// Adds a tile to the region that was copied last.
    pub(crate) fn copy_tile(&mut self, head: &TileHead, wire_bytes: &[u8]) -> Result<()> {
        let TileHead { row, col, nnz, codec, .. } = *head;
        self.0.tile(EncodedTile { row, col, rows: 0, cols: 0, nnz, codec, bytes: wire_bytes.to_vec() })
    }

    /// Adds the frame of a vector, whose body is told.
    pub(crate) fn copy_vector(&mut self, body: &[u8], frame: &[u8]) -> Result<()> {
        let mut cursor = Cursor::new(body, "vector");
        let key: VectorKey = index::from_json(cursor.bytes()?)?;
        let n_values = cursor.narrow()?;
        let (length_bytes, offset_bytes) = (frame.len(), self.0.append(frame)?);
        self.0.vectors.push(VectorEntry { key, offset_bytes, length_bytes, n_values });
        Ok(())
    }

    pub(crate) fn finish(self) -> Result<u64> {
        self.0.finish()
    }
}
