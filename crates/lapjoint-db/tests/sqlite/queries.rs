//! Statements, transactions and their errors.

use std::ops::ControlFlow;

use lapjoint_db::{Adapter, ColumnType, DbError};
use lapjoint_types::{CoreType, Value};

use crate::common::{insert, int, memory, native, select, subject, text};

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
