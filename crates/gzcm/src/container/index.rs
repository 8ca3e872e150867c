//! The binary index at the end of versions 5 and 5.1, and the 32-byte footer behind it.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::catalog::{RegionEntry, Storage, TileEntry, VectorEntry};
use super::meta::{Plan, Region, VectorKey};
use super::varint::{self, Cursor};
use crate::codecs::zstd::{compress, decompress_declared};
use crate::error::{Error, Result};

/// The bytes of the footer.
pub const FOOTER_BYTES: usize = 32;
/// The last bytes of the file.
pub const FOOTER_MAGIC: [u8; 4] = *b"MCZG";
/// The longest index, unpacked, that is read.
pub const MAX_INDEX_BYTES: usize = 1 << 30;

/// What a region's frame and the index say of it, as JSON.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RegionJson {
    /// What it is.
    #[serde(flatten)]
    pub region: Region,
    /// How it was written.
    #[serde(flatten)]
    pub plan: Plan,
    /// The record of the choice of its codec.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub codec_picker: Option<Value>,
}

/// What the footer says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Footer {
    /// Where the index begins.
    pub index_offset_bytes: u64,
    /// Its length in the file.
    pub index_length_bytes: u32,
    /// Its length unpacked.
    pub index_raw_bytes: u32,
    /// CRC32C of its bytes in the file.
    pub index_crc32c: u32,
    /// CRC32C of all bytes before the first frame.
    pub header_crc32c: u32,
}

impl Footer {
    /// Its bytes: the fields little-endian, the CRC32C of the 24 before it, the magic.
    #[must_use]
    pub fn pack(&self) -> [u8; FOOTER_BYTES] {
        let mut bytes = [0; FOOTER_BYTES];
        bytes[..8].copy_from_slice(&self.index_offset_bytes.to_le_bytes());
        let words = [self.index_length_bytes, self.index_raw_bytes, self.index_crc32c, self.header_crc32c];
        for (to, word) in bytes[8..].chunks_exact_mut(4).zip(words) {
            to.copy_from_slice(&word.to_le_bytes());
        }
        let crc = crc32c::crc32c(&bytes[..24]);
        bytes[24..28].copy_from_slice(&crc.to_le_bytes());
        bytes[28..].copy_from_slice(&FOOTER_MAGIC);
        bytes
    }

    /// The footer of its bytes.
    ///
    /// # Errors
    /// When the magic or the checksum is wrong: the file is cut short, or still being written.
    pub fn unpack(bytes: &[u8; FOOTER_BYTES]) -> Result<Self> {
        let word = |at: usize| {
            let mut word = [0; 4];
            word.copy_from_slice(&bytes[at..at + 4]);
            u32::from_le_bytes(word)
        };
        if bytes[28..] != FOOTER_MAGIC || word(24) != crc32c::crc32c(&bytes[..24]) {
            let reason = "the file does not end with an intact one: it is cut short, or was not finished; \
                          what is left can be salvaged";
            return Err(Error::corrupt("footer", reason));
        }
        Ok(Self {
            index_offset_bytes: u64::from(word(0)) | u64::from(word(4)) << 32,
            index_length_bytes: word(8),
            index_raw_bytes: word(12),
            index_crc32c: word(16),
            header_crc32c: word(20),
        })
    }
}

