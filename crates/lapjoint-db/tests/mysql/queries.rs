//! Queries and statements with parameters.

use std::ops::ControlFlow;
use std::time::{Duration, Instant};

use lapjoint_db::{Adapter, ColumnType, DbError, TransactionMode};
use lapjoint_types::Value;

use crate::common::{Lab, core, count, insert, int, own, select, text, value};

/// A statement that yields 8,000 million rows.
fn long(lab: &mut Lab) -> String {
    let def = lab.subject();
    insert(lab, &def, (0..2000).map(|n| vec![int(n), text("x")]).collect()).unwrap();
    let table = lab.quote_table(&def.id);
    format!("SELECT a.subject_id FROM {table} AS a, {table} AS b, {table} AS c")
}

#[test]
fn a_long_result_that_nobody_wants_ends_soon() {
    let Some(mut lab) = Lab::open() else { return };
    let sql = long(&mut lab);
    let id = lapjoint_db::TableId::new(&lab.schema, "subject");
    let columns = [("x".to_owned(), own())];
    for in_transaction in [false, true] {
        if in_transaction {
            lab.begin(TransactionMode::User).unwrap();
            lab.run("INSERT INTO `{}`.`subject` VALUES (5000, 'x')");
        }
        let started = Instant::now();
        let mut seen = 0;
        lab.query(&sql, &[], &columns, &mut |_| {
            seen += 1;
            if seen == 10 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        })
        .unwrap();
        assert_eq!(seen, 10);
        assert!(started.elapsed() < Duration::from_secs(3), "{:?}", started.elapsed());
        for _ in 0..3 {
            assert_eq!(value(&mut lab, "SELECT 1"), int(1));
        }
    }
    lab.commit().unwrap();
    assert_eq!(count(&mut lab, &id), 2001);
}

#[test]
fn a_value_that_is_none_of_its_type_ends_a_long_result_too() {
    let Some(mut lab) = Lab::open() else { return };
    let sql = long(&mut lab);
    let started = Instant::now();
    let columns = [("x".to_owned(), ColumnType::Core(core("uuid")))];
    let error = lab.query(&sql, &[], &columns, &mut |_| ControlFlow::Continue(())).unwrap_err();
    assert!(matches!(error, DbError::Stored { .. }), "{error}");
    assert!(started.elapsed() < Duration::from_secs(3), "{:?}", started.elapsed());
    assert_eq!(value(&mut lab, "SELECT 1"), int(1));
}

#[test]
fn parameters_are_counted_and_checked() {
    let Some(mut lab) = Lab::open() else { return };
    let columns = [("x".to_owned(), own())];
    let mut found = Vec::new();
    let parameters = [(int(3), own()), (text("it's ? \\ :x"), own()), (Value::Null, own())];
    lab.query("SELECT concat(?, ?, ifnull(?, '-'))", &parameters, &columns, &mut |row| {
        found.extend(row);
        ControlFlow::Continue(())
    })
    .unwrap();
    assert_eq!(found, [text("3it's ? \\ :x-")]);
    for parameters in [&parameters[..0], &parameters[..2]] {
        let error =
            lab.query("SELECT ?", parameters, &columns, &mut |_| ControlFlow::Continue(())).unwrap_err();
        assert!(matches!(error, DbError::Syntax { .. }), "{error}");
        assert!(matches!(lab.execute("DO ?", parameters), Err(DbError::Syntax { .. })));
    }
    let two = [("x".to_owned(), own()), ("y".to_owned(), own())];
    let error = lab.query("SELECT 1", &[], &two, &mut |_| ControlFlow::Continue(())).unwrap_err();
    assert!(matches!(error, DbError::Syntax { .. }), "{error}");
    let error = lab.execute("SELECT ?", &[(Value::Float(f64::NAN), own())]).unwrap_err();
    assert!(matches!(error, DbError::Value { .. }), "{error}");
}

