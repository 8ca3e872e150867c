//! Transactions are kept or undone as a whole, do not nest, and go on after an error.

use lapjoint_db::{DbError, InsertMode, TransactionMode};
use lapjoint_types::{CoreType, Value};

use crate::backend::Db;
use crate::common::{all, column, core, count, insert, insert_mode, int, made, made_subject, select, text};

on_every_database!(
    transactions_are_kept_or_undone_and_do_not_nest,
    any_error_leaves_a_transaction_open_and_as_it_was,
    a_read_transaction_sees_one_moment,
    what_one_connection_commits_the_other_sees,
    a_closed_connection_undoes_its_transaction,
    locks_of_shared_objects_are_held_until_the_end,
);

fn transactions_are_kept_or_undone_and_do_not_nest(db: &mut Db) {
    let def = made_subject(db);
    assert!(matches!(db.commit(), Err(DbError::Transaction(_))));
    assert!(matches!(db.rollback(), Err(DbError::Transaction(_))));
    for mode in [TransactionMode::Write, TransactionMode::User] {
        for (keep, expected) in [(false, 0), (true, 1)] {
            db.begin(mode).unwrap();
            assert!(db.in_transaction());
            assert!(matches!(db.begin(mode), Err(DbError::Transaction(_))));
            insert(&mut **db, &def, vec![vec![int(1), text("x")]]).unwrap();
            assert_eq!(count(&mut **db, &def.id), 1);
            if keep {
                db.commit().unwrap();
            } else {
                db.rollback().unwrap();
            }
            assert!(!db.in_transaction());
            assert_eq!(count(&mut **db, &def.id), expected);
        }
        let delete = format!("DELETE FROM {}", db.quote_table(&def.id));
        assert_eq!(db.execute(&delete, &[]).unwrap(), 1);
    }
    // One that did nothing.
    for mode in [TransactionMode::Read, TransactionMode::Write, TransactionMode::User] {
        db.begin(mode).unwrap();
        db.commit().unwrap();
        db.begin(mode).unwrap();
        db.rollback().unwrap();
    }
}

fn any_error_leaves_a_transaction_open_and_as_it_was(db: &mut Db) {
    let def = made_subject(db);
    let name = db.quote_table(&def.id);
    let row = |id: i64| vec![int(id), text("x")];
    db.begin(TransactionMode::User).unwrap();
    insert(&mut **db, &def, vec![row(1)]).unwrap();
    for round in 0..3 {
        insert(&mut **db, &def, vec![row(5), row(1)]).unwrap_err();
        let many: Vec<_> = (1..200).rev().map(row).collect();
        insert(&mut **db, &def, many.clone()).unwrap_err();
        insert(&mut **db, &def, vec![row(6), vec![text("no"), text("x")]]).unwrap_err();
        let mut bad = many;
        bad[150][0] = text("no");
        insert_mode(&mut **db, &def, bad, InsertMode::Replace).unwrap_err();
        db.execute(&format!("UPDATE {name} SET subject_id = NULL"), &[]).unwrap_err();
        db.execute("DELETE FROM no_such_table_anywhere", &[]).unwrap_err();
        select(&mut **db, "SELECT nope", &[]).unwrap_err();
        db.column_names("SELEC 1").unwrap_err();
        let wrong = [(text("abc"), core(CoreType::Int32))];
        db.execute(&format!("UPDATE {name} SET subject_id = ?"), &wrong).unwrap_err();
        assert!(db.in_transaction());
        assert_eq!(count(&mut **db, &def.id), 1 + round);
        insert(&mut **db, &def, vec![row(100 + round)]).unwrap();
    }
    db.commit().unwrap();
    assert_eq!(all(&mut **db, &def).unwrap(), [row(1), row(100), row(101), row(102)]);
}

fn a_read_transaction_sees_one_moment(db: &mut Db) {
    let first = made_subject(db);
    let second = made(db, "second", vec![column("id", CoreType::Int32)]);
    let mut other = db.another();
    db.begin(TransactionMode::Read).unwrap();
    insert(other.as_mut(), &first, vec![vec![int(1), text("x")]]).unwrap();
    insert(other.as_mut(), &second, vec![vec![int(1)]]).unwrap();
    assert_eq!(count(&mut **db, &first.id), 0);
    assert_eq!(count(&mut **db, &second.id), 0);
    db.commit().unwrap();
    assert_eq!(count(&mut **db, &first.id), 1);
}

fn what_one_connection_commits_the_other_sees(db: &mut Db) {
    let def = made_subject(db);
    let mut other = db.another();
    db.begin(TransactionMode::Write).unwrap();
    insert(&mut **db, &def, vec![vec![int(1), text("Ada")]]).unwrap();
    assert_eq!(count(other.as_mut(), &def.id), 0);
    db.commit().unwrap();
    assert_eq!(count(other.as_mut(), &def.id), 1);
    insert(other.as_mut(), &def, vec![vec![int(2), text("Bea")]]).unwrap();
    assert_eq!(all(&mut **db, &def).unwrap().len(), 2);
}

fn a_closed_connection_undoes_its_transaction(db: &mut Db) {
    let def = made_subject(db);
    let mut other = db.another();
    other.begin(TransactionMode::Write).unwrap();
    insert(other.as_mut(), &def, vec![vec![int(1), text("Ada")]]).unwrap();
    other.close();
    assert!(!other.in_transaction());
    assert!(other.list_tables(&db.schema).is_err());
    assert!(insert(other.as_mut(), &def, vec![vec![int(2), Value::from("x")]]).is_err());
    other.close();
    drop(other);
    insert(&mut **db, &def, vec![vec![int(1), text("Bea")]]).unwrap();
    assert_eq!(all(&mut **db, &def).unwrap(), [[int(1), text("Bea")]]);
}

fn locks_of_shared_objects_are_held_until_the_end(db: &mut Db) {
    let schema = db.schema.clone();
    for exclusive in [false, true] {
        db.begin(TransactionMode::Write).unwrap();
        db.lock_objects(&schema, exclusive).unwrap();
        // A failed statement does not let go of it.
        select(&mut **db, "SELECT nope", &[]).unwrap_err();
        db.commit().unwrap();
    }
}
