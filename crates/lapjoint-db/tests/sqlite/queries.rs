//! Statements, transactions and their errors.

use std::ops::ControlFlow;

use lapjoint_db::{Adapter, ColumnType, DbError, TransactionMode};
use lapjoint_types::{CoreType, Value};

use crate::common::{all, column, count, insert, int, memory, native, select, subject, table, text};

#[test]
fn a_sink_may_stop_and_the_next_query_starts_anew() {
    let mut db = memory();
    let def = subject("lab");
    db.create_table(&def).unwrap();
    insert(&mut db, &def, (0..100).map(|n| vec![int(n), text("x")]).collect()).unwrap();
    let columns = [("subject_id".to_owned(), ColumnType::Core(CoreType::Int32))];
    for _ in 0..2 {
        let mut seen = Vec::new();
        db.query("SELECT subject_id FROM lab.subject ORDER BY 1", &[], &columns, &mut |row| {
            seen.push(row[0].clone());
            if seen.len() == 3 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        })
        .unwrap();
        assert_eq!(seen, [int(0), int(1), int(2)]);
    }
    // The stopped statement holds no lock.
    db.drop_table(&def.id).unwrap();
}

#[test]
fn computed_columns_come_by_their_storage_class() {
    let mut db = memory();
    let any = native("");
    let rows = select(
        &mut db,
        "SELECT 1, 1.5, 'x', X'00', NULL",
        &[any.clone(), any.clone(), any.clone(), any.clone(), any],
    )
    .unwrap();
    assert_eq!(rows, [[int(1), Value::Float(1.5), text("x"), Value::Bytes(vec![0].into()), Value::Null]]);
}

#[test]
fn a_query_may_ask_for_fewer_columns_than_there_are_but_not_for_more() {
    let mut db = memory();
    assert_eq!(select(&mut db, "SELECT 1, 2", &[]).unwrap(), [Vec::<Value>::new()]);
    assert!(matches!(select(&mut db, "SELECT 1", &[native(""), native("")]), Err(DbError::Syntax { .. })));
}

#[test]
fn errors_say_what_is_wrong_with_a_statement() {
    let mut db = memory();
    db.create_table(&subject("lab")).unwrap();
    let mut fail = |sql: &str| select(&mut db, sql, &[]).unwrap_err();
    let error = fail("SELECT * FROM lab.absent");
    assert!(matches!(&error, DbError::MissingTable(name) if name == "lab.absent"), "{error:?}");
    assert!(matches!(
        fail("SELECT * FROM nolab.absent"),
        DbError::MissingTable(_) | DbError::MissingSchema(_)
    ));
    assert!(matches!(fail("SELECT nope FROM lab.subject"), DbError::UnknownColumn(name) if name == "nope"));
    assert!(matches!(fail("SELEC 1"), DbError::Syntax { sql, .. } if sql == "SELEC 1"));
    assert!(matches!(fail("SELECT (1"), DbError::Syntax { .. }));
    assert!(matches!(fail("SELECT ?"), DbError::Syntax { .. }));
    assert!(matches!(fail("SELECT 1; SELECT 2"), DbError::Syntax { .. }));
    let long = format!("SELEC {}", "x".repeat(10_000));
    assert!(matches!(fail(&long), DbError::Syntax { sql, .. } if sql.chars().count() < 400));
}

