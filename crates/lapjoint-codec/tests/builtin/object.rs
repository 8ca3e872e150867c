//! `<object@>` and `ObjectRef` on file and memory stores.

use std::io::{Read, Seek, SeekFrom};

use crate::common::{Bed, TOKEN, json_of, with};
use lapjoint_codec::ObjectRef;
use lapjoint_codec::store::PutMode;
use lapjoint_codec::types::Value;
use serde_json::json;

const SPECS: [&str; 2] = ["<object@>", "<object@cold>"];

fn object(value: &Value) -> &ObjectRef {
    value.downcast_ref().unwrap()
}

fn folder(bed: &Bed) -> String {
    bed.file("src.zarr/.zgroup", b"{}");
    bed.file("src.zarr/a/0.0", b"chunk");
    bed.file("src.zarr/a/b/c", b"deep");
    bed.folder.path().join("src.zarr").to_str().unwrap().to_owned()
}

#[test]
fn bytes_come_back_whole_and_in_parts() {
    let bed = Bed::new();
    let content: Vec<u8> = (0..=255u8).cycle().take(300_000).collect();
    for spec in SPECS {
        let column = bed.insert(spec, content.clone());
        let mut json = json_of(&column);
        assert!(json["timestamp"].as_str().unwrap().ends_with("+00:00"));
        json["timestamp"] = json!("T");
        let path = format!("_schema/lab/__scan/subject=m1/session=2/data_{TOKEN}");
        let store = if spec.contains("cold") { "cold" } else { "main" };
        assert_eq!(
            json.to_string(),
            format!(
                r#"{{"path":"{path}","store":"{store}","size":300000,"ext":null,"is_dir":false,"item_count":null,"timestamp":"T","crc32c":"{:08x}"}}"#,
                crc32c::crc32c(&content)
            )
        );
        let store = bed.store(store);
        let before = store.stats();
        let value = bed.fetch(spec, column.clone()).unwrap();
        let object = object(&value);
        assert_eq!(format!("{object:?}"), format!("ObjectRef(file: {path}, size=300000)"));
        assert_eq!(store.stats().since(&before).read_bytes, 0);
        assert_eq!(object.read_range(5..9).unwrap(), content[5..9]);
        assert_eq!(store.stats().since(&before).read_bytes, 4);
        assert_eq!(object.read().unwrap(), content);
        assert!(object.exists(None).unwrap());
        object.verify().unwrap();

        let mut reader = object.open(None).unwrap();
        reader.seek(SeekFrom::End(-3)).unwrap();
        let mut tail = Vec::new();
        reader.read_to_end(&mut tail).unwrap();
        assert_eq!(tail, content[299_997..]);
        reader.seek(SeekFrom::Start(100_000)).unwrap();
        let mut middle = [0; 1000];
        reader.read_exact(&mut middle).unwrap();
        assert_eq!(middle, content[100_000..101_000]);
        assert!(object.read_range(299_999..300_001).is_err());
        assert_eq!(bed.references(spec, &column).len(), 1);
    }
}

#[test]
fn pairs_and_files_keep_their_extension() {
    let bed = Bed::new();
    let source = bed.file("in/movie.tar.gz", b"frames");
    for spec in SPECS {
        let column = bed.insert(spec, Value::Tuple(vec![".bin".into(), vec![1u8, 2].into()]));
        let json = json_of(&column);
        assert_eq!((json["ext"].as_str(), json["size"].as_u64()), (Some(".bin"), Some(2)));
        assert!(json["path"].as_str().unwrap().ends_with(&format!("data_{TOKEN}.bin")));
    }
    let bed = Bed::new();
    let column = bed.insert("<object@cold>", source.as_str());
    let json = json_of(&column);
    assert!(json["path"].as_str().unwrap().ends_with(&format!("data_{TOKEN}.gz")));
    assert_eq!(json["ext"], ".gz");
    let value = bed.fetch("<object@>", column).unwrap();
    assert_eq!(object(&value).read().unwrap(), "frames");
    let column = bed.insert("<object@>", bed.file("in/README", b"").as_str());
    assert_eq!(json_of(&column)["ext"], "");
}