/// The index of regions and vectors: its bytes in the file and their length unpacked.
///
/// # Errors
/// For an index beyond [`MAX_INDEX_BYTES`].
pub fn pack(regions: &[RegionEntry], vectors: &[VectorEntry]) -> Result<(Vec<u8>, u32)> {
    let number = |value: usize| u64::try_from(value).unwrap_or(u64::MAX);
    let mut raw = Vec::new();
    varint::put(number(regions.len()), &mut raw);
    for entry in regions {
        let RegionEntry { region, plan, codec_picker, storage } = entry;
        let json =
            RegionJson { region: region.clone(), plan: plan.clone(), codec_picker: codec_picker.clone() };
        varint::put_bytes(&to_json(&json)?, &mut raw);
        let Storage::Tiles(tiles) = storage else {
            return Err(Error::invalid("index", "a region without tiles"));
        };
        varint::put(number(tiles.len()), &mut raw);
        let mut last = (0, 0);
        for tile in tiles {
            let same_row = tile.row == last.0;
            varint::put((tile.row - last.0).into(), &mut raw);
            varint::put(if same_row { tile.col - last.1 } else { tile.col }.into(), &mut raw);
            last = (tile.row, tile.col);
        }
        let mut end = 0;
        for tile in tiles {
            // Tiles mostly follow one another: the gap is then 0.
            varint::put(zigzag(tile.offset_bytes.wrapping_sub(end).cast_signed()), &mut raw);
            varint::put(number(tile.length_bytes), &mut raw);
            end = tile.offset_bytes + number(tile.length_bytes);
        }
        tiles.iter().for_each(|tile| varint::put(tile.codec.into(), &mut raw));
        tiles.iter().for_each(|tile| varint::put(tile.nnz.unwrap_or(0).into(), &mut raw));
    }
    varint::put(number(vectors.len()), &mut raw);
    for vector in vectors {
        varint::put_bytes(&to_json(&vector.key)?, &mut raw);
        varint::put(vector.offset_bytes, &mut raw);
        varint::put(number(vector.length_bytes), &mut raw);
        varint::put(number(vector.n_values), &mut raw);
    }
    let raw_bytes = u32::try_from(raw.len()).ok().filter(|_| raw.len() <= MAX_INDEX_BYTES);
    let raw_bytes = raw_bytes.ok_or_else(|| Error::invalid("index", "too many tiles: take larger ones"))?;
    Ok((compress(&raw, 19)?, raw_bytes))
}

/// The regions and the vectors of an index of so many bytes unpacked.
///
/// # Errors
/// When it is damaged.
pub fn unpack(packed: &[u8], raw_bytes: usize) -> Result<(Vec<RegionEntry>, Vec<VectorEntry>)> {
    let corrupt = |reason: String| Error::corrupt("index", reason);
    if raw_bytes > MAX_INDEX_BYTES {
        return Err(corrupt(format!("{raw_bytes} bytes are more than {MAX_INDEX_BYTES}")));
    }
    let raw = decompress_declared(packed, raw_bytes)?;
    let mut cursor = Cursor::new(&raw, "index");
    let mut regions = Vec::new();
    for _ in 0..cursor.count()? {
        let json: RegionJson = from_json(cursor.bytes()?)?;
        json.region.check().and_then(|()| json.plan.check()).map_err(|error| corrupt(error.to_string()))?;
        let count = cursor.count()?;
        let mut tiles = Vec::with_capacity(count);
        let (mut row, mut col) = (0_u32, 0_u32);
        for at in 0..count {
            let (rows, cols): (u32, u32) = (cursor.narrow()?, cursor.narrow()?);
            let before = (row, col);
            let next_row = row.checked_add(rows);
            let next_col = if rows == 0 { col.checked_add(cols) } else { Some(cols) };
            let (Some(next_row), Some(next_col)) = (next_row, next_col) else {
                return Err(corrupt("a tile beyond the matrix".to_owned()));
            };
            (row, col) = (next_row, next_col);
            let inside = u64::from(row) < json.plan.tiles_along(json.region.n_rows)
                && u64::from(col) < json.plan.tiles_along(json.region.n_cols);
            if !inside || (at > 0 && (row, col) <= before) {
                return Err(corrupt(format!("tile ({row}, {col}) is out of order or beyond the matrix")));
            }
            let (offset_bytes, length_bytes, codec) = (0, 0, 0);
            tiles.push(TileEntry { row, col, offset_bytes, length_bytes, codec, nnz: None, crc32c: None });
        }
        let mut end = 0_u64;
        for tile in &mut tiles {
            tile.offset_bytes = end.wrapping_add(unzigzag(cursor.number()?).cast_unsigned());
            tile.length_bytes = cursor.narrow()?;
            end = u64::try_from(tile.length_bytes)
                .ok()
                .and_then(|length| tile.offset_bytes.checked_add(length))
                .ok_or_else(|| corrupt("a tile beyond the file".to_owned()))?;
        }
        for tile in &mut tiles {
            tile.codec = cursor.narrow()?;
        }
        for tile in &mut tiles {
            tile.nnz = Some(cursor.narrow()?);
        }
        let RegionJson { region, plan, codec_picker } = json;
        regions.push(RegionEntry { region, plan, storage: Storage::Tiles(tiles), codec_picker });
    }
    let mut vectors = Vec::new();
    for _ in 0..cursor.count()? {
        let key: VectorKey = from_json(cursor.bytes()?)?;
        let (offset_bytes, length_bytes, n_values) = (cursor.number()?, cursor.narrow()?, cursor.narrow()?);
        vectors.push(VectorEntry { key, offset_bytes, length_bytes, n_values });
    }
    if !cursor.rest().is_empty() {
        return Err(corrupt(format!("{} bytes too many", cursor.rest().len())));
    }
    Ok((regions, vectors))
}

