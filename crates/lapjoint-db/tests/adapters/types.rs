//! Every type round-trips, as a value of a row, as a parameter and as a literal.

use lapjoint_db::{ColumnType, DbError, TableDef};
use lapjoint_types::{CoreType, Value};

use crate::backend::{Backend, Db};
use crate::common::{
    all, column, core, count, decimal, float, insert, int, json, made, native, nullable, select, select_with,
    table, text,
};

on_every_database!(
    every_core_type_comes_back,
    a_literal_and_a_parameter_find_exactly_their_row,
    float_literals_are_read_back_exactly,
    decimals_are_ordered_and_compared_as_numbers,
    decimals_of_65_digits_are_exact,
    numbers_in_documents_survive,
    values_that_a_type_does_not_hold_are_refused,
    any_value_comes_back,
);

fn date(text: &str) -> Value {
    Value::Date(text.parse().unwrap())
}

fn time(text: &str) -> Value {
    Value::DateTime(text.parse().unwrap())
}

/// Each core type with values in their canonical form, which come back as they are.
fn cases(db: &Db) -> Vec<(CoreType, Vec<Value>)> {
    let zero = if db.has_minus_zero() { -0.0 } else { 0.0 };
    let labels = vec!["it's".to_owned(), "é, \"x\"".to_owned(), "\\".to_owned()];
    let mut cases = vec![
        (CoreType::Int8, vec![int(-128), int(0), int(127)]),
        (CoreType::Int16, vec![int(-32768), int(32767)]),
        (CoreType::Int32, vec![int(i32::MIN.into()), int(i32::MAX.into())]),
        (CoreType::Int64, vec![int(i64::MIN), int(-1), int(i64::MAX), int((1 << 53) + 1)]),
        (
            CoreType::Float32,
            vec![float(0.5), float(f64::from(f32::MAX)), float(f64::from(0.1_f32)), float(zero)],
        ),
        (
            CoreType::Float64,
            vec![
                float(0.1),
                float(zero),
                float(1.0),
                float(f64::MIN_POSITIVE),
                float(5e-324),
                float(f64::MAX),
                float(1e300 / 3.0),
            ],
        ),
        (CoreType::Bool, vec![Value::Bool(true), Value::Bool(false)]),
        (
            CoreType::Decimal { precision: 20, scale: 2 },
            vec![decimal("0.00"), decimal("-1.50"), decimal("123456789012345678.91")],
        ),
        (CoreType::Char(3), vec![text("abc"), text("é"), text("")]),
        (
            CoreType::Varchar(12),
            vec![text("it's"), text("é\u{1F600}"), text("NaN"), text("12"), text("%_\\"), text("")],
        ),
        (CoreType::Enum(labels.clone()), labels.iter().map(|label| text(label)).collect()),
        (CoreType::Date, vec![date("2026-01-31"), date("1000-01-01"), date("9999-12-31")]),
        (CoreType::DateTime(None), vec![time("2026-01-31T23:59:59"), time("1969-12-31T00:00:00")]),
        (
            CoreType::DateTime(Some(6)),
            vec![
                time("2026-01-31T23:59:59.123456"),
                time("2026-01-31T00:00:00.5"),
                time("2026-01-31T00:00:00"),
            ],
        ),
        (
            CoreType::Json,
            vec![json("{\"b\": [1, 2.5, null], \"a\": \"it's\"}"), json("null"), json("\"x\""), json("[]")],
        ),
        (CoreType::Uuid, vec![Value::Uuid("00112233-4455-6677-8899-AABBCCDDEEFF".parse().unwrap())]),
        (CoreType::Bytes, vec![Value::Bytes(vec![0, 255, b'\''].into()), Value::Bytes(Vec::new().into())]),
    ];
    cases.push((CoreType::Date, vec![date("0001-01-01")]));
    cases.push((CoreType::DateTime(Some(6)), vec![time("0001-01-01T00:00:00")]));
    cases.push((CoreType::Enum(vec![String::new(), "a".to_owned()]), vec![text("")]));
    // MySQL has no such values.
    if db.backend != Backend::MySql {
        let infinite = || vec![float(f64::NAN), float(f64::INFINITY), float(f64::NEG_INFINITY)];
        cases.push((CoreType::Float32, infinite()));
        cases.push((CoreType::Float64, infinite()));
    }
    cases
}

