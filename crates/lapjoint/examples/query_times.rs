//! Measures what a query costs before the database is asked: `cargo run --release -p lapjoint --example query_times`.
//!
//! Each query is built and compiled to SQL anew; the figure is the median of the fastest half of the runs.

use std::time::Instant;

use lapjoint::{Connection, Error, Query, Table};

const RUNS: usize = 2_000;

fn main() -> Result<(), Error> {
    let connection = Connection::in_memory()?;
    let lab = connection.schema("lab")?;
    let mouse = lab.manual("Mouse", "mouse : int32\n---\nborn : date\nsex : varchar(1)")?;
    let session =
        lab.manual("Session", "-> Mouse\nsession : int32\n---\nrig : varchar(8)\nscore : float64")?;
    let trial = lab.manual("Trial", "-> Session\ntrial : int32\n---\nreward : float64")?;
    print("restriction", || (&session & "score > 1").make_sql())?;
    print("projection", || session.query().proj([("twice", "2 * score")]).make_sql())?;
    print("join of three tables", || joined(&mouse, &session, &trial).make_sql())?;
    print("join of three, restricted", || {
        (joined(&mouse, &session, &trial) & "reward > 1 and sex = 'F'").make_sql()
    })?;
    print("aggregation of a join", || {
        mouse.query().aggr(&session * &trial, [("n", "count(*)"), ("sum", "sum(reward)")]).make_sql()
    })?;
    Ok(())
}

fn joined(mouse: &Table, session: &Table, trial: &Table) -> Query {
    (mouse * session).join(trial)
}

fn print(what: &str, compile: impl Fn() -> Result<String, Error>) -> Result<(), Error> {
    let mut micros = Vec::with_capacity(RUNS);
    for _ in 0..RUNS {
        let started = Instant::now();
        std::hint::black_box(compile()?);
        micros.push(started.elapsed().as_secs_f64() * 1e6);
    }
    micros.sort_by(f64::total_cmp);
    println!("{what:<32} {:>8.1} µs", micros[RUNS / 4]);
    Ok(())
}
