//! The frame around sub-blocks that libbsc's coder and its LZP stage share: a byte with their number; for one, its stream; for more,
//! each one's sizes (plain, coded: i32 little-endian), then the streams. A stream whose two sizes are equal is plain.

use std::ops::Range;

use crate::error::{Error, Result};

/// How many sub-blocks libbsc makes of this many bytes.
pub(super) const fn count(bytes: usize) -> usize {
    match bytes >> 10 {
        0..256 => 1,
        256..4096 => 2,
        4096..16384 => 4,
        _ => 8,
    }
}

/// Writes the frame. `None` when it would not be smaller than the data.
///
/// `encode` gets a sub-block and how many bytes it may take, and refuses by `None`.
pub(super) fn write(
    data: &[u8],
    parts: &[Range<usize>],
    encode: impl Fn(&[u8], usize) -> Option<Vec<u8>>,
) -> Option<Vec<u8>> {
    if parts.len() == 1 {
        let stream = encode(data, data.len().checked_sub(1)?)?;
        return Some([&[1], stream.as_slice()].concat());
    }
    let mut head = vec![u8::try_from(parts.len()).ok()?];
    let mut streams: Vec<u8> = Vec::with_capacity(data.len() / 2);
    let head_bytes = 1 + 8 * parts.len();
    for part in parts {
        let (plain, used) = (&data[part.clone()], head_bytes + streams.len());
        let before = streams.len();
        match encode(plain, plain.len().min(data.len().checked_sub(used)?)) {
            Some(stream) => streams.extend(stream),
            None if used + plain.len() >= data.len() => return None,
            None => streams.extend(plain),
        }
        for size in [plain.len(), streams.len() - before] {
            head.extend(i32::try_from(size).ok()?.to_le_bytes());
        }
    }
    head.extend(streams);
    Some(head)
}

/// Reads the frame from the start of `bytes` and gives what its sub-blocks hold, at most `limit_bytes`.
///
/// `decode` gets a stream and how many bytes it may give, and appends them.
pub(super) fn read(
    what: &'static str,
    bytes: &[u8],
    limit_bytes: usize,
    decode: impl Fn(&[u8], usize, &mut Vec<u8>) -> Result<()>,
) -> Result<Vec<u8>> {
    let mut out = Vec::new();
    let Some((&count, rest)) = bytes.split_first().filter(|(count, _)| **count > 0) else {
        return Err(Error::corrupt(what, "no sub-blocks"));
    };
    if count == 1 {
        decode(rest, limit_bytes, &mut out)?;
        return Ok(out);
    }
    let cut = || Error::corrupt(what, "the table of sub-blocks goes beyond the block");
    let (table, mut rest) = rest.split_at_checked(usize::from(count) * 8).ok_or_else(cut)?;
    for row in table.chunks_exact(8) {
        let size = |at: usize| {
            let field: [u8; 4] = row[at..].first_chunk().copied().unwrap_or_default();
            usize::try_from(i32::from_le_bytes(field))
                .map_err(|_| Error::corrupt(what, "a sub-block of negative size"))
        };
        let (plain, coded) = (size(0)?, size(4)?);
        let (stream, after) = rest.split_at_checked(coded).ok_or_else(cut)?;
        rest = after;
        let end = out.len() + plain;
        if end > limit_bytes {
            return Err(Error::corrupt(
                what,
                format!("sub-blocks of {end} bytes and more in a block of {limit_bytes}"),
            ));
        }
        if plain == coded {
            out.extend_from_slice(stream);
        } else {
            decode(stream, plain, &mut out)?;
        }
        if out.len() != end {
            return Err(Error::corrupt(
                what,
                "a sub-block holds another number of bytes than the table says",
            ));
        }
    }
    Ok(out)
}
