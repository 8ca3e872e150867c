use std::io::{Read, Seek, SeekFrom, Write};

use super::*;
use crate::conformance::store_conformance;

fn local() -> (tempfile::TempDir, Store) {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(StoreSpec::file("main", dir.path().to_str().unwrap())).unwrap();
    (dir, store)
}

#[test]
fn a_directory_keeps_the_promises() {
    let (dir, store) = local();
    store_conformance(&store).unwrap();
    let left: Vec<_> =
        std::fs::read_dir(dir.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(left, [crate::path::STAGING_FOLDER], "nothing but the (empty) staging folder may stay");
    assert_eq!(std::fs::read_dir(dir.path().join(&left[0])).unwrap().count(), 0);
}

#[test]
fn memory_keeps_the_promises() {
    store_conformance(&Store::open(StoreSpec::memory("mem")).unwrap()).unwrap();
}

#[test]
fn many_objects_are_written_at_once() {
    let (_dir, local) = local();
    for store in [local, Store::open(StoreSpec::memory("mem")).unwrap()] {
        let items = (0..100_u8).map(|number| (format!("a/{number}"), Bytes::from(vec![number; 10])));
        let written = store.put_many(items, PutMode::Create, 8).unwrap();
        assert_eq!(written.len(), 100);
        assert_eq!(store.list("a").unwrap().len(), 100);
        assert_eq!(store.get("a/42").unwrap(), vec![42; 10]);
        assert_eq!(store.stats().written_bytes, 1000);
        let clash = (99..102_u8).map(|number| (format!("a/{number}"), Bytes::new()));
        assert!(matches!(store.put_many(clash, PutMode::Create, 2), Err(StoreError::AlreadyExists { .. })));
    }
}

#[test]
fn files_go_in_and_out() {
    let (dir, store) = local();
    let source = dir.path().join("source.bin");
    let content: Vec<u8> = (0..9_000_000_u32).flat_map(u32::to_le_bytes).take(9_000_001).collect();
    std::fs::write(&source, &content).unwrap();
    let memory = Store::open(StoreSpec::memory("mem")).unwrap();
    for store in [&store, &memory] {
        let written = store.put_file("x/file", &source, PutMode::Create).unwrap();
        assert_eq!((written.size_bytes, written.crc32c.as_str()), (9_000_001, crc32c_hex(&content).as_str()));
        let copy = dir.path().join("copy.bin");
        assert_eq!(store.download("x/file", &copy).unwrap(), written);
        assert!(std::fs::read(&copy).unwrap() == content);
        assert!(matches!(
            store.put_file("y", dir.path(), PutMode::Create),
            Err(StoreError::LocalFile { .. })
        ));
        assert!(store.put_file("y", &dir.path().join("no"), PutMode::Create).is_err());
        assert!(!store.exists("y").unwrap());
        assert!(store.download("nothing", &copy).is_err());
        assert!(std::fs::read(&copy).unwrap() == content, "a failed download leaves the old file");
    }
    let mut parts = std::fs::read_dir(dir.path()).unwrap();
    assert!(!parts.any(|entry| entry.unwrap().file_name().to_str().unwrap().ends_with(".part")));
}

#[test]
fn a_reader_reads_and_seeks() {
    let (_dir, store) = local();
    let content: Vec<u8> = (0..=255).cycle().take(500_000).collect();
    let mut writer = store.writer("a", PutMode::Create).unwrap();
    writer.write_all(&content).unwrap();
    writer.finish().unwrap();
    let mut reader = store.reader("a").unwrap();
    let before = store.stats();
    let mut head = [0; 16];
    reader.read_exact(&mut head).unwrap();
    reader.read_exact(&mut head).unwrap();
    assert_eq!(head, content[16..32]);
    assert_eq!(store.stats().since(&before), Stats { requests: 1, read_bytes: 65536, written_bytes: 0 });
    reader.seek(SeekFrom::End(-5)).unwrap();
    let mut tail = Vec::new();
    reader.read_to_end(&mut tail).unwrap();
    assert_eq!(tail, content[499_995..]);
    reader.seek(SeekFrom::Start(16)).unwrap();
    let mut all = Vec::new();
    reader.read_to_end(&mut all).unwrap();
    assert!(all == content[16..]);
    assert!(reader.seek(SeekFrom::Current(-1_000_000)).is_err());
    assert!(store.reader("none").unwrap_err().is_not_found());
}

#[test]
fn addresses_are_those_of_datajoint() {
    let (dir, store) = local();
    let path = "a/b %20é";
    assert_eq!(store.url(path).unwrap(), format!("file://{}/{path}", dir.path().display()));
    assert_eq!(store.local_path(path).unwrap().unwrap(), dir.path().join(path));
    assert_eq!(Store::open(StoreSpec::memory("mem")).unwrap().local_path(path).unwrap(), None);
}
