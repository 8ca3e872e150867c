//! Tables are created all or nothing and rebuilt exactly from the database alone.

use lapjoint_db::{
    Adapter, ColumnDef, DbError, DefaultValue, ForeignKeyDef, IndexDef, TableDef, TableId, TransactionMode,
};
use lapjoint_types::{CoreType, Value};

use crate::common::{
    all, column, insert, int, memory, native, nullable, open_lab, select, session, subject, table, text,
};

fn with_default(column: ColumnDef, literal: &str) -> ColumnDef {
    ColumnDef { default: Some(DefaultValue::Literal(literal.into())), ..column }
}

/// A table with everything a definition can say.
fn rich() -> TableDef {
    let own = TableId::new("lab", "_rich__table");
    let reference = |columns: &[&str], parent: TableId, parent_columns: &[&str]| ForeignKeyDef {
        columns: columns.iter().map(ToString::to_string).collect(),
        parent,
        parent_columns: parent_columns.iter().map(ToString::to_string).collect(),
    };
    let index =
        |parts: &[&str], unique| IndexDef { parts: parts.iter().map(ToString::to_string).collect(), unique };
    TableDef {
        id: own.clone(),
        comment: "a \"rich\" table; it's everything\nand two lines".into(),
        columns: vec![
            column("b_key", CoreType::Varchar(10)),
            column("a_key", CoreType::Int16),
            with_default(column("grade", CoreType::Enum(vec!["a".into(), "it's".into()])), "it's"),
            with_default(column("weight", CoreType::Decimal { precision: 6, scale: 2 }), "1.5"),
            with_default(column("ratio", CoreType::Float64), "0.25"),
            with_default(column("flag", CoreType::Bool), "1"),
            with_default(column("note", CoreType::Varchar(20)), ""),
            with_default(nullable(column("day", CoreType::Date)), "2026-01-31"),
            nullable(column("meta", CoreType::Json)),
            ColumnDef {
                default: Some(DefaultValue::CurrentTimestamp),
                ..column("made", CoreType::DateTime(None))
            },
            ColumnDef { ty: native("mediumint"), ..with_default(column("size", CoreType::Int8), "7") },
            nullable(column("mother_b", CoreType::Varchar(10))),
            nullable(column("mother_a", CoreType::Int16)),
            nullable(column("subject_id", CoreType::Int32)),
        ],
        primary_key: vec!["a_key".into(), "b_key".into()],
        foreign_keys: vec![
            reference(&["subject_id"], TableId::new("lab", "subject"), &["subject_id"]),
            reference(&["mother_a", "mother_b"], own, &["a_key", "b_key"]),
        ],
        indexes: vec![
            index(&["note", "size"], false),
            index(&["meta.a.b[0]:char(20)"], false),
            index(&["(lower(note))", "weight"], true),
            index(&["meta.name"], false),
            index(&["note(5)"], false),
            index(&["day desc"], false),
        ],
    }
}

#[test]
fn a_definition_is_rebuilt_exactly() {
    let directory = tempfile::tempdir().unwrap();
    let mut db = open_lab(directory.path());
    db.create_table(&subject("lab")).unwrap();
    db.create_table(&rich()).unwrap();
    assert_eq!(db.load_table(&rich().id).unwrap(), Some(rich()));
    drop(db);
    let mut again = open_lab(directory.path());
    assert_eq!(again.load_table(&rich().id).unwrap(), Some(rich()));
    assert_eq!(again.list_tables("lab").unwrap(), ["_rich__table", "subject"]);
    assert_eq!(again.load_table(&TableId::new("lab", "nothing")).unwrap(), None);
}

#[test]
fn the_time_of_the_insert_fits_each_precision() {
    let mut db = memory();
    let types = [
        CoreType::Date,
        CoreType::DateTime(None),
        CoreType::DateTime(Some(2)),
        CoreType::DateTime(Some(3)),
        CoreType::DateTime(Some(6)),
    ];
    let mut columns = vec![column("id", CoreType::Int32)];
    for (number, ty) in types.into_iter().enumerate() {
        let default = Some(DefaultValue::CurrentTimestamp);
        columns.push(ColumnDef { default, ..column(&format!("c{number}"), ty) });
    }
    let def = table("lab", "times", columns);
    db.create_table(&def).unwrap();
    let names = ["id".to_owned()];
    db.insert(&def, &names, &mut std::iter::once(vec![int(1)]), lapjoint_db::InsertMode::Error).unwrap();
    let row = all(&mut db, &def).unwrap().remove(0);
    assert!(matches!(row[1], Value::Date(_)));
    assert!(row[2..].iter().all(|value| matches!(value, Value::DateTime(_))), "{row:?}");
    // Written back, they are canonical.
    let mut second = row.clone();
    second[0] = int(2);
    insert(&mut db, &def, vec![second.clone()]).unwrap();
    assert_eq!(all(&mut db, &def).unwrap()[1], second);
}

