//! Tiles from their bytes: few requests, checksums, decoding in parallel.

use std::sync::Arc;

use bytes::Bytes;
use rayon::prelude::*;

use super::cache::Decoded;
use crate::codec::TileCodec;
use crate::container::catalog::{Catalog, RegionEntry, Storage, TileEntry};
use crate::container::frame::{self, Kind, TileHead};
use crate::container::meta::Version;
use crate::error::{Error, Result};
use crate::source::RangeRead;
use crate::sparse;
use crate::tile::Tile;
use crate::wire;

/// Ranges with at most so many bytes between them are read as one.
const GAP_BYTES: u64 = 64 << 10;
/// Ranges are joined up to this length.
const JOINED_BYTES: u64 = 16 << 20;

/// What tiles are loaded with.
pub(crate) struct Loader<'a> {
    pub(crate) source: &'a dyn RangeRead,
    pub(crate) catalog: &'a Catalog,
    pub(crate) codecs: &'a [Option<Arc<dyn TileCodec>>],
}

impl Loader<'_> {
    /// Reads and decodes tiles of a region.
    pub(crate) fn load(&self, region: usize, entries: &[TileEntry]) -> Result<Vec<Decoded>> {
        let ranges: Vec<_> = entries.iter().map(|entry| (entry.offset_bytes, entry.length_bytes)).collect();
        let bytes = read_joined(self.source, &ranges)?;
        if let ([entry], [bytes]) = (entries, bytes.as_slice()) {
            return Ok(vec![self.decode(region, entry, bytes)?]);
        }
        entries.par_iter().zip(&bytes).map(|(entry, bytes)| self.decode(region, entry, bytes)).collect()
    }

    /// Decodes the bytes of a tile, checked against what the index says of it.
    pub(crate) fn decode(&self, region: usize, entry: &TileEntry, bytes: &[u8]) -> Result<Decoded> {
        let RegionEntry { region: what, plan, storage, .. } = &self.catalog.regions[region];
        let at = |error: Error| match error {
            Error::Corrupt { what: part, reason } => {
                let place = format!("{reason} (tile ({}, {}) of {:?})", entry.row, entry.col, what.name);
                Error::corrupt(part, place)
            }
            other => other,
        };
        if entry.crc32c.is_some_and(|crc| crc != crc32c::crc32c(bytes)) {
            return Err(at(Error::corrupt("tile", "its checksum (CRC32C) does not match")));
        }
        let rows = plan.bins_of_tile(entry.row.into(), what.n_rows);
        let cols = plan.bins_of_tile(entry.col.into(), what.n_cols);
        if matches!(storage, Storage::Blocks { .. }) {
            // A block is padded with zeros to the full side.
            let size = what.dtype.size_bytes();
            let lines = bytes.chunks_exact(plan.tile_size * size).take(rows);
            let elements: Vec<u8> = lines.flat_map(|line| &line[..cols * size]).copied().collect();
            return Ok(Decoded::Dense(Tile::new(rows, cols, what.dtype, elements)?));
        }
        let wire_bytes = if self.catalog.header.version >= Version::V5 {
            self.unframed(region, entry, bytes).map_err(at)?
        } else {
            bytes
        };
        if entry.codec == 0 {
            let shape = sparse::Shape::of_tile(what, plan, (entry.row, entry.col));
            return sparse::decode(wire_bytes, &shape, entry.nnz).map(Decoded::Sparse).map_err(at);
        }
        let codec = &*self.codec(entry.codec)?;
        wire::decode(codec, wire_bytes, rows, cols, what.dtype).map(Decoded::Dense).map_err(at)
    }

    fn unframed<'b>(&self, region: usize, entry: &TileEntry, bytes: &'b [u8]) -> Result<&'b [u8]> {
        let (kind, body, length) = frame::unpack(bytes)?;
        let (head, wire_bytes) = frame::unpack_tile(body)?;
        let expected = TileHead {
            region: u32::try_from(region).unwrap_or(u32::MAX),
            row: entry.row,
            col: entry.col,
            codec: entry.codec,
            nnz: entry.nnz.unwrap_or(head.nnz),
        };
        if kind != Kind::Tile || length != bytes.len() || head != expected {
            return Err(Error::corrupt("frame", "it is not the one that the index says"));
        }
        Ok(wire_bytes)
    }

    fn codec(&self, id: u16) -> Result<Arc<dyn TileCodec>> {
        let at = usize::from(id).saturating_sub(1);
        let name = self.catalog.codecs.get(at);
        let name =
            name.ok_or_else(|| Error::corrupt("tile", format!("codec {id} is not in the file's table")))?;
        let available = || self.codecs.iter().flatten().map(|codec| codec.name().to_owned()).collect();
        self.codecs
            .get(at)
            .cloned()
            .flatten()
            .ok_or_else(|| Error::UnknownCodec { name: name.clone(), available: available() })
    }
}