/// One table with a nullable column of each core type.
fn wide(db: &Db) -> TableDef {
    let mut columns = vec![column("id", CoreType::Int32)];
    for (number, (ty, _)) in cases(db).into_iter().enumerate() {
        columns.push(nullable(column(&format!("c{number}"), ty)));
    }
    table(&db.schema, "wide", columns)
}

/// Rows that hold every value of every case; columns without a value are NULL.
fn rows(db: &Db, first: i64) -> Vec<Vec<Value>> {
    let cases = cases(db);
    let longest = cases.iter().map(|(_, values)| values.len()).max().unwrap();
    (0..=longest)
        .map(|number| {
            let mut row = vec![int(first + i64::try_from(number).unwrap())];
            row.extend(cases.iter().map(|(_, values)| values.get(number).cloned().unwrap_or(Value::Null)));
            row
        })
        .collect()
}

fn every_core_type_comes_back(db: &mut Db) {
    let def = wide(db);
    db.create_table(&def).unwrap();
    // A few rows and many may go different ways.
    let few = rows(db, 0);
    insert(&mut **db, &def, few).unwrap();
    let mut many: Vec<_> = rows(db, 0);
    for first in 1..20 {
        let one = rows(db, first * 100).remove(0);
        insert(&mut **db, &def, vec![one.clone()]).unwrap();
        many.push(one);
    }
    let bulk: Vec<_> = (100..120).flat_map(|first| rows(db, first * 100)).collect();
    insert(&mut **db, &def, bulk.clone()).unwrap();
    many.extend(bulk);
    assert_eq!(all(&mut **db, &def).unwrap(), many);
    let mut again = db.another();
    assert_eq!(again.load_table(&def.id).unwrap(), Some(def.clone()));
    assert_eq!(all(again.as_mut(), &def).unwrap(), many);
}

fn a_literal_and_a_parameter_find_exactly_their_row(db: &mut Db) {
    for (number, (ty, values)) in cases(db).into_iter().enumerate() {
        // To a database -0.0 is equal to 0.0.
        let values: Vec<_> = values.into_iter().filter(|value| *value != float(-0.0)).collect();
        let def =
            made(db, &format!("t{number}"), vec![column("id", CoreType::Int32), column("v", ty.clone())]);
        let rows = values.iter().enumerate().map(|(id, value)| vec![int(id as i64), value.clone()]).collect();
        insert(&mut **db, &def, rows).unwrap();
        let ty = ColumnType::Core(ty);
        let name = db.quote_table(&def.id);
        for (id, value) in values.iter().enumerate() {
            let literal = db.literal(value, &ty).unwrap();
            let sql = format!("SELECT id FROM {name} WHERE v = {literal}");
            let by_literal = select(&mut **db, &sql, &[native("int")]).unwrap();
            let sql = format!("SELECT id FROM {name} WHERE v = ?");
            let by_parameter =
                select_with(&mut **db, &sql, &[(value.clone(), ty.clone())], &[native("int")]).unwrap();
            assert_eq!(by_literal, [[int(id as i64)]], "{ty} {literal}");
            assert_eq!(by_parameter, [[int(id as i64)]], "{ty} {value:?}");
        }
    }
}

fn float_literals_are_read_back_exactly(db: &mut Db) {
    // A multiplicative generator over all bit patterns; its seed is part of the test.
    let mut bits = 0x9E37_79B9_7F4A_7C15_u64;
    let ty = core(CoreType::Float64);
    for _ in 0..100 {
        let mut numbers = Vec::new();
        while numbers.len() < 100 {
            bits = bits.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let number = f64::from_bits(bits);
            if number.is_finite() {
                numbers.push(float(number));
            }
        }
        let literals: Vec<_> = numbers.iter().map(|number| db.literal(number, &ty).unwrap()).collect();
        let sql = format!("SELECT {}", literals.join(", "));
        assert_eq!(select(&mut **db, &sql, &vec![ty.clone(); 100]).unwrap(), [numbers]);
    }
}

