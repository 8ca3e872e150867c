//! Collection of objects that no row refers to.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use lapjoint::codec::{Codec, CodecError, DecodeContext, EncodeContext, Place, Registry};
use lapjoint::objects::{CollectOptions, CollectReport, Fate, FormerLayout, ObjectKind, collect};
use lapjoint::store::{Config, LoadOptions, PutMode};
use lapjoint::types::TypeSpec;
use lapjoint::{Connection, DeleteOptions, Error, InsertOptions, NdArray, Schema, Table, Value, row};

use crate::common::{fresh, objects, open};

/// A codec of a user's that leaves storing to `<blob>`: what DataJoint's collector takes for garbage.
#[derive(Debug)]
pub struct Graph;

impl Codec for Graph {
    fn name(&self) -> &str {
        "graph"
    }
    fn dtype(&self, _: Place) -> Result<TypeSpec, CodecError> {
        Ok(TypeSpec::parse("<blob>")?)
    }
    fn encode(&self, value: Value, _: &mut EncodeContext<'_>) -> Result<Value, CodecError> {
        Ok(Value::List(vec![value]))
    }
    fn decode(&self, stored: Value, _: &DecodeContext<'_>) -> Result<Value, CodecError> {
        match stored {
            Value::List(mut items) | Value::Tuple(mut items) if items.len() == 1 => Ok(items.remove(0)),
            other => Err(CodecError::value("graph", format!("not a graph: {}", other.type_name()))),
        }
    }
}

pub fn with_graph() -> Arc<Registry> {
    let registry = Registry::with_builtins();
    registry.register(Arc::new(Graph)).unwrap();
    Arc::new(registry)
}

fn config(directory: &Path) -> Config {
    let store = directory.join("store");
    std::fs::create_dir_all(&store).unwrap();
    let mut config = Config::load(&LoadOptions::isolated()).unwrap();
    config.set("stores.default", "main").unwrap();
    config.set("stores.main.protocol", "file").unwrap();
    config.set("stores.main.location", store.to_str().unwrap()).unwrap();
    config
}

fn open_with(directory: &Path, registry: Arc<Registry>) -> Connection {
    let options = Connection::options().config(config(directory)).registry(registry);
    options.directory(directory.join("database")).open().unwrap()
}

fn array(seed: i64) -> NdArray {
    NdArray::from_vec((0..2000).map(|i| (i * 7 + seed * 1_000_003) as f64).collect())
}

fn now() -> CollectOptions {
    CollectOptions::new().delete().grace(Duration::ZERO)
}

fn run(schema: &Schema, options: &CollectOptions) -> CollectReport {
    let report = collect(std::slice::from_ref(schema), options).unwrap();
    assert!(report.errors.is_empty(), "{report}");
    report
}

fn undamaged(schema: &Schema) {
    let report = lapjoint::objects::verify(schema, true, &mut |_, _| {}).unwrap();
    assert!(report.damage.is_empty(), "{:?}", report.damage);
}

fn files_below(folder: &Path) -> usize {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap());
    let count = |entry: std::fs::DirEntry| match entry.file_type().unwrap().is_dir() {
        true => files_below(&entry.path()),
        false => 1,
    };
    entries.map(count).sum()
}

fn refused(schema: &Schema, words: &[&str]) {
    let root = schema.connection().stores().get(Some("main")).unwrap().local_path("x").unwrap().unwrap();
    let files = || files_below(root.parent().unwrap());
    let before = files();
    let error = collect(std::slice::from_ref(schema), &now()).unwrap_err();
    let text = error.to_string();
    assert!(matches!(error, Error::NotCollectable { .. }), "{text}");
    assert!(text.starts_with("Refusing to delete"), "{text}");
    words.iter().for_each(|word| assert!(text.contains(word), "{text}: no {word}"));
    assert_eq!(files(), before);
    let looked = collect(std::slice::from_ref(schema), &CollectOptions::new()).unwrap();
    assert!(!looked.errors.is_empty());
}

