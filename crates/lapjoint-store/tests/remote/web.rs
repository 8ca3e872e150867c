//! Stores behind a web server, to read only.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{SocketAddr, TcpListener};

use lapjoint_store::{PutMode, Store, StoreError};
use serde_json::json;

use crate::common::{open, spec};

const CONTENT: &[u8] = b"0123456789abcdefghij";

/// Serves one file, with or without ranges; a refusal for anything else.
fn serve(knows_ranges: bool, bearer: Option<&'static str>) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for client in listener.incoming().map_while(Result::ok) {
            let mut lines = BufReader::new(client.try_clone().unwrap()).lines().map_while(Result::ok);
            let first = lines.next().unwrap_or_default();
            let head: Vec<String> = lines.take_while(|line| !line.is_empty()).collect();
            let header = |name: &str| {
                head.iter().find_map(|line| {
                    let (key, value) = line.split_once(": ")?;
                    key.eq_ignore_ascii_case(name).then(|| value.to_owned())
                })
            };
            let (mut status, mut body, mut more) = ("404 Not Found", &b""[..], String::new());
            if bearer.is_some_and(|token| header("authorization") != Some(format!("Bearer {token}"))) {
                status = "401 Unauthorized";
            } else if first.contains("/data/a%20b%23%25.bin ") {
                (status, body) = ("200 OK", CONTENT);
                if let Some(range) = header("range").filter(|_| knows_ranges) {
                    let (start, end) = range.strip_prefix("bytes=").unwrap().split_once('-').unwrap();
                    let (start, end): (usize, usize) = (start.parse().unwrap(), end.parse().unwrap());
                    if start >= CONTENT.len() {
                        (status, body) = ("416 Range Not Satisfiable", &b""[..]);
                    } else {
                        let end = (end + 1).min(CONTENT.len());
                        (status, body) = ("206 Partial Content", &CONTENT[start..end]);
                        more = format!("content-range: bytes {start}-{}/{}\r\n", end - 1, CONTENT.len());
                    }
                }
            }
            let mut client = client;
            let _ = write!(client, "HTTP/1.1 {status}\r\n{more}content-length: {}\r\n", body.len());
            let _ = client
                .write_all(b"last-modified: Sat, 21 Nov 2026 10:00:00 GMT\r\nconnection: close\r\n\r\n");
            if !first.starts_with("HEAD") {
                let _ = client.write_all(body);
            }
        }
    });
    address
}

fn store(address: SocketAddr) -> Store {
    open(&json!({"protocol": "http", "location": format!("http://{address}/data")}))
}

#[test]
fn files_behind_a_web_server_are_read() {
    for knows_ranges in [true, false] {
        let store = store(serve(knows_ranges, None));
        let path = "a b#%.bin";
        assert_eq!(store.get(path).unwrap(), CONTENT);
        assert_eq!(store.size_bytes(path).unwrap(), 20);
        assert_eq!(store.get_range(path, 5..8).unwrap(), "567");
        let parts = store.get_ranges(path, &[18..20, 0..1, 3..3]).unwrap();
        assert_eq!(parts, ["ij", "0", ""]);
        let beyond = store.get_range(path, 15..25).unwrap_err();
        assert!(matches!(beyond, StoreError::RangeOutOfBounds { size_bytes: 20, .. }), "{beyond}");
        assert_eq!(store.checksum(path).unwrap().size_bytes, 20);
        assert!(store.get("none").unwrap_err().is_not_found());
        assert_eq!(store.head("none").unwrap(), None);
        assert!(!store.is_folder("none").unwrap());
    }
}

#[test]
fn nothing_is_written_behind_a_web_server() {
    let store = store(serve(true, None));
    let refused = |result: Result<(), StoreError>| {
        let error = result.unwrap_err();
        assert!(matches!(error, StoreError::PermissionDenied { .. }), "{error}");
        assert!(error.to_string().contains("read only"), "{error}");
    };
    refused(store.put("x", "y", PutMode::Create).map(drop));
    refused(store.writer("x", PutMode::Overwrite).map(drop));
    refused(store.delete("x"));
    refused(store.delete_prefix("x"));
}

#[test]
fn a_token_is_sent_and_not_shown() {
    let address = serve(true, Some("s3cret-t0ken"));
    let with = open(&json!({
        "protocol": "http", "endpoint": format!("http://{address}"), "location": "data", "token": "s3cret-t0ken",
    }));
    assert_eq!(with.get("a b#%.bin").unwrap(), CONTENT);
    assert!(with.url("a b#%.bin").unwrap().ends_with("/data/a b#%.bin"));
    let error = store(address).get("a b#%.bin").unwrap_err();
    assert!(matches!(error, StoreError::PermissionDenied { .. }), "{error}");
    let wrong = spec(&json!({"protocol": "http", "location": "http://me:s3cret@host/data"}));
    let error = Store::open(wrong).unwrap_err().to_string();
    assert!(!error.contains("s3cret") && error.contains("stores.remote.location"), "{error}");
}
