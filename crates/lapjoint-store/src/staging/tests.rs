use serde_json::json;

use super::*;
use crate::addressing::content_hash;
use crate::config::Config;

fn stores() -> (tempfile::TempDir, Stores) {
    let dir = tempfile::tempdir().unwrap();
    let mut config = Config::default();
    config
        .set(
            "stores",
            json!({"main": {"protocol": "file", "location": dir.path()}, "mem": {"protocol": "memory"}}),
        )
        .unwrap();
    (dir, Stores::new(config))
}

fn pending(store: &str, path: &str, payload: Payload, addressing: Addressing) -> PendingObject {
    PendingObject { store: store.into(), path: path.into(), payload, addressing }
}

fn bytes(path: &str, content: &'static str) -> PendingObject {
    pending("main", path, Payload::Bytes(content.into()), Addressing::Schema)
}

fn run(stores: &Stores, objects: &[PendingObject]) -> Result<UploadReport> {
    upload(stores, objects, &UploadOptions::default(), &no_progress)
}

fn paths(store: &Store) -> Vec<String> {
    store.list("").unwrap().into_iter().map(|meta| meta.path).collect()
}

#[test]
fn bytes_files_and_folders_are_stored_and_undone() {
    let (_dir, stores) = stores();
    let source = tempfile::tempdir().unwrap();
    std::fs::create_dir(source.path().join("sub")).unwrap();
    std::fs::write(source.path().join("sub/x"), "xx").unwrap();
    std::fs::write(source.path().join("y"), "y").unwrap();
    for name in ["main", "mem"] {
        let objects = [
            pending(name, "_hash/s/h", Payload::Bytes("hello".into()), Addressing::Hash),
            pending(name, "_schema/file", Payload::File(source.path().join("y")), Addressing::Schema),
            pending(name, "_schema/folder", Payload::Folder(source.path().into()), Addressing::Schema),
        ];
        let report = run(&stores, &objects).unwrap();
        assert_eq!(report.created, objects.iter().map(PendingObject::target).collect::<Vec<_>>());
        let sizes: Vec<_> = report.outcomes.iter().map(|outcome| outcome.size_bytes).collect();
        assert_eq!(sizes, [5, 1, 3]);
        assert_eq!(report.outcomes[0].crc32c.as_deref(), Some(crc32c_hex(b"hello").as_str()));
        let store = stores.get(Some(name)).unwrap();
        let all = [
            "_hash/s/h",
            "_schema/file",
            "_schema/folder.manifest.json",
            "_schema/folder/sub/x",
            "_schema/folder/y",
        ];
        let mut found = paths(&store);
        found.sort();
        assert_eq!(found, all);
        let manifest = Manifest::read(&store, "_schema/folder").unwrap().unwrap();
        assert_eq!(Some(&manifest), report.outcomes[2].manifest.as_ref());
        manifest.verify(&store, "_schema/folder", true).unwrap();
        undo(&stores, &report.created).unwrap();
        assert!(paths(&store).is_empty());
        undo(&stores, &report.created).unwrap();
    }
}

#[test]
fn a_failure_removes_what_this_call_created_and_nothing_else() {
    let (_dir, stores) = stores();
    let store = stores.get(Some("main")).unwrap();
    run(&stores, &[bytes("old", "1"), pending("main", "h", Payload::Bytes("22".into()), Addressing::Hash)])
        .unwrap();
    let objects = [
        bytes("new/a", "1"),
        pending("main", "h", Payload::Bytes("22".into()), Addressing::Hash),
        pending("mem", "new/b", Payload::Bytes("2".into()), Addressing::Schema),
        bytes("old", "other content"),
    ];
    let options = UploadOptions { parallelism: Some(1), ..UploadOptions::default() };
    let error = upload(&stores, &objects, &options, &no_progress).unwrap_err();
    assert!(matches!(&error, StoreError::AlreadyExists { path, .. } if path == "old"), "{error}");
    assert_eq!(paths(&store), ["h", "old"]);
    assert_eq!(store.get("old").unwrap(), "1");
    assert!(paths(&stores.get(Some("mem")).unwrap()).is_empty());
}

#[test]
fn equal_content_is_stored_once_and_damage_is_healed() {
    let (_dir, stores) = stores();
    let store = stores.get(Some("main")).unwrap();
    let object = |_| pending("main", "_hash/s/h", Payload::Bytes("content".into()), Addressing::Hash);
    let report = run(&stores, &(0..20).map(object).collect::<Vec<_>>()).unwrap();
    assert_eq!((report.outcomes.len(), report.created.len()), (20, 1));
    let before = store.stats();
    let again = run(&stores, &[object(0)]).unwrap();
    assert!(again.created.is_empty() && !again.outcomes[0].is_new);
    assert_eq!(store.stats().since(&before).written_bytes, 0);
    store.put("_hash/s/h", "cont", PutMode::Overwrite).unwrap();
    let healed = run(&stores, &[object(0)]).unwrap();
    assert!(healed.created.is_empty());
    assert_eq!(store.get("_hash/s/h").unwrap(), "content");
}