const DEFINITION: &str = "
    id : int32
    ---
    blob = null : <blob@>
    array = null : <npy@>
    file = null : <object@>
    graph = null : <graph@>
";

fn all_kinds(connection: &Connection) -> Table {
    connection.schema("lab").unwrap().manual("Value", DEFINITION).unwrap()
}

fn folder(directory: &Path, files: usize) -> String {
    let folder = directory.join("source");
    std::fs::create_dir_all(folder.join("sub")).unwrap();
    for number in 0..files {
        std::fs::write(folder.join(format!("sub/{number}")), [7; 100]).unwrap();
    }
    folder.to_str().unwrap().to_owned()
}

#[test]
fn objects_of_deleted_updated_and_replaced_rows_are_collected_and_no_others() {
    let directory = tempfile::tempdir().unwrap();
    let connection = open_with(directory.path(), with_graph());
    let table = all_kinds(&connection);
    let source = folder(directory.path(), 3);
    let rows = (0..4).map(|id| {
        row! { "id" => id, "blob" => array(i64::from(id % 2)), "array" => array(5), "file" => source.as_str(),
        "graph" => array(10 + i64::from(id)) }
    });
    table.insert(rows).unwrap();
    // 2 blobs, 4 arrays, 4 folders of 3 files and a manifest, 4 graphs.
    assert_eq!(objects(&connection), 2 + 4 + 16 + 4);
    let idle = run(table.schema(), &now());
    assert_eq!((idle.unreferenced.len(), idle.referenced.all(), idle.stored.all()), (0, 14, 14), "{idle}");
    (&table & row! { "id" => 0 }).delete(&DeleteOptions::new()).unwrap();
    table.update1(row! { "id" => 1, "array" => array(6) }).unwrap();
    table.insert_with([row! { "id" => 2, "graph" => array(13) }], &InsertOptions::new().replace()).unwrap();
    let looked = run(table.schema(), &CollectOptions::new());
    // Row 0: array, folder, graph; row 1: array; row 2: array, folder, graph, and with it the blob of rows 0 and 2.
    assert_eq!(looked.unreferenced.len(), 8, "{looked}");
    assert!(looked.dry_run && looked.deleted == 0);
    assert!(looked.unreferenced.iter().all(|object| matches!(object.fate, Fate::Young(_))));
    let report = run(table.schema(), &now());
    assert_eq!((report.deleted, report.put_aside.hash, report.waiting), (8, 3, 0), "{report}");
    assert!(report.unreferenced.iter().all(|object| object.fate == Fate::Deleted), "{report:?}");
    assert_eq!(report.freed_bytes, report.unreferenced.iter().map(|object| object.size_bytes).sum::<u64>());
    assert_eq!(objects(&connection), 1 + 2 + 8 + 2);
    undamaged(table.schema());
    assert_eq!(run(table.schema(), &now()).unreferenced, []);
    // The whole life of marks leaves none.
    let marks = connection.run_sql("SELECT count(*) AS n FROM lab.\"~collect\"", &[]).unwrap();
    assert_eq!(marks.rows, [[Value::Int(0)]]);
}

