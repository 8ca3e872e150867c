//! Inserts: modes, all or nothing, and errors that name row and column.

use lapjoint_db::{Adapter, ColumnDef, ColumnType, DbError, InsertMode};
use lapjoint_types::CoreType;

use crate::common::{all, column, int, memory, native, nullable, table};

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
