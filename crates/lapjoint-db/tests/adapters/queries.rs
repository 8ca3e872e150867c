//! Statements: rows handed over one by one, parameters, computed columns.

use std::ops::ControlFlow;

use lapjoint_db::{DbError, InsertMode};
use lapjoint_types::{CoreType, Value};

use crate::backend::Db;
use crate::common::column;
use crate::common::{
    core, count, decimal, float, insert, int, made, made_subject, native, select, select_with, subject, text,
};

on_every_database!(
    a_sink_may_stop_and_the_next_query_starts_anew,
    a_sink_may_use_another_connection,
    computed_columns_come_by_their_own_type,
    a_query_may_ask_for_fewer_columns_than_there_are,
    parameters_are_values_of_their_own_type,
    execute_counts_changed_rows,
    column_names_are_those_of_the_result,
    a_question_mark_in_quotes_is_no_parameter,
    a_table_that_is_altered_is_read_as_it_is,
    the_clock_is_the_databases_and_moves_on,
    who_is_connected_is_known,
);

fn a_sink_may_stop_and_the_next_query_starts_anew(db: &mut Db) {
    let def = made_subject(db);
    let names: Vec<String> = def.columns.iter().map(|c| c.name.clone()).collect();
    db.insert(&def, &names, &mut (0..100_000).map(|n| vec![int(n), text("x")]), InsertMode::Error).unwrap();
    let columns = [("subject_id".to_owned(), core(CoreType::Int32))];
    let sql = format!("SELECT subject_id, name FROM {} ORDER BY 1", db.quote_table(&def.id));
    for in_transaction in [false, true] {
        if in_transaction {
            db.begin(lapjoint_db::TransactionMode::User).unwrap();
            insert(&mut **db, &def, vec![vec![int(-1), text("x")]]).unwrap();
        }
        for _ in 0..3 {
            let mut seen = Vec::new();
            db.query(&sql, &[], &columns, &mut |row| {
                seen.push(row[0].clone());
                if seen.len() == 3 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
            })
            .unwrap();
            let first = if in_transaction { -1 } else { 0 };
            assert_eq!(seen, [int(first), int(first + 1), int(first + 2)]);
        }
        if in_transaction {
            assert_eq!(count(&mut **db, &def.id), 100_001);
            db.rollback().unwrap();
        }
    }
    assert_eq!(count(&mut **db, &def.id), 100_000);
    // The stopped statement holds no lock.
    db.drop_table(&def.id).unwrap();
}

fn a_sink_may_use_another_connection(db: &mut Db) {
    let def = made_subject(db);
    insert(&mut **db, &def, (0..10).map(|n| vec![int(n), text("x")]).collect()).unwrap();
    let mut other = db.another();
    let columns = [("subject_id".to_owned(), core(CoreType::Int32))];
    let sql = format!("SELECT subject_id FROM {}", db.quote_table(&def.id));
    let mut seen = 0;
    db.query(&sql, &[], &columns, &mut |_| {
        seen += count(other.as_mut(), &def.id);
        ControlFlow::Continue(())
    })
    .unwrap();
    assert_eq!(seen, 100);
    // And so may the rows of an insert.
    let target = made(db, "target", vec![column("id", CoreType::Int32)]);
    let mut rows = (0..100).map(|n| vec![int(n + count(other.as_mut(), &def.id))]);
    db.insert(&target, &["id".into()], &mut rows, InsertMode::Error).unwrap();
    drop(rows);
    assert_eq!(count(&mut **db, &target.id), 100);
}

