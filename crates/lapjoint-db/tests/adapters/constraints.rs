//! References within a schema and between schemas mean the same; keys are unique.

use lapjoint_db::{DbError, ForeignKeyDef, IndexDef, TableDef, TransactionMode};
use lapjoint_types::{CoreType, Value};

use crate::backend::Db;
use crate::common::{all, column, count, insert, int, made_subject, nullable, session, subject, table, text};

on_every_database!(
    references_within_a_schema,
    references_between_schemas,
    a_reference_of_several_columns_names_its_row,
    a_row_may_refer_to_a_row_of_the_same_insert,
    references_hold_for_many_rows_at_once,
    a_unique_index_takes_null_any_number_of_times,
    a_reference_made_by_another_connection_holds_here_too,
);

fn refused(result: Result<u64, DbError>, table: &TableDef, needle: &str) {
    match result {
        Err(DbError::ForeignKey { table: id, detail, .. }) => {
            assert_eq!(id, table.id);
            assert!(detail.contains(needle), "{detail}");
        }
        other => panic!("{other:?}"),
    }
}

/// The whole meaning of a reference from `child_schema` to the case's schema.
fn check_reference(db: &mut Db, child_schema: &str) {
    let (parent, child) = (subject(&db.schema), session(child_schema, &db.schema));
    db.create_table(&parent).unwrap();
    db.create_table(&child).unwrap();
    assert_eq!(db.load_table(&child.id).unwrap(), Some(child.clone()));
    insert(&mut **db, &parent, vec![vec![int(1), text("Ada")], vec![int(2), text("Bea")]]).unwrap();

    let orphan = insert(&mut **db, &child, vec![vec![int(10), int(1)], vec![int(11), int(9)]]);
    assert!(matches!(orphan, Err(DbError::ForeignKey { row: Some(1), .. })), "{orphan:?}");
    refused(orphan, &child, &format!("(subject_id) -> {} (subject_id) has no row (9)", parent.id));
    assert_eq!(count(&mut **db, &child.id), 0);

    insert(&mut **db, &child, vec![vec![int(10), int(1)], vec![int(12), Value::Null]]).unwrap();
    let parent_name = db.quote_table(&parent.id);
    let child_name = db.quote_table(&child.id);
    refused(
        db.execute(&format!("DELETE FROM {parent_name} WHERE subject_id = 1"), &[]),
        &parent,
        &child.id.to_string(),
    );
    refused(
        db.execute(&format!("UPDATE {child_name} SET subject_id = 9 WHERE session_id = 10"), &[]),
        &child,
        "",
    );
    assert_eq!(db.execute(&format!("DELETE FROM {parent_name} WHERE subject_id = 2"), &[]).unwrap(), 1);
    assert_eq!(db.execute(&format!("UPDATE {parent_name} SET subject_id = 5"), &[]).unwrap(), 1);
    assert_eq!(all(&mut **db, &child).unwrap(), [[int(10), int(5)], [int(12), Value::Null]]);

    assert!(matches!(db.drop_table(&parent.id), Err(DbError::ForeignKey { .. })));
    db.execute(&format!("DELETE FROM {child_name}"), &[]).unwrap();
    assert_eq!(db.execute(&format!("DELETE FROM {parent_name}"), &[]).unwrap(), 1);
}

fn references_within_a_schema(db: &mut Db) {
    let schema = db.schema.clone();
    check_reference(db, &schema);
}

fn references_between_schemas(db: &mut Db) {
    let other = db.other_schema("_b");
    check_reference(db, &other);
}

fn a_reference_of_several_columns_names_its_row(db: &mut Db) {
    let mut parent =
        table(&db.schema, "pair", vec![column("a", CoreType::Int32), column("b", CoreType::Varchar(20))]);
    parent.primary_key.push("b".into());
    db.create_table(&parent).unwrap();
    let columns = vec![
        column("id", CoreType::Int32),
        nullable(column("y", CoreType::Varchar(20))),
        nullable(column("x", CoreType::Int32)),
    ];
    let key = ForeignKeyDef {
        columns: vec!["x".into(), "y".into()],
        parent: parent.id.clone(),
        parent_columns: vec!["a".into(), "b".into()],
    };
    let child = TableDef { foreign_keys: vec![key], ..table(&db.schema, "child", columns) };
    db.create_table(&child).unwrap();
    insert(&mut **db, &parent, vec![vec![int(1), text("it's, (x)")]]).unwrap();
    let rows = vec![vec![int(1), text("it's, (x)"), int(1)], vec![int(2), text("no"), int(1)]];
    match insert(&mut **db, &child, rows) {
        Err(DbError::ForeignKey { row: Some(1), detail, .. }) => {
            assert!(detail.starts_with("(x, y) ->") && detail.contains("has no row (1, "), "{detail}");
        }
        other => panic!("{other:?}"),
    }
    // A part that is null refers to nothing.
    insert(&mut **db, &child, vec![vec![int(2), text("no"), Value::Null]]).unwrap();
}

