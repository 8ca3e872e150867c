//! Sessions and intents.

use lapjoint_db::{Adapter, Intent, SqliteAdapter};

use crate::common::{memory, open};

fn intent(db: &SqliteAdapter) -> Intent {
    Intent { id: "i1".into(), session: db.session().to_owned(), schema: "lab".into(), objects: Vec::new() }
}

#[test]
fn others_see_whether_a_session_is_alive() {
    let directory = tempfile::tempdir().unwrap();
    let a = open(directory.path());
    let mut b = open(directory.path());
    let id = a.session().to_owned();
    assert_eq!(a.session(), id);
    assert_ne!(b.session(), id);
    assert!(b.is_session_alive(&id).unwrap());
    let own = b.session().to_owned();
    assert!(b.is_session_alive(&own).unwrap());
    drop(a);
    assert!(!b.is_session_alive(&id).unwrap());
    assert!(!b.is_session_alive("no session").unwrap());
}

#[test]
fn in_memory_only_the_own_session_is_alive() {
    let (mut a, b) = (memory(), memory());
    let (own, other) = (a.session().to_owned(), b.session().to_owned());
    assert!(a.is_session_alive(&own).unwrap());
    assert!(!a.is_session_alive(&other).unwrap());
}

#[test]
fn intents_are_kept_beside_the_files_and_shared() {
    let directory = tempfile::tempdir().unwrap();
    let (a, b) = (open(directory.path()), open(directory.path()));
    let intent = intent(&a);
    a.intents().write(&intent).unwrap();
    assert_eq!(b.intents().list("lab").unwrap(), [intent]);
    assert!(directory.path().join(".lapjoint/intents/lab/i1.json").is_file());
    b.intents().remove("lab", "i1").unwrap();
    assert!(a.intents().list("lab").unwrap().is_empty());
}

#[test]
fn intents_in_memory_are_the_connections_own() {
    let (a, b) = (memory(), memory());
    a.intents().write(&intent(&a)).unwrap();
    assert_eq!(a.intents().list("lab").unwrap().len(), 1);
    assert!(b.intents().list("lab").unwrap().is_empty());
}
