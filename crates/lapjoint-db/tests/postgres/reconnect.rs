//! Connections that break.

use lapjoint_db::{Adapter, ColumnType, DbError, InsertMode, PostgresAdapter, TransactionMode};
use lapjoint_types::{CoreType, Value};

use crate::common::{Lab, backend, count, insert, kill, one, row, select};
use crate::proxy::{Cut, Proxy};

#[test]
fn outside_of_a_transaction_a_broken_connection_is_opened_again() {
    let Some(mut lab) = Lab::open() else { return };
    let def = lab.subject();
    let mut killer = lab.another();
    let session = lab.session().to_owned();
    let name = lab.quote_table(&def.id);
    type Work<'w> = Box<dyn Fn(&mut PostgresAdapter) + 'w>;
    let parameter = [(Value::Int(1), ColumnType::Core(CoreType::Int32))];
    let works: Vec<Work<'_>> = vec![
        Box::new(|db| assert_eq!(one(db, "SELECT 7"), Value::Int(7))),
        Box::new(|db| assert_eq!(insert(db, &def, vec![row(1, "one")]).unwrap(), 1)),
        Box::new(|db| assert_eq!(insert(db, &def, (100..200).map(|n| row(n, "x")).collect()).unwrap(), 100)),
        Box::new(|db| {
            let sql = format!("UPDATE {name} SET name = name || '!' WHERE subject_id = ?");
            assert_eq!(db.execute(&sql, &parameter).unwrap(), 1);
        }),
        Box::new(|db| {
            let sql = format!("UPDATE {name} SET name = name || '!' WHERE subject_id = 1");
            assert_eq!(db.execute(&sql, &[]).unwrap(), 1);
        }),
        Box::new(|db| assert_eq!(db.load_table(&def.id).unwrap(), Some(def.clone()))),
        Box::new(|db| assert_eq!(db.column_names("SELECT 1 AS a").unwrap(), ["a"])),
        Box::new(|db| {
            db.begin(TransactionMode::User).unwrap();
            insert(db, &def, vec![row(2, "two")]).unwrap();
            db.commit().unwrap();
        }),
        Box::new(|db| db.drop_table(&def.id).unwrap()),
    ];
    // Statements that are prepared on the broken connection are made anew.
    for round in 0..2 {
        for work in &works {
            let before = backend(&mut lab.db);
            kill(&mut killer, &before);
            work(&mut lab.db);
            assert_ne!(backend(&mut lab.db), before);
            assert_eq!(lab.db.session(), session);
            assert!(killer.is_session_alive(&session).unwrap());
        }
        if round == 0 {
            lab.subject();
        }
    }
}

#[test]
fn what_was_changed_once_is_changed_once() {
    let Some(mut lab) = Lab::open() else { return };
    let def = lab.subject();
    insert(&mut lab.db, &def, vec![row(1, "x")]).unwrap();
    let mut killer = lab.another();
    let name = lab.quote_table(&def.id);
    for _ in 0..5 {
        let number = backend(&mut lab.db);
        kill(&mut killer, &number);
        lab.execute(&format!("UPDATE {name} SET name = name || '!'"), &[]).unwrap();
    }
    assert_eq!(one(&mut lab.db, &format!("SELECT name FROM {name}")), Value::from("x!!!!!"));
}

#[test]
fn a_transaction_ends_with_its_connection() {
    let Some(mut lab) = Lab::open() else { return };
    let def = lab.subject();
    let mut killer = lab.another();
    for step in 0..4 {
        lab.begin(TransactionMode::User).unwrap();
        insert(&mut lab.db, &def, vec![row(1, "x")]).unwrap();
        let number = backend(&mut lab.db);
        kill(&mut killer, &number);
        let error = match step {
            0 => insert(&mut lab.db, &def, vec![row(2, "y")]).map(drop),
            1 => insert(&mut lab.db, &def, (2..100).map(|n| row(n, "y")).collect()).map(drop),
            2 => select(&mut lab.db, "SELECT 1", 1).map(drop),
            _ => lab.commit(),
        };
        assert!(matches!(error, Err(DbError::Lost { outcome_unknown: false, .. })), "{step}: {error:?}");
        assert!(!lab.in_transaction());
        // Whoever rolls back what has ended finds nothing wrong; a commit that failed has ended it already.
        if step < 3 {
            lab.rollback().unwrap();
        }
        assert!(matches!(lab.rollback(), Err(DbError::Transaction(_))));
        assert_eq!(count(&mut lab.db, &def.id), 0);
    }
    lab.begin(TransactionMode::User).unwrap();
    insert(&mut lab.db, &def, vec![row(1, "x")]).unwrap();
    lab.commit().unwrap();
    assert_eq!(count(&mut lab.db, &def.id), 1);
}

