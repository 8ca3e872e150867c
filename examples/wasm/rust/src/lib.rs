//! `<delta>`: arrays of integers, each as its difference from the one before.
//!
//! # What it does
//! Stores slowly changing integers (time stamps, positions, sorted identifiers) in about a byte each, without loss.
//!
//! # Specification
//! `DLT1`, then the array's header as the ABI defines it (8 bytes, and 8 for each dimension), then for each element, in row-major
//! order, its difference from the element before (the first: from 0), taken modulo 2^64 of the sign-extended (signed) or
//! zero-extended (unsigned) element, in zigzag, as a varint: seven bits a byte, the lowest first, the high bit set in all
//! bytes but the last.
//!
//! # Names
//! `<delta>` is `bytes` in the table; `<delta@>` and `<delta@store>` are an object in a store.
//!
//! # Stored form
//! As under *Specification*; in a store, the metadata of `<hash@>` with `codec_version`.
//!
//! # Compatibility
//! Version 1.0. Any reader of this page can read it; a later version starts with other letters.

pub mod abi;

use abi::Array;

const MAGIC: &[u8; 4] = b"DLT1";

/// What the host asks first: the name of the codec, and what goes in and out.
pub fn describe() -> String {
    r#"{
        "name": "delta",
        "summary": "integers as differences of neighbours",
        "version": "1.0",
        "reads": ["1.0"],
        "values": "array",
        "stored": "bytes",
        "places": ["inline", "store"],
        "deterministic": true
    }"#
    .to_owned()
}

/// An array (see [`Array`]) to what is stored of it.
pub fn encode(value: &[u8]) -> Result<Vec<u8>, String> {
    let array = Array::read(value)?;
    let read = reader(&array)?;
    let mut out = Vec::with_capacity(64 + array.data.len() / 2);
    out.extend_from_slice(MAGIC);
    out.extend(array.header());
    let mut before = 0u64;
    for element in array.data.chunks_exact(usize::from(array.item_bytes)) {
        let now = read(element);
        let difference = now.wrapping_sub(before).cast_signed();
        push_varint(&mut out, ((difference << 1) ^ (difference >> 63)).cast_unsigned());
        before = now;
    }
    Ok(out)
}

/// What is stored, to the array.
pub fn decode(stored: &[u8]) -> Result<Vec<u8>, String> {
    let rest = stored.strip_prefix(MAGIC).ok_or("these bytes do not begin with DLT1")?;
    let header_bytes = 8 + 8 * usize::from(*rest.get(2).ok_or("cut short in the header")?);
    let (header, mut rest) = rest.split_at_checked(header_bytes).ok_or("cut short in the header")?;
    // Read without elements: only the header is there yet.
    let shape: Vec<u64> = header[8..].as_chunks().0.iter().map(|size| u64::from_le_bytes(*size)).collect();
    let array = Array { kind: header[0], item_bytes: header[1], shape, data: &[] };
    reader(&array)?;
    let item_bytes = usize::from(array.item_bytes);
    // Every element takes at least a byte, so the length of what is there bounds what is asked for.
    let count = array.expected_bytes().map(|bytes| bytes / u64::from(array.item_bytes));
    let count = count.and_then(|count| usize::try_from(count).ok()).filter(|count| *count <= rest.len());
    let count =
        count.ok_or_else(|| format!("shape {:?} asks for more elements than are stored", array.shape))?;
    let mut out = header.to_vec();
    out.reserve_exact(count * item_bytes);
    let mut now = 0u64;
    for _ in 0..count {
        let zigzag = take_varint(&mut rest)?;
        now = now.wrapping_add((zigzag >> 1) ^ (zigzag & 1).wrapping_neg());
        out.extend_from_slice(&now.to_le_bytes()[..item_bytes]);
    }
    if !rest.is_empty() {
        return Err(format!("{} bytes follow the last element", rest.len()));
    }
    Ok(out)
}

