//! Measures rows per second of inserts and queries of an adapter.
//!
//! ```text
//! cargo run --release -p lapjoint-db --example throughput -- postgresql://postgres@localhost/test [ROWS]
//! cargo run --release -p lapjoint-db --example throughput -- mysql://root@localhost
//! cargo run --release -p lapjoint-db --example throughput -- sqlite:/tmp/folder
//! ```
#![expect(clippy::unwrap_used, reason = "a measurement ends at the first error")]

use std::ops::ControlFlow;
use std::time::{Duration, Instant};

use lapjoint_db::sqlite::{Location, SqliteOptions};
use lapjoint_db::{
    Adapter, ColumnDef, ColumnType, InsertMode, ServerOptions, SqliteAdapter, TableDef, TableId,
};
use lapjoint_types::{CoreType, Value};

const SCHEMA: &str = "lapjoint_throughput";

fn open(address: &str) -> Box<dyn Adapter> {
    if let Some(folder) = address.strip_prefix("sqlite:") {
        let location = if folder.is_empty() { Location::Memory } else { Location::Directory(folder.into()) };
        return Box::new(SqliteAdapter::open(&SqliteOptions::new(location)).unwrap());
    }
    let (product, options) = ServerOptions::from_url(address).unwrap();
    match product {
        #[cfg(feature = "postgres")]
        lapjoint_db::Product::Postgres => Box::new(lapjoint_db::PostgresAdapter::open(&options).unwrap()),
        #[cfg(feature = "mysql")]
        lapjoint_db::Product::MySql => Box::new(lapjoint_db::MysqlAdapter::open(&options).unwrap()),
        #[cfg(not(all(feature = "mysql", feature = "postgres")))]
        other => unreachable!("{other:?} at {options:?} has no adapter here"),
    }
}

fn table(name: &str) -> TableDef {
    let column = |name: &str, ty: CoreType| ColumnDef {
        name: name.into(),
        comment: format!(":{ty}:"),
        ty: ColumnType::Core(ty),
        nullable: false,
        default: None,
        auto_increment: false,
    };
    TableDef {
        id: TableId::new(SCHEMA, name),
        comment: String::new(),
        columns: vec![
            column("id", CoreType::Int32),
            column("x", CoreType::Float64),
            column("name", CoreType::Varchar(30)),
            column("at", CoreType::DateTime(Some(6))),
        ],
        primary_key: vec!["id".into()],
        foreign_keys: Vec::new(),
        indexes: Vec::new(),
    }
}

fn report(what: &str, rows: i64, took: Duration) {
    println!("{what:<34} {rows:>8} rows {:>10.1?} {:>12.0} rows/s", took, rows as f64 / took.as_secs_f64());
}

fn main() {
    let mut arguments = std::env::args().skip(1);
    let address = arguments.next().unwrap_or_else(|| "sqlite:".to_owned());
    let rows: i64 = arguments.next().map_or(200_000, |rows| rows.parse().unwrap());
    let mut db = open(&address);
    db.open_schema(SCHEMA, true).unwrap();
    let start_at: jiff::civil::DateTime = "2026-01-01T00:00:00.5".parse().unwrap();
    let row = |n: i64| {
        let at = start_at.checked_add(jiff::Span::new().seconds(n)).unwrap();
        vec![
            Value::Int(n),
            Value::Float(n as f64 / 7.0),
            Value::Str(format!("name of {n}")),
            Value::DateTime(at),
        ]
    };
    let def = table("bulk");
    let names: Vec<String> = def.columns.iter().map(|column| column.name.clone()).collect();
    let columns: Vec<_> = def.columns.iter().map(|column| (column.name.clone(), column.ty.clone())).collect();

    let began = Instant::now();
    let made: Vec<_> = (0..rows).map(row).collect();
    report("making the rows", rows, began.elapsed());
    for round in 0..3 {
        db.create_table(&def).unwrap();
        let given = made.clone();
        let began = Instant::now();
        db.insert(&def, &names, &mut given.into_iter(), InsertMode::Error).unwrap();
        report("insert", rows, began.elapsed());
        let sql = format!("SELECT id, x, name, {} FROM {}", db.quote("at"), db.quote_table(&def.id));
        let mut kept = Vec::new();
        let began = Instant::now();
        db.query(&sql, &[], &columns, &mut |row| {
            kept.push(row);
            ControlFlow::Continue(())
        })
        .unwrap();
        report("query, rows kept", rows, began.elapsed());
        assert_eq!(kept, made);
        if round == 2 {
            for (what, mode) in [
                ("insert, all skipped", InsertMode::SkipDuplicates),
                ("insert, all replaced", InsertMode::Replace),
            ] {
                let given = made.clone();
                let began = Instant::now();
                db.insert(&def, &names, &mut given.into_iter(), mode).unwrap();
                report(what, rows, began.elapsed());
            }
        }
        db.drop_table(&def.id).unwrap();
    }

    let def = table("single");
    db.create_table(&def).unwrap();
    let few = 500;
    let began = Instant::now();
    for n in 0..few {
        db.insert(&def, &names, &mut std::iter::once(row(-1 - n)), InsertMode::Error).unwrap();
    }
    report("insert of 1, each committed", few, began.elapsed());
    db.begin(lapjoint_db::TransactionMode::User).unwrap();
    let mut next = 0;
    for at_once in [1, 4, 8, 12, 13, 16, 32, 64] {
        let began = Instant::now();
        for _ in 0..few {
            db.insert(&def, &names, &mut (next..next + at_once).map(row), InsertMode::Error).unwrap();
            next += at_once;
        }
        let took = began.elapsed();
        report(&format!("insert of {at_once} in a transaction"), few * at_once, took);
        println!("{:>60.1?} each", took / 500);
    }
    db.commit().unwrap();
    let began = Instant::now();
    for n in 0..few {
        let sql = format!("SELECT id, x, name FROM {} WHERE id = {n}", db.quote_table(&def.id));
        db.query(&sql, &[], &columns[..3], &mut |_| ControlFlow::Continue(())).unwrap();
    }
    report("query of one row, new text", few, began.elapsed());
    let sql = format!("SELECT id, x, name FROM {} WHERE id = ?", db.quote_table(&def.id));
    let began = Instant::now();
    for n in 0..few {
        let parameter = [(Value::Int(n), ColumnType::Core(CoreType::Int32))];
        db.query(&sql, &parameter, &columns[..3], &mut |_| ControlFlow::Continue(())).unwrap();
    }
    report("query of one row, parameter", few, began.elapsed());
    db.drop_schema(SCHEMA).unwrap();
}