/// JSON of a part of the file.
///
/// # Errors
/// When it cannot be written as JSON.
pub fn to_json<T: Serialize>(value: &T) -> Result<Vec<u8>> {
    serde_json::to_vec(value).map_err(|error| Error::invalid("metadata", error.to_string()))
}

/// A part of the file from JSON.
///
/// # Errors
/// When it is not that part.
pub fn from_json<'a, T: Deserialize<'a>>(bytes: &'a [u8]) -> Result<T> {
    serde_json::from_slice(bytes).map_err(|error| Error::corrupt("metadata", error.to_string()))
}

const fn zigzag(value: i64) -> u64 {
    (value.cast_unsigned() << 1) ^ (value >> 63).cast_unsigned()
}

const fn unzigzag(value: u64) -> i64 {
    (value >> 1).cast_signed() ^ -((value & 1).cast_signed())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::container::meta::Layout;

    #[test]
    fn the_index_comes_back_and_damage_is_an_error() {
        let tile = |row, col, offset_bytes| TileEntry {
            row,
            col,
            offset_bytes,
            length_bytes: 70,
            codec: 1,
            nnz: Some(3),
            crc32c: None,
        };
        let entry = RegionEntry {
            region: Region::intra("chr1", 1000, 1000),
            plan: Plan { layout: Layout::DenseTiled, tile_size: 256, codec: "zstd".to_owned() },
            storage: Storage::Tiles(vec![
                tile(0, 0, 4096),
                tile(0, 2, 4166),
                tile(2, 2, 9),
                tile(2, 3, 1 << 40),
            ]),
            codec_picker: Some(serde_json::json!({"winner": "zstd"})),
        };
        let (packed, raw) = pack(std::slice::from_ref(&entry), &[]).unwrap();
        let (regions, vectors) = unpack(&packed, raw.try_into().unwrap()).unwrap();
        assert_eq!((regions, vectors), (vec![entry], vec![]));
        let plain = decompress_declared(&packed, raw.try_into().unwrap()).unwrap();
        for end in 0..plain.len() {
            unpack(&compress(&plain[..end], 1).unwrap(), end).unwrap_err();
        }
        for bit in 0..plain.len() * 8 {
            let mut flipped = plain.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            drop(unpack(&compress(&flipped, 1).unwrap(), flipped.len()));
        }
        for value in [0, -1, 1, i64::MIN, i64::MAX] {
            assert_eq!(unzigzag(zigzag(value)), value);
        }
    }

    #[test]
    fn every_flipped_bit_of_the_footer_is_found() {
        let footer = Footer {
            index_offset_bytes: 1 << 33 | 5,
            index_length_bytes: 1,
            index_raw_bytes: 2,
            index_crc32c: 3,
            header_crc32c: 4,
        };
        let bytes = footer.pack();
        assert_eq!(Footer::unpack(&bytes).unwrap(), footer);
        for bit in 0..FOOTER_BYTES * 8 {
            let mut flipped = bytes;
            flipped[bit / 8] ^= 1 << (bit % 8);
            Footer::unpack(&flipped).unwrap_err();
        }
    }
}
