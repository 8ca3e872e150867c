//! Creating, reading back and dropping of tables and schemas.

use lapjoint_db::{
    Adapter, ColumnDef, ColumnType, DbError, DefaultValue, ForeignKeyDef, IndexDef, TableDef, TableId,
};

use crate::common::{Lab, column, count, insert, int, native, nullable, text};

fn with_default(column: ColumnDef, default: DefaultValue) -> ColumnDef {
    ColumnDef { default: Some(default), ..column }
}

fn literal(text: &str) -> DefaultValue {
    DefaultValue::Literal(text.into())
}

fn index(parts: &[&str], unique: bool) -> IndexDef {
    IndexDef { parts: parts.iter().map(|part| (*part).to_owned()).collect(), unique }
}

#[test]
fn a_definition_comes_back_as_it_was() {
    let Some(mut lab) = Lab::open() else { return };
    let parent = lab.subject();
    let columns = vec![
        column("id", "int64"),
        column("a\"b`c", "varchar(20)"),
        with_default(column("quoted", "varchar(30)"), literal("it's \"x\" \\ %s :y ?")),
        with_default(column("empty", "varchar(30)"), literal("")),
        with_default(column("flag", "bool"), literal("1")),
        with_default(column("price", "decimal(8,2)"), literal("1.50")),
        with_default(column("word", "varchar(30)"), literal("CURRENT_TIMESTAMP")),
        with_default(column("word2", "varchar(30)"), literal("NULL")),
        with_default(column("made", "datetime(3)"), DefaultValue::CurrentTimestamp),
        with_default(column("key", "uuid"), literal("00112233-4455-6677-8899-aabbccddeeff")),
        with_default(column("doc", "json"), literal("{\"a\": \"it's\"}")),
        nullable(column("subject_id", "int32")),
        nullable(column("second", "int32")),
        nullable(native("stamp", "timestamp")),
        native("big", "bigint unsigned"),
        ColumnDef { comment: ":<blob@cold>:x".into(), ..column("ext", "json") },
        ColumnDef {
            comment: "a \"comment\" with 'quotes' and \\ and ü ☃".into(), ..native("note", "text")
        },
    ];
    let key = |column: &str| ForeignKeyDef {
        columns: vec![column.into()],
        parent: parent.id.clone(),
        parent_columns: vec!["subject_id".into()],
    };
    let def = TableDef {
        comment: "it's \"the\" table \\ ü".into(),
        primary_key: vec!["key".into(), "id".into()],
        foreign_keys: vec![key("second"), key("subject_id")],
        indexes: vec![
            index(&["quoted", "flag"], true),
            index(&["made"], false),
            index(&["note(10)", "price"], false),
        ],
        ..lab.table("~odd `name", columns)
    };
    lab.create_table(&def).unwrap();
    let loaded = lab.load_table(&def.id).unwrap().unwrap();
    for (loaded, declared) in loaded.columns.iter().zip(&def.columns) {
        assert_eq!(loaded, declared);
    }
    assert_eq!(loaded, def);
    lab.create_table(&def).unwrap();
    assert!(lab.tables().contains(&def.id.table));
    assert_eq!(lab.db.load_table(&TableId::new(&lab.schema, "none")).unwrap(), None);
    assert!(matches!(lab.load_table(&TableId::new("lapjoint_none", "x")), Err(DbError::MissingSchema(_))));
}

#[test]
fn columns_of_references_keep_their_markers_and_those_without_take_the_parents_type() {
    let Some(mut lab) = Lab::open() else { return };
    let parent = lab.table("parent", vec![native("id", "int auto_increment"), column("x", "uuid")]);
    lab.create_table(&parent).unwrap();
    assert_eq!(lab.load_table(&parent.id).unwrap().unwrap(), parent);
    let columns =
        vec![ColumnDef { auto_increment: false, ..native("id", "int auto_increment") }, column("y", "int32")];
    let key =
        ForeignKeyDef { columns: vec!["id".into()], parent: parent.id, parent_columns: vec!["id".into()] };
    let child = TableDef { foreign_keys: vec![key], ..lab.table("child", columns) };
    lab.create_table(&child).unwrap();
    assert_eq!(lab.load_table(&child.id).unwrap().unwrap(), child);
}

