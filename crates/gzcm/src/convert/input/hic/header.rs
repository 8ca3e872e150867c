//! The header and the footer of a `.hic` file: chromosomes, resolutions, where matrices and normalisation vectors are.

use std::collections::BTreeMap;

use super::bytes::{Cursor, HicBytes};
use crate::convert::pixel::Chromosome;
use crate::error::Result;

/// What a file says at its begin and its end.
pub(super) struct Header {
    pub(super) version: i32,
    /// The chromosomes without the pseudo-chromosome of the whole genome, each with its number in the file.
    pub(super) chromosomes: Vec<Chromosome>,
    pub(super) chromosome_numbers: Vec<i32>,
    /// Ascending.
    pub(super) bin_sizes_bp: Vec<u32>,
    /// Where the matrix of a pair of chromosome numbers is described.
    pub(super) matrices: BTreeMap<(i32, i32), u64>,
    pub(super) vectors: BTreeMap<VectorKey, VectorPlace>,
}

/// Of which normalisation, chromosome number and bin size a vector is.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct VectorKey {
    pub(super) bin_size_bp: u32,
    pub(super) name: String,
    pub(super) chromosome: i32,
}

/// Where a vector is.
pub(super) struct VectorPlace {
    pub(super) offset: u64,
    pub(super) size_bytes: u64,
}

impl Header {
    pub(super) fn read(bytes: &HicBytes) -> Result<Self> {
        let mut cursor = Cursor::new(bytes, 0, "header");
        if cursor.string()? != "HIC" {
            return Err(bytes.corrupt("header", "does not begin with HIC"));
        }
        let version = cursor.i32()?;
        if !(6..=9).contains(&version) {
            return Err(
                bytes.unsupported("header", format_args!("version {version}; versions 6 to 9 are read"))
            );
        }
        let footer = bytes.position(cursor.i64()?, "header: position of the footer")?;
        cursor.string()?;
        let vector_index = if version > 8 {
            let (position, _length) = (cursor.i64()?, cursor.i64()?);
            if position == 0 {
                None
            } else {
                Some(bytes.position(position, "header: position of the vectors")?)
            }
        } else {
            None
        };
        for _ in 0..cursor.count(2)? {
            cursor.string()?;
            cursor.string()?;
        }
        let (mut chromosomes, mut chromosome_numbers) = (Vec::new(), Vec::new());
        for number in 0..cursor.count(5)? {
            let name = cursor.string()?;
            let length = if version > 8 { cursor.i64()? } else { cursor.i32()?.into() };
            let length_bp = u64::try_from(length)
                .map_err(|_| cursor.corrupt(format_args!("chromosome {name} is {length} bp long")))?;
            // Juicer's first chromosome stands for the whole genome, in kb.
            if !name.eq_ignore_ascii_case("all") {
                chromosomes.push(Chromosome { name, length_bp });
                chromosome_numbers.push(i32::try_from(number).unwrap_or(i32::MAX));
            }
        }
        let mut bin_sizes_bp = Vec::new();
        for _ in 0..cursor.count(4)? {
            let size = cursor.i32()?;
            let size = u32::try_from(size).ok().filter(|size| *size > 0);
            bin_sizes_bp.push(size.ok_or_else(|| cursor.corrupt("a bin size is not positive"))?);
        }
        bin_sizes_bp.sort_unstable();
        bin_sizes_bp.dedup();
        let mut header = Self {
            version,
            chromosomes,
            chromosome_numbers,
            bin_sizes_bp,
            matrices: BTreeMap::new(),
            vectors: BTreeMap::new(),
        };
        header.read_footer(bytes, footer, vector_index)?;
        Ok(header)
    }

    fn read_footer(&mut self, bytes: &HicBytes, footer: u64, vector_index: Option<u64>) -> Result<()> {
        let wide = self.version > 8;
        let mut cursor = Cursor::new(bytes, footer, "footer");
        let length = if wide { cursor.i64()? } else { cursor.i32()?.into() };
        let after = cursor.offset().checked_add_signed(length);
        for _ in 0..cursor.count(14)? {
            let key = cursor.string()?;
            let position = cursor.i64()?;
            cursor.i32()?;
            let pair =
                key.split_once('_').and_then(|(one, two)| Some((one.parse().ok()?, two.parse().ok()?)));
            let pair =
                pair.ok_or_else(|| cursor.corrupt(format_args!("{key:?} is no pair of chromosomes")))?;
            self.matrices.insert(pair, bytes.position(position, "footer: position of a matrix")?);
        }
        let index = if wide {
            vector_index
        } else {
            // The vectors' index follows the expected values of the normalised matrices.
            match after.filter(|after| *after <= bytes.size_bytes()) {
                Some(after) if after == bytes.size_bytes() => None,
                Some(after) => {
                    let mut cursor = Cursor::new(bytes, after, "footer: expected values");
                    for _ in 0..cursor.count(15)? {
                        cursor.string()?;
                        cursor.string()?;
                        cursor.i32()?;
                        let values = cursor.count(8)?;
                        cursor.skip(values * 8)?;
                        let factors = cursor.count(12)?;
                        cursor.skip(factors * 12)?;
                    }
                    Some(cursor.offset()).filter(|offset| *offset < bytes.size_bytes())
                }
                None => {
                    return Err(bytes.corrupt("footer", format_args!("{length} bytes long, beyond the file")));
                }
            }
        };
        let Some(index) = index else { return Ok(()) };
        let mut cursor = Cursor::new(bytes, index, "index of normalisation vectors");
        for _ in 0..cursor.count(22)? {
            let name = cursor.string()?;
            let chromosome = cursor.i32()?;
            let unit = cursor.string()?;
            let bin_size = cursor.i32()?;
            let position = cursor.i64()?;
            let size = if wide { cursor.i64()? } else { cursor.i32()?.into() };
            // Vectors over restriction fragments are not of bins.
            if unit != "BP" {
                continue;
            }
            let (Ok(bin_size_bp), Ok(size_bytes)) = (u32::try_from(bin_size), u64::try_from(size)) else {
                return Err(cursor.corrupt(format_args!("vector {name}: {bin_size} bp, {size} bytes")));
            };
            let offset = bytes.position(position, "index of normalisation vectors")?;
            let key = VectorKey { bin_size_bp, name, chromosome };
            self.vectors.insert(key, VectorPlace { offset, size_bytes });
        }
        Ok(())
    }
}
