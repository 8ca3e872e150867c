//! Types of PostgreSQL that are passed through, and columns of other types.

use lapjoint_db::{Adapter, ColumnDef, ColumnType, DbError, InsertMode, TableDef};
use lapjoint_types::{CoreType, Value};

use crate::common::{Lab, column, insert, one, select, table};

fn native(name: &str, ty: &str) -> ColumnDef {
    ColumnDef {
        ty: ColumnType::Native(ty.into()),
        comment: String::new(),
        nullable: true,
        default: Some(lapjoint_db::DefaultValue::Null),
        ..column(name, CoreType::Int8)
    }
}

fn decimal(text: &str) -> Value {
    Value::Decimal(text.parse().unwrap())
}

fn natives(schema: &str) -> TableDef {
    table(
        schema,
        "natives",
        vec![
            column("id", CoreType::Int32),
            native("small", "smallint"),
            native("price", "numeric(5,2)"),
            native("free", "numeric"),
            native("note", "text"),
            native("code", "char(4)"),
            native("at", "time"),
            native("zoned", "timestamptz"),
            native("ratio", "real"),
            native("doc", "json"),
            native("list", "integer[]"),
            native("span", "interval"),
            native("host", "inet"),
        ],
    )
}

#[test]
fn values_of_native_types_come_back_by_few_and_by_many() {
    let Some(mut lab) = Lab::open() else { return };
    let def = natives(&lab.schema);
    lab.create_table(&def).unwrap();
    let row = |id: i64| {
        vec![
            Value::Int(id),
            Value::Int(-5),
            decimal("123.40"),
            decimal("1234567890.000000000000000000000000000001"),
            Value::from("it's"),
            Value::from("ab"),
            Value::Time("01:02:03.000004".parse().unwrap()),
            Value::DateTime("2026-01-31T12:00:00.5".parse().unwrap()),
            Value::Float(0.5),
            Value::from(serde_json::json!({"a": [1, 2.5]})),
            Value::from("{1,NULL,3}"),
            Value::from("1 day 02:00:00"),
            Value::from("10.0.0.1/8"),
        ]
    };
    insert(&mut lab.db, &def, vec![row(0)]).unwrap();
    insert(&mut lab.db, &def, (1..100).map(row).collect()).unwrap();
    let names: Vec<String> = def.columns.iter().map(|column| column.name.clone()).collect();
    for mode in [InsertMode::Replace, InsertMode::SkipDuplicates] {
        lab.insert(&def, &names, &mut (50..150).map(row), mode).unwrap();
    }
    let list: Vec<_> = names.iter().map(|name| lab.quote(name)).collect();
    let sql = format!("SELECT {} FROM {} ORDER BY id -- all", list.join(", "), lab.quote_table(&def.id));
    assert_eq!(select(&mut lab.db, &sql, names.len()).unwrap(), (0..150).map(row).collect::<Vec<_>>());
}

#[test]
fn values_that_a_native_type_would_change_are_refused() {
    let Some(mut lab) = Lab::open() else { return };
    let def = natives(&lab.schema);
    lab.create_table(&def).unwrap();
    for (name, value) in [
        ("small", Value::Int(40_000)),
        ("small", Value::Float(1.5)),
        ("price", decimal("1.234")),
        ("price", decimal("1234.00")),
        ("note", Value::from("a\0")),
        ("code", Value::from("ab ")),
        ("code", Value::from("abcde")),
        ("ratio", Value::Float(1e300)),
        ("host", Value::Int(1)),
        ("list", Value::List(vec![])),
    ] {
        let columns = ["id".to_owned(), name.to_owned()];
        for many in [1, 100] {
            let mut rows = (0..many)
                .map(|n| vec![Value::Int(n), if n == many - 1 { value.clone() } else { Value::Null }]);
            let error = lab.insert(&def, &columns, &mut rows, InsertMode::Error);
            let place = u64::try_from(many - 1).unwrap();
            match error {
                Err(DbError::Value { column, row, .. }) => {
                    assert_eq!((column.as_str(), row), (name, Some(place)))
                }
                other => panic!("{name} {value:?}: {other:?}"),
            }
        }
    }
    let error = insert(&mut lab.db, &def, vec![]);
    assert_eq!(error.unwrap(), 0);
    // Core texts of fixed length, whose blanks the server drops.
    let def = table(&lab.schema, "chars", vec![column("c", CoreType::Char(4))]);
    lab.create_table(&def).unwrap();
    let error = insert(&mut lab.db, &def, vec![vec![Value::from("a ")]]).unwrap_err().to_string();
    assert!(error.contains("varchar"), "{error}");
}

