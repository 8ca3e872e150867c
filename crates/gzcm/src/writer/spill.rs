//! Pixels in no order, held within a bound: put by bands of rows into a file without a name, and read back band by band.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom, Write};

use crate::error::{Error, Result};
use crate::pixel::Pixel;

const PIXEL_BYTES: usize = 16;
/// The bands of a region, at most: what is held to read one back is about the spilled pixels over this number.
const BANDS: u64 = 64;

/// Pixels by bands of rows.
pub(crate) struct Spill {
    band_rows: u64,
    held: Vec<Vec<Pixel>>,
    held_pixels: usize,
    most_pixels: usize,
    file: Option<File>,
    /// For each band, where its parts are in the file: `(offset, bytes)`.
    parts: Vec<Vec<(u64, usize)>>,
    end: u64,
}

impl Spill {
    /// For rows `0..n_rows`; bands are a multiple of `least_rows`.
    pub(crate) fn new(n_rows: u64, least_rows: u64, most_pixels: usize) -> Self {
        let band_rows = n_rows.div_ceil(BANDS).next_multiple_of(least_rows.max(1));
        let bands = usize::try_from(n_rows.div_ceil(band_rows)).unwrap_or(1);
        Self {
            band_rows,
            held: vec![Vec::new(); bands],
            held_pixels: 0,
            most_pixels: most_pixels.max(1),
            file: None,
            parts: vec![Vec::new(); bands],
            end: 0,
        }
    }

    pub(crate) fn push(&mut self, pixel: Pixel) -> Result<()> {
        let band = usize::try_from(u64::from(pixel.row) / self.band_rows).unwrap_or(usize::MAX);
        let held =
            self.held.get_mut(band).ok_or_else(|| Error::invalid("pixels", "a row beyond the region"))?;
        held.push(pixel);
        self.held_pixels += 1;
        if self.held_pixels >= self.most_pixels { self.flush() } else { Ok(()) }
    }

    pub(crate) fn bands(&self) -> usize {
        self.held.len()
    }

    /// The pixels of a band, in no order; they are gone afterwards.
    pub(crate) fn take(&mut self, band: usize) -> Result<Vec<Pixel>> {
        let mut pixels = std::mem::take(&mut self.held[band]);
        for (offset, length) in std::mem::take(&mut self.parts[band]) {
            let Some(file) = &mut self.file else { break };
            let mut bytes = vec![0; length];
            file.seek(SeekFrom::Start(offset))?;
            file.read_exact(&mut bytes)?;
            pixels.extend(bytes.chunks_exact(PIXEL_BYTES).map(unpack));
        }
        Ok(pixels)
    }

    fn flush(&mut self) -> Result<()> {
        let file = match &mut self.file {
            Some(file) => file,
            none => none.insert(tempfile::tempfile()?),
        };
        for (held, parts) in self.held.iter_mut().zip(&mut self.parts) {
            if held.is_empty() {
                continue;
            }
            let bytes: Vec<u8> = held.iter().flat_map(pack).collect();
            held.clear();
            file.write_all(&bytes)?;
            parts.push((self.end, bytes.len()));
            self.end += u64::try_from(bytes.len()).unwrap_or_default();
        }
        self.held_pixels = 0;
        Ok(())
    }
}

fn pack(pixel: &Pixel) -> [u8; PIXEL_BYTES] {
    let mut bytes = [0; PIXEL_BYTES];
    bytes[..4].copy_from_slice(&pixel.row.to_le_bytes());
    bytes[4..8].copy_from_slice(&pixel.col.to_le_bytes());
    bytes[8..].copy_from_slice(&pixel.bits.to_le_bytes());
    bytes
}

fn unpack(bytes: &[u8]) -> Pixel {
    let word = |at: usize| u32::from_le_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]]);
    Pixel { row: word(0), col: word(4), bits: u64::from(word(8)) | u64::from(word(12)) << 32 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_spilled_comes_back_band_by_band() {
        let pixels: Vec<Pixel> =
            (0..5000_u32).map(|at| Pixel::count(at * 7919 % 1000, at, u64::from(at) << 33)).collect();
        for most in [1, 100, 10_000] {
            let mut spill = Spill::new(1000, 16, most);
            pixels.iter().for_each(|pixel| spill.push(*pixel).unwrap());
            assert_eq!(spill.file.is_some(), most < 5000);
            let mut back = Vec::new();
            for band in 0..spill.bands() {
                let of_band = spill.take(band).unwrap();
                assert!(
                    of_band.iter().all(|pixel| u64::from(pixel.row) / 16 == u64::try_from(band).unwrap())
                );
                back.extend(of_band);
            }
            back.sort_unstable();
            let mut expected = pixels.clone();
            expected.sort_unstable();
            assert_eq!(back, expected);
            spill.push(Pixel::count(1008, 0, 1)).unwrap_err();
        }
    }
}
