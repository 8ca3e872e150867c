//! Short forms for definitions and rows.

use std::ops::ControlFlow;

use lapjoint_db::{
    Adapter, ColumnDef, ColumnType, DbError, DefaultValue, ForeignKeyDef, InsertMode, TableDef, TableId,
};
use lapjoint_types::{CoreType, Value, marker};

use crate::backend::Db;

pub fn column(name: &str, ty: CoreType) -> ColumnDef {
    let comment = marker::encode_comment(Some(&ty.to_string()), &format!("comment of {name}"));
    ColumnDef {
        name: name.into(),
        ty: ColumnType::Core(ty),
        nullable: false,
        default: None,
        comment,
        auto_increment: false,
    }
}

/// A column of a type of the database.
pub fn native_column(name: &str, ty: &str) -> ColumnDef {
    ColumnDef { ty: native(ty), comment: format!("comment of {name}"), ..column(name, CoreType::Int8) }
}

pub fn nullable(column: ColumnDef) -> ColumnDef {
    ColumnDef { nullable: true, default: Some(DefaultValue::Null), ..column }
}

pub fn with_default(column: ColumnDef, literal: &str) -> ColumnDef {
    ColumnDef { default: Some(DefaultValue::Literal(literal.into())), ..column }
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

/// A table of the case's schema.
pub fn made(db: &mut Db, name: &str, columns: Vec<ColumnDef>) -> TableDef {
    let def = table(&db.schema, name, columns);
    db.create_table(&def).unwrap();
    def
}

/// The case's `subject`.
pub fn made_subject(db: &mut Db) -> TableDef {
    let def = subject(&db.schema);
    db.create_table(&def).unwrap();
    def
}

pub fn insert_mode(
    db: &mut dyn Adapter,
    table: &TableDef,
    rows: Vec<Vec<Value>>,
    mode: InsertMode,
) -> Result<u64, DbError> {
    let columns: Vec<String> = table.columns.iter().map(|column| column.name.clone()).collect();
    db.insert(table, &columns, &mut rows.into_iter(), mode)
}

pub fn insert(db: &mut dyn Adapter, table: &TableDef, rows: Vec<Vec<Value>>) -> Result<u64, DbError> {
    insert_mode(db, table, rows, InsertMode::Error)
}

pub fn int(number: i64) -> Value {
    Value::Int(number)
}

pub fn text(text: &str) -> Value {
    Value::Str(text.into())
}

pub fn float(number: f64) -> Value {
    Value::Float(number)
}

pub fn decimal(text: &str) -> Value {
    Value::Decimal(text.parse().unwrap())
}

pub fn json(text: &str) -> Value {
    Value::Json(Box::new(serde_json::from_str(text).unwrap()))
}

pub fn native(name: &str) -> ColumnType {
    ColumnType::Native(name.into())
}

pub fn core(ty: CoreType) -> ColumnType {
    ColumnType::Core(ty)
}

/// All rows of a statement with parameters, decoded by the given types.
pub fn select_with(
    db: &mut dyn Adapter,
    sql: &str,
    parameters: &[(Value, ColumnType)],
    types: &[ColumnType],
) -> Result<Vec<Vec<Value>>, DbError> {
    let columns: Vec<_> =
        types.iter().enumerate().map(|(number, ty)| (format!("c{number}"), ty.clone())).collect();
    let mut rows = Vec::new();
    db.query(sql, parameters, &columns, &mut |row| {
        rows.push(row);
        ControlFlow::Continue(())
    })?;
    Ok(rows)
}

pub fn select(db: &mut dyn Adapter, sql: &str, types: &[ColumnType]) -> Result<Vec<Vec<Value>>, DbError> {
    select_with(db, sql, &[], types)
}

/// All rows of a table in the order of its first column.
pub fn all(db: &mut dyn Adapter, table: &TableDef) -> Result<Vec<Vec<Value>>, DbError> {
    let names: Vec<_> = table.columns.iter().map(|column| db.quote(&column.name)).collect();
    let types: Vec<_> = table.columns.iter().map(|column| column.ty.clone()).collect();
    let sql = format!("SELECT {} FROM {} ORDER BY 1", names.join(", "), db.quote_table(&table.id));
    select(db, &sql, &types)
}

pub fn count(db: &mut dyn Adapter, id: &TableId) -> i64 {
    let sql = format!("SELECT count(*) FROM {}", db.quote_table(id));
    match select(db, &sql, &[native("bigint")]).unwrap()[0][0] {
        Value::Int(count) => count,
        ref other => panic!("{other:?}"),
    }
}
