//! Rows are streamed both ways: memory holds a bounded number of them.
#![cfg(target_os = "linux")]

use std::cell::Cell;
use std::ops::ControlFlow;

use lapjoint_db::{Adapter, ColumnType, InsertMode};
use lapjoint_types::{CoreType, Value};

use crate::common::{Lab, column, table};
use crate::fork::in_child;

/// Most that an insert or a query may take in memory beside the rows' own, in bytes.
const BOUND_BYTES: usize = 48 << 20;

/// Bytes of memory that the process holds.
fn resident_bytes() -> usize {
    let text = std::fs::read_to_string("/proc/self/statm").unwrap();
    text.split_whitespace().nth(1).unwrap().parse::<usize>().unwrap() * 4096
}

#[test]
fn three_hundred_megabytes_pass_through_little_memory() {
    let Some(mut lab) = Lab::open() else { return };
    let def = table(
        &lab.schema,
        "big",
        vec![column("id", CoreType::Int32), column("data", CoreType::Bytes), column("x", CoreType::Float64)],
    );
    lab.create_table(&def).unwrap();
    let names: Vec<String> = def.columns.iter().map(|column| column.name.clone()).collect();
    for mode in [InsertMode::Error, InsertMode::Replace] {
        // A process of its own, in which nothing else takes memory.
        assert!(in_child(|| {
            let data = bytes::Bytes::from(vec![7_u8; 10_000]);
            let (before, most) = (resident_bytes(), Cell::new(0));
            let mut rows = (0..30_000).map(|n| {
                if n % 500 == 0 {
                    most.set(most.get().max(resident_bytes()));
                }
                vec![Value::Int(n), Value::Bytes(data.clone()), Value::Float(0.5)]
            });
            lab.db.insert(&def, &names, &mut rows, mode).unwrap();
            drop(rows);
            println!("{mode:?}: {} MB more at most", most.get().saturating_sub(before) >> 20);
            most.get() < before + BOUND_BYTES
        }));
    }
    assert!(in_child(|| {
        let columns: Vec<_> = def.columns.iter().map(|c| (c.name.clone(), c.ty.clone())).collect();
        let sql = format!("SELECT id, data, x FROM {}", lab.db.quote_table(&def.id));
        let (before, mut most, mut seen) = (resident_bytes(), 0, 0);
        lab.db
            .query(&sql, &[], &columns, &mut |_| {
                seen += 1;
                if seen % 500 == 0 {
                    most = most.max(resident_bytes());
                }
                ControlFlow::Continue(())
            })
            .unwrap();
        println!("query: {} MB more at most", most.saturating_sub(before) >> 20);
        seen == 30_000 && most < before + BOUND_BYTES
    }));
    // A sink that stops does not wait for the rest.
    let began = std::time::Instant::now();
    let columns = [("n".to_owned(), ColumnType::Native(String::new()))];
    lab.query("SELECT n FROM generate_series(1, 50000000) AS g(n)", &[], &columns, &mut |_| {
        ControlFlow::Break(())
    })
    .unwrap();
    assert!(began.elapsed().as_secs() < 10, "{:?}", began.elapsed());
}
