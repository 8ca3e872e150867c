//! Values of every type, and those that MySQL would change.

use jiff::civil;
use lapjoint_db::{Adapter, ColumnType, DbError};
use lapjoint_types::{Decimal, Value};
use num_bigint::BigInt;
use proptest::prelude::*;
use uuid::Uuid;

use crate::common::{Lab, all, column, core, insert, int, native, nullable, own, select, text, value};

fn decimal(text: &str) -> Value {
    Value::Decimal(text.parse::<Decimal>().unwrap())
}

fn json(text: &str) -> Value {
    Value::Json(Box::new(serde_json::from_str(text).unwrap()))
}

fn moment(text: &str) -> Value {
    Value::DateTime(lapjoint_db::check::parse_datetime(text).unwrap())
}

/// Values that each core type gives back as they were.
fn kept() -> Vec<(&'static str, Vec<Value>)> {
    vec![
        ("int8", vec![int(-128), int(127)]),
        ("int16", vec![int(-32768), int(32767)]),
        ("int32", vec![int(i32::MIN.into()), int(i32::MAX.into())]),
        ("int64", vec![int(i64::MIN), int(i64::MAX)]),
        (
            "float32",
            [0.1f32, 16_777_217.0, f32::MIN_POSITIVE, 1e-45, f32::MAX, -2.718_281_7].map(Value::from).into(),
        ),
        ("float64", [0.1, -1e300, f64::MIN_POSITIVE, 5e-324, f64::MAX, 1.0 / 3.0].map(Value::Float).into()),
        ("bool", vec![Value::Bool(true), Value::Bool(false)]),
        ("decimal(30,10)", vec![decimal("12345678901234567890.0123456789"), decimal("-0.0000000001")]),
        ("char(6)", vec![text(""), text("éß ☃x"), text(" a")]),
        ("varchar(20)", vec![text("a  "), text("😀\\'\"%_?:x"), text("")]),
        ("enum('a','it''s','\\\\x')", vec![text("it's"), text("\\x")]),
        (
            "date",
            vec![
                Value::Date(civil::date(1, 1, 1)),
                Value::Date(civil::date(9999, 12, 31)),
                Value::Date(civil::date(2024, 2, 29)),
            ],
        ),
        ("datetime", vec![moment("2024-02-29 23:59:59"), moment("0001-01-01 00:00:00")]),
        ("datetime(6)", vec![moment("2024-02-29 23:59:59.000001"), moment("9999-12-31 23:59:59.999999")]),
        ("datetime(3)", vec![moment("2024-02-29 23:59:59.120")]),
        (
            "json",
            vec![
                json(r#"{"a": [1, 2.5, null, true, "é\\"], "b": {}}"#),
                json("[]"),
                json("\"x\""),
                json("null"),
            ],
        ),
        ("uuid", vec![Value::Uuid(Uuid::from_u128(1)), Value::Uuid(Uuid::max())]),
        ("bytes", vec![Value::Bytes(Vec::new().into()), Value::Bytes((0..=255).collect::<Vec<u8>>().into())]),
    ]
}

#[test]
fn core_types_give_back_what_they_were_given() {
    let Some(mut lab) = Lab::open() else { return };
    for (number, (ty, values)) in kept().into_iter().enumerate() {
        let def = lab.table(&format!("t{number}"), vec![column("id", "int32"), nullable(column("x", ty))]);
        lab.create_table(&def).unwrap();
        assert_eq!(lab.load_table(&def.id).unwrap().unwrap(), def, "{ty}");
        let rows: Vec<_> =
            values.into_iter().chain([Value::Null]).zip(0..).map(|(v, n)| vec![int(n), v]).collect();
        insert(&mut lab, &def, rows.clone()).unwrap_or_else(|error| panic!("{ty}: {error}"));
        assert_eq!(all(&mut lab, &def).unwrap(), rows, "{ty}");
    }
}

#[test]
fn a_literal_finds_the_row_that_holds_its_value() {
    let Some(mut lab) = Lab::open() else { return };
    for (number, (ty, values)) in kept().into_iter().enumerate() {
        // MariaDB compares documents as texts.
        if ty == "json" && lab.is_mariadb() {
            continue;
        }
        let def = lab.table(&format!("t{number}"), vec![column("id", "int32"), column("x", ty)]);
        lab.create_table(&def).unwrap();
        let rows: Vec<_> = values.into_iter().zip(0..).map(|(v, n)| vec![int(n), v]).collect();
        insert(&mut lab, &def, rows.clone()).unwrap();
        for row in rows {
            for own_type in [false, true] {
                // A number of single precision is not known as one by its value alone.
                if own_type && ty == "float32" {
                    continue;
                }
                let ty = if own_type { own() } else { ColumnType::Core(core(ty)) };
                let literal = lab.literal(&row[1], &ty).unwrap();
                let sql = format!("SELECT id FROM {} WHERE x = {literal}", lab.quote_table(&def.id));
                let found = select(&mut lab, &sql, &[ColumnType::Core(core("int32"))]).unwrap();
                assert!(found.contains(&vec![row[0].clone()]), "{sql} found {found:?}");
            }
        }
    }
}

#[test]
fn minus_zero_stays_or_is_zero() {
    let Some(mut lab) = Lab::open() else { return };
    let def = lab.table("t", vec![column("id", "int32"), column("x", "float64"), column("y", "float32")]);
    lab.create_table(&def).unwrap();
    insert(&mut lab, &def, vec![vec![int(1), Value::Float(-0.0), Value::Float(-0.0)]]).unwrap();
    // MariaDB has no minus zero.
    let zero = Value::Float(if lab.is_mariadb() { 0.0 } else { -0.0 });
    assert_eq!(all(&mut lab, &def).unwrap(), [[int(1), zero.clone(), zero]]);
}

#[test]
fn what_mysql_would_change_is_refused_with_a_remedy() {
    let Some(mut lab) = Lab::open() else { return };
    for (number, (ty, refused, remedy)) in [
        ("float64", Value::Float(f64::NAN), "bytes"),
        ("float32", Value::Float(f64::INFINITY), "bytes"),
        ("datetime", moment("2024-01-01 00:00:00.5"), "datetime(6)"),
        ("char(4)", text("ab "), "varchar"),
        ("int32", Value::Float(3.7), "whole"),
        ("int8", int(128), "int16"),
        ("decimal(4,2)", decimal("1.005"), "decimal"),
        ("varchar(2)", text("abc"), "2"),
        ("enum('a')", text("A"), ""),
    ]
    .into_iter()
    .enumerate()
    {
        let def = lab.table(&format!("t{number}"), vec![column("id", "int32"), column("x", ty)]);
        lab.create_table(&def).unwrap();
        let error = insert(&mut lab, &def, vec![vec![int(1), refused.clone()]]).unwrap_err();
        assert!(matches!(&error, DbError::Value { column, row: Some(0), .. } if column == "x"), "{error}");
        assert!(error.to_string().contains(remedy), "{error}");
        assert!(lab.literal(&refused, &def.columns[1].ty).is_err() || ty == "char(4)", "{ty}");
        assert!(all(&mut lab, &def).unwrap().is_empty());
    }
}

#[test]
fn text_that_the_columns_character_set_cannot_hold_is_refused() {
    let Some(mut lab) = Lab::open() else { return };
    lab.run("CREATE TABLE `{}`.`t` (id int PRIMARY KEY, x varchar(9) CHARACTER SET latin1 COMMENT ':varchar(9):', y text CHARACTER SET utf8mb3)");
    let id = lapjoint_db::TableId::new(&lab.schema, "t");
    let def = lab.load_table(&id).unwrap().unwrap();
    insert(&mut lab, &def, vec![vec![int(1), text("é"), text("☃")]]).unwrap();
    for (x, y, at) in [("☃", "a", "x"), ("a", "😀", "y")] {
        let error =
            insert(&mut lab, &def, vec![vec![int(2), text("a"), text("a")], vec![int(3), text(x), text(y)]])
                .unwrap_err();
        assert!(matches!(&error, DbError::Value { column, row: Some(1), .. } if column == at), "{error}");
        assert!(error.to_string().contains("utf8mb4"), "{error}");
    }
    assert_eq!(all(&mut lab, &def).unwrap(), [[int(1), text("é"), text("☃")]]);
}

#[test]
fn native_types_come_back_by_their_meaning() {
    let Some(mut lab) = Lab::open() else { return };
    let cases = [
        ("tinyint unsigned", int(255)),
        ("bigint unsigned", Value::from(BigInt::from(u64::MAX))),
        ("mediumint", int(-5)),
        ("bit(10)", int(513)),
        ("year", int(2024)),
        ("decimal(65,30)", decimal("12345678901234567890123456789012345.012345678901234567890123456789")),
        ("float(7,2)", Value::Float(0.25)),
        ("double unsigned", Value::Float(0.1)),
        ("tinytext", text("é")),
        ("mediumtext", text("x  ")),
        ("set('a','b','c')", text("a,c")),
        ("enum('x','y')", text("y")),
        ("binary(3)", Value::Bytes(vec![0, 1, 255].into())),
        ("varbinary(8)", Value::Bytes(vec![0].into())),
        ("mediumblob", Value::Bytes(vec![1; 300].into())),
        ("timestamp(6)", moment("2024-03-31 02:30:00.25")),
        ("time(3)", Value::Time(civil::time(23, 59, 59, 125_000_000))),
        ("time", text("-838:59:59")),
    ];
    for (number, (ty, stored)) in cases.into_iter().enumerate() {
        let def = lab.table(&format!("t{number}"), vec![column("id", "int32"), nullable(native("x", ty))]);
        lab.create_table(&def).unwrap_or_else(|error| panic!("{ty}: {error}"));
        assert_eq!(lab.load_table(&def.id).unwrap().unwrap(), def, "{ty}");
        let rows = vec![vec![int(1), stored], vec![int(2), Value::Null]];
        insert(&mut lab, &def, rows.clone()).unwrap_or_else(|error| panic!("{ty}: {error}"));
        assert_eq!(all(&mut lab, &def).unwrap(), rows, "{ty}");
    }
}

#[test]
fn computed_values_have_the_type_of_their_column() {
    let Some(mut lab) = Lab::open() else { return };
    for (sql, expected) in [
        ("SELECT sum(x) FROM (SELECT 1 AS x UNION SELECT 2) AS t", decimal("3")),
        ("SELECT 1.50", decimal("1.50")),
        ("SELECT 1e0 / 3", Value::Float(1.0 / 3.0)),
        ("SELECT 18446744073709551615", Value::from(BigInt::from(u64::MAX))),
        ("SELECT 'é'", text("é")),
        ("SELECT x'00ff'", Value::Bytes(vec![0, 255].into())),
        ("SELECT DATE'2024-01-02'", Value::Date(civil::date(2024, 1, 2))),
        ("SELECT TIMESTAMP'2024-01-02 03:04:05.6'", moment("2024-01-02 03:04:05.6")),
        ("SELECT NULL", Value::Null),
        ("SELECT 1 = 1", int(1)),
    ] {
        assert_eq!(value(&mut lab, sql), expected, "{sql}");
    }
}

#[test]
fn what_is_no_date_is_an_error() {
    let Some(mut lab) = Lab::open() else { return };
    lab.run("CREATE TABLE `{}`.`t` (id int PRIMARY KEY COMMENT ':int32:', d date, m datetime COMMENT ':datetime:')");
    lab.run("SET SESSION sql_mode = ''");
    lab.run("INSERT INTO `{}`.`t` VALUES (1, '0000-00-00', '2024-00-10 00:00:00')");
    let id = lapjoint_db::TableId::new(&lab.schema, "t");
    let def = lab.load_table(&id).unwrap().unwrap();
    let error = all(&mut lab, &def).unwrap_err();
    assert!(matches!(&error, DbError::Stored { column, .. } if column == "c1"), "{error}");
    let sql = format!("SELECT m FROM {}", lab.quote_table(&id));
    let error = select(&mut lab, &sql, &[ColumnType::Core(core("datetime"))]).unwrap_err();
    assert!(error.to_string().contains("2024-00-10"), "{error}");
}

fn document() -> impl Strategy<Value = serde_json::Value> {
    let leaf = prop_oneof![
        Just(serde_json::Value::Null),
        any::<bool>().prop_map(Into::into),
        any::<i64>().prop_map(Into::into),
        any::<u64>().prop_map(Into::into),
        any::<f64>().prop_filter("finite", |n| n.is_finite()).prop_map(Into::into),
        any::<String>().prop_map(Into::into),
    ];
    leaf.prop_recursive(3, 24, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Into::into),
            prop::collection::hash_map(any::<String>(), inner, 0..4)
                .prop_map(|map| serde_json::Value::Object(map.into_iter().collect())),
        ]
    })
}

