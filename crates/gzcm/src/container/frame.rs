//! The frames of versions 5 and 5.1: what is appended to the file, each with its own checksum.
//!
//! ```text
//! marker (4) | CRC32C of all that follows (u32 LE) | kind (u8) | body length (varint) | body
//! ```

use super::varint::{self, Cursor};
use crate::error::{Error, Result};

/// What a frame begins with; salvage looks for it.
pub const MARKER: [u8; 4] = [0xf5, b'G', b'Z', b'f'];
/// The marker and the checksum.
pub const FRAME_PREFIX_BYTES: usize = 8;

/// What a frame holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A tile.
    Tile,
    /// The description of a region.
    Region,
    /// A normalisation vector.
    Vector,
}

impl Kind {
    const fn byte(self) -> u8 {
        match self {
            Self::Tile => 1,
            Self::Region => 2,
            Self::Vector => 3,
        }
    }
}

/// Which tile of which region a frame holds, and how.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TileHead {
    /// The region, counted from 0.
    pub region: u32,
    /// The tile's row.
    pub row: u32,
    /// The tile's column.
    pub col: u32,
    /// 0 for a sparse tile, else the codec's id in the header.
    pub codec: u16,
    /// The pixels of the tile.
    pub nnz: u32,
}

/// A frame around a body.
#[must_use]
pub fn pack(kind: Kind, body: &[u8]) -> Vec<u8> {
    let mut frame = Vec::with_capacity(body.len() + 16);
    frame.extend(MARKER);
    frame.extend([0; 4]);
    frame.push(kind.byte());
    varint::put_bytes(body, &mut frame);
    let crc = crc32c::crc32c(&frame[FRAME_PREFIX_BYTES..]);
    frame[4..8].copy_from_slice(&crc.to_le_bytes());
    frame
}

/// The body of a tile's frame: five numbers, then the bytes on the wire.
#[must_use]
pub fn pack_tile(head: &TileHead, wire: &[u8]) -> Vec<u8> {
    let mut body = Vec::with_capacity(wire.len() + 16);
    for number in [head.region, head.row, head.col, u32::from(head.codec), head.nnz] {
        varint::put(number.into(), &mut body);
    }
    body.extend_from_slice(wire);
    pack(Kind::Tile, &body)
}

/// The frame at the head of the bytes: its kind, its body, and its length in bytes.
///
/// # Errors
/// When the marker, the checksum, the kind or the length is wrong.
pub fn unpack(bytes: &[u8]) -> Result<(Kind, &[u8], usize)> {
    let corrupt = |reason: &str| Error::corrupt("frame", reason);
    let mut cursor = Cursor::new(bytes, "frame");
    if cursor.take(4)? != MARKER {
        return Err(corrupt("no marker"));
    }
    let stored = cursor.take(4)?;
    let kind = match cursor.take(1)? {
        [1] => Kind::Tile,
        [2] => Kind::Region,
        [3] => Kind::Vector,
        _ => return Err(corrupt("unknown kind")),
    };
    let body = cursor.bytes()?;
    let length = bytes.len() - cursor.rest().len();
    if crc32c::crc32c(&bytes[FRAME_PREFIX_BYTES..length]).to_le_bytes() != stored {
        return Err(corrupt("its checksum (CRC32C) does not match"));
    }
    Ok((kind, body, length))
}

/// The head and the wire bytes of a tile's body.
///
/// # Errors
/// When it is cut short.
pub fn unpack_tile(body: &[u8]) -> Result<(TileHead, &[u8])> {
    let mut cursor = Cursor::new(body, "frame of a tile");
    let head = TileHead {
        region: cursor.narrow()?,
        row: cursor.narrow()?,
        col: cursor.narrow()?,
        codec: cursor.narrow()?,
        nnz: cursor.narrow()?,
    };
    Ok((head, cursor.rest()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_flipped_bit_and_every_cut_is_found() {
        let head = TileHead { region: 3, row: 300, col: 70_000, codec: 2, nnz: 9 };
        let frame = pack_tile(&head, b"wire bytes");
        let (kind, body, length) = unpack(&frame).unwrap();
        assert_eq!((kind, length), (Kind::Tile, frame.len()));
        assert_eq!(unpack_tile(body).unwrap(), (head, b"wire bytes".as_slice()));
        for bit in 0..frame.len() * 8 {
            let mut flipped = frame.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            unpack(&flipped).unwrap_err();
        }
        for end in 0..frame.len() {
            unpack(&frame[..end]).unwrap_err();
        }
    }
}
