//! The catalog of versions 5 and 5.1: from the footer and the index at the end.

use serde_json::{Map, Value};

use super::archive::chromosomes;
use super::catalog::Catalog;
use super::header::Header;
use super::index::{self, FOOTER_BYTES, Footer};
use super::meta::Version;
use crate::codec::WireFormat;
use crate::error::{Error, Result};
use crate::source::RangeRead;

/// What is read of the end at once: the footer, and with luck all of the index.
const TAIL_BYTES: usize = 64 << 10;

/// Reads the catalog: one request for the end, a second when the index is longer than what that held.
///
/// # Errors
/// When footer, index or header are damaged.
pub fn catalog(source: &dyn RangeRead, header: Header, header_bytes: &[u8]) -> Result<Catalog> {
    let (tail, length) = source.read_tail(TAIL_BYTES)?;
    let Some((_, footer)) = tail.split_last_chunk::<FOOTER_BYTES>() else {
        return Err(Error::corrupt("footer", "the file is too short for one"));
    };
    let footer = Footer::unpack(footer)?;
    if crc32c::crc32c(header_bytes) != footer.header_crc32c {
        return Err(Error::corrupt("header", "its checksum (CRC32C) does not match the footer's"));
    }
    let index_length = usize::try_from(footer.index_length_bytes).unwrap_or(usize::MAX);
    let raw_bytes = usize::try_from(footer.index_raw_bytes).unwrap_or(usize::MAX);
    let ends = footer.index_offset_bytes.checked_add(footer.index_length_bytes.into());
    if ends.and_then(|end| end.checked_add(32)) != Some(length) {
        return Err(Error::corrupt("index", "it does not end where the footer begins"));
    }
    let in_tail = tail.len().checked_sub(FOOTER_BYTES + index_length);
    let packed = match in_tail {
        Some(start) => tail.slice(start..start + index_length),
        None => source.read_range(footer.index_offset_bytes, index_length)?,
    };
    if crc32c::crc32c(&packed) != footer.index_crc32c {
        return Err(Error::corrupt("index", "its checksum (CRC32C) does not match the footer's"));
    }
    let (regions, vectors) = index::unpack(&packed, raw_bytes)?;
    let (codecs, wire_formats) = codecs(&header)?;
    let meta = header.json.get("meta").and_then(Value::as_object).cloned().unwrap_or_else(Map::new);
    let chromosomes = chromosomes(&meta)?;
    Ok(Catalog { header, chromosomes, codecs, wire_formats, regions, vectors })
}

/// The codec table of a header: names by id, and the wire formats that version 5.1 declares.
///
/// # Errors
/// When it is missing, its ids are not 1, 2, …, or a wire format of version 5.1 is.
pub fn codecs(header: &Header) -> Result<(Vec<String>, Vec<Option<WireFormat>>)> {
    let corrupt = |reason: String| Error::corrupt("codec table", reason);
    let table = header.json.get("codecs").and_then(Value::as_object);
    let table = table.ok_or_else(|| corrupt("the header has no \"codecs\"".to_owned()))?;
    let mut rows = Vec::with_capacity(table.len());
    for (name, entry) in table {
        let id =
            entry.get("id").and_then(Value::as_u64).ok_or_else(|| corrupt(format!("{name:?} has no id")))?;
        let declared = entry.get("wire_format").and_then(Value::as_str);
        let declared = declared.map(WireFormat::parse).transpose()?;
        if header.version == Version::V5_1 && declared.is_none() {
            return Err(corrupt(format!("{name:?} has no wire_format, which version 5.1 declares")));
        }
        rows.push((id, name.clone(), declared));
    }
    rows.sort_by_key(|row| row.0);
    if rows.iter().zip(1..).any(|(row, id)| row.0 != id) || rows.len() > usize::from(u16::MAX) {
        return Err(corrupt("the ids are not 1, 2, …".to_owned()));
    }
    Ok(rows.into_iter().map(|(_, name, declared)| (name, declared)).unzip())
}
