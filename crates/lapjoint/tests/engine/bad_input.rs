//! Bad input gets a clear error and loses nothing.

use std::sync::Arc;

use crate::common::{fresh, objects};
use lapjoint::codec::{Codec, CodecError, DecodeContext, EncodeContext, Place, Registry};
use lapjoint::types::{ObjectArray, TypeSpec};
use lapjoint::{Connection, NdArray, Table, Value, row};

#[track_caller]
fn refused<T>(outcome: Result<T, lapjoint::Error>, parts: &[&str]) {
    let message = outcome.err().map(|error| error.to_string()).unwrap_or_else(|| "accepted".to_owned());
    for part in parts {
        assert!(message.contains(part), "{part:?} in {message}");
    }
}

fn table(connection: &Connection, name: &str, definition: &str) -> Table {
    connection.schema("lab").unwrap().manual(name, definition).unwrap()
}

/// A codec that is stored as another one.
#[derive(Debug)]
struct Alias(&'static str, &'static str);

impl Codec for Alias {
    fn name(&self) -> &str {
        self.0
    }
    fn dtype(&self, _: Place) -> Result<TypeSpec, CodecError> {
        TypeSpec::parse(self.1).map_err(|error| CodecError::value(self.0, error.to_string()))
    }
    fn encode(&self, value: Value, _: &mut EncodeContext<'_>) -> Result<Value, CodecError> {
        Ok(value)
    }
    fn decode(&self, stored: Value, _: &DecodeContext<'_>) -> Result<Value, CodecError> {
        Ok(stored)
    }
}

#[test]
fn chains_that_lead_nowhere() {
    let (directory, connection) = fresh();
    let registry = Arc::new(Registry::with_builtins());
    for codec in
        [Alias("ping", "<pong>"), Alias("pong", "<ping>"), Alias("lost", "<nothing>"), Alias("odd", "<npy>")]
    {
        registry.register(Arc::new(codec)).unwrap();
    }
    let config = connection.config();
    drop(connection);
    let connection = Connection::options()
        .config(config)
        .directory(directory.path().join("database"))
        .registry(registry)
        .open()
        .unwrap();
    let schema = connection.schema("lab").unwrap();
    refused(
        schema.manual("A", "id : int8\n---\nx : <ping>"),
        &["`x`", "Circular codec reference detected: <ping>", "<pong>"],
    );
    refused(schema.manual("A", "id : int8\n---\nx : <lost>"), &["`x`", "Unknown codec: <nothing>"]);
    refused(schema.manual("A", "id : int8\n---\nx : <odd>"), &["`x`", "<npy@>"]);
    refused(schema.manual("A", "id : int8\n---\nx : <npy>"), &["<npy> requires @ (store only)"]);
    refused(
        schema.manual("A", "id : int8\n---\nx : <blob@cold>"),
        &["Storage 'cold' is requested but not configured"],
    );
    assert!(schema.list_tables().unwrap().is_empty());
}

#[test]
fn a_codec_that_is_gone_leaves_the_rest_readable() {
    let (directory, connection) = fresh();
    let registry = Arc::new(Registry::with_builtins());
    registry.register(Arc::new(Alias("mine", "<blob@>"))).unwrap();
    let config = connection.config();
    drop(connection);
    let open = |registry| {
        let options = Connection::options().config(config.clone()).registry(registry);
        options.directory(directory.path().join("database")).open().unwrap()
    };
    let with = open(registry);
    let first = with.schema("lab").unwrap().manual("T", "id : int8\n---\nx : <mine@>\ny : int8").unwrap();
    first.insert1(row! { "id" => 1, "x" => "text", "y" => 2 }).unwrap();
    drop((first, with));

    let without = open(Arc::new(Registry::with_builtins()));
    let schema = without.existing_schema("lab").unwrap();
    let table = schema.table("T").unwrap();
    assert_eq!(table.query().proj(["y"]).fetch1().unwrap(), row! { "id" => 1, "y" => 2 });
    refused(table.query().fetch(), &["`x`", "<mine@>", "Unknown codec: <mine>"]);
    refused(table.insert1(row! { "id" => 2, "x" => "text", "y" => 2 }), &["`x`", "Unknown codec: <mine>"]);
    // What its objects are, nobody knows here: nothing may look unused.
    refused(lapjoint::objects::unreferenced(&schema), &["`x`", "cannot be known"]);
}