#[test]
fn nothing_is_deleted_before_its_time() {
    let (_directory, connection) = fresh();
    let lab = connection.schema("lab").unwrap();
    let table = lab.manual("Value", "id : int32\n---\nblob : <blob@>\narray : <npy@>").unwrap();
    table.insert1(row! { "id" => 1, "blob" => array(1), "array" => array(1) }).unwrap();
    table.query().delete(&DeleteOptions::new()).unwrap();
    let daily = CollectOptions::new().delete();
    let report = run(&lab, &daily);
    assert_eq!((report.marked, report.waiting, report.deleted), (0, 2, 0), "{report}");
    assert!(report.unreferenced.iter().all(|object| matches!(object.fate, Fate::Young(_))));
    let grace = Duration::from_millis(400);
    let quick = CollectOptions::new().delete().grace(grace);
    std::thread::sleep(grace);
    let report = run(&lab, &quick);
    assert_eq!((report.marked, report.waiting, report.deleted), (2, 2, 0), "{report}");
    assert!(
        report.waiting_until.unwrap().as_millisecond()
            > report.unreferenced[0].modified.as_millisecond() + 800
    );
    let report = run(&lab, &quick);
    assert_eq!((report.marked, report.waiting, report.deleted), (0, 2, 0), "{report}");
    std::thread::sleep(grace);
    // The array is deleted; the blob, which others might share, is put aside.
    let report = run(&lab, &quick);
    assert_eq!(
        (report.deleted, report.put_aside.hash, report.aside, report.waiting),
        (1, 1, 1, 1),
        "{report}"
    );
    assert_eq!(objects(&connection), 1);
    let report = run(&lab, &quick);
    assert_eq!((report.deleted, report.aside, report.waiting), (0, 1, 1), "{report}");
    std::thread::sleep(grace);
    let report = run(&lab, &quick);
    assert_eq!((report.deleted, report.waiting), (1, 0), "{report}");
    assert_eq!(objects(&connection), 0);
}

#[test]
fn an_object_that_is_stored_again_or_referred_to_again_is_marked_anew() {
    let (_directory, connection) = fresh();
    let lab = connection.schema("lab").unwrap();
    let table = lab.manual("Value", "id : int32\n---\nblob : <blob@>").unwrap();
    let grace = Duration::from_millis(300);
    let quick = CollectOptions::new().delete().grace(grace);
    let store = || {
        table.insert1(row! { "id" => 1, "blob" => array(1) }).unwrap();
        table.query().delete(&DeleteOptions::new()).unwrap();
    };
    store();
    std::thread::sleep(grace);
    assert_eq!(run(&lab, &quick).marked, 1);
    std::thread::sleep(grace);
    table.insert1(row! { "id" => 1, "blob" => array(1) }).unwrap();
    let report = run(&lab, &quick);
    assert_eq!((report.unreferenced.len(), report.put_aside.hash), (0, 0));
    table.query().delete(&DeleteOptions::new()).unwrap();
    assert_eq!(run(&lab, &quick).marked, 1, "its old mark is gone");
    // Somebody writes it anew: the file's time changes.
    let main = connection.stores().get(None).unwrap();
    let path = main.list("").unwrap()[0].path.clone();
    let content = main.get(&path).unwrap();
    std::thread::sleep(grace);
    main.put(&path, content, PutMode::Overwrite).unwrap();
    let report = run(&lab, &quick);
    assert_eq!((report.put_aside.hash, report.waiting), (0, 1), "{report}");
    assert!(matches!(report.unreferenced[0].fate, Fate::Young(_)));
}

#[test]
fn what_was_put_aside_is_brought_back_when_a_row_refers_to_it() {
    let (_directory, connection) = fresh();
    let lab = connection.schema("lab").unwrap();
    let table = lab.manual("Value", "id : int32\n---\nblob : <blob@>").unwrap();
    table.insert1(row! { "id" => 1, "blob" => array(1) }).unwrap();
    let stored = connection.run_sql("SELECT blob FROM lab.value", &[]).unwrap().rows[0][0].clone();
    table.query().delete(&DeleteOptions::new()).unwrap();
    let grace = Duration::from_millis(100);
    let quick = CollectOptions::new().delete().grace(grace);
    std::thread::sleep(grace);
    run(&lab, &quick);
    std::thread::sleep(grace);
    assert_eq!(run(&lab, &quick).put_aside.hash, 1);
    // As a writer without locks would, who had found the object in place.
    connection.run_sql("INSERT INTO lab.value (id, blob) VALUES (1, ?)", &[stored]).unwrap();
    assert!(table.query().fetch().is_err());
    std::thread::sleep(grace);
    let report = run(&lab, &quick);
    assert_eq!((report.restored, report.deleted), (1, 0), "{report}");
    undamaged(&lab);
    assert_eq!(objects(&connection), 1);
}

