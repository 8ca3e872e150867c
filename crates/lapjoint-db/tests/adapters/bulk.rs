//! Inserts of one row and of many, in every mode.

use std::ops::ControlFlow;

use lapjoint_db::{ColumnDef, DbError, DefaultValue, IndexDef, InsertMode, TableDef};
use lapjoint_types::{CoreType, Value};

use crate::backend::Db;
use crate::common::{
    all, column, count, float, insert, insert_mode, int, made, made_subject, nullable, session, subject,
    text, with_default,
};

on_every_database!(
    skipping_keeps_the_row_that_is_there_and_still_refuses_other_duplicates,
    replacing_changes_all_other_columns_and_keeps_children,
    of_rows_with_the_same_key_the_first_is_kept_or_the_last_replaces,
    columns_may_come_in_any_order_and_a_row_may_be_all_defaults,
    many_rows_go_in_and_come_out,
    rows_that_end_in_an_error_leave_nothing,
    large_values_go_in_and_come_out,
);

fn skipping_keeps_the_row_that_is_there_and_still_refuses_other_duplicates(db: &mut Db) {
    let index = IndexDef { parts: vec!["name".into()], unique: true };
    let def = TableDef { indexes: vec![index], ..subject(&db.schema) };
    db.create_table(&def).unwrap();
    insert(&mut **db, &def, vec![vec![int(1), text("Ada")], vec![int(2), text("Bea")]]).unwrap();
    let more = vec![vec![int(2), text("Other")], vec![int(3), text("Cleo")]];
    assert_eq!(insert_mode(&mut **db, &def, more, InsertMode::SkipDuplicates).unwrap(), 1);
    assert_eq!(all(&mut **db, &def).unwrap()[1], [int(2), text("Bea")]);
    let error = insert_mode(&mut **db, &def, vec![vec![int(9), text("Ada")]], InsertMode::SkipDuplicates);
    assert!(matches!(&error, Err(DbError::Duplicate { columns, .. }) if columns == &["name"]), "{error:?}");
    assert_eq!(count(&mut **db, &def.id), 3);
    let many = (0..1000).map(|id| vec![int(id), text(&format!("name {id}"))]).collect();
    assert_eq!(insert_mode(&mut **db, &def, many, InsertMode::SkipDuplicates).unwrap(), 997);
    assert_eq!(
        all(&mut **db, &def).unwrap()[1..4],
        [[int(1), text("Ada")], [int(2), text("Bea")], [int(3), text("Cleo")]]
    );
}

fn replacing_changes_all_other_columns_and_keeps_children(db: &mut Db) {
    let def = made_subject(db);
    let child = session(&db.schema, &db.schema);
    db.create_table(&child).unwrap();
    insert(&mut **db, &def, vec![vec![int(1), text("Ada")], vec![int(2), text("Bea")]]).unwrap();
    insert(&mut **db, &child, vec![vec![int(1), int(2)]]).unwrap();
    let more = vec![vec![int(2), text("Other")], vec![int(3), text("Cleo")]];
    assert_eq!(insert_mode(&mut **db, &def, more, InsertMode::Replace).unwrap(), 2);
    let expected = [[int(1), text("Ada")], [int(2), text("Other")], [int(3), text("Cleo")]];
    assert_eq!(all(&mut **db, &def).unwrap(), expected);
    assert_eq!(count(&mut **db, &child.id), 1);
    let many: Vec<_> = (2..1000).map(|id| vec![int(id), text("many")]).collect();
    assert_eq!(insert_mode(&mut **db, &def, many, InsertMode::Replace).unwrap(), 998);
    assert_eq!(count(&mut **db, &def.id), 999);
    assert_eq!(all(&mut **db, &def).unwrap()[1], [int(2), text("many")]);
    assert_eq!(count(&mut **db, &child.id), 1);
    // A table of keys alone has nothing to replace.
    let keys = made(db, "only_keys", vec![column("k", CoreType::Int32)]);
    insert(&mut **db, &keys, vec![vec![int(1)]]).unwrap();
    let again = |last: i64| (1..=last).map(|k| vec![int(k)]).collect();
    assert_eq!(insert_mode(&mut **db, &keys, again(2), InsertMode::Replace).unwrap(), 1);
    assert_eq!(insert_mode(&mut **db, &keys, again(500), InsertMode::Replace).unwrap(), 498);
}

fn of_rows_with_the_same_key_the_first_is_kept_or_the_last_replaces(db: &mut Db) {
    for many in [6_i64, 600] {
        for (mode, kept) in [(InsertMode::SkipDuplicates, 0), (InsertMode::Replace, many - 2)] {
            let def = made_subject(db);
            let rows = (0..many).map(|n| vec![int(n % 2), text(&n.to_string())]).collect();
            insert_mode(&mut **db, &def, rows, mode).unwrap();
            let expected = [[int(0), text(&kept.to_string())], [int(1), text(&(kept + 1).to_string())]];
            assert_eq!(all(&mut **db, &def).unwrap(), expected, "{many} {mode:?}");
            db.drop_table(&def.id).unwrap();
        }
    }
}

