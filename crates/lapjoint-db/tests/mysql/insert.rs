//! Bulk inserts: rows named in errors, packets, streams.

use lapjoint_db::{Adapter, DbError, InsertMode, MysqlAdapter};
use lapjoint_types::Value;

use crate::common::{
    Lab, all, column, count, insert, int, native, nullable, own, select, server, text, value,
};

#[test]
fn an_error_names_its_row_however_far_it_is() {
    let Some(mut lab) = Lab::open() else { return };
    let subject = lab.subject();
    let session = lab.session_table();
    insert(&mut lab, &subject, vec![vec![int(1), text("x")]]).unwrap();
    for at in [0, 1, 999, 1000, 2345] {
        let rows = (0..2500).map(|n| vec![int(n), if n == at { int(77) } else { int(1) }]).collect();
        let error = insert(&mut lab, &session, rows).unwrap_err();
        let expected = u64::try_from(at).unwrap();
        assert!(matches!(&error, DbError::ForeignKey { row: Some(row), .. } if *row == expected), "{error}");
        assert!(error.to_string().contains("(subject_id) -> "), "{error}");
        assert_eq!(count(&mut lab, &session.id), 0);
    }
    let rows = vec![vec![int(5), text("x")], vec![int(6), Value::Null]];
    let error = insert(&mut lab, &subject, rows).unwrap_err();
    assert!(
        matches!(&error, DbError::MissingValue { column, row: Some(1), .. } if column == "name"),
        "{error}"
    );
    let error = lab
        .insert(&subject, &["name".to_owned()], &mut [vec![text("x")]].into_iter(), InsertMode::Error)
        .unwrap_err();
    assert!(matches!(&error, DbError::MissingValue { column, .. } if column == "subject_id"), "{error}");
    let error = lab
        .insert(&subject, &["nose".to_owned()], &mut [vec![text("x")]].into_iter(), InsertMode::Error)
        .unwrap_err();
    assert!(matches!(&error, DbError::UnknownColumn(name) if name == "nose"), "{error}");
}

#[test]
fn many_rows_and_many_columns_fit_the_limits() {
    let Some(mut lab) = Lab::open() else { return };
    let columns: Vec<_> = (0..600).map(|n| nullable(column(&format!("c{n}"), "int32"))).collect();
    let mut def = lab.table("wide", columns);
    def.columns[0] = column("c0", "int32");
    lab.create_table(&def).unwrap();
    let rows: Vec<_> = (0..250).map(|n| (0..600).map(|c| int(n * 600 + c)).collect()).collect();
    assert_eq!(insert(&mut lab, &def, rows.clone()).unwrap(), 250);
    assert_eq!(all(&mut lab, &def).unwrap(), rows);
    let subject = lab.subject();
    assert_eq!(insert(&mut lab, &subject, Vec::new()).unwrap(), 0);
    let rows: Vec<_> = (0..5001).map(|n| vec![int(n), text("x")]).collect();
    assert_eq!(insert(&mut lab, &subject, rows).unwrap(), 5001);
    assert_eq!(count(&mut lab, &subject.id), 5001);
}

#[test]
fn rows_are_taken_as_they_come() {
    let Some(mut lab) = Lab::open() else { return };
    let def = lab.table("t", vec![column("id", "int32"), column("x", "bytes")]);
    lab.create_table(&def).unwrap();
    // 60 MB in rows of 300 kB, of which only some are in memory at a time: far more would not be taken in one piece.
    let alive = std::rc::Rc::new(std::cell::Cell::new(0_i64));
    let made = alive.clone();
    let mut rows = (0..200).map(|n| {
        made.set(made.get() + 1);
        vec![int(n), Value::Bytes(vec![u8::try_from(n).unwrap(); 300_000].into())]
    });
    let columns = ["id".to_owned(), "x".to_owned()];
    assert_eq!(lab.insert(&def, &columns, &mut rows, InsertMode::Error).unwrap(), 200);
    assert_eq!(alive.get(), 200);
    assert_eq!(
        value(&mut lab, &format!("SELECT sum(length(x)) FROM {}", def_name(&def))).to_string_lossy(),
        "60000000"
    );
}

fn def_name(def: &lapjoint_db::TableDef) -> String {
    format!("{}", def.id)
}

trait Shown {
    fn to_string_lossy(&self) -> String;
}

impl Shown for Value {
    fn to_string_lossy(&self) -> String {
        match self {
            Value::Decimal(number) => number.as_str().to_owned(),
            other => format!("{other:?}"),
        }
    }
}

