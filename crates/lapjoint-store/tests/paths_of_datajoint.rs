//! Paths are those that datajoint 2.3.5 makes: cases in `conformance/paths`, written by `make_cases.py` there.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a failed unwrap in a test is a failed test")]

use data_encoding::BASE64;
use lapjoint_store::addressing::{content_hash, encode_pk_value, hash_path, schema_path};
use lapjoint_store::{StoreError, StoreSpec};
use lapjoint_types::{NdArray, Value};
use serde_json::Value as Json;

fn cases(name: &str) -> Vec<Json> {
    let path = format!("{}/../../conformance/paths/{name}.json", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"));
    serde_json::from_str(&text).unwrap()
}

fn text<'a>(case: &'a Json, key: &str) -> &'a str {
    case[key].as_str().unwrap_or_else(|| panic!("{key} of {case}"))
}

/// `float.hex()` of Python.
fn float(text: &str) -> f64 {
    let (sign, rest) = text.strip_prefix('-').map_or((1.0, text), |rest| (-1.0, rest));
    let Some(digits) = rest.strip_prefix("0x") else { return sign * rest.parse::<f64>().unwrap() };
    let (mantissa, exponent) = digits.split_once('p').unwrap();
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let bits = u64::from_str_radix(fraction, 16).unwrap_or(0);
    let exponent: i64 = exponent.parse().unwrap();
    // 13 hexadecimal digits after the point are the 52 bits of the fraction.
    let biased = if whole == "0" { 0 } else { u64::try_from(exponent + 1023).unwrap() };
    assert!(fraction.len() == 13 || bits == 0, "{text}");
    sign * f64::from_bits(biased << 52 | bits)
}

fn value(case: &Json) -> Value {
    let raw = text(case, "value");
    match text(case, "type") {
        "int" => raw.parse::<i128>().unwrap().into(),
        "bool" => (raw == "True").into(),
        "float" => float(raw).into(),
        "date" => Value::Date(raw.parse().unwrap()),
        "time" => Value::Time(raw.parse().unwrap()),
        "datetime" => Value::DateTime(raw.parse().unwrap()),
        "decimal" => Value::Decimal(raw.parse().unwrap()),
        "uuid" => Value::Uuid(raw.parse().unwrap()),
        "bytes" => BASE64.decode(raw.as_bytes()).unwrap().into(),
        "numpy.int64" => NdArray::scalar(raw.parse::<i64>().unwrap()).into(),
        "numpy.uint8" => NdArray::scalar(raw.parse::<u8>().unwrap()).into(),
        "numpy.float64" => NdArray::scalar(raw.parse::<f64>().unwrap()).into(),
        "str" => raw.into(),
        other => panic!("no such type: {other}"),
    }
}

#[test]
fn key_values_are_encoded_alike() {
    let cases = cases("pk_values");
    assert!(cases.len() > 200);
    for case in &cases {
        let encoded = encode_pk_value("k", &value(case));
        if case["refused"] == true {
            assert!(matches!(encoded, Err(StoreError::InvalidKeyValue { .. })), "{case}");
        } else {
            assert_eq!(encoded.unwrap(), text(case, "encoded"), "{case}");
        }
    }
}

#[test]
fn schema_paths_are_alike() {
    let cases = cases("schema_paths");
    assert!(cases.len() > 500);
    for case in &cases {
        let mut spec = StoreSpec::file("main", "x");
        spec.schema_prefix = text(case, "schema_prefix").into();
        spec.partition_pattern = case["partition_pattern"].as_str().map(Into::into);
        let key: Vec<(String, Value)> = case["key"]
            .as_array()
            .unwrap()
            .iter()
            .map(|part| (text(part, "name").into(), value(part)))
            .collect();
        let (schema, table, field) = (text(case, "schema"), text(case, "table"), text(case, "field"));
        let path = schema_path(&spec, schema, table, &key, field, text(case, "token"), text(case, "ext"));
        assert_eq!(path.unwrap(), text(case, "path"), "{case}");
    }
}

#[test]
fn hashes_and_hash_paths_are_alike() {
    let cases = cases("hash_paths");
    assert!(cases.len() > 30);
    for case in &cases {
        let mut spec = StoreSpec::file("main", "x");
        spec.hash_prefix = text(case, "hash_prefix").into();
        let folds = case["subfolding"].as_array().map(Vec::as_slice).unwrap_or_default();
        spec.subfolding = folds.iter().map(|fold| fold.as_u64().unwrap().try_into().unwrap()).collect();
        let hash = content_hash(&BASE64.decode(text(case, "content").as_bytes()).unwrap());
        assert_eq!(hash, text(case, "hash"));
        assert_eq!(hash_path(&spec, text(case, "schema"), &hash).unwrap(), text(case, "path"), "{case}");
    }
}
