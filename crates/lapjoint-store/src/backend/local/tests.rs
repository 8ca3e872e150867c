use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;
use crate::store::Store;

fn open(dir: &Path) -> Store {
    Store::open(StoreSpec::file("main", dir.to_str().unwrap())).unwrap()
}

/// All files of a directory as the operating system names them.
fn on_disk(dir: &Path) -> BTreeSet<String> {
    fn walk(root: &Path, dir: &Path, found: &mut BTreeSet<String>) {
        for entry in fs::read_dir(dir).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                walk(root, &path, found);
            } else {
                found.insert(path.strip_prefix(root).unwrap().to_str().unwrap().to_owned());
            }
        }
    }
    let mut found = BTreeSet::new();
    walk(dir, dir, &mut found);
    found
}

#[test]
fn names_on_disk_are_byte_for_byte_those_of_the_path() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    let paths = [
        "_schema/db/#lookup/subj=mouse%2F1%3Aa é/x_ab.npy",
        "_schema/db/t/k=a%20b/x~.#1",
        "line\nbreak\ttab/x",
        "a?b*c<d>e|f\"g/h",
        "t=10:20:30/x#12",
        "e\u{301} is not \u{e9}",
    ];
    for path in paths {
        store.put(path, path, PutMode::Create).unwrap();
        assert_eq!(fs::read_to_string(dir.path().join(path)).unwrap(), path);
    }
    let wanted: BTreeSet<String> = paths.into_iter().map(String::from).collect();
    assert_eq!(on_disk(dir.path()), wanted);
    let listed: BTreeSet<String> = store.list("").unwrap().into_iter().map(|meta| meta.path).collect();
    assert_eq!(listed, wanted);
}

#[test]
fn a_store_whose_directory_vanishes_is_not_recreated() {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path().join("disk");
    fs::create_dir(&root).unwrap();
    let store = open(&root);
    fs::remove_dir_all(&root).unwrap();
    assert!(store.put("a/b", "x", PutMode::Create).is_err());
    assert!(!root.exists());
    let error = Store::open(StoreSpec::file("main", root.to_str().unwrap())).unwrap_err().to_string();
    assert!(error.starts_with(&format!("Inaccessible local directory {}", root.display())), "{error}");
}

#[test]
fn an_unreadable_folder_fails_the_listing() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    store.put("a/b", "x", PutMode::Create).unwrap();
    std::os::unix::fs::symlink(dir.path().join("a"), dir.path().join("a/loop")).unwrap();
    let error = store.list("").unwrap_err().to_string();
    assert!(error.contains("a/loop") && error.contains("link to a folder in which it lies"), "{error}");
    fs::remove_file(dir.path().join("a/loop")).unwrap();

    let bad = <std::ffi::OsStr as std::os::unix::ffi::OsStrExt>::from_bytes(b"bad\xff");
    fs::write(dir.path().join("a").join(bad), "x").unwrap();
    assert!(store.list("a").is_err(), "a name that cannot be told must not be left out");
}

#[test]
fn links_are_followed_and_dangling_ones_are_nothing() {
    let (dir, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let store = open(dir.path());
    fs::write(other.path().join("x"), "1").unwrap();
    std::os::unix::fs::symlink(other.path(), dir.path().join("elsewhere")).unwrap();
    std::os::unix::fs::symlink("nowhere", dir.path().join("dangling")).unwrap();
    let paths: Vec<_> = store.list("").unwrap().into_iter().map(|meta| meta.path).collect();
    assert_eq!(paths, ["elsewhere/x"]);
    store.delete_prefix("elsewhere").unwrap();
    assert!(other.path().join("x").exists(), "deleting a folder must not reach through a link");
}

#[test]
fn remains_of_dead_writers_are_invisible_and_can_be_removed() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    let mut writer = store.writer("a", PutMode::Create).unwrap();
    writer.push(b"half").unwrap();
    // What SIGKILL would leave: the writer never gets to clean up.
    std::mem::forget(writer);
    assert_eq!(on_disk(dir.path()).len(), 1);
    assert!(store.list("").unwrap().is_empty() && !store.exists("a").unwrap());
    assert!(store.level("").unwrap().folders.is_empty());
    assert_eq!(store.clean_staging(Duration::from_secs(3600)).unwrap(), 0);
    assert_eq!(store.clean_staging(Duration::ZERO).unwrap(), 1);
    assert!(on_disk(dir.path()).is_empty());
}

#[test]
fn deleting_and_creating_in_one_folder_at_once_loses_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    std::thread::scope(|scope| {
        for thread in 0..4 {
            let store = store.clone();
            scope.spawn(move || {
                for round in 0..50 {
                    // Deleting the last object removes the folder under the feet of the other threads.
                    let path = format!("deep/folder/{thread}-{round}");
                    store.put(&path, "x", PutMode::Create).unwrap();
                    store.delete(&path).unwrap();
                }
                store.put(&format!("deep/folder/{thread}"), "x", PutMode::Create).unwrap();
            });
        }
    });
    assert_eq!(store.list("deep").unwrap().len(), 4);
}

#[test]
fn reading_a_folder_or_below_a_file_says_so() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    store.put("a/b", "x", PutMode::Create).unwrap();
    assert!(store.get("a").unwrap_err().to_string().contains("it is a folder"));
    assert!(store.get("a/b/c").unwrap_err().is_not_found());
    assert!(!store.exists("a/b/c").unwrap());
    store.delete("a/b/c").unwrap();
    assert!(matches!(store.put("a/b/c", "x", PutMode::Create), Err(StoreError::Io { .. })));
    assert!(store.put("a", "x", PutMode::Overwrite).is_err());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_allowed_path_round_trips(path in "[^\\x00/\\\\]{1,20}(/[^\\x00/\\\\]{1,20}){0,3}") {
        let dir = tempfile::tempdir().unwrap();
        let store = open(dir.path());
        match store.put(&path, "content", PutMode::Create) {
            Ok(_) => {
                prop_assert_eq!(store.get(&path).unwrap(), "content");
                prop_assert_eq!(on_disk(dir.path()), BTreeSet::from([path.clone()]));
                let listed = store.list("").unwrap();
                prop_assert_eq!(&listed[0].path, &path);
                store.delete(&path).unwrap();
                prop_assert!(on_disk(dir.path()).is_empty());
            }
            Err(error) => prop_assert!(matches!(error, StoreError::UnsafePath { .. }), "{:?}: {}", path, error),
        }
    }
}
