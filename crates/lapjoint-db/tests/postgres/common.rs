//! A schema of its own for each test, and short forms.

use std::ops::ControlFlow;
use std::ops::{Deref, DerefMut};
use std::sync::atomic::{AtomicU32, Ordering};

use lapjoint_db::{
    Adapter, ColumnDef, ColumnType, DbError, InsertMode, PostgresAdapter, ServerOptions, TableDef, TableId,
};
use lapjoint_types::{CoreType, Value};

/// The server, unless the environment names none.
pub fn server() -> Option<ServerOptions> {
    match std::env::var("LAPJOINT_TEST_POSTGRES") {
        Ok(address) => Some(ServerOptions::from_url(&address).unwrap().1),
        Err(_) => {
            println!("NOT RUN: the environment names no server of PostgreSQL");
            None
        }
    }
}

/// A connection with a schema of its own, dropped with it.
pub struct Lab {
    pub db: PostgresAdapter,
    pub options: ServerOptions,
    pub schema: String,
    process: u32,
}

impl Lab {
    pub fn open() -> Option<Self> {
        static COUNTER: AtomicU32 = AtomicU32::new(0);
        let options = server()?;
        let mut db = PostgresAdapter::open(&options).unwrap();
        let number = COUNTER.fetch_add(1, Ordering::Relaxed);
        let process = std::process::id();
        let schema = format!("pg_lab_{process}_{number}").replace("pg_", "lapjoint_");
        db.open_schema(&schema, true).unwrap();
        Some(Self { db, options, schema, process })
    }

    pub fn another(&self) -> PostgresAdapter {
        PostgresAdapter::open(&self.options).unwrap()
    }

    /// `subject(subject_id, name)`.
    pub fn subject(&mut self) -> TableDef {
        let def = table(
            &self.schema,
            "subject",
            vec![column("subject_id", CoreType::Int32), column("name", CoreType::Varchar(20))],
        );
        self.db.create_table(&def).unwrap();
        def
    }
}

impl Deref for Lab {
    type Target = PostgresAdapter;

    fn deref(&self) -> &Self::Target {
        &self.db
    }
}

impl DerefMut for Lab {
    fn deref_mut(&mut self) -> &mut Self::Target {
        &mut self.db
    }
}

impl Drop for Lab {
    fn drop(&mut self) {
        if self.process == std::process::id() {
            self.db.close();
            let _ = PostgresAdapter::open(&self.options).and_then(|mut db| db.drop_schema(&self.schema));
        }
    }
}

pub fn column(name: &str, ty: CoreType) -> ColumnDef {
    ColumnDef {
        name: name.into(),
        comment: format!(":{ty}:"),
        ty: ColumnType::Core(ty),
        nullable: false,
        default: None,
        auto_increment: false,
    }
}

/// A table whose first column is its primary key.
pub fn table(schema: &str, name: &str, columns: Vec<ColumnDef>) -> TableDef {
    TableDef {
        id: TableId::new(schema, name),
        comment: String::new(),
        primary_key: vec![columns[0].name.clone()],
        columns,
        foreign_keys: Vec::new(),
        indexes: Vec::new(),
    }
}

pub fn row(id: i64, name: &str) -> Vec<Value> {
    vec![Value::Int(id), Value::Str(name.into())]
}

pub fn insert(db: &mut PostgresAdapter, def: &TableDef, rows: Vec<Vec<Value>>) -> Result<u64, DbError> {
    let columns: Vec<String> = def.columns.iter().map(|column| column.name.clone()).collect();
    db.insert(def, &columns, &mut rows.into_iter(), InsertMode::Error)
}

pub fn select(db: &mut PostgresAdapter, sql: &str, columns: usize) -> Result<Vec<Vec<Value>>, DbError> {
    let types: Vec<_> = (0..columns).map(|n| (format!("c{n}"), ColumnType::Native(String::new()))).collect();
    let mut rows = Vec::new();
    db.query(sql, &[], &types, &mut |row| {
        rows.push(row);
        ControlFlow::Continue(())
    })?;
    Ok(rows)
}

pub fn one(db: &mut PostgresAdapter, sql: &str) -> Value {
    select(db, sql, 1).unwrap().remove(0).remove(0)
}

pub fn count(db: &mut PostgresAdapter, id: &TableId) -> i64 {
    let sql = format!("SELECT count(*) FROM {}", db.quote_table(id));
    match one(db, &sql) {
        Value::Int(count) => count,
        other => panic!("{other:?}"),
    }
}

/// Number of the server's process for a connection.
pub fn backend(db: &mut PostgresAdapter) -> Value {
    one(db, "SELECT pg_backend_pid()")
}

/// Ends a connection from the server's side.
pub fn kill(by: &mut PostgresAdapter, backend: &Value) {
    let Value::Int(number) = backend else { panic!("{backend:?}") };
    assert_eq!(one(by, &format!("SELECT pg_terminate_backend({number})")), Value::Bool(true));
    let gone = format!("SELECT count(*) FROM pg_stat_activity WHERE pid = {number}");
    while one(by, &gone) != Value::Int(0) {
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
}
