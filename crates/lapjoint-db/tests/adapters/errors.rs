//! Errors say what is wrong, with row and column where there is one.

use lapjoint_db::{DbError, IndexDef, InsertMode, TableDef};
use lapjoint_types::Value;

use crate::backend::Db;
use crate::common::{
    all, core, count, insert, insert_mode, int, made_subject, native, select, subject, text,
};
use lapjoint_types::CoreType;

on_every_database!(
    a_duplicate_key_names_its_row_and_leaves_nothing_of_the_insert,
    a_duplicate_among_many_rows_names_its_row,
    values_that_do_not_fit_name_row_and_column,
    rows_and_columns_have_to_match,
    errors_say_what_is_wrong_with_a_statement,
    changes_that_violate_a_constraint_name_it,
);

fn unique_name(schema: &str) -> TableDef {
    let index = IndexDef { parts: vec!["name".into()], unique: true };
    TableDef { indexes: vec![index], ..subject(schema) }
}

fn rows() -> Vec<Vec<Value>> {
    vec![vec![int(1), text("Ada")], vec![int(2), text("Bea")]]
}

fn a_duplicate_key_names_its_row_and_leaves_nothing_of_the_insert(db: &mut Db) {
    let def = unique_name(&db.schema);
    db.create_table(&def).unwrap();
    assert_eq!(insert(&mut **db, &def, rows()).unwrap(), 2);
    for (row, key) in [(vec![int(2), text("Cleo")], "subject_id"), (vec![int(4), text("Ada")], "name")] {
        match insert(&mut **db, &def, vec![vec![int(3), text("Dido")], row]) {
            Err(DbError::Duplicate { table, columns, row: Some(1) }) => {
                assert_eq!((table, columns), (def.id.clone(), vec![key.to_owned()]));
            }
            other => panic!("{other:?}"),
        }
        assert_eq!(all(&mut **db, &def).unwrap(), rows());
    }
}

fn a_duplicate_among_many_rows_names_its_row(db: &mut Db) {
    let def = unique_name(&db.schema);
    db.create_table(&def).unwrap();
    insert(&mut **db, &def, rows()).unwrap();
    let many = |place: usize, row: Vec<Value>| -> Vec<Vec<Value>> {
        let mut many: Vec<_> = (10..3010).map(|id| vec![int(id), text(&format!("name {id}"))]).collect();
        many[place] = row;
        many
    };
    let cases = [
        (InsertMode::Error, many(2345, vec![int(2), text("Cleo")]), 2345, "subject_id"),
        (InsertMode::Error, many(1234, vec![int(99_999), text("Ada")]), 1234, "name"),
        (InsertMode::Error, many(999, vec![int(11), text("twice")]), 999, "subject_id"),
        (InsertMode::SkipDuplicates, many(777, vec![int(5), text("Ada")]), 777, "name"),
        (InsertMode::Replace, many(2999, vec![int(5), text("name 20")]), 2999, "name"),
    ];
    for (mode, many, place, key) in cases {
        match insert_mode(&mut **db, &def, many, mode) {
            Err(DbError::Duplicate { columns, row, .. }) => {
                assert_eq!((columns, row), (vec![key.to_owned()], Some(place)), "{mode:?}");
            }
            other => panic!("{mode:?}: {other:?}"),
        }
        assert_eq!(all(&mut **db, &def).unwrap(), rows());
    }
}

fn values_that_do_not_fit_name_row_and_column(db: &mut Db) {
    let def = made_subject(db);
    let wrong = [
        (vec![int(1 << 40), text("x")], "subject_id"),
        (vec![int(1), text(&"x".repeat(21))], "name"),
        (vec![text("x"), text("x")], "subject_id"),
        (vec![int(1), Value::Tuple(vec![])], "name"),
    ];
    for many in [1, 500] {
        for (row, name) in &wrong {
            let mut rows: Vec<_> = (0..many).map(|id| vec![int(id), text("ok")]).collect();
            rows.push(row.clone());
            let place = u64::try_from(many).unwrap();
            match insert(&mut **db, &def, rows) {
                Err(DbError::Value { column, row, .. }) => {
                    assert_eq!((column.as_str(), row), (*name, Some(place)))
                }
                other => panic!("{other:?}"),
            }
        }
        let mut rows: Vec<_> = (0..many).map(|id| vec![int(id), text("ok")]).collect();
        rows.push(vec![int(many), Value::Null]);
        match insert(&mut **db, &def, rows) {
            Err(DbError::MissingValue { column, row, .. }) => {
                assert_eq!((column.as_str(), row), ("name", u64::try_from(many).ok()));
            }
            other => panic!("{other:?}"),
        }
        assert_eq!(count(&mut **db, &def.id), 0);
    }
}