#[test]
fn execute_counts_changed_rows_and_checks_parameters() {
    let mut db = memory();
    let def = subject("lab");
    db.create_table(&def).unwrap();
    insert(&mut db, &def, vec![vec![int(1), text("a")], vec![int(2), text("a")]]).unwrap();
    let name = ColumnType::Core(CoreType::Varchar(20));
    let sql = "UPDATE lab.subject SET name = ?";
    assert_eq!(db.execute(sql, &[(text("b"), name.clone())]).unwrap(), 2);
    assert!(matches!(db.execute(sql, &[(text(&"x".repeat(21)), name.clone())]), Err(DbError::Value { .. })));
    assert!(matches!(db.execute(sql, &[]), Err(DbError::Syntax { .. })));
    assert_eq!(db.execute("UPDATE lab.subject SET name = 'c' WHERE 0", &[]).unwrap(), 0);
    assert_eq!(db.execute("SELECT 1", &[]).unwrap(), 0);
    let error = db.execute("UPDATE \"lab\".\"subject\" SET name = NULL", &[]);
    assert!(matches!(&error, Err(DbError::MissingValue { column, .. }) if column == "name"), "{error:?}");
    let error = db.execute("UPDATE \"lab\".\"subject\" SET subject_id = 1", &[]);
    assert!(
        matches!(&error, Err(DbError::Duplicate { table, columns, .. }) if *table == def.id && columns == &["subject_id"]),
        "{error:?}"
    );
    assert_eq!(all(&mut db, &def).unwrap(), [[int(1), text("b")], [int(2), text("b")]]);
}

#[test]
fn transactions_are_kept_or_undone_and_do_not_nest() {
    let mut db = memory();
    let def = subject("lab");
    db.create_table(&def).unwrap();
    assert!(matches!(db.commit(), Err(DbError::Transaction(_))));
    assert!(matches!(db.rollback(), Err(DbError::Transaction(_))));
    for (mode, keep, expected) in [(TransactionMode::Write, false, 0), (TransactionMode::Write, true, 1)] {
        db.begin(mode).unwrap();
        assert!(db.in_transaction());
        assert!(matches!(db.begin(mode), Err(DbError::Transaction(_))));
        insert(&mut db, &def, vec![vec![int(1), text("x")]]).unwrap();
        if keep {
            db.commit().unwrap()
        } else {
            db.rollback().unwrap()
        }
        assert!(!db.in_transaction());
        assert_eq!(count(&mut db, &def.id), expected);
    }
}

#[test]
fn double_quotes_are_a_text_where_there_is_no_such_column() {
    let mut db = memory();
    let mut def = subject("lab");
    db.create_table(&def).unwrap();
    insert(&mut db, &def, vec![vec![int(1), text("Ada")], vec![int(2), text("name")]]).unwrap();
    let ids = |db: &mut _, condition: &str| {
        select(db, &format!("SELECT subject_id FROM lab.subject WHERE {condition} ORDER BY 1"), &[native("")])
            .unwrap()
    };
    assert_eq!(ids(&mut db, "name = \"Ada\""), [[int(1)]]);
    assert_eq!(ids(&mut db, "name = \"name\""), [[int(1)], [int(2)]]);
    // But not in an index.
    def.id.table = "other".into();
    def.indexes = vec![lapjoint_db::IndexDef { parts: vec!["(\"nope\")".into()], unique: false }];
    let error = db.create_table(&def);
    assert!(matches!(&error, Err(DbError::UnknownColumn(_) | DbError::Syntax { .. })), "{error:?}");
}

#[test]
fn many_rows_go_in_and_come_out() {
    let mut db = memory();
    let columns = vec![
        column("id", CoreType::Int64),
        column("x", CoreType::Float64),
        column("name", CoreType::Varchar(20)),
        column("data", CoreType::Bytes),
    ];
    let def = table("lab", "big", columns);
    db.create_table(&def).unwrap();
    let rows = 200_000;
    let names: Vec<String> = def.columns.iter().map(|c| c.name.clone()).collect();
    let row = |n: i64| vec![int(n), Value::Float(0.5), text("some name"), Value::Bytes(vec![7; 16].into())];
    let start = std::time::Instant::now();
    db.insert(&def, &names, &mut (0..rows).map(row), lapjoint_db::InsertMode::Error).unwrap();
    let inserted = start.elapsed();
    let types: Vec<_> = def.columns.iter().map(|c| (c.name.clone(), c.ty.clone())).collect();
    let start = std::time::Instant::now();
    let mut seen = 0;
    db.query("SELECT id, x, name, data FROM lab.big", &[], &types, &mut |_| {
        seen += 1;
        ControlFlow::Continue(())
    })
    .unwrap();
    assert_eq!(seen, rows);
    println!("{rows} rows: inserted in {inserted:?}, read in {:?}", start.elapsed());
}
