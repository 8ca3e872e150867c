//! Tables that DataJoint 2.3.5 has declared.

use lapjoint_db::{Adapter, ColumnType, DefaultValue, IndexDef, TableDef, TableId};
use lapjoint_types::Value;

use crate::common::{Lab, own, select};

const TABLES: [&str; 5] = ["parent", "~lineage", "auto", "child", "_grandchild"];

/// A schema with the tables as DataJoint makes them.
fn declared() -> Option<Lab> {
    let mut lab = Lab::open()?;
    for statement in include_str!("datajoint.sql").split("\n\n").skip(1) {
        lab.run(statement);
    }
    Some(lab)
}

fn load(lab: &mut Lab, name: &str) -> TableDef {
    let id = TableId::new(&lab.schema, name);
    lab.load_table(&id).unwrap().unwrap()
}

fn ty(def: &TableDef, name: &str) -> String {
    let column = def.columns.iter().find(|column| column.name == name).unwrap();
    let kind = if matches!(column.ty, ColumnType::Core(_)) { "core" } else { "native" };
    format!("{kind} {}", column.ty)
}

#[test]
fn its_headings_are_read_back() {
    let Some(mut lab) = declared() else { return };
    let parent = load(&mut lab, "parent");
    assert_eq!(
        (parent.comment.as_str(), parent.primary_key.as_slice()),
        ("a parent it's", &["pid".to_owned(), "u".into()][..])
    );
    assert_eq!(parent.columns[0].comment, ":int32:the id it's");
    assert_eq!(parent.columns[2].default, Some(DefaultValue::Literal("x".into())));
    let auto = load(&mut lab, "auto");
    for (name, expected) in [
        ("id", "native int auto_increment"),
        ("flag", "core bool"),
        ("n", "core float64"),
        ("t", "core datetime"),
        ("t3", "core datetime(3)"),
        ("kind", "core enum('a','b')"),
        ("d", "core decimal(8,2)"),
        ("blo", "core bytes"),
        ("ext", "core json"),
        ("doc", "core json"),
        ("raw", "core bytes"),
        ("nat", "native mediumint unsigned"),
        ("ts", "native timestamp"),
        ("c", "core char(4)"),
    ] {
        assert_eq!(ty(&auto, name), expected, "{name}");
    }
    let default =
        |name: &str| auto.columns.iter().find(|column| column.name == name).unwrap().default.clone();
    assert_eq!(default("flag"), Some(DefaultValue::Literal("1".into())));
    assert_eq!(default("t3"), Some(DefaultValue::CurrentTimestamp));
    assert_eq!(default("c"), Some(DefaultValue::Literal("it's".into())));
    assert_eq!(default("n"), Some(DefaultValue::Null));
    assert_eq!(default("d"), None);
    assert!(auto.columns[0].auto_increment);
}

#[test]
fn columns_of_references_have_the_types_of_what_they_refer_to() {
    let Some(mut lab) = declared() else { return };
    let child = load(&mut lab, "child");
    for (name, expected) in [
        ("pid", "core int32"),
        ("u", "core uuid"),
        ("k", "core int16"),
        ("id", "native int auto_increment"),
        ("other", "core int32"),
    ] {
        assert_eq!(ty(&child, name), expected, "{name}");
    }
    assert!(!child.columns[3].auto_increment);
    let columns: Vec<_> = child.foreign_keys.iter().map(|key| key.columns.join(" ")).collect();
    assert_eq!(columns, ["pid u", "id", "other ou"]);
    let index = |parts: &[&str], unique| IndexDef {
        parts: parts.iter().map(|part| (*part).to_owned()).collect(),
        unique,
    };
    assert_eq!(
        child.indexes,
        [index(&["other", "ou"], true), index(&["y"], true), index(&["x", "y"], false)]
    );
    let grandchild = load(&mut lab, "_grandchild");
    assert_eq!((ty(&grandchild, "pid"), ty(&grandchild, "k")), ("core int32".into(), "core int16".into()));
}

/// What the server says of a table, without its schema.
fn shown(lab: &mut Lab, name: &str) -> String {
    let sql = format!("SHOW CREATE TABLE {}", lab.quote_table(&TableId::new(&lab.schema, name)));
    match select(&mut lab.db, &sql, &[own(), own()]).unwrap().remove(0).remove(1) {
        Value::Str(text) => text.replace(&lab.schema, "schema"),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_table_declared_by_either_is_the_same_to_the_server() {
    let Some(mut theirs) = declared() else { return };
    let mut ours = Lab::open().unwrap();
    for name in TABLES {
        let mut def = load(&mut theirs, name);
        def.id.schema.clone_from(&ours.schema);
        for key in &mut def.foreign_keys {
            key.parent.schema.clone_from(&ours.schema);
        }
        ours.create_table(&def).unwrap();
        assert_eq!(shown(&mut ours, name), shown(&mut theirs, name));
        assert_eq!(load(&mut ours, name), def);
    }
}
