//! The host of WebAssembly codecs: what a good module does, and what no module can do.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test that fails to set itself up has failed")]

mod codecs;
mod common;
mod embedded;
mod folders;
mod hostile;
mod limits;
mod mutants;
