//! Reading: no more bytes and requests than needed, and never less than there is.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use bytes::Bytes;
use lapjoint_store::{PutMode, StoreError, at_once};
use lapjoint_testing::{Fault, Proxy, Request, S3Server};
use serde_json::json;

use crate::common::{open, open_with, settings};

fn content(len_bytes: usize) -> Bytes {
    (0..len_bytes).map(|index| u8::try_from(index * 31 % 251).unwrap()).collect()
}

#[test]
fn a_range_is_one_request_and_its_bytes() {
    let server = S3Server::start().unwrap();
    let proxy = Proxy::http(server.address(), |_| Fault::None).unwrap();
    let store = open(&settings(proxy.address()));
    let all = content(5_000_000);
    store.put("a", all.clone(), PutMode::Overwrite).unwrap();
    let before = proxy.counts();
    assert_eq!(store.get_range("a", 1_000_000..1_010_000).unwrap(), all.slice(1_000_000..1_010_000));
    let after = proxy.counts();
    assert_eq!(after.requests - before.requests, 1);
    assert!(after.received_bytes - before.received_bytes < 11_000);
    // Three ranges, two of them near to each other.
    let ranges = [10..20, 1000..2000, 4_000_000..4_000_100];
    let parts = store.get_ranges("a", &ranges).unwrap();
    assert!(parts.iter().zip(&ranges).all(|(part, range)| {
        *part == all.slice(usize::try_from(range.start).unwrap()..usize::try_from(range.end).unwrap())
    }));
    assert_eq!(proxy.counts().requests - after.requests, 2);
}

#[test]
fn a_body_that_is_cut_is_read_on_from_there() {
    let server = S3Server::start().unwrap();
    let seen = AtomicU64::new(0);
    let proxy = Proxy::http(server.address(), move |request: &Request<'_>| {
        // Two of three answers break in the middle.
        let is_cut = request.method == "GET" && seen.fetch_add(1, Ordering::Relaxed) % 3 != 2;
        if is_cut { Fault::CutResponse } else { Fault::None }
    })
    .unwrap();
    let direct = open(&settings(server.address()));
    let all = content(9_000_000);
    direct.put("a", all.clone(), PutMode::Overwrite).unwrap();
    let store = open(&settings(proxy.address()));
    for _ in 0..3 {
        assert!(store.get("a").unwrap() == all);
        assert!(store.get_range("a", 5..8_000_000).unwrap() == all.slice(5..8_000_000));
        let mut streamed = Vec::new();
        store
            .read_in_pieces::<StoreError>("a", |piece| {
                streamed.extend_from_slice(piece);
                Ok(())
            })
            .unwrap();
        assert!(streamed == all);
    }
    assert!(proxy.counts().faults >= 6);
}

#[test]
fn a_body_that_is_always_cut_is_an_error_and_no_short_data() {
    let server = S3Server::start().unwrap();
    let proxy = Proxy::http(server.address(), |_| Fault::CutResponse).unwrap();
    let direct = open(&settings(server.address()));
    direct.put("a", content(100_000), PutMode::Overwrite).unwrap();
    let store = open_with(proxy.address(), &json!({"retry_timeout": 1}));
    let begun = Instant::now();
    // Each answer brings half of what is missing, so that all of it may come in the end; but never less.
    if let Ok(whole) = store.get("a") {
        assert_eq!(whole.len(), 100_000, "short data");
    }
    let error = store.get_range("a", 0..1).unwrap_err();
    assert!(matches!(error, StoreError::Service { attempts: 2.., .. }), "{error:?}");
    assert!(begun.elapsed() < Duration::from_secs(20), "{:?}", begun.elapsed());
}

#[test]
fn many_objects_are_read_at_once() {
    let server = S3Server::start().unwrap();
    let proxy = Proxy::http(server.address(), |_| Fault::Delay(Duration::from_millis(50))).unwrap();
    let store = open(&settings(proxy.address()));
    assert_eq!(store.parallelism(), 32);
    let items: Vec<_> = (0..96).map(|number| (number.to_string(), Bytes::from(vec![1; 1000]))).collect();
    let begun = Instant::now();
    store.put_many(items, PutMode::Overwrite, store.parallelism()).unwrap();
    at_once(0..96, store.parallelism(), |number| store.get(&number.to_string())).unwrap();
    // One after the other would take 9.6 s.
    assert!(begun.elapsed() < Duration::from_secs(3), "{:?}", begun.elapsed());
}

#[test]
fn a_service_that_is_not_there_is_told_soon() {
    let nobody = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let store = open(&settings(nobody));
    let begun = Instant::now();
    let error = store.get("a").unwrap_err();
    assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
    let text = error.to_string();
    assert!(text.starts_with("cannot read a in store 'remote': ") && text.contains("refused"), "{text}");
}

#[test]
fn a_service_that_does_not_answer_is_given_up() {
    // Accepts connections, and says nothing.
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let store = open_with(silent.local_addr().unwrap(), &json!({"idle_timeout": 1, "retry_timeout": 2}));
    let begun = Instant::now();
    let error = store.put("a", vec![0; 1_000_000], PutMode::Create).unwrap_err().to_string();
    assert!(begun.elapsed() < Duration::from_secs(10), "{:?}", begun.elapsed());
    assert!(error.contains("no answer for 1 seconds"), "{error}");
}