/// Reads ranges `(offset, length)`, near ones as one.
pub(crate) fn read_joined(source: &dyn RangeRead, ranges: &[(u64, usize)]) -> Result<Vec<Bytes>> {
    let mut order: Vec<usize> = (0..ranges.len()).collect();
    order.sort_unstable_by_key(|at| ranges[*at]);
    let end_of = |(offset, length): (u64, usize)| {
        let end = u64::try_from(length).ok().and_then(|length| offset.checked_add(length));
        end.ok_or_else(|| Error::corrupt("index", "a range beyond the file"))
    };
    // (start, end) of what is read, and for each range which of these holds it.
    let mut joined: Vec<(u64, u64)> = Vec::new();
    let mut holder = vec![0; ranges.len()];
    for at in order {
        let (start, end) = (ranges[at].0, end_of(ranges[at])?);
        match joined.last_mut() {
            Some(last)
                if start <= last.1.saturating_add(GAP_BYTES) && end.max(last.1) - last.0 <= JOINED_BYTES =>
            {
                last.1 = last.1.max(end);
            }
            _ => joined.push((start, end)),
        }
        holder[at] = joined.len() - 1;
    }
    let length = |(start, end): &(u64, u64)| usize::try_from(end - start).unwrap_or(usize::MAX);
    let asked: Vec<_> = joined.iter().map(|range| (range.0, length(range))).collect();
    let read = match asked.as_slice() {
        [(offset, length)] => vec![source.read_range(*offset, *length)?],
        _ => source.read_ranges(&asked)?,
    };
    let slice = |(at, (offset, length)): (usize, &(u64, usize))| {
        let start = usize::try_from(offset - joined[holder[at]].0).unwrap_or(usize::MAX);
        let bytes = read.get(holder[at]).filter(|bytes| bytes.len() >= start.saturating_add(*length));
        let bytes = bytes.ok_or_else(|| Error::corrupt("source", "it gave fewer bytes than asked for"))?;
        Ok(bytes.slice(start..start + length))
    };
    ranges.iter().enumerate().map(slice).collect()
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    struct Counted(Bytes, AtomicUsize);

    impl RangeRead for Counted {
        fn len_bytes(&self) -> Result<u64> {
            self.0.len_bytes()
        }
        fn read_range(&self, offset_bytes: u64, length_bytes: usize) -> Result<Bytes> {
            self.1.fetch_add(1, Ordering::Relaxed);
            self.0.read_range(offset_bytes, length_bytes)
        }
    }

    #[test]
    fn near_ranges_are_one_request_and_come_back_in_order() {
        let bytes: Bytes = (0..300_000_u32).map(|at| at.to_le_bytes()[0]).collect();
        let source = Counted(bytes.clone(), AtomicUsize::new(0));
        let ranges = [(1000, 10), (0, 5), (5, 20), (250_000, 7), (1005, 2)];
        let read = read_joined(&source, &ranges).unwrap();
        assert_eq!(source.1.load(Ordering::Relaxed), 2);
        for ((offset, length), read) in ranges.into_iter().zip(read) {
            assert_eq!(read, bytes.read_range(offset, length).unwrap());
        }
        read_joined(&source, &[(u64::MAX, 5)]).unwrap_err();
    }
}
