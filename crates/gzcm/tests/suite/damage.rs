//! Damaged files: every flipped bit of a small 5.1 file is found, nothing panics, and what is intact is salvaged.

use std::sync::Arc;

use bytes::Bytes;
use gzcm::Registry;
use gzcm::container::meta::{Layout, Region, Vector, VectorKey, Version, WeightKind};
use gzcm::salvage::salvage;
use gzcm::source::RangeRead;
use gzcm::writer::{LayoutChoice, PixelOrder, Writer, WriterOptions};

use crate::common::{open, options, tidy, write};

/// Two regions, one of them sparse, and a vector.
fn small(version: Version) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut writer = Writer::new(&mut bytes, options(version, "zstd")).unwrap();
    let (full, sparse) = (Region::intra("a", 1000, 40), Region::intra("b", 1000, 300));
    writer.start_region(full.clone(), PixelOrder::ByRow).unwrap();
    writer.push_pixels(&tidy(&full, (0..300_u32).map(|at| (at % 40, at / 7, 2)))).unwrap();
    writer.end_region().unwrap();
    let key = VectorKey {
        name: "KR".to_owned(),
        chrom: "a".to_owned(),
        bin_size_bp: 1000,
        kind: WeightKind::Divisive,
    };
    writer.add_vector(&Vector { key, values: (0..40).map(|at| 1.0 / f64::from(at)).collect() }).unwrap();
    if version >= Version::V4 {
        writer.start_region(sparse.clone(), PixelOrder::ByRow).unwrap();
        writer.push_pixels(&tidy(&sparse, (0..300_u32).map(|at| (at, at + 5, 1)))).unwrap();
        writer.end_region().unwrap();
    }
    writer.finish().unwrap();
    bytes
}

fn sound(bytes: Vec<u8>) -> bool {
    open(bytes).and_then(|reader| reader.verify()).is_ok_and(|verified| verified.damaged.is_empty())
}

#[test]
fn every_flipped_bit_of_a_small_5_1_file_is_found() {
    for version in [Version::V5_1, Version::V5] {
        let bytes = small(version);
        assert!(sound(bytes.clone()));
        let verified = open(bytes.clone()).unwrap().verify().unwrap();
        assert_eq!((verified.tiles, verified.vectors), (open_tiles(&bytes), 1));
        // The padding of the header is one checksum with its text: every 16th bit of it is enough.
        let text = 8 + serde_length(&bytes);
        // Version 5 differs in its header alone.
        let step = if version == Version::V5_1 { 1 } else { 5 };
        let padding = text * 8..4096 * 8;
        for bit in (0..bytes.len() * 8).step_by(step).filter(|bit| !padding.contains(bit) || bit % 16 == 3) {
            let mut flipped = bytes.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            assert!(!sound(flipped), "bit {} of byte {} of {}", bit % 8, bit / 8, bytes.len());
        }
    }
}

fn serde_length(bytes: &[u8]) -> usize {
    u32::from_le_bytes(bytes[4..8].try_into().unwrap()).try_into().unwrap()
}

fn open_tiles(bytes: &[u8]) -> u64 {
    let reader = open(bytes.to_vec()).unwrap();
    let tiles = |entry: &gzcm::container::catalog::RegionEntry| match &entry.storage {
        gzcm::container::catalog::Storage::Tiles(tiles) => u64::try_from(tiles.len()).unwrap(),
        _ => 0,
    };
    reader.catalog().regions.iter().map(tiles).sum()
}

#[test]
fn cut_files_are_errors_and_flipped_payloads_of_versions_3_and_4_are_found() {
    for version in Version::ALL {
        let bytes = small(version);
        for end in (0..bytes.len()).step_by(if version >= Version::V5 { 1 } else { 7 }) {
            assert!(!sound(bytes[..end].to_vec()), "{version:?} cut at {end} of {}", bytes.len());
        }
        if version >= Version::V5 {
            continue;
        }
        let data = open(bytes.clone()).unwrap().catalog().header.data_start_bytes;
        let vector = open(bytes.clone()).unwrap().catalog().vectors[0].offset_bytes;
        for byte in (0..bytes.len()).step_by(3) {
            let mut flipped = bytes.clone();
            flipped[byte] ^= 1 << (byte % 8);
            let at = u64::try_from(byte).unwrap();
            let payload = version >= Version::V3 && (data..vector).contains(&at);
            assert!(!(sound(flipped) && payload), "{version:?} byte {byte}");
        }
    }
}

