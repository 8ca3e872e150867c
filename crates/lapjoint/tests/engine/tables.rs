//! Declaration, insert, fetch, update and description of tables.

use crate::common::{fresh, objects, open};
use lapjoint::codec::{NpyRef, ObjectRef};
use lapjoint::{
    Connection, Decimal, InsertOptions, NdArray, References, Row, Table, Tier, Value, Watch, row,
};
use std::ops::ControlFlow;

#[test]
fn every_core_type_comes_back() {
    let (_directory, connection) = fresh();
    let schema = connection.schema("types").unwrap();
    let table = schema
        .manual(
            "Everything",
            "
            id : int64
            ---
            a : int8
            b : int16
            c : int32
            f : float32
            g : float64
            h : bool
            i : decimal(8,2)
            j : char(4)
            k : varchar(20)
            l : enum('x', 'y z')
            m : date
            n : datetime
            o : json
            p : uuid
            q : bytes
            r = null : float64
            s = 'it''s' : varchar(10)
            t = 7 : int32
            ",
        )
        .unwrap();
    let given = row! {
        "id" => i64::MIN, "a" => -128, "b" => 32767, "c" => -5, "f" => 0.1f32, "g" => f64::NAN, "h" => true,
        "i" => "12.50".parse::<Decimal>().unwrap(), "j" => "ab", "k" => "é\"'\\%", "l" => "y z",
        "m" => "2024-02-29".parse::<jiff::civil::Date>().unwrap(),
        "n" => "2024-02-29T01:02:03.000004".parse::<jiff::civil::DateTime>().unwrap(),
        "o" => serde_json::json!({"b": [1, null, 1.5], "a": "x"}),
        "p" => "6ba7b810-9dad-11d1-80b4-00c04fd430c8".parse::<uuid::Uuid>().unwrap(),
        "q" => vec![0u8, 255],
    };
    table.insert1(&given).unwrap();
    let mut expected = given.clone();
    expected.set("r", Value::Null);
    expected.set("s", "it's");
    expected.set("t", 7);
    let fetched = table.query().fetch1().unwrap();
    for (name, value) in expected.iter() {
        assert_eq!(fetched.value(name), Some(value), "{name}");
    }
    assert_eq!((&table & given.project(["id", "k", "p", "l", "i"])).count().unwrap(), 1);
}

fn recordings(connection: &Connection) -> Table {
    let schema = connection.schema("lab").unwrap();
    schema
        .manual(
            "Recording",
            "
            subject : varchar(20)
            number : int32
            ---
            inline = null : <blob>
            stored = null : <blob@>
            array = null : <npy@main>
            object = null : <object@>
            ",
        )
        .unwrap()
}

fn trace(seed: u8) -> NdArray {
    NdArray::from_vec((0..500u32).map(|i| f64::from(i * u32::from(seed))).collect())
}

fn recording(number: i64) -> Row {
    let seed = u8::try_from(number % 250).unwrap();
    row! {
        "subject" => "mouse/1", "number" => number, "inline" => trace(seed), "stored" => trace(seed),
        "array" => trace(seed), "object" => vec![seed; 100],
    }
}

#[test]
fn values_of_codecs_come_back_and_equal_ones_are_stored_once() {
    let (directory, connection) = fresh();
    let table = recordings(&connection);
    table.insert([recording(1), recording(2), recording(251)]).unwrap();
    // 251 has the contents of 1: its blob is shared, its array and object are its own.
    assert_eq!(objects(&connection), 2 + 3 + 3);
    drop(table);
    drop(connection);

    let connection = open(directory.path());
    let table = connection.schema("lab").unwrap().table("Recording").unwrap();
    for row in table.query().fetch().unwrap() {
        let seed = u8::try_from(row.get::<i64>("number").unwrap() % 250).unwrap();
        assert_eq!(row.get::<NdArray>("inline").unwrap(), trace(seed));
        assert_eq!(row.get::<NdArray>("stored").unwrap(), trace(seed));
        let array = row.value("array").unwrap().downcast_ref::<NpyRef>().unwrap();
        assert_eq!(array.load().unwrap(), trace(seed));
        let object = row.value("object").unwrap().downcast_ref::<ObjectRef>().unwrap();
        assert_eq!(object.read().unwrap(), vec![seed; 100]);
    }
    let report = lapjoint::objects::verify(table.schema(), true, &mut |_, _| {}).unwrap();
    assert_eq!((report.objects, report.damage.len()), (8, 0));
    assert!(lapjoint::objects::unreferenced(table.schema()).unwrap().unreferenced.is_empty());
}

