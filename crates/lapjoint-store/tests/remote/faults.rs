//! Hundreds of writes and reads while requests are refused, cut, delayed and answered wrongly.

use std::collections::BTreeSet;
use std::sync::Mutex;
use std::time::Duration;

use bytes::Bytes;
use lapjoint_store::{PutMode, StoreError, at_once};
use lapjoint_testing::{Fault, Proxy, S3Server, random};
use serde_json::json;

use crate::common::{open, open_with, settings};

fn content(number: u32, len_bytes: usize) -> Bytes {
    number.to_le_bytes().into_iter().cycle().take(len_bytes).collect()
}

/// Mostly small, some larger than one request holds.
const fn len_bytes(number: u32) -> usize {
    if number.is_multiple_of(50) { 18 << 20 } else { 1000 + (number as usize % 7) * 30_000 }
}

#[test]
fn nothing_is_lost_or_half_done_under_faults() {
    let server = S3Server::start().unwrap();
    let proxy = Proxy::http(server.address(), random(7, 0.2, &Fault::OF_HTTP)).unwrap();
    let store = open(&settings(proxy.address()));
    let all: Vec<u32> = (0..400).collect();
    at_once(all.iter(), 16, |number| {
        store.put(&format!("f/{number}"), content(*number, len_bytes(*number)), PutMode::Create)
    })
    .unwrap();
    at_once(all.iter(), 16, |number| {
        let bytes = store.get(&format!("f/{number}"))?;
        assert!(bytes == content(*number, len_bytes(*number)), "object {number} is not what was written");
        // It is there, and stays what it is.
        let again = store.put(&format!("f/{number}"), "other", PutMode::Create);
        assert!(matches!(again, Err(StoreError::AlreadyExists { .. })), "{again:?}");
        Ok::<_, StoreError>(())
    })
    .unwrap();
    let direct = open(&settings(server.address()));
    let found: BTreeSet<(String, u64)> =
        direct.list("f").unwrap().into_iter().map(|meta| (meta.path, meta.size_bytes)).collect();
    let wanted: BTreeSet<_> =
        all.iter().map(|number| (format!("f/{number}"), len_bytes(*number) as u64)).collect();
    assert_eq!(found, wanted);
    assert!(proxy.counts().faults > 150, "{:?}", proxy.counts());
}

#[test]
fn what_fails_says_so_and_what_succeeds_is_there() {
    let server = S3Server::start().unwrap();
    // Most requests fail, and there is little time: many writes must fail too.
    let proxy = Proxy::http(server.address(), random(11, 0.9, &Fault::OF_HTTP)).unwrap();
    let store = open_with(proxy.address(), &json!({"retry_timeout": 0.2}));
    let direct = open(&settings(server.address()));
    let (written, failed) = (Mutex::new(Vec::new()), Mutex::new(0));
    at_once(0..300_u32, 16, |number| {
        let path = format!("g/{number}");
        match store.put(&path, content(number, 5000), PutMode::Create) {
            Ok(_) => written.lock().unwrap().push(number),
            Err(error @ (StoreError::Service { .. } | StoreError::UndoIncomplete { .. })) => {
                assert!(error.to_string().starts_with("cannot "), "{error}");
                *failed.lock().unwrap() += 1;
            }
            Err(error) => panic!("not a clear error: {error:?}"),
        }
        Ok::<_, StoreError>(())
    })
    .unwrap();
    let (written, failed) = (written.into_inner().unwrap(), failed.into_inner().unwrap());
    assert!(written.len() > 20 && failed > 20, "{} written, {failed} failed", written.len());
    for number in written {
        assert!(direct.get(&format!("g/{number}")).unwrap() == content(number, 5000));
    }
    for meta in direct.list("g").unwrap() {
        assert_eq!(meta.size_bytes, 5000, "{} is half done", meta.path);
    }
}

#[test]
fn a_service_that_comes_back_is_waited_for() {
    let server = S3Server::start().unwrap();
    let begun = std::time::Instant::now();
    let proxy = Proxy::http(server.address(), move |_| {
        if begun.elapsed() < Duration::from_secs(2) { Fault::Answer(503) } else { Fault::None }
    })
    .unwrap();
    let store = open(&settings(proxy.address()));
    store.put("a", "patience", PutMode::Create).unwrap();
    assert!(begun.elapsed() >= Duration::from_secs(2));
    assert_eq!(store.get("a").unwrap(), "patience");
}