#[test]
fn documents_texts_and_numbers_survive() {
    let Some(mut lab) = Lab::open() else { return };
    let columns = vec![
        column("id", "int32"),
        column("j", "json"),
        column("s", "varchar(4000)"),
        column("f", "float64"),
        column("g", "float32"),
        column("b", "bytes"),
    ];
    let def = lab.table("t", columns);
    lab.create_table(&def).unwrap();
    let row = (
        document(),
        any::<String>(),
        any::<f64>().prop_filter("finite", |n| n.is_finite() && *n != 0.0),
        any::<f32>().prop_filter("finite", |n| n.is_finite() && *n != 0.0),
        prop::collection::vec(any::<u8>(), 0..40),
    );
    let shared = std::cell::RefCell::new(lab);
    let mut runner = proptest::test_runner::TestRunner::new(ProptestConfig::with_cases(24));
    runner
        .run(&prop::collection::vec(row, 1..20), |rows| {
            let lab = &mut *shared.borrow_mut();
            let rows: Vec<Vec<Value>> = rows
                .into_iter()
                .zip(0..)
                .map(|((j, s, f, g, b), number)| {
                    vec![int(number), Value::Json(Box::new(j)), Value::Str(s), Value::Float(f), Value::from(g), Value::Bytes(b.into())]
                })
                .collect();
            lab.run("DELETE FROM `{}`.`t`");
            insert(lab, &def, rows.clone()).unwrap();
            prop_assert_eq!(all(lab, &def).unwrap(), rows.clone());
            for row in &rows {
                let literal = lab.literal(&row[2], &def.columns[2].ty).unwrap();
                let sql = format!("SELECT count(*) FROM {} WHERE id = {:?} AND s = {literal} AND f = {} AND g = {} AND b = {}",
                    lab.quote_table(&def.id), match row[0] { Value::Int(n) => n, _ => 0 },
                    lab.literal(&row[3], &def.columns[3].ty).unwrap(),
                    lab.literal(&row[4], &def.columns[4].ty).unwrap(),
                    lab.literal(&row[5], &def.columns[5].ty).unwrap());
                prop_assert_eq!(value(lab, &sql), int(1), "{}", sql);
            }
            Ok(())
        })
        .unwrap();
}
