//! A connection in a forked process.
#![cfg(unix)]

use lapjoint_db::{Adapter, DbError, TransactionMode};

use crate::common::{count, insert, int, memory, open_lab, subject, text};

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
    let directory = tempfile::tempdir().unwrap();
    let mut db = open_lab(directory.path());
    let def = subject("lab");
    db.create_table(&def).unwrap();
    let session = db.session().to_owned();
    assert!(in_child(|| {
        insert(&mut db, &def, vec![vec![int(1), text("child")]]).unwrap();
        db.session() != session && db.is_session_alive(&session).unwrap()
    }));
    assert_eq!(db.session(), session);
    assert_eq!(count(&mut db, &def.id), 1);
}

#[test]
fn the_parent_goes_on_after_its_child_has_ended() {
    let directory = tempfile::tempdir().unwrap();
    let mut db = open_lab(directory.path());
    let def = subject("lab");
    db.create_table(&def).unwrap();
    let mut here = Some(db);
    assert!(in_child(|| {
        drop(here.take());
        true
    }));
    let mut db = here.unwrap();
    insert(&mut db, &def, vec![vec![int(1), text("parent")]]).unwrap();
    let session = db.session().to_owned();
    assert!(open_lab(directory.path()).is_session_alive(&session).unwrap());
    assert_eq!(count(&mut db, &def.id), 1);
}

#[test]
fn a_transaction_stays_with_the_process_that_opened_it() {
    let directory = tempfile::tempdir().unwrap();
    let mut db = open_lab(directory.path());
    let def = subject("lab");
    db.create_table(&def).unwrap();
    db.begin(TransactionMode::Write).unwrap();
    insert(&mut db, &def, vec![vec![int(1), text("parent")]]).unwrap();
    assert!(in_child(|| {
        let refused = |result: Result<(), DbError>| matches!(result, Err(DbError::Transaction(_)));
        let before = db.in_transaction() && refused(db.commit()) && refused(db.create_table(&def));
        db.rollback().unwrap();
        before && !db.in_transaction() && count(&mut db, &def.id) == 0
    }));
    db.commit().unwrap();
    assert_eq!(count(&mut db, &def.id), 1);
}

#[test]
fn a_database_in_memory_stays_with_its_process() {
    let mut db = memory();
    assert!(in_child(|| {
        let error = db.list_schemas().unwrap_err().to_string();
        error.contains("forked")
    }));
    assert_eq!(db.list_schemas().unwrap(), ["lab"]);
}