fn columns_may_come_in_any_order_and_a_row_may_be_all_defaults(db: &mut Db) {
    let def = made(db, "t", vec![column("a", CoreType::Int32), nullable(column("b", CoreType::Int32))]);
    let columns = ["b".to_owned(), "a".to_owned()];
    db.insert(&def, &columns, &mut std::iter::once(vec![int(2), int(1)]), InsertMode::Error).unwrap();
    db.insert(&def, &columns, &mut (2..200).map(|n| vec![int(n + 1), int(n)]), InsertMode::Error).unwrap();
    let rows = all(&mut **db, &def).unwrap();
    assert!(rows.iter().all(|row| matches!(row[..], [Value::Int(a), Value::Int(b)] if b == a + 1)));
    let single = made(db, "single", vec![with_default(column("_singleton", CoreType::Bool), "1")]);
    let once = |db: &mut Db| db.insert(&single, &[], &mut std::iter::once(vec![]), InsertMode::Error);
    assert_eq!(once(db).unwrap(), 1);
    assert_eq!(all(&mut **db, &single).unwrap(), [[Value::Bool(true)]]);
    let again = once(db);
    assert!(matches!(again, Err(DbError::Duplicate { .. })), "{again:?}");
    let made_at = ColumnDef {
        default: Some(DefaultValue::CurrentTimestamp),
        ..column("made", CoreType::DateTime(Some(6)))
    };
    let def = made(db, "stamped", vec![column("id", CoreType::Int32), made_at]);
    db.insert(&def, &["id".into()], &mut (0..200).map(|n| vec![int(n)]), InsertMode::Error).unwrap();
    assert!(all(&mut **db, &def).unwrap().iter().all(|row| matches!(row[1], Value::DateTime(_))));
}

fn many_rows_go_in_and_come_out(db: &mut Db) {
    let columns = vec![
        column("id", CoreType::Int64),
        column("x", CoreType::Float64),
        column("name", CoreType::Varchar(20)),
        nullable(column("data", CoreType::Bytes)),
    ];
    let def = made(db, "big", columns);
    let rows = 50_000;
    let names: Vec<String> = def.columns.iter().map(|c| c.name.clone()).collect();
    let row = |n: i64| {
        let data = if n % 3 == 0 { Value::Null } else { Value::Bytes(vec![7; 16].into()) };
        vec![int(n), float(n as f64 / 8.0), text(&format!("name {n}")), data]
    };
    assert_eq!(db.insert(&def, &names, &mut (0..rows).map(row), InsertMode::Error).unwrap(), 50_000);
    let types: Vec<_> = def.columns.iter().map(|c| (c.name.clone(), c.ty.clone())).collect();
    let sql = format!("SELECT id, x, name, data FROM {} ORDER BY id", db.quote_table(&def.id));
    let mut seen = 0;
    db.query(&sql, &[], &types, &mut |values| {
        assert_eq!(values, row(seen));
        seen += 1;
        ControlFlow::Continue(())
    })
    .unwrap();
    assert_eq!(seen, rows);
}

fn rows_that_end_in_an_error_leave_nothing(db: &mut Db) {
    let def = made_subject(db);
    let names: Vec<String> = def.columns.iter().map(|c| c.name.clone()).collect();
    for mode in [InsertMode::Error, InsertMode::SkipDuplicates, InsertMode::Replace] {
        let mut rows = (0..20_000).map(|n| vec![if n == 19_999 { Value::Null } else { int(n) }, text("x")]);
        let error = db.insert(&def, &names, &mut rows, mode);
        assert!(matches!(error, Err(DbError::MissingValue { row: Some(19_999), .. })), "{error:?}");
        assert!(!db.in_transaction());
        assert_eq!(count(&mut **db, &def.id), 0);
    }
    insert(&mut **db, &def, vec![vec![int(1), text("x")]]).unwrap();
}

fn large_values_go_in_and_come_out(db: &mut Db) {
    let def = made(db, "t", vec![column("id", CoreType::Int32), column("data", CoreType::Bytes)]);
    let row = |n: u8| vec![int(n.into()), Value::Bytes(vec![n; 3 << 20].into())];
    insert(&mut **db, &def, vec![row(1)]).unwrap();
    insert(&mut **db, &def, (2..20).map(row).collect()).unwrap();
    assert_eq!(all(&mut **db, &def).unwrap(), (1..20).map(row).collect::<Vec<_>>());
}
