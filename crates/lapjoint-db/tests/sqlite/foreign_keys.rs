//! References within a schema and between schemas mean the same.

use lapjoint_db::{Adapter, DbError, SqliteAdapter, TableDef, TransactionMode};
use lapjoint_types::Value;

use crate::common::{all, count, insert, int, memory, open, open_lab, session, subject, text};

fn refused(result: Result<u64, DbError>, table: &TableDef, needle: &str) {
    match result {
        Err(DbError::ForeignKey { table: id, detail, .. }) => {
            assert_eq!(id, table.id);
            assert!(detail.contains(needle), "{detail}");
        }
        other => panic!("{other:?}"),
    }
}

/// The whole meaning of a reference from `child_schema` to `lab`.
fn check_reference(db: &mut SqliteAdapter, child_schema: &str) {
    let (parent, child) = (subject("lab"), session(child_schema, "lab"));
    db.create_table(&parent).unwrap();
    db.create_table(&child).unwrap();
    assert_eq!(db.load_table(&child.id).unwrap(), Some(child.clone()));
    insert(db, &parent, vec![vec![int(1), text("Ada")], vec![int(2), text("Bea")]]).unwrap();

    let orphan = insert(db, &child, vec![vec![int(10), int(1)], vec![int(11), int(9)]]);
    assert!(matches!(orphan, Err(DbError::ForeignKey { row: Some(1), .. })), "{orphan:?}");
    refused(orphan, &child, "(subject_id) -> `lab`.`subject` (subject_id) has no row (9)");
    assert_eq!(count(db, &child.id), 0);

    insert(db, &child, vec![vec![int(10), int(1)], vec![int(12), Value::Null]]).unwrap();
    let parent_name = db.quote_table(&parent.id);
    let child_name = db.quote_table(&child.id);
    refused(
        db.execute(&format!("DELETE FROM {parent_name} WHERE subject_id = 1"), &[]),
        &parent,
        &child.id.to_string(),
    );
    refused(
        db.execute(&format!("UPDATE {child_name} SET subject_id = 9 WHERE session_id = 10"), &[]),
        &child,
        "",
    );
    assert_eq!(db.execute(&format!("DELETE FROM {parent_name} WHERE subject_id = 2"), &[]).unwrap(), 1);
    assert_eq!(db.execute(&format!("UPDATE {parent_name} SET subject_id = 5"), &[]).unwrap(), 1);
    assert_eq!(all(db, &child).unwrap(), [[int(10), int(5)], [int(12), Value::Null]]);

    assert!(matches!(db.drop_table(&parent.id), Err(DbError::ForeignKey { .. })));
    db.execute(&format!("DELETE FROM {child_name}"), &[]).unwrap();
    assert_eq!(db.execute(&format!("DELETE FROM {parent_name}"), &[]).unwrap(), 1);
}

#[test]
fn between_schemas_in_memory() {
    let mut db = memory();
    db.open_schema("rig", true).unwrap();
    check_reference(&mut db, "rig");
}

#[test]
fn tables_of_one_name_in_both_schemas_do_not_confuse_the_cascade() {
    let mut db = memory();
    db.open_schema("rig", true).unwrap();
    db.create_table(&subject("lab")).unwrap();
    db.create_table(&session("lab", "lab")).unwrap();
    insert(&mut db, &subject("lab"), vec![vec![int(1), text("Ada")]]).unwrap();
    insert(&mut db, &session("lab", "lab"), vec![vec![int(1), int(1)]]).unwrap();
    db.drop_table(&session("lab", "lab").id).unwrap();
    db.execute("DELETE FROM \"lab\".\"subject\"", &[]).unwrap();
    check_reference(&mut db, "rig");
}

/// A file with subjects, and a file with sessions that refer to them.
fn two_files() -> tempfile::TempDir {
    let directory = tempfile::tempdir().unwrap();
    let mut db = open_lab(directory.path());
    db.open_schema("rig", true).unwrap();
    db.create_table(&subject("lab")).unwrap();
    db.create_table(&session("rig", "lab")).unwrap();
    insert(&mut db, &subject("lab"), vec![vec![int(1), text("Ada")]]).unwrap();
    insert(&mut db, &session("rig", "lab"), vec![vec![int(1), int(1)]]).unwrap();
    directory
}

