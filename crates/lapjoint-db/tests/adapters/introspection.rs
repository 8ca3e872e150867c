//! What a schema holds is found in the database alone, whoever made it.

use lapjoint_db::{ColumnType, DbError, TableId};
use lapjoint_types::CoreType;

use crate::backend::{Backend, Db};
use crate::common::{column, made, made_subject, native_column, nullable, table};

on_every_database!(
    tables_are_listed_sorted_with_hidden_ones,
    views_are_no_tables,
    tables_of_other_programs_have_native_columns,
    comments_come_back_whatever_they_say,
    native_types_come_back,
);

fn tables_are_listed_sorted_with_hidden_ones(db: &mut Db) {
    for name in ["~lineage", "zebra", "__computed", "#lookup", "ant", "ant__part"] {
        made(db, name, vec![column("id", CoreType::Int32)]);
    }
    let schema = db.schema.clone();
    let expected = ["#lookup", "__computed", "ant", "ant__part", "zebra", "~lineage"];
    assert_eq!(db.list_tables(&schema).unwrap(), expected);
}

fn views_are_no_tables(db: &mut Db) {
    let def = made_subject(db);
    let view = db.quote_table(&TableId::new(&db.schema, "a_view"));
    let name = db.quote_table(&def.id);
    // A view of SQLite reads only what is in its own file.
    let from = if db.backend == Backend::Sqlite { db.quote("subject") } else { name };
    db.execute(&format!("CREATE VIEW {view} AS SELECT * FROM {from}"), &[]).unwrap();
    let schema = db.schema.clone();
    assert_eq!(db.list_tables(&schema).unwrap(), ["subject"]);
    assert_eq!(db.load_table(&TableId::new(&schema, "a_view")).unwrap(), None);
}

fn tables_of_other_programs_have_native_columns(db: &mut Db) {
    let id = TableId::new(&db.schema, "made_elsewhere");
    let name = db.quote_table(&id);
    db.execute(
        &format!("CREATE TABLE {name} (id integer NOT NULL PRIMARY KEY, note varchar(30) DEFAULT 'x')"),
        &[],
    )
    .unwrap();
    let def = db.load_table(&id).unwrap().unwrap();
    assert_eq!(def.primary_key, ["id"]);
    assert_eq!(def.columns.len(), 2);
    assert!(def.columns.iter().all(|column| matches!(column.ty, ColumnType::Native(_))), "{def:?}");
    assert!(!def.columns[0].nullable && def.columns[1].nullable);
    assert_eq!(def.columns[1].default, Some(lapjoint_db::DefaultValue::Literal("x".into())));
    let missing = db.load_table(&TableId::new("no_schema_of_this_name", "t"));
    assert!(matches!(missing, Err(DbError::MissingSchema(_)) | Ok(None)), "{missing:?}");
}

fn comments_come_back_whatever_they_say(db: &mut Db) {
    let comments = [
        "",
        "it's",
        "\"quoted\"",
        "\\\"escaped\\\"",
        "\\",
        "a\nb",
        "%s %d",
        "?",
        "$1",
        if db.holds_all_of_unicode() { "é 😀" } else { "é ☃" },
        "-- x",
        "/* x",
        ":x",
        "':",
        "\\n",
    ];
    let mut columns = vec![column("id", CoreType::Int32)];
    for (number, comment) in comments.iter().enumerate() {
        let mut plain = native_column(&format!("n{number}"), "integer");
        plain.comment = (*comment).to_owned();
        let mut marked = column(&format!("c{number}"), CoreType::Int16);
        marked.comment = format!(":int16:{comment}");
        columns.extend([nullable(plain), nullable(marked)]);
    }
    for (number, comment) in comments.iter().enumerate() {
        let mut def = table(&db.schema, &format!("t{number}"), columns.clone());
        def.comment = (*comment).to_owned();
        db.create_table(&def).unwrap();
        let loaded = db.load_table(&def.id).unwrap().unwrap();
        let said = |def: &lapjoint_db::TableDef| -> Vec<String> {
            def.columns.iter().map(|column| column.comment.clone()).chain([def.comment.clone()]).collect()
        };
        assert_eq!(said(&loaded), said(&def));
    }
}

fn native_types_come_back(db: &mut Db) {
    let types: &[&str] = match db.backend {
        Backend::Sqlite => &["mediumint", "double", "text", "blob", "varchar(300)"],
        Backend::Postgres => &[
            "smallint",
            "integer",
            "bigint",
            "real",
            "double precision",
            "numeric(5,2)",
            "numeric",
            "text",
            "varchar(300)",
            "char(3)",
            "bytea",
            "date",
            "time",
            "timestamp(3)",
            "timestamp with time zone",
            "boolean",
            "uuid",
            "json",
            "jsonb",
            "integer[]",
            "interval",
            "inet",
        ],
        Backend::MySql => &["smallint", "double", "text", "blob", "varchar(300)", "decimal(5,2)"],
    };
    let mut columns = vec![column("id", CoreType::Int32)];
    for (number, ty) in types.iter().enumerate() {
        columns.push(nullable(native_column(&format!("n{number}"), ty)));
    }
    let def = made(db, "natives", columns);
    assert_eq!(db.load_table(&def.id).unwrap(), Some(def));
}