#[test]
fn sixteen_threads_store_one_hash() {
    let (_dir, stores) = stores();
    let content = "shared".repeat(10_000);
    let path = format!("_hash/s/{}", content_hash(content.as_bytes()));
    let object = pending("main", &path, Payload::Bytes(content.clone().into()), Addressing::Hash);
    let created: usize = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..16)
            .map(|_| scope.spawn(|| run(&stores, std::slice::from_ref(&object)).unwrap().created.len()))
            .collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).sum()
    });
    assert_eq!(created, 1);
    assert_eq!(stores.get(Some("main")).unwrap().get(&path).unwrap(), content);
}

#[test]
fn mistakes_show_before_anything_is_written() {
    let (dir, stores) = stores();
    let missing = Payload::File(dir.path().join("missing"));
    for bad in [
        pending("nowhere", "x", Payload::Bytes(Bytes::new()), Addressing::Schema),
        pending("main", "x", missing, Addressing::Schema),
        pending("main", "x", Payload::File(dir.path().into()), Addressing::Schema),
        pending("main", "x", Payload::Folder(dir.path().join("missing")), Addressing::Schema),
    ] {
        assert!(run(&stores, &[bytes("first", "1"), bad]).is_err());
        assert_eq!(stores.get(Some("main")).unwrap().stats().written_bytes, 0);
    }
    assert!(matches!(
        run(&stores, &[bytes("a", "1"), bytes("../x", "1")]),
        Err(StoreError::UnsafePath { .. })
    ));
    assert!(paths(&stores.get(Some("main")).unwrap()).is_empty());
}

#[test]
fn the_caller_sees_progress_and_can_stop() {
    let (_dir, stores) = stores();
    let names: Vec<String> = (0..50).map(|number| format!("a/{number}")).collect();
    let objects: Vec<_> = names.iter().map(|name| bytes(name, "12345")).collect();
    let last = Mutex::new(None);
    let see = |progress: &UploadProgress| {
        *lock(&last) = Some(*progress);
        ControlFlow::Continue(())
    };
    upload(&stores, &objects, &UploadOptions::default(), &see).unwrap();
    let all = UploadProgress { objects_done: 50, objects_total: 50, bytes_done: 250, bytes_total: 250 };
    assert_eq!(*lock(&last), Some(all));
    undo(&stores, &objects.iter().map(PendingObject::target).collect::<Vec<_>>()).unwrap();

    let stop = |progress: &UploadProgress| {
        if progress.objects_done == 10 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    };
    let error = upload(&stores, &objects, &UploadOptions::default(), &stop).unwrap_err();
    assert!(matches!(error, StoreError::Cancelled { objects_total: 50, .. }), "{error}");
    assert!(paths(&stores.get(Some("main")).unwrap()).is_empty());
}

#[test]
fn hash_addressed_objects_may_be_left_for_garbage_collection() {
    let (_dir, stores) = stores();
    let objects = [
        pending("main", "h", Payload::Bytes("1".into()), Addressing::Hash),
        bytes("s", "1"),
        bytes("s", "again"),
    ];
    let options =
        UploadOptions { parallelism: Some(1), undo_hash_addressed: false, ..UploadOptions::default() };
    assert!(upload(&stores, &objects, &options, &no_progress).is_err());
    assert_eq!(paths(&stores.get(Some("main")).unwrap()), ["h"]);
}

#[test]
fn content_in_pieces_is_one_object() {
    let (_dir, stores) = stores();
    for (name, addressing) in [("main", Addressing::Hash), ("mem", Addressing::Schema)] {
        let pieces = Payload::Chunks(vec!["head".into(), Bytes::new(), "body".into()]);
        let report = run(&stores, &[pending(name, "a", pieces.clone(), addressing)]).unwrap();
        assert_eq!(report.outcomes[0].crc32c.as_deref(), Some(crc32c_hex(b"headbody").as_str()));
        assert_eq!(stores.get(Some(name)).unwrap().get("a").unwrap(), "headbody");
        let again = run(&stores, &[pending(name, "a", pieces, addressing)]);
        match addressing {
            Addressing::Hash => assert!(again.unwrap().created.is_empty()),
            Addressing::Schema => assert!(matches!(again, Err(StoreError::AlreadyExists { .. }))),
        }
    }
}
