//! Sizes and times of a matrix in every codec and layout. Reads a plain binary of pixels: `"COO1"`, u32 bin size in bp, u32
//! number of chromosomes, of each u16 length and name and u64 length in bp, u64 number of pixels, then all rows, all columns
//! and all counts as u32, all little-endian, sorted by row, positions over the whole genome.
//!
//! `cargo run --release --example sizes -- FILE [CODEC…]`
#![expect(clippy::unwrap_used, reason = "a tool for measuring")]

use std::collections::BTreeMap;
use std::time::Instant;

use gzcm::Registry;
use gzcm::container::catalog::Storage;
use gzcm::container::meta::{Chromosome, Region};
use gzcm::pixel::Pixel;
use gzcm::reader::{CacheSize, Reader};
use gzcm::writer::{CodecChoice, LayoutChoice, PixelOrder, Writer, WriterOptions};

struct Coo {
    bin_size_bp: u64,
    chromosomes: Vec<Chromosome>,
    pixels: Vec<Pixel>,
}

fn read(path: &str) -> Coo {
    let bytes = std::fs::read(path).unwrap();
    let mut rest = bytes.strip_prefix(b"COO1").unwrap();
    let mut take = |length: usize| {
        let (taken, others) = rest.split_at(length);
        rest = others;
        taken
    };
    let word = |bytes: &[u8]| u32::from_le_bytes(bytes.try_into().unwrap());
    let bin_size_bp = word(take(4)).into();
    let count = word(take(4));
    let chromosomes = (0..count)
        .map(|_| {
            let length = u16::from_le_bytes(take(2).try_into().unwrap()).into();
            let name = String::from_utf8(take(length).to_vec()).unwrap();
            Chromosome { name, length_bp: u64::from_le_bytes(take(8).try_into().unwrap()) }
        })
        .collect();
    let n = usize::try_from(u64::from_le_bytes(take(8).try_into().unwrap())).unwrap();
    let mut column = || take(4 * n).chunks_exact(4).map(word).collect::<Vec<u32>>();
    let (rows, cols, counts) = (column(), column(), column());
    let pixels = (0..n).map(|at| Pixel::count(rows[at], cols[at], counts[at].into())).collect();
    Coo { bin_size_bp, chromosomes, pixels }
}

/// The regions of pairs of chromosomes, with pixels of their own.
fn by_pairs(coo: &Coo) -> Vec<(Region, Vec<Pixel>)> {
    let mut starts = vec![0_u64];
    for chromosome in &coo.chromosomes {
        starts.push(starts.last().unwrap() + chromosome.bins(coo.bin_size_bp));
    }
    let of = |bin: u32| starts.partition_point(|start| *start <= bin.into()) - 1;
    let mut pairs: BTreeMap<(usize, usize), Vec<Pixel>> = BTreeMap::new();
    for pixel in &coo.pixels {
        let (a, b) = (of(pixel.row), of(pixel.col));
        let local = |bin: u32, at: usize| u32::try_from(u64::from(bin) - starts[at]).unwrap();
        let pixel = Pixel { row: local(pixel.row, a), col: local(pixel.col, b), ..*pixel };
        pairs.entry((a, b)).or_default().push(pixel);
    }
    let axis = |at: usize| (coo.chromosomes[at].name.as_str(), starts[at + 1] - starts[at]);
    pairs
        .into_iter()
        .map(|((a, b), pixels)| {
            let (rows, cols) = (axis(a), axis(b));
            let intra = Region::intra(rows.0, coo.bin_size_bp, rows.1);
            (if a == b { intra } else { Region::inter(rows, cols, coo.bin_size_bp) }, pixels)
        })
        .collect()
}

fn main() {
    let mut arguments = std::env::args().skip(1);
    let coo = read(&arguments.next().unwrap());
    let mut codecs: Vec<String> = arguments.collect();
    if codecs.is_empty() {
        codecs = Registry::global().list();
    }
    let layout = match codecs.first().map(String::as_str) {
        Some("dense") => LayoutChoice::Fixed(gzcm::container::meta::Layout::DenseTiled),
        _ => LayoutChoice::Auto,
    };
    codecs.retain(|codec| codec != "dense");
    let genome = vec![(Region::genome(&coo.chromosomes, coo.bin_size_bp), coo.pixels.clone())];
    for (name, regions) in [("genome", genome), ("pairs", by_pairs(&coo))] {
        for codec in &codecs {
            let options = WriterOptions {
                codec: CodecChoice::Named(codec.clone()),
                chromosomes: coo.chromosomes.clone(),
                layout,
                ..WriterOptions::default()
            };
            let start = Instant::now();
            let mut bytes = Vec::new();
            let mut writer = Writer::new(&mut bytes, options).unwrap();
            for (region, pixels) in &regions {
                writer.start_region(region.clone(), PixelOrder::ByRow).unwrap();
                writer.push_pixels(pixels).unwrap();
                writer.end_region().unwrap();
            }
            let length = writer.finish().unwrap();
            let wrote = start.elapsed().as_secs_f64();
            let reader = Reader::new(
                std::sync::Arc::new(bytes::Bytes::from(bytes)),
                Registry::global(),
                CacheSize::Tiles(0),
            )
            .unwrap();
            let start = Instant::now();
            let mut tiles = 0;
            let (mut intra, mut inter) = (0, 0);
            for (at, (_, pixels)) in regions.iter().enumerate() {
                assert_eq!(reader.stored_pixels(at).unwrap(), *pixels);
                let entry = &reader.catalog().regions[at];
                if let Storage::Tiles(entries) = &entry.storage {
                    tiles += entries.len();
                    let sum: usize = entries.iter().map(|tile| tile.length_bytes).sum();
                    *(if entry.region.symmetric { &mut intra } else { &mut inter }) += sum;
                }
            }
            let read = start.elapsed().as_secs_f64();
            println!(
                "{name:7} {codec:14} {length:9} bytes ({intra} intra, {inter} inter), {tiles} tiles, \
                 layout {}, write {wrote:.2} s, read {read:.2} s",
                reader.catalog().regions[0].plan.layout.name()
            );
        }
    }
}
