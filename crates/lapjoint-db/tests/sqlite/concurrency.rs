//! Two connections to the same files.

use lapjoint_db::{Adapter, DbError, TransactionMode};

use crate::common::{all, count, insert, int, open, open_lab, subject, text};

#[test]
fn what_one_connection_commits_the_other_sees() {
    let directory = tempfile::tempdir().unwrap();
    let (mut a, mut b) = (open_lab(directory.path()), open_lab(directory.path()));
    let def = subject("lab");
    a.create_table(&def).unwrap();
    b.create_table(&def).unwrap();
    a.begin(TransactionMode::Write).unwrap();
    insert(&mut a, &def, vec![vec![int(1), text("Ada")]]).unwrap();
    assert_eq!(count(&mut b, &def.id), 0);
    a.commit().unwrap();
    assert_eq!(count(&mut b, &def.id), 1);
    insert(&mut b, &def, vec![vec![int(2), text("Bea")]]).unwrap();
    assert_eq!(all(&mut a, &def).unwrap().len(), 2);
}

#[test]
fn a_lock_that_is_not_given_up_is_reported_as_busy() {
    let directory = tempfile::tempdir().unwrap();
    let (mut a, mut b) = (open_lab(directory.path()), open_lab(directory.path()));
    let def = subject("lab");
    a.create_table(&def).unwrap();
    a.begin(TransactionMode::Write).unwrap();
    assert!(matches!(b.begin(TransactionMode::Write), Err(DbError::Busy(_))));
    assert!(!b.in_transaction());
    let error = insert(&mut b, &def, vec![vec![int(1), text("x")]]);
    assert!(matches!(error, Err(DbError::Busy(_))), "{error:?}");
    assert_eq!(count(&mut b, &def.id), 0);
    a.commit().unwrap();
    insert(&mut b, &def, vec![vec![int(1), text("x")]]).unwrap();
}

#[test]
fn a_read_transaction_sees_one_moment_of_all_schemas() {
    let directory = tempfile::tempdir().unwrap();
    let (mut a, mut b) = (open_lab(directory.path()), open_lab(directory.path()));
    for db in [&mut a, &mut b] {
        db.open_schema("rig", true).unwrap();
    }
    a.create_table(&subject("lab")).unwrap();
    a.create_table(&subject("rig")).unwrap();
    b.begin(TransactionMode::Read).unwrap();
    for schema in ["lab", "rig"] {
        insert(&mut a, &subject(schema), vec![vec![int(1), text("x")]]).unwrap();
        assert_eq!(count(&mut b, &subject(schema).id), 0);
    }
    b.commit().unwrap();
    assert_eq!(count(&mut b, &subject("rig").id), 1);
}

#[test]
fn connections_that_opened_the_schemas_in_different_orders_do_not_block_one_another() {
    let directory = tempfile::tempdir().unwrap();
    for schema in ["lab", "rig"] {
        let mut db = open(directory.path());
        db.open_schema(schema, true).unwrap();
        db.create_table(&subject(schema)).unwrap();
    }
    let work = |order: [&'static str; 2], first: i64| {
        let path = directory.path().to_owned();
        std::thread::spawn(move || {
            let options =
                lapjoint_db::sqlite::SqliteOptions::new(lapjoint_db::sqlite::Location::Directory(path));
            let mut db = lapjoint_db::SqliteAdapter::open(&options).unwrap();
            for schema in order {
                db.open_schema(schema, true).unwrap();
            }
            for number in 0..30 {
                db.begin(TransactionMode::Write).unwrap();
                for schema in order {
                    insert(&mut db, &subject(schema), vec![vec![int(first + number), text("x")]]).unwrap();
                }
                db.commit().unwrap();
            }
        })
    };
    for thread in [work(["lab", "rig"], 0), work(["rig", "lab"], 100)] {
        thread.join().unwrap();
    }
    let mut db = open_lab(directory.path());
    assert_eq!(count(&mut db, &subject("lab").id), 60);
}

#[test]
fn many_connections_may_make_the_same_schema_and_table_at_once() {
    let directory = tempfile::tempdir().unwrap();
    let threads: Vec<_> = (0..4)
        .map(|number| {
            let path = directory.path().to_owned();
            std::thread::spawn(move || {
                let options =
                    lapjoint_db::sqlite::SqliteOptions::new(lapjoint_db::sqlite::Location::Directory(path));
                let mut db = lapjoint_db::SqliteAdapter::open(&options).unwrap();
                db.open_schema("lab", true).unwrap();
                db.create_table(&subject("lab")).unwrap();
                insert(&mut db, &subject("lab"), vec![vec![int(number), text("x")]]).unwrap();
            })
        })
        .collect();
    for thread in threads {
        thread.join().unwrap();
    }
    assert_eq!(count(&mut open_lab(directory.path()), &subject("lab").id), 4);
}