fn decimals_are_ordered_and_compared_as_numbers(db: &mut Db) {
    let ty = CoreType::Decimal { precision: 30, scale: 10 };
    let def = made(db, "price", vec![column("price", ty)]);
    let numbers = [
        "-10.5000000000",
        "-9.0000000000",
        "0.0000000000",
        "2.0000000000",
        "10.0000000000",
        "12345678901234567890.0000000001",
        "12345678901234567890.0000000002",
    ];
    let shuffled = [4, 0, 6, 2, 5, 1, 3];
    insert(&mut **db, &def, shuffled.iter().map(|&at| vec![decimal(numbers[at])]).collect()).unwrap();
    let expected: Vec<_> = numbers.iter().map(|number| vec![decimal(number)]).collect();
    assert_eq!(all(&mut **db, &def).unwrap(), expected);
    let sql = format!("SELECT count(*) FROM {} WHERE price > 1.5", db.quote_table(&def.id));
    assert_eq!(select(&mut **db, &sql, &[native("bigint")]).unwrap(), [[int(4)]]);
    let again = insert(&mut **db, &def, vec![vec![decimal("2.0")]]);
    assert!(matches!(again, Err(DbError::Duplicate { .. })), "{again:?}");
}

fn decimals_of_65_digits_are_exact(db: &mut Db) {
    let columns = vec![
        column("id", CoreType::Int8),
        column("whole", CoreType::Decimal { precision: 65, scale: 0 }),
        column("parts", CoreType::Decimal { precision: 65, scale: 30 }),
    ];
    let def = made(db, "t", columns);
    let nines = "9".repeat(65);
    let parts = format!("-{}.{}", "8".repeat(35), "7".repeat(30));
    let small = format!("0.{}1", "0".repeat(29));
    let rows = vec![
        vec![int(1), decimal(&nines), decimal(&parts)],
        vec![int(2), decimal(&format!("-{nines}")), decimal(&small)],
    ];
    insert(&mut **db, &def, rows.clone()).unwrap();
    assert_eq!(all(&mut **db, &def).unwrap(), rows);
}

fn numbers_in_documents_survive(db: &mut Db) {
    let def = made(db, "t", vec![column("id", CoreType::Int32), column("v", CoreType::Json)]);
    let numbers = [
        json("18446744073709551615"),
        json("-9223372036854775808"),
        json("1.0"),
        json("1e16"),
        json("-1.5e-7"),
        json("1.7976931348623157e308"),
        json("0.1"),
        json("2.2250738585072014e-308"),
        json("123456789.12345679"),
    ];
    let rows: Vec<_> =
        numbers.iter().enumerate().map(|(id, number)| vec![int(id as i64), number.clone()]).collect();
    insert(&mut **db, &def, rows.clone()).unwrap();
    assert_eq!(all(&mut **db, &def).unwrap(), rows);
}

fn values_that_a_type_does_not_hold_are_refused(db: &mut Db) {
    let wrong = [
        (CoreType::Int8, int(128)),
        (CoreType::Int32, float(3.7)),
        (CoreType::Int64, text("1")),
        (CoreType::Float32, float(1e300)),
        (CoreType::Bool, int(2)),
        (CoreType::Decimal { precision: 4, scale: 2 }, decimal("1.234")),
        (CoreType::Decimal { precision: 4, scale: 2 }, decimal("NaN")),
        (CoreType::Varchar(3), text("abcd")),
        (CoreType::Varchar(3), text("a\0")),
        (CoreType::Char(3), text("abcd")),
        (CoreType::Enum(vec!["a".into()]), text("b")),
        (CoreType::Date, text("2026-02-30")),
        (CoreType::DateTime(Some(3)), time("2026-01-31T23:59:59.1234")),
        (CoreType::Json, Value::Float(f64::NAN)),
        (CoreType::Uuid, text("x")),
        (CoreType::Bytes, text("x")),
    ];
    for (number, (ty, value)) in wrong.into_iter().enumerate() {
        let def =
            made(db, &format!("t{number}"), vec![column("id", CoreType::Int32), nullable(column("v", ty))]);
        let rows = vec![vec![int(1), Value::Null], vec![int(2), value.clone()]];
        let error = insert(&mut **db, &def, rows);
        assert!(
            matches!(&error, Err(DbError::Value { column, row: Some(1), .. }) if column == "v"),
            "{value:?}: {error:?}"
        );
        assert_eq!(count(&mut **db, &def.id), 0);
    }
}

