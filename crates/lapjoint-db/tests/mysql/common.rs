//! The server, schemas of a test's own, and short forms for definitions and rows.

use std::ops::{ControlFlow, Deref, DerefMut};
use std::sync::atomic::{AtomicU32, Ordering};

use lapjoint_db::{
    Adapter, ColumnDef, ColumnType, DbError, DefaultValue, ForeignKeyDef, InsertMode, MysqlAdapter,
    ServerOptions, TableDef, TableId,
};
use lapjoint_types::{CoreType, Value};

/// The server of the tests; without one a test says that it did not run.
pub fn server() -> Option<ServerOptions> {
    match std::env::var("LAPJOINT_TEST_MYSQL") {
        Ok(url) => Some(ServerOptions::from_url(&url).unwrap().1),
        Err(_) => {
            eprintln!("not run: LAPJOINT_TEST_MYSQL is not set");
            None
        }
    }
}

/// A connection with a schema of its own, which goes with it.
pub struct Lab {
    pub db: MysqlAdapter,
    pub schema: String,
}

impl Lab {
    pub fn open() -> Option<Self> {
        let mut db = MysqlAdapter::open(&server()?).unwrap();
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let schema = format!("lapjoint_test_{}_{number}", std::process::id());
        db.open_schema(&schema, true).unwrap();
        Some(Self { db, schema })
    }

    /// Another connection to the same server.
    pub fn other(&self) -> MysqlAdapter {
        MysqlAdapter::open(&server().unwrap()).unwrap()
    }

    pub fn is_mariadb(&self) -> bool {
        self.db.capabilities().product == "MariaDB"
    }

    pub fn table(&self, name: &str, columns: Vec<ColumnDef>) -> TableDef {
        TableDef {
            id: TableId::new(&self.schema, name),
            comment: format!("the {name}"),
            primary_key: vec![columns[0].name.clone()],
            columns,
            foreign_keys: Vec::new(),
            indexes: Vec::new(),
        }
    }

    /// `subject(subject_id, name)`, created.
    pub fn subject(&mut self) -> TableDef {
        let columns = vec![column("subject_id", "int32"), column("name", "varchar(20)")];
        let def = self.table("subject", columns);
        self.create_table(&def).unwrap();
        def
    }

    /// `session(session_id, subject_id)`, whose subjects may be missing, created.
    pub fn session_table(&mut self) -> TableDef {
        let columns = vec![column("session_id", "int32"), nullable(column("subject_id", "int32"))];
        let key = ForeignKeyDef {
            columns: vec!["subject_id".into()],
            parent: TableId::new(&self.schema, "subject"),
            parent_columns: vec!["subject_id".into()],
        };
        let def = TableDef { foreign_keys: vec![key], ..self.table("session", columns) };
        self.create_table(&def).unwrap();
        def
    }

    /// The tables of the schema.
    pub fn tables(&mut self) -> Vec<String> {
        self.db.list_tables(&self.schema).unwrap()
    }

    /// Runs a statement in which `{}` is the schema.
    pub fn run(&mut self, sql: &str) -> u64 {
        let sql = sql.replace("{}", &self.schema);
        self.db.execute(&sql, &[]).unwrap_or_else(|error| panic!("{sql}: {error}"))
    }
}

impl Deref for Lab {
    type Target = MysqlAdapter;
    fn deref(&self) -> &MysqlAdapter {
        &self.db
    }
}

impl DerefMut for Lab {
    fn deref_mut(&mut self) -> &mut MysqlAdapter {
        &mut self.db
    }
}

impl Drop for Lab {
    fn drop(&mut self) {
        if self.db.in_transaction() {
            let _ = self.db.rollback();
        }
        let dropped = self.db.drop_schema(&self.schema);
        if !std::thread::panicking() {
            dropped.unwrap();
        }
    }
}

pub fn core(text: &str) -> CoreType {
    text.parse().unwrap()
}

/// A column of a core type, with the marker that keeps it.
pub fn column(name: &str, ty: &str) -> ColumnDef {
    ColumnDef {
        name: name.into(),
        ty: ColumnType::Core(core(ty)),
        nullable: false,
        default: None,
        comment: format!(":{ty}:comment of {name}"),
        auto_increment: false,
    }
}

pub fn native(name: &str, ty: &str) -> ColumnDef {
    ColumnDef {
        ty: ColumnType::Native(ty.into()),
        comment: format!("comment of {name}"),
        auto_increment: ty.contains("auto_increment"),
        ..column(name, "int32")
    }
}

pub fn nullable(column: ColumnDef) -> ColumnDef {
    ColumnDef { nullable: true, default: Some(DefaultValue::Null), ..column }
}

pub fn insert_mode(
    db: &mut MysqlAdapter,
    table: &TableDef,
    rows: Vec<Vec<Value>>,
    mode: InsertMode,
) -> Result<u64, DbError> {
    let columns: Vec<String> = table.columns.iter().map(|column| column.name.clone()).collect();
    db.insert(table, &columns, &mut rows.into_iter(), mode)
}

pub fn insert(db: &mut MysqlAdapter, table: &TableDef, rows: Vec<Vec<Value>>) -> Result<u64, DbError> {
    insert_mode(db, table, rows, InsertMode::Error)
}

pub fn int(number: i64) -> Value {
    Value::Int(number)
}

pub fn text(text: &str) -> Value {
    Value::Str(text.into())
}

pub fn own() -> ColumnType {
    ColumnType::Native(String::new())
}

/// All rows of a statement, decoded by the given types.
pub fn select(db: &mut MysqlAdapter, sql: &str, types: &[ColumnType]) -> Result<Vec<Vec<Value>>, DbError> {
    let columns: Vec<_> =
        types.iter().enumerate().map(|(number, ty)| (format!("c{number}"), ty.clone())).collect();
    let mut rows = Vec::new();
    db.query(sql, &[], &columns, &mut |row| {
        rows.push(row);
        ControlFlow::Continue(())
    })?;
    Ok(rows)
}

/// The one value of a statement, by its own type.
pub fn value(db: &mut MysqlAdapter, sql: &str) -> Value {
    let rows = select(db, sql, &[own()]).unwrap_or_else(|error| panic!("{sql}: {error}"));
    assert_eq!(rows.len(), 1, "{sql}");
    rows[0][0].clone()
}

/// All rows of a table in the order of its first column.
pub fn all(db: &mut MysqlAdapter, table: &TableDef) -> Result<Vec<Vec<Value>>, DbError> {
    let names: Vec<_> = table.columns.iter().map(|column| db.quote(&column.name)).collect();
    let types: Vec<_> = table.columns.iter().map(|column| column.ty.clone()).collect();
    let sql = format!("SELECT {} FROM {} ORDER BY 1", names.join(", "), db.quote_table(&table.id));
    select(db, &sql, &types)
}

pub fn count(db: &mut MysqlAdapter, id: &TableId) -> i64 {
    let sql = format!("SELECT count(*) FROM {}", db.quote_table(id));
    match value(db, &sql) {
        Value::Int(count) => count,
        other => panic!("{other:?}"),
    }
}