#[test]
fn a_failed_insert_leaves_nothing() {
    let (_directory, connection) = fresh();
    let table = recordings(&connection);
    table.insert1(recording(1)).unwrap();
    let before = objects(&connection);
    // A duplicate in the last row, then a value that no codec takes, then a lack.
    for bad in [
        vec![recording(2), recording(1)],
        vec![recording(2), recording(3).with("array", "text")],
        vec![recording(2), row! { "subject" => "x" }],
    ] {
        let error = table.insert(bad).unwrap_err();
        assert_eq!(table.query().count().unwrap(), 1, "{error}");
        assert_eq!(objects(&connection), before, "{error}");
    }
    // The shared object of row 1 survived the failure of its second user.
    let row = (&table & row! { "number" => 1 }).fetch1().unwrap();
    assert_eq!(row.get::<NdArray>("stored").unwrap(), trace(1));
}

#[test]
fn errors_name_table_row_attribute_and_type() {
    let (_directory, connection) = fresh();
    let table = recordings(&connection);
    let error = table.insert([recording(1), recording(2).with("array", "text")]).unwrap_err().to_string();
    for part in ["`lab`.`recording`", "row 1", "`array`", "<npy@main>", "str"] {
        assert!(error.contains(part), "{part} in {error}");
    }
    let error = table.insert1(recording(1).with("arrai", 1)).unwrap_err().to_string();
    assert!(error.contains("`arrai`") && error.contains("did you mean `array`?"), "{error}");
    let error = table.insert1(row! { "number" => 1 }).unwrap_err().to_string();
    assert!(error.contains("`subject`") && error.contains("varchar(20)"), "{error}");
    let error = table.insert1(recording(1).with("number", 3.7)).unwrap_err().to_string();
    assert!(error.contains("`number`") && error.contains("3.7"), "{error}");
}

#[test]
fn duplicates_are_refused_skipped_or_replaced() {
    let (_directory, connection) = fresh();
    let schema = connection.schema("lab").unwrap();
    let table = schema.manual("T", "id : int32\n---\nname : varchar(10)").unwrap();
    table.insert1(row! { "id" => 1, "name" => "a" }).unwrap();
    let twice = [row! { "id" => 1, "name" => "b" }, row! { "id" => 2, "name" => "c" }];
    assert!(table.insert(&twice).unwrap_err().is_duplicate());
    assert_eq!(table.query().count().unwrap(), 1);
    assert_eq!(table.insert_with(&twice, &InsertOptions::new().skip_duplicates()).unwrap(), 1);
    assert_eq!(table.query().order_by(["KEY"]).column::<String>("name").unwrap(), ["a", "c"]);
    table.insert_with(&twice, &InsertOptions::new().replace()).unwrap();
    assert_eq!(table.query().order_by(["KEY"]).column::<String>("name").unwrap(), ["b", "c"]);
}

#[test]
fn update_changes_one_row_and_keeps_the_key_in_the_path() {
    let (_directory, connection) = fresh();
    let table = recordings(&connection);
    table.insert([recording(1), recording(2)]).unwrap();
    let key = row! { "subject" => "mouse/1", "number" => 2 };
    table.update1(key.clone().with("array", trace(9)).with("inline", Value::Null)).unwrap();
    let row = (&table & &key).fetch1().unwrap();
    let array = row.value("array").unwrap().downcast_ref::<NpyRef>().unwrap();
    assert_eq!(array.load().unwrap(), trace(9));
    assert!(array.path().contains("/subject=mouse%2F1/number=2/"), "{}", array.path());
    assert!(row.value("inline").unwrap().is_null());
    for bad in [row! { "number" => 2 }, key.clone().with("number", 7), key.clone().with("nope", 1)] {
        assert!(table.update1(bad).is_err());
    }
    // The replaced object stays until it is collected.
    assert_eq!(lapjoint::objects::unreferenced(table.schema()).unwrap().unreferenced.len(), 1);
}

#[test]
fn transactions_commit_or_undo_rows_and_objects() {
    let (_directory, connection) = fresh();
    let table = recordings(&connection);
    let outcome: Result<(), lapjoint::Error> = connection.transaction(|| {
        table.insert1(recording(1))?;
        assert_eq!(table.query().count()?, 1);
        table.insert1(recording(1))
    });
    let error = outcome.unwrap_err();
    assert!(error.is_duplicate(), "{error}");
    assert_eq!((table.query().count().unwrap(), objects(&connection)), (0, 0));
    connection.transaction(|| table.insert([recording(1), recording(2)])).unwrap();
    assert_eq!(table.query().count().unwrap(), 2);
    assert!(connection.transaction(|| connection.transaction(|| Ok(()))).is_err());
}

