//! Names and values that would break out of SQL.

use lapjoint_db::{Adapter, ColumnType, DbError, IndexDef, InsertMode, TableDef};
use lapjoint_types::CoreType;

use crate::common::{all, column, count, insert, insert_mode, int, memory, native, select, table, text};

#[test]
fn names_are_only_names() {
    let mut db = memory();
    let names = ["a\"; DROP TABLE x; --", "select", "a.b, c.d", "~x", "é 😀", "%s", "`", "a'b", "t]"];
    for name in names {
        let mut def =
            table("lab", name, vec![column(name, CoreType::Int32), column("a, x.b", CoreType::Varchar(9))]);
        def.indexes = vec![IndexDef { parts: vec!["a, x.b".into(), name.into()], unique: true }];
        db.create_table(&def).unwrap_or_else(|error| panic!("{name}: {error}"));
        insert(&mut db, &def, vec![vec![int(1), text("x")]]).unwrap();
        assert_eq!(
            insert_mode(&mut db, &def, vec![vec![int(1), text("y")]], InsertMode::Replace).unwrap(),
            1
        );
        assert_eq!(all(&mut db, &def).unwrap(), [[int(1), text("y")]]);
        assert_eq!(db.load_table(&def.id).unwrap(), Some(def.clone()));
        match insert(&mut db, &def, vec![vec![int(1), text("x")]]) {
            Err(DbError::Duplicate { columns, .. }) => assert_eq!(columns, [name]),
            other => panic!("{name}: {other:?}"),
        }
    }
    assert_eq!(db.list_tables("lab").unwrap().len(), names.len());
    for name in names {
        db.drop_table(&lapjoint_db::TableId::new("lab", name)).unwrap();
    }
    assert_eq!(db.list_tables("lab").unwrap(), Vec::<String>::new());
}

#[test]
fn names_that_are_none_are_refused() {
    let mut db = memory();
    let good = || column("id", CoreType::Int32);
    let tables: Vec<TableDef> = vec![
        table("lab", "", vec![good()]),
        table("lab", "a\0b", vec![good()]),
        table("lab", "~table", vec![good()]),
        table("lab", "sqlite_master", vec![good()]),
        table("lab", "t", vec![column("", CoreType::Int32)]),
        table("lab", "t", vec![column("a\0", CoreType::Int32)]),
        table("lab", "t", vec![good(), column("ID", CoreType::Int32)]),
    ];
    for def in tables {
        let error = db.create_table(&def);
        assert!(matches!(error, Err(DbError::Name { .. })), "{:?}: {error:?}", def.id);
    }
    let unknown = TableDef { primary_key: vec!["x".into()], ..table("lab", "t", vec![good()]) };
    assert!(matches!(db.create_table(&unknown), Err(DbError::UnknownColumn(_))));
    assert!(matches!(db.drop_table(&lapjoint_db::TableId::new("lab", "~column")), Err(DbError::Name { .. })));
    let elsewhere = table("nolab", "t", vec![good()]);
    assert!(matches!(db.create_table(&elsewhere), Err(DbError::MissingSchema(_))));
}

#[test]
fn values_are_only_values() {
    let mut db = memory();
    let def = table("lab", "t", vec![column("v", CoreType::Varchar(40))]);
    db.create_table(&def).unwrap();
    let ty = ColumnType::Core(CoreType::Varchar(40));
    let values = ["'; DROP TABLE \"t\"; --", "''", "\\'", "?", "\u{202e}", "--", "/*", "x'00'"];
    for value in values {
        insert(&mut db, &def, vec![vec![text(value)]]).unwrap();
        let literal = db.literal(&text(value), &ty).unwrap();
        let sql = format!("SELECT v, {literal} FROM lab.t WHERE v = {literal}");
        assert_eq!(select(&mut db, &sql, &[ty.clone(), ty.clone()]).unwrap(), [[text(value), text(value)]]);
    }
    assert_eq!(count(&mut db, &def.id), i64::try_from(values.len()).unwrap());
    // A core type refuses a NUL; where none is declared it does not end the statement.
    let literal = db.literal(&text("a\0'b"), &native("")).unwrap();
    assert_eq!(select(&mut db, &format!("SELECT {literal}"), &[native("")]).unwrap(), [[text("a\0'b")]]);
}
