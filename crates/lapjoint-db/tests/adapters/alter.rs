//! Tables can be altered; what does not fit leaves them as they were.

use lapjoint_db::{DbError, TableDef, TransactionMode};
use lapjoint_types::{CoreType, Value};

use crate::backend::Db;
use crate::common::{
    all, column, decimal, float, insert, int, made, made_subject, native_column, nullable, select, session,
    subject, table, text, with_default,
};

on_every_database!(
    columns_are_added_dropped_renamed_and_retyped,
    columns_may_change_names_with_one_another,
    references_and_indexes_stay,
    a_value_that_does_not_fit_leaves_the_table_as_it_was,
    a_table_is_not_altered_within_a_transaction,
);

fn sources(names: &[&str]) -> Vec<Option<String>> {
    names.iter().map(|name| (!name.is_empty()).then(|| (*name).to_owned())).collect()
}

fn columns_are_added_dropped_renamed_and_retyped(db: &mut Db) {
    let old = made(
        db,
        "t",
        vec![
            column("id", CoreType::Int16),
            with_default(column("price", CoreType::Decimal { precision: 6, scale: 2 }), "1.00"),
            nullable(column("gone", CoreType::Varchar(9))),
            column("name", CoreType::Varchar(9)),
            column("grade", CoreType::Enum(vec!["a".into(), "b".into()])),
        ],
    );
    insert(
        &mut **db,
        &old,
        vec![
            vec![int(1), decimal("2.50"), text("x"), text("Ada"), text("a")],
            vec![int(2), decimal("3.00"), Value::Null, text("Bea"), text("b")],
        ],
    )
    .unwrap();
    let mut new = table(
        &db.schema,
        "t",
        vec![
            column("id", CoreType::Int64),
            with_default(column("price", CoreType::Decimal { precision: 8, scale: 3 }), "2.000"),
            nullable(column("called", CoreType::Varchar(20))),
            column("grade", CoreType::Enum(vec!["b".into(), "a".into(), "c".into()])),
            with_default(column("count", CoreType::Int32), "7"),
            nullable(column("note", CoreType::Float64)),
        ],
    );
    new.comment = "altered; it's new".into();
    db.alter_table(&old, &new, &sources(&["id", "price", "name", "grade", "", ""])).unwrap();
    assert_eq!(db.load_table(&new.id).unwrap(), Some(new.clone()));
    let rows = |first: Value| {
        vec![
            vec![int(1), decimal("2.500"), text("Ada"), text("a"), int(7), first],
            vec![int(2), decimal("3.000"), text("Bea"), text("b"), int(7), Value::Null],
        ]
    };
    assert_eq!(all(&mut **db, &new).unwrap(), rows(Value::Null));
    let more = vec![int(1 << 40), decimal("0.125"), Value::Null, text("c"), int(1), float(0.5)];
    insert(&mut **db, &new, vec![more.clone()]).unwrap();
    assert_eq!(all(&mut **db, &new).unwrap()[2], more);
}

fn columns_may_change_names_with_one_another(db: &mut Db) {
    let old = made(
        db,
        "t",
        vec![column("id", CoreType::Int32), column("a", CoreType::Int32), column("b", CoreType::Int32)],
    );
    insert(&mut **db, &old, vec![vec![int(1), int(10), int(20)]]).unwrap();
    let new = table(
        &db.schema,
        "t",
        vec![column("id", CoreType::Int32), column("b", CoreType::Int32), column("a", CoreType::Int32)],
    );
    db.alter_table(&old, &new, &sources(&["id", "a", "b"])).unwrap();
    assert_eq!(db.load_table(&new.id).unwrap(), Some(new.clone()));
    assert_eq!(all(&mut **db, &new).unwrap(), [[int(1), int(10), int(20)]]);
}

