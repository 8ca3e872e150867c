//! Bytes in a table's column that name the module which reads them.
//!
//! A column of bytes has no room for metadata. Where a value carries its decoder, its bytes stand in an envelope:
//!
//! | bytes | content |
//! |---|---|
//! | 8 | `89 4C 4A 57 41 53 4D 0A` (`\x89LJWASM\n`) |
//! | 4 | length of the header in bytes, little-endian |
//! | … | the header, a JSON object: `codec`, `codec_version`, `provenance`, `decoder` |
//! | … | what the module wrote |
//!
//! Without a decoder there is no envelope, except round bytes that begin as one: so what a module wrote can always be told.

use bytes::Bytes;
use serde_json::Value as Json;

const MAGIC: &[u8; 8] = b"\x89LJWASM\n";
/// Most bytes of a header.
const LIMIT_HEADER_BYTES: usize = 64 << 10;

/// Puts bytes in an envelope.
pub(crate) fn wrap(header: &Json, payload: &[u8]) -> Bytes {
    let header = header.to_string();
    // A header is made by this host of short texts.
    let length = u32::try_from(header.len()).unwrap_or(u32::MAX);
    [&MAGIC[..], &length.to_le_bytes(), header.as_bytes(), payload].concat().into()
}

/// Whether bytes begin as an envelope.
pub(crate) fn is_envelope(bytes: &[u8]) -> bool {
    bytes.starts_with(MAGIC)
}

/// The header and the bytes in an envelope; `None` for bytes without one.
///
/// # Errors
/// What is wrong with an envelope.
pub(crate) fn open(bytes: &Bytes) -> Result<Option<(Json, Bytes)>, String> {
    let Some(rest) = bytes.strip_prefix(MAGIC) else { return Ok(None) };
    let cut = "its envelope is cut short";
    let (length, rest) = rest.split_first_chunk::<4>().ok_or(cut)?;
    let length = usize::try_from(u32::from_le_bytes(*length)).map_err(|_| cut)?;
    if length > LIMIT_HEADER_BYTES {
        return Err(format!(
            "its envelope has a header of {length} bytes; there may be {LIMIT_HEADER_BYTES}"
        ));
    }
    let header = rest.get(..length).ok_or(cut)?;
    let header: Json =
        serde_json::from_slice(header).map_err(|error| format!("the header of its envelope: {error}"))?;
    if !header.is_object() {
        return Err("the header of its envelope is no JSON object".into());
    }
    Ok(Some((header, bytes.slice(MAGIC.len() + 4 + length..))))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_in_an_envelope_comes_out() {
        let header = json!({"codec": "x"});
        let wrapped = wrap(&header, b"payload");
        assert!(is_envelope(&wrapped));
        assert_eq!(open(&wrapped).unwrap(), Some((header, Bytes::from_static(b"payload"))));
        assert_eq!(open(&Bytes::from_static(b"payload")).unwrap(), None);
        for end in 8..12 + 13 {
            assert!(open(&wrapped.slice(..end)).is_err(), "cut at {end}");
        }
        let mut huge = wrapped.to_vec();
        huge[8..12].copy_from_slice(&u32::MAX.to_le_bytes());
        assert!(open(&huge.into()).unwrap_err().contains("4294967295"));
        assert!(open(&wrap(&json!([]), b"")).unwrap_err().contains("no JSON object"));
    }
}