#[test]
fn a_table_may_refer_to_itself_and_to_other_schemas() {
    let Some(mut lab) = Lab::open() else { return };
    let mut elsewhere = Lab::open().unwrap();
    let parent = elsewhere.subject();
    let key = |column: &str, parent: &TableId, parent_column: &str| ForeignKeyDef {
        columns: vec![column.into()],
        parent: parent.clone(),
        parent_columns: vec![parent_column.into()],
    };
    let columns =
        vec![column("id", "int32"), nullable(column("before", "int32")), column("subject_id", "int32")];
    let mut def = lab.table("chain", columns);
    def.foreign_keys = vec![key("before", &def.id, "id"), key("subject_id", &parent.id, "subject_id")];
    lab.create_table(&def).unwrap();
    assert_eq!(lab.load_table(&def.id).unwrap().unwrap(), def);
    let schema = elsewhere.schema.clone();
    let error = lab.drop_schema(&schema).unwrap_err();
    assert!(matches!(&error, DbError::ForeignKey { detail, .. } if detail.contains("chain")), "{error}");
    let error = lab.drop_table(&parent.id).unwrap_err();
    assert!(matches!(&error, DbError::ForeignKey { detail, .. } if detail.contains("chain")), "{error}");
    insert(&mut elsewhere, &parent, vec![vec![int(1), text("x")]]).unwrap();
    insert(&mut lab, &def, vec![vec![int(1), int(1), int(1)]]).unwrap();
    lab.drop_table(&def.id).unwrap();
    assert!(
        matches!(lab.drop_table(&def.id), Err(DbError::MissingTable(name)) if name == def.id.to_string())
    );
    lab.drop_table(&parent.id).unwrap();
}

#[test]
fn indexes_over_expressions_are_for_mysql() {
    let Some(mut lab) = Lab::open() else { return };
    let columns = vec![column("id", "int32"), column("j", "json"), column("n", "int32")];
    let indexes = vec![
        // The server puts those over columns first.
        index(&["n desc"], false),
        index(&["j.first.second:char(20)"], false),
        index(&["n", "j.x:unsigned"], false),
        index(&["((`n` + 1))"], false),
    ];
    let def = TableDef { indexes, ..lab.table("t", columns) };
    if lab.is_mariadb() {
        assert!(
            matches!(lab.create_table(&def), Err(DbError::Name { reason, .. }) if reason.contains("MariaDB"))
        );
        return;
    }
    lab.create_table(&def).unwrap();
    assert_eq!(lab.load_table(&def.id).unwrap().unwrap(), def);
}

#[test]
fn names_and_types_stay_what_they_are() {
    let Some(mut lab) = Lab::open() else { return };
    let long = "x".repeat(65);
    for name in ["", "a\0b", "space ", long.as_str(), "😀"] {
        let def = lab.table(name, vec![column("id", "int32")]);
        assert!(matches!(lab.create_table(&def), Err(DbError::Name { .. })), "{name:?}");
        let def = lab.table("t", vec![column(name, "int32")]);
        assert!(matches!(lab.create_table(&def), Err(DbError::Name { .. })), "{name:?}");
        assert!(matches!(lab.open_schema(name, true), Err(DbError::Name { .. })), "{name:?}");
    }
    let twice = lab.table("t", vec![column("id", "int32"), column("ID", "int32")]);
    assert!(matches!(lab.create_table(&twice), Err(DbError::Name { .. })));
    for ty in ["int) ; DROP TABLE x; --", "int, y int", "int comment 'x'"] {
        let def = lab.table("t", vec![native("id", ty)]);
        assert!(matches!(lab.create_table(&def), Err(DbError::Name { .. })), "{ty}");
    }
    let spaced = lab.table(
        "t",
        vec![ColumnDef { ty: ColumnType::Core("enum('a ')".parse().unwrap()), ..column("id", "int32") }],
    );
    assert!(matches!(lab.create_table(&spaced), Err(DbError::Name { .. })));
    // The catalogue would make question marks of them.
    for def in [
        lab.table("t", vec![ColumnDef { comment: ":int32:😀".into(), ..column("id", "int32") }]),
        lab.table("t", vec![column("id", "int32"), column("x", "enum('😀')")]),
        lab.table("t", vec![column("id", "int32"), with_default(column("x", "varchar(9)"), literal("😀"))]),
        TableDef { comment: "😀".into(), ..lab.table("t", vec![column("id", "int32")]) },
    ] {
        assert!(matches!(lab.create_table(&def), Err(DbError::Name { .. })));
    }
    assert!(lab.tables().is_empty());
}

