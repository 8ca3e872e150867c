//! Stores of services. One S3 service is in this process; others are where variables say that `scripts/services` sets:
//! `LAPJOINT_TEST_S3`, `LAPJOINT_TEST_GCS`, `LAPJOINT_TEST_AZURE`, each the settings of a store as JSON.
#![expect(clippy::unwrap_used, reason = "a failed unwrap in a test is a failed test")]

mod common;
mod create;
mod credentials;
mod faults;
mod promises;
mod reads;
mod web;
