//! The contact matrix coder against the bitmaps that another implementation made of real tiles.

#![expect(clippy::unwrap_used, reason = "a test")]

use std::fs;
use std::path::PathBuf;

use gzcm::cmc::DiagonalMode;
use gzcm::cmc::binarise::{binarise, debinarise};
use gzcm::jbig;

fn vectors() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/vectors")
}

fn manifest(folder: &str) -> Vec<serde_json::Value> {
    let bytes = fs::read(vectors().join(folder).join("manifest.json")).unwrap();
    serde_json::from_slice(&bytes).unwrap()
}

/// A raw tile and its shape `(rows, cols)`.
fn raw_tile(name: &str) -> (Vec<u32>, usize, usize) {
    let entry = manifest("libbsc").into_iter().find(|entry| entry["tile"] == name).unwrap();
    let side = |key: &str| usize::try_from(entry[key].as_u64().unwrap()).unwrap();
    let bytes = fs::read(vectors().join(format!("libbsc/{name}.raw"))).unwrap();
    let values = bytes.as_chunks::<4>().0.iter().map(|&bytes| u32::from_le_bytes(bytes)).collect();
    (values, side("rows"), side("cols"))
}

#[test]
fn raw_tiles_become_the_golden_images_and_come_back() {
    let entries = manifest("jbig85");
    assert_eq!(entries.len(), 6);
    for entry in entries {
        let name = entry["name"].as_str().unwrap();
        let mode = match entry["transform"].as_str().unwrap() {
            "NONE" => DiagonalMode::None,
            "MODE_0" => DiagonalMode::Upper,
            other => unreachable!("{other}"),
        };
        let (mut values, rows, cols) = raw_tile(name);
        let transformed = mode.forward(&values, rows, cols).unwrap();
        let bitmap = binarise(&transformed, cols).unwrap();
        let pbm = fs::read(vectors().join(format!("jbig85/{name}.pbm"))).unwrap();
        let header = format!("P4\n{} {}\n", bitmap.cols(), bitmap.rows());
        assert!(pbm == [header.as_bytes(), bitmap.bytes()].concat(), "{name}: other bits");
        let golden = fs::read(vectors().join(format!("jbig85/{name}.jbg"))).unwrap();
        assert!(jbig::encode(&bitmap) == golden, "{name}: other bytes");

        let limits = jbig::Limits { bitmap_bytes: 1 << 16 };
        let (out_rows, out_cols) = mode.shape(rows, cols).unwrap();
        let back = debinarise(&jbig::decode(&golden, &limits).unwrap(), out_rows, out_cols).unwrap();
        if mode == DiagonalMode::Upper {
            for (at, value) in values.iter_mut().enumerate().filter(|(at, _)| at % cols < at / cols) {
                assert!(name == "gm12878_t128_3_5" || *value == 0, "{name}: {at}");
                *value = 0;
            }
        }
        assert!(mode.inverse(back, rows, cols).unwrap() == values, "{name}: other counts");
    }
}
