//! `<lz4-delta>`: arrays of integers, as differences of neighbours, compressed with LZ4.
//!
//! # What it does
//! Stores arrays of integers (images, counts, contact matrices) without loss, and reads them as fast as LZ4 goes. The same source
//! is a WebAssembly module and a native library; the bench compares the two.
//!
//! # Specification
//! `L4D1`, then the array's header as the ABI defines it (8 bytes, and 8 for each dimension), then one LZ4 block of the
//! elements in row-major order, each replaced by its difference from the element before (the first: from 0), modulo 2 to the number of
//! its bits, little-endian.
//!
//! # Names
//! `<lz4-delta>` is `bytes` in the table; `<lz4-delta@>` and `<lz4-delta@store>` are an object in a store.
//!
//! # Stored form
//! As under *Specification*; in a store, the metadata of `<hash@>` with `codec_version`.
//!
//! # Compatibility
//! Version 1.0. LZ4 blocks are those of the reference implementation (`LZ4_decompress_safe`). Writers may choose other matches: the
//! native code and the module write other bytes of one array, and read each other's.

#[path = "../../rust/src/abi.rs"]
pub mod abi;

use abi::Array;

const MAGIC: &[u8; 4] = b"L4D1";
/// An LZ4 block grows by at most this when it is decompressed.
const LIMIT_GROWTH: u64 = 255;

/// What the host asks first.
pub fn describe() -> String {
    r#"{
        "name": "lz4-delta",
        "summary": "integers as differences of neighbours, compressed with LZ4",
        "version": "1.0",
        "values": "array"
    }"#
    .to_owned()
}

/// An array (see [`Array`]) to what is stored of it.
pub fn encode(value: &[u8]) -> Result<Vec<u8>, String> {
    let array = Array::read(value)?;
    check(&array)?;
    let differences = match array.item_bytes {
        1 => differ::<1>(array.data),
        2 => differ::<2>(array.data),
        4 => differ::<4>(array.data),
        _ => differ::<8>(array.data),
    };
    let head = [&MAGIC[..], &array.header()].concat();
    let mut out = vec![0; head.len() + lz4_flex::block::get_maximum_output_size(differences.len())];
    out[..head.len()].copy_from_slice(&head);
    let packed = lz4_flex::block::compress_into(&differences, &mut out[head.len()..])
        .map_err(|error| error.to_string())?;
    out.truncate(head.len() + packed);
    Ok(out)
}

/// What is stored, to the array.
pub fn decode(stored: &[u8]) -> Result<Vec<u8>, String> {
    let rest = stored.strip_prefix(MAGIC).ok_or("these bytes do not begin with L4D1")?;
    let header_bytes = 8 + 8 * usize::from(*rest.get(2).ok_or("cut short in the header")?);
    let (header, block) = rest.split_at_checked(header_bytes).ok_or("cut short in the header")?;
    let shape: Vec<u64> = header[8..].as_chunks().0.iter().map(|size| u64::from_le_bytes(*size)).collect();
    let array = Array { kind: header[0], item_bytes: header[1], shape, data: &[] };
    check(&array)?;
    let data_bytes = array.expected_bytes().filter(|bytes| *bytes <= block.len() as u64 * LIMIT_GROWTH);
    let data_bytes = data_bytes.and_then(|bytes| usize::try_from(bytes).ok());
    let data_bytes =
        data_bytes.ok_or_else(|| format!("shape {:?} asks for more than is stored", array.shape))?;
    let mut out = vec![0; header_bytes + data_bytes];
    let (head, data) = out.split_at_mut(header_bytes);
    head.copy_from_slice(header);
    let written = lz4_flex::block::decompress_into(block, data).map_err(|error| error.to_string())?;
    if written != data_bytes {
        return Err(format!("{written} bytes are stored, and shape {:?} asks for {data_bytes}", array.shape));
    }
    match array.item_bytes {
        1 => sum::<1>(data),
        2 => sum::<2>(data),
        4 => sum::<4>(data),
        _ => sum::<8>(data),
    }
    Ok(out)
}

fn check(array: &Array<'_>) -> Result<(), String> {
    match (array.kind, array.item_bytes) {
        (b'b', 1) | (b'i' | b'u', 1 | 2 | 4 | 8) => Ok(()),
        (kind, bytes) => {
            Err(format!("expects integers, got elements of kind '{}', {bytes} bytes", char::from(kind)))
        }
    }
}

/// Elements of `N` bytes to their differences.
fn differ<const N: usize>(data: &[u8]) -> Vec<u8> {
    let mut out = vec![0; data.len()];
    let (elements, _) = data.as_chunks::<N>();
    let (differences, _) = out.as_chunks_mut::<N>();
    if let (Some(first), Some(element)) = (differences.first_mut(), elements.first()) {
        *first = *element;
    }
    for (difference, pair) in differences.iter_mut().skip(1).zip(elements.windows(2)) {
        *difference = narrow(wide(pair[1]).wrapping_sub(wide(pair[0])));
    }
    out
}

/// Differences of `N` bytes to elements.
fn sum<const N: usize>(data: &mut [u8]) {
    let mut before = 0u64;
    for element in data.as_chunks_mut::<N>().0 {
        before = before.wrapping_add(wide(*element));
        *element = narrow(before);
    }
}

fn wide<const N: usize>(element: [u8; N]) -> u64 {
    let mut bytes = [0; 8];
    bytes[..N].copy_from_slice(&element);
    u64::from_le_bytes(bytes)
}

fn narrow<const N: usize>(number: u64) -> [u8; N] {
    let mut element = [0; N];
    element.copy_from_slice(&number.to_le_bytes()[..N]);
    element
}

#[cfg(test)]
mod tests {
    use super::*;

    fn array(kind: u8, item_bytes: u8, shape: &[u64], data: &[u8]) -> Vec<u8> {
        let array = Array { kind, item_bytes, shape: shape.to_vec(), data };
        [array.header(), data.to_vec()].concat()
    }

    #[test]
    fn integers_of_every_width_come_back() {
        for (kind, bytes) in [(b'b', 1), (b'i', 1), (b'u', 2), (b'i', 4), (b'u', 4), (b'i', 8), (b'u', 8)] {
            let data: Vec<u8> = (0..1000 * u32::from(bytes)).map(|i| (i * i % 251) as u8).collect();
            for value in [
                array(kind, bytes, &[10, 100], &data),
                array(kind, bytes, &[0], &[]),
                array(kind, bytes, &[], &data[..usize::from(bytes)]),
            ] {
                assert_eq!(decode(&encode(&value).unwrap()).unwrap(), value);
            }
        }
    }

    #[test]
    fn ramps_become_small() {
        let data: Vec<u8> = (0..65_536u32).flat_map(|i| (i * 3).to_le_bytes()).collect();
        let stored = encode(&array(b'u', 4, &[256, 256], &data)).unwrap();
        assert!(stored.len() < 2000, "{} bytes", stored.len());
    }

    #[test]
    fn damaged_bytes_are_errors() {
        let stored = encode(&array(b'i', 4, &[3], &[1, 0, 0, 0, 2, 0, 0, 0, 3, 0, 0, 0])).unwrap();
        for end in 0..stored.len() {
            assert!(decode(&stored[..end]).is_err(), "cut at {end}");
        }
        let mut huge = stored.clone();
        huge[12..20].copy_from_slice(&(u64::MAX / 8).to_le_bytes());
        assert!(decode(&huge).unwrap_err().contains("more than is stored"));
        assert!(encode(&array(b'f', 4, &[1], &[0; 4])).unwrap_err().contains("expects integers"));
    }
}
