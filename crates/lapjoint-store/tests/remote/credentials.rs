//! No error, and nothing that is printed, shows a credential.

use lapjoint_store::{Config, PutMode, StoreError};
use lapjoint_testing::{Fault, Proxy, S3Server};
use serde_json::{Value as Json, json};

use crate::common::{open, open_with, settings, spec};

const SECRETS: [&str; 4] = ["AKIAWRONG", "wr0ng-secret", "t0ken-of-a-session", "pr0xy-password"];

fn assert_clean(text: &str) {
    for secret in SECRETS.iter().chain(&[S3Server::ACCESS_KEY, S3Server::SECRET_KEY]) {
        assert!(!text.contains(secret), "{secret} in {text}");
    }
    // Signatures are no keys, but nobody's business either.
    assert!(!text.contains("Signature=") && !text.contains("AWS4-HMAC"), "{text}");
}

/// Every failure that a store can be brought to, as text.
fn failures(settings: &Json) -> Vec<StoreError> {
    let store = open(settings);
    let mut errors = vec![
        store.put("a/b", "x", PutMode::Create).unwrap_err(),
        store.put("a/b", vec![0; 20 << 20], PutMode::Overwrite).unwrap_err(),
        store.get("a/b").unwrap_err(),
        store.get_range("a/b", 0..1).unwrap_err(),
        store.head("a/b").unwrap_err(),
        store.list("").unwrap_err(),
        store.level("a").unwrap_err(),
        store.delete("a/b").unwrap_err(),
        store.checksum("a/b").unwrap_err(),
    ];
    errors.push(store.delete_prefix("a").unwrap_err());
    assert_clean(&format!("{store:?} {:?}", store.spec()));
    errors
}

#[test]
fn a_refusal_shows_no_key() {
    let server = S3Server::start().unwrap();
    let mut wrong = settings(server.address());
    wrong["access_key"] = "AKIAWRONG".into();
    wrong["secret_key"] = "wr0ng-secret".into();
    wrong["session_token"] = "t0ken-of-a-session".into();
    for error in failures(&wrong) {
        assert_clean(&format!("{error} {error:?}"));
        assert!(matches!(error, StoreError::PermissionDenied { .. }), "{error}");
    }
    let mut half = settings(server.address());
    half["secret_key"] = "wr0ng-secret".into();
    for error in failures(&half) {
        assert_clean(&format!("{error} {error:?}"));
    }
}

#[test]
fn a_service_in_trouble_shows_no_key() {
    let server = S3Server::start().unwrap();
    let proxy = Proxy::http(server.address(), |_| Fault::Answer(500)).unwrap();
    let mut settings = settings(proxy.address());
    settings["retry_timeout"] = 0.3.into();
    for error in failures(&settings) {
        assert_clean(&format!("{error} {error:?}"));
        let StoreError::Service { message, attempts, .. } = &error else { panic!("{error:?}") };
        assert!(message.starts_with("500 Internal Server Error") && *attempts > 1, "{error:?}");
    }
}

#[test]
fn a_bad_proxy_shows_no_password() {
    let mut settings = settings("127.0.0.1:9".parse().unwrap());
    settings["proxy_server"] = "http://me:pr0xy-password@127.0.0.1:9".into();
    let error = open(&settings).get("a").unwrap_err();
    assert_clean(&format!("{error} {error:?}"));
    settings["proxy_server"] = "http://me:pr0xy-password@in valid".into();
    let error = open(&settings).get("a").unwrap_err();
    assert_clean(&format!("{error} {error:?}"));
}

#[test]
fn settings_are_shown_without_credentials() {
    let mut config = Config::default();
    let mut settings = settings("127.0.0.1:9".parse().unwrap());
    settings["session_token"] = "t0ken-of-a-session".into();
    settings["proxy_server"] = "http://me:pr0xy-password@host:3128".into();
    config.set("stores", json!({"default": "s3", "s3": settings})).unwrap();
    let shown: Vec<String> =
        config.entries().map(|entry| format!("{} = {}", entry.key, entry.shown)).collect();
    assert_clean(&shown.join("\n"));
    assert!(shown.iter().any(|line| line.contains("stores.s3.bucket")));
}

#[test]
fn keys_that_are_half_there_are_refused() {
    let server = S3Server::start().unwrap();
    let error = |changes: Json| {
        let mut all = settings(server.address());
        for (key, value) in changes.as_object().unwrap() {
            all[key] = value.clone();
        }
        let opened = lapjoint_store::Store::open(spec(&all));
        opened.and_then(|store| store.get("a")).unwrap_err().to_string()
    };
    assert!(error(json!({"secret_key": ""})).contains("Incomplete S3 credentials: set both"));
    assert!(error(json!({"access_key": null})).contains("Incomplete S3 credentials: set both"));
    assert!(error(json!({"bucket": ""})).contains("Missing S3 configuration: bucket"));
    assert!(error(json!({"endpoint": "ftp://x"})).contains("stores.remote.endpoint must be"));
    assert!(error(json!({"location": "/a"})).contains("stores.remote.location must be"));
    assert!(error(json!({"secure": "perhaps"})).contains("stores.remote.secure must be true or false"));
    let gone = error(json!({"profile": "nobody", "access_key": "", "secret_key": ""}));
    assert!(gone.contains("stores.remote.profile") && gone.contains("no 'nobody'"), "{gone}");
}

#[test]
fn anonymous_access_is_only_tried_when_asked_for() {
    let server = S3Server::start().unwrap();
    let store =
        open_with(server.address(), &json!({"access_key": null, "secret_key": null, "anonymous": true}));
    let error = store.get("a").unwrap_err();
    assert!(matches!(error, StoreError::PermissionDenied { .. }), "{error}");
}
