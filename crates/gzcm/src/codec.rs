//! What a tile codec is, and the wire format that it declares.

use std::fmt;

use crate::error::{Error, Result};
use crate::tile::{Dtype, Tile};

/// The bytes of the header that the writer prepends to an opaque payload: `(rows, cols)` as two i32 little-endian.
pub const SHAPE_HEADER_BYTES: usize = 8;

/// Who puts the shape of a tile on the wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum WireFormat {
    /// The writer prepends the 8-byte shape header; the payload after it is the codec's.
    OpaquePayload,
    /// The codec writes its own header; the writer adds nothing.
    SelfDescribing,
}

impl WireFormat {
    /// The published value: `opaque` or `self`.
    #[must_use]
    pub const fn value(self) -> &'static str {
        match self {
            Self::OpaquePayload => "opaque",
            Self::SelfDescribing => "self",
        }
    }

    /// The wire format of a published value.
    ///
    /// # Errors
    /// For a value that is neither.
    pub fn parse(value: &str) -> Result<Self> {
        match value {
            "opaque" => Ok(Self::OpaquePayload),
            "self" => Ok(Self::SelfDescribing),
            _ => Err(Error::unsupported(
                "wire format",
                format!("{value:?} is neither \"opaque\" nor \"self\""),
            )),
        }
    }
}

impl fmt::Display for WireFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.value())
    }
}

/// A way to write a tile as bytes. Lossless: what is decoded is what was encoded, bit for bit.
pub trait TileCodec: Send + Sync {
    /// The name that files and the registry know it by.
    fn name(&self) -> &str;

    /// Whether the writer prepends the shape header.
    fn wire_format(&self) -> WireFormat;

    /// Whether it takes tiles of this type at all.
    fn accepts_dtype(&self, _dtype: Dtype) -> bool {
        true
    }

    /// Whether it takes this very tile, its values included.
    fn accepts(&self, tile: &Tile<'_>) -> bool {
        self.accepts_dtype(tile.dtype())
    }

    /// The payload of a tile: without the shape header when the wire format is opaque.
    ///
    /// # Errors
    /// For a tile that the codec does not take.
    fn encode_tile(&self, tile: &Tile<'_>) -> Result<Vec<u8>>;

    /// The tile of the bytes on the wire: **with** the shape header when the wire format is opaque, see
    /// [`strip_shape_header`]. The caller names the shape `(rows, cols)` and the type; bytes that say otherwise are corrupt.
    ///
    /// # Errors
    /// For bytes that are not such a tile. Never panics, and allocates no more than the tile needs.
    fn decode_tile(&self, wire: &[u8], rows: usize, cols: usize, dtype: Dtype) -> Result<Tile<'static>>;
}

/// The 8-byte shape header: `(rows, cols)` as i32 little-endian.
///
/// # Errors
/// For a side that no i32 holds.
pub fn shape_header(rows: usize, cols: usize) -> Result<[u8; SHAPE_HEADER_BYTES]> {
    let side = |side: usize| {
        i32::try_from(side).map_err(|_| Error::invalid("shape header", format!("{side} does not fit an i32")))
    };
    let mut header = [0; SHAPE_HEADER_BYTES];
    header[..4].copy_from_slice(&side(rows)?.to_le_bytes());
    header[4..].copy_from_slice(&side(cols)?.to_le_bytes());
    Ok(header)
}

/// The payload behind the shape header, which must name the expected shape `(rows, cols)`.
///
/// # Errors
/// When the header is cut short or names another shape.
pub fn strip_shape_header(wire: &[u8], rows: usize, cols: usize) -> Result<&[u8]> {
    let expected = shape_header(rows, cols)?;
    let Some((header, payload)) = wire.split_first_chunk::<SHAPE_HEADER_BYTES>() else {
        let reason = format!("{} bytes are too few for the 8-byte (rows, cols) header", wire.len());
        return Err(Error::corrupt("shape header", reason));
    };
    if *header != expected {
        let [a, b, c, d, e, f, g, h] = *header;
        let (r, c) = (i32::from_le_bytes([a, b, c, d]), i32::from_le_bytes([e, f, g, h]));
        return Err(Error::corrupt("shape header", format!("({r}, {c}) where ({rows}, {cols}) is expected")));
    }
    Ok(payload)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_header_is_two_little_endian_i32_and_is_checked() {
        let mut wire = shape_header(256, 7).unwrap().to_vec();
        assert_eq!(wire, [0, 1, 0, 0, 7, 0, 0, 0]);
        wire.push(9);
        assert_eq!(strip_shape_header(&wire, 256, 7).unwrap(), [9]);
        assert!(strip_shape_header(&wire, 7, 256).unwrap_err().to_string().contains("(256, 7)"));
        strip_shape_header(&wire[..7], 256, 7).unwrap_err();
        assert_eq!(WireFormat::parse("self").unwrap(), WireFormat::SelfDescribing);
        WireFormat::parse("opaque_payload").unwrap_err();
    }
}