#[test]
fn texts_with_colons_are_no_parameters() {
    let Some(mut lab) = Lab::open() else { return };
    for (sql, expected) in [
        ("SELECT 'a:b'", text("a:b")),
        ("SELECT concat(1-'1:b', '?', \":x\") -- :y", text("0?:x")),
        ("SELECT /* :a */ concat(4/'2:b', ':c') # :d", text("2:c")),
        ("SELECT concat(1--'2', ':c')", text("3:c")),
    ] {
        assert_eq!(value(&mut lab, sql), expected, "{sql}");
    }
}

#[test]
fn one_statement_is_one_statement() {
    let Some(mut lab) = Lab::open() else { return };
    let def = lab.subject();
    let table = lab.quote_table(&def.id);
    for sql in [format!("SELECT 1; DROP TABLE {table}"), format!("DELETE FROM {table}; DROP TABLE {table}")] {
        assert!(matches!(lab.execute(&sql, &[]), Err(DbError::Syntax { .. })), "{sql}");
        assert!(matches!(select(&mut lab, &sql, &[own()]), Err(DbError::Syntax { .. })), "{sql}");
    }
    assert_eq!(count(&mut lab, &def.id), 0);
}

#[test]
fn changed_rows_are_counted_also_where_nothing_was_new() {
    let Some(mut lab) = Lab::open() else { return };
    let def = lab.subject();
    insert(&mut lab, &def, vec![vec![int(1), text("x")], vec![int(2), text("y")]]).unwrap();
    assert_eq!(lab.run("UPDATE `{}`.`subject` SET name = 'x'"), 2);
    assert_eq!(lab.run("UPDATE `{}`.`subject` SET name = 'x' WHERE subject_id = 9"), 0);
    assert_eq!(lab.run("DELETE FROM `{}`.`subject`"), 2);
    assert_eq!(lab.run("SELECT 1"), 0);
    assert_eq!(lab.run("CREATE TABLE `{}`.`u` (x int)"), 0);
}

#[test]
fn statements_name_their_columns() {
    let Some(mut lab) = Lab::open() else { return };
    assert_eq!(lab.column_names("SELECT 1 AS a, 2 AS `b c`").unwrap(), ["a", "b c"]);
    assert_eq!(lab.column_names("SHOW DATABASES").unwrap(), ["Database"]);
    assert!(lab.column_names("SET @x = 1").unwrap().is_empty());
    assert!(matches!(lab.column_names("SELEC 1"), Err(DbError::Syntax { .. })));
    assert!(
        matches!(lab.column_names("SELECT nose FROM (SELECT 1 AS x) AS t"), Err(DbError::UnknownColumn(name)) if name == "nose")
    );
    // The server prepares none of these.
    assert!(lab.column_names("LOCK TABLES mysql.user READ").unwrap().is_empty());
    lab.run("UNLOCK TABLES");
}

#[test]
fn a_prepared_statement_survives_a_change_of_its_table() {
    let Some(mut lab) = Lab::open() else { return };
    let def = lab.subject();
    insert(&mut lab, &def, vec![vec![int(1), text("x")]]).unwrap();
    let sql = format!("SELECT * FROM {}", lab.quote_table(&def.id));
    assert_eq!(select(&mut lab, &sql, &[own(), own()]).unwrap(), [[int(1), text("x")]]);
    lab.run("ALTER TABLE `{}`.`subject` MODIFY name varchar(30) FIRST");
    assert_eq!(select(&mut lab, &sql, &[own(), own()]).unwrap(), [[text("x"), int(1)]]);
    lab.run("ALTER TABLE `{}`.`subject` MODIFY name longblob");
    assert_eq!(select(&mut lab, &sql, &[own()]).unwrap(), [[Value::Bytes("x".into())]]);
}

#[test]
fn rows_returned_by_a_change_are_changed_once() {
    let Some(mut lab) = Lab::open() else { return };
    if !lab.is_mariadb() {
        return;
    }
    let def = lab.subject();
    let sql = format!("INSERT INTO {} VALUES (1, 'x') RETURNING name", lab.quote_table(&def.id));
    assert_eq!(select(&mut lab, &sql, &[own()]).unwrap(), [[text("x")]]);
    assert_eq!(count(&mut lab.other(), &def.id), 1);
}