fn rows_and_columns_have_to_match(db: &mut Db) {
    let def = made_subject(db);
    let error = insert(&mut **db, &def, vec![vec![int(1)]]);
    assert!(
        matches!(&error, Err(DbError::Database { message, .. }) if message.contains("1 values for 2")),
        "{error:?}"
    );
    let error = db.insert(&def, &["nope".into()], &mut std::iter::empty(), InsertMode::Error);
    assert!(matches!(&error, Err(DbError::UnknownColumn(name)) if name == "nope"), "{error:?}");
    assert_eq!(insert(&mut **db, &def, vec![]).unwrap(), 0);
    // A definition that is no longer that of the table.
    let mut gone = def.clone();
    gone.id.table = "gone".into();
    let error = insert(&mut **db, &gone, vec![vec![int(1), text("x")]]);
    assert!(matches!(&error, Err(DbError::MissingTable(name)) if name.contains("gone")), "{error:?}");
}

fn errors_say_what_is_wrong_with_a_statement(db: &mut Db) {
    let def = made_subject(db);
    let name = db.quote_table(&def.id);
    let schema = db.quote(&def.id.schema);
    let mut fail = |sql: &str| select(&mut **db, sql, &[]).unwrap_err();
    let error = fail(&format!("SELECT * FROM {schema}.absent"));
    assert!(matches!(&error, DbError::MissingTable(name) if name.contains("absent")), "{error:?}");
    let error = fail("SELECT * FROM no_schema_of_this_name.absent");
    assert!(matches!(error, DbError::MissingTable(_) | DbError::MissingSchema(_)), "{error:?}");
    let error = fail(&format!("SELECT nope FROM {name}"));
    assert!(matches!(&error, DbError::UnknownColumn(name) if name == "nope"), "{error:?}");
    let error = fail(&format!("SELECT t.nope FROM {name} AS t"));
    assert!(matches!(&error, DbError::UnknownColumn(name) if name.ends_with("nope")), "{error:?}");
    assert!(matches!(fail("SELEC 1"), DbError::Syntax { sql, .. } if sql == "SELEC 1"));
    assert!(matches!(fail("SELECT (1"), DbError::Syntax { .. }));
    assert!(matches!(fail("SELECT 1; SELECT 2"), DbError::Syntax { .. }));
    let long = format!("SELEC {}", "x".repeat(10_000));
    assert!(matches!(fail(&long), DbError::Syntax { sql, .. } if sql.chars().count() < 400));
    let too_few = select(&mut **db, "SELECT 1", &[native(""), native("")]);
    assert!(matches!(too_few, Err(DbError::Syntax { .. })), "{too_few:?}");
    for parameters in [vec![], vec![(int(1), native("")), (int(2), native(""))]] {
        let error = db.execute(&format!("UPDATE {name} SET subject_id = ?"), &parameters);
        assert!(matches!(error, Err(DbError::Syntax { .. })), "{error:?}");
    }
}

fn changes_that_violate_a_constraint_name_it(db: &mut Db) {
    let def = made_subject(db);
    let name = db.quote_table(&def.id);
    insert(&mut **db, &def, vec![vec![int(1), text("a")], vec![int(2), text("a")]]).unwrap();
    let ty = core(CoreType::Varchar(20));
    let sql = format!("UPDATE {name} SET name = ?");
    let error = db.execute(&sql, &[(text(&"x".repeat(21)), ty)]);
    assert!(matches!(error, Err(DbError::Value { .. })), "{error:?}");
    let error = db.execute(&format!("UPDATE {name} SET name = NULL"), &[]);
    assert!(matches!(&error, Err(DbError::MissingValue { column, .. }) if column == "name"), "{error:?}");
    let error = db.execute(&format!("UPDATE {name} SET subject_id = 1"), &[]);
    match error {
        Err(DbError::Duplicate { table, columns, .. }) => {
            assert_eq!((table, columns), (def.id.clone(), vec!["subject_id".to_owned()]));
        }
        other => panic!("{other:?}"),
    }
    assert_eq!(all(&mut **db, &def).unwrap(), [[int(1), text("a")], [int(2), text("a")]]);
}
