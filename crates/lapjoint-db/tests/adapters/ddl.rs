//! Tables are created all or nothing, dropped unless others refer to them, and rebuilt exactly from the database alone.

use lapjoint_db::{ColumnDef, DbError, DefaultValue, ForeignKeyDef, IndexDef, InsertMode, TableDef, TableId};
use lapjoint_types::{CoreType, Value};

use crate::backend::{Backend, Db};
use crate::common::{
    all, column, count, decimal, float, insert, int, made, made_subject, native_column, nullable, session,
    subject, table, text, with_default,
};

on_every_database!(
    a_definition_is_rebuilt_exactly,
    defaults_are_values_of_their_types,
    the_time_of_the_insert_fits_each_precision,
    a_default_that_is_no_value_of_its_type_is_refused,
    creating_again_changes_nothing,
    a_table_that_fails_half_way_leaves_nothing,
    a_missing_parent_or_schema_is_refused,
    a_dropped_table_is_gone,
    rows_that_refer_to_one_another_do_not_hold_their_table,
    the_database_numbers_rows_where_it_is_asked_to,
    schemas_are_listed_opened_and_dropped,
    a_schema_that_another_refers_to_stays,
    many_sessions_may_make_the_same_schema_and_table_at_once,
    enums_of_several_tables_and_schemas_go_together,
);

on_databases!([sqlite_only: Sqlite, postgres_only: Postgres] creating_in_a_transaction_is_undone_with_it, indexes_over_expressions_come_back);

/// A table with everything a definition can say.
fn rich(db: &Db) -> TableDef {
    let schema = db.schema.as_str();
    let own = TableId::new(schema, "_rich__table");
    let reference = |columns: &[&str], parent: TableId, parent_columns: &[&str]| ForeignKeyDef {
        columns: columns.iter().map(ToString::to_string).collect(),
        parent,
        parent_columns: parent_columns.iter().map(ToString::to_string).collect(),
    };
    let index =
        |parts: &[&str], unique| IndexDef { parts: parts.iter().map(ToString::to_string).collect(), unique };
    let mut def = TableDef {
        id: own.clone(),
        comment: "a \"rich\" table; it's everything\nand two lines".into(),
        columns: vec![
            column("b_key", CoreType::Varchar(10)),
            column("a_key", CoreType::Int16),
            with_default(column("grade", CoreType::Enum(vec!["a".into(), "it's".into()])), "it's"),
            with_default(column("weight", CoreType::Decimal { precision: 6, scale: 2 }), "1.50"),
            with_default(column("ratio", CoreType::Float64), "0.25"),
            with_default(column("flag", CoreType::Bool), "1"),
            with_default(column("note", CoreType::Varchar(20)), ""),
            with_default(column("low", CoreType::Int16), "-3"),
            with_default(nullable(column("day", CoreType::Date)), "2026-01-31"),
            nullable(column("meta", CoreType::Json)),
            ColumnDef {
                default: Some(DefaultValue::CurrentTimestamp),
                ..column("made", CoreType::DateTime(None))
            },
            with_default(native_column("size", "smallint"), "7"),
            ColumnDef {
                comment: ":<blob@cold>:raw \"trace\"".into(),
                ..nullable(column("trace", CoreType::Json))
            },
            ColumnDef { comment: ":<blob>:".into(), ..nullable(column("inner", CoreType::Bytes)) },
            nullable(column("mother_b", CoreType::Varchar(10))),
            nullable(column("mother_a", CoreType::Int16)),
            nullable(column("subject_id", CoreType::Int32)),
        ],
        primary_key: vec!["a_key".into(), "b_key".into()],
        foreign_keys: vec![
            reference(&["subject_id"], TableId::new(schema, "subject"), &["subject_id"]),
            reference(&["mother_a", "mother_b"], own, &["a_key", "b_key"]),
        ],
        indexes: vec![
            index(&["note", "size"], false),
            index(&["weight", "day"], true),
            index(&["note"], false),
        ],
    };
    if db.backend == Backend::MySql {
        // The order of all that MySQL remembers.
        def.indexes.sort_by_key(|index| !index.unique);
    }
    def
}

fn a_definition_is_rebuilt_exactly(db: &mut Db) {
    made_subject(db);
    let def = rich(db);
    db.create_table(&def).unwrap();
    assert_eq!(db.load_table(&def.id).unwrap(), Some(def.clone()));
    let mut again = db.another();
    assert_eq!(again.load_table(&def.id).unwrap(), Some(def.clone()));
    assert_eq!(again.list_tables(&db.schema).unwrap(), ["_rich__table", "subject"]);
    assert_eq!(again.load_table(&TableId::new(&db.schema, "nothing")).unwrap(), None);
}