#[test]
fn values_of_the_wrong_kind() {
    let (_directory, connection) = fresh();
    let table = table(
        &connection,
        "T",
        "id : float64\n---\na = null : <npy@>\nb = null : <object@>\nc = null : <blob>",
    );
    let strange = Value::ObjectArray(Box::new(ObjectArray { shape: vec![1], elements: vec![Value::Null] }));
    refused(table.insert1(row! { "id" => 1.0, "a" => strange }), &["`a`", "object dtype"]);
    refused(table.insert1(row! { "id" => 1.0, "a" => "path.npy" }), &["`a`", "numpy.ndarray", "str"]);
    refused(table.insert1(row! { "id" => 1.0, "b" => 5 }), &["`b`", "<object>", "int"]);
    refused(table.insert1(row! { "id" => 1.0, "b" => "no/such/file" }), &["`b`", "no/such/file"]);
    refused(table.insert1(row! { "id" => f64::NAN }), &["`id`", "NaN", "primary key", "row 0"]);
    refused(table.insert1(row! { "id" => Value::Null }), &["`id`"]);
    let half = lapjoint::types::DType::little(lapjoint::types::Kind::Float(2));
    let half = NdArray::new(half, vec![1], lapjoint::types::Order::C, vec![0u8; 2].into()).unwrap();
    refused(table.insert1(row! { "id" => 1.0, "c" => half }), &["`c`", "float16", "float32"]);
    assert_eq!((table.query().count().unwrap(), objects(&connection)), (0, 0));
}

#[test]
fn paths_that_would_leave_the_store() {
    let (directory, connection) = fresh();
    std::fs::write(directory.path().join("secret"), b"secret").unwrap();
    let mut config = connection.config();
    config.set("stores.filepath_default", "main").unwrap();
    drop(connection);
    let connection =
        Connection::options().config(config).directory(directory.path().join("database")).open().unwrap();
    let files = table(&connection, "File", "id : int8\n---\nfile : <filepath@>");
    for path in ["../secret", "a/../../secret", "/etc/passwd", "", "a\0b"] {
        assert!(files.insert1(row! { "id" => 1, "file" => path }).is_err(), "{path}");
    }
    refused(files.insert1(row! { "id" => 1, "file" => "../secret" }), &["`file`", "../secret"]);
    refused(files.insert1(row! { "id" => 1, "file" => "_hash/x" }), &["reserved section"]);
    refused(files.insert1(row! { "id" => 1, "file" => "raw/none.bin" }), &["File not found in store 'main'"]);
    let arrays = table(&connection, "Array", "name : varchar(20)\n---\narray : <npy@>");
    for name in ["..", ".", ""] {
        let outcome = arrays.insert1(row! { "name" => name, "array" => NdArray::from_vec(vec![1u8]) });
        assert!(outcome.is_err(), "{name}");
    }
    arrays.insert1(row! { "name" => "../../x", "array" => NdArray::from_vec(vec![1u8]) }).unwrap();
    assert!(!directory.path().join("x").exists());
    assert_eq!(objects(&connection), 1);
}

#[test]
fn damaged_objects_are_found_and_named() {
    let (directory, connection) = fresh();
    let table = table(&connection, "T", "id : int8\n---\nblob : <blob@>\narray : <npy@>\nfile : <object@>");
    let whole = NdArray::from_vec((0..500u32).collect::<Vec<_>>());
    for id in 1..=2i64 {
        let blob = NdArray::from_vec(vec![id; 3]);
        table
            .insert1(row! { "id" => id, "blob" => blob, "array" => whole.clone(), "file" => vec![5u8; 100] })
            .unwrap();
    }
    let store = connection.stores().get(None).unwrap();
    let key = row! { "id" => 1 };
    let references = lapjoint::objects::references(table.schema()).unwrap();
    let path = |attribute: &str| {
        let found = references.iter().find(|r| r.key == "id=1" && r.place.ends_with(attribute)).unwrap();
        found.object.path.clone()
    };
    for (attribute, part) in [("blob", "<blob@>"), ("array", "array"), ("file", "file")] {
        let path = path(attribute);
        let on_disk = directory.path().join("store").join(&path);
        let sound = std::fs::read(&on_disk).unwrap();
        let mut flipped = sound.clone();
        *flipped.last_mut().unwrap() ^= 1;
        for damaged in [&flipped[..], &sound[..sound.len() - 1], &[]] {
            std::fs::write(&on_disk, damaged).unwrap();
            let outcome = read(&(&table & &key), attribute);
            refused(outcome, &[&path, part]);
            let report = lapjoint::objects::verify(table.schema(), true, &mut |_, _| {}).unwrap();
            assert_eq!(report.damage.len(), 1, "{attribute}");
            assert!(report.damage[0].reference.place.ends_with(attribute));
        }
        std::fs::remove_file(&on_disk).unwrap();
        refused(read(&(&table & &key), attribute), &[&path]);
        assert!(read(&(&table & row! { "id" => 2 }), attribute).is_ok());
        std::fs::write(&on_disk, &sound).unwrap();
    }
    assert!(lapjoint::objects::verify(table.schema(), true, &mut |_, _| {}).unwrap().damage.is_empty());
    assert_eq!(store.list("").unwrap().len(), 6);
}

