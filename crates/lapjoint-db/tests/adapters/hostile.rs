//! Names and values that would break out of SQL.

use std::cell::RefCell;

use lapjoint_db::{ColumnType, DbError, IndexDef, InsertMode, TableDef, TableId};
use lapjoint_types::CoreType;
use proptest::prelude::*;
use proptest::test_runner::TestRunner;

use crate::backend::{Backend, Db};
use crate::common::{all, column, count, insert, insert_mode, int, made, native, select, table, text};

on_every_database!(
    names_are_only_names,
    names_that_are_none_are_refused,
    values_are_only_values,
    definitions_are_only_definitions,
    any_names_and_texts_are_only_that,
);

fn names_are_only_names(db: &mut Db) {
    let names = [
        if db.holds_all_of_unicode() { "é 😀" } else { "é ☃" },
        "a\"; DROP TABLE x; --",
        "select",
        "a.b, c.d",
        "~x",
        "%s",
        "`",
        "a'b",
        "t]",
        "a\\",
        "$1",
        "?",
    ];
    for name in names {
        let columns = vec![column(name, CoreType::Int32), column("a, x.b", CoreType::Varchar(9))];
        let mut def = table(&db.schema, name, columns);
        def.indexes = vec![IndexDef { parts: vec!["a, x.b".into(), name.into()], unique: true }];
        db.create_table(&def).unwrap_or_else(|error| panic!("{name}: {error}"));
        insert(&mut **db, &def, vec![vec![int(1), text("x")]]).unwrap();
        let rows = vec![vec![int(1), text("y")]];
        assert_eq!(insert_mode(&mut **db, &def, rows, InsertMode::Replace).unwrap(), 1);
        assert_eq!(all(&mut **db, &def).unwrap(), [[int(1), text("y")]]);
        assert_eq!(db.load_table(&def.id).unwrap(), Some(def.clone()));
        match insert(&mut **db, &def, vec![vec![int(1), text("x")]]) {
            Err(DbError::Duplicate { columns, .. }) => assert_eq!(columns, [name]),
            other => panic!("{name}: {other:?}"),
        }
        let many: Vec<_> = (0..50).map(|n| vec![int(n), text("z")]).collect();
        match insert(&mut **db, &def, many.clone()) {
            Err(DbError::Duplicate { columns, row: Some(1), .. }) => assert_eq!(columns, [name]),
            other => panic!("{name}: {other:?}"),
        }
        assert_eq!(insert_mode(&mut **db, &def, many, InsertMode::SkipDuplicates).unwrap(), 49);
    }
    let schema = db.schema.clone();
    assert_eq!(db.list_tables(&schema).unwrap().len(), names.len());
    for name in names {
        db.drop_table(&TableId::new(&schema, name)).unwrap();
    }
    assert_eq!(db.list_tables(&schema).unwrap(), Vec::<String>::new());
}

fn names_that_are_none_are_refused(db: &mut Db) {
    let good = || column("id", CoreType::Int32);
    let schema = db.schema.clone();
    let tables: Vec<TableDef> = vec![
        table(&schema, "", vec![good()]),
        table(&schema, "a\0b", vec![good()]),
        table(&schema, "t", vec![column("", CoreType::Int32)]),
        table(&schema, "t", vec![column("a\0", CoreType::Int32)]),
        table(&schema, "t", vec![good(), good()]),
    ];
    for def in tables {
        let error = db.create_table(&def);
        assert!(matches!(error, Err(DbError::Name { .. })), "{:?}: {error:?}", def.id);
    }
    if db.backend != Backend::Sqlite {
        let long = "é".repeat(40);
        for def in [
            table(&schema, &long.repeat(2), vec![good()]),
            table(&schema, "t", vec![column(&long.repeat(2), CoreType::Int8)]),
        ] {
            let error = db.create_table(&def);
            assert!(matches!(error, Err(DbError::Name { .. })), "{error:?}");
        }
    }
    for name in ["", "a\0"] {
        assert!(matches!(db.open_schema(name, true), Err(DbError::Name { .. })), "{name:?}");
    }
    let unknown = TableDef { primary_key: vec!["x".into()], ..table(&schema, "t", vec![good()]) };
    assert!(matches!(db.create_table(&unknown), Err(DbError::UnknownColumn(_))));
}

fn values_are_only_values(db: &mut Db) {
    let def = made(db, "t", vec![column("v", CoreType::Varchar(40))]);
    let ty = ColumnType::Core(CoreType::Varchar(40));
    let name = db.quote_table(&def.id);
    let values = [
        "'; DROP TABLE t; --",
        "''",
        "\\'",
        "?",
        "\u{202e}",
        "--",
        "/*",
        "x'00'",
        "\\",
        "%",
        "$1",
        "$$",
        "\"",
        "`",
    ];
    for value in values {
        insert(&mut **db, &def, vec![vec![text(value)]]).unwrap();
        let literal = db.literal(&text(value), &ty).unwrap();
        let sql = format!("SELECT v, {literal} FROM {name} WHERE v = {literal}");
        let found = select(&mut **db, &sql, &[ty.clone(), ty.clone()]).unwrap();
        assert_eq!(found, [[text(value), text(value)]]);
    }
    assert_eq!(count(&mut **db, &def.id), i64::try_from(values.len()).unwrap());
    // A core type refuses a NUL; where none is declared it is refused, or ends nothing.
    assert!(db.literal(&text("a\0'b"), &ty).is_err());
    if let Ok(literal) = db.literal(&text("a\0'b"), &native("")) {
        let found = select(&mut **db, &format!("SELECT {literal}"), &[native("")]).unwrap();
        assert_eq!(found, [[text("a\0'b")]]);
    }
}