#[test]
fn a_table_that_cannot_be_made_leaves_nothing() {
    let Some(mut lab) = Lab::open() else { return };
    let key = ForeignKeyDef {
        columns: vec!["id".into()],
        parent: TableId::new(&lab.schema, "nobody"),
        parent_columns: vec!["id".into()],
    };
    let def = TableDef { foreign_keys: vec![key], ..lab.table("t", vec![column("id", "int32")]) };
    assert!(matches!(lab.create_table(&def), Err(DbError::MissingTable(name)) if name.contains("nobody")));
    let def =
        TableDef { indexes: vec![index(&["nothing"], false)], ..lab.table("t", vec![column("id", "int32")]) };
    assert!(matches!(lab.create_table(&def), Err(DbError::UnknownColumn(_))));
    let bad = with_default(column("n", "int32"), literal("five"));
    let def = lab.table("t", vec![column("id", "int32"), bad]);
    assert!(matches!(lab.create_table(&def), Err(DbError::Value { column, .. }) if column == "n"));
    assert!(lab.tables().is_empty());
    let mut elsewhere = lab.table("t", vec![column("id", "int32")]);
    elsewhere.id.schema = "lapjoint_none".into();
    assert!(
        matches!(lab.create_table(&elsewhere), Err(DbError::MissingSchema(name)) if name == "lapjoint_none")
    );
}

#[test]
fn schemas_are_made_once_by_any_number_of_connections() {
    let Some(mut lab) = Lab::open() else { return };
    let schema = format!("{}_race", lab.schema);
    let def = TableDef { id: TableId::new(&schema, "t"), ..lab.table("t", vec![column("id", "int32")]) };
    std::thread::scope(|scope| {
        for _ in 0..6 {
            scope.spawn(|| {
                let mut db = lab.other();
                db.open_schema(&schema, true).unwrap();
                db.create_table(&def).unwrap();
            });
        }
    });
    assert!(lab.list_schemas().unwrap().contains(&schema));
    assert!(!lab.list_schemas().unwrap().iter().any(|name| name == "information_schema" || name == "mysql"));
    assert_eq!(count(&mut lab, &def.id), 0);
    lab.drop_schema(&schema).unwrap();
    assert!(matches!(lab.drop_schema(&schema), Err(DbError::MissingSchema(_))));
    assert!(matches!(lab.open_schema(&schema, false), Err(DbError::MissingSchema(_))));
    assert!(matches!(lab.list_tables(&schema), Err(DbError::MissingSchema(_))));
}

#[test]
fn a_user_without_rights_is_told_so() {
    let Some(mut lab) = Lab::open() else { return };
    let def = lab.subject();
    let user = format!("u{}", std::process::id());
    lab.run(&format!("CREATE USER '{user}'@'%' IDENTIFIED BY 'sesame'"));
    lab.run(&format!("GRANT SELECT, INSERT ON `{{}}`.* TO '{user}'@'%'"));
    let options = lapjoint_db::ServerOptions {
        user: Some(user.clone()),
        password: Some("sesame".into()),
        ..crate::common::server().unwrap()
    };
    let mut db = lapjoint_db::MysqlAdapter::open(&options).unwrap();
    // Not made, and so no right is needed.
    db.create_table(&def).unwrap();
    insert(&mut db, &def, vec![vec![int(1), text("x")]]).unwrap();
    let other = lab.table("other", vec![column("id", "int32")]);
    for error in [
        db.create_table(&other).unwrap_err(),
        db.open_schema("lapjoint_forbidden", true).unwrap_err(),
        db.drop_table(&def.id).unwrap_err(),
    ] {
        assert!(matches!(error, DbError::Access { .. }), "{error:?}");
    }
    let log = db.intents();
    let intent = lapjoint_db::Intent {
        id: "i".into(),
        session: db.session().into(),
        schema: lab.schema.clone(),
        objects: Vec::new(),
    };
    assert!(log.list(&lab.schema).unwrap().is_empty());
    assert!(matches!(log.write(&intent), Err(DbError::Access { .. })));
    drop(db);
    lab.run(&format!("DROP USER '{user}'@'%'"));
}