#[test]
fn opening_the_parent_alone_keeps_its_children_safe() {
    let directory = two_files();
    let mut db = open_lab(directory.path());
    refused(db.execute("DELETE FROM \"lab\".\"subject\"", &[]), &subject("lab"), "rig");
    assert_eq!(count(&mut db, &session("rig", "lab").id), 1);
}

#[test]
fn opening_the_child_alone_finds_its_parents() {
    let directory = two_files();
    let mut db = open(directory.path());
    db.open_schema("rig", false).unwrap();
    insert(&mut db, &session("rig", "lab"), vec![vec![int(2), int(1)]]).unwrap();
    refused(
        insert(&mut db, &session("rig", "lab"), vec![vec![int(3), int(7)]]),
        &session("rig", "lab"),
        "no row (7)",
    );
}

#[test]
fn a_child_whose_parents_file_is_gone_takes_only_rows_without_parent() {
    let directory = two_files();
    std::fs::remove_file(directory.path().join("lab.sqlite")).unwrap();
    let mut db = open(directory.path());
    db.open_schema("rig", false).unwrap();
    assert_eq!(count(&mut db, &session("rig", "lab").id), 1);
    refused(
        insert(&mut db, &session("rig", "lab"), vec![vec![int(3), int(1)]]),
        &session("rig", "lab"),
        "no such row",
    );
    insert(&mut db, &session("rig", "lab"), vec![vec![int(4), Value::Null]]).unwrap();
}

#[test]
fn a_reference_made_by_another_connection_holds_here_too() {
    let directory = tempfile::tempdir().unwrap();
    let mut here = open_lab(directory.path());
    here.create_table(&subject("lab")).unwrap();
    insert(&mut here, &subject("lab"), vec![vec![int(1), text("Ada")]]).unwrap();
    {
        let mut there = open_lab(directory.path());
        there.open_schema("rig", true).unwrap();
        there.create_table(&session("rig", "lab")).unwrap();
        insert(&mut there, &session("rig", "lab"), vec![vec![int(1), int(1)]]).unwrap();
    }
    refused(here.execute("DELETE FROM \"lab\".\"subject\"", &[]), &subject("lab"), "rig");
    here.begin(TransactionMode::Write).unwrap();
    refused(here.execute("DELETE FROM \"lab\".\"subject\"", &[]), &subject("lab"), "rig");
    here.rollback().unwrap();
}

#[test]
fn a_reference_undone_with_its_transaction_holds_nothing() {
    let mut db = memory();
    db.open_schema("rig", true).unwrap();
    db.create_table(&subject("lab")).unwrap();
    insert(&mut db, &subject("lab"), vec![vec![int(1), text("Ada")]]).unwrap();
    db.begin(TransactionMode::Write).unwrap();
    db.create_table(&session("rig", "lab")).unwrap();
    insert(&mut db, &session("rig", "lab"), vec![vec![int(1), int(1)]]).unwrap();
    db.rollback().unwrap();
    assert_eq!(db.execute("DELETE FROM \"lab\".\"subject\"", &[]).unwrap(), 1);
    // And once it is made for good, it holds.
    insert(&mut db, &subject("lab"), vec![vec![int(1), text("Ada")]]).unwrap();
    db.create_table(&session("rig", "lab")).unwrap();
    insert(&mut db, &session("rig", "lab"), vec![vec![int(1), int(1)]]).unwrap();
    refused(db.execute("DELETE FROM \"lab\".\"subject\"", &[]), &subject("lab"), "rig");
}

#[test]
fn a_dropped_child_sets_its_parent_free() {
    let directory = two_files();
    let mut db = open_lab(directory.path());
    db.drop_table(&session("rig", "lab").id).unwrap();
    assert_eq!(db.execute("DELETE FROM \"lab\".\"subject\"", &[]).unwrap(), 1);
    db.drop_schema("lab").unwrap();
    assert_eq!(db.list_schemas().unwrap(), ["rig"]);
}
