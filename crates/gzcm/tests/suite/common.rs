//! Matrices and files for the tests.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use gzcm::Registry;
use gzcm::container::meta::{Region, Version};
use gzcm::pixel::Pixel;
use gzcm::reader::{CacheSize, Reader};
use gzcm::writer::{CodecChoice, PixelOrder, Writer, WriterOptions};

/// Options of a version and a codec, with small tiles.
pub fn options(version: Version, codec: &str) -> WriterOptions {
    WriterOptions {
        version,
        tile_size: 16,
        codec: CodecChoice::Named(codec.to_owned()),
        ..WriterOptions::default()
    }
}

/// A file of one region.
pub fn write(region: &Region, pixels: &[Pixel], options: WriterOptions) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut writer = Writer::new(&mut bytes, options).unwrap();
    writer.start_region(region.clone(), PixelOrder::ByRow).unwrap();
    for some in pixels.chunks(7) {
        writer.push_pixels(some).unwrap();
    }
    writer.end_region().unwrap();
    let length = writer.finish().unwrap();
    assert_eq!(length, u64::try_from(bytes.len()).unwrap());
    bytes
}

pub fn open(bytes: impl Into<Bytes>) -> gzcm::Result<Reader> {
    Reader::new(Arc::new(bytes.into()), Registry::global(), CacheSize::default())
}

/// Pixels sorted by row, each cell once; above the diagonal when symmetric.
pub fn tidy(region: &Region, cells: impl IntoIterator<Item = (u32, u32, u64)>) -> Vec<Pixel> {
    let (rows, cols) = (u32::try_from(region.n_rows).unwrap(), u32::try_from(region.n_cols).unwrap());
    let mut tidy = BTreeMap::new();
    for (row, col, bits) in cells {
        let (mut row, mut col) = (row % rows, col % cols);
        if region.symmetric && row > col {
            (row, col) = (col, row);
        }
        if bits != 0 {
            tidy.insert((row, col), bits);
        }
    }
    tidy.into_iter().map(|((row, col), bits)| Pixel { row, col, bits }).collect()
}

/// The window of pixels, mirrored where the region is symmetric: what a reader must give.
pub fn expected(
    region: &Region,
    pixels: &[Pixel],
    rows: std::ops::Range<u64>,
    cols: std::ops::Range<u64>,
) -> Vec<Pixel> {
    let mirror = |pixel: &Pixel| Pixel { row: pixel.col, col: pixel.row, bits: pixel.bits };
    let mirrored = pixels.iter().filter(|pixel| region.symmetric && pixel.row != pixel.col).map(mirror);
    let mut all: Vec<Pixel> = pixels.iter().copied().chain(mirrored).collect();
    all.retain(|pixel| rows.contains(&pixel.row.into()) && cols.contains(&pixel.col.into()));
    all.sort_unstable();
    all
}
