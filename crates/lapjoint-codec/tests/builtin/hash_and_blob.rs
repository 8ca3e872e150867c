//! `<hash@>`, `<blob>` and `<blob@>` on file and memory stores.

use crate::common::{Bed, json_of, with};
use lapjoint_codec::types::{NdArray, Value};
use serde_json::json;

#[test]
fn metadata_is_the_reference_implementations() {
    let bed = Bed::new();
    // MD5 of "hello" is 5d41402abc4b2a76b9719d911017c592.
    let column = bed.insert("<hash@>", b"hello".as_slice());
    assert_eq!(
        json_of(&column).to_string(),
        r#"{"hash":"lvauakv4jmvhnolrtwiraf6fsi","path":"_hash/lab/lvauakv4jmvhnolrtwiraf6fsi","schema":"lab","store":"main","size":5,"crc32c":"9a71bb4c"}"#
    );
    let folded = json_of(&bed.insert("<hash@cold>", b"hello".as_slice()));
    assert_eq!(folded["path"], "_hash/lab/lv/au/lvauakv4jmvhnolrtwiraf6fsi");
    assert_eq!(folded["store"], "cold");
}

#[test]
fn bytes_come_back_and_equal_ones_are_stored_once() {
    let bed = Bed::new();
    for spec in ["<hash@>", "<hash@cold>"] {
        let column = bed.insert(spec, b"hello".as_slice());
        assert_eq!(bed.insert(spec, b"hello".as_slice()), column);
        assert_eq!(bed.fetch(spec, column.clone()).unwrap(), Value::from(b"hello".as_slice()));
        let [reference] = bed.references(spec, &column).try_into().unwrap();
        let store = bed.store(reference.store.as_deref().unwrap());
        assert_eq!(store.list("").unwrap().len(), 1);
        assert_eq!(store.list("").unwrap()[0].path, reference.path);
        assert!(reference.owned);
    }
}

#[test]
fn only_bytes_are_taken() {
    let bed = Bed::new();
    for value in [Value::from("text"), Value::Int(1), Value::List(vec![])] {
        let expected = format!("<hash> expects bytes, got {}", value.type_name());
        assert_eq!(bed.encode("<hash@>", value).err().unwrap().to_string(), expected);
    }
}

#[test]
fn blobs_live_in_the_column_or_in_a_store() {
    let bed = Bed::new();
    let value = Value::Dict(vec![
        ("trace".into(), NdArray::from_vec(vec![1.5f32; 3000]).into()),
        ("n".into(), 3i64.into()),
    ]);
    let inline = bed.insert("<blob>", value.clone());
    assert!(matches!(&inline, Value::Bytes(bytes) if bytes.len() < 12_000));
    assert!(bed.references("<blob>", &inline).is_empty());
    assert_eq!(bed.fetch("<blob>", inline).unwrap(), value);
    for spec in ["<blob@>", "<blob@main>", "<blob@cold>"] {
        let column = bed.insert(spec, value.clone());
        assert_eq!(bed.fetch(spec, column.clone()).unwrap(), value);
        assert_eq!(bed.references(spec, &column).len(), 1);
        assert_eq!(json_of(&column)["store"], if spec.contains("cold") { "cold" } else { "main" });
    }
}

#[test]
fn nulls_pass_through() {
    let bed = Bed::new();
    for spec in ["<blob>", "<blob@>", "<hash@>", "<attach>", "<npy@>", "<object@>", "<filepath@>"] {
        let stored = bed.encode(spec, Value::Null).unwrap();
        assert!(stored.column.is_null() && stored.staged.is_empty());
        assert!(bed.fetch(spec, Value::Null).unwrap().is_null());
        assert!(bed.references(spec, &Value::Null).is_empty());
    }
}

#[test]
fn the_store_on_record_wins_over_a_changed_default() {
    let bed = Bed::new();
    let column = bed.insert("<blob@>", 7i64);
    bed.stores.update(|config| config.set("stores.default", "cold")).unwrap();
    assert_eq!(bed.fetch("<blob@>", column).unwrap(), Value::Int(7));
}

#[test]
fn damage_is_reported_with_store_path_and_both_hashes() {
    let bed = Bed::new();
    let column = bed.insert("<hash@>", b"hello".as_slice());
    let path = bed.folder.path().join("main/_hash/lab/lvauakv4jmvhnolrtwiraf6fsi");
    std::fs::write(&path, "jello").unwrap();
    assert_eq!(
        bed.fetch("<hash@>", column.clone()).unwrap_err().to_string(),
        "Hash mismatch: expected lvauakv4jmvhnolrtwiraf6fsi, got pktjsgtcgu65e5qsqdhvsjkc3q. Data at \
         _hash/lab/lvauakv4jmvhnolrtwiraf6fsi may be corrupted. (store 'main')"
    );
    std::fs::write(&path, "hell").unwrap();
    let error = bed.fetch("<hash@>", column.clone()).unwrap_err().to_string();
    assert_eq!(error, "_hash/lab/lvauakv4jmvhnolrtwiraf6fsi in store 'main' has 4 bytes, expected 5");
    std::fs::remove_file(&path).unwrap();
    let error = bed.fetch("<hash@>", column).unwrap_err().to_string();
    assert_eq!(error, "Missing external file _hash/lab/lvauakv4jmvhnolrtwiraf6fsi (store 'main')");
}

#[test]
fn hostile_metadata_is_refused() {
    let bed = Bed::new();
    bed.file("secret", b"hello");
    let column = bed.insert("<hash@>", b"hello".as_slice());
    for changes in [
        json!({"path": "../secret"}),
        json!({"path": "_hash/../../secret"}),
        json!({"path": "/etc/passwd"}),
        json!({"path": null}),
        json!({"path": 5}),
        json!({"hash": null}),
        json!({"size": 6}),
        json!({"size": u64::MAX}),
        json!({"size": "5"}),
        json!({"store": "nowhere"}),
        json!({"store": 5}),
        json!({"store": "cold"}),
    ] {
        assert!(bed.fetch("<hash@>", with(&column, changes.clone())).is_err(), "{changes}");
    }
    for column in [json!([]), json!("x"), json!(null), json!({})] {
        assert!(bed.fetch("<hash@>", column.clone().into()).is_err(), "{column}");
    }
    // Rows of the reference implementation have no checksum, and no store name where the default was meant.
    let plain = json!({"hash": "lvauakv4jmvhnolrtwiraf6fsi", "path": "_hash/lab/lvauakv4jmvhnolrtwiraf6fsi",
        "schema": "lab", "store": null, "size": 5});
    assert_eq!(bed.fetch("<hash@>", plain.clone().into()).unwrap(), Value::from(b"hello".as_slice()));
    assert_eq!(
        bed.fetch("<hash@>", Value::Str(plain.to_string())).unwrap(),
        Value::from(b"hello".as_slice())
    );
}
