//! A connection in a forked process.
#![cfg(unix)]

use lapjoint_db::{Adapter, DbError, Intent, TransactionMode};

use crate::common::{Lab, count, insert, row};

/// Runs `work` in a forked process; tells whether it came to its end and returned true.
pub fn in_child(work: impl FnOnce() -> bool) -> bool {
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
    assert!(in_child(|| {
        insert(&mut lab.db, &def, vec![row(1, "child")]).unwrap();
        let own = lab.db.session().to_owned();
        own != session
            && lab.db.is_session_alive(&session).unwrap()
            && lab.another().is_session_alive(&own).unwrap()
    }));
    assert_eq!(lab.session(), session);
    assert_eq!(count(&mut lab.db, &def.id), 1);
    insert(&mut lab.db, &def, vec![row(2, "parent")]).unwrap();
}

#[test]
fn the_parent_goes_on_after_its_child_has_closed_and_dropped() {
    let Some(mut lab) = Lab::open() else { return };
    let def = lab.subject();
    let mut here = Some(lab);
    assert!(in_child(|| {
        let mut lab = here.take().unwrap();
        lab.close();
        drop(lab);
        true
    }));
    lab = here.unwrap();
    insert(&mut lab.db, &def, vec![row(1, "parent")]).unwrap();
    let session = lab.session().to_owned();
    assert!(lab.another().is_session_alive(&session).unwrap());
    assert_eq!(count(&mut lab.db, &def.id), 1);
}

#[test]
fn a_transaction_stays_with_the_process_that_opened_it() {
    let Some(mut lab) = Lab::open() else { return };
    let def = lab.subject();
    lab.begin(TransactionMode::Write).unwrap();
    insert(&mut lab.db, &def, vec![row(1, "parent")]).unwrap();
    assert!(in_child(|| {
        let refused = |result: Result<(), DbError>| matches!(result, Err(DbError::Transaction(_)));
        let before = lab.in_transaction() && refused(lab.commit()) && refused(lab.create_table(&def));
        lab.rollback().unwrap();
        before && !lab.in_transaction() && count(&mut lab.db, &def.id) == 0
    }));
    lab.commit().unwrap();
    assert_eq!(count(&mut lab.db, &def.id), 1);
}

#[test]
fn records_of_unfinished_work_go_through_a_connection_of_the_child() {
    let Some(lab) = Lab::open() else { return };
    let intent = |id: &str, session: &str| Intent {
        id: id.into(),
        session: session.into(),
        schema: lab.schema.clone(),
        objects: Vec::new(),
    };
    lab.intents().write(&intent("parent", lab.session())).unwrap();
    assert!(in_child(|| {
        lab.intents().write(&intent("child", lab.session())).unwrap();
        // The record was written before the connection itself is used, and its session is not taken for dead.
        lab.another().is_session_alive(lab.session()).unwrap()
    }));
    let listed = lab.intents().list(&lab.schema).unwrap();
    assert_eq!(listed.iter().map(|intent| intent.id.as_str()).collect::<Vec<_>>(), ["child", "parent"]);
    assert!(!lab.another().is_session_alive(&listed[0].session).unwrap());
    assert!(lab.another().is_session_alive(&listed[1].session).unwrap());
}