fn references_and_indexes_stay(db: &mut Db) {
    let parent = made_subject(db);
    let mut old = session(&db.schema, &db.schema);
    old.columns.push(nullable(column("note", CoreType::Varchar(9))));
    old.indexes = vec![lapjoint_db::IndexDef { parts: vec!["note".into()], unique: true }];
    db.create_table(&old).unwrap();
    insert(&mut **db, &parent, vec![vec![int(1), text("Ada")]]).unwrap();
    insert(&mut **db, &old, vec![vec![int(1), int(1), text("x")]]).unwrap();
    let mut new = old.clone();
    new.columns[2] = nullable(column("note", CoreType::Varchar(30)));
    new.columns.push(nullable(column("more", CoreType::Int32)));
    db.alter_table(&old, &new, &sources(&["session_id", "subject_id", "note", ""])).unwrap();
    assert_eq!(db.load_table(&new.id).unwrap(), Some(new.clone()));
    let orphan = insert(&mut **db, &new, vec![vec![int(2), int(9), text("y"), Value::Null]]);
    assert!(matches!(orphan, Err(DbError::ForeignKey { .. })), "{orphan:?}");
    let double = insert(&mut **db, &new, vec![vec![int(2), int(1), text("x"), Value::Null]]);
    assert!(matches!(double, Err(DbError::Duplicate { .. })), "{double:?}");
    // The parent may change, too, and keeps its children.
    let mut wider = subject(&db.schema);
    wider.columns[1] = column("name", CoreType::Varchar(99));
    db.alter_table(&parent, &wider, &sources(&["subject_id", "name"])).unwrap();
    let delete = format!("DELETE FROM {}", db.quote_table(&parent.id));
    assert!(matches!(db.execute(&delete, &[]), Err(DbError::ForeignKey { .. })));
}

fn a_value_that_does_not_fit_leaves_the_table_as_it_was(db: &mut Db) {
    let old = made(
        db,
        "t",
        vec![
            column("id", CoreType::Int32),
            column("number", CoreType::Int32),
            column("ratio", CoreType::Float64),
            column("name", CoreType::Varchar(20)),
            nullable(column("at", CoreType::DateTime(Some(6)))),
        ],
    );
    let moment = Value::DateTime("2026-01-31T12:00:00.123456".parse().unwrap());
    let rows = vec![
        vec![int(1), int(100), float(3.0), text("abc"), Value::Null],
        vec![int(2), int(300), float(3.7), text("abcdef"), moment],
    ];
    insert(&mut **db, &old, rows.clone()).unwrap();
    let changes: [(usize, CoreType); 5] = [
        (1, CoreType::Int8),
        (2, CoreType::Int32),
        (3, CoreType::Varchar(5)),
        (3, CoreType::Int32),
        (4, CoreType::DateTime(Some(3))),
    ];
    for (place, ty) in changes {
        let mut new: TableDef = old.clone();
        new.columns[place] = column(&old.columns[place].name, ty.clone());
        new.columns[place].nullable = old.columns[place].nullable;
        new.columns[place].default = old.columns[place].default.clone();
        // Done first, and undone with the rest.
        new.columns[0] = column("renamed", CoreType::Int32);
        let error = db.alter_table(&old, &new, &sources(&["id", "number", "ratio", "name", "at"]));
        assert!(error.is_err(), "{ty}");
        assert_eq!(db.load_table(&old.id).unwrap(), Some(old.clone()), "{ty}");
        assert_eq!(all(&mut **db, &old).unwrap(), rows, "{ty}");
    }
    let mut new = old.clone();
    new.columns[4].nullable = false;
    new.columns[4].default = None;
    let error = db.alter_table(&old, &new, &sources(&["id", "number", "ratio", "name", "at"]));
    assert!(matches!(&error, Err(DbError::MissingValue { column, .. }) if column == "at"), "{error:?}");
    assert_eq!(all(&mut **db, &old).unwrap(), rows);
}

fn a_table_is_not_altered_within_a_transaction(db: &mut Db) {
    let old = made_subject(db);
    let mut new = old.clone();
    new.columns.push(nullable(native_column("more", "integer")));
    db.begin(TransactionMode::User).unwrap();
    let error = db.alter_table(&old, &new, &sources(&["subject_id", "name", ""]));
    assert!(matches!(error, Err(DbError::Transaction(_))), "{error:?}");
    db.rollback().unwrap();
    db.alter_table(&old, &new, &sources(&["subject_id", "name", ""])).unwrap();
    let sql = format!("SELECT more FROM {}", db.quote_table(&new.id));
    assert_eq!(select(&mut **db, &sql, &[]).unwrap().len(), 0);
}