#[test]
fn columns_of_any_type_can_be_read() {
    let Some(mut lab) = Lab::open() else { return };
    for (sql, expected) in [
        ("ARRAY[1, 2]", Value::from("{1,2}")),
        ("ARRAY['a', NULL]", Value::from("{a,NULL}")),
        ("'10.0.0.1'::inet", Value::from("10.0.0.1/32")),
        ("interval '1 hour'", Value::from("01:00:00")),
        ("point(1, 2)", Value::from("(1,2)")),
        ("ROW(1, 'x')", Value::from("(1,x)")),
        ("'pg_class'::regclass", Value::from("pg_class")),
        ("'x'::name", Value::from("x")),
        ("'infinity'::timestamp", Value::from("infinity")),
        ("'-infinity'::date", Value::from("-infinity")),
        ("'24:00'::time", Value::from("24:00:00")),
        ("'NaN'::numeric", decimal("NaN")),
        ("'NaN'::float8", Value::Float(f64::NAN)),
        ("'Infinity'::float4", Value::Float(f64::INFINITY)),
        ("sum(1)", Value::Int(1)),
        ("sum(1::bigint)", decimal("1")),
        ("avg(2)", decimal("2.0000000000000000")),
        ("count(*)", Value::Int(1)),
        ("'2026-01-31 12:00+02'::timestamptz", Value::DateTime("2026-01-31T10:00:00".parse().unwrap())),
        ("42::oid", Value::Int(42)),
        ("'<a/>'::xml", Value::from("<a/>")),
        ("int4range(1, 5)", Value::from("[1,5)")),
        ("B'101'", Value::from("101")),
        ("NULL", Value::Null),
    ] {
        assert_eq!(one(&mut lab.db, &format!("SELECT {sql}")), expected, "{sql}");
    }
    // The operators of jsonb are no parameters where there are none.
    assert_eq!(one(&mut lab.db, "SELECT '{\"a\": 1}'::jsonb ? 'a'"), Value::Bool(true));
    let any = ColumnType::Native(String::new());
    let mut found = Vec::new();
    lab.query(
        "SELECT '{\"a\": 1}'::jsonb ?? ?",
        &[(Value::from("a"), any.clone())],
        &[("f".to_owned(), any)],
        &mut |row| {
            found.push(row);
            std::ops::ControlFlow::Continue(())
        },
    )
    .unwrap();
    assert_eq!(found, [[Value::Bool(true)]]);
    assert_eq!(lab.column_names("SELECT '{\"a\": 1}'::jsonb ? 'a' AS has").unwrap(), ["has"]);
}

#[test]
fn floats_that_are_no_numbers_come_back_and_are_found() {
    let Some(mut lab) = Lab::open() else { return };
    for (name, ty) in [("f4", CoreType::Float32), ("f8", CoreType::Float64)] {
        let def = table(&lab.schema, name, vec![column("id", CoreType::Int32), column("v", ty.clone())]);
        lab.create_table(&def).unwrap();
        let numbers = [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, -0.0];
        let rows = |first: i64| -> Vec<Vec<Value>> {
            (first..).zip(numbers).map(|(id, number)| vec![Value::Int(id), Value::Float(number)]).collect()
        };
        insert(&mut lab.db, &def, rows(0)).unwrap();
        let many: Vec<_> = (1..20).flat_map(|first| rows(first * 4)).collect();
        insert(&mut lab.db, &def, many).unwrap();
        let sql = format!("SELECT id, v FROM {} ORDER BY id", lab.quote_table(&def.id));
        let expected: Vec<_> = (0..20).flat_map(|first| rows(first * 4)).collect();
        assert_eq!(select(&mut lab.db, &sql, 2).unwrap(), expected);
        for number in numbers {
            let literal = lab.literal(&Value::Float(number), &ColumnType::Core(ty.clone())).unwrap();
            let sql = format!("SELECT count(*) FROM {} WHERE v = {literal}", lab.quote_table(&def.id));
            assert_eq!(one(&mut lab.db, &sql), Value::Int(20), "{literal}");
        }
    }
}

#[test]
fn statements_that_refuse_transactions_run_by_themselves() {
    let Some(mut lab) = Lab::open() else { return };
    let def = lab.subject();
    let name = lab.quote_table(&def.id);
    lab.execute(&format!("VACUUM {name}"), &[]).unwrap();
    assert_eq!(one(&mut lab.db, "SHOW timezone"), Value::from("UTC"));
}