fn computed_columns_come_by_their_own_type(db: &mut Db) {
    let any = native("");
    let columns =
        vec![column("id", CoreType::Int32), column("price", CoreType::Decimal { precision: 6, scale: 2 })];
    let def = made(db, "t", columns);
    insert(&mut **db, &def, vec![vec![int(1), decimal("1.50")], vec![int(2), decimal("2.25")]]).unwrap();
    let name = db.quote_table(&def.id);
    let sql = format!("SELECT count(*), max(id), min(id) + 1, 'x', NULL FROM {name}");
    let rows = select(&mut **db, &sql, &vec![any.clone(); 5]).unwrap();
    assert_eq!(rows, [[int(2), int(2), int(2), text("x"), Value::Null]]);
    let half = db.literal(&float(0.5), &core(CoreType::Float64)).unwrap();
    let sql = format!("SELECT {half} FROM {name} WHERE id = 1");
    assert_eq!(select(&mut **db, &sql, &[core(CoreType::Float64)]).unwrap(), [[float(0.5)]]);
}

fn a_query_may_ask_for_fewer_columns_than_there_are(db: &mut Db) {
    assert_eq!(select(&mut **db, "SELECT 1, 2", &[]).unwrap(), [Vec::<Value>::new()]);
    assert_eq!(select(&mut **db, "SELECT 1, 2", &[native("")]).unwrap(), [[int(1)]]);
}

fn parameters_are_values_of_their_own_type(db: &mut Db) {
    let def = made_subject(db);
    insert(&mut **db, &def, vec![vec![int(1), text("Ada")], vec![int(2), text("2")]]).unwrap();
    let name = db.quote_table(&def.id);
    let any = || native("");
    let mut found = |condition: &str, parameters: &[Value]| {
        let parameters: Vec<_> = parameters.iter().map(|value| (value.clone(), any())).collect();
        let sql = format!("SELECT subject_id FROM {name} WHERE {condition} ORDER BY 1");
        select_with(&mut **db, &sql, &parameters, &[any()]).unwrap()
    };
    assert_eq!(found("subject_id = ? AND name = ?", &[int(1), text("Ada")]), [[int(1)]]);
    assert_eq!(found("subject_id < ?", &[int(1 << 40)]), [[int(1)], [int(2)]]);
    assert_eq!(found("subject_id > ? + 0", &[int(1)]), [[int(2)]]);
    assert_eq!(found("name IN (?, ?, ?)", &[text("x"), text("Ada"), text("2")]), [[int(1)], [int(2)]]);
    assert_eq!(found("subject_id = ?", &[Value::Null]), Vec::<Vec<Value>>::new());
    // Again, with a value of another kind in the same place.
    assert_eq!(found("subject_id < ?", &[int(2)]), [[int(1)]]);
    assert_eq!(found("subject_id < ?", &[float(1.5)]), [[int(1)]]);
    let sum = select_with(&mut **db, "SELECT 1 + ? AS total", &[(int(2), any())], &[any()]).unwrap();
    assert_eq!(sum, [[int(3)]]);
    let plain =
        select_with(&mut **db, "SELECT ?, ?", &[(int(2), any()), (text("x"), any())], &[any(), any()]);
    assert_eq!(plain.unwrap(), [[int(2), text("x")]]);
}

fn execute_counts_changed_rows(db: &mut Db) {
    let def = made_subject(db);
    let name = db.quote_table(&def.id);
    insert(&mut **db, &def, vec![vec![int(1), text("a")], vec![int(2), text("a")]]).unwrap();
    let ty = core(CoreType::Varchar(20));
    for value in ["b", "c"] {
        assert_eq!(
            db.execute(&format!("UPDATE {name} SET name = ?"), &[(text(value), ty.clone())]).unwrap(),
            2
        );
    }
    assert_eq!(db.execute(&format!("UPDATE {name} SET name = 'd' WHERE 1 = 0"), &[]).unwrap(), 0);
    assert_eq!(db.execute("SELECT 1", &[]).unwrap(), 0);
    assert_eq!(db.execute(&format!("DELETE FROM {name} WHERE subject_id = 1"), &[]).unwrap(), 1);
}

