//! The promises of a store, kept by services. Where they are is in variables that `scripts/services` sets:
//! `LAPJOINT_TEST_S3`, `LAPJOINT_TEST_GCS`, `LAPJOINT_TEST_AZURE` (each the settings of a store as JSON).
#![expect(clippy::unwrap_used, reason = "a failed unwrap in a test is a failed test")]

use lapjoint_store::conformance::store_conformance;
use lapjoint_store::{Store, StoreSpec};
use serde_json::{Map, Value as Json};

/// The store that a variable describes, at a place of its own.
fn store(variable: &str) -> Option<Store> {
    let Ok(text) = std::env::var(variable) else {
        println!("did not run: {variable} is not set");
        return None;
    };
    let mut settings: Map<String, Json> = serde_json::from_str(&text).unwrap();
    settings.insert("location".into(), format!("store-tests/{}", uuid::Uuid::new_v4()).into());
    let settings: Vec<_> = settings.into_iter().collect();
    Some(Store::open(StoreSpec::parse("remote", &settings).unwrap()).unwrap())
}

fn keeps_its_promises(variable: &str) {
    if let Some(store) = store(variable) {
        store_conformance(&store).unwrap();
    }
}

#[test]
fn s3_keeps_the_promises() {
    keeps_its_promises("LAPJOINT_TEST_S3");
}

#[test]
fn azure_keeps_the_promises() {
    keeps_its_promises("LAPJOINT_TEST_AZURE");
}

#[test]
fn gcs_keeps_the_promises() {
    keeps_its_promises("LAPJOINT_TEST_GCS");
}
