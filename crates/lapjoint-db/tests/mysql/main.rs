//! The MySQL adapter on a real server, named by `LAPJOINT_TEST_MYSQL` (`mysql://root@127.0.0.1:3306`): what only MySQL and
//! MariaDB do. What all adapters do alike is in `tests/adapters`.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a failed unwrap or a panic here is a failed test")]

mod alter;
mod common;
mod connecting;
mod datajoint;
mod ddl;
mod duplicates;
mod fork;
mod insert;
mod intents;
mod lost;
mod queries;
mod transactions;
mod types;