fn column_names_are_those_of_the_result(db: &mut Db) {
    let def = made_subject(db);
    let name = db.quote_table(&def.id);
    let names = |db: &mut Db, sql: &str| db.column_names(sql).unwrap();
    assert_eq!(names(db, &format!("SELECT * FROM {name}")), ["subject_id", "name"]);
    assert_eq!(names(db, "SELECT 1 AS a, 2 AS b"), ["a", "b"]);
    assert_eq!(names(db, &format!("SELECT name FROM {name} WHERE subject_id = ?")), ["name"]);
    assert_eq!(names(db, &format!("DELETE FROM {name} WHERE subject_id = ?")), Vec::<String>::new());
    assert!(matches!(db.column_names("SELEC 1"), Err(DbError::Syntax { .. })));
}

fn a_question_mark_in_quotes_is_no_parameter(db: &mut Db) {
    let sql = "SELECT '?', 'it''s ?', ? -- ?";
    let ty = core(CoreType::Varchar(9));
    let rows =
        select_with(&mut **db, sql, &[(text("x"), ty.clone())], &[ty.clone(), ty.clone(), ty]).unwrap();
    assert_eq!(rows, [[text("?"), text("it's ?"), text("x")]]);
}

fn a_table_that_is_altered_is_read_as_it_is(db: &mut Db) {
    let old = made_subject(db);
    insert(&mut **db, &old, vec![vec![int(1), text("Ada")]]).unwrap();
    let sql = format!("SELECT * FROM {}", db.quote_table(&old.id));
    let any = || native("");
    for _ in 0..3 {
        assert_eq!(select(&mut **db, &sql, &[any(), any()]).unwrap(), [[int(1), text("Ada")]]);
    }
    // By another connection.
    let mut new = subject(&db.schema);
    new.columns[1] = column("name", CoreType::Varchar(30));
    new.columns.push(crate::common::nullable(column("more", CoreType::Int32)));
    let sources = [Some("subject_id".to_owned()), Some("name".to_owned()), None];
    db.another().alter_table(&old, &new, &sources).unwrap();
    for _ in 0..3 {
        let rows = select(&mut **db, &sql, &[any(), any(), any()]).unwrap();
        assert_eq!(rows, [[int(1), text("Ada"), Value::Null]]);
    }
    insert(&mut **db, &new, vec![vec![int(2), text(&"x".repeat(30)), int(1)]]).unwrap();
}

fn the_clock_is_the_databases_and_moves_on(db: &mut Db) {
    let read = |db: &mut Db, seconds: f64| {
        let sql = format!("SELECT {}", db.clock_sql(seconds));
        let columns = [("now".to_owned(), core(CoreType::DateTime(Some(6))))];
        let mut seen = None;
        db.query(&sql, &[], &columns, &mut |row| {
            seen = row.into_iter().next();
            ControlFlow::Break(())
        })
        .unwrap();
        match seen {
            Some(Value::DateTime(time)) => time,
            other => panic!("{other:?} is no time"),
        }
    };
    db.begin(lapjoint_db::TransactionMode::User).unwrap();
    let first = read(db, 0.0);
    std::thread::sleep(std::time::Duration::from_millis(30));
    let (second, past, later) = (read(db, 0.0), read(db, -3600.5), read(db, 2.5));
    db.rollback().unwrap();
    assert!(past < first && first < second && second < later, "{past} {first} {second} {later}");
    assert!(first.subsec_nanosecond() % 1_000_000 == 0 && past.subsec_nanosecond() % 1_000_000 == 0);
}

fn who_is_connected_is_known(db: &mut Db) {
    let (user, number) = db.who().unwrap();
    if db.backend == crate::backend::Backend::Sqlite {
        assert_eq!((user.as_str(), number), ("", None));
    } else {
        assert!(user.contains('@') && number.is_some_and(|number| number > 0), "{user} {number:?}");
        assert_ne!(db.another().who().unwrap().1, number);
    }
}
