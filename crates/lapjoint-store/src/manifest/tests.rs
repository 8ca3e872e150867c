use super::*;
use crate::spec::StoreSpec;
use crate::store::PutMode;

fn file(path: &str, size_bytes: u64, crc: Option<&str>) -> ManifestFile {
    ManifestFile { path: path.into(), size_bytes, crc32c: crc.map(Into::into) }
}

#[test]
fn the_bytes_are_those_of_json_dumps() {
    let manifest = Manifest {
        files: vec![file("a/é😀\u{7f}\"\n.x", 3, None), file("b", 0, Some("00000000"))],
        created: "2024-01-02T03:04:05.678901+00:00".into(),
    };
    // json.dumps({...}, indent=2) of Python 3.
    let expected = r#"{
  "files": [
    {
      "path": "a/\u00e9\ud83d\ude00\u007f\"\n.x",
      "size": 3
    },
    {
      "path": "b",
      "size": 0,
      "crc32c": "00000000"
    }
  ],
  "total_size": 3,
  "item_count": 2,
  "created": "2024-01-02T03:04:05.678901+00:00"
}"#;
    assert_eq!(String::from_utf8(manifest.to_json()).unwrap(), expected);
    assert_eq!(Manifest::from_json("m", expected.as_bytes()).unwrap(), manifest);
    let empty = Manifest { files: Vec::new(), created: "x".into() };
    assert!(String::from_utf8(empty.to_json()).unwrap().starts_with("{\n  \"files\": [],\n"));
}

#[test]
fn hostile_manifests_are_refused() {
    for bad in [
        "",
        "[]",
        "{}",
        r#"{"files": {}}"#,
        r#"{"files": [{"path": "a"}]}"#,
        r#"{"files": [{"path": "a", "size": -1}]}"#,
        r#"{"files": [{"path": "../a", "size": 1}]}"#,
        r#"{"files": [{"path": "/a", "size": 1}]}"#,
        r#"{"files": [{"path": "a/../../b", "size": 1}]}"#,
    ] {
        assert!(
            matches!(Manifest::from_json("m", bad.as_bytes()), Err(StoreError::InvalidManifest { .. })),
            "{bad}"
        );
    }
}

#[test]
fn a_scan_follows_links_inside_and_refuses_those_that_lead_out() {
    let (dir, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let link = |target: &Path, name: &str| std::os::unix::fs::symlink(target, dir.path().join(name)).unwrap();
    std::fs::create_dir_all(dir.path().join("sub/empty")).unwrap();
    std::fs::write(dir.path().join("sub/b"), "22").unwrap();
    std::fs::write(dir.path().join("z#1"), "1").unwrap();
    std::fs::write(other.path().join("secret"), "333").unwrap();
    link(Path::new("sub/b"), "a");
    let scan = scan_folder(dir.path()).unwrap();
    let found: Vec<_> = scan.files.iter().map(|file| (file.path.as_str(), file.size_bytes)).collect();
    assert_eq!(found, [("a", 2), ("sub/b", 2), ("z#1", 1)]);
    assert_eq!(scan.total_bytes(), 5);

    for (target, reason) in [
        (other.path().join("secret"), "leads out of the folder"),
        (dir.path().join("sub"), "link to a folder"),
        (dir.path().join("nothing"), "link to nowhere"),
    ] {
        link(&target, "bad");
        let error = scan_folder(dir.path()).unwrap_err().to_string();
        assert!(error.contains(reason) && error.contains("bad"), "{error}");
        std::fs::remove_file(dir.path().join("bad")).unwrap();
    }
    let _socket = std::os::unix::net::UnixListener::bind(dir.path().join("socket")).unwrap();
    assert!(scan_folder(dir.path()).unwrap_err().to_string().contains("neither a file nor a folder"));
    assert!(scan_folder(&dir.path().join("z#1")).is_err());
}

#[test]
fn verification_names_every_problem() {
    let store = Store::open(StoreSpec::memory("mem")).unwrap();
    for (path, content) in [("f/a", "1"), ("f/b", "22"), ("f/c", "x"), ("f/extra", "")] {
        store.put(path, content, PutMode::Create).unwrap();
    }
    let good = Manifest::new(vec![file("a", 1, Some(&crate::crc32c_hex(b"1"))), file("b", 2, None)]);
    good.verify(&store, "f", true).unwrap();
    let bad = Manifest::new(vec![file("a", 2, None), file("c", 1, Some("12345678")), file("d", 1, None)]);
    let error = bad.verify(&store, "f/", true).unwrap_err().to_string();
    assert!(error.contains("a has 1 bytes, expected 2") && error.contains("d is missing"), "{error}");
    assert!(error.contains("c has checksum"), "{error}");
    assert!(!bad.verify(&store, "f", false).unwrap_err().to_string().contains("checksum"));
    assert_eq!(Manifest::read(&store, "f").unwrap(), None);
    store.put(&manifest_path("f/"), good.to_json(), PutMode::Create).unwrap();
    assert_eq!(Manifest::read(&store, "f").unwrap().unwrap(), good);
}
