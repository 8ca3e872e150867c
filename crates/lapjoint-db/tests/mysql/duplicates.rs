//! What counts as the same key, and what is done with it.

use lapjoint_db::{Adapter, DbError, IndexDef, InsertMode, TableDef};

use crate::common::{Lab, all, column, insert, insert_mode, int, nullable, text};

/// `t(key, other)` with a second unique key over `other` if that is asked for.
fn table(lab: &mut Lab, name: &str, unique: bool) -> TableDef {
    let mut def = lab.table(name, vec![column("key", "varchar(10)"), nullable(column("other", "int32"))]);
    if unique {
        def.indexes.push(IndexDef { parts: vec!["other".into()], unique: true });
    }
    lab.create_table(&def).unwrap();
    def
}

#[test]
fn keys_are_the_same_by_the_servers_collation() {
    let Some(mut lab) = Lab::open() else { return };
    for unique in [false, true] {
        let def = table(&mut lab, if unique { "u" } else { "p" }, unique);
        let rows = vec![vec![text("a"), int(1)], vec![text("A"), int(2)], vec![text("b"), int(3)]];
        let error = insert(&mut lab, &def, rows.clone()).unwrap_err();
        assert!(
            matches!(&error, DbError::Duplicate { row: Some(1), columns, .. } if columns == &["key"]),
            "{error}"
        );
        assert_eq!(insert_mode(&mut lab, &def, rows.clone(), InsertMode::SkipDuplicates).unwrap(), 2);
        assert_eq!(all(&mut lab, &def).unwrap(), [[text("a"), int(1)], [text("b"), int(3)]]);
        assert_eq!(insert_mode(&mut lab, &def, rows, InsertMode::SkipDuplicates).unwrap(), 0);
        let rows = vec![vec![text("A"), int(4)], vec![text("c"), int(5)], vec![text("C"), int(6)]];
        assert_eq!(insert_mode(&mut lab, &def, rows, InsertMode::Replace).unwrap(), 3);
        assert_eq!(
            all(&mut lab, &def).unwrap(),
            [[text("a"), int(4)], [text("b"), int(3)], [text("c"), int(6)]]
        );
    }
}

#[test]
fn a_second_unique_key_is_neither_skipped_nor_replaced() {
    let Some(mut lab) = Lab::open() else { return };
    let def = table(&mut lab, "t", true);
    let before = vec![vec![text("a"), int(1)], vec![text("b"), int(2)]];
    insert(&mut lab, &def, before.clone()).unwrap();
    for mode in [InsertMode::Error, InsertMode::SkipDuplicates, InsertMode::Replace] {
        let rows = vec![vec![text("c"), int(3)], vec![text("d"), int(1)]];
        let error = insert_mode(&mut lab, &def, rows, mode).unwrap_err();
        assert!(
            matches!(&error, DbError::Duplicate { row: Some(1), columns, table } if columns == &["other"] && *table == def.id),
            "{error}"
        );
        assert_eq!(all(&mut lab, &def).unwrap(), before);
    }
    // The row of the key may be replaced, but not by what another row holds.
    let error = insert_mode(&mut lab, &def, vec![vec![text("b"), int(1)]], InsertMode::Replace).unwrap_err();
    assert!(matches!(&error, DbError::Duplicate { columns, .. } if columns == &["other"]), "{error}");
    assert_eq!(
        insert_mode(&mut lab, &def, vec![vec![text("b"), int(2)]], InsertMode::SkipDuplicates).unwrap(),
        0
    );
    assert_eq!(insert_mode(&mut lab, &def, vec![vec![text("b"), int(7)]], InsertMode::Replace).unwrap(), 1);
    assert_eq!(all(&mut lab, &def).unwrap(), [[text("a"), int(1)], [text("b"), int(7)]]);
    let error = lab.db.execute(&format!("UPDATE `{}`.`t` SET other = 1", lab.schema), &[]).unwrap_err();
    assert!(
        matches!(&error, DbError::Duplicate { columns, table, .. } if columns == &["other"] && *table == def.id),
        "{error}"
    );
}

#[test]
fn a_replaced_row_keeps_its_children() {
    let Some(mut lab) = Lab::open() else { return };
    let subject = lab.subject();
    let session = lab.session_table();
    insert(&mut lab, &subject, vec![vec![int(1), text("old")]]).unwrap();
    insert(&mut lab, &session, vec![vec![int(9), int(1)]]).unwrap();
    assert_eq!(
        insert_mode(&mut lab, &subject, vec![vec![int(1), text("new")]], InsertMode::Replace).unwrap(),
        1
    );
    assert_eq!(all(&mut lab, &subject).unwrap(), [[int(1), text("new")]]);
    assert_eq!(all(&mut lab, &session).unwrap(), [[int(9), int(1)]]);
}

#[test]
fn columns_that_are_not_given_are_replaced_by_their_default() {
    let Some(mut lab) = Lab::open() else { return };
    for unique in [false, true] {
        let def = table(&mut lab, if unique { "u" } else { "p" }, unique);
        insert(&mut lab, &def, vec![vec![text("a"), int(1)]]).unwrap();
        let key = ["key".to_owned()];
        let mut rows = [vec![text("a")]].into_iter();
        assert_eq!(lab.insert(&def, &key, &mut rows, InsertMode::SkipDuplicates).unwrap(), 0);
        assert_eq!(all(&mut lab, &def).unwrap(), [[text("a"), int(1)]]);
        let mut rows = [vec![text("a")]].into_iter();
        assert_eq!(lab.insert(&def, &key, &mut rows, InsertMode::Replace).unwrap(), 1);
        assert_eq!(all(&mut lab, &def).unwrap(), [[text("a"), lapjoint_types::Value::Null]]);
    }
}

#[test]
fn skipping_hides_no_other_error() {
    let Some(mut lab) = Lab::open() else { return };
    let subject = lab.subject();
    let session = lab.session_table();
    insert(&mut lab, &subject, vec![vec![int(1), text("x")]]).unwrap();
    insert(&mut lab, &session, vec![vec![int(1), int(1)]]).unwrap();
    let rows = vec![vec![int(1), int(1)], vec![int(2), int(5)]];
    let error = insert_mode(&mut lab, &session, rows, InsertMode::SkipDuplicates).unwrap_err();
    assert!(
        matches!(&error, DbError::ForeignKey { row: Some(1), detail, .. } if detail.contains("has no row (5)")),
        "{error}"
    );
}