fn any_value_comes_back(db: &mut Db) {
    use proptest::prelude::*;
    let columns = vec![
        column("id", CoreType::Int32),
        column("number", CoreType::Int64),
        column("real", CoreType::Float64),
        column("string", CoreType::Varchar(40)),
        column("bytes", CoreType::Bytes),
        column("moment", CoreType::DateTime(Some(6))),
        column("day", CoreType::Date),
        column("uuid", CoreType::Uuid),
        column("document", CoreType::Json),
        column("price", CoreType::Decimal { precision: 30, scale: 9 }),
    ];
    let def = made(db, "t", columns);
    let row = (
        any::<i64>(),
        any::<f64>().prop_filter("finite", |number| number.is_finite() && number.to_bits() != 1 << 63),
        "[^\\x00]{0,40}",
        any::<Vec<u8>>(),
        -30_000_000_000_i64..250_000_000_000,
        0_i32..1_000_000,
        any::<u128>(),
        (-(10_i128.pow(20))..10_i128.pow(20), 0_u32..1_000_000_000),
    )
        .prop_map(|(number, real, string, bytes, seconds, micro, id, (whole, part))| {
            let moment = jiff::civil::DateTime::constant(1970, 1, 1, 0, 0, 0, micro * 1000)
                .checked_add(jiff::Span::new().seconds(seconds))
                .unwrap();
            let document = serde_json::json!({ string.clone(): [number, real, null] });
            vec![
                int(number),
                float(real),
                text(&string),
                Value::Bytes(bytes.into()),
                Value::DateTime(moment),
                Value::Date(moment.date()),
                Value::Uuid(uuid::Uuid::from_u128(id)),
                Value::Json(Box::new(document)),
                decimal(&format!("{whole}.{part:09}")),
            ]
        });
    let mut runner = proptest::test_runner::TestRunner::new(ProptestConfig::with_cases(64));
    let name = db.quote_table(&def.id);
    let mut id = 0;
    let db = std::cell::RefCell::new(db);
    let id = std::cell::RefCell::new(&mut id);
    runner
        .run(&row, |values| {
            let mut db = db.borrow_mut();
            let mut id = id.borrow_mut();
            **id += 1;
            let mut row = vec![int(**id)];
            row.extend(values);
            insert(&mut ***db, &def, vec![row.clone()]).unwrap();
            for (value, column) in row.iter().zip(&def.columns).skip(1) {
                let literal = db.literal(value, &column.ty).unwrap();
                let quoted = db.quote(&column.name);
                let sql = format!("SELECT {quoted} FROM {name} WHERE id = {}", **id);
                let stored = select(&mut ***db, &sql, std::slice::from_ref(&column.ty)).unwrap();
                prop_assert_eq!(&stored, &[[value.clone()]]);
                // Documents are compared by their text on some databases.
                if column.ty != core(CoreType::Json) {
                    let sql =
                        format!("SELECT count(*) FROM {name} WHERE id = {} AND {quoted} = {literal}", **id);
                    let found = select(&mut ***db, &sql, &[native("bigint")]).unwrap();
                    prop_assert_eq!(found, [[int(1)]], "{}", literal);
                }
            }
            Ok(())
        })
        .unwrap();
}