#[test]
fn a_description_declares_the_same_table() {
    let (_directory, connection) = fresh();
    let schema = connection.schema("lab").unwrap();
    schema
        .manual("Subject", "# an animal\nsubject_id : int32 # number\n---\nname = null : varchar(20)")
        .unwrap();
    schema.lookup("Rig", "rig : char(2)", [row! { "rig" => "r1" }]).unwrap();
    let session = schema
        .manual(
            "Session",
            "
            # a day
            -> Subject
            session : int16
            ---
            -> [nullable, unique] Rig
            -> [nullable] Subject.proj(observer='subject_id')
            weight = 1.5 : float64    # it's \"heavy\"
            kind = 'a' : enum('a', 'b:c')
            data = null : <blob@main>
            at = CURRENT_TIMESTAMP : datetime
            index (weight, kind)
            unique index (kind)
            ",
        )
        .unwrap();
    let trial = schema.part(&session, "Trial", "-> master\ntrial : int16\n---\nx = null : <npy@>").unwrap();
    let described = session.describe().unwrap();
    let copy = schema.manual("Copy", &described).unwrap();
    let again = copy.describe().unwrap();
    assert_eq!(again, described);
    assert_eq!(trial.class_name(), "Session.Trial");
    let trial_text = trial.describe().unwrap();
    assert!(trial_text.contains("-> Session\n"), "{trial_text}");
    assert_eq!(schema.tables().unwrap().len(), 5);
}

#[test]
fn wrong_declarations_say_where_and_what_instead() {
    let (_directory, connection) = fresh();
    let schema = connection.schema("lab").unwrap();
    for (definition, parts) in [
        ("id : int32\n---\nx : <blub@>", vec!["`x`", "Unknown codec: <blub>", "<blob>"]),
        ("id : int32\n---\nx : <blob@mian>", vec!["`x`", "Storage 'mian'", "main"]),
        ("id : int32\n---\nx : <npy>", vec!["`x`", "<npy@>"]),
        ("id : int32\n---\n-> Sessio", vec!["line 3", "Sessio"]),
        ("id : int33", vec!["int32"]),
        ("id : int32 NOT NULL", vec!["NOT NULL"]),
        ("id : <blob>", vec!["primary key"]),
        ("id : int32\n---\nindex(nope)", vec!["nope"]),
    ] {
        let error = schema.manual("Wrong", definition).unwrap_err().to_string();
        for part in parts {
            assert!(error.contains(part), "{part:?} in {error}");
        }
    }
    assert!(schema.list_tables().unwrap().is_empty());
    assert!(schema.manual("lower", "id : int32").unwrap_err().to_string().contains("CamelCase"));
    assert!(schema.table("Nope").is_err());
}

#[test]
fn a_table_without_a_key_has_one_row() {
    let (_directory, connection) = fresh();
    let table = connection.schema("lab").unwrap().manual("Settings", "---\nname = 'x' : varchar(8)").unwrap();
    table.insert1(row! {}).unwrap();
    assert!(table.insert1(row! { "name" => "y" }).unwrap_err().is_duplicate());
    assert_eq!(table.query().fetch1().unwrap(), row! { "name" => "x" });
    assert!(table.heading().primary_key().is_empty());
}

#[test]
fn computed_tables_take_rows_only_when_told() {
    let (_directory, connection) = fresh();
    let table = connection.schema("lab").unwrap().computed("Result", "id : int32").unwrap();
    assert!(table.insert1(row! { "id" => 1 }).unwrap_err().to_string().contains("allow_direct_insert"));
    let direct = InsertOptions::new().allow_direct_insert();
    assert_eq!(table.insert_with([row! { "id" => 1 }], &direct).unwrap(), 1);
    assert_eq!(table.id().table, "__result");
}

