//! `<filepath@>`: files that stay the user's.

use crate::common::{Bed, json_of};
use lapjoint_codec::ObjectRef;
use lapjoint_codec::store::PutMode;
use lapjoint_codec::types::Value;
use serde_json::json;

#[test]
fn files_are_referred_to_and_not_owned() {
    let bed = Bed::new();
    bed.store("raw").put("rig/day1/x.bin", "raw data", PutMode::Create).unwrap();
    let mut json = json_of(&bed.insert("<filepath@>", "rig/day1/x.bin"));
    let column = Value::from(json.clone());
    assert!(json["timestamp"].as_str().unwrap().ends_with("+00:00"));
    json["timestamp"] = json!("T");
    assert_eq!(
        json.to_string(),
        r#"{"path":"rig/day1/x.bin","store":"raw","size":8,"is_dir":false,"timestamp":"T"}"#
    );
    let value = bed.fetch("<filepath@>", column.clone()).unwrap();
    assert_eq!(value.downcast_ref::<ObjectRef>().unwrap().read().unwrap(), "raw data");
    let [reference] = bed.references("<filepath@>", &column).try_into().unwrap();
    assert_eq!((reference.owned, reference.store.as_deref()), (false, Some("raw")));
    assert!(bed.encode("<filepath@>", "rig/day1/x.bin").unwrap().staged.is_empty());
}

#[test]
fn folders_have_no_size() {
    let bed = Bed::new();
    for store in ["raw", "cold"] {
        bed.store(store).put("rig/day1/x.bin", "raw data", PutMode::Create).unwrap();
        let json = json_of(&bed.insert(&format!("<filepath@{store}>"), "rig/day1"));
        assert_eq!((&json["size"], &json["is_dir"]), (&json!(null), &json!(true)));
        let value = bed.fetch("<filepath@>", json.into()).unwrap();
        let object = value.downcast_ref::<ObjectRef>().unwrap();
        assert_eq!(object.list("").unwrap(), ["x.bin"]);
        assert_eq!(format!("{object:?}"), "ObjectRef(folder: rig/day1, size=None)");
    }
}

#[test]
fn paths_outside_of_the_users_section_are_refused() {
    let bed = Bed::new();
    bed.file("secret", b"x");
    let error = |spec: &str, path: &str| bed.encode(spec, path).err().unwrap().to_string();
    assert_eq!(error("<filepath@>", "rig/none"), "File not found in store 'raw': rig/none");
    assert_eq!(
        error("<filepath@cold>", "_hash/x"),
        "<filepath@> cannot use reserved section '_hash' (hash_prefix). This section is managed by DataJoint. Got path: _hash/x"
    );
    assert!(error("<filepath@cold>", "_schema/x").contains("(schema_prefix)"));
    assert!(error("<filepath@>", "other/x").contains("must use prefix 'rig'"));
    for path in ["../secret", "rig/../../secret", "/etc/passwd", "", "rig//x", "rig\\x"] {
        assert!(error("<filepath@>", path).contains("unsafe path"), "{path}");
    }
    let wrong = bed.encode("<filepath@>", Value::Int(3)).err().unwrap().to_string();
    assert_eq!(wrong, "<filepath> expects a path string or Path, got int");
}

#[test]
fn a_row_without_a_store_name_means_the_default_for_files() {
    let bed = Bed::new();
    bed.store("raw").put("rig/x", "raw", PutMode::Create).unwrap();
    for store in [json!(null), json!("")] {
        let column = json!({"path": "rig/x", "store": store, "size": 3, "is_dir": false, "timestamp": null});
        let value = bed.fetch("<filepath@>", column.into()).unwrap();
        assert_eq!(value.downcast_ref::<ObjectRef>().unwrap().read().unwrap(), "raw");
    }
}
