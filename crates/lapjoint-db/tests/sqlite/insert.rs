//! Inserts: modes, all or nothing, and errors that name row and column.

use lapjoint_db::{Adapter, ColumnDef, ColumnType, DbError, IndexDef, InsertMode, TableDef, TransactionMode};
use lapjoint_types::{CoreType, Value};

use crate::common::{
    all, column, count, insert, insert_mode, int, memory, native, nullable, subject, table, text,
};

fn unique_name() -> TableDef {
    let index = IndexDef { parts: vec!["name".into()], unique: true };
    TableDef { indexes: vec![index], ..subject("lab") }
}

fn rows() -> Vec<Vec<Value>> {
    vec![vec![int(1), text("Ada")], vec![int(2), text("Bea")]]
}

#[test]
fn a_duplicate_key_names_its_row_and_leaves_nothing_of_the_insert() {
    let mut db = memory();
    let def = unique_name();
    db.create_table(&def).unwrap();
    assert_eq!(insert(&mut db, &def, rows()).unwrap(), 2);
    for (row, key) in [(vec![int(2), text("Cleo")], "subject_id"), (vec![int(4), text("Ada")], "name")] {
        let error = insert(&mut db, &def, vec![vec![int(3), text("Dido")], row]);
        match error {
            Err(DbError::Duplicate { table, columns, row: Some(1) }) => {
                assert_eq!((table, columns), (def.id.clone(), vec![key.to_owned()]));
            }
            other => panic!("{other:?}"),
        }
        assert_eq!(all(&mut db, &def).unwrap(), rows());
    }
}

#[test]
fn skipping_keeps_the_row_that_is_there_and_still_refuses_other_duplicates() {
    let mut db = memory();
    let def = unique_name();
    db.create_table(&def).unwrap();
    insert(&mut db, &def, rows()).unwrap();
    let more = vec![vec![int(2), text("Other")], vec![int(3), text("Cleo")]];
    assert_eq!(insert_mode(&mut db, &def, more, InsertMode::SkipDuplicates).unwrap(), 1);
    assert_eq!(all(&mut db, &def).unwrap()[1], [int(2), text("Bea")]);
    let error = insert_mode(&mut db, &def, vec![vec![int(9), text("Ada")]], InsertMode::SkipDuplicates);
    assert!(matches!(&error, Err(DbError::Duplicate { columns, .. }) if columns == &["name"]), "{error:?}");
    assert_eq!(count(&mut db, &def.id), 3);
}

#[test]
fn replacing_changes_all_other_columns_and_keeps_children() {
    let mut db = memory();
    let def = subject("lab");
    let child = crate::common::session("lab", "lab");
    db.create_table(&def).unwrap();
    db.create_table(&child).unwrap();
    insert(&mut db, &def, rows()).unwrap();
    insert(&mut db, &child, vec![vec![int(1), int(2)]]).unwrap();
    let more = vec![vec![int(2), text("Other")], vec![int(3), text("Cleo")]];
    assert_eq!(insert_mode(&mut db, &def, more, InsertMode::Replace).unwrap(), 2);
    let expected = [[int(1), text("Ada")], [int(2), text("Other")], [int(3), text("Cleo")]];
    assert_eq!(all(&mut db, &def).unwrap(), expected);
    assert_eq!(count(&mut db, &child.id), 1);
    // A table of keys alone has nothing to replace.
    let keys = table("lab", "keys", vec![column("k", CoreType::Int8)]);
    db.create_table(&keys).unwrap();
    insert(&mut db, &keys, vec![vec![int(1)]]).unwrap();
    assert_eq!(
        insert_mode(&mut db, &keys, vec![vec![int(1)], vec![int(2)]], InsertMode::Replace).unwrap(),
        1
    );
}

