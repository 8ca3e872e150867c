//! Every type round-trips, in memory and through a file, as parameter and as literal.

use lapjoint_db::{Adapter, ColumnDef, ColumnType, DbError, SqliteAdapter, TableDef};
use lapjoint_types::{CoreType, Value};

use crate::common::{
    all, column, count, insert, int, memory, native, nullable, open_lab, select, table, text,
};

fn float(number: f64) -> Value {
    Value::Float(number)
}

fn decimal(text: &str) -> Value {
    Value::Decimal(text.parse().unwrap())
}

fn json(text: &str) -> Value {
    Value::Json(Box::new(serde_json::from_str(text).unwrap()))
}

fn date(text: &str) -> Value {
    Value::Date(text.parse().unwrap())
}

fn time(text: &str) -> Value {
    Value::DateTime(text.parse().unwrap())
}

/// Each core type with values in their canonical form, which come back as they are.
fn cases() -> Vec<(CoreType, Vec<Value>)> {
    let labels = vec!["it's".to_owned(), "é, \"x\"".to_owned(), String::new()];
    vec![
        (CoreType::Int8, vec![int(-128), int(0), int(127)]),
        (CoreType::Int16, vec![int(-32768), int(32767)]),
        (CoreType::Int32, vec![int(i32::MIN.into()), int(i32::MAX.into())]),
        (CoreType::Int64, vec![int(i64::MIN), int(-1), int(i64::MAX), int((1 << 53) + 1)]),
        (
            CoreType::Float32,
            vec![float(0.5), float(f64::from(f32::MAX)), float(f64::NAN), float(f64::INFINITY)],
        ),
        (
            CoreType::Float64,
            vec![
                float(0.1),
                float(-0.0),
                float(1.0),
                float(f64::MIN_POSITIVE),
                float(5e-324),
                float(f64::MAX),
                float(1e300 / 3.0),
                float(f64::NAN),
                float(f64::INFINITY),
                float(f64::NEG_INFINITY),
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
            vec![text("it's"), text("é\u{1F600}"), text("NaN"), text("12"), text("%_\\")],
        ),
        (CoreType::Enum(labels.clone()), labels.iter().map(|label| text(label)).collect()),
        (CoreType::Date, vec![date("2026-01-31"), date("0001-01-01"), date("9999-12-31")]),
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
    ]
}

/// One table with a nullable column of each core type.
fn wide() -> TableDef {
    let mut columns = vec![column("id", CoreType::Int32)];
    for (number, (ty, _)) in cases().into_iter().enumerate() {
        columns.push(nullable(column(&format!("c{number}"), ty)));
    }
    table("lab", "wide", columns)
}

/// Rows that hold every value of every case; columns without a value are NULL.
fn rows() -> Vec<Vec<Value>> {
    let cases = cases();
    let longest = cases.iter().map(|(_, values)| values.len()).max().unwrap();
    (0..=longest)
        .map(|number| {
            let mut row = vec![int(i64::try_from(number).unwrap())];
            row.extend(cases.iter().map(|(_, values)| values.get(number).cloned().unwrap_or(Value::Null)));
            row
        })
        .collect()
}

fn fill(db: &mut SqliteAdapter) {
    db.create_table(&wide()).unwrap();
    insert(db, &wide(), rows()).unwrap();
}

#[test]
fn every_core_type_comes_back_in_memory() {
    let mut db = memory();
    fill(&mut db);
    assert_eq!(all(&mut db, &wide()).unwrap(), rows());
}

#[test]
fn every_core_type_comes_back_from_a_file() {
    let directory = tempfile::tempdir().unwrap();
    fill(&mut open_lab(directory.path()));
    let mut again = open_lab(directory.path());
    assert_eq!(again.load_table(&wide().id).unwrap(), Some(wide()));
    assert_eq!(all(&mut again, &wide()).unwrap(), rows());
}

#[test]
fn a_literal_and_a_parameter_find_exactly_their_row() {
    let mut db = memory();
    for (number, (ty, values)) in cases().into_iter().enumerate() {
        let def =
            table("lab", &format!("t{number}"), vec![column("id", CoreType::Int32), column("v", ty.clone())]);
        db.create_table(&def).unwrap();
        let rows = values.iter().enumerate().map(|(id, value)| vec![int(id as i64), value.clone()]).collect();
        insert(&mut db, &def, rows).unwrap();
        let ty = ColumnType::Core(ty);
        let name = db.quote_table(&def.id);
        for (id, value) in values.iter().enumerate() {
            let literal = db.literal(value, &ty).unwrap();
            let sql = format!("SELECT \"id\" FROM {name} WHERE \"v\" = {literal}");
            let by_literal = select(&mut db, &sql, &[native("int")]).unwrap();
            let mut by_parameter = Vec::new();
            db.query(
                &format!("SELECT \"id\" FROM {name} WHERE \"v\" = ?"),
                &[(value.clone(), ty.clone())],
                &[("id".into(), native("int"))],
                &mut |row| {
                    by_parameter.push(row);
                    std::ops::ControlFlow::Continue(())
                },
            )
            .unwrap();
            assert_eq!(by_literal, [[int(id as i64)]], "{ty} {literal}");
            assert_eq!(by_parameter, [[int(id as i64)]], "{ty} {value:?}");
        }
    }
}

#[test]
fn float_literals_are_read_back_exactly() {
    let mut db = memory();
    // A multiplicative generator over all bit patterns; its seed is part of the test.
    let mut bits = 0x9E37_79B9_7F4A_7C15_u64;
    for _ in 0..20_000 {
        bits = bits.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let number = f64::from_bits(bits);
        if number.is_nan() {
            continue;
        }
        let ty = ColumnType::Core(CoreType::Float64);
        let sql = format!("SELECT {}", db.literal(&float(number), &ty).unwrap());
        assert_eq!(select(&mut db, &sql, &[ty]).unwrap(), [[float(number)]], "{sql}");
    }
}

#[test]
fn decimals_are_ordered_and_compared_as_numbers() {
    let mut db = memory();
    let ty = CoreType::Decimal { precision: 30, scale: 10 };
    let def = table("lab", "price", vec![column("price", ty)]);
    db.create_table(&def).unwrap();
    let numbers =
        ["-10.5", "-9", "0", "2", "10", "12345678901234567890.0000000001", "12345678901234567890.0000000002"];
    let shuffled = [4, 0, 6, 2, 5, 1, 3];
    insert(&mut db, &def, shuffled.iter().map(|&at| vec![decimal(numbers[at])]).collect()).unwrap();
    let found: Vec<String> = all(&mut db, &def)
        .unwrap()
        .into_iter()
        .map(|row| match &row[0] {
            Value::Decimal(number) => number.to_string(),
            other => panic!("{other:?}"),
        })
        .collect();
    let expected = [
        "-10.5000000000",
        "-9.0000000000",
        "0.0000000000",
        "2.0000000000",
        "10.0000000000",
        "12345678901234567890.0000000001",
        "12345678901234567890.0000000002",
    ];
    assert_eq!(found, expected);
    let above = select(&mut db, "SELECT count(*) FROM lab.price WHERE price > 1.5", &[native("")]).unwrap();
    assert_eq!(above, [[int(4)]]);
    let again = insert(&mut db, &def, vec![vec![decimal("2.0")]]);
    assert!(matches!(again, Err(DbError::Duplicate { .. })), "{again:?}");
}

#[test]
fn native_types_hold_values_of_their_own_kind_and_refuse_others() {
    let mut db = memory();
    let natives = ["mediumint", "double", "text", "blob", "enum('a','b') not null"];
    let mut columns = vec![column("id", CoreType::Int32)];
    for (number, name) in natives.iter().enumerate() {
        columns
            .push(ColumnDef { ty: native(name), ..nullable(column(&format!("n{number}"), CoreType::Int8)) });
    }
    let def = table("lab", "natives", columns);
    db.create_table(&def).unwrap();
    let bytes = Value::Bytes(vec![1, 0, 2].into());
    let row = vec![int(1), int(5), float(2.5), text("x"), bytes, text("a")];
    insert(&mut db, &def, vec![row.clone()]).unwrap();
    assert_eq!(all(&mut db, &def).unwrap(), std::slice::from_ref(&row));
    assert_eq!(db.load_table(&def.id).unwrap(), Some(def.clone()));
    for wrong in [Value::Tuple(vec![]), float(f64::NAN), decimal("1.0")] {
        let mut bad = row.clone();
        bad[0] = int(2);
        bad[2] = wrong;
        let error = insert(
            &mut db,
            &def,
            vec![vec![int(3), Value::Null, Value::Null, Value::Null, Value::Null, Value::Null], bad],
        );
        assert!(
            matches!(&error, Err(DbError::Value { column, row: Some(1), .. }) if column == "n1"),
            "{error:?}"
        );
    }
    assert_eq!(count(&mut db, &def.id), 1);
}

#[test]
fn what_is_no_value_of_its_type_is_reported_as_stored() {
    let mut db = memory();
    let wrong = [
        ("300", CoreType::Int8),
        ("1.5", CoreType::Int64),
        ("2", CoreType::Bool),
        ("'x'", CoreType::Float64),
        ("'abcd'", CoreType::Varchar(3)),
        ("'c'", CoreType::Enum(vec!["a".into()])),
        ("'2026-02-30'", CoreType::Date),
        ("'yesterday'", CoreType::DateTime(None)),
        ("'{'", CoreType::Json),
        ("'0011'", CoreType::Uuid),
        ("'text'", CoreType::Bytes),
        ("X'FF'", CoreType::Varchar(9)),
        ("CAST(X'FF' AS TEXT)", CoreType::Varchar(9)),
        ("'1.2.3'", CoreType::Decimal { precision: 5, scale: 1 }),
    ];
    for (sql, ty) in wrong {
        let error = select(&mut db, &format!("SELECT {sql}"), &[ColumnType::Core(ty.clone())]);
        assert!(
            matches!(&error, Err(DbError::Stored { column, .. }) if column == "c0"),
            "{sql} as {ty}: {error:?}"
        );
        assert_eq!(select(&mut db, "SELECT NULL", &[ColumnType::Core(ty)]).unwrap(), [[Value::Null]]);
    }
}

#[test]
fn the_database_itself_refuses_wrong_values_of_other_programs() {
    let mut db = memory();
    let wrong = [
        ("128", CoreType::Int8),
        ("'x'", CoreType::Int64),
        ("2", CoreType::Bool),
        ("'x'", CoreType::Float64),
        ("'abcd'", CoreType::Varchar(3)),
        ("'c'", CoreType::Enum(vec!["a".into()])),
        ("'{'", CoreType::Json),
        ("'text'", CoreType::Bytes),
        ("X'00'", CoreType::Date),
    ];
    for (number, (sql, ty)) in wrong.into_iter().enumerate() {
        let def = table(
            "lab",
            &format!("t{number}"),
            vec![column("id", CoreType::Int32), nullable(column("v", ty))],
        );
        db.create_table(&def).unwrap();
        let name = db.quote_table(&def.id);
        let error = db.execute(&format!("INSERT INTO {name} VALUES (1, {sql})"), &[]);
        assert!(matches!(&error, Err(DbError::Value { column, .. }) if column == "v"), "{sql}: {error:?}");
        db.execute(&format!("INSERT INTO {name} VALUES (2, NULL)"), &[]).unwrap();
    }
}

#[test]
fn whole_numbers_of_other_programs_are_floats_where_they_are_exact() {
    let mut db = memory();
    let def = table("lab", "t", vec![column("id", CoreType::Int32), column("v", CoreType::Float64)]);
    db.create_table(&def).unwrap();
    db.execute("INSERT INTO lab.t VALUES (1, 3), (2, -9007199254740992)", &[]).unwrap();
    assert_eq!(
        all(&mut db, &def).unwrap(),
        [[int(1), float(3.0)], [int(2), float(-9_007_199_254_740_992.0)]]
    );
    db.execute("INSERT INTO lab.t VALUES (3, 9007199254740993)", &[]).unwrap();
    assert!(matches!(all(&mut db, &def), Err(DbError::Stored { .. })));
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig::with_cases(64))]

    #[test]
    fn any_value_comes_back(
        number: i64, bits: u64, string in "[^\\x00]{0,40}", bytes: Vec<u8>, seconds in -60_000_000_000_i64..250_000_000_000,
        micro in 0_i32..1_000_000, id: u128,
    ) {
        let moment = jiff::civil::DateTime::constant(1970, 1, 1, 0, 0, 0, micro * 1000)
            .checked_add(jiff::Span::new().seconds(seconds))
            .unwrap();
        let values = [
            (CoreType::Int64, int(number)),
            (CoreType::Float64, float(f64::from_bits(bits))),
            (CoreType::Varchar(40), text(&string)),
            (CoreType::Bytes, Value::Bytes(bytes.into())),
            (CoreType::DateTime(Some(6)), Value::DateTime(moment)),
            (CoreType::Date, Value::Date(moment.date())),
            (CoreType::Uuid, Value::Uuid(uuid::Uuid::from_u128(id))),
            (CoreType::Json, Value::Json(Box::new(serde_json::json!({ string: number })))),
        ];
        let mut columns = vec![column("id", CoreType::Int8)];
        let mut row = vec![int(1)];
        for (place, (ty, value)) in values.into_iter().enumerate() {
            columns.push(column(&format!("c{place}"), ty));
            row.push(value);
        }
        let def = table("lab", "t", columns);
        let mut db = memory();
        db.create_table(&def).unwrap();
        insert(&mut db, &def, vec![row.clone()]).unwrap();
        let stored = all(&mut db, &def).unwrap().remove(0);
        for ((stored, put), column) in stored.iter().zip(&row).zip(&def.columns) {
            // NaN has many bit patterns and one meaning.
            match (stored, put) {
                (Value::Float(a), Value::Float(b)) if b.is_nan() => proptest::prop_assert!(a.is_nan()),
                _ => proptest::prop_assert_eq!(stored, put),
            }
            let literal = db.literal(put, &column.ty).unwrap();
            let name = db.quote(&column.name);
            let found = select(&mut db, &format!("SELECT count(*) FROM lab.t WHERE {name} = {literal}"), &[native("")]);
            proptest::prop_assert_eq!(found.unwrap(), [[int(1)]], "{}", literal);
        }
    }
}
