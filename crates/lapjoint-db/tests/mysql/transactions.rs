//! Transactions: what statements that define things do to them, deadlocks, snapshots.

use lapjoint_db::{Adapter, DbError, TableId, TransactionMode};

use crate::common::{Lab, column, count, insert, int, own, select, text, value};

#[test]
fn a_statement_that_commits_by_itself_is_reported() {
    let Some(mut lab) = Lab::open() else { return };
    let def = lab.subject();
    lab.begin(TransactionMode::User).unwrap();
    insert(&mut lab, &def, vec![vec![int(1), text("x")]]).unwrap();
    let sql = format!("CREATE TABLE `{}`.`made` (x int)", lab.schema);
    let error = lab.execute(&sql, &[]).unwrap_err();
    assert!(matches!(&error, DbError::Transaction(text) if text.contains("committed")), "{error}");
    assert!(!lab.in_transaction());
    assert!(lab.commit().is_err());
    assert_eq!(count(&mut lab, &def.id), 1);
    assert!(lab.tables().contains(&"made".to_owned()));
}

#[test]
fn a_statement_that_commits_nothing_leaves_the_transaction() {
    let Some(mut lab) = Lab::open() else { return };
    let def = lab.subject();
    lab.begin(TransactionMode::User).unwrap();
    insert(&mut lab, &def, vec![vec![int(1), text("x")]]).unwrap();
    lab.run("SET @x = 1");
    assert!(matches!(lab.execute("CREATE nonsense", &[]), Err(DbError::Syntax { .. })));
    assert!(lab.in_transaction());
    lab.rollback().unwrap();
    assert_eq!(count(&mut lab, &def.id), 0);
}

#[test]
fn typed_statements_begin_and_end_the_transaction() {
    let Some(mut lab) = Lab::open() else { return };
    let def = lab.subject();
    for (end, rows) in [("ROLLBACK", 0), ("COMMIT", 1)] {
        lab.run("START TRANSACTION");
        assert!(lab.in_transaction());
        insert(&mut lab, &def, vec![vec![int(1), text("x")]]).unwrap();
        assert!(lab.column_names(end).unwrap().is_empty());
        lab.run(end);
        assert!(!lab.in_transaction());
        assert_eq!(count(&mut lab, &def.id), rows);
    }
    assert_eq!(lab.run("COMMIT"), 0);
}

#[test]
fn definitions_are_refused_within_a_transaction_or_stand_beside_it() {
    let Some(mut lab) = Lab::open() else { return };
    let def = lab.subject();
    let schema = lab.schema.clone();
    lab.begin(TransactionMode::Write).unwrap();
    insert(&mut lab, &def, vec![vec![int(1), text("x")]]).unwrap();
    let refused = |result: Result<(), DbError>| matches!(result, Err(DbError::Transaction(_)));
    assert!(refused(lab.drop_table(&def.id)));
    assert!(refused(lab.drop_schema(&schema)));
    assert!(refused(lab.open_schema("lapjoint_test_never_made", true)));
    assert!(refused(lab.alter_table(&def, &def, &[None, None])));
    assert!(matches!(lab.open_schema("lapjoint_test_never_made", false), Err(DbError::MissingSchema(_))));
    lab.open_schema(&schema, true).unwrap();
    let made = lab.table("~made", vec![column("x", "int32")]);
    lab.create_table(&made).unwrap();
    insert(&mut lab, &made, vec![vec![int(5)]]).unwrap();
    assert!(lab.in_transaction());
    lab.rollback().unwrap();
    assert_eq!((count(&mut lab, &def.id), count(&mut lab, &made.id)), (0, 0));
}

