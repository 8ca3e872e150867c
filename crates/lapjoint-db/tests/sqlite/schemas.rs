//! Schemas are files that are listed, opened and dropped.

use lapjoint_db::sqlite::{Location, SqliteOptions};
use lapjoint_db::{Adapter, DbError, SqliteAdapter, TransactionMode};

use crate::common::{count, insert, int, memory, open, open_lab, session, subject, text};

#[test]
fn schemas_are_files_of_the_folder() {
    let directory = tempfile::tempdir().unwrap();
    let folder = directory.path().join("deep/er");
    let mut db = open(&folder);
    assert_eq!(db.list_schemas().unwrap(), Vec::<String>::new());
    assert!(matches!(db.open_schema("lab", false), Err(DbError::MissingSchema(_))));
    assert!(!folder.exists());
    for name in ["rig", "lab", "Z-9"] {
        db.open_schema(name, true).unwrap();
        db.open_schema(name, false).unwrap();
    }
    std::fs::write(folder.join("notes.txt"), "").unwrap();
    std::fs::write(folder.join("a b.sqlite"), "").unwrap();
    assert_eq!(db.list_schemas().unwrap(), ["Z-9", "lab", "rig"]);
    assert!(folder.join("lab.sqlite").is_file());
    let mut other = open(&folder);
    assert_eq!(other.list_schemas().unwrap(), ["Z-9", "lab", "rig"]);
    assert!(matches!(other.list_tables("lab"), Err(DbError::MissingSchema(_))));
    other.open_schema("lab", false).unwrap();
    assert_eq!(other.list_tables("lab").unwrap(), Vec::<String>::new());
}

#[test]
fn schemas_in_memory_are_those_that_are_open() {
    let mut db = memory();
    assert!(matches!(db.open_schema("rig", false), Err(DbError::MissingSchema(_))));
    db.open_schema("rig", true).unwrap();
    assert_eq!(db.list_schemas().unwrap(), ["lab", "rig"]);
    db.drop_schema("lab").unwrap();
    assert_eq!(db.list_schemas().unwrap(), ["rig"]);
    db.open_schema("lab", true).unwrap();
    assert_eq!(db.list_tables("lab").unwrap(), Vec::<String>::new());
}

#[test]
fn names_that_cannot_be_files_or_databases_are_refused() {
    let directory = tempfile::tempdir().unwrap();
    let long = "x".repeat(65);
    let names =
        ["", "main", "TEMP", "sqlite_x", "../up", "a/b", "a b", "a\"b", "é", "a.b", "a\0", long.as_str()];
    for mut db in [memory(), open_lab(directory.path())] {
        for name in names {
            let error = db.open_schema(name, true);
            assert!(matches!(&error, Err(DbError::Name { .. })), "{name:?}: {error:?}");
            assert!(matches!(db.drop_schema(name), Err(DbError::Name { .. })), "{name:?}");
        }
        let error = db.open_schema("LAB", true);
        assert!(matches!(&error, Err(DbError::Name { .. })), "{error:?}");
    }
}

#[test]
fn a_schema_is_opened_and_dropped_outside_of_transactions() {
    let mut db = memory();
    db.begin(TransactionMode::Write).unwrap();
    assert!(matches!(db.open_schema("rig", true), Err(DbError::Transaction(_))));
    assert!(matches!(db.drop_schema("lab"), Err(DbError::Transaction(_))));
    db.open_schema("lab", true).unwrap();
    db.rollback().unwrap();
}

#[test]
fn a_dropped_schema_leaves_no_file() {
    let directory = tempfile::tempdir().unwrap();
    let mut db = open_lab(directory.path());
    db.create_table(&subject("lab")).unwrap();
    insert(&mut db, &subject("lab"), vec![vec![int(1), text("Ada")]]).unwrap();
    db.drop_schema("lab").unwrap();
    let left: Vec<_> = std::fs::read_dir(directory.path()).unwrap().map(|e| e.unwrap().file_name()).collect();
    assert_eq!(left, Vec::<std::ffi::OsString>::new());
    assert!(matches!(db.drop_schema("lab"), Err(DbError::MissingSchema(_))));
    db.open_schema("lab", true).unwrap();
    assert_eq!(db.list_tables("lab").unwrap(), Vec::<String>::new());
}

#[test]
fn a_schema_that_another_refers_to_stays() {
    let directory = tempfile::tempdir().unwrap();
    let mut db = open_lab(directory.path());
    db.open_schema("rig", true).unwrap();
    db.create_table(&subject("lab")).unwrap();
    db.create_table(&session("rig", "lab")).unwrap();
    drop(db);
    let mut db = open(directory.path());
    let error = db.drop_schema("lab");
    assert!(matches!(&error, Err(DbError::ForeignKey { detail, .. }) if detail.contains("rig")), "{error:?}");
    db.drop_schema("rig").unwrap();
    db.drop_schema("lab").unwrap();
}

#[test]
fn many_schemas_are_open_at_once_and_the_limit_is_named() {
    let mut db = SqliteAdapter::open(&SqliteOptions::new(Location::Memory)).unwrap();
    for number in 0..125 {
        db.open_schema(&format!("s{number}"), true).unwrap();
        db.create_table(&subject(&format!("s{number}"))).unwrap();
    }
    insert(&mut db, &subject("s124"), vec![vec![int(1), text("Ada")]]).unwrap();
    assert_eq!(count(&mut db, &subject("s124").id), 1);
    let error = db.open_schema("s125", true);
    assert!(
        matches!(&error, Err(DbError::Database { message, .. }) if message.contains("125 schemas")),
        "{error:?}"
    );
}

#[test]
fn a_file_that_is_no_database_is_named() {
    let directory = tempfile::tempdir().unwrap();
    std::fs::write(directory.path().join("lab.sqlite"), "not a database, but long enough to be looked at")
        .unwrap();
    let mut db = open(directory.path());
    for _ in 0..2 {
        let error = db.open_schema("lab", true).unwrap_err().to_string();
        assert!(error.contains("lab.sqlite") && error.contains("no SQLite database"), "{error}");
    }
    db.open_schema("rig", true).unwrap();
}

#[test]
fn a_schema_that_another_connection_has_open_is_not_dropped() {
    let directory = tempfile::tempdir().unwrap();
    let (mut a, mut b) = (open_lab(directory.path()), open_lab(directory.path()));
    a.create_table(&subject("lab")).unwrap();
    assert_eq!(count(&mut b, &subject("lab").id), 0);
    let error = a.drop_schema("lab");
    assert!(matches!(&error, Err(DbError::Busy(message)) if message.contains("lab")), "{error:?}");
    insert(&mut b, &subject("lab"), vec![vec![int(1), text("Ada")]]).unwrap();
    assert_eq!(count(&mut a, &subject("lab").id), 1);
    drop(b);
    a.drop_schema("lab").unwrap();
    assert!(!directory.path().join("lab.sqlite").exists());
}
