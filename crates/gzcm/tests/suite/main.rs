//! Files of every version: written, read, damaged, salvaged.
#![expect(clippy::unwrap_used, reason = "a failed unwrap in a test is a failed test")]

mod common;
mod containers;
mod damage;
mod reading;
