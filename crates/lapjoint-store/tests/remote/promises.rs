use lapjoint_store::conformance::store_conformance;
use lapjoint_testing::S3Server;
use serde_json::json;

use crate::common::{from_variable, open, open_with, settings};

#[test]
fn s3_in_this_process_keeps_the_promises() {
    let server = S3Server::start().unwrap();
    store_conformance(&open(&settings(server.address()))).unwrap();
    store_conformance(&open_with(server.address(), &json!({"location": ""}))).unwrap();
}

#[test]
fn s3_keeps_the_promises() {
    if let Some(store) = from_variable("LAPJOINT_TEST_S3") {
        store_conformance(&store).unwrap();
    }
}

#[test]
fn azure_keeps_the_promises() {
    if let Some(store) = from_variable("LAPJOINT_TEST_AZURE") {
        store_conformance(&store).unwrap();
    }
}

#[test]
fn gcs_in_this_process_keeps_the_promises() {
    let server = S3Server::start_as_google().unwrap();
    let store = open(&json!({
        "protocol": "gcs", "bucket": S3Server::BUCKET, "location": "lab/data", "token": "anon",
        "endpoint": format!("http://{}", server.address()),
    }));
    store_conformance(&store).unwrap();
    assert_eq!(store.url("a b").unwrap(), "gs://bucket/lab/data/a b");
}

#[test]
fn gcs_keeps_the_promises() {
    if let Some(store) = from_variable("LAPJOINT_TEST_GCS") {
        store_conformance(&store).unwrap();
    }
}
