use proptest::prelude::*;

use super::*;

fn spec() -> StoreSpec {
    StoreSpec::file("main", "/data")
}

fn key(pairs: &[(&str, Value)]) -> Vec<(String, Value)> {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect()
}

fn full_key() -> Vec<(String, Value)> {
    key(&[
        ("subj", "mouse/1:a é%20".into()),
        ("d", Value::Date("2024-01-02".parse().unwrap())),
        ("t", Value::DateTime("2024-01-02T03:04:05.678".parse().unwrap())),
        ("f", 1.5.into()),
    ])
}

#[test]
fn schema_paths_are_those_of_datajoint() {
    let path = schema_path(&spec(), "st_test", "__proc", &full_key(), "r", "szpx27HL", ".npy").unwrap();
    assert_eq!(
        path,
        "_schema/st_test/__proc/subj=mouse%2F1%3Aa%20%C3%A9%2520/d=2024-01-02/t=2024-01-02T03-04-05/f=1.5/r_szpx27HL.npy"
    );
    let mut partitioned = spec();
    partitioned.partition_pattern = Some("{subj}/literal/{d}{nothing}".into());
    assert_eq!(
        schema_path(&partitioned, "st_test", "sess", &full_key(), "v", "cUuXgNfZ3RKOCUz6", "npy").unwrap(),
        "_schema/subj=mouse%2F1%3Aa%20%C3%A9%2520/d=2024-01-02/st_test/sess/t=2024-01-02T03-04-05/f=1.5/v_cUuXgNfZ3RKOCUz6.npy"
    );
    let mut bare = spec();
    bare.schema_prefix = String::new();
    assert_eq!(
        schema_path(&bare, "st_test", "sess", &[], "v", "1HLv8B8e", "").unwrap(),
        "st_test/sess/v_1HLv8B8e"
    );
}

#[test]
fn hash_paths_are_those_of_datajoint() {
    let hash = content_hash(b"hello");
    assert_eq!(hash, "lvauakv4jmvhnolrtwiraf6fsi");
    assert_eq!(hash.len(), HASH_LETTERS);
    assert_eq!(hash_path(&spec(), "sch", &hash).unwrap(), format!("_hash/sch/{hash}"));
    let mut folded = spec();
    folded.hash_prefix = "a/b".into();
    folded.subfolding = vec![2, 2];
    assert_eq!(
        hash_path(&folded, "sch", "saavbgb42jh3bvuwh56sryl7oi").unwrap(),
        "a/b/sch/sa/av/saavbgb42jh3bvuwh56sryl7oi"
    );
    for bad in ["", "SAAVBGB42JH3BVUWH56SRYL7OI", "saavbgb42jh3bvuwh56sryl7o", "saavbgb42jh3bvuwh56sryl7o1"] {
        assert!(matches!(hash_path(&spec(), "sch", bad), Err(StoreError::InvalidHash { .. })), "{bad}");
    }
    assert!(hash_path(&spec(), "../x", &hash).is_err());
    assert!(hash_path(&spec(), "..", &hash).is_err());
}

#[test]
fn hostile_parts_are_refused() {
    for bad in ["", ".", "..", "a\0b"] {
        let error = schema_path(&spec(), "s", "t", &key(&[("k", bad.into())]), "f", "abcd", "").unwrap_err();
        assert!(
            matches!(error, StoreError::InvalidKeyValue { .. }) && error.to_string().contains('k'),
            "{error}"
        );
    }
    for (schema, table, field, ext) in [
        ("", "t", "f", ""),
        ("s", "..", "f", ""),
        ("s", "t", "f", "/../../x"),
        ("s", "t/../..", "f", ""),
        ("s", "t", "f\0", ""),
    ] {
        assert!(
            schema_path(&spec(), schema, table, &[], field, "abcd", ext).is_err(),
            "{schema} {table} {ext}"
        );
    }
    assert!(schema_path(&spec(), "s", "t", &key(&[("k", Value::Null)]), "f", "abcd", "").is_err());
}

#[test]
fn long_text_is_cut_by_letters_not_bytes() {
    let long = "é".repeat(101);
    let encoded = encode_pk_value("k", &long.as_str().into()).unwrap();
    assert!(encoded.starts_with(&"%C3%A9".repeat(50)) && encoded.len() == 6 * 50 + 9, "{encoded}");
    assert_eq!(encode_pk_value("k", &"é".repeat(100).as_str().into()).unwrap(), "é".repeat(100));
}

#[test]
fn tokens_are_random_and_clamped() {
    assert_eq!([token(0).len(), token(8).len(), token(99).len()], [4, 8, 16]);
    let many: std::collections::HashSet<String> = (0..1000).map(|_| token(16)).collect();
    assert_eq!(many.len(), 1000);
    assert!(many.iter().flat_map(|token| token.bytes()).all(|byte| TOKEN_ALPHABET.contains(&byte)));
}

#[test]
fn pattern_names_are_read_like_the_regular_expression() {
    assert_eq!(partition_attributes("{a}/{b_1}x{}{c d}{{e}"), ["a", "b_1", "e"]);
}

proptest! {
    #[test]
    fn any_text_key_gives_one_part(text in "\\PC{1,140}") {
        match schema_path(&spec(), "s", "t", &key(&[("k", text.as_str().into())]), "f", "abcd", ".x") {
            Ok(path) => {
                prop_assert_eq!(path.split('/').count(), 5);
                prop_assert!(path.starts_with("_schema/s/t/k=") && path.ends_with("/f_abcd.x"));
            }
            Err(error) => prop_assert!(text == "." || text == "..", "{}: {}", text, error),
        }
    }
}
