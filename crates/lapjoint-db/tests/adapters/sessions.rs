//! Sessions and records of unfinished work.

use lapjoint_db::{Adapter, IntendedObject, Intent, TransactionMode};

use crate::backend::{Backend, Db};

on_every_database!(
    others_see_whether_a_session_is_alive,
    intents_are_shared_between_sessions,
    an_intent_is_held_by_the_transaction_of_its_session,
    a_schema_without_records_has_none,
    an_adapter_may_move_to_another_thread,
);

fn intent(db: &Db, id: &str) -> Intent {
    Intent {
        id: id.into(),
        session: db.session().to_owned(),
        schema: db.schema.clone(),
        objects: vec![IntendedObject {
            store: "main".into(),
            path: "_schema/lab/é \"x\" \\ %s '.npy".into(),
            is_dir: false,
            hash_addressed: true,
        }],
    }
}

fn others_see_whether_a_session_is_alive(db: &mut Db) {
    let other = db.another();
    let id = other.session().to_owned();
    assert_eq!(other.session(), id);
    assert_ne!(db.session(), id);
    assert!(db.is_session_alive(&id).unwrap());
    let own = db.session().to_owned();
    assert!(db.is_session_alive(&own).unwrap());
    drop(other);
    assert!(!db.is_session_alive(&id).unwrap());
    assert!(!db.is_session_alive("no session").unwrap());
    assert!(!db.is_session_alive("").unwrap());
}

fn intents_are_shared_between_sessions(db: &mut Db) {
    let other = db.another();
    let (first, second) = (intent(db, "i1"), intent(db, "i2"));
    db.intents().write(&first).unwrap();
    db.intents().write(&first).unwrap();
    db.intents().write(&second).unwrap();
    let mut longer = second.clone();
    longer.objects.extend(first.objects.clone());
    db.intents().write(&longer).unwrap();
    let mut listed = other.intents().list(&db.schema).unwrap();
    listed.sort_by(|a, b| a.id.cmp(&b.id));
    assert_eq!(listed, [first.clone(), longer.clone()]);
    other.intents().remove(&db.schema, "i1").unwrap();
    other.intents().remove(&db.schema, "i1").unwrap();
    assert_eq!(db.intents().list(&db.schema).unwrap(), std::slice::from_ref(&longer));
    assert!(other.intents().claim(&longer, other.session()).unwrap());
    db.intents().remove(&db.schema, "i2").unwrap();
    assert!(other.intents().list(&db.schema).unwrap().is_empty());
}

fn an_intent_is_held_by_the_transaction_of_its_session(db: &mut Db) {
    let intent = intent(db, "held");
    let log = db.intents();
    log.write(&intent).unwrap();
    db.begin(TransactionMode::User).unwrap();
    assert!(db.hold_intent(&intent).unwrap());
    // Its own session may finish with it before the transaction ends; MySQL makes the log wait for it.
    if db.backend != Backend::MySql {
        log.remove(&db.schema, "held").unwrap();
    }
    db.commit().unwrap();
    log.remove(&db.schema, "held").unwrap();
    if db.backend == Backend::Sqlite {
        // A session of files lives as long as its process: nobody claims what is its own.
        return;
    }
    let other = db.another();
    log.write(&intent).unwrap();
    db.begin(TransactionMode::Write).unwrap();
    assert!(db.hold_intent(&intent).unwrap());
    assert!(!matches!(other.intents().claim(&intent, other.session()), Ok(true)));
    db.commit().unwrap();
    assert!(other.intents().claim(&intent, other.session()).unwrap());
    assert!(other.intents().claim(&intent, other.session()).unwrap());
    db.begin(TransactionMode::Write).unwrap();
    assert!(!db.hold_intent(&intent).unwrap());
    db.rollback().unwrap();
    assert!(!log.claim(&intent, "another session").unwrap());
    assert_eq!(log.list(&db.schema).unwrap()[0].session, other.session());
    log.remove(&db.schema, "held").unwrap();
}

fn a_schema_without_records_has_none(db: &mut Db) {
    assert!(db.intents().list(&db.schema).unwrap().is_empty());
    assert!(db.intents().list("no_schema_of_this_name").unwrap().is_empty());
    db.intents().remove(&db.schema, "x").unwrap();
    let schema = db.schema.clone();
    assert_eq!(db.list_tables(&schema).unwrap(), Vec::<String>::new());
}

fn an_adapter_may_move_to_another_thread(db: &mut Db) {
    let mut other: Box<dyn Adapter> = db.another();
    let schemas = std::thread::spawn(move || other.list_schemas().unwrap());
    assert!(schemas.join().unwrap().contains(&db.schema));
}