#[test]
fn without_reconnecting_a_broken_connection_stays_broken() {
    let Some(lab) = Lab::open() else { return };
    let mut killer = lab.another();
    let mut options = lab.options.clone();
    options.reconnect = false;
    let mut db = PostgresAdapter::open(&options).unwrap();
    let number = backend(&mut db);
    kill(&mut killer, &number);
    for _ in 0..3 {
        let error = select(&mut db, "SELECT 1", 1);
        assert!(matches!(error, Err(DbError::Lost { .. })), "{error:?}");
    }
}

#[test]
fn a_query_that_has_delivered_rows_is_not_repeated() {
    let Some(mut lab) = Lab::open() else { return };
    let mut killer = lab.another();
    let number = backend(&mut lab.db);
    let columns = [("n".to_owned(), ColumnType::Native(String::new()))];
    let mut seen = 0;
    let sql = "SELECT repeat('x', 1000) FROM generate_series(1, 100000)";
    let error = lab.query(sql, &[], &columns, &mut |_| {
        seen += 1;
        if seen == 10 {
            kill(&mut killer, &number);
        }
        std::ops::ControlFlow::Continue(())
    });
    assert!(matches!(error, Err(DbError::Lost { .. })), "{error:?}");
    assert!(seen < 100_000);
    assert_eq!(one(&mut lab.db, "SELECT 1"), Value::Int(1));
}

#[test]
fn a_commit_that_broke_is_asked_after() {
    let Some(mut lab) = Lab::open() else { return };
    let def = lab.subject();
    for (first, cut) in [(100, Cut::Before), (200, Cut::After)] {
        let proxy = Proxy::start(&lab.options, cut);
        let mut db = PostgresAdapter::open(&proxy.options).unwrap();
        for (number, many) in [(0, 1), (1, 50)] {
            // In a transaction of the user's.
            let id = first + number * 50;
            db.begin(TransactionMode::User).unwrap();
            insert(&mut db, &def, (0..many).map(|n| row(id * 1000 + n, "x")).collect()).unwrap();
            proxy.arm();
            let committed = db.commit();
            assert!(proxy.has_cut());
            let kept = if cut == Cut::After {
                committed.unwrap();
                many
            } else {
                assert!(
                    matches!(committed, Err(DbError::Lost { outcome_unknown: false, .. })),
                    "{committed:?}"
                );
                0
            };
            assert!(!db.in_transaction());
            assert_eq!(count(&mut lab.db, &def.id), kept);
            // In one around a single insert: a few rows are sent again where they are known not to be there.
            proxy.arm();
            let inserted = insert(&mut db, &def, (0..many).map(|n| row(id * 1000 + 500 + n, "x")).collect());
            assert!(proxy.has_cut());
            let more = match inserted {
                Ok(count) => {
                    assert_eq!(count, u64::try_from(many).unwrap());
                    many
                }
                Err(DbError::Lost { outcome_unknown: false, .. }) if cut == Cut::Before && many > 1 => 0,
                other => panic!("{other:?}"),
            };
            assert_eq!(count(&mut lab.db, &def.id), kept + more);
            let name = lab.quote_table(&def.id);
            lab.execute(&format!("DELETE FROM {name}"), &[]).unwrap();
        }
        // A change by a statement.
        insert(&mut db, &def, vec![row(1, "x")]).unwrap();
        let name = lab.quote_table(&def.id);
        proxy.arm();
        assert_eq!(db.execute(&format!("UPDATE {name} SET name = name || '!'"), &[]).unwrap(), 1);
        assert!(proxy.has_cut());
        assert_eq!(one(&mut lab.db, &format!("SELECT name FROM {name}")), Value::from("x!"));
        // A transaction that has written nothing has nothing to lose.
        db.begin(TransactionMode::Read).unwrap();
        proxy.arm();
        db.commit().unwrap();
        lab.execute(&format!("DELETE FROM {name}"), &[]).unwrap();
    }
}

#[test]
fn rows_that_come_slowly_do_not_lose_their_insert() {
    let Some(mut lab) = Lab::open() else { return };
    let def = lab.subject();
    let mut killer = lab.another();
    let number = backend(&mut lab.db);
    let columns: Vec<String> = def.columns.iter().map(|column| column.name.clone()).collect();
    let mut rows = (0..200_000).map(|n| {
        if n == 150_000 {
            kill(&mut killer, &number);
        }
        row(n, "x")
    });
    let error = lab.db.insert(&def, &columns, &mut rows, InsertMode::Error);
    assert!(matches!(error, Err(DbError::Lost { outcome_unknown: false, .. })), "{error:?}");
    drop(rows);
    assert_eq!(count(&mut lab.db, &def.id), 0);
}
