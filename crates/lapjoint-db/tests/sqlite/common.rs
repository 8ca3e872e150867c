//! Short forms for definitions and rows.

use std::ops::ControlFlow;
use std::path::Path;
use std::time::Duration;

use lapjoint_db::sqlite::{Location, SqliteOptions};
use lapjoint_db::{
    Adapter, ColumnDef, ColumnType, DbError, ForeignKeyDef, InsertMode, SqliteAdapter, TableDef, TableId,
};
use lapjoint_types::{CoreType, Value};

pub fn memory() -> SqliteAdapter {
    let mut db = SqliteAdapter::open(&SqliteOptions::new(Location::Memory)).unwrap();
    db.open_schema("lab", true).unwrap();
    db
}

/// A connection that gives up soon on a locked file.
pub fn open(directory: &Path) -> SqliteAdapter {
    let options = SqliteOptions::new(Location::Directory(directory.to_owned()));
    SqliteAdapter::open(&options.busy_timeout(Duration::from_millis(300))).unwrap()
}

pub fn open_lab(directory: &Path) -> SqliteAdapter {
    let mut db = open(directory);
    db.open_schema("lab", true).unwrap();
    db
}

pub fn column(name: &str, ty: CoreType) -> ColumnDef {
    ColumnDef {
        name: name.into(),
        ty: ColumnType::Core(ty),
        nullable: false,
        default: None,
        comment: format!("comment of {name}"),
        auto_increment: false,
    }
}

pub fn nullable(column: ColumnDef) -> ColumnDef {
    ColumnDef { nullable: true, default: Some(lapjoint_db::DefaultValue::Null), ..column }
}

/// A table whose first column is its primary key.
pub fn table(schema: &str, name: &str, columns: Vec<ColumnDef>) -> TableDef {
    TableDef {
        id: TableId::new(schema, name),
        comment: format!("the {name}"),
        primary_key: vec![columns[0].name.clone()],
        columns,
        foreign_keys: Vec::new(),
        indexes: Vec::new(),
    }
}

/// `subject(subject_id, name)`.
pub fn subject(schema: &str) -> TableDef {
    table(
        schema,
        "subject",
        vec![column("subject_id", CoreType::Int32), column("name", CoreType::Varchar(20))],
    )
}

/// `session(session_id, subject_id)` in `schema`, whose subjects are in `parent`.
pub fn session(schema: &str, parent: &str) -> TableDef {
    let columns =
        vec![column("session_id", CoreType::Int32), nullable(column("subject_id", CoreType::Int32))];
    let key = ForeignKeyDef {
        columns: vec!["subject_id".into()],
        parent: TableId::new(parent, "subject"),
        parent_columns: vec!["subject_id".into()],
    };
    TableDef { foreign_keys: vec![key], ..table(schema, "session", columns) }
}

pub fn insert_mode(
    db: &mut SqliteAdapter,
    table: &TableDef,
    rows: Vec<Vec<Value>>,
    mode: InsertMode,
) -> Result<u64, DbError> {
    let columns: Vec<String> = table.columns.iter().map(|column| column.name.clone()).collect();
    db.insert(table, &columns, &mut rows.into_iter(), mode)
}

pub fn insert(db: &mut SqliteAdapter, table: &TableDef, rows: Vec<Vec<Value>>) -> Result<u64, DbError> {
    insert_mode(db, table, rows, InsertMode::Error)
}

pub fn int(number: i64) -> Value {
    Value::Int(number)
}

pub fn text(text: &str) -> Value {
    Value::Str(text.into())
}

/// All rows of a statement, decoded by the given types.
pub fn select(db: &mut SqliteAdapter, sql: &str, types: &[ColumnType]) -> Result<Vec<Vec<Value>>, DbError> {
    let columns: Vec<_> =
        types.iter().enumerate().map(|(number, ty)| (format!("c{number}"), ty.clone())).collect();
    let mut rows = Vec::new();
    db.query(sql, &[], &columns, &mut |row| {
        rows.push(row);
        ControlFlow::Continue(())
    })?;
    Ok(rows)
}

/// All rows of a table in the order of its first column.
pub fn all(db: &mut SqliteAdapter, table: &TableDef) -> Result<Vec<Vec<Value>>, DbError> {
    let names: Vec<_> = table.columns.iter().map(|column| db.quote(&column.name)).collect();
    let types: Vec<_> = table.columns.iter().map(|column| column.ty.clone()).collect();
    let sql = format!("SELECT {} FROM {} ORDER BY 1", names.join(", "), db.quote_table(&table.id));
    select(db, &sql, &types)
}

pub fn count(db: &mut SqliteAdapter, id: &TableId) -> i64 {
    let sql = format!("SELECT count(*) FROM {}", db.quote_table(id));
    match select(db, &sql, &[native("bigint")]).unwrap()[0][0] {
        Value::Int(count) => count,
        ref other => panic!("{other:?}"),
    }
}

pub fn native(name: &str) -> ColumnType {
    ColumnType::Native(name.into())
}
