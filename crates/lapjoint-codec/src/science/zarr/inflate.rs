//! Decompression into memory whose size is known beforehand, so that no file can make it grow.

use std::io::Read;

use super::damaged;
use crate::error::CodecError;

fn failed(error: impl std::fmt::Display) -> CodecError {
    damaged(error.to_string())
}

/// Zeroed memory, or an error where there is not as much.
pub(super) fn zeroed(bytes: usize) -> Result<Vec<u8>, CodecError> {
    // Asked for first, because what zeroes memory ends the program when there is none.
    let mut asked = Vec::<u8>::new();
    asked.try_reserve_exact(bytes).map_err(|_| damaged(format!("there is no memory for {bytes} bytes")))?;
    drop(asked);
    Ok(vec![0; bytes])
}

/// Zstandard, whose decoded size must be that of `target`.
pub(super) fn zstd_into(bytes: &[u8], target: &mut [u8]) -> Result<(), CodecError> {
    let mut decompressor = zstd::bulk::Decompressor::new().map_err(failed)?;
    let size = decompressor.decompress_to_buffer(bytes, target).map_err(failed)?;
    if size == target.len() {
        return Ok(());
    }
    Err(damaged(format!("it decodes to {size} bytes, expected {}", target.len())))
}

/// Zstandard, of at most so many decoded bytes.
pub(super) fn zstd(bytes: &[u8], at_most: usize) -> Result<Vec<u8>, CodecError> {
    let mut target = zeroed(at_most)?;
    let mut decompressor = zstd::bulk::Decompressor::new().map_err(failed)?;
    let size = decompressor.decompress_to_buffer(bytes, target.as_mut_slice()).map_err(failed)?;
    target.truncate(size);
    Ok(target)
}

/// gzip, of at most so many decoded bytes.
pub(super) fn gzip(bytes: &[u8], at_most: usize) -> Result<Vec<u8>, CodecError> {
    read_at_most(flate2::read::MultiGzDecoder::new(bytes), at_most)
}

/// zlib, of at most so many decoded bytes.
pub(super) fn zlib(bytes: &[u8], at_most: usize) -> Result<Vec<u8>, CodecError> {
    read_at_most(flate2::read::ZlibDecoder::new(bytes), at_most)
}

fn read_at_most(source: impl Read, at_most: usize) -> Result<Vec<u8>, CodecError> {
    let mut decoded = Vec::new();
    source.take((at_most as u64).saturating_add(1)).read_to_end(&mut decoded).map_err(failed)?;
    if decoded.len() > at_most {
        return Err(damaged(format!("it decodes to more than the {at_most} bytes of a chunk")));
    }
    Ok(decoded)
}

/// Compares the sizes in a header of blosc (bytes 4 to 8 and 12 to 16, little-endian) with what is there and what may become of it.
pub(super) fn check_blosc(bytes: &[u8], at_most: usize) -> Result<(), CodecError> {
    let number = |at: usize| -> Option<usize> {
        let four: [u8; 4] = bytes.get(at..at.checked_add(4)?)?.try_into().ok()?;
        usize::try_from(u32::from_le_bytes(four)).ok()
    };
    let (Some(decoded), Some(encoded)) = (number(4), number(12)) else {
        return Err(damaged("its header of blosc is cut off".to_owned()));
    };
    if decoded > at_most || encoded != bytes.len() {
        return Err(damaged(format!(
            "its header of blosc says {encoded} bytes for {decoded}, there are {} for at most {at_most}",
            bytes.len()
        )));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_decodes_to_more_than_it_may() {
        let bomb = zstd::bulk::compress(&vec![0; 1 << 20], 3).unwrap();
        assert!(zstd(&bomb, 1000).is_err());
        assert!(zstd_into(&bomb, &mut [0; 1000]).is_err());
        assert_eq!(zstd(&bomb, 1 << 20).unwrap(), vec![0; 1 << 20]);
        assert_eq!(zstd(&bomb, 2 << 20).unwrap().len(), 1 << 20);
        assert!(zstd_into(&bomb, &mut vec![0; 2 << 20]).is_err(), "too few");
        let mut gzipped = Vec::new();
        flate2::read::GzEncoder::new(&[0; 5000][..], flate2::Compression::new(6))
            .read_to_end(&mut gzipped)
            .unwrap();
        assert!(gzip(&gzipped, 4999).unwrap_err().to_string().contains("4999"));
        assert_eq!(gzip(&gzipped, 5000).unwrap().len(), 5000);
        assert!(zlib(&gzipped, 5000).is_err() && gzip(&[], 10).is_err() && zstd(&[1, 2, 3], 10).is_err());
        assert!(check_blosc(&[2, 1, 1, 1, 255, 255, 255, 255, 0, 0, 0, 0, 16, 0, 0, 0], 1000).is_err());
        assert!(check_blosc(&[2], 1000).is_err());
        assert!(zeroed(usize::MAX / 4).is_err());
    }
}
