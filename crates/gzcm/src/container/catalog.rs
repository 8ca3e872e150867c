//! What a reader knows of a file, the same for every version: regions and where their tiles are.

use serde_json::{Map, Value};

use super::header::Header;
use super::meta::{Chromosome, Plan, Region, VectorKey};

/// A stored tile.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TileEntry {
    /// The tile's row.
    pub row: u32,
    /// The tile's column.
    pub col: u32,
    /// Where its bytes begin in the file: the payload, or the frame in versions 5.
    pub offset_bytes: u64,
    /// How many there are.
    pub length_bytes: usize,
    /// 0 for a sparse tile, else one more than the codec's place in [`Catalog::codecs`].
    pub codec: u16,
    /// Its pixels, where the file says.
    pub nnz: Option<u32>,
    /// CRC32C of its bytes, where the index has it (versions 3 and 4; frames have their own).
    pub crc32c: Option<u32>,
}

/// Where the cells of a region are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Storage {
    /// One row-major array.
    RowMajor {
        /// Where it begins.
        offset_bytes: u64,
    },
    /// One array of shape `(tile rows, tile cols, tile size, tile size)`, zero-padded.
    Blocks {
        /// Where it begins.
        offset_bytes: u64,
    },
    /// Tiles one by one, sorted by `(row, col)`; those without pixels are not there.
    Tiles(Vec<TileEntry>),
}

/// A region and where it is.
#[derive(Debug, Clone, PartialEq)]
pub struct RegionEntry {
    /// What it is.
    pub region: Region,
    /// How it was written.
    pub plan: Plan,
    /// Where it is.
    pub storage: Storage,
    /// The record of the choice of its codec.
    pub codec_picker: Option<Value>,
}

/// A normalisation vector and where it is.
#[derive(Debug, Clone, PartialEq)]
pub struct VectorEntry {
    /// What it is of.
    pub key: VectorKey,
    /// Where its bytes, or its frame, begin.
    pub offset_bytes: u64,
    /// How many there are.
    pub length_bytes: usize,
    /// The weights.
    pub n_values: usize,
}

/// What a file holds.
#[derive(Debug, Clone, PartialEq)]
pub struct Catalog {
    /// The header.
    pub header: Header,
    /// The chromosomes, in their order.
    pub chromosomes: Vec<Chromosome>,
    /// The codecs that tiles name by number.
    pub codecs: Vec<String>,
    /// The wire formats that a 5.1 file declares for them.
    pub wire_formats: Vec<Option<crate::codec::WireFormat>>,
    /// The regions.
    pub regions: Vec<RegionEntry>,
    /// The normalisation vectors.
    pub vectors: Vec<VectorEntry>,
}

impl Catalog {
    /// The free part of the header: what the writer was given as `metadata`.
    #[must_use]
    pub fn metadata(&self) -> Option<&Map<String, Value>> {
        self.header.json.get("metadata").and_then(Value::as_object)
    }
}
