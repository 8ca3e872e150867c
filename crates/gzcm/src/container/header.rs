//! The part that all versions share: `"GZCM"`, a u32 little-endian length, JSON, and data from the next multiple of 4096.

use serde_json::{Map, Value};

use super::meta::Version;
use crate::error::{Error, Result};
use crate::source::RangeRead;

/// The first bytes of every file.
pub const MAGIC: [u8; 4] = *b"GZCM";
/// The magic and the length.
pub const PREFIX_BYTES: usize = 8;
/// What the start of the data is a multiple of.
pub const ALIGNMENT_BYTES: usize = 4096;
/// The longest header that is read.
pub const MAX_HEADER_BYTES: usize = 256 << 20;

/// The header of a file.
#[derive(Debug, Clone, PartialEq)]
pub struct Header {
    /// Which version it is of.
    pub version: Version,
    /// All of its JSON object.
    pub json: Map<String, Value>,
    /// Where the data begins: the first multiple of 4096 behind the JSON.
    pub data_start_bytes: u64,
}

/// The bytes from the magic to the start of the data. The length is that of the JSON **without** its padding of spaces, and
/// the padding ends at the next multiple of 4096; readers of the other reading (the length counts the padding) find the
/// same data start.
///
/// # Errors
/// For a header of more than [`MAX_HEADER_BYTES`].
pub fn pack(json: &Map<String, Value>) -> Result<Vec<u8>> {
    let text = serde_json::to_vec(json).map_err(|error| Error::invalid("header", error.to_string()))?;
    if text.len() > MAX_HEADER_BYTES - PREFIX_BYTES - ALIGNMENT_BYTES {
        return Err(Error::invalid(
            "header",
            format!("{} bytes of JSON; versions 5 have a binary index", text.len()),
        ));
    }
    let length = u32::try_from(text.len()).map_err(|_| Error::invalid("header", "too long"))?;
    let mut bytes = [&MAGIC, length.to_le_bytes().as_slice(), &text].concat();
    bytes.resize(bytes.len().next_multiple_of(ALIGNMENT_BYTES), b' ');
    Ok(bytes)
}

/// Reads the header, and its bytes up to the start of the data (cut short where the source is).
///
/// Takes both readings of the length: of the JSON alone, or with its padding of spaces or NULs.
///
/// # Errors
/// For what is no GZCM file, or of a version that is not known.
pub fn read(source: &dyn RangeRead) -> Result<(Header, Vec<u8>)> {
    let corrupt = |reason: String| Error::corrupt("header", reason);
    let mut bytes = match source.read_range(0, ALIGNMENT_BYTES) {
        Ok(bytes) => bytes.to_vec(),
        // Only a file shorter than a block is left, which no version of this crate writes.
        Err(Error::Corrupt { .. }) => source.read_tail(ALIGNMENT_BYTES)?.0.to_vec(),
        Err(error) => return Err(error),
    };
    let Some((prefix, _)) = bytes.split_first_chunk::<PREFIX_BYTES>() else {
        return Err(corrupt("shorter than 8 bytes".to_owned()));
    };
    let [a, b, c, d, e, f, g, h] = *prefix;
    if [a, b, c, d] != MAGIC {
        return Err(corrupt("does not begin with \"GZCM\"".to_owned()));
    }
    let length = usize::try_from(u32::from_le_bytes([e, f, g, h])).unwrap_or(usize::MAX);
    if length > MAX_HEADER_BYTES {
        return Err(corrupt(format!("{length} bytes of JSON are more than {MAX_HEADER_BYTES}")));
    }
    let end = PREFIX_BYTES + length;
    let block_end = end.next_multiple_of(ALIGNMENT_BYTES);
    if bytes.len() < end || (bytes.len() < block_end && bytes.len() == ALIGNMENT_BYTES) {
        let more = block_end - bytes.len();
        let at = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        // The last block may be cut short in a file without data.
        let rest = source
            .read_range(at, more)
            .or_else(|_| source.read_range(at, end.saturating_sub(bytes.len())))?;
        bytes.extend_from_slice(&rest);
    }
    let text = bytes.get(PREFIX_BYTES..end).ok_or_else(|| corrupt("cut short".to_owned()))?;
    let text = text.trim_ascii_end();
    let zeros = text.iter().rev().take_while(|byte| **byte == 0).count();
    let json: Map<String, Value> = serde_json::from_slice(&text[..text.len() - zeros])
        .map_err(|error| corrupt(format!("not a JSON object: {error}")))?;
    let major = json.get("version").and_then(Value::as_u64);
    let major = major.ok_or_else(|| corrupt("no \"version\"".to_owned()))?;
    let minor = json.get("minor").map_or(Some(0), Value::as_u64);
    let minor = minor.ok_or_else(|| corrupt("\"minor\" is no number".to_owned()))?;
    let version = Version::from_numbers(major, minor)?;
    let data_start_bytes = u64::try_from(block_end).unwrap_or(u64::MAX);
    bytes.truncate(block_end);
    Ok((Header { version, json, data_start_bytes }, bytes))
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use serde_json::json;

    use super::*;

    fn object(value: Value) -> Map<String, Value> {
        value.as_object().unwrap().clone()
    }

    #[test]
    fn both_readings_of_the_length_give_the_same_header() {
        for text in [10, 4070, 4080, 4081, 9000] {
            let json = object(json!({"version": 3, "metadata": {"x": "y".repeat(text)}}));
            let packed = pack(&json).unwrap();
            let (alone, bytes) = read(&Bytes::from(packed.clone())).unwrap();
            assert_eq!((&alone.json, &bytes), (&json, &packed));
            for padding in [b' ', 0] {
                let mut counted = packed.clone();
                let json_end = 8 + serde_json::to_vec(&json).unwrap().len();
                counted[json_end..].fill(padding);
                let length = u32::try_from(counted.len() - 8).unwrap();
                counted[4..8].copy_from_slice(&length.to_le_bytes());
                assert_eq!(read(&Bytes::from(counted)).unwrap().0, alone);
            }
            for end in 0..packed.len() {
                // Cut within the padding it is still whole; nothing else is.
                let cut = read(&Bytes::from(packed[..end].to_vec()));
                assert!(cut.is_err() || end >= 8 + serde_json::to_vec(&json).unwrap().len());
            }
        }
    }

    #[test]
    fn what_is_no_header_is_refused() {
        for bytes in
            [b"".to_vec(), b"GZCM".to_vec(), b"HDF5\x02\0\0\0{}".to_vec(), b"GZCM\xff\xff\xff\xff{}".to_vec()]
        {
            read(&Bytes::from(bytes)).unwrap_err();
        }
        for json in
            [json!({}), json!({"version": 6}), json!({"version": 4, "minor": 1}), json!({"version": "3"})]
        {
            read(&Bytes::from(pack(&object(json)).unwrap())).unwrap_err();
        }
    }
}
