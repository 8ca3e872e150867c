//! Tables that DataJoint declared are understood, and ours are the same to the server.

use std::process::Command;

use lapjoint_db::{Adapter, ColumnType, DefaultValue, ServerOptions, TableDef, TableId};
use lapjoint_types::CoreType;

use crate::common::Lab;

/// Frozen from datajoint 2.3.5.
const DECLARED: &str = include_str!("datajoint.sql");

/// Tables in the order of their references.
const TABLES: [&str; 7] = ["subject", "~lineage", "session", "#only", "__ref", "__ref__part", "single"];

fn declare(lab: &mut Lab) {
    for statement in
        DECLARED.split("\n\n").map(str::trim).filter(|text| !text.starts_with("--") && !text.is_empty())
    {
        lab.db.execute(&statement.replace("{schema}", &lab.schema), &[]).unwrap();
    }
}

fn load(lab: &mut Lab, name: &str) -> TableDef {
    let id = TableId::new(&lab.schema, name);
    lab.db.load_table(&id).unwrap().unwrap()
}

#[test]
fn what_datajoint_declared_is_read_with_its_types() {
    let Some(mut lab) = Lab::open() else { return };
    declare(&mut lab);
    let subject = load(&mut lab, "subject");
    assert_eq!(subject.comment, "subjects it's \"quoted\"");
    assert_eq!(subject.primary_key, ["subject_id", "code"]);
    let shown: Vec<String> = subject
        .columns
        .iter()
        .map(|column| {
            let default = match &column.default {
                None => String::new(),
                Some(DefaultValue::Null) => " = null".to_owned(),
                Some(DefaultValue::CurrentTimestamp) => " = now".to_owned(),
                Some(DefaultValue::Literal(text)) => format!(" = {text}"),
            };
            let kind = if matches!(column.ty, ColumnType::Core(_)) { "" } else { "native " };
            let number = if column.auto_increment { " numbered" } else { "" };
            format!("{}: {kind}{}{default}{number}", column.name, column.ty)
        })
        .collect();
    assert_eq!(
        shown,
        [
            "subject_id: int32",
            "code: varchar(12)",
            "name: varchar(20) = x",
            "sex: enum('M','F','U') = F",
            "weight: decimal(6,2) = 1.5",
            "born: date = null",
            "made: datetime = now",
            "precise: datetime(3)",
            "flag: bool = 1",
            "ratio: float64",
            "r4: float32",
            "i8: int8",
            "i16: int16 = 5",
            "i64: int64",
            "c: char(4)",
            "j: json = null",
            "u: uuid",
            "b: bytes",
            "bb: bytes = null",
            "nat: native smallint",
            "nat2: native serial numbered",
            "nat3: native numeric(5,2)",
            "nat4: native time",
            "nat5: native text = null",
        ]
    );
    assert_eq!(subject.columns[2].comment, ":varchar(20):it's a name");
    let parts = |def: &TableDef| -> Vec<(String, bool)> {
        def.indexes.iter().map(|index| (index.parts.join(","), index.unique)).collect()
    };
    assert_eq!(parts(&subject), [("name,weight".to_owned(), false), ("ratio".to_owned(), true)]);

    // Columns of references are what their parents are, however far away.
    let session = load(&mut lab, "session");
    let ty = |def: &TableDef, name: &str| def.columns.iter().find(|c| c.name == name).unwrap().ty.clone();
    assert_eq!(ty(&session, "other_code"), ColumnType::Core(CoreType::Varchar(12)));
    assert!(session.columns.iter().find(|c| c.name == "other_id").unwrap().nullable);
    assert_eq!(parts(&session), [("third_id,third_code".to_owned(), true)]);
    assert_eq!(session.foreign_keys.len(), 3);
    assert_eq!(session.foreign_keys[1].columns, ["other_id", "other_code"]);
    let reference = load(&mut lab, "__ref");
    assert_eq!(ty(&reference, "code"), ColumnType::Core(CoreType::Varchar(12)));
    assert_eq!(ty(&reference, "session"), ColumnType::Core(CoreType::Int16));
    let part = load(&mut lab, "__ref__part");
    assert_eq!(ty(&part, "kind"), ColumnType::Core(CoreType::Enum(vec!["a".into(), "b".into()])));
    assert_eq!(part.primary_key, ["kind", "n"]);
}

/// What `pg_dump` writes of a schema, without what differs from dump to dump.
fn dump(options: &ServerOptions, schema: &str) -> Option<Vec<String>> {
    let mut command = Command::new("pg_dump");
    command.args(["--schema-only", "--host", &options.host, "--schema", schema]);
    if let Some(port) = options.port {
        command.args(["--port", &port.to_string()]);
    }
    if let Some(user) = &options.user {
        command.args(["--username", user]);
    }
    if let Some(password) = &options.password {
        command.env("PGPASSWORD", password);
    }
    command.arg(options.database.as_deref().unwrap_or("postgres"));
    let output = command.output().ok()?;
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).unwrap().replace(schema, "SCHEMA");
    let lines =
        text.lines().filter(|line| !line.starts_with("--") && !line.starts_with('\\') && !line.is_empty());
    Some(lines.map(str::to_owned).collect())
}

#[test]
fn a_table_declared_by_either_is_the_same_to_pg_dump() {
    let Some(mut theirs) = Lab::open() else { return };
    let Some(mut ours) = Lab::open() else { return };
    declare(&mut theirs);
    let mut in_references = Vec::new();
    for name in TABLES {
        let mut def = load(&mut theirs, name);
        let (from, to) = (def.id.schema.clone(), ours.schema.clone());
        def.id.schema.clone_from(&to);
        for key in &mut def.foreign_keys {
            assert_eq!(key.parent.schema, from);
            key.parent.schema.clone_from(&to);
            in_references.extend(key.columns.iter().map(|column| {
                let quoted = |name: &str| {
                    let plain =
                        name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_');
                    if plain { name.to_owned() } else { format!("\"{name}\"") }
                };
                format!("COMMENT ON COLUMN SCHEMA.{}.{} IS", quoted(name), quoted(column))
            }));
        }
        ours.create_table(&def).unwrap();
        assert_eq!(ours.load_table(&def.id).unwrap(), Some(def));
    }
    let (Some(their_dump), Some(our_dump)) =
        (dump(&theirs.options, &theirs.schema), dump(&ours.options, &ours.schema))
    else {
        println!("NOT RUN: there is no pg_dump");
        return;
    };
    assert!(their_dump.len() > 100);
    // The columns of references keep the markers of their types here, as the next version of DataJoint will have it.
    let our_dump: Vec<_> = our_dump
        .into_iter()
        .filter(|line| !in_references.iter().any(|comment| line.starts_with(comment)))
        .collect();
    for (theirs, ours) in their_dump.iter().zip(&our_dump) {
        assert_eq!(theirs, ours);
    }
    assert_eq!(their_dump.len(), our_dump.len());
}
