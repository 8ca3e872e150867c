//! Tests of the engine on real databases and stores, in one program so that it is linked once.

#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

mod algebra;
mod algebra_cases;
#[cfg(feature = "arrow")]
mod arrow;
mod bad_input;
mod collect;
mod common;
mod crash;
mod jobs;
mod queries;
mod services;
mod tables;
mod torture;
#[cfg(feature = "wasm")]
mod wasm;
