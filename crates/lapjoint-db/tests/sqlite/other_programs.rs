//! Files that other programs made or changed.

use lapjoint_db::{Adapter, ColumnDef, DefaultValue, ForeignKeyDef, IndexDef, TableDef, TableId};

use crate::common::{all, column, insert, int, native, open, open_lab, subject, text};

fn plain(name: &str, ty: &str) -> ColumnDef {
    ColumnDef {
        ty: native(ty),
        comment: String::new(),
        nullable: true,
        ..column(name, lapjoint_types::CoreType::Int8)
    }
}

#[test]
fn a_foreign_file_is_read_through_its_own_catalogue() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("old.sqlite");
    let foreign = rusqlite::Connection::open(&file).unwrap();
    foreign
        .execute_batch(
            "CREATE TABLE city (id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL DEFAULT 'it''s');
             CREATE TABLE street (city INT REFERENCES city, no INT, owner VARCHAR(20) DEFAULT NULL, made TIMESTAMP DEFAULT \
             CURRENT_TIMESTAMP, next_city INT, next_no INT, size REAL DEFAULT 3.5, PRIMARY KEY (no, city),
                 FOREIGN KEY (next_no, next_city) REFERENCES street (no, city), UNIQUE (owner));
             CREATE INDEX by_size ON street (size, owner);
             CREATE VIEW v AS SELECT * FROM city;
             INSERT INTO city VALUES (1, 'Köln'); INSERT INTO street VALUES (1, 2, 'x', 'now', NULL, NULL, 1);",
        )
        .unwrap();
    drop(foreign);
    let mut db = open(directory.path());
    db.open_schema("old", true).unwrap();
    assert_eq!(db.list_tables("old").unwrap(), ["city", "street"]);
    let city = db.load_table(&TableId::new("old", "city")).unwrap().unwrap();
    let default = |text: &str| Some(DefaultValue::Literal(text.into()));
    let expected = TableDef {
        id: TableId::new("old", "city"),
        comment: String::new(),
        columns: vec![
            ColumnDef { nullable: false, auto_increment: true, ..plain("id", "INTEGER") },
            ColumnDef { nullable: false, default: default("it's"), ..plain("name", "TEXT") },
        ],
        primary_key: vec!["id".into()],
        foreign_keys: vec![],
        indexes: vec![],
    };
    assert_eq!(city, expected);
    let street = db.load_table(&TableId::new("old", "street")).unwrap().unwrap();
    let key = |columns: [&str; 1], parent: &str, parents: [&str; 1]| ForeignKeyDef {
        columns: columns.map(String::from).into(),
        parent: TableId::new("old", parent),
        parent_columns: parents.map(String::from).into(),
    };
    let own = ForeignKeyDef {
        columns: vec!["next_no".into(), "next_city".into()],
        parent: TableId::new("old", "street"),
        parent_columns: vec!["no".into(), "city".into()],
    };
    assert_eq!(street.foreign_keys, [key(["city"], "city", ["id"]), own]);
    assert_eq!(street.primary_key, ["no", "city"]);
    assert_eq!(
        street.indexes,
        [
            IndexDef { parts: vec!["owner".into()], unique: true },
            IndexDef { parts: vec!["size".into(), "owner".into()], unique: false }
        ]
    );
    let defaults: Vec<_> = street.columns.iter().map(|column| column.default.clone()).collect();
    assert_eq!(
        defaults,
        [
            None,
            None,
            Some(DefaultValue::Null),
            Some(DefaultValue::CurrentTimestamp),
            None,
            None,
            default("3.5")
        ]
    );
    assert_eq!(all(&mut db, &city).unwrap(), [[int(1), text("Köln")]]);
    insert(&mut db, &city, vec![vec![int(7), text("Bonn")]]).unwrap();
    // A table of ours may stand beside them.
    db.create_table(&subject("old")).unwrap();
    assert_eq!(db.load_table(&subject("old").id).unwrap(), Some(subject("old")));
    assert_eq!(db.load_table(&city.id).unwrap(), Some(expected));
}

#[test]
fn a_table_altered_by_another_program_is_read_as_it_is_now() {
    let directory = tempfile::tempdir().unwrap();
    let mut db = open_lab(directory.path());
    db.create_table(&subject("lab")).unwrap();
    let foreign = rusqlite::Connection::open(directory.path().join("lab.sqlite")).unwrap();
    foreign.execute_batch("ALTER TABLE subject ADD COLUMN age INT").unwrap();
    let table = db.load_table(&subject("lab").id).unwrap().unwrap();
    let names: Vec<_> = table.columns.iter().map(|column| column.name.as_str()).collect();
    assert_eq!(names, ["subject_id", "name", "age"]);
    foreign.execute_batch("DROP TABLE subject").unwrap();
    assert_eq!(db.load_table(&subject("lab").id).unwrap(), None);
    db.create_table(&subject("lab")).unwrap();
    assert_eq!(db.load_table(&subject("lab").id).unwrap(), Some(subject("lab")));
}
