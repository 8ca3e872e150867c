use std::net::SocketAddr;

use lapjoint_store::{Store, StoreSpec};
use lapjoint_testing::S3Server;
use serde_json::{Map, Value as Json, json};

/// Settings of the service in this process, reached at `address`.
pub fn settings(address: SocketAddr) -> Json {
    json!({
        "protocol": "s3", "endpoint": address.to_string(), "secure": false, "bucket": S3Server::BUCKET,
        "location": "lab/data", "access_key": S3Server::ACCESS_KEY, "secret_key": S3Server::SECRET_KEY,
    })
}

pub fn open(settings: &Json) -> Store {
    Store::open(spec(settings)).unwrap()
}

pub fn spec(settings: &Json) -> StoreSpec {
    let settings: Vec<_> =
        settings.as_object().unwrap().iter().map(|(key, value)| (key.clone(), value.clone())).collect();
    StoreSpec::parse("remote", &settings).unwrap()
}

/// The store at `address`, with changes to its settings.
pub fn open_with(address: SocketAddr, changes: &Json) -> Store {
    let mut all = settings(address);
    for (key, value) in changes.as_object().unwrap() {
        all[key] = value.clone();
    }
    open(&all)
}

/// The store that a variable describes, at a place of its own.
pub fn from_variable(variable: &str) -> Option<Store> {
    let Ok(text) = std::env::var(variable) else {
        println!("did not run: {variable} is not set");
        return None;
    };
    let mut settings: Map<String, Json> = serde_json::from_str(&text).unwrap();
    settings.insert("location".into(), format!("store-tests/{}", uuid::Uuid::new_v4()).into());
    Some(open(&settings.into()))
}
