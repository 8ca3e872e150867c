//! From a tile to its bytes on the wire and back, and the proof that a codec keeps the wire format it declares.

use crate::codec::{SHAPE_HEADER_BYTES, TileCodec, WireFormat, shape_header};
use crate::error::{Error, Result};
use crate::tile::{Dtype, Tile};

/// The bytes of a tile on the wire: the codec's payload, behind the shape header when it is opaque.
///
/// # Errors
/// When the codec does not take the tile.
pub fn encode(codec: &dyn TileCodec, tile: &Tile<'_>) -> Result<Vec<u8>> {
    let payload = codec.encode_tile(tile)?;
    match codec.wire_format() {
        WireFormat::SelfDescribing => Ok(payload),
        WireFormat::OpaquePayload => with_shape_header(&payload, tile),
    }
}

/// The tile of bytes on the wire.
///
/// # Errors
/// For bytes that the codec cannot read, and for a codec that gives a tile of another shape `(rows, cols)` or type.
pub fn decode(
    codec: &dyn TileCodec,
    wire: &[u8],
    rows: usize,
    cols: usize,
    dtype: Dtype,
) -> Result<Tile<'static>> {
    Tile::size_bytes(rows, cols, dtype)?;
    let tile = codec.decode_tile(wire, rows, cols, dtype)?;
    if (tile.rows(), tile.cols(), tile.dtype()) != (rows, cols, dtype) {
        let got = format!("({}, {}) of {}", tile.rows(), tile.cols(), tile.dtype());
        let reason = format!("codec {:?} gave {got}, not ({rows}, {cols}) of {dtype}", codec.name());
        return Err(Error::corrupt("tile", reason));
    }
    Ok(tile)
}

/// As [`encode`], and decodes back: what a writer does with the first tile of each codec, so that no file is written
/// that its codec does not read.
///
/// # Errors
/// As for [`encode`], and [`Error::WireFormat`] when the tile does not come back, saying which wire format the codec
/// seems to keep.
pub fn encode_proven(codec: &dyn TileCodec, tile: &Tile<'_>) -> Result<Vec<u8>> {
    let payload = codec.encode_tile(tile)?;
    let framed = with_shape_header(&payload, tile)?;
    let comes_back = |wire: &[u8]| {
        decode(codec, wire, tile.rows(), tile.cols(), tile.dtype()).and_then(|back| {
            if back.bytes() == tile.bytes() { Ok(()) } else { Err(Error::corrupt("tile", "other values")) }
        })
    };
    let (declared, other) = match codec.wire_format() {
        WireFormat::OpaquePayload => (&framed, &payload),
        WireFormat::SelfDescribing => (&payload, &framed),
    };
    let Err(failure) = comes_back(declared) else {
        return Ok(declared.clone());
    };
    let other_comes_back = comes_back(other).is_ok();
    let reason = match (codec.wire_format(), other_comes_back) {
        (WireFormat::OpaquePayload, true) => {
            "it is declared \"opaque\" but seems to be \"self\": its tile comes back only without the 8-byte \
             (rows, cols) header that the writer prepends to opaque payloads. It adds its own header, or its decoder \
             does not strip the writer's"
                .to_owned()
        }
        (WireFormat::SelfDescribing, true) => {
            "it is declared \"self\" but seems to be \"opaque\": its tile comes back only behind the 8-byte \
             (rows, cols) header, which the writer does not prepend to self-describing payloads. Its decoder strips \
             that header, and its encoder adds none"
                .to_owned()
        }
        (declared, false) => format!(
            "it is declared \"{declared}\" and a tile of ({}, {}) {} does not come back, neither with nor without the \
             8-byte header: {failure}",
            tile.rows(),
            tile.cols(),
            tile.dtype()
        ),
    };
    Err(Error::WireFormat { codec: codec.name().to_owned(), reason })
}

/// Proves a codec on small tiles of several shapes, when it is registered.
///
/// # Errors
/// As for [`encode_proven`]; also for an opaque codec whose payloads begin with the shape themselves: the header would
/// be on the wire twice. A codec that takes no tile of the probe's is left to the proof at its first tile.
pub fn prove(codec: &dyn TileCodec) -> Result<()> {
    let Some(dtype) = Dtype::ALL.into_iter().rev().find(|dtype| codec.accepts_dtype(*dtype)) else {
        return Ok(());
    };
    let dtype = if codec.accepts_dtype(Dtype::U32) { Dtype::U32 } else { dtype };
    let (mut proven, mut shape_twice) = (0, 0);
    for (rows, cols) in [(8, 8), (3, 5), (1, 7), (6, 1)] {
        let tile = probe(rows, cols, dtype)?;
        if !codec.accepts(&tile) {
            continue;
        }
        let wire = encode_proven(codec, &tile)?;
        proven += 1;
        let header = shape_header(rows, cols)?;
        let payload = wire.get(SHAPE_HEADER_BYTES..).unwrap_or_default();
        if codec.wire_format() == WireFormat::OpaquePayload && payload.starts_with(&header) {
            shape_twice += 1;
        }
    }
    if proven > 1 && shape_twice == proven {
        let reason =
            "it is declared \"opaque\" but seems to be \"self\": its payloads begin with (rows, cols) \
                      themselves, so that the writer's header would be on the wire a second time"
                .to_owned();
        return Err(Error::WireFormat { codec: codec.name().to_owned(), reason });
    }
    Ok(())
}

/// A tile of small counts, which no shape header equals.
fn probe(rows: usize, cols: usize, dtype: Dtype) -> Result<Tile<'static>> {
    let mut bytes = Vec::with_capacity(rows * cols * dtype.size_bytes());
    for at in 0..rows * cols {
        let value = u8::try_from(at % 5 + 90).unwrap_or(90);
        match dtype {
            Dtype::F32 => bytes.extend(f32::from(value).to_le_bytes()),
            Dtype::F64 => bytes.extend(f64::from(value).to_le_bytes()),
            _ => bytes.extend(&u64::from(value).to_le_bytes()[..dtype.size_bytes()]),
        }
    }
    Tile::new(rows, cols, dtype, bytes)
}

fn with_shape_header(payload: &[u8], tile: &Tile<'_>) -> Result<Vec<u8>> {
    Ok([&shape_header(tile.rows(), tile.cols())?, payload].concat())
}
