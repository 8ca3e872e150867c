//! Connections that are lost: `KILL` from another one.

use lapjoint_db::{Adapter, DbError, MysqlAdapter, ServerOptions, TransactionMode};
use lapjoint_types::Value;

use crate::common::{Lab, count, insert, int, own, select, server, text, value};

fn id(db: &mut MysqlAdapter) -> i64 {
    match value(db, "SELECT CONNECTION_ID()") {
        Value::Int(id) => id,
        other => panic!("{other:?}"),
    }
}

/// Breaks the connection as a restart of the server or a firewall would.
fn kill(lab: &mut Lab) {
    let id = id(lab);
    let mut other = lab.other();
    other.execute(&format!("KILL {id}"), &[]).unwrap();
    let sql = format!("SELECT count(*) FROM information_schema.processlist WHERE id = {id}");
    while value(&mut other, &sql) != int(0) {
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
}

#[test]
fn a_read_outside_of_a_transaction_is_repeated() {
    let Some(mut lab) = Lab::open() else { return };
    let before = id(&mut lab);
    kill(&mut lab);
    assert_eq!(value(&mut lab, "SELECT 7"), int(7));
    assert_ne!(id(&mut lab), before);
    kill(&mut lab);
    assert!(lab.list_schemas().unwrap().contains(&lab.schema));
    kill(&mut lab);
    assert_eq!(lab.column_names("SELECT 1 AS x").unwrap(), ["x"]);
}

#[test]
fn writes_begin_anew_and_are_done_once() {
    let Some(mut lab) = Lab::open() else { return };
    let def = lab.subject();
    for number in 0..3 {
        kill(&mut lab);
        insert(&mut lab, &def, vec![vec![int(number), text("x")]]).unwrap();
        kill(&mut lab);
        assert_eq!(
            lab.run("UPDATE `{}`.`subject` SET name = concat(name, 'y')"),
            u64::try_from(number).unwrap() + 1
        );
    }
    let rows =
        select(&mut lab.db, &format!("SELECT name FROM `{}`.`subject` ORDER BY 1", lab.schema), &[own()])
            .unwrap();
    assert_eq!(rows, [[text("xy")], [text("xyy")], [text("xyyy")]]);
    kill(&mut lab);
    lab.run("CREATE TABLE `{}`.`other` (x int)");
    kill(&mut lab);
    lab.begin(TransactionMode::User).unwrap();
    lab.rollback().unwrap();
}

#[test]
fn a_transaction_is_lost_with_its_connection() {
    let Some(mut lab) = Lab::open() else { return };
    let def = lab.subject();
    for mode in [TransactionMode::Write, TransactionMode::User] {
        lab.begin(mode).unwrap();
        insert(&mut lab, &def, vec![vec![int(1), text("x")]]).unwrap();
        kill(&mut lab);
        let error = insert(&mut lab, &def, vec![vec![int(2), text("x")]]).unwrap_err();
        assert!(matches!(error, DbError::Lost { outcome_unknown: false, .. }), "{error:?}");
        assert!(!lab.in_transaction());
        assert!(matches!(lab.commit(), Err(DbError::Transaction(text)) if text.contains("rolled back")));
        assert_eq!(count(&mut lab, &def.id), 0);
        lab.begin(mode).unwrap();
        kill(&mut lab);
        assert!(matches!(select(&mut lab, "SELECT 1", &[own()]), Err(DbError::Lost { .. })));
        lab.rollback().unwrap();
        assert!(matches!(lab.rollback(), Err(DbError::Transaction(_))));
    }
}

#[test]
fn a_connection_lost_at_the_commit_leaves_the_outcome_open() {
    let Some(mut lab) = Lab::open() else { return };
    let def = lab.subject();
    lab.begin(TransactionMode::Write).unwrap();
    insert(&mut lab, &def, vec![vec![int(1), text("x")]]).unwrap();
    kill(&mut lab);
    let error = lab.commit().unwrap_err();
    assert!(matches!(error, DbError::Lost { outcome_unknown: true, .. }), "{error:?}");
    assert!(!lab.in_transaction());
    assert_eq!(count(&mut lab, &def.id), 0);
}

#[test]
fn without_reconnecting_a_lost_connection_stays_lost() {
    let Some(mut lab) = Lab::open() else { return };
    let options = ServerOptions { reconnect: false, ..server().unwrap() };
    lab.db = MysqlAdapter::open(&options).unwrap();
    kill(&mut lab);
    for _ in 0..2 {
        assert!(matches!(select(&mut lab, "SELECT 1", &[own()]), Err(DbError::Lost { .. })));
    }
    lab.db = MysqlAdapter::open(&server().unwrap()).unwrap();
}

#[test]
fn a_session_is_alive_again_after_its_connection_came_back() {
    let Some(mut lab) = Lab::open() else { return };
    let session = lab.session().to_owned();
    let mut other = lab.other();
    assert!(other.is_session_alive(&session).unwrap());
    kill(&mut lab);
    assert!(!other.is_session_alive(&session).unwrap());
    assert_eq!(value(&mut lab, "SELECT 1"), int(1));
    assert_eq!(lab.session(), session);
    assert!(other.is_session_alive(&session).unwrap());
    let own = other.session().to_owned();
    assert!(other.is_session_alive(&own).unwrap() && lab.is_session_alive(&own).unwrap());
    other.close();
    assert!(matches!(other.list_schemas(), Err(DbError::Transaction(_))));
    while lab.is_session_alive(&own).unwrap() {
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    assert!(!lab.is_session_alive("'; DROP").unwrap());
}