#[test]
fn what_was_stored_again_while_it_lay_aside_is_collected_again() {
    let (_directory, connection) = fresh();
    let lab = connection.schema("lab").unwrap();
    let table = lab.manual("Value", "id : int32\n---\nblob : <blob@>").unwrap();
    let grace = Duration::from_millis(100);
    let quick = CollectOptions::new().delete().grace(grace);
    for round in 0..2 {
        table.insert1(row! { "id" => 1, "blob" => array(1) }).unwrap();
        undamaged(&lab);
        table.query().delete(&DeleteOptions::new()).unwrap();
        std::thread::sleep(grace);
        let report = run(&lab, &quick);
        assert_eq!((report.marked, report.aside), (1, 0), "round {round}: {report}");
        std::thread::sleep(grace);
        let report = run(&lab, &quick);
        assert_eq!((report.put_aside.hash, report.aside, report.deleted), (1, 1, 0), "{report}");
    }
    table.insert1(row! { "id" => 1, "blob" => array(1) }).unwrap();
    let report = run(&lab, &quick);
    assert_eq!((report.unreferenced.len(), report.aside, report.restored), (0, 0, 0), "{report}");
    table.query().delete(&DeleteOptions::new()).unwrap();
    assert_eq!(run(&lab, &now()).deleted, 1);
    assert_eq!(objects(&connection), 0);
}

#[test]
fn collection_is_refused_when_anything_that_decides_cannot_be_read() {
    let directory = tempfile::tempdir().unwrap();
    {
        let connection = open_with(directory.path(), with_graph());
        let table = all_kinds(&connection);
        table.insert1(row! { "id" => 1, "graph" => array(1), "blob" => array(2) }).unwrap();
        table.insert1(row! { "id" => 2, "graph" => array(3) }).unwrap();
        (&table & row! { "id" => 2 }).delete(&DeleteOptions::new()).unwrap();
    }
    // The codec is not there.
    let connection = open(directory.path());
    refused(&connection.schema("lab").unwrap(), &["`lab`.`value`", "`graph`", "cannot be known"]);
    // A stored value is damaged; the rest of the problems is named as well.
    let connection = open_with(directory.path(), with_graph());
    let lab = connection.schema("lab").unwrap();
    let other = lab.manual("Other", "id : int32\n---\narray : <npy@>").unwrap();
    other.insert1(row! { "id" => 1, "array" => array(1) }).unwrap();
    let spoil = |sql: &str| connection.run_sql(sql, &[]).map(drop).unwrap();
    spoil("UPDATE lab.value SET blob = json_set(blob, '$.path', 5)");
    spoil("UPDATE lab.other SET array = json_set(array, '$.store', 'attic')");
    refused(&lab, &["`blob`", "\"path\"", "`lab`.`other`.array", "`attic`", "2 things"]);
    spoil("DELETE FROM lab.value");
    refused(&lab, &["`attic`", "1 thing "]);
    spoil("DELETE FROM lab.other");
    // A store cannot be listed: a link to a folder in which it lies.
    let section = directory.path().join("store/_schema/lab");
    std::os::unix::fs::symlink(&section, section.join("loop")).unwrap();
    refused(&lab, &["store `main`", "loop"]);
    std::fs::remove_file(section.join("loop")).unwrap();
    // A store that cannot be opened.
    connection
        .stores()
        .update(|config| {
            config.set("stores.gone.protocol", "file")?;
            config.set("stores.gone.location", directory.path().join("gone").to_str())
        })
        .unwrap();
    refused(&lab, &["store `gone`"]);
    assert_eq!(run(&lab, &now().store("main")).deleted, 4);
    // An intent that cannot be read.
    let intents = directory.path().join("database/.lapjoint/intents/lab");
    std::fs::create_dir_all(&intents).unwrap();
    std::fs::write(intents.join("x.json"), "{").unwrap();
    assert!(collect(&[lab], &now().store("main")).unwrap_err().to_string().contains("x.json"));
}

