//! Codecs in WebAssembly in tables: rows and modules are stored together, read without the codec, and collected together.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use lapjoint::codec::{Place, Registry};
use lapjoint::objects::{self, CollectOptions};
use lapjoint::wasm::{LoadOptions, WasmCodec};
use lapjoint::{Connection, DeleteOptions, NdArray, Value, row, store::Config};

fn config(folder: &Path, trusted: &[&str]) -> Config {
    let place = folder.join("store");
    std::fs::create_dir_all(&place).unwrap();
    let mut config = Config::default();
    let stores = serde_json::json!({"default": "main", "main": {"protocol": "file", "location": place}});
    config.set("stores", stores).unwrap();
    config.set("codecs.trusted_wasm", serde_json::json!(trusted)).unwrap();
    config
}

fn connect(folder: &Path, registry: Registry, trusted: &[&str]) -> Connection {
    Connection::options()
        .config(config(folder, trusted))
        .registry(Arc::new(registry))
        .directory(folder)
        .open()
        .unwrap()
}

fn delta() -> WasmCodec {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/wasm/modules/delta.wasm");
    let options = LoadOptions { limits: None, embed_decoder: Some(true) };
    WasmCodec::from_path_with(file, options).unwrap()
}

fn with_delta() -> Registry {
    let registry = Registry::with_builtins();
    registry.register(Arc::new(delta())).unwrap();
    registry
}

fn times(start: i64) -> Value {
    Value::Array(Box::new(NdArray::from_vec((0..100).map(|i| start + i * 7).collect::<Vec<i64>>())))
}

fn modules(folder: &Path) -> usize {
    let Ok(entries) = std::fs::read_dir(folder.join("store/_hash/lab")) else { return 0 };
    entries.filter(|entry| entry.as_ref().unwrap().file_name().len() == 52).count()
}

const DEFINITION: &str = "
    id : int32
    ---
    inside : <delta>
    outside : <delta@>
    empty = null : <delta@main>
";

#[test]
fn values_are_read_without_the_codec_if_their_decoder_is_trusted() {
    let folder = tempfile::tempdir().unwrap();
    {
        let connection = connect(folder.path(), with_delta(), &[]);
        let table = connection.schema("lab").unwrap().manual("Event", DEFINITION).unwrap();
        let rows =
            (0..3i64).map(|id| row! { "id" => id, "inside" => times(id), "outside" => times(id * 10) });
        table.insert(rows).unwrap();
        let back = (&table & row! { "id" => 2 }).fetch1().unwrap();
        assert_eq!(back.value("inside"), Some(&times(2)));
        assert_eq!(back.value("outside"), Some(&times(20)));
        assert_eq!(back.value("empty"), Some(&Value::Null));
        assert_eq!(modules(folder.path()), 1, "one module for all rows and both columns");
    }
    let codec = delta();
    let stranger = connect(folder.path(), Registry::with_builtins(), &[]);
    let table = stranger.existing_schema("lab").unwrap().table("Event").unwrap();
    let error = table.query().fetch().unwrap_err().to_string();
    assert!(error.contains(codec.sha256()) && error.contains("codecs.trusted_wasm"), "{error}");
    assert!(error.contains("inside") || error.contains("outside"), "{error}");

    let reader = connect(folder.path(), Registry::with_builtins(), &[codec.sha256()]);
    let table = reader.existing_schema("lab").unwrap().table("Event").unwrap();
    let rows = table.query().fetch().unwrap();
    assert_eq!(rows.len(), 3);
    for (id, row) in rows.iter().enumerate() {
        let id = i64::try_from(id).unwrap();
        assert_eq!(row.value("inside"), Some(&times(id)));
        assert_eq!(row.value("outside"), Some(&times(id * 10)));
    }
    // Who only reads cannot write.
    let error = table.insert1(row! { "id" => 9, "inside" => times(0), "outside" => times(0) }).unwrap_err();
    assert!(error.to_string().contains("Unknown codec: <delta>"), "{error}");
}

#[test]
fn a_module_is_collected_with_the_last_row_that_names_it() {
    for (attribute, place) in [("<delta>", Place::Inline), ("<delta@>", Place::Store)] {
        let folder = tempfile::tempdir().unwrap();
        let connection = connect(folder.path(), with_delta(), &[]);
        let schema = connection.schema("lab").unwrap();
        let table = schema.manual("Event", &format!("id : int32\n---\ntimes : {attribute}")).unwrap();
        table.insert((0..2i64).map(|id| row! { "id" => id, "times" => times(id) })).unwrap();
        let collect = || {
            for _ in 0..2 {
                let options = CollectOptions::new().delete().grace(Duration::ZERO);
                let report = objects::collect(std::slice::from_ref(&schema), &options).unwrap();
                assert!(report.errors.is_empty(), "{:?}", report.errors);
            }
        };
        collect();
        assert_eq!(modules(folder.path()), 1, "{place:?}");
        (&table & row! { "id" => 0 }).delete(&DeleteOptions::new()).unwrap();
        collect();
        assert_eq!(modules(folder.path()), 1, "{place:?}: a row still names it");
        assert_eq!(table.query().fetch().unwrap()[0].value("times"), Some(&times(1)));
        table.delete(&DeleteOptions::new()).unwrap();
        collect();
        assert_eq!(modules(folder.path()), 0, "{place:?}: no row names it");
    }
}
