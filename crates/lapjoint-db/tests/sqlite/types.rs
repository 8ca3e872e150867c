//! Every type round-trips, in memory and through a file, as parameter and as literal.

use lapjoint_db::{Adapter, ColumnDef, ColumnType, DbError};
use lapjoint_types::{CoreType, Value};

use crate::common::{all, column, count, insert, int, memory, native, nullable, select, table, text};

fn float(number: f64) -> Value {
    Value::Float(number)
}

fn decimal(text: &str) -> Value {
    Value::Decimal(text.parse().unwrap())
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