#[test]
fn folders_are_listed_walked_downloaded_and_verified() {
    let bed = Bed::new();
    let source = folder(&bed);
    for spec in SPECS {
        let column = bed.insert(spec, source.as_str());
        let json = json_of(&column);
        assert_eq!(
            (&json["size"], &json["ext"], &json["is_dir"], &json["item_count"], json.get("crc32c")),
            (&json!(11), &json!(null), &json!(true), &json!(3), None)
        );
        let value = bed.fetch(spec, column).unwrap();
        let object = object(&value);
        object.verify().unwrap();
        assert_eq!(object.list("").unwrap(), [".zgroup", "a"]);
        assert_eq!(object.list("a").unwrap(), ["0.0", "b"]);
        let walked: Vec<_> =
            object.walk().unwrap().into_iter().map(|l| (l.path, l.folders, l.files)).collect();
        let names = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect::<Vec<String>>();
        assert_eq!(
            walked,
            [
                (String::new(), names(&["a"]), names(&[".zgroup"])),
                ("a".into(), names(&["b"]), names(&["0.0"])),
                ("a/b".into(), names(&[]), names(&["c"])),
            ]
        );
        let mut text = String::new();
        object.open(Some("a/b/c")).unwrap().read_to_string(&mut text).unwrap();
        assert_eq!(text, "deep");
        assert!(object.exists(Some("a/0.0")).unwrap() && object.exists(Some("a")).unwrap());
        assert!(!object.exists(Some("zzz")).unwrap());

        let target = bed.folder.path().join(format!("copy-{}", spec.len()));
        assert_eq!(object.download(&target, None).unwrap(), target);
        let base = object.path.rsplit('/').next().unwrap();
        assert_eq!(std::fs::read(target.join(base).join("a/0.0")).unwrap(), b"chunk");
        let one = object.download(&target, Some("a/b/c")).unwrap();
        assert_eq!(one, target.join("c"));
        assert_eq!(std::fs::read(one).unwrap(), b"deep");

        for wrong in ["../x", "/etc/passwd", "a/../../x"] {
            assert!(
                object.open(Some(wrong)).is_err()
                    && object.list(wrong).is_err()
                    && object.exists(Some(wrong)).is_err()
            );
            assert!(object.download(&target, Some(wrong)).is_err());
        }
        let error = object.read().unwrap_err().to_string();
        assert_eq!(error, "Cannot read() a directory. Use listdir() or walk() instead.");
        assert!(object.open(None).is_err());
    }
}

#[test]
fn files_are_not_folders() {
    let bed = Bed::new();
    let value = bed.fetch("<object@>", bed.insert("<object@>", vec![1u8])).unwrap();
    let object = object(&value);
    let texts = [
        object.list("").unwrap_err().to_string(),
        object.walk().unwrap_err().to_string(),
        object.open(Some("x")).unwrap_err().to_string(),
    ];
    assert_eq!(
        texts,
        [
            "Cannot listdir() on a file. Use read() or open() instead.",
            "Cannot walk() on a file.",
            "Cannot use subpath on a file object"
        ]
    );
}

#[test]
fn files_are_downloaded_checked_and_whole() {
    let bed = Bed::new();
    let content = vec![3u8; 9 * 1024 * 1024];
    let column = bed.insert("<object@>", Value::Tuple(vec![".dat".into(), content.clone().into()]));
    let value = bed.fetch("<object@>", column).unwrap();
    let object = object(&value);
    let target = bed.folder.path().join("out/of/here.dat");
    assert_eq!(object.download(&target, None).unwrap(), target);
    assert_eq!(std::fs::read(&target).unwrap(), content);

    let local = object.local_path().unwrap().unwrap();
    assert_eq!(object.url().unwrap(), format!("file://{}", local.display()));
    let mut damaged = content;
    damaged[9_000_000] = 4;
    std::fs::write(local, damaged).unwrap();
    let error = object.download(&target, None).unwrap_err().to_string();
    assert!(
        error.contains("Checksum mismatch in store 'main': expected crc32c ") && error.contains(&object.path),
        "{error}"
    );
    assert_eq!(std::fs::read(&target).unwrap()[9_000_000], 3, "the good copy was replaced by a damaged one");
    assert_eq!(std::fs::read_dir(target.parent().unwrap()).unwrap().count(), 1);
    assert!(object.read().is_err() && object.verify().is_err());
}