fn definitions_are_only_definitions(db: &mut Db) {
    let kept = made(db, "kept", vec![column("id", CoreType::Int32)]);
    let schema = db.schema.clone();
    let drop = format!("DROP TABLE {}", db.quote_table(&kept.id));
    let natives = [format!("int); {drop}; --"), format!("int NOT NULL); {drop}"), "int) --".to_owned()];
    for ty in natives {
        let def =
            table(&schema, "t", vec![column("id", CoreType::Int32), crate::common::native_column("v", &ty)]);
        // Whether it is refused or taken for a name: nothing else happens.
        let _ = db.create_table(&def);
        let _ = db.drop_table(&def.id);
    }
    for part in [format!("id); {drop}; --"), format!("(id)); {drop}")] {
        let mut def = table(&schema, "t", vec![column("id", CoreType::Int32)]);
        def.indexes = vec![IndexDef { parts: vec![part], unique: false }];
        let _ = db.create_table(&def);
        let _ = db.drop_table(&def.id);
    }
    assert_eq!(db.load_table(&kept.id).unwrap(), Some(kept));
    assert_eq!(db.list_tables(&schema).unwrap(), ["kept"]);
}

/// Text with much of what means something to SQL.
fn nasty(chars: std::ops::RangeInclusive<usize>, all_of_unicode: bool) -> impl Strategy<Value = String> {
    let char = prop_oneof![
        3 => prop::sample::select(vec!['\'', '"', '`', '\\', '%', '?', '$', ';', '-', '/', '*', ':', '(', ')', ',', '.', ' ', '_', '1', 'a', 'E']),
        1 => any::<char>().prop_filter("a character of text", move |c| *c != '\0' && (all_of_unicode || *c <= '\u{ffff}')),
    ];
    prop::collection::vec(char, chars).prop_map(|chars| chars.into_iter().collect())
}

fn any_names_and_texts_are_only_that(db: &mut Db) {
    // Whether two names are the same is a matter of the database where they differ in case only.
    let every = db.holds_all_of_unicode();
    let names = (nasty(1..=8, every), nasty(1..=8, every), nasty(1..=8, every));
    let labels = prop::collection::vec(nasty(1..=8, every), 1..4);
    let texts = (nasty(0..=20, every), nasty(0..=20, every), labels, nasty(0..=20, true));
    let db = RefCell::new(db);
    let mut runner = TestRunner::new(ProptestConfig::with_cases(60));
    runner
        .run(&(names, texts), |((table_name, key, other), (comment, note, labels, value))| {
            let mut guard = db.borrow_mut();
            let db: &mut Db = &mut guard;
            let table_name = format!("t{}", table_name.trim_end());
            let key = format!("k{}", key.trim_end());
            let other = format!("o{}", other.trim_end());
            let mut labels: Vec<String> =
                labels.into_iter().map(|label| format!("l{}", label.trim_end())).collect();
            labels.sort_by_key(|label| label.to_lowercase());
            labels.dedup_by_key(|label| label.to_lowercase());
            // A quote may not stand in a marker's labels unless it is escaped; the marker itself escapes it.
            let mut columns = vec![
                column(&key, CoreType::Int32),
                column(&other, CoreType::Varchar(20)),
                column("grade", CoreType::Enum(labels.clone())),
            ];
            columns[1].comment = format!(":varchar(20):{note}");
            let mut def = table(&db.schema, &table_name, columns);
            def.comment = comment;
            def.indexes = vec![IndexDef { parts: vec![other.clone()], unique: false }];
            db.create_table(&def).unwrap();
            prop_assert_eq!(db.load_table(&def.id).unwrap(), Some(def.clone()));
            let rows: Vec<_> =
                labels.iter().zip(0..).map(|(label, n)| vec![int(n), text(&value), text(label)]).collect();
            insert(&mut **db, &def, rows.clone()).unwrap();
            prop_assert_eq!(all(&mut **db, &def).unwrap(), rows);
            let many: Vec<_> = (100..140).map(|n| vec![int(n), text(&value), text(&labels[0])]).collect();
            insert(&mut **db, &def, many).unwrap();
            let (literal, label) = (
                db.literal(&text(&value), &def.columns[1].ty).unwrap(),
                db.literal(&text(&labels[0]), &def.columns[2].ty).unwrap(),
            );
            let sql = format!(
                "SELECT count(*) FROM {} WHERE {} = {literal} AND grade = {label}",
                db.quote_table(&def.id),
                db.quote(&other)
            );
            prop_assert_eq!(select(&mut **db, &sql, &[native("bigint")]).unwrap(), [[int(41)]]);
            db.drop_table(&def.id).unwrap();
            Ok(())
        })
        .unwrap();
}
