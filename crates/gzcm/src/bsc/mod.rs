//! Blocks of libbsc (<https://github.com/IlyaGrebnov/libbsc>): the Burrows-Wheeler transform and the coder "QLFC fast" (libbsc's `-e0`),
//! with or without the LZP stage. The blocks are those that libbsc 3.3.5 writes with the same options, byte for byte.
//!
//! A block, all integers little-endian: block bytes (i32, with this header of 28), data bytes (i32), mode (i32), primary index (i32),
//! Adler-32 of the data, of the payload, and of the 24 bytes before. Mode: bits 0-4 the sorter (1 is the transform), 5-7 the coder
//! (1 static, 2 adaptive, 3 fast), 8-15 the least match of LZP, 16-23 the bits of its hash; 0 in all for data stored as they are.
//! The payload: the coder's frame of sub-blocks, secondary indexes (i32), their number (u8).

mod bwt;
mod header;
mod lzp;
mod model;
mod parts;
mod qlfc;
mod range;

use std::ops::Range;

use crate::error::{Error, Result};
use header::{HEADER_BYTES, Header};

const WHAT: &str = "bsc block";

/// The most bytes of a block's data, as of libbsc.
pub const MAX_DATA_BYTES: usize = 1 << 30;

/// Data of fewer bytes have no secondary indexes.
const SECONDARY_BYTES: usize = 64 << 10;

/// How to encode.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Options {
    /// Take long repetitions out ahead (hash of 15 bits, matches of at least 128 bytes). Off by default: sparse tiles come out
    /// smaller without.
    pub lzp: bool,
}

/// A block of the data.
///
/// # Errors
/// When there are more than [`MAX_DATA_BYTES`] of them.
pub fn encode(data: &[u8], options: &Options) -> Result<Vec<u8>> {
    if data.len() > MAX_DATA_BYTES {
        return Err(Error::invalid(
            WHAT,
            format!("{} bytes; a block holds at most {MAX_DATA_BYTES}", data.len()),
        ));
    }
    Ok(compress(data, options).unwrap_or_else(|| header::seal(data, 0, 0, data)))
}

/// `None` when the block would not be smaller than the data.
fn compress(data: &[u8], options: &Options) -> Option<Vec<u8>> {
    if data.len() <= HEADER_BYTES {
        return None;
    }
    let shortened = if options.lzp { lzp::encode(data, lzp::DEFAULT) } else { None };
    let mode = header::mode(shortened.is_some().then_some(lzp::DEFAULT));
    let transformed = bwt::forward(shortened.as_deref().unwrap_or(data));
    let column = &transformed.bytes;
    let mut payload = parts::write(column, &split(column), qlfc::encode)?;
    let mut secondary = transformed.secondary;
    if data.len() < SECONDARY_BYTES {
        secondary.clear();
    }
    for &row in &secondary {
        payload.extend(i32::try_from(row).ok()?.to_le_bytes());
    }
    payload.push(u8::try_from(secondary.len()).ok()?);
    (payload.len() < data.len()).then(|| header::seal(data, mode, transformed.primary, &payload))
}

/// Where the coder's sub-blocks begin and end: at about equal numbers of changes of value, counted at every 32nd byte.
fn split(column: &[u8]) -> Vec<Range<usize>> {
    let (n, count) = (column.len(), parts::count(column.len()));
    let changes = || (1..n).step_by(32).filter(|&at| column[at] != column[at - 1]);
    let mut bounds = vec![0];
    let total = changes().count();
    if count > 1 && total > count {
        let share = total / count;
        bounds.extend(changes().skip(share - 1).step_by(share).take(count - 1));
    } else {
        bounds.extend((1..count).map(|part| n / count * part));
    }
    bounds.push(n);
    bounds.windows(2).map(|pair| pair[0]..pair[1]).collect()
}

/// The data of a block, which may be at most `max_len_bytes`.
///
/// # Errors
/// [`Error::Corrupt`] for what no encoder wrote or what was damaged since: all bytes are under a checksum.
/// [`Error::Unsupported`] for libbsc's other coders and sorters, and for data of more bytes than `max_len_bytes`.
pub fn decode(block: &[u8], max_len_bytes: usize) -> Result<Vec<u8>> {
    let (header, payload) = Header::read(block)?;
    if header.data_bytes > max_len_bytes {
        let reason = format!("{} bytes, where at most {max_len_bytes} are expected", header.data_bytes);
        return Err(Error::unsupported(WHAT, reason));
    }
    let data = if header.stored { payload.to_vec() } else { expand(&header, payload)? };
    if data.len() != header.data_bytes || simd_adler32::adler32(&data.as_slice()) != header.data_checksum {
        return Err(Error::corrupt(WHAT, "the data are not those that were encoded"));
    }
    Ok(data)
}

fn expand(header: &Header, payload: &[u8]) -> Result<Vec<u8>> {
    let cut = || Error::corrupt(WHAT, "the secondary indexes go beyond the payload");
    let (&count, rest) = payload.split_last().ok_or_else(cut)?;
    let streams = rest.len().checked_sub(usize::from(count) * 4).ok_or_else(cut)?;
    let (streams, indexes) = rest.split_at(streams);
    let mut secondary = Vec::with_capacity(usize::from(count));
    for field in indexes.chunks_exact(4) {
        let index = i32::from_le_bytes(field.first_chunk().copied().unwrap_or_default());
        secondary
            .push(usize::try_from(index).map_err(|_| Error::corrupt(WHAT, "a negative secondary index"))?);
    }
    let column = parts::read(WHAT, streams, header.data_bytes, qlfc::decode)?;
    let data = bwt::inverse(&column, header.primary, &secondary)?;
    match header.lzp {
        Some(parameters) => lzp::decode(&data, parameters, header.data_bytes),
        None => Ok(data),
    }
}

#[cfg(test)]
mod tests;