/// Fetches one attribute and reads what it refers to.
fn read(query: &lapjoint::Query, attribute: &str) -> Result<(), lapjoint::Error> {
    let row = query.proj([attribute]).fetch1()?;
    let value = row.value(attribute).unwrap();
    if let Some(array) = value.downcast_ref::<lapjoint::codec::NpyRef>() {
        array.load().map_err(|error| lapjoint::Error::Usage(format!("array: {error}")))?;
    }
    if let Some(object) = value.downcast_ref::<lapjoint::codec::ObjectRef>() {
        object.read().map_err(|error| lapjoint::Error::Usage(format!("file: {error}")))?;
    }
    Ok(())
}

#[test]
fn many_threads_insert_and_fetch() {
    let (_directory, connection) = fresh();
    let table = table(&connection, "T", "worker : int8\nnumber : int16\n---\nshared : <blob@>\nown : <npy@>");
    std::thread::scope(|scope| {
        for worker in 0..8i64 {
            let table = &table;
            scope.spawn(move || {
                for number in 0..12i64 {
                    let row = row! {
                        "worker" => worker, "number" => number,
                        "shared" => NdArray::from_vec(vec![number; 500]),
                        "own" => NdArray::from_vec(vec![worker; 50]),
                    };
                    if number % 3 == 0 {
                        let connection = table.schema().connection();
                        connection.transaction(|| table.insert1(&row)).unwrap();
                    } else {
                        table.insert1(&row).unwrap();
                    }
                    assert!(table.insert1(&row).unwrap_err().is_duplicate());
                    assert!((table & row! { "worker" => worker }).count().unwrap() > 0);
                }
            });
        }
    });
    assert_eq!(table.query().count().unwrap(), 96);
    assert_eq!(objects(&connection), 12 + 96);
    assert!(lapjoint::objects::verify(table.schema(), true, &mut |_, _| {}).unwrap().damage.is_empty());
    assert!(lapjoint::objects::unreferenced(table.schema()).unwrap().unreferenced.is_empty());
}

/// A codec that keeps a folder and, as some plugins, does not say in its metadata that it is one.
#[derive(Debug)]
struct Quiet(std::path::PathBuf);

impl Codec for Quiet {
    fn name(&self) -> &str {
        "quiet"
    }
    fn dtype(&self, _: Place) -> Result<TypeSpec, CodecError> {
        Ok(TypeSpec::Core(lapjoint::types::CoreType::Json))
    }
    fn encode(&self, _: Value, context: &mut EncodeContext<'_>) -> Result<Value, CodecError> {
        let path = context.schema_path(".tree")?;
        let payload = lapjoint::store::Payload::Folder(self.0.clone());
        context.stage(&path, payload, lapjoint::store::Addressing::Schema)?;
        Ok(serde_json::json!({"path": path, "store": "main"}).into())
    }
    fn decode(&self, stored: Value, _: &DecodeContext<'_>) -> Result<Value, CodecError> {
        Ok(stored)
    }
}

#[test]
fn folders_of_plugins_are_referenced_and_verified() {
    let (directory, connection) = fresh();
    let source = directory.path().join("source");
    std::fs::create_dir_all(source.join("c/0")).unwrap();
    std::fs::write(source.join("c/0/1"), b"chunk").unwrap();
    std::fs::write(source.join("zarr.json"), b"{}").unwrap();
    let registry = Arc::new(Registry::with_builtins());
    registry.register(Arc::new(Quiet(source))).unwrap();
    let config = connection.config();
    drop(connection);
    let options = Connection::options().config(config).registry(registry);
    let connection = options.directory(directory.path().join("database")).open().unwrap();
    let table = table(&connection, "T", "id : int8\n---\nx : <quiet@>");
    table.insert([row! { "id" => 1, "x" => 1 }, row! { "id" => 2, "x" => 1 }]).unwrap();
    assert_eq!(objects(&connection), 6);
    let schema = table.schema();
    assert!(lapjoint::objects::verify(schema, true, &mut |_, _| {}).unwrap().damage.is_empty());
    assert!(lapjoint::objects::unreferenced(schema).unwrap().unreferenced.is_empty());
    let path = lapjoint::objects::references(schema).unwrap()[0].object.path.clone();
    std::fs::remove_file(directory.path().join("store").join(&path).join("c/0/1")).unwrap();
    let report = lapjoint::objects::verify(schema, true, &mut |_, _| {}).unwrap();
    assert!(report.damage.len() == 1 && report.damage[0].problem.contains("c/0/1"), "{:?}", report.damage);
    (&table & row! { "id" => 1 }).delete(&lapjoint::DeleteOptions::new()).unwrap();
    let unreferenced = lapjoint::objects::unreferenced(schema).unwrap().unreferenced;
    assert_eq!(unreferenced.iter().map(|object| object.files.len()).collect::<Vec<_>>(), [2]);
}
