//! Names and values that would break out of SQL.

use lapjoint_db::{Adapter, DbError, TableDef};
use lapjoint_types::CoreType;

use crate::common::{column, memory, table};

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
