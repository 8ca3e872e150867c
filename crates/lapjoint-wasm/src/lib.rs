//! Codecs in WebAssembly.
//!
//! A module that follows the ABI of `docs/wasm-abi.md` becomes a [`WasmCodec`], which is a codec as any other: a name in the
//! same registry, chains, both places. The module is given nothing but the bytes of one value at a time, in memory of its own,
//! for a limited time ([`Limits`]). Whatever it does, its host gets a value or an error.
//!
//! ```
//! # use lapjoint_wasm::WasmCodec;
//! let error = WasmCodec::from_bytes(b"not a module").unwrap_err().to_string();
//! assert!(error.contains("is no WebAssembly module"), "{error}");
//! ```
//!
//! Only this crate names the WebAssembly engine.

mod call;
mod codec;
mod describe;
mod embed;
mod engine;
mod envelope;
mod error;
mod finder;
pub mod folder;
mod limits;
mod module;
mod stand_in;
mod ticker;
pub mod trust;
mod wire;

pub use codec::{LoadOptions, WasmCodec};
pub use describe::{Description, Form};
pub use error::WasmError;
pub use finder::{install, stand_in_for};
pub use limits::Limits;

/// Version of the ABI that this host speaks.
pub const ABI_VERSION: i32 = 1;
