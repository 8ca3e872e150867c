//! A connection in a forked process.
#![cfg(unix)]

use lapjoint_db::{Adapter, DbError, TransactionMode};

use crate::common::{Lab, count, insert, int, text};

/// Runs `work` in a forked process; tells whether it came to its end and returned true.
fn in_child(work: impl FnOnce() -> bool) -> bool {
    // SAFETY: the child runs `work` and leaves without the parent's destructors; the C library makes allocation safe
    // in a child of a process with threads.
    let child = unsafe { libc::fork() };
    assert!(child >= 0);
    if child == 0 {
        let done = std::panic::catch_unwind(std::panic::AssertUnwindSafe(work));
        // SAFETY: ends the child at once.
        unsafe { libc::_exit(if matches!(done, Ok(true)) { 0 } else { 1 }) };
    }
    let mut status = 0;
    // SAFETY: `child` is a child of this process and `status` outlives the call.
    assert_eq!(unsafe { libc::waitpid(child, &raw mut status, 0) }, child);
    libc::WIFEXITED(status) && libc::WEXITSTATUS(status) == 0
}

#[test]
fn a_forked_process_goes_on_with_a_connection_of_its_own() {
    let Some(mut lab) = Lab::open() else { return };
    let def = lab.subject();
    let session = lab.session().to_owned();
    let db = &mut lab.db;
    assert!(in_child(|| {
        insert(db, &def, vec![vec![int(1), text("child")]]).unwrap();
        let own = db.session().to_owned();
        own != session && db.is_session_alive(&session).unwrap() && db.is_session_alive(&own).unwrap()
    }));
    assert_eq!(lab.session(), session);
    assert_eq!(count(&mut lab, &def.id), 1);
}

#[test]
fn the_parent_goes_on_after_its_child_has_ended() {
    let Some(mut lab) = Lab::open() else { return };
    let def = lab.subject();
    let schema = lab.schema.clone();
    lab.intents().list(&schema).unwrap();
    let mut here = Some(&mut lab.db);
    assert!(in_child(|| {
        let db = here.take().unwrap();
        db.close();
        true
    }));
    insert(&mut lab, &def, vec![vec![int(1), text("parent")]]).unwrap();
    let session = lab.session().to_owned();
    assert!(lab.other().is_session_alive(&session).unwrap());
    lab.intents().list(&schema).unwrap();
}

#[test]
fn a_transaction_stays_with_the_process_that_opened_it() {
    let Some(mut lab) = Lab::open() else { return };
    let def = lab.subject();
    lab.begin(TransactionMode::Write).unwrap();
    insert(&mut lab, &def, vec![vec![int(1), text("parent")]]).unwrap();
    let db = &mut lab.db;
    assert!(in_child(|| {
        let refused = |result: Result<(), DbError>| matches!(result, Err(DbError::Transaction(_)));
        let before = db.in_transaction() && refused(db.commit()) && refused(db.create_table(&def));
        db.rollback().unwrap();
        before && !db.in_transaction() && count(db, &def.id) == 0
    }));
    lab.commit().unwrap();
    assert_eq!(count(&mut lab, &def.id), 1);
}

#[test]
fn the_log_of_intents_has_a_connection_of_its_own_in_every_process() {
    let Some(lab) = Lab::open() else { return };
    let log = lab.intents();
    let intent = |id: &str| lapjoint_db::Intent {
        id: id.into(),
        session: "s".into(),
        schema: lab.schema.clone(),
        objects: Vec::new(),
    };
    log.write(&intent("parent")).unwrap();
    assert!(in_child(|| {
        log.write(&intent("child")).unwrap();
        log.list(&lab.schema).unwrap().len() == 2
    }));
    log.remove(&lab.schema, "child").unwrap();
    assert_eq!(log.list(&lab.schema).unwrap(), [intent("parent")]);
}