fn indexes_over_expressions_come_back(db: &mut Db) {
    let mut def = subject(&db.schema);
    def.columns.push(nullable(column("meta", CoreType::Json)));
    let part = |part: &str| part.to_owned();
    def.indexes = vec![
        IndexDef { parts: vec![part("meta.a.b[0]:char(20)")], unique: false },
        IndexDef { parts: vec![part("(lower(name))"), part("subject_id")], unique: true },
        IndexDef { parts: vec![part("meta.name")], unique: false },
        IndexDef { parts: vec![part("name(5)")], unique: false },
        IndexDef { parts: vec![part("name desc")], unique: false },
    ];
    db.create_table(&def).unwrap();
    assert_eq!(db.load_table(&def.id).unwrap(), Some(def.clone()));
    let row =
        |id: i64, name: &str| vec![int(id), text(name), crate::common::json("{\"a\": {\"b\": [\"x\"]}}")];
    insert(&mut **db, &def, vec![row(1, "Ada")]).unwrap();
    insert(&mut **db, &def, vec![row(2, "ADA")]).unwrap();
}

fn defaults_are_values_of_their_types(db: &mut Db) {
    made_subject(db);
    let def = rich(db);
    db.create_table(&def).unwrap();
    let columns = ["a_key".to_owned(), "b_key".to_owned()];
    db.insert(&def, &columns, &mut std::iter::once(vec![int(1), text("x")]), InsertMode::Error).unwrap();
    let row = all(&mut **db, &def).unwrap().remove(0);
    let value = |name: &str| {
        let place = def.columns.iter().position(|column| column.name == name).unwrap();
        row[place].clone()
    };
    assert_eq!(value("grade"), text("it's"));
    assert_eq!(value("weight"), decimal("1.50"));
    assert_eq!((value("ratio"), value("flag"), value("note")), (float(0.25), Value::Bool(true), text("")));
    assert_eq!(value("day"), Value::Date("2026-01-31".parse().unwrap()));
    assert!(matches!(value("made"), Value::DateTime(_)), "{row:?}");
    assert_eq!((value("low"), value("size")), (int(-3), int(7)));
    for name in ["meta", "trace", "inner", "mother_a", "mother_b", "subject_id"] {
        assert_eq!(value(name), Value::Null, "{name}");
    }
}