/// How an element becomes 64 bits.
fn reader(array: &Array<'_>) -> Result<fn(&[u8]) -> u64, String> {
    fn widen<const N: usize>(element: &[u8]) -> [u8; N] {
        let mut wide = [0; N];
        wide[..element.len()].copy_from_slice(element);
        wide
    }
    Ok(match (array.kind, array.item_bytes) {
        (b'u', 1 | 2 | 4 | 8) => |element| u64::from_le_bytes(widen(element)),
        (b'i', 1) => |element| i64::from(i8::from_le_bytes(widen(element))).cast_unsigned(),
        (b'i', 2) => |element| i64::from(i16::from_le_bytes(widen(element))).cast_unsigned(),
        (b'i', 4) => |element| i64::from(i32::from_le_bytes(widen(element))).cast_unsigned(),
        (b'i', 8) => |element| u64::from_le_bytes(widen(element)),
        (kind, bytes) => {
            return Err(format!(
                "expects integers, got elements of kind '{}', {bytes} bytes",
                char::from(kind)
            ));
        }
    })
}

fn push_varint(out: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        out.push(number as u8 | 0x80);
        number >>= 7;
    }
    out.push(number as u8);
}

fn take_varint(bytes: &mut &[u8]) -> Result<u64, String> {
    let mut number = 0u64;
    for shift in (0..64).step_by(7) {
        let (first, rest) = bytes.split_first().ok_or("cut short in an element")?;
        *bytes = rest;
        number |= u64::from(first & 0x7f) << shift;
        if first & 0x80 == 0 {
            return Ok(number);
        }
    }
    Err("an element has more than ten bytes".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn array(kind: u8, item_bytes: u8, shape: &[u64], data: &[u8]) -> Vec<u8> {
        let array = Array { kind, item_bytes, shape: shape.to_vec(), data };
        [array.header(), data.to_vec()].concat()
    }

    fn comes_back(value: &[u8]) -> usize {
        let stored = encode(value).unwrap();
        assert_eq!(decode(&stored).unwrap(), value);
        stored.len()
    }

    #[test]
    fn integers_of_every_width_come_back() {
        for (kind, bytes) in
            [(b'i', 1), (b'i', 2), (b'i', 4), (b'i', 8), (b'u', 1), (b'u', 2), (b'u', 4), (b'u', 8)]
        {
            let data: Vec<u8> = (0..16 * u32::from(bytes)).map(|i| (i * 37 + 5) as u8).collect();
            comes_back(&array(kind, bytes, &[4, 4], &data));
            comes_back(&array(kind, bytes, &[16], &vec![0xff; 16 * usize::from(bytes)]));
            comes_back(&array(kind, bytes, &[0, 3], &[]));
            comes_back(&array(kind, bytes, &[], &data[..usize::from(bytes)]));
        }
    }

    #[test]
    fn slow_integers_take_a_byte_each() {
        let data: Vec<u8> = (0..1000i64).flat_map(|i| (1_700_000_000 + i * 3).to_le_bytes()).collect();
        assert_eq!(comes_back(&array(b'i', 8, &[1000], &data)), 4 + 16 + 5 + 999);
    }

    #[test]
    fn other_arrays_are_refused() {
        assert!(encode(&array(b'f', 8, &[1], &[0; 8])).unwrap_err().contains("expects integers"));
        assert!(encode(b"").is_err());
    }

    #[test]
    fn damaged_bytes_are_errors() {
        let stored = encode(&array(b'i', 4, &[3], &[1, 0, 0, 0, 2, 0, 0, 0, 3, 0, 0, 0])).unwrap();
        for end in 0..stored.len() {
            assert!(decode(&stored[..end]).is_err(), "cut at {end}");
        }
        assert!(decode(&[&stored[..], b"x"].concat()).unwrap_err().contains("follow"));
        let mut huge = stored.clone();
        huge[12..20].copy_from_slice(&u64::MAX.to_le_bytes());
        assert!(decode(&huge).unwrap_err().contains("more elements"));
    }

    #[test]
    fn the_description_names_the_codec() {
        assert!(describe().contains(r#""name": "delta""#));
    }
}
