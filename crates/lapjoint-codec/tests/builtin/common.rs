//! A session in small: stores, a registry, and the way of a value in and out.

use std::path::Path;

use lapjoint_codec::store::staging::no_progress;
use lapjoint_codec::store::{Config, PendingObject, Store, Stores, UploadOptions, upload};
use lapjoint_codec::types::Value;
use lapjoint_codec::{
    Chain, CodecError, DecodeContext, EncodeContext, ObjectReference, Registry, Site, parse_type_spec,
};
use serde_json::json;
use tempfile::TempDir;

pub struct Bed {
    pub folder: TempDir,
    pub stores: Stores,
    pub registry: Registry,
}

pub struct Stored {
    pub column: Value,
    pub staged: Vec<PendingObject>,
}

/// Token of every path in these tests.
pub const TOKEN: &str = "abcdEFGH";

impl Bed {
    /// Stores `main` (files, the default), `cold` (memory) and `raw` (files, the default for `<filepath@>`).
    pub fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| {
            let path = folder.path().join(name);
            std::fs::create_dir(&path).unwrap();
            path.to_str().unwrap().to_owned()
        };
        let mut config = Config::default();
        let stores = json!({
            "default": "main",
            "filepath_default": "raw",
            "main": {"protocol": "file", "location": at("main")},
            "cold": {"protocol": "memory", "subfolding": [2, 2]},
            "raw": {"protocol": "file", "location": at("raw"), "filepath_prefix": "rig"},
        });
        config.set("stores", stores).unwrap();
        Self { stores: Stores::new(config), registry: Registry::with_builtins(), folder }
    }

    pub fn store(&self, name: &str) -> Store {
        self.stores.get(Some(name)).unwrap()
    }

    pub fn chain(&self, spec: &str) -> Chain {
        Chain::resolve(&self.registry, &parse_type_spec(spec)).unwrap()
    }

    pub fn encode(&self, spec: &str, value: impl Into<Value>) -> Result<Stored, CodecError> {
        let key = [("subject".to_owned(), Value::from("m1")), ("session".to_owned(), Value::Int(2))];
        let site = Site { schema: "lab", table: "__scan", field: "data", key: &key };
        let mut context = EncodeContext::new(site, &self.stores);
        context.token = Some(TOKEN);
        let column = self.chain(spec).encode(value.into(), &mut context)?;
        Ok(Stored { column, staged: context.take_staged() })
    }

    /// Encodes and uploads.
    pub fn insert(&self, spec: &str, value: impl Into<Value>) -> Value {
        let stored = self.encode(spec, value).unwrap();
        upload(&self.stores, &stored.staged, &UploadOptions::default(), &no_progress).unwrap();
        stored.column
    }

    pub fn fetch(&self, spec: &str, column: Value) -> Result<Value, CodecError> {
        let site = Site { schema: "lab", table: "__scan", field: "data", key: &[] };
        let download_path: &Path = &self.folder.path().join("downloads");
        let context = DecodeContext { site, stores: &self.stores, store_name: None, download_path };
        self.chain(spec).decode(column, &context)
    }

    pub fn references(&self, spec: &str, column: &Value) -> Vec<ObjectReference> {
        self.chain(spec).references(column).unwrap()
    }

    /// A file in the bed's own folder.
    pub fn file(&self, name: &str, content: &[u8]) -> String {
        let path = self.folder.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, content).unwrap();
        path.to_str().unwrap().to_owned()
    }
}

pub fn json_of(column: &Value) -> serde_json::Value {
    match column {
        Value::Json(json) => json.as_ref().clone(),
        other => panic!("expected json, got {other:?}"),
    }
}

/// The same metadata with some fields replaced.
pub fn with(column: &Value, changes: serde_json::Value) -> Value {
    let mut json = json_of(column);
    for (name, value) in changes.as_object().unwrap() {
        json[name] = value.clone();
    }
    Value::from(json)
}
