//! The SQLite adapter through its public contract.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a failed unwrap or a panic here is a failed test")]

mod common;
mod concurrency;
mod ddl;
mod foreign_keys;
mod fork;
mod hostile;
mod insert;
mod other_programs;
mod queries;
mod schemas;
mod sessions;
mod types;
