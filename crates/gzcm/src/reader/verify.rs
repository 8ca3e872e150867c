//! Whether every byte of a file is what was written.

use super::Reader;
use super::cache::Decoded;
use crate::container::catalog::{Storage, TileEntry};
use crate::container::frame::{self, Kind};
use crate::container::index::{self, FOOTER_BYTES, RegionJson};
use crate::container::meta::Version;
use crate::container::varint::Cursor;
use crate::error::{Error, Result};

/// What [`Reader::verify`] found sound, and what not.
#[derive(Debug, Default)]
pub struct Verified {
    /// Tiles that are as they were written.
    pub tiles: u64,
    /// Their pixels, those of a symmetric region once.
    pub pixels: u64,
    /// Normalisation vectors that are as they were written.
    pub vectors: u64,
    /// What is damaged.
    pub damaged: Vec<Error>,
}

impl Reader {
    /// Reads and decodes every tile and vector past the cache; in versions 5 also every other frame, so that each byte of the
    /// file is under a checksum that was checked. Damage is collected, not returned as an error. Versions 1 and 2 have no
    /// checksums: there, only what is missing is found.
    ///
    /// # Errors
    /// When the source does not answer.
    pub fn verify(&self) -> Result<Verified> {
        let mut verified = Verified::default();
        for (at, entry) in self.catalog.regions.iter().enumerate() {
            let Storage::Tiles(tiles) = &entry.storage else {
                self.verify_array(at, &mut verified)?;
                continue;
            };
            for tile in tiles {
                match self.verify_tile(at, tile) {
                    Ok(pixels) => {
                        verified.tiles += 1;
                        verified.pixels += pixels;
                    }
                    Err(Error::Io(error)) => return Err(Error::Io(error)),
                    Err(error) => verified.damaged.push(error),
                }
            }
        }
        for entry in &self.catalog.vectors {
            match self.vector(entry) {
                Ok(_) => verified.vectors += 1,
                Err(Error::Io(error)) => return Err(Error::Io(error)),
                Err(error) => verified.damaged.push(error),
            }
        }
        if self.version() >= Version::V5
            && let Err(error) = self.verify_frames()
        {
            verified.damaged.push(error);
        }
        Ok(verified)
    }

    fn verify_tile(&self, region: usize, tile: &TileEntry) -> Result<u64> {
        let mut decoded = self.loader().load(region, std::slice::from_ref(tile))?;
        let pixels = match decoded.pop() {
            Some(Decoded::Sparse(pixels)) => pixels.len(),
            Some(Decoded::Dense(tile)) => {
                let elements = tile.bytes().chunks_exact(tile.dtype().size_bytes());
                elements.filter(|element| element.iter().any(|byte| *byte != 0)).count()
            }
            None => 0,
        };
        let pixels = u64::try_from(pixels).unwrap_or_default();
        if tile.nnz.is_some_and(|nnz| u64::from(nnz) != pixels) {
            let reason =
                format!("tile ({}, {}) has {pixels} pixels, not as many as told", tile.row, tile.col);
            return Err(Error::corrupt("tile", reason));
        }
        Ok(pixels)
    }

    fn verify_array(&self, region: usize, verified: &mut Verified) -> Result<()> {
        let what = &self.catalog.regions[region].region;
        let mut row = 0;
        while row < what.n_rows {
            let end = what.n_rows.min(row + 64);
            match self.pixels(region, row..end, 0..what.n_cols) {
                Ok(pixels) => {
                    let stored =
                        pixels.iter().filter(|pixel| !what.symmetric || pixel.col >= pixel.row).count();
                    verified.pixels += u64::try_from(stored).unwrap_or_default();
                }
                Err(Error::Io(error)) => return Err(Error::Io(error)),
                Err(error) => {
                    verified.damaged.push(error);
                    break;
                }
            }
            row = end;
        }
        Ok(())
    }

    /// Walks all frames, which must follow one another from the header to the index, and compares those of regions.
    fn verify_frames(&self) -> Result<()> {
        let length = self.source.len_bytes()?;
        let mut at = self.catalog.header.data_start_bytes;
        let mut known = std::collections::HashMap::new();
        for entry in &self.catalog.regions {
            if let Storage::Tiles(tiles) = &entry.storage {
                known.extend(tiles.iter().map(|tile| (tile.offset_bytes, tile.length_bytes)));
            }
        }
        known.extend(self.catalog.vectors.iter().map(|vector| (vector.offset_bytes, vector.length_bytes)));
        let (mut regions, mut seen) = (0_usize, 0_usize);
        let end = length.saturating_sub(u64::try_from(FOOTER_BYTES).unwrap_or(32));
        while regions < self.catalog.regions.len() || seen < known.len() {
            if let Some(length) = known.get(&at) {
                seen += 1;
                at += u64::try_from(*length).unwrap_or_default();
                continue;
            }
            let frame = read_frame(&*self.source, at, end)?;
            let (kind, body, length) = frame::unpack(&frame)?;
            let mut cursor = Cursor::new(body, "frame of a region");
            let place: usize = cursor.narrow()?;
            let told: RegionJson = index::from_json(cursor.rest())?;
            let entry = self.catalog.regions.get(place);
            let same = entry.is_some_and(|entry| {
                told.region == entry.region
                    && told.plan == entry.plan
                    && told.codec_picker == entry.codec_picker
            });
            if kind != Kind::Region || place != regions || !same {
                return Err(Error::corrupt("frame", format!("the one at {at} is not what the index says")));
            }
            regions += 1;
            at += u64::try_from(length).unwrap_or_default();
        }
        Ok(())
    }
}

/// The bytes of the frame at a place, read in two steps: its head says how long it is.
pub(crate) fn read_frame(source: &dyn crate::source::RangeRead, at: u64, end: u64) -> Result<bytes::Bytes> {
    let available = usize::try_from(end.saturating_sub(at)).unwrap_or(usize::MAX);
    let head = source.read_range(at, available.min(32))?;
    let mut cursor = Cursor::new(&head, "frame");
    if cursor.take(4)? != frame::MARKER {
        return Err(Error::corrupt("frame", format!("no marker at {at}")));
    }
    cursor.take(5)?;
    let body: usize = cursor.narrow()?;
    let length = (head.len() - cursor.rest().len()).checked_add(body).filter(|length| *length <= available);
    source.read_range(
        at,
        length.ok_or_else(|| Error::corrupt("frame", format!("the one at {at} is cut short")))?,
    )
}