#[test]
fn every_built_in_codec_goes_through_a_table() {
    let (directory, connection) = fresh();
    let mut config = connection.config();
    config.set("stores.filepath_default", "main").unwrap();
    drop(connection);
    let connection =
        Connection::options().config(config).directory(directory.path().join("database")).open().unwrap();
    let table = connection
        .schema("lab")
        .unwrap()
        .manual(
            "All",
            "
            id : int8
            ---
            a : <blob>
            b : <blob@>
            c : <attach>
            d : <attach@main>
            e : <hash@>
            f : <object@>
            g : <npy@>
            h : <filepath@>
            ",
        )
        .unwrap();
    let notes = directory.path().join("notes.txt");
    std::fs::write(&notes, b"some notes").unwrap();
    std::fs::create_dir(directory.path().join("store/raw")).unwrap();
    std::fs::write(directory.path().join("store/raw/x.bin"), b"raw").unwrap();
    let path = notes.to_str().unwrap();
    table
        .insert1(row! {
            "id" => 1, "a" => "text", "b" => 5, "c" => path, "d" => path, "e" => b"bytes".as_slice(), "f" => path,
            "g" => trace(3), "h" => "raw/x.bin",
        })
        .unwrap();
    let row = table.query().fetch1().unwrap();
    assert_eq!((row.get::<String>("a").unwrap(), row.get::<i64>("b").unwrap()), ("text".to_owned(), 5));
    for attribute in ["c", "d"] {
        let downloaded: String = row.get(attribute).unwrap();
        assert!(downloaded.ends_with("notes.txt") && downloaded.contains("downloads"), "{downloaded}");
        assert_eq!(std::fs::read(downloaded).unwrap(), b"some notes");
    }
    assert_eq!(row.get::<bytes::Bytes>("e").unwrap(), b"bytes".as_slice());
    let file = row.value("f").unwrap().downcast_ref::<ObjectRef>().unwrap();
    assert_eq!(
        (file.read().unwrap().as_ref(), file.extension.as_deref()),
        (b"some notes".as_slice(), Some(".txt"))
    );
    let array = row.value("g").unwrap().downcast_ref::<NpyRef>().unwrap();
    assert_eq!(array.slice(10..12).unwrap().to_vec::<f64>().unwrap(), [30.0, 33.0]);
    assert_eq!(
        row.value("h").unwrap().downcast_ref::<ObjectRef>().unwrap().read().unwrap(),
        b"raw".as_slice()
    );
    // The file of `<filepath@>` is the user's: it is verified, and never taken for unused.
    assert_eq!(lapjoint::objects::verify(table.schema(), true, &mut |_, _| {}).unwrap().damage.len(), 0);
    assert!(lapjoint::objects::unreferenced(table.schema()).unwrap().unreferenced.is_empty());
}

#[test]
fn a_failed_insert_leaves_objects_that_were_there_before() {
    let (_directory, connection) = fresh();
    let table = recordings(&connection);
    // As another database with the same store would leave it: an object that no row here mentions.
    table.insert1(recording(1)).unwrap();
    let store = connection.stores().get(None).unwrap();
    let path = store.list("_hash").unwrap()[0].path.clone();
    table.query().delete(&lapjoint::DeleteOptions::new()).unwrap();
    assert!(table.insert([recording(1), recording(1)]).unwrap_err().is_duplicate());
    assert!(store.exists(&path).unwrap());
}

#[test]
fn the_callers_iterator_and_visitor_may_use_the_connection() {
    let (_directory, connection) = fresh();
    let schema = connection.schema("lab").unwrap();
    let table = schema.manual("T", "id : int32\n---\nx : int32").unwrap();
    let rows = (0..10_000i64).map(|id| {
        if id % 5000 == 4999 {
            // Rows of earlier batches are visible inside of the insert's own transaction.
            assert!(table.query().count().unwrap() < 10_000);
        }
        row! { "id" => id, "x" => 1 }
    });
    assert_eq!(table.insert(rows).unwrap(), 10_000);
    let mut seen = 0;
    table
        .query()
        .for_each(|row| {
            seen += (&table & row.project(["id"])).count().unwrap();
            if seen == 3 { std::ops::ControlFlow::Break(()) } else { std::ops::ControlFlow::Continue(()) }
        })
        .unwrap();
    assert_eq!(seen, 3);
    // The row of an error is counted over all batches, and nothing of a failed insert stays.
    let bad = (10_000..20_000i64).map(|id| row! { "id" => if id == 19_000 { 0 } else { id }, "x" => 1 });
    let error = table.insert(bad).unwrap_err();
    assert!(error.is_duplicate() && error.to_string().contains("row 9000"), "{error}");
    assert_eq!(table.query().count().unwrap(), 10_000);
}

