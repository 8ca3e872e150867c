//! JBIG1 against the images that jbigkit made.

#![expect(clippy::unwrap_used, reason = "a test")]

use std::fs;
use std::path::PathBuf;

use gzcm::jbig::{self, Bitmap, Limits};

fn vectors() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/vectors")
}

/// A raw PBM as the vectors have it: `P4`, the width and the height on a line, the pixels.
fn read_pbm(name: &str) -> Bitmap {
    let bytes = fs::read(vectors().join(format!("{name}.pbm"))).unwrap();
    let mut lines = bytes.splitn(3, |&byte| byte == b'\n');
    assert_eq!(lines.next().unwrap(), b"P4");
    let sides = String::from_utf8(lines.next().unwrap().to_vec()).unwrap();
    let (cols, rows) = sides.split_once(' ').unwrap();
    Bitmap::new(rows.parse().unwrap(), cols.parse().unwrap(), lines.next().unwrap().to_vec()).unwrap()
}

#[test]
fn golden_vectors_match_both_ways() {
    let manifest: serde_json::Value =
        serde_json::from_slice(&fs::read(vectors().join("jbig85/manifest.json")).unwrap()).unwrap();
    let vectors_there = manifest.as_array().unwrap();
    assert_eq!(vectors_there.len(), 6);
    for vector in vectors_there {
        let name = vector["name"].as_str().unwrap();
        let expected = fs::read(vectors().join(format!("jbig85/{name}.jbg"))).unwrap();
        let bitmap = read_pbm(&format!("jbig85/{name}"));
        assert!(jbig::encode(&bitmap) == expected, "{name} is written differently");
        let read = jbig::decode(&expected, &Limits { bitmap_bytes: bitmap.bytes().len() }).unwrap();
        assert!(read == bitmap, "{name} is read differently");
    }
}

#[test]
fn other_options_are_read() {
    for (image, streams) in [
        ("jbig85/gm12878_t128_2_19", &["tile.typical", "tile.two_lines", "tile.two_lines_typical"][..]),
        ("jbig85_options/screen", &["screen.moved", "screen.moved_two_lines_typical"]),
    ] {
        let bitmap = read_pbm(image);
        for name in streams {
            let stream = fs::read(vectors().join(format!("jbig85_options/{name}.jbg"))).unwrap();
            assert!(jbig::decode(&stream, &Limits { bitmap_bytes: 1 << 16 }).unwrap() == bitmap, "{name}");
        }
    }
}