#[test]
fn rows_copied_to_another_schema_keep_their_objects() {
    let directory = tempfile::tempdir().unwrap();
    {
        let connection = open_with(directory.path(), with_graph());
        let table = all_kinds(&connection);
        table
            .insert1(row! { "id" => 1, "blob" => array(1), "array" => array(1), "graph" => array(2) })
            .unwrap();
        let copy = connection.schema("archive").unwrap().manual("Copy", DEFINITION).unwrap();
        copy.insert_query(&table.query(), &InsertOptions::new()).unwrap();
        table.query().delete(&DeleteOptions::new()).unwrap();
        assert_eq!(run(table.schema(), &now()).unreferenced, []);
        undamaged(copy.schema());
    }
    // Another schema's codec may be missing here, unless its column mentions this schema.
    let connection = open(directory.path());
    let lab = connection.schema("lab").unwrap();
    connection.run_sql("DROP TABLE lab.value", &[]).unwrap();
    let error = collect(std::slice::from_ref(&lab), &now()).unwrap_err().to_string();
    assert!(error.contains("`archive`.`copy`.graph: its codec is missing"), "{error}");
    connection.schema("archive").unwrap();
    connection.run_sql("UPDATE archive.copy SET graph = NULL", &[]).unwrap();
    let report = run(&lab, &now());
    assert_eq!((report.unreferenced.len(), report.deleted), (1, 1), "{report}");
    let report = run(&lab, &now().only_given_schemas());
    assert_eq!(report.deleted, 2, "{report}");
}

#[test]
fn partitions_and_former_sections_are_collected_when_they_are_named() {
    let (directory, connection) = fresh();
    let lab = connection.schema("lab").unwrap();
    let definition = "subject : int32\nid : int32\n---\nblob : <blob@>\narray : <npy@>";
    let table = lab.manual("Value", definition).unwrap();
    let set = |key: &str, value: &str| connection.stores().update(|config| config.set(key, value)).unwrap();
    let insert = |id: i32| {
        table
            .insert1(row! { "subject" => 1, "id" => id, "blob" => array(id.into()), "array" => array(0) })
            .unwrap();
    };
    insert(0);
    set("stores.main.partition_pattern", "{subject}");
    insert(1);
    set("stores.main.hash_prefix", "content");
    set("stores.main.schema_prefix", "things");
    insert(2);
    assert!(directory.path().join("store/_schema/subject=1/lab/value").is_dir());
    assert!(directory.path().join("store/things/subject=1/lab/value").is_dir());
    assert_eq!(run(&lab, &now()).unreferenced, []);
    let user = directory.path().join("store/_schema/subject=1/other/value/array_abcdef.npy");
    std::fs::create_dir_all(user.parent().unwrap()).unwrap();
    std::fs::write(&user, "of another schema").unwrap();
    table.query().delete(&DeleteOptions::new()).unwrap();
    assert_eq!(run(&lab, &now()).deleted, 2);
    assert_eq!(objects(&connection), 5);
    let hash = FormerLayout { hash_prefix: Some("_hash".into()), ..FormerLayout::default() };
    let elsewhere = FormerLayout { store: Some("cold".into()), ..hash.clone() };
    assert_eq!(run(&lab, &now().former(elsewhere)).deleted, 0);
    assert_eq!(run(&lab, &now().former(hash)).deleted, 2);
    let schema_prefix = Some("_schema".into());
    let former = FormerLayout { schema_prefix, partitioned: true, ..FormerLayout::default() };
    assert_eq!(run(&lab, &now().former(former)).deleted, 2);
    assert!(user.exists() && objects(&connection) == 1);
}