#[test]
fn values_that_do_not_fit_name_row_and_column() {
    let mut db = memory();
    let def = subject("lab");
    db.create_table(&def).unwrap();
    let wrong = [
        (vec![int(1 << 40), text("x")], "subject_id"),
        (vec![int(1), text(&"x".repeat(21))], "name"),
        (vec![text("x"), text("x")], "subject_id"),
        (vec![int(1), Value::Tuple(vec![])], "name"),
    ];
    for (row, name) in wrong {
        let error = insert(&mut db, &def, vec![vec![int(0), text("ok")], row]);
        assert!(
            matches!(&error, Err(DbError::Value { column, row: Some(1), .. }) if column == name),
            "{error:?}"
        );
    }
    let error = insert(&mut db, &def, vec![vec![int(0), text("ok")], vec![int(1), Value::Null]]);
    assert!(
        matches!(&error, Err(DbError::MissingValue { column, row: Some(1), .. }) if column == "name"),
        "{error:?}"
    );
    assert_eq!(count(&mut db, &def.id), 0);
}

#[test]
fn an_insert_that_fails_leaves_its_transaction_open_and_as_it_was() {
    let mut db = memory();
    let def = subject("lab");
    db.create_table(&def).unwrap();
    db.begin(TransactionMode::Write).unwrap();
    insert(&mut db, &def, rows()).unwrap();
    insert(&mut db, &def, vec![vec![int(5), text("E")], vec![int(1), text("F")]]).unwrap_err();
    assert!(db.in_transaction());
    assert_eq!(all(&mut db, &def).unwrap(), rows());
    db.commit().unwrap();
    assert_eq!(all(&mut db, &def).unwrap(), rows());
}

#[test]
fn rows_and_columns_have_to_match() {
    let mut db = memory();
    let def = subject("lab");
    db.create_table(&def).unwrap();
    let error = insert(&mut db, &def, vec![vec![int(1)]]);
    assert!(
        matches!(&error, Err(DbError::Database { message, .. }) if message.contains("1 values for 2")),
        "{error:?}"
    );
    let error = db.insert(&def, &["nope".into()], &mut std::iter::empty(), InsertMode::Error);
    assert!(matches!(&error, Err(DbError::UnknownColumn(name)) if name == "nope"), "{error:?}");
    assert_eq!(insert(&mut db, &def, vec![]).unwrap(), 0);
}

#[test]
fn columns_may_come_in_any_order_and_a_row_may_be_all_defaults() {
    let mut db = memory();
    let def = table("lab", "t", vec![column("a", CoreType::Int8), nullable(column("b", CoreType::Int8))]);
    db.create_table(&def).unwrap();
    let columns = ["b".to_owned(), "a".to_owned()];
    db.insert(&def, &columns, &mut std::iter::once(vec![int(2), int(1)]), InsertMode::Error).unwrap();
    assert_eq!(all(&mut db, &def).unwrap(), [[int(1), int(2)]]);
    // SQLite would number an integer key by itself and pass over its default.
    let ties = [ColumnType::Core(CoreType::Int32), native("integer"), native("INTEGER")];
    for (number, ty) in ties.into_iter().enumerate() {
        let default = Some(lapjoint_db::DefaultValue::Literal("5".into()));
        let key = ColumnDef { ty, default, ..column("k", CoreType::Int32) };
        let def = table("lab", &format!("k{number}"), vec![key]);
        db.create_table(&def).unwrap();
        db.insert(&def, &[], &mut std::iter::once(vec![]), InsertMode::Error).unwrap();
        assert_eq!(all(&mut db, &def).unwrap(), [[int(5)]]);
    }
    let flag = ColumnDef {
        default: Some(lapjoint_db::DefaultValue::Literal("1".into())),
        ..column("_singleton", CoreType::Bool)
    };
    let single = table("lab", "single", vec![flag]);
    db.create_table(&single).unwrap();
    let once = |db: &mut lapjoint_db::SqliteAdapter| {
        db.insert(&single, &[], &mut std::iter::once(vec![]), InsertMode::Error)
    };
    assert_eq!(once(&mut db).unwrap(), 1);
    let again = once(&mut db);
    assert!(matches!(again, Err(DbError::Duplicate { .. })), "{again:?}");
}
