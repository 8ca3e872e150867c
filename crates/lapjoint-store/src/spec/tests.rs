use serde_json::json;

use super::*;

fn parse(settings: Json) -> Result<StoreSpec> {
    let settings: Vec<_> =
        settings.as_object().unwrap().iter().map(|(key, value)| (key.clone(), value.clone())).collect();
    StoreSpec::parse("main", &settings)
}

fn message(settings: Json) -> String {
    parse(settings).unwrap_err().to_string()
}

#[test]
fn defaults_are_those_of_datajoint() {
    let spec = parse(json!({"protocol": "FILE", "location": "/data"})).unwrap();
    assert_eq!(spec, StoreSpec::file("main", "/data"));
    assert_eq!((spec.hash_prefix.as_str(), spec.schema_prefix.as_str()), ("_hash", "_schema"));
    assert_eq!((spec.token_length, spec.subfolding.len(), spec.filepath_prefix), (8, 0, None));
}

#[test]
fn errors_have_the_texts_of_datajoint() {
    assert_eq!(message(json!({"protocol": "file"})), "config.stores[\"main\"] is missing: location");
    assert_eq!(
        message(json!({"protocol": "s3", "location": ""})),
        "config.stores[\"main\"] is missing: endpoint, bucket"
    );
    assert_eq!(
        message(json!({"protocol": "file", "location": "x", "locaton": "y", "zzz": 1})),
        "Invalid key(s) in config.stores[\"main\"]: locaton, zzz; did you mean 'location'?"
    );
    assert_eq!(
        message(json!({"protocol": "file", "location": "x", "hash_prefix": "a", "schema_prefix": "a/b"})),
        "config.stores[\"main\"]: hash_prefix=\"a\" and schema_prefix=\"a/b\" overlap. \
         Storage section prefixes must be mutually exclusive."
    );
    assert!(
        message(json!({"protocol": "ftp", "location": "x"}))
            .starts_with("Unknown protocol \"ftp\" in config.stores[\"main\"]. Built-in: file, ")
    );
    assert!(message(json!({"location": "x"})).starts_with("Unknown protocol \"\""));
}

#[test]
fn values_of_a_wrong_kind_are_refused() {
    let base = |key: &str, value: Json| {
        let mut settings = json!({"protocol": "file", "location": "x"});
        settings[key] = value;
        parse(settings)
    };
    for bad in [json!(2), json!([0]), json!([20, 20]), json!(["2"]), json!([-1])] {
        assert!(base("subfolding", bad.clone()).is_err(), "{bad}");
    }
    assert_eq!(base("subfolding", json!([2, 3])).unwrap().subfolding, [2, 3]);
    assert_eq!(base("token_length", json!(99)).unwrap().token_length, 16);
    assert_eq!(base("token_length", json!(-1)).unwrap().token_length, 4);
    assert!(base("token_length", json!("many")).is_err());
    assert!(base("hash_prefix", json!("../x")).is_err());
    assert!(base("location", json!("")).is_err());
    assert_eq!(base("hash_prefix", json!("")).unwrap().hash_prefix, "");
    assert_eq!(base("hash_prefix", Json::Null).unwrap().hash_prefix, "_hash");
}

#[test]
fn similar_prefixes_do_not_overlap() {
    let settings =
        json!({"protocol": "file", "location": "x", "hash_prefix": "obj", "schema_prefix": "objects"});
    assert!(parse(settings).is_ok());
}

#[test]
fn credentials_are_never_printed() {
    let spec = parse(json!({
        "protocol": "s3", "location": "", "endpoint": "e", "bucket": "b",
        "access_key": "AKIAEXAMPLE", "secret_key": "hunter2",
    }))
    .unwrap();
    let shown = format!("{spec:?}");
    assert!(!shown.contains("hunter2") && !shown.contains("AKIAEXAMPLE"), "{shown}");
    assert_eq!(spec.option("secret_key").and_then(Json::as_str), Some("hunter2"));
}
