//! The header of a block, described in [`super`].

use super::lzp;
use crate::error::{Error, Result};

const WHAT: &str = "bsc block";

/// The bytes of the header.
pub(super) const HEADER_BYTES: usize = 28;

const SORTER_BWT: u32 = 1;
const CODER_FAST: u32 = 3;

/// What a header says.
pub(super) struct Header {
    pub(super) data_bytes: usize,
    /// The payload is the data.
    pub(super) stored: bool,
    pub(super) lzp: Option<lzp::Parameters>,
    pub(super) primary: usize,
    pub(super) data_checksum: u32,
}

/// The mode of what this module writes.
pub(super) fn mode(lzp: Option<lzp::Parameters>) -> u32 {
    let lzp = lzp.map_or(0, |lzp| lzp.hash_bits << 16 | u32::try_from(lzp.least).unwrap_or(0) << 8);
    lzp | CODER_FAST << 5 | SORTER_BWT
}

/// The block of a payload.
pub(super) fn seal(data: &[u8], mode: u32, primary: usize, payload: &[u8]) -> Vec<u8> {
    let mut block = Vec::with_capacity(HEADER_BYTES + payload.len());
    // All sizes are below MAX_DATA_BYTES and so fit.
    let size = |size: usize| u32::try_from(size).unwrap_or(u32::MAX);
    let checksum = simd_adler32::adler32;
    let fields = [
        size(payload.len() + HEADER_BYTES),
        size(data.len()),
        mode,
        size(primary),
        checksum(&data),
        checksum(&payload),
    ];
    block.extend(fields.iter().flat_map(|field| field.to_le_bytes()));
    block.extend(checksum(&block.as_slice()).to_le_bytes());
    block.extend_from_slice(payload);
    block
}

impl Header {
    /// Reads and checks the header, and gives the payload.
    pub(super) fn read(block: &[u8]) -> Result<(Self, &[u8])> {
        let corrupt = |reason: &str| Error::corrupt(WHAT, reason);
        let (head, payload) =
            block.split_at_checked(HEADER_BYTES).ok_or_else(|| corrupt("shorter than a header"))?;
        let field =
            |index: usize| u32::from_le_bytes(head[index * 4..].first_chunk().copied().unwrap_or_default());
        if field(6) != simd_adler32::adler32(&&head[..24]) {
            return Err(corrupt("the header's checksum is wrong"));
        }
        let size =
            |index: usize| i32::try_from(field(index)).ok().and_then(|size| usize::try_from(size).ok());
        let sizes = (size(0), size(1), size(3));
        let (Some(block_bytes), Some(data_bytes), Some(primary)) = sizes else {
            return Err(corrupt("a negative size"));
        };
        if block_bytes != block.len() {
            return Err(corrupt(&format!("{} bytes, where its header says {block_bytes}", block.len())));
        }
        if payload.len() > data_bytes || primary > data_bytes {
            return Err(corrupt("a payload or an index greater than the data"));
        }
        if field(5) != simd_adler32::adler32(&payload) {
            return Err(corrupt("the payload's checksum is wrong"));
        }
        let mode = field(2);
        let (stored, lzp) = (mode == 0, if mode == 0 { None } else { known(mode)? });
        Ok((Self { data_bytes, stored, lzp, primary, data_checksum: field(4) }, payload))
    }
}

/// Whether this module reads the mode.
fn known(mode: u32) -> Result<Option<lzp::Parameters>> {
    let remedy = "write it anew with libbsc's sorter BWT (-m0) and coder fast (-e0), which all versions from 3.2.0 on have";
    let sorter = mode & 0x1f;
    match sorter {
        SORTER_BWT => {}
        3..=8 => {
            return Err(Error::unsupported(
                WHAT,
                format!("the sorter ST{sorter} is not read here; {remedy}"),
            ));
        }
        _ => return Err(Error::corrupt(WHAT, format!("no sorter {sorter}"))),
    }
    match mode >> 5 & 0x7 {
        CODER_FAST => {}
        1 => {
            return Err(Error::unsupported(
                WHAT,
                format!("the coder QLFC static is not read here; {remedy}"),
            ));
        }
        2 => {
            return Err(Error::unsupported(
                WHAT,
                format!("the coder QLFC adaptive is not read here; {remedy}"),
            ));
        }
        coder => return Err(Error::corrupt(WHAT, format!("no coder {coder}"))),
    }
    let (least, hash_bits) = (mode >> 8 & 0xff, mode >> 16);
    match (least, hash_bits) {
        (0, 0) => Ok(None),
        (4..=255, 10..=28) => {
            Ok(Some(lzp::Parameters { hash_bits, least: usize::try_from(least).unwrap_or(0) }))
        }
        _ => Err(Error::corrupt(
            WHAT,
            format!("no LZP with matches from {least} and a hash of {hash_bits} bits"),
        )),
    }
}