#[test]
fn every_damage_of_a_folder_is_named() {
    let bed = Bed::new();
    let source = folder(&bed);
    for spec in SPECS {
        let value = bed.fetch(spec, bed.insert(spec, source.as_str())).unwrap();
        let object = object(&value);
        let store = object.store().unwrap();
        store.put(&format!("{}/a/0.0", object.path), "chunK", PutMode::Overwrite).unwrap();
        store.put(&format!("{}/a/b/c", object.path), "deeper", PutMode::Overwrite).unwrap();
        store.delete(&format!("{}/.zgroup", object.path)).unwrap();
        let error = object.verify().unwrap_err().to_string();
        for part in ["a/0.0", "a/b/c", "6 bytes, expected 4", ".zgroup", store.name()] {
            assert!(error.contains(part), "{part}: {error}");
        }
        // Without a manifest there is nothing to compare with.
        store.delete(&format!("{}.manifest.json", object.path)).unwrap();
        object.verify().unwrap();
    }
}

#[test]
fn what_cannot_be_stored_is_refused() {
    let bed = Bed::new();
    let error = |value: Value| bed.encode("<object@>", value).err().unwrap().to_string();
    assert_eq!(error(Value::Int(1)), "<object> expects bytes or path, got int");
    assert_eq!(
        error(Value::Tuple(vec![1i64.into(), 2i64.into()])),
        "<object> expects bytes or path, got tuple"
    );
    assert_eq!(error("/no/such/file".into()), "Source path not found: /no/such/file");
    assert!(error(Value::Tuple(vec!["/../../x".into(), vec![1u8].into()])).contains("/"));
}

#[test]
fn staged_objects_are_kept_as_given_if_they_are_safe() {
    let bed = Bed::new();
    bed.store("cold").put("mine/x", "hi", PutMode::Create).unwrap();
    let given = json!({"path": "mine/x", "size": 2, "store": "cold", "note": "kept", "is_dir": false});
    let column = bed.insert("<object@>", given.clone());
    assert_eq!(json_of(&column), given);
    assert_eq!(object(&bed.fetch("<object@>", column).unwrap()).read().unwrap(), "hi");
    let dict = Value::Dict(vec![("path".into(), "mine/x".into()), ("size".into(), 2i64.into())]);
    assert_eq!(json_of(&bed.insert("<object@cold>", dict)).to_string(), r#"{"path":"mine/x","size":2}"#);
    for wrong in [
        json!({"path": "../x", "size": 1}),
        json!({"path": "/etc/passwd", "size": 1}),
        json!({"path": 7, "size": 1}),
        json!({"path": "x"}),
        json!({"path": "x", "size": 1, "store": "nowhere"}),
        json!({"path": "x", "size": 1, "store": 1}),
    ] {
        assert!(bed.encode("<object@>", wrong.clone()).is_err(), "{wrong}");
    }
}

#[test]
fn hostile_metadata_is_refused() {
    let bed = Bed::new();
    bed.file("secret", b"x");
    let column = bed.insert("<object@>", b"content".as_slice());
    for changes in [
        json!({"path": "../secret"}),
        json!({"path": "/etc/passwd"}),
        json!({"path": ["a"]}),
        json!({"size": "7"}),
        json!({"size": -7}),
        json!({"crc32c": 1}),
        json!({"crc32c": "xyz"}),
        json!({"is_dir": "no"}),
        json!({"store": 3}),
        json!({"store": "nowhere"}),
        json!({"timestamp": {}}),
    ] {
        assert!(bed.fetch("<object@>", with(&column, changes.clone())).is_err(), "{changes}");
    }
    for lie in [
        json!({"size": 8}),
        json!({"size": u64::MAX}),
        json!({"crc32c": "00000000"}),
        json!({"store": "cold"}),
    ] {
        let value = bed.fetch("<object@>", with(&column, lie.clone())).unwrap();
        assert!(object(&value).read().is_err() && object(&value).verify().is_err(), "{lie}");
    }
    // The reference implementation's rows have no checksum.
    let mut plain = json_of(&column);
    plain.as_object_mut().unwrap().remove("crc32c");
    assert_eq!(object(&bed.fetch("<object@>", plain.into()).unwrap()).read().unwrap(), "content");
}