fn saved(bytes: Vec<u8>) -> (gzcm::salvage::Salvaged, Vec<u8>) {
    let source: Arc<dyn RangeRead> = Arc::new(Bytes::from(bytes));
    let mut to = Vec::new();
    let salvaged = salvage(&source, &mut to, Registry::global()).unwrap();
    (salvaged, to)
}

#[test]
fn what_is_intact_is_salvaged() {
    for version in Version::ALL {
        let bytes = small(version);
        let reader = open(bytes.clone()).unwrap();
        let (salvaged, copy) = saved(bytes.clone());
        assert_eq!((salvaged.lost_tiles, salvaged.vectors), (0, 1), "{version:?}");
        assert!(sound(copy.clone()));
        let again = open(copy).unwrap();
        for at in 0..reader.catalog().regions.len() {
            assert_eq!(again.stored_pixels(at).unwrap(), reader.stored_pixels(at).unwrap());
        }
        let whole = salvaged.tiles;
        // Cut within the data: what is before the cut stays, pixel by pixel.
        let data = usize::try_from(reader.catalog().header.data_start_bytes).unwrap();
        for end in (data..bytes.len()).step_by(61) {
            let (salvaged, copy) = saved(bytes[..end].to_vec());
            assert!(sound(copy.clone()));
            assert!(salvaged.tiles <= whole);
            let again = open(copy).unwrap();
            for (at, entry) in again.catalog().regions.iter().enumerate() {
                let all = reader.stored_pixels(reader.region(&entry.region.name).unwrap()).unwrap();
                assert!(again.stored_pixels(at).unwrap().iter().all(|pixel| all.contains(pixel)));
            }
        }
    }
}

#[test]
fn a_damaged_frame_costs_that_frame_alone() {
    let bytes = small(Version::V5_1);
    let reader = open(bytes.clone()).unwrap();
    let gzcm::container::catalog::Storage::Tiles(tiles) = &reader.catalog().regions[0].storage else {
        return;
    };
    for with_index in [true, false] {
        let mut damaged = bytes.clone();
        damaged[usize::try_from(tiles[1].offset_bytes).unwrap() + 12] ^= 4;
        if !with_index {
            damaged.truncate(bytes.len() - 10);
        }
        let (salvaged, copy) = saved(damaged);
        assert_eq!(salvaged.tiles, open_tiles(&bytes) - 1);
        assert_eq!(salvaged.lost_tiles, u64::from(with_index));
        assert!(salvaged.skipped_bytes >= u64::try_from(tiles[1].length_bytes).unwrap());
        assert!(sound(copy));
    }
}

#[test]
fn random_headers_and_indexes_are_no_panic() {
    for version in Version::ALL {
        let region = Region::intra("a", 1000, 40);
        let layout = LayoutChoice::Fixed(if version >= Version::V4 {
            Layout::SparseRoaring
        } else {
            Layout::DenseTiled
        });
        let bytes = write(
            &region,
            &tidy(&region, [(1, 2, 3), (30, 39, 1)]),
            WriterOptions { layout, ..options(version, "lz4") },
        );
        // Digits of the header changed into other digits: sizes, offsets and shapes that cannot be.
        let text = 8 + serde_length(&bytes);
        for at in (8..text).filter(|at| bytes[*at].is_ascii_digit()) {
            for digit in [b'0', b'9', b'-', b'.'] {
                let mut changed = bytes.clone();
                changed[at] = digit;
                if let Ok(reader) = open(changed) {
                    drop(reader.verify());
                    let what = reader.catalog().regions[0].region.clone();
                    drop(reader.dense(0, 0..what.n_rows.min(50), 0..what.n_cols.min(50)));
                }
            }
        }
    }
}
