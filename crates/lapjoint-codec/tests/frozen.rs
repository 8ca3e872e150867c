//! Every frozen value of `conformance/codecs` that Rust reads.

use std::collections::BTreeSet;
use std::path::Path;

use lapjoint_codec::Registry;
use lapjoint_codec::conformance::{check_frozen, frozen_cases};

fn folder() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../conformance/codecs")
}

#[test]
fn every_frozen_value_is_read() {
    let registry = Registry::with_builtins();
    let mut read = BTreeSet::new();
    let mut failures = Vec::new();
    for case in frozen_cases(&folder()).unwrap() {
        let name = case.strip_prefix(folder()).unwrap().iter().next().unwrap().to_str().unwrap().to_owned();
        match check_frozen(&registry, &case) {
            Ok(true) => drop(read.insert(name)),
            Ok(false) => {
                assert!(!registry.contains(&name), "{name} is a codec of Rust: it reads its own cases")
            }
            Err(error) => failures.push(error.to_string()),
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
    for core in ["attach", "blob", "filepath", "hash", "npy", "object"] {
        assert!(read.contains(core), "no case of <{core}> was read");
    }
}

#[test]
fn a_changed_value_is_noticed() {
    let scratch = tempfile::tempdir().unwrap();
    let case = folder().join("hash/1/bytes_by_datajoint/case.json");
    let text = std::fs::read_to_string(case).unwrap();
    let changed = text.replace("\"bytes\": \"73", "\"bytes\": \"74");
    assert_ne!(text, changed);
    std::fs::write(scratch.path().join("case.json"), changed).unwrap();
    let objects = scratch.path().join("objects/_hash/lab");
    std::fs::create_dir_all(&objects).unwrap();
    let object = folder().join("hash/1/bytes_by_datajoint/objects/_hash/lab/tucwqru5ebwbv3prw4prf5duxq");
    std::fs::copy(object, objects.join("tucwqru5ebwbv3prw4prf5duxq")).unwrap();
    let error = check_frozen(&Registry::with_builtins(), scratch.path()).unwrap_err();
    assert!(error.message.contains("came back, not"), "{error}");
}
