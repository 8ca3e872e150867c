//! Creating objects: one request each, and never over another's.

use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use lapjoint_store::staging::no_progress;
use lapjoint_store::{
    Addressing, Config, Payload, PendingObject, PutMode, StoreError, Stores, UploadOptions, upload,
};
use lapjoint_testing::{Conditions, Fault, Proxy, Request, S3Server};
use serde_json::json;

use crate::common::{open, settings};

/// Once the service is known to honour the condition, which costs three requests with the first object.
fn warmed(address: std::net::SocketAddr) -> lapjoint_store::Store {
    let store = open(&settings(address));
    store.put("warm/up", "x", PutMode::Create).unwrap();
    store
}

/// The fault for the first put of the object of this name, and none for anything else.
fn first_put(name: &'static str, fault: Fault) -> impl Fn(&Request<'_>) -> Fault + Send + Sync {
    let seen = AtomicU64::new(0);
    move |request| {
        let is_it = request.method == "PUT" && request.target.contains(name);
        if is_it && seen.fetch_add(1, Ordering::Relaxed) == 0 { fault } else { Fault::None }
    }
}

#[test]
fn one_object_costs_one_request() {
    let server = S3Server::start().unwrap();
    let proxy = Proxy::http(server.address(), |_| Fault::None).unwrap();
    let store = warmed(proxy.address());
    let before = (proxy.counts().requests, store.stats().requests);
    let items = (0..50_u8).map(|number| (format!("many/{number}"), Bytes::from(vec![number; 1000])));
    store.put_many(items, PutMode::Create, 16).unwrap();
    for number in 0..50_u8 {
        assert_eq!(store.get(&format!("many/{number}")).unwrap(), vec![number; 1000]);
    }
    assert_eq!(proxy.counts().requests - before.0, 100);
    assert_eq!(store.stats().requests - before.1, 100, "what the store counts is what is sent");
}

#[test]
fn a_put_whose_answer_is_lost_is_known_for_ours() {
    for fault in [Fault::DropResponse, Fault::AnswerAfter(500), Fault::AnswerAfter(503), Fault::CutResponse] {
        let server = S3Server::start().unwrap();
        let proxy = Proxy::http(server.address(), first_put("ours", fault)).unwrap();
        let store = warmed(proxy.address());
        store.put("ours", "content", PutMode::Create).unwrap_or_else(|error| panic!("{fault:?}: {error}"));
        assert_eq!(store.get("ours").unwrap(), "content");
        assert_eq!(proxy.counts().faults, 1, "{fault:?} did not happen");
    }
}

#[test]
fn anothers_object_is_never_taken_for_ours() {
    // The same content, and a first attempt that fails before the service hears of it: only the origin can tell.
    for fault in [Fault::Answer(503), Fault::CutRequest] {
        let server = S3Server::start().unwrap();
        open(&settings(server.address())).put("theirs", "content", PutMode::Create).unwrap();
        let proxy = Proxy::http(server.address(), first_put("theirs", fault)).unwrap();
        let store = warmed(proxy.address());
        let error = store.put("theirs", "content", PutMode::Create).unwrap_err();
        assert!(matches!(error, StoreError::AlreadyExists { .. }), "{fault:?}: {error}");
        assert_eq!(proxy.counts().faults, 1, "{fault:?} did not happen");
    }
}

#[test]
fn an_upload_says_what_it_created_even_if_answers_were_lost() {
    let server = S3Server::start().unwrap();
    open(&settings(server.address())).put("_hash/a/there", "there", PutMode::Create).unwrap();
    let proxy = Proxy::http(server.address(), first_put("_hash/a/new", Fault::DropResponse)).unwrap();
    warmed(proxy.address());
    let mut config = Config::default();
    config.set("stores", json!({"default": "s3", "s3": settings(proxy.address())})).unwrap();
    let stores = Stores::new(config);
    let object = |path: &str, content: &'static str| PendingObject {
        store: "s3".into(),
        path: path.into(),
        payload: Payload::Bytes(content.into()),
        addressing: Addressing::Hash,
    };
    let objects = [object("_hash/a/there", "there"), object("_hash/a/new", "new")];
    let options = UploadOptions { origin: Some("this-work".into()), ..UploadOptions::default() };
    let report = upload(&stores, &objects, &options, &no_progress).unwrap();
    assert_eq!(report.created, [objects[1].target()]);
    let store = stores.get(None).unwrap();
    assert_eq!(store.origin("_hash/a/new").unwrap().as_deref(), Some("this-work"));
    assert_ne!(store.origin("_hash/a/there").unwrap().as_deref(), Some("this-work"));
    let both: Vec<_> = objects.iter().map(PendingObject::target).collect();
    let own = lapjoint_store::staging::created_by(&stores, both, "this-work").unwrap();
    assert_eq!(own, [objects[1].target()]);
}

#[test]
fn a_service_without_conditional_puts_is_found_out() {
    for conditions in [Conditions::Refused, Conditions::Ignored] {
        let server = S3Server::start_with(conditions).unwrap();
        let proxy = Proxy::http(server.address(), |_| Fault::None).unwrap();
        let store = open(&settings(proxy.address()));
        for path in ["first", "second"] {
            store.put(path, "kept", PutMode::Create).unwrap();
            let error = store.put(path, "lost", PutMode::Create).unwrap_err();
            assert!(matches!(error, StoreError::AlreadyExists { .. }), "{error}");
            assert_eq!(store.get(path).unwrap(), "kept", "{conditions:?}");
        }
        let before = proxy.counts().requests;
        store.put("third", "x", PutMode::Create).unwrap();
        assert_eq!(proxy.counts().requests - before, 2, "a look and a put");
    }
}

#[test]
fn large_objects_go_in_parts_and_leave_none_behind() {
    let server = S3Server::start().unwrap();
    let proxy = Proxy::http(server.address(), |_| Fault::None).unwrap();
    let store = warmed(proxy.address());
    let content: Vec<u8> = (0..10_000_000_u32).flat_map(u32::to_le_bytes).collect();
    let content = Bytes::from(content);
    store.put("large", content.clone(), PutMode::Create).unwrap();
    assert!(store.get("large").unwrap() == content);
    let error = store.put("large", content.clone(), PutMode::Create).unwrap_err();
    assert!(matches!(error, StoreError::AlreadyExists { .. }), "{error}");

    let mut writer = store.writer("given-up", PutMode::Create).unwrap();
    writer.push(&content).unwrap();
    drop(writer);
    assert!(!store.exists("given-up").unwrap());
    let parts = || {
        let root = server.folder();
        let all = std::fs::read_dir(root.parent().unwrap()).unwrap();
        all.filter(|entry| entry.as_ref().unwrap().file_name().to_string_lossy().contains("part")).count()
    };
    assert_eq!(parts(), 0, "parts of an upload that was given up");
}

#[test]
fn a_completion_whose_answer_is_lost_is_a_completion() {
    let server = S3Server::start().unwrap();
    let seen = AtomicU64::new(0);
    let proxy = Proxy::http(server.address(), move |request| {
        let completes = request.method == "POST" && request.target.contains("uploadId=");
        if completes && seen.fetch_add(1, Ordering::Relaxed) == 0 { Fault::DropResponse } else { Fault::None }
    })
    .unwrap();
    let store = warmed(proxy.address());
    let content = Bytes::from(vec![7; 20 << 20]);
    store.put("large", content.clone(), PutMode::Create).unwrap();
    assert_eq!(proxy.counts().faults, 1);
    assert!(store.get("large").unwrap() == content);
}