#[test]
fn files_of_users_and_of_other_schemas_are_never_touched() {
    let (directory, connection) = fresh();
    connection.stores().update(|config| config.set("stores.filepath_default", "main")).unwrap();
    let lab = connection.schema("lab").unwrap();
    let other = connection.schema("other").unwrap();
    let definition = "id : int32\n---\nblob : <blob@>\narray : <npy@>\nfile : <filepath@>";
    let store = directory.path().join("store");
    for file in ["raw/a.bin", "lab/b_abcdef.bin", "_hash/lab/notes.txt", "_hash/aaaaaaaaaaaaaaaaaaaaaaaaaa"] {
        std::fs::create_dir_all(store.join(file).parent().unwrap()).unwrap();
        std::fs::write(store.join(file), "mine").unwrap();
    }
    for schema in [&lab, &other] {
        let table = schema.manual("Value", definition).unwrap();
        table
            .insert1(row! { "id" => 1, "blob" => array(1), "array" => array(1), "file" => "raw/a.bin" })
            .unwrap();
        table.query().delete(&DeleteOptions::new()).unwrap();
    }
    assert_eq!(objects(&connection), 8);
    let report = run(&lab, &now());
    assert_eq!((report.deleted, report.unreferenced.len()), (2, 2), "{report}");
    assert_eq!(objects(&connection), 6);
    let report = collect(&[lab, other], &now()).unwrap();
    assert_eq!(report.deleted, 2, "{report}");
    assert_eq!(objects(&connection), 4);
}

#[test]
fn a_folder_whose_deletion_was_cut_off_is_finished_and_a_changed_one_is_kept() {
    let (directory, connection) = fresh();
    let lab = connection.schema("lab").unwrap();
    let table = lab.manual("Value", "id : int32\n---\nfolder : <object@>").unwrap();
    let source = folder(directory.path(), 5);
    table.insert((0..2).map(|id| row! { "id" => id, "folder" => source.as_str() })).unwrap();
    table.query().delete(&DeleteOptions::new()).unwrap();
    let grace = Duration::from_millis(300);
    let quick = CollectOptions::new().delete().grace(grace);
    std::thread::sleep(grace);
    let report = run(&lab, &quick);
    assert_eq!((report.marked, report.unreferenced.len()), (2, 2));
    let store = directory.path().join("store");
    let (cut, changed) = (&report.unreferenced[0].path, &report.unreferenced[1].path);
    std::fs::remove_file(store.join(format!("{cut}.manifest.json"))).unwrap();
    std::fs::remove_file(store.join(cut).join("sub/0")).unwrap();
    std::thread::sleep(grace);
    std::fs::write(store.join(changed).join("sub/new"), "still at work").unwrap();
    let report = run(&lab, &quick);
    assert_eq!((report.deleted, report.waiting), (1, 1), "{report}");
    assert!(!store.join(cut).exists());
    assert_eq!(std::fs::read_dir(store.join(changed).join("sub")).unwrap().count(), 6);
    assert_eq!(run(&lab, &now()).deleted, 1);
    assert_eq!(objects(&connection), 0);
}

#[test]
fn an_insert_under_way_keeps_its_objects_and_those_that_it_shares() {
    let directory = tempfile::tempdir().unwrap();
    let connection = open(directory.path());
    let lab = connection.schema("lab").unwrap();
    let table =
        lab.manual("Value", "id : int32\n---\nshared : <blob@>\nown : <blob@>\narray : <npy@>").unwrap();
    let row = |id: i32| {
        row! { "id" => id, "shared" => array(7), "own" => array(100 + i64::from(id)), "array" => array(1) }
    };
    table.insert1(row(-1)).unwrap();
    table.query().delete(&DeleteOptions::new()).unwrap();
    let other = open(directory.path());
    let seen = std::cell::Cell::new(0);
    // More than a batch: the first rows' objects are stored when the iterator is asked for the next.
    let rows = (0..5000).map(|id| {
        if id == 4500 {
            let report = run(&other.schema("lab").unwrap(), &now());
            seen.set(report.deleted);
            assert_eq!(objects(&other), 4096 + 12, "what the insert announced stays");
        }
        if !(10..4096).contains(&id) {
            row(id)
        } else {
            row! { "id" => id, "shared" => 1, "own" => 2, "array" => array(1) }
        }
    });
    table.insert(rows.take(4600)).unwrap();
    assert_eq!(seen.get(), 3);
    undamaged(&lab);
}