#[test]
fn a_dropped_table_is_gone_with_its_records() {
    let mut db = memory();
    for _ in 0..2 {
        db.create_table(&subject("lab")).unwrap();
        db.create_table(&session("lab", "lab")).unwrap();
        insert(&mut db, &subject("lab"), vec![vec![int(1), text("Ada")]]).unwrap();
        insert(&mut db, &session("lab", "lab"), vec![vec![int(1), int(1)]]).unwrap();
        let error = db.drop_table(&subject("lab").id);
        assert!(
            matches!(&error, Err(DbError::ForeignKey { detail, .. }) if detail.contains("session")),
            "{error:?}"
        );
        db.drop_table(&session("lab", "lab").id).unwrap();
        db.drop_table(&subject("lab").id).unwrap();
        assert_eq!(db.list_tables("lab").unwrap(), Vec::<String>::new());
        let records = select(&mut db, "SELECT count(*) FROM lab.\"~column\"", &[native("")]).unwrap();
        assert_eq!(records, [[int(0)]]);
    }
    let error = db.drop_table(&subject("lab").id);
    assert!(matches!(error, Err(DbError::MissingTable(_))), "{error:?}");
}

#[test]
fn rows_that_refer_to_one_another_do_not_hold_their_table() {
    let mut db = memory();
    db.create_table(&subject("lab")).unwrap();
    let def = rich();
    let columns: Vec<String> = ["a_key", "b_key", "mother_a", "mother_b", "note"].map(String::from).into();
    for in_transaction in [false, true] {
        db.create_table(&def).unwrap();
        let rows = [
            [int(1), text("x"), Value::Null, Value::Null, text("1")],
            [int(2), text("x"), int(1), text("x"), text("2")],
        ];
        db.insert(&def, &columns, &mut rows.into_iter().map(Vec::from), lapjoint_db::InsertMode::Error)
            .unwrap();
        if in_transaction {
            db.begin(TransactionMode::Write).unwrap();
        }
        db.drop_table(&def.id).unwrap();
        if in_transaction {
            db.commit().unwrap();
        }
        assert_eq!(db.load_table(&def.id).unwrap(), None);
    }
    // SQLite keeps foreign keys again.
    db.create_table(&session("lab", "lab")).unwrap();
    assert!(matches!(
        insert(&mut db, &session("lab", "lab"), vec![vec![int(1), int(9)]]),
        Err(DbError::ForeignKey { .. })
    ));
}

#[test]
fn the_database_numbers_rows_where_it_is_asked_to() {
    let mut db = memory();
    let id =
        ColumnDef { ty: native("int auto_increment"), auto_increment: true, ..column("id", CoreType::Int32) };
    let def = table("lab", "numbered", vec![id.clone(), column("v", CoreType::Int32)]);
    db.create_table(&def).unwrap();
    insert(
        &mut db,
        &def,
        vec![vec![Value::Null, int(10)], vec![int(7), int(20)], vec![Value::Null, int(30)]],
    )
    .unwrap();
    db.insert(&def, &["v".into()], &mut std::iter::once(vec![int(40)]), lapjoint_db::InsertMode::Error)
        .unwrap();
    let rows = all(&mut db, &def).unwrap();
    assert_eq!(rows, [[int(1), int(10)], [int(7), int(20)], [int(8), int(30)], [int(9), int(40)]]);
    assert_eq!(db.load_table(&def.id).unwrap(), Some(def));
    let mut second = table("lab", "second", vec![column("v", CoreType::Int32), id]);
    let error = db.create_table(&second);
    assert!(matches!(&error, Err(DbError::Name { name, .. }) if name == "id"), "{error:?}");
    // A key that is not numbered is never made up.
    second = table("lab", "second", vec![column("id", CoreType::Int32), column("v", CoreType::Int32)]);
    db.create_table(&second).unwrap();
    for (columns, row) in
        [(vec!["v".to_owned()], vec![int(1)]), (vec!["id".into(), "v".into()], vec![Value::Null, int(1)])]
    {
        let error = db.insert(&second, &columns, &mut std::iter::once(row), lapjoint_db::InsertMode::Error);
        assert!(
            matches!(&error, Err(DbError::MissingValue { column, row: Some(0), .. }) if column == "id"),
            "{error:?}"
        );
    }
}
