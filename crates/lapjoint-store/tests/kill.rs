//! A writer is killed again and again: every object that is there is whole, and nothing else is left for long.
#![expect(clippy::unwrap_used, reason = "a failed unwrap in a test is a failed test")]

use std::process::{Command, Stdio};
use std::time::Duration;

use lapjoint_store::path::STAGING_FOLDER;
use lapjoint_store::{PutMode, Store, StoreSpec};

const PLACE: &str = "LAPJOINT_TEST_KILL_PLACE";
const OBJECT_BYTES: usize = 3 << 20;
const ROUNDS: u64 = 15;

fn open(place: &str) -> Store {
    Store::open(StoreSpec::file("main", place)).unwrap()
}

/// Not a test of its own: the process that is killed.
#[test]
#[ignore = "started by writes_survive_being_killed"]
fn victim() {
    let store = open(&std::env::var(PLACE).unwrap());
    for number in 0_u64.. {
        let content = vec![u8::try_from(number % 251).unwrap(); OBJECT_BYTES];
        let path = format!("deep/{}/{number}-{}", number % 3, std::process::id());
        if number % 2 == 0 {
            store.put(&path, content, PutMode::Create).unwrap();
        } else {
            let mut writer = store.writer(&path, PutMode::Overwrite).unwrap();
            content.chunks(100_000).for_each(|piece| writer.push(piece).unwrap());
            writer.finish().unwrap();
        }
    }
}

#[test]
fn writes_survive_being_killed() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path().to_str().unwrap());
    let mut left_in_staging = 0;
    for round in 0..ROUNDS {
        let before = store.list("").unwrap().len();
        let mut victim = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "victim", "--ignored"])
            .env(PLACE, dir.path())
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        while store.list("").unwrap().len() == before {
            assert!(victim.try_wait().unwrap().is_none(), "the writer ended by itself");
            std::thread::sleep(Duration::from_millis(1));
        }
        std::thread::sleep(Duration::from_micros(round * 1700));
        victim.kill().unwrap();
        victim.wait().unwrap();
        let staging = dir.path().join(STAGING_FOLDER);
        left_in_staging += std::fs::read_dir(&staging).unwrap().count();
        store.clean_staging(Duration::ZERO).unwrap();
        assert_eq!(std::fs::read_dir(&staging).unwrap().count(), 0);
        for object in store.list("").unwrap() {
            let content = store.get(&object.path).unwrap();
            assert_eq!(content.len(), OBJECT_BYTES, "{} is partial", object.path);
            assert!(content.iter().all(|byte| byte == &content[0]), "{} is mixed", object.path);
            store.delete(&object.path).unwrap();
        }
    }
    assert!(left_in_staging > 0, "no kill hit a write under way, so this test showed nothing");
}