fn the_time_of_the_insert_fits_each_precision(db: &mut Db) {
    let types = [
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
    let def = made(db, "times", columns);
    let names = ["id".to_owned()];
    db.insert(&def, &names, &mut std::iter::once(vec![int(1)]), InsertMode::Error).unwrap();
    let row = all(&mut **db, &def).unwrap().remove(0);
    assert!(row[1..].iter().all(|value| matches!(value, Value::DateTime(_))), "{row:?}");
    // Written back, they are canonical.
    let mut second = row.clone();
    second[0] = int(2);
    insert(&mut **db, &def, vec![second.clone()]).unwrap();
    assert_eq!(all(&mut **db, &def).unwrap()[1], second);
}

fn a_default_that_is_no_value_of_its_type_is_refused(db: &mut Db) {
    for (ty, wrong) in
        [(CoreType::Int8, "300"), (CoreType::Int8, "x"), (CoreType::Bool, "2"), (CoreType::Varchar(2), "abc")]
    {
        let columns = vec![column("id", CoreType::Int32), with_default(column("v", ty), wrong)];
        let def = table(&db.schema, "t", columns);
        let error = db.create_table(&def);
        assert!(matches!(&error, Err(DbError::Value { column, .. }) if column == "v"), "{wrong}: {error:?}");
        let schema = db.schema.clone();
        assert_eq!(db.list_tables(&schema).unwrap(), Vec::<String>::new());
    }
}

fn creating_again_changes_nothing(db: &mut Db) {
    let def = made_subject(db);
    insert(&mut **db, &def, vec![vec![int(1), text("Ada")]]).unwrap();
    let other = TableDef { comment: "another".into(), ..def.clone() };
    db.create_table(&other).unwrap();
    assert_eq!(db.load_table(&def.id).unwrap(), Some(def.clone()));
    assert_eq!(count(&mut **db, &def.id), 1);
}

fn a_table_that_fails_half_way_leaves_nothing(db: &mut Db) {
    let mut def = subject(&db.schema);
    def.columns.push(column("grade", CoreType::Enum(vec!["a".into(), "b".into()])));
    def.indexes = vec![
        IndexDef { parts: vec!["name".into()], unique: false },
        IndexDef { parts: vec!["(no_such_function(name))".into()], unique: false },
    ];
    let error = db.create_table(&def);
    assert!(error.is_err(), "{error:?}");
    assert_eq!(db.load_table(&def.id).unwrap(), None);
    assert!(!db.in_transaction());
    def.indexes.pop();
    db.create_table(&def).unwrap();
    assert_eq!(db.load_table(&def.id).unwrap(), Some(def));
}

fn creating_in_a_transaction_is_undone_with_it(db: &mut Db) {
    let def = subject(&db.schema);
    db.begin(lapjoint_db::TransactionMode::Write).unwrap();
    db.create_table(&def).unwrap();
    insert(&mut **db, &def, vec![vec![int(1), text("Ada")]]).unwrap();
    db.rollback().unwrap();
    assert_eq!(db.load_table(&def.id).unwrap(), None);
    db.begin(lapjoint_db::TransactionMode::Write).unwrap();
    db.create_table(&def).unwrap();
    db.commit().unwrap();
    assert_eq!(db.load_table(&def.id).unwrap(), Some(def));
}

fn a_missing_parent_or_schema_is_refused(db: &mut Db) {
    let def = session(&db.schema, &db.schema);
    let error = db.create_table(&def);
    assert!(matches!(error, Err(DbError::MissingTable(_))), "{error:?}");
    let error = db.create_table(&subject("no_schema_of_this_name"));
    assert!(matches!(error, Err(DbError::MissingSchema(_))), "{error:?}");
    assert!(matches!(db.list_tables("no_schema_of_this_name"), Err(DbError::MissingSchema(_))));
}

fn a_dropped_table_is_gone(db: &mut Db) {
    let schema = db.schema.clone();
    let (parent, child) = (subject(&schema), session(&schema, &schema));
    for _ in 0..2 {
        db.create_table(&parent).unwrap();
        db.create_table(&child).unwrap();
        insert(&mut **db, &parent, vec![vec![int(1), text("Ada")]]).unwrap();
        insert(&mut **db, &child, vec![vec![int(1), int(1)]]).unwrap();
        let error = db.drop_table(&parent.id);
        assert!(
            matches!(&error, Err(DbError::ForeignKey { detail, .. }) if detail.contains("session")),
            "{error:?}"
        );
        db.drop_table(&child.id).unwrap();
        db.drop_table(&parent.id).unwrap();
        assert_eq!(db.list_tables(&schema).unwrap(), Vec::<String>::new());
    }
    let error = db.drop_table(&parent.id);
    assert!(matches!(error, Err(DbError::MissingTable(_))), "{error:?}");
}

fn rows_that_refer_to_one_another_do_not_hold_their_table(db: &mut Db) {
    made_subject(db);
    let def = rich(db);
    let columns: Vec<String> =
        ["a_key", "b_key", "mother_a", "mother_b", "note", "day"].map(String::from).into();
    db.create_table(&def).unwrap();
    let day = |text: &str| Value::Date(text.parse().unwrap());
    let rows = [
        [int(1), text("x"), Value::Null, Value::Null, text("1"), day("2026-01-01")],
        [int(2), text("x"), int(1), text("x"), text("2"), day("2026-01-02")],
    ];
    db.insert(&def, &columns, &mut rows.into_iter().map(Vec::from), InsertMode::Error).unwrap();
    db.drop_table(&def.id).unwrap();
    assert_eq!(db.load_table(&def.id).unwrap(), None);
}

fn the_database_numbers_rows_where_it_is_asked_to(db: &mut Db) {
    let ty = if db.backend == Backend::Postgres { "serial" } else { "int auto_increment" };
    let id = ColumnDef { auto_increment: true, ..native_column("id", ty) };
    let def = made(db, "numbered", vec![id, column("v", CoreType::Int32)]);
    insert(
        &mut **db,
        &def,
        vec![vec![Value::Null, int(10)], vec![int(7), int(20)], vec![Value::Null, int(30)]],
    )
    .unwrap();
    db.insert(&def, &["v".into()], &mut std::iter::once(vec![int(40)]), InsertMode::Error).unwrap();
    let expected = [[int(1), int(10)], [int(7), int(20)], [int(8), int(30)], [int(9), int(40)]];
    assert_eq!(all(&mut **db, &def).unwrap(), expected);
    assert_eq!(db.load_table(&def.id).unwrap(), Some(def.clone()));
    // Many at once.
    db.insert(&def, &["v".into()], &mut (0..1000).map(|n| vec![int(n)]), InsertMode::Error).unwrap();
    insert(&mut **db, &def, (0..1000).map(|n| vec![Value::Null, int(n)]).collect()).unwrap();
    let rows = all(&mut **db, &def).unwrap();
    assert_eq!(rows.len(), 2004);
    assert_eq!(rows.last().unwrap()[1], int(999));
    // A key that is not numbered is never made up.
    let second = made(db, "second", vec![column("id", CoreType::Int32), column("v", CoreType::Int32)]);
    for (columns, row) in
        [(vec!["v".to_owned()], vec![int(1)]), (vec!["id".into(), "v".into()], vec![Value::Null, int(1)])]
    {
        let error = db.insert(&second, &columns, &mut std::iter::once(row), InsertMode::Error);
        assert!(
            matches!(&error, Err(DbError::MissingValue { column, row: Some(0), .. }) if column == "id"),
            "{error:?}"
        );
    }
}

fn schemas_are_listed_opened_and_dropped(db: &mut Db) {
    let (here, there) = (db.schema.clone(), db.other_schema("_b"));
    let listed = db.list_schemas().unwrap();
    let place = |name: &String| listed.iter().position(|known| known == name).unwrap();
    assert!(place(&here) < place(&there) && listed.is_sorted());
    assert!(!listed.iter().any(|name| name.starts_with("pg_") || name == "information_schema"));
    let missing = format!("{here}_c");
    assert!(matches!(db.open_schema(&missing, false), Err(DbError::MissingSchema(_))));
    db.open_schema(&there, true).unwrap();
    db.create_table(&subject(&there)).unwrap();
    db.drop_schema(&there).unwrap();
    assert!(!db.list_schemas().unwrap().contains(&there));
    assert!(matches!(db.drop_schema(&there), Err(DbError::MissingSchema(_))));
    db.open_schema(&there, true).unwrap();
    assert_eq!(db.list_tables(&there).unwrap(), Vec::<String>::new());
}

fn a_schema_that_another_refers_to_stays(db: &mut Db) {
    let (here, there) = (db.schema.clone(), db.other_schema("_b"));
    db.create_table(&subject(&here)).unwrap();
    db.create_table(&session(&there, &here)).unwrap();
    let error = db.drop_schema(&here);
    assert!(
        matches!(&error, Err(DbError::ForeignKey { detail, .. }) if detail.contains(&there)),
        "{error:?}"
    );
    db.drop_schema(&there).unwrap();
    db.drop_schema(&here).unwrap();
}

fn many_sessions_may_make_the_same_schema_and_table_at_once(db: &mut Db) {
    let schema = format!("{}_raced", db.schema);
    db.adopt_schema(&schema);
    let mut def = subject(&schema);
    def.columns.push(nullable(column("grade", CoreType::Enum(vec!["a".into(), "b".into()]))));
    def.indexes = vec![IndexDef { parts: vec!["name".into()], unique: false }];
    let mut connections: Vec<_> = Vec::new();
    for _ in 0..4 {
        let mut connection = db.connect();
        let (schema, def) = (schema.clone(), def.clone());
        connections.push(move |number: i64| {
            connection.open_schema(&schema, true).unwrap();
            connection.create_table(&def).unwrap();
            insert(connection.as_mut(), &def, vec![vec![int(number), text("x"), text("a")]]).unwrap();
        });
    }
    std::thread::scope(|scope| {
        for (number, work) in (0_i64..).zip(connections) {
            let mut work = work;
            scope.spawn(move || work(number));
        }
    });
    db.open_schema(&schema, false).unwrap();
    assert_eq!(count(&mut **db, &def.id), 4);
    assert_eq!(db.load_table(&def.id).unwrap(), Some(def));
}

fn enums_of_several_tables_and_schemas_go_together(db: &mut Db) {
    let (here, there) = (db.schema.clone(), db.other_schema("_b"));
    let kind =
        |labels: &[&str]| column("kind", CoreType::Enum(labels.iter().map(ToString::to_string).collect()));
    let parent = table(&here, "kind", vec![kind(&["a", "b_c"])]);
    // The same labels in another order, and others that look the same when they are joined.
    let ordered = table(&here, "ordered", vec![kind(&["b_c", "a"])]);
    let joined = table(&here, "joined", vec![kind(&["a", "b", "c"])]);
    let alike = table(&here, "alike", vec![kind(&["a_b", "c"])]);
    let key = ForeignKeyDef {
        columns: vec!["kind".into()],
        parent: parent.id.clone(),
        parent_columns: vec!["kind".into()],
    };
    let child = TableDef { foreign_keys: vec![key], ..table(&there, "child", vec![kind(&["a", "b_c"])]) };
    let defs = [parent.clone(), ordered, joined, alike, child.clone()];
    for _ in 0..2 {
        for def in &defs {
            db.create_table(def).unwrap();
            assert_eq!(db.load_table(&def.id).unwrap().as_ref(), Some(def));
            insert(&mut **db, def, vec![vec![first_label(def)]]).unwrap();
        }
        let error = insert(&mut **db, &child, vec![vec![text("b_c")]]);
        assert!(matches!(error, Err(DbError::ForeignKey { .. })), "{error:?}");
        for def in defs.iter().rev() {
            db.drop_table(&def.id).unwrap();
        }
    }
}

fn first_label(def: &TableDef) -> Value {
    match &def.columns[0].ty {
        lapjoint_db::ColumnType::Core(CoreType::Enum(labels)) => text(&labels[0]),
        other => panic!("{other:?}"),
    }
}
