//! The built-in codecs on file and memory stores: one module a codec.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a failed unwrap in a test is a failed test")]

mod attach;
mod common;
mod custom;
mod filepath;
mod hash_and_blob;
mod npy;
mod object;
mod versions;