#[test]
fn a_user_without_rights_is_told_so() {
    let Some(mut lab) = Lab::open() else { return };
    let def = lab.subject();
    let schema = lab.schema.clone();
    let role = format!("{schema}_reader");
    lab.execute(&format!("CREATE ROLE {role}"), &[]).unwrap();
    lab.execute(&format!("GRANT USAGE ON SCHEMA {schema} TO {role}"), &[]).unwrap();
    let mut reader = lab.another();
    reader.execute(&format!("SET ROLE {role}"), &[]).unwrap();
    let name = lab.quote_table(&def.id);
    let refused = [
        select(&mut reader, &format!("SELECT * FROM {name}"), 1).map(drop),
        insert(&mut reader, &def, vec![crate::common::row(1, "x")]).map(drop),
        insert(&mut reader, &def, (0..100).map(|n| crate::common::row(n, "x")).collect()).map(drop),
        reader.create_table(&table(&schema, "more", vec![column("id", CoreType::Int8)])),
        reader.drop_table(&def.id),
        reader.open_schema(&format!("{schema}_b"), true),
    ];
    drop(reader);
    lab.execute(&format!("REVOKE ALL ON SCHEMA {schema} FROM {role}"), &[]).unwrap();
    lab.execute(&format!("DROP ROLE {role}"), &[]).unwrap();
    for (place, error) in refused.into_iter().enumerate() {
        assert!(matches!(error, Err(DbError::Access { .. })), "{place}: {error:?}");
    }
}

#[test]
fn savepoints_and_transactions_of_the_user_are_his() {
    let Some(mut lab) = Lab::open() else { return };
    let def = lab.subject();
    let name = lab.quote_table(&def.id);
    lab.execute("BEGIN", &[]).unwrap();
    assert!(lab.in_transaction());
    insert(&mut lab.db, &def, vec![crate::common::row(1, "x")]).unwrap();
    lab.execute("SAVEPOINT mine", &[]).unwrap();
    insert(&mut lab.db, &def, vec![crate::common::row(2, "x")]).unwrap();
    insert(&mut lab.db, &def, vec![crate::common::row(2, "x")]).unwrap_err();
    insert(&mut lab.db, &def, vec![crate::common::row(3, "x")]).unwrap();
    lab.execute("ROLLBACK TO SAVEPOINT mine", &[]).unwrap();
    assert_eq!(crate::common::count(&mut lab.db, &def.id), 1);
    insert(&mut lab.db, &def, vec![crate::common::row(4, "x")]).unwrap();
    lab.execute("RELEASE SAVEPOINT mine", &[]).unwrap();
    insert(&mut lab.db, &def, vec![crate::common::row(5, "x")]).unwrap();
    lab.execute("COMMIT", &[]).unwrap();
    assert!(!lab.in_transaction());
    assert_eq!(one(&mut lab.db, &format!("SELECT sum(subject_id) FROM {name}")), Value::Int(10));
    assert!(matches!(lab.execute("ROLLBACK", &[]), Err(DbError::Transaction(_))));
    // A NUL breaks no connection.
    let error = lab.execute("SELECT 'a\0b'", &[]);
    assert!(error.is_err());
    lab.begin(lapjoint_db::TransactionMode::User).unwrap();
    assert!(select(&mut lab.db, "SELECT 'a\0b'", 1).is_err());
    assert!(lab.in_transaction());
    insert(&mut lab.db, &def, vec![crate::common::row(6, "x")]).unwrap();
    lab.commit().unwrap();
}

#[test]
fn rules_for_the_rows_of_a_user_hold_for_few_and_for_many() {
    let Some(mut lab) = Lab::open() else { return };
    let def = lab.subject();
    let name = lab.quote_table(&def.id);
    let role = format!("{}_writer", lab.schema);
    let schema = lab.schema.clone();
    for sql in [
        format!("CREATE ROLE {role}"),
        format!("GRANT USAGE ON SCHEMA {schema} TO {role}"),
        format!("GRANT SELECT, INSERT ON {name} TO {role}"),
        format!("ALTER TABLE {name} ENABLE ROW LEVEL SECURITY"),
        format!("CREATE POLICY p ON {name} FOR ALL TO {role} USING (true) WITH CHECK (subject_id < 1000)"),
    ] {
        lab.execute(&sql, &[]).unwrap();
    }
    let mut writer = lab.another();
    writer.execute(&format!("SET ROLE {role}"), &[]).unwrap();
    let done = [
        insert(&mut writer, &def, vec![crate::common::row(1, "x")]),
        insert(&mut writer, &def, (100..200).map(|n| crate::common::row(n, "x")).collect()),
    ];
    let refused = [
        insert(&mut writer, &def, vec![crate::common::row(5000, "x")]),
        insert(&mut writer, &def, (900..1100).map(|n| crate::common::row(n, "x")).collect()),
    ];
    let left = crate::common::count(&mut writer, &def.id);
    drop(writer);
    lab.execute(&format!("DROP OWNED BY {role}"), &[]).unwrap();
    lab.execute(&format!("DROP ROLE {role}"), &[]).unwrap();
    assert_eq!(done.map(Result::unwrap), [1, 100]);
    for error in refused {
        assert!(matches!(error, Err(DbError::Access { .. })), "{error:?}");
    }
    assert_eq!(left, 101);
}
