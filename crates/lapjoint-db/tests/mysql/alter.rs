//! Changing the columns of a table.

use lapjoint_db::{Adapter, DbError, IndexDef, TableDef};
use lapjoint_types::Value;

use crate::common::{Lab, all, column, insert, int, native, nullable, text};

fn names(names: &[&str]) -> Vec<Option<String>> {
    names.iter().map(|name| (!name.is_empty()).then(|| (*name).to_owned())).collect()
}

#[test]
fn columns_come_go_move_and_change_their_names() {
    let Some(mut lab) = Lab::open() else { return };
    let old = TableDef {
        indexes: vec![IndexDef { parts: vec!["a".into()], unique: true }],
        ..lab.table(
            "t",
            vec![column("id", "int32"), column("a", "int32"), column("b", "varchar(9)"), column("c", "bool")],
        )
    };
    lab.create_table(&old).unwrap();
    insert(&mut lab, &old, vec![vec![int(1), int(2), text("x"), Value::Bool(true)]]).unwrap();
    let new = TableDef {
        columns: vec![
            column("id", "int32"),
            nullable(column("new", "uuid")),
            column("word", "varchar(30)"),
            column("a", "int64"),
        ],
        ..old.clone()
    };
    lab.alter_table(&old, &new, &names(&["id", "", "b", "a"])).unwrap();
    assert_eq!(lab.load_table(&new.id).unwrap().unwrap(), new);
    assert_eq!(all(&mut lab, &new).unwrap(), [[int(1), Value::Null, text("x"), int(2)]]);
    // Two columns that exchange their names.
    let swapped = TableDef {
        columns: vec![
            column("id", "int32"),
            nullable(column("new", "uuid")),
            column("a", "varchar(30)"),
            column("word", "int64"),
        ],
        indexes: vec![IndexDef { parts: vec!["word".into()], unique: true }],
        ..new.clone()
    };
    lab.alter_table(&new, &swapped, &names(&["id", "new", "word", "a"])).unwrap();
    assert_eq!(all(&mut lab, &swapped).unwrap(), [[int(1), Value::Null, text("x"), int(2)]]);
    assert_eq!(lab.load_table(&new.id).unwrap().unwrap(), swapped);
    lab.alter_table(&swapped, &swapped, &names(&["id", "new", "a", "word"])).unwrap();
}

#[test]
fn a_value_that_does_not_fit_leaves_the_table_as_it_was() {
    let Some(mut lab) = Lab::open() else { return };
    let subject = lab.subject();
    for (number, (from, value, to)) in [
        ("float64", Value::Float(3.7), "int32"),
        ("int32", int(300), "int8"),
        ("varchar(9)", text("abc"), "varchar(2)"),
        ("varchar(9)", text("a "), "char(9)"),
        ("decimal(6,3)", Value::Decimal("1.125".parse().unwrap()), "decimal(6,2)"),
        (
            "datetime(6)",
            Value::DateTime(lapjoint_db::check::parse_datetime("2024-01-01 00:00:00.5").unwrap()),
            "datetime",
        ),
    ]
    .into_iter()
    .enumerate()
    {
        let mut old = lab.table(&format!("t{number}"), vec![column("id", "int32"), column("x", from)]);
        old.foreign_keys.push(lapjoint_db::ForeignKeyDef {
            columns: vec!["id".into()],
            parent: subject.id.clone(),
            parent_columns: vec!["subject_id".into()],
        });
        lab.create_table(&old).unwrap();
        let id = int(i64::try_from(number).unwrap());
        insert(&mut lab, &subject, vec![vec![id.clone(), text("s")]]).unwrap();
        insert(&mut lab, &old, vec![vec![id.clone(), value.clone()]]).unwrap();
        let new = TableDef { columns: vec![column("id", "int32"), column("x", to)], ..old.clone() };
        let error = lab.alter_table(&old, &new, &names(&["id", "x"])).unwrap_err();
        assert!(
            matches!(&error, DbError::Value { column, row: Some(0), .. } if column == "x"),
            "{to}: {error}"
        );
        assert_eq!(lab.load_table(&old.id).unwrap().unwrap(), old);
        assert_eq!(all(&mut lab, &old).unwrap(), [[id.clone(), value]]);
        lab.run(&format!("DELETE FROM `{{}}`.`t{number}`"));
        lab.alter_table(&old, &new, &names(&["id", "x"])).unwrap();
        assert_eq!(lab.load_table(&old.id).unwrap().unwrap(), new);
        // No lock is left.
        insert(&mut lab.other(), &subject, vec![vec![int(100 + i64::try_from(number).unwrap()), text("s")]])
            .unwrap();
    }
}

#[test]
fn missing_values_keep_a_column_nullable() {
    let Some(mut lab) = Lab::open() else { return };
    let old = lab.table("t", vec![column("id", "int32"), nullable(native("x", "text"))]);
    lab.create_table(&old).unwrap();
    insert(&mut lab, &old, vec![vec![int(1), text("a")], vec![int(2), Value::Null]]).unwrap();
    let new = TableDef { columns: vec![column("id", "int32"), native("x", "text")], ..old.clone() };
    let error = lab.alter_table(&old, &new, &names(&["id", "x"])).unwrap_err();
    assert!(matches!(&error, DbError::MissingValue { column, .. } if column == "x"), "{error}");
    let unknown = lab.alter_table(&old, &new, &names(&["id", "nose"])).unwrap_err();
    assert!(matches!(unknown, DbError::UnknownColumn(_)));
}
