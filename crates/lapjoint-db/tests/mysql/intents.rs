//! Records of unfinished work.

use lapjoint_db::{Adapter, DbError, IntendedObject, Intent, TransactionMode};

use crate::common::{Lab, column, insert, int};

fn intent(lab: &Lab, id: &str) -> Intent {
    Intent {
        id: id.into(),
        session: lab.session().to_owned(),
        schema: lab.schema.clone(),
        objects: vec![IntendedObject {
            store: "main".into(),
            path: "_schema/é😀 \"x\"\\.npy".into(),
            is_dir: false,
            hash_addressed: true,
        }],
    }
}

#[test]
fn records_stand_whatever_becomes_of_the_transaction() {
    let Some(mut lab) = Lab::open() else { return };
    let log = lab.intents();
    let (first, second) = (intent(&lab, "i1"), intent(&lab, "i2"));
    assert!(log.list(&lab.schema).unwrap().is_empty());
    log.remove(&lab.schema, "i1").unwrap();
    assert!(!log.claim(&first, "x").unwrap());
    lab.begin(TransactionMode::Write).unwrap();
    log.write(&first).unwrap();
    let longer = Intent { objects: vec![first.objects[0].clone(); 3], ..second.clone() };
    log.write(&second).unwrap();
    log.write(&longer).unwrap();
    lab.rollback().unwrap();
    assert_eq!(log.list(&lab.schema).unwrap(), [first, longer]);
    log.remove(&lab.schema, "i1").unwrap();
    log.remove(&lab.schema, "").unwrap();
    assert_eq!(log.list(&lab.schema).unwrap().len(), 1);
    let mut elsewhere = Intent { schema: "lapjoint_none".into(), ..second };
    assert!(log.list("lapjoint_none").unwrap().is_empty());
    assert!(log.write(&elsewhere).is_err());
    elsewhere.schema = "x`y".into();
    assert!(log.list(&elsewhere.schema).unwrap().is_empty());
}

#[test]
fn a_record_is_claimed_once_and_not_while_it_is_held() {
    let Some(mut lab) = Lab::open() else { return };
    let log = lab.intents();
    let record = intent(&lab, "i1");
    log.write(&record).unwrap();
    assert!(log.claim(&record, "b").unwrap());
    // The record tells whose it is now.
    let claimed = log.list(&lab.schema).unwrap().remove(0);
    assert_eq!(claimed.session, "b");
    assert!(!log.claim(&record, "c").unwrap());
    lab.begin(TransactionMode::Write).unwrap();
    assert!(!lab.hold_intent(&record).unwrap());
    lab.rollback().unwrap();
    log.write(&record).unwrap();
    let other = lab.other();
    lab.begin(TransactionMode::User).unwrap();
    assert!(lab.hold_intent(&record).unwrap());
    let claiming = std::thread::spawn({
        let (log, record) = (other.intents(), record.clone());
        move || log.claim(&record, "d")
    });
    std::thread::sleep(std::time::Duration::from_millis(200));
    assert!(!claiming.is_finished());
    lab.commit().unwrap();
    assert!(claiming.join().unwrap().unwrap());
    lab.begin(TransactionMode::Write).unwrap();
    assert!(!lab.hold_intent(&record).unwrap());
    assert!(!lab.hold_intent(&Intent { schema: "lapjoint_none".into(), ..record }).unwrap());
    lab.rollback().unwrap();
    let outside = intent(&lab, "x");
    assert!(matches!(lab.hold_intent(&outside), Err(DbError::Transaction(_))));
}

#[test]
fn shared_objects_are_kept_by_many_and_removed_by_one() {
    let Some(mut lab) = Lab::open() else { return };
    let schema = lab.schema.clone();
    let def = lab.table("t", vec![column("id", "int32")]);
    lab.create_table(&def).unwrap();
    let mut other = lab.other();
    lab.begin(TransactionMode::Write).unwrap();
    // The schema has no table of records yet.
    lab.lock_objects(&schema, false).unwrap();
    other.begin(TransactionMode::Write).unwrap();
    other.lock_objects(&schema, false).unwrap();
    other.commit().unwrap();
    insert(&mut lab, &def, vec![vec![int(1)]]).unwrap();
    let removing = std::thread::spawn({
        let (schema, def) = (schema.clone(), def.clone());
        move || {
            other.begin(TransactionMode::Write).unwrap();
            other.lock_objects(&schema, true).unwrap();
            let seen = crate::common::count(&mut other, &def.id);
            other.rollback().unwrap();
            seen
        }
    });
    std::thread::sleep(std::time::Duration::from_millis(200));
    assert!(!removing.is_finished());
    lab.commit().unwrap();
    assert_eq!(removing.join().unwrap(), 1);
    lab.run("DELETE FROM `{}`.`~intent`");
    lab.begin(TransactionMode::Write).unwrap();
    lab.lock_objects(&schema, true).unwrap();
    lab.rollback().unwrap();
    assert!(lab.intents().list(&schema).unwrap().is_empty());
    assert!(matches!(lab.lock_objects(&schema, true), Err(DbError::Transaction(_))));
}
