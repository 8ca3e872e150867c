//! What only a server of PostgreSQL can show: broken connections, time-outs, encryption, tables that DataJoint made.
#![cfg(feature = "postgres")]
#![expect(clippy::unwrap_used, clippy::panic, reason = "a failed unwrap or a panic here is a failed test")]

mod common;
mod connecting;
mod datajoint;
mod encryption;
mod fork;
mod memory;
mod natives;
mod proxy;
mod reconnect;