#[test]
fn a_large_shared_object_is_brought_back_for_an_insert_that_had_found_it() {
    let directory = tempfile::tempdir().unwrap();
    let connection = open(directory.path());
    let lab = connection.schema("lab").unwrap();
    let table = lab.manual("Value", "id : int32\n---\nbytes : <hash@>").unwrap();
    let large = Value::Bytes(vec![5; 65 << 20].into());
    let row = |id: i32| row! { "id" => id, "bytes" => large.clone() };
    table.insert1(row(0)).unwrap();
    table.query().delete(&DeleteOptions::new()).unwrap();
    let other = open(directory.path());
    let grace = Duration::from_millis(100);
    let quick = CollectOptions::new().delete().grace(grace);
    std::thread::sleep(grace);
    run(&lab, &quick);
    let rows = (1..3).map(|id| {
        if id == 2 {
            std::thread::sleep(grace);
            let report = run(&other.schema("lab").unwrap(), &quick);
            assert_eq!((report.put_aside.hash, objects(&other)), (1, 1), "{report}");
        }
        row(id)
    });
    table.insert(rows).unwrap();
    undamaged(&lab);
    std::thread::sleep(grace);
    let report = run(&lab, &quick);
    assert_eq!((report.unreferenced.len(), report.aside, report.restored), (0, 0, 0), "{report}");
    assert_eq!(report.referenced.hash, 1);
}

#[test]
fn collection_minds_transactions_and_its_arguments() {
    let (_directory, connection) = fresh();
    let lab = connection.schema("lab").unwrap();
    assert!(collect(&[], &now()).unwrap_err().to_string().contains("At least one schema"));
    assert!(collect(&[lab.clone(), lab.clone()], &now()).unwrap_err().to_string().contains("twice"));
    let other = Connection::in_memory().unwrap().schema("x").unwrap();
    assert!(collect(&[lab.clone(), other], &now()).unwrap_err().to_string().contains("one connection"));
    assert!(collect(std::slice::from_ref(&lab), &now().store("attic")).is_err());
    connection.start_transaction().unwrap();
    assert!(collect(std::slice::from_ref(&lab), &now()).unwrap_err().to_string().contains("transaction"));
    assert!(collect(std::slice::from_ref(&lab), &CollectOptions::new()).is_ok());
    connection.commit_transaction().unwrap();
    assert_eq!(run(&lab, &now()).stored.all(), 0);
    assert!(lab.list_tables().unwrap().is_empty(), "marks are hidden");
}

#[test]
fn half_written_files_of_dead_writers_go_after_a_day() {
    let (directory, connection) = fresh();
    let lab = connection.schema("lab").unwrap();
    let table = lab.manual("Value", "id : int32\n---\nblob : <blob@>").unwrap();
    table.insert1(row! { "id" => 1, "blob" => array(1) }).unwrap();
    let staging = directory.path().join("store/.lapjoint-staging");
    for (name, hours) in [("old", 25), ("new", 1)] {
        std::fs::write(staging.join(name), "half").unwrap();
        let time = SystemTime::now() - Duration::from_secs(hours * 3600);
        let file = std::fs::File::options().write(true).open(staging.join(name)).unwrap();
        file.set_modified(time).unwrap();
    }
    assert_eq!(run(&lab, &now()).leftovers, 1);
    assert!(staging.join("new").exists());
    assert_eq!(lapjoint::objects::list(&[lab], &CollectOptions::new()).unwrap()[0].kind, ObjectKind::Hash);
}
