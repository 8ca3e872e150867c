//! The frozen cases of `conformance/`, which the reference implementations wrote, in both directions.

#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

use bytes::Bytes;
use lapjoint_format::blob::{PackOptions, UnpackOptions, pack_with, unpack, unpack_with};
use lapjoint_format::{npy, tagged};
use lapjoint_types::Value;
use serde_json::Value as Json;

fn cases(file: &str) -> Vec<Json> {
    let path = format!("{}/../../conformance/{file}", env!("CARGO_MANIFEST_DIR"));
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

fn bytes(case: &Json, key: &str) -> Bytes {
    tagged::from_hex(case[key].as_str().unwrap()).unwrap()
}

#[test]
fn blobs_are_written_as_datajoint_writes_them() {
    let cases = cases("blob/cases.json");
    assert!(cases.len() >= 175);
    for case in &cases {
        let value = tagged::from_json(&case["value"]).unwrap();
        let packed = pack_with(&value, &PackOptions::uncompressed()).unwrap();
        assert_eq!(tagged::to_hex(&packed), case["blob"].as_str().unwrap(), "{}", case["name"]);
    }
}

#[test]
fn blobs_are_read_as_datajoint_reads_them() {
    for file in ["blob/cases.json", "blob/matlab.json"] {
        for case in &cases(file) {
            let options = UnpackOptions::default();
            let options = if case["dims_32bit"] == Json::Bool(true) { options.dims_32bit() } else { options };
            let value = unpack_with(bytes(case, "blob"), &options).unwrap();
            let expected = tagged::from_json(&case["unpacked"]).unwrap();
            assert!(same(&value, &expected), "{}: {value:?}\n{expected:?}", case["name"]);
        }
    }
}

/// Equal values; in complex arrays 0.0 equals -0.0, since DataJoint adds the parts and so loses the sign of zeros.
fn same(value: &Value, expected: &Value) -> bool {
    let (Value::Array(a), Value::Array(b)) = (value, expected) else { return value == expected };
    let numbers = |bytes: &Bytes| -> Vec<f64> {
        bytes.as_chunks().0.iter().map(|number| f64::from_le_bytes(*number)).collect()
    };
    let is_complex = matches!(a.dtype().kind, lapjoint_types::Kind::Complex(16));
    a == b
        || (is_complex
            && a.dtype() == b.dtype()
            && a.shape() == b.shape()
            && a.order() == b.order()
            && numbers(a.data()) == numbers(b.data()))
}

#[test]
fn damaged_blobs_are_errors_or_other_values_but_never_a_panic() {
    for file in ["blob/cases.json", "blob/matlab.json"] {
        for case in &cases(file) {
            let blob = bytes(case, "blob");
            let options = UnpackOptions::default();
            let options = if case["dims_32bit"] == Json::Bool(true) { options.dims_32bit() } else { options };
            for length in 1..blob.len().min(3000) {
                assert!(
                    unpack_with(blob.slice(..length), &options).is_err(),
                    "{} cut to {length}",
                    case["name"]
                );
            }
            for at in 0..blob.len().min(1500) {
                for bit in [0, 6, 7] {
                    let mut flipped = blob.to_vec();
                    flipped[at] ^= 1 << bit;
                    let _ = unpack_with(flipped.into(), &options);
                }
            }
        }
    }
}

#[test]
fn npy_files_are_written_and_read_as_numpy_does() {
    let cases = cases("npy/cases.json");
    assert!(cases.len() >= 37);
    for case in &cases {
        let file = bytes(case, "file");
        let array = npy::from_bytes(file.clone()).unwrap();
        assert_eq!(npy::to_bytes(&array).unwrap(), file, "{}", case["name"]);
        let dtype = npy::dtype_from_str(case["dtype"].as_str().unwrap()).unwrap();
        assert_eq!(dtype.item_bytes(), array.dtype().item_bytes(), "{}", case["name"]);
    }
}

#[test]
fn hostile_blobs_are_refused_quickly() {
    let hex = |text: &str| tagged::from_hex(&text.replace(' ', "")).unwrap();
    for (blob, part) in [
        ("68656c6c6f20776f726c64", "not a blob"),
        // 4 GB declared in 40 bytes.
        (
            "5a4c31323300 0000000001000000 789c0300 00000001 0000000000000000 0000000000000000 0000",
            "4294967296",
        ),
        ("646a3000 02 ffffffffffffff7f", "truncated"),
        ("6d596d00 41 0200000000000000 ffffffff00000000 ffffffff00000000 06000000 00000000", "truncated"),
        ("646a3000 41 0100000000000000 0000000000000000 63000000 00000000", "99"),
        ("646a3000 07", "Unknown data structure code"),
        ("646a3000 ff00", "length check"),
        ("6d596d00 50", "sparse"),
        ("646a3000 74 ffffffff ffffffffffffffff", "date or time"),
    ] {
        let error = unpack(hex(blob)).unwrap_err().to_string();
        assert!(error.contains(part), "{error}");
    }
    let mut inner = vec![255u8];
    for _ in 0..400 {
        let head = [vec![2], 1u64.to_le_bytes().to_vec(), (inner.len() as u64).to_le_bytes().to_vec()];
        inner = [head.concat(), inner].concat();
    }
    let deep = [b"dj0\0".to_vec(), inner].concat();
    assert!(unpack(deep.into()).unwrap_err().to_string().contains("deep"));
    assert_eq!(unpack(Bytes::new()).unwrap(), Value::Null);
}