#[test]
fn nothing_is_stored_for_rows_that_are_skipped() {
    let (_directory, connection) = fresh();
    let schema = connection.schema("lab").unwrap();
    let trace = schema.manual("Trace", "id : int32\n---\ntrace : <npy@>\nnotes = null : <blob@>").unwrap();
    let row =
        |id: i32| row! { "id" => id, "trace" => NdArray::from_vec(vec![f64::from(id); 8]), "notes" => id };
    trace.insert((0..3).map(row)).unwrap();
    let skip = InsertOptions::new().skip_duplicates();
    // Rows that are there, rows that are not, and one of them twice.
    let inserted = trace.insert_with([1, 3, 2, 4, 3].map(row), &skip).unwrap();
    assert_eq!((inserted, trace.query().count().unwrap()), (2, 5));
    let report = lapjoint::objects::unreferenced(&schema).unwrap();
    assert!(report.unreferenced.is_empty(), "{report:?}");
    // The number of the row that is wrong is that of the row given.
    let wrong = row! { "id" => 5, "trace" => "no array" };
    let error = trace.insert_with([row(0), row(1), wrong], &skip).unwrap_err();
    assert!(error.to_string().contains("row 2"), "{error}");
}

#[test]
fn a_row_that_another_writer_inserts_meanwhile_is_skipped_with_its_objects() {
    let (directory, connection) = fresh();
    let definition = "id : int32\n---\ntrace : <npy@>\nfiles = null : <object@>";
    let trace = connection.schema("lab").unwrap().manual("Trace", definition).unwrap();
    let other = open(directory.path());
    let overtaking = other.schema("lab").unwrap().table("Trace").unwrap();
    let row = |id: i32, volts: f64| row! { "id" => id, "trace" => NdArray::from_vec(vec![volts; 4]), "files" => b"x".to_vec() };
    // The watch looks after the objects of our rows are stored and before the rows are.
    let overtaken = std::sync::Once::new();
    let watch = Watch::new(move |_| {
        overtaken.call_once(|| overtaking.insert1(row(2, 0.5)).unwrap());
        ControlFlow::Continue(())
    });
    let skip = InsertOptions::new().skip_duplicates().watch(watch);
    assert_eq!(trace.insert_with([row(1, 1.0), row(2, 1.0), row(3, 1.0)], &skip).unwrap(), 2);
    let two = trace.query().restrict(row! { "id" => 2 }).fetch1().unwrap();
    let volts = two.value("trace").and_then(Value::downcast_ref::<NpyRef>).unwrap().load().unwrap();
    assert_eq!(volts.to_vec::<f64>().unwrap(), [0.5; 4], "the other writer's row stays");
    let report = lapjoint::objects::unreferenced(trace.schema()).unwrap();
    assert!(report.unreferenced.is_empty(), "{report:?}");
    assert!(lapjoint::objects::verify(trace.schema(), true, &mut |_, _| ()).unwrap().damage.is_empty());
}

#[test]
fn attributes_know_where_they_come_from() {
    let connection = Connection::in_memory().unwrap();
    let colony = connection.schema("colony").unwrap();
    let mouse =
        colony.manual("Mouse", "mouse : varchar(8)\n---\n-> [nullable] self.proj(mother='mouse')").unwrap();
    let lab = connection.schema("lab").unwrap();
    let references = References::from([("Mouse".to_owned(), mouse.id().clone())]);
    let definition = "-> Mouse\nsession : int16\n---\nnote : varchar(8)\n-> Mouse.proj(helper='mouse')";
    let session = lab.declare_with(Tier::Manual, None, "Session", definition, &references).unwrap();
    lab.part(&session, "Trial", "-> master\ntrial : int16").unwrap();
    let origin = "colony.mouse.mouse".to_owned();
    assert_eq!(
        colony.lineage().unwrap(),
        [
            ("colony.mouse.mother".to_owned(), origin.clone()),
            ("colony.mouse.mouse".to_owned(), origin.clone())
        ]
    );
    let recorded = [
        ("lab.session.helper", origin.as_str()),
        ("lab.session.mouse", origin.as_str()),
        ("lab.session.session", "lab.session.session"),
        ("lab.session__trial.mouse", origin.as_str()),
        ("lab.session__trial.session", "lab.session.session"),
        ("lab.session__trial.trial", "lab.session__trial.trial"),
    ];
    let expected: Vec<_> = recorded.iter().map(|(a, b)| ((*a).to_owned(), (*b).to_owned())).collect();
    assert_eq!(lab.lineage().unwrap(), expected);
    connection.run_sql("DELETE FROM lab.\"~lineage\"", &[]).unwrap();
    assert!(lab.lineage().unwrap().is_empty());
    lab.rebuild_lineage().unwrap();
    assert_eq!(lab.lineage().unwrap(), expected);
    lab.table("Session").unwrap().drop_table().unwrap();
    assert!(lab.lineage().unwrap().is_empty());
}