#[test]
fn a_value_up_to_the_servers_limit_goes_in_and_a_larger_one_is_refused() {
    let Some(mut lab) = Lab::open() else { return };
    let limit = match value(&mut lab, "SELECT @@max_allowed_packet") {
        Value::Int(limit) => usize::try_from(limit).unwrap(),
        other => panic!("{other:?}"),
    };
    if limit > 1 << 27 {
        eprintln!("not run: max_allowed_packet is too large for this test");
        return;
    }
    let def =
        lab.table("t", vec![column("id", "int32"), column("x", "bytes"), nullable(column("y", "bytes"))]);
    lab.create_table(&def).unwrap();
    let bytes = |length: usize| Value::Bytes(vec![7; length].into());
    for length in [limit - 4096, limit / 2 + 1, (1 << 24) - 1, 1 << 24, (1 << 24) + 1] {
        if length > limit - 4096 {
            continue;
        }
        insert(&mut lab, &def, vec![vec![int(1), bytes(length), Value::Null]])
            .unwrap_or_else(|e| panic!("{length}: {e}"));
        assert!(all(&mut lab, &def).unwrap() == [[int(1), bytes(length), Value::Null]]);
        lab.run("DELETE FROM `{}`.`t`");
    }
    for length in [limit, limit + 1, limit * 2] {
        let error = insert(
            &mut lab,
            &def,
            vec![vec![int(0), bytes(1), Value::Null], vec![int(1), bytes(length), Value::Null]],
        )
        .unwrap_err();
        assert!(matches!(&error, DbError::Value { column, row: Some(1), .. } if column == "x"), "{error}");
        assert!(
            error.to_string().contains("max_allowed_packet") && error.to_string().contains('@'),
            "{error}"
        );
    }
    assert_eq!(count(&mut lab, &def.id), 0);
}

#[test]
fn a_small_limit_of_the_server_is_kept_to() {
    let Some(mut lab) = Lab::open() else { return };
    let before = match value(&mut lab, "SELECT @@GLOBAL.max_allowed_packet") {
        Value::Int(limit) => limit,
        other => panic!("{other:?}"),
    };
    let def = lab.table("t", vec![column("id", "int32"), column("x", "bytes"), column("y", "bytes")]);
    lab.create_table(&def).unwrap();
    // Only connections made meanwhile have the limit; other tests' may have it, and none of them sends more in one row.
    lab.run("SET GLOBAL max_allowed_packet = 4194304");
    let opened = MysqlAdapter::open(&server().unwrap());
    lab.run(&format!("SET GLOBAL max_allowed_packet = {before}"));
    let mut db = opened.unwrap();
    let bytes = |length: usize| Value::Bytes(vec![7; length].into());
    let rows = (0..9).map(|n| vec![int(n), bytes(900_000), bytes(900_000)]).collect();
    assert_eq!(insert(&mut db, &def, rows).unwrap(), 9);
    let error = insert(&mut db, &def, vec![vec![int(10), bytes(2_200_000), bytes(2_200_000)]]).unwrap_err();
    assert!(matches!(&error, DbError::Value { column, row: Some(0), .. } if column == "y"), "{error}");
    assert_eq!(count(&mut db, &def.id), 9);
}

#[test]
fn numbers_that_the_server_gives_are_left_to_it() {
    let Some(mut lab) = Lab::open() else { return };
    let def = lab.table("t", vec![native("id", "int auto_increment"), column("x", "int32")]);
    lab.create_table(&def).unwrap();
    let x = ["x".to_owned()];
    lab.insert(&def, &x, &mut [vec![int(5)], vec![int(6)]].into_iter(), InsertMode::Error).unwrap();
    insert(&mut lab, &def, vec![vec![Value::Null, int(7)], vec![int(0), int(8)]]).unwrap();
    assert_eq!(
        all(&mut lab, &def).unwrap(),
        [[int(0), int(8)], [int(1), int(5)], [int(2), int(6)], [int(3), int(7)]]
    );
    let sql = format!("INSERT INTO {} (x) VALUES (?)", lab.quote_table(&def.id));
    assert_eq!(lab.execute(&sql, &[(int(9), own())]).unwrap(), 1);
}

#[test]
fn rows_of_defaults_only() {
    let Some(mut lab) = Lab::open() else { return };
    let def = lab.table("t", vec![native("id", "int auto_increment"), nullable(column("x", "int32"))]);
    lab.create_table(&def).unwrap();
    assert_eq!(
        lab.insert(&def, &[], &mut [Vec::new(), Vec::new()].into_iter(), InsertMode::Error).unwrap(),
        2
    );
    assert_eq!(all(&mut lab, &def).unwrap(), [[int(1), Value::Null], [int(2), Value::Null]]);
    let sql = format!("SELECT 1 FROM {} WHERE x = 1", lab.quote_table(&def.id));
    assert!(select(&mut lab, &sql, &[own()]).unwrap().is_empty());
}

#[test]
fn a_row_whose_parent_is_gone_or_needed_says_which() {
    let Some(mut lab) = Lab::open() else { return };
    let subject = lab.subject();
    let session = lab.session_table();
    insert(&mut lab, &subject, vec![vec![int(1), text("x")]]).unwrap();
    insert(&mut lab, &session, vec![vec![int(1), int(1)], vec![int(2), Value::Null]]).unwrap();
    let sql = format!("DELETE FROM {}", lab.quote_table(&subject.id));
    let error = lab.execute(&sql, &[]).unwrap_err();
    assert!(
        matches!(&error, DbError::ForeignKey { table, detail, .. } if *table == subject.id && detail.contains("session")),
        "{error}"
    );
    lab.run("UPDATE `{}`.`subject` SET subject_id = 5");
    assert_eq!(all(&mut lab, &session).unwrap(), [[int(1), int(5)], [int(2), Value::Null]]);
}