#[test]
fn a_failed_statement_undoes_only_itself() {
    let Some(mut lab) = Lab::open() else { return };
    let def = lab.subject();
    for mode in [TransactionMode::Write, TransactionMode::User] {
        lab.begin(mode).unwrap();
        insert(&mut lab, &def, vec![vec![int(1), text("x")]]).unwrap();
        // The first batches of the insert are already in when a later row fails.
        let rows = (2..2500).chain([1]).map(|n| vec![int(n), text("y")]).collect();
        let error = insert(&mut lab, &def, rows).unwrap_err();
        assert!(matches!(error, DbError::Duplicate { row: Some(2498), .. }), "{error}");
        let sql = format!("UPDATE {} SET subject_id = 'x'", lab.quote_table(&def.id));
        assert!(lab.execute(&sql, &[]).is_err());
        assert!(lab.in_transaction());
        insert(&mut lab, &def, vec![vec![int(2), text("z")]]).unwrap();
        lab.commit().unwrap();
        assert_eq!(count(&mut lab, &def.id), 2);
        lab.run("DELETE FROM `{}`.`subject`");
    }
}

#[test]
fn a_deadlock_ends_the_transaction_and_says_so() {
    let Some(mut lab) = Lab::open() else { return };
    let def = lab.subject();
    insert(&mut lab, &def, (0..100).map(|n| vec![int(n), text("x")]).collect()).unwrap();
    let touch =
        |id: u32| format!("UPDATE {} SET name = 'y' WHERE subject_id = {id}", lab.quote_table(&def.id));
    let (first, second) = (touch(1), touch(2));
    let mut other = lab.other();
    lab.begin(TransactionMode::User).unwrap();
    other.begin(TransactionMode::User).unwrap();
    lab.execute(&first, &[]).unwrap();
    other.execute(&second, &[]).unwrap();
    let (here, there) = std::thread::scope(|scope| {
        let there = scope.spawn(|| other.execute(&first, &[]));
        let here = lab.db.execute(&second, &[]);
        (here, there.join().unwrap())
    });
    let (loser, lost) = if here.is_err() { (&lab.db, here) } else { (&other, there) };
    assert!(matches!(lost, Err(DbError::Busy(_))), "{lost:?}");
    assert!(!loser.in_transaction());
    for db in [&mut lab.db, &mut other] {
        let was_open = db.in_transaction();
        assert_eq!(db.commit().is_ok(), was_open);
        assert_eq!(value(db, "SELECT 1"), int(1));
    }
}

#[test]
fn a_reading_transaction_sees_one_moment_and_writes_nothing() {
    let Some(mut lab) = Lab::open() else { return };
    let def = lab.subject();
    let mut other = lab.other();
    lab.begin(TransactionMode::Read).unwrap();
    insert(&mut other, &def, vec![vec![int(1), text("x")]]).unwrap();
    assert_eq!(count(&mut lab, &def.id), 0);
    assert!(insert(&mut lab, &def, vec![vec![int(2), text("x")]]).is_err());
    lab.commit().unwrap();
    assert_eq!(count(&mut lab, &def.id), 1);
    lab.begin(TransactionMode::Write).unwrap();
    assert_eq!(count(&mut lab, &def.id), 1);
    insert(&mut other, &def, vec![vec![int(2), text("x")]]).unwrap();
    assert_eq!(count(&mut lab, &def.id), 2);
    lab.commit().unwrap();
    lab.begin(TransactionMode::User).unwrap();
    insert(&mut other, &def, vec![vec![int(3), text("x")]]).unwrap();
    assert_eq!(count(&mut lab, &def.id), 2);
    lab.rollback().unwrap();
}

#[test]
fn transactions_do_not_nest() {
    let Some(mut lab) = Lab::open() else { return };
    lab.begin(TransactionMode::Write).unwrap();
    assert!(matches!(lab.begin(TransactionMode::User), Err(DbError::Transaction(_))));
    lab.rollback().unwrap();
    assert!(matches!(lab.commit(), Err(DbError::Transaction(_))));
    assert!(matches!(lab.rollback(), Err(DbError::Transaction(_))));
    let missing = TableId::new(&lab.schema, "missing");
    let sql = format!("SELECT * FROM {}", lab.quote_table(&missing));
    assert!(
        matches!(select(&mut lab, &sql, &[own()]), Err(DbError::MissingTable(name)) if name == missing.to_string())
    );
}