fn node(schema: &str) -> TableDef {
    let def =
        table(schema, "node", vec![column("id", CoreType::Int32), nullable(column("up", CoreType::Int32))]);
    let key = ForeignKeyDef {
        columns: vec!["up".into()],
        parent: def.id.clone(),
        parent_columns: vec!["id".into()],
    };
    TableDef { foreign_keys: vec![key], ..def }
}

fn a_row_may_refer_to_a_row_of_the_same_insert(db: &mut Db) {
    let def = node(&db.schema);
    db.create_table(&def).unwrap();
    let chain = |first: i64, length: i64| -> Vec<Vec<Value>> {
        let up = |id: i64| if id == first { Value::Null } else { int(id - 1) };
        (first..first + length).map(|id| vec![int(id), up(id)]).collect()
    };
    insert(&mut **db, &def, chain(1, 3)).unwrap();
    insert(&mut **db, &def, chain(1000, 500)).unwrap();
    let mut broken = chain(3000, 500);
    broken[321][1] = int(9);
    let error = insert(&mut **db, &def, broken);
    assert!(matches!(error, Err(DbError::ForeignKey { row: Some(321), .. })), "{error:?}");
    assert_eq!(count(&mut **db, &def.id), 503);
}

fn references_hold_for_many_rows_at_once(db: &mut Db) {
    let parent = made_subject(db);
    let child = session(&db.schema, &db.schema);
    db.create_table(&child).unwrap();
    insert(&mut **db, &parent, (0..10).map(|id| vec![int(id), text("x")]).collect()).unwrap();
    let rows = |wrong: Option<usize>| -> Vec<Vec<Value>> {
        let mut rows: Vec<_> = (0..5000).map(|id| vec![int(id), int(id % 10)]).collect();
        if let Some(wrong) = wrong {
            rows[wrong][1] = int(77);
        }
        rows
    };
    let error = insert(&mut **db, &child, rows(Some(4321)));
    assert!(matches!(error, Err(DbError::ForeignKey { row: Some(4321), .. })), "{error:?}");
    refused(error, &child, "has no row (77)");
    assert_eq!(count(&mut **db, &child.id), 0);
    // The same within a transaction, which goes on.
    db.begin(TransactionMode::Write).unwrap();
    let error = insert(&mut **db, &child, rows(Some(20)));
    assert!(matches!(error, Err(DbError::ForeignKey { row: Some(20), .. })), "{error:?}");
    insert(&mut **db, &child, rows(None)).unwrap();
    db.commit().unwrap();
    assert_eq!(count(&mut **db, &child.id), 5000);
}

fn a_unique_index_takes_null_any_number_of_times(db: &mut Db) {
    let mut def = subject(&db.schema);
    def.columns[1] = nullable(column("name", CoreType::Varchar(20)));
    def.indexes = vec![IndexDef { parts: vec!["name".into()], unique: true }];
    db.create_table(&def).unwrap();
    insert(
        &mut **db,
        &def,
        vec![vec![int(1), Value::Null], vec![int(2), Value::Null], vec![int(3), text("x")]],
    )
    .unwrap();
    let error = insert(&mut **db, &def, vec![vec![int(4), text("x")]]);
    assert!(matches!(&error, Err(DbError::Duplicate { columns, .. }) if columns == &["name"]), "{error:?}");
}

fn a_reference_made_by_another_connection_holds_here_too(db: &mut Db) {
    let parent = made_subject(db);
    let other = db.other_schema("_b");
    insert(&mut **db, &parent, vec![vec![int(1), text("Ada")]]).unwrap();
    {
        let child = session(&other, &db.schema);
        let mut there = db.another();
        there.create_table(&child).unwrap();
        insert(there.as_mut(), &child, vec![vec![int(1), int(1)]]).unwrap();
    }
    let delete = format!("DELETE FROM {}", db.quote_table(&parent.id));
    refused(db.execute(&delete, &[]), &parent, &other);
    db.begin(TransactionMode::Write).unwrap();
    refused(db.execute(&delete, &[]), &parent, &other);
    db.rollback().unwrap();
}
