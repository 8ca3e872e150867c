//! What can go wrong with a module.

use std::path::PathBuf;

use lapjoint_codec::CodecError;
use lapjoint_store::StoreError;

/// An error of a WebAssembly module or of its loading.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum WasmError {
    /// A file cannot be read.
    #[error("{}: {source}", path.display())]
    Io {
        /// File or folder.
        path: PathBuf,
        /// Cause.
        source: std::io::Error,
    },
    /// The bytes are no module, or one with features that are not supported.
    #[error("{origin} is no WebAssembly module that can run here: {reason}")]
    Invalid {
        /// Where the module is from.
        origin: String,
        /// Why not.
        reason: String,
    },
    /// The module is larger than the limit.
    #[error(
        "{origin} has {actual_bytes} bytes; a module may have {max_bytes}. Build it in release mode and strip it, or raise \
         the limit (Limits::module_bytes)"
    )]
    TooLarge {
        /// Where the module is from.
        origin: String,
        /// Size.
        actual_bytes: u64,
        /// Limit.
        max_bytes: u64,
    },
    /// The module asks for something from outside.
    #[error(
        "{origin} imports {import}: a codec's module may import nothing. Build it without WASI, JavaScript glue or a runtime"
    )]
    Import {
        /// Where the module is from.
        origin: String,
        /// Module and name of the import.
        import: String,
    },
    /// An export of the ABI is missing or of another type.
    #[error("{origin} must export {expected}: see docs/wasm-abi.md")]
    Export {
        /// Where the module is from.
        origin: String,
        /// What the ABI asks for.
        expected: String,
    },
    /// The module follows another version of the ABI.
    #[error(
        "{origin} follows version {actual} of the ABI, and this Lapjoint version {expected}: update the older of them"
    )]
    Abi {
        /// Where the module is from.
        origin: String,
        /// The module's version.
        actual: i32,
        /// The host's version.
        expected: i32,
    },
    /// What `dj_describe` gives is not a description.
    #[error("{origin}: its description {reason}")]
    Description {
        /// Where the module is from.
        origin: String,
        /// What is wrong.
        reason: String,
    },
    /// The module stopped at an instruction that cannot be executed, or ran out of stack.
    #[error("{function} of {origin} was stopped: {trap}. The module has a fault, or the value is damaged")]
    Trap {
        /// Where the module is from.
        origin: String,
        /// Export that was called.
        function: String,
        /// What happened.
        trap: String,
    },
    /// The call took longer than the deadline.
    #[error(
        "{function} of {origin} took longer than {seconds} s and was stopped. If the value is that large, raise \
         codecs.wasm_seconds"
    )]
    Deadline {
        /// Where the module is from.
        origin: String,
        /// Export that was called.
        function: String,
        /// The deadline.
        seconds: f64,
    },
    /// The call used more instructions than its fuel allows.
    #[error("{function} of {origin} used up its fuel of {fuel} and was stopped")]
    Fuel {
        /// Where the module is from.
        origin: String,
        /// Export that was called.
        function: String,
        /// The limit.
        fuel: u64,
    },
    /// The module asked for more memory than it may have.
    #[error(
        "{function} of {origin} asked for {wanted_bytes} bytes of memory and may have {max_bytes}. If the value is that large, \
         raise codecs.wasm_memory_mb (at most 4095)"
    )]
    Memory {
        /// Where the module is from.
        origin: String,
        /// Export that was called.
        function: String,
        /// Bytes asked for.
        wanted_bytes: u64,
        /// The limit.
        max_bytes: u64,
    },
    /// The module gave an address that is not in its memory.
    #[error(
        "{function} of {origin} gave {length_bytes} bytes at {address}, outside of its memory of {memory_bytes} bytes"
    )]
    Region {
        /// Where the module is from.
        origin: String,
        /// Export that was called.
        function: String,
        /// Address.
        address: u64,
        /// Length.
        length_bytes: u64,
        /// Size of the memory.
        memory_bytes: u64,
    },
    /// The module has no memory for its input.
    #[error("{origin} has no room for a value of {length_bytes} bytes (dj_alloc gave {address})")]
    NoRoom {
        /// Where the module is from.
        origin: String,
        /// What `dj_alloc` gave.
        address: u64,
        /// Bytes asked for.
        length_bytes: u64,
    },
    /// The caller asked to stop.
    #[error("stopped, as asked for")]
    Stopped,
    /// The module refused the value; the text is its own.
    #[error("{0}")]
    Refused(String),
    /// The engine could not make an instance for another reason.
    #[error("{origin} cannot be started: {reason}")]
    Start {
        /// Where the module is from.
        origin: String,
        /// Why not.
        reason: String,
    },
    /// The module that a value carries is not trusted.
    #[error(
        "this value was written by codec <{codec}>, which is not installed. The value carries its decoder, a WebAssembly module \
         with SHA-256 {sha256} at {path} in store '{store}'. Install the codec, or, if you trust who wrote the data, allow the \
         module: add \"{sha256}\" to the setting codecs.trusted_wasm, or call dj.codecs.trust_wasm(\"{sha256}\")"
    )]
    Untrusted {
        /// Codec that wrote the value.
        codec: String,
        /// The module's hash.
        sha256: String,
        /// Its store.
        store: String,
        /// Its path.
        path: String,
    },
    /// What lies where a decoder should is something else.
    #[error(
        "the decoder at {path} in store '{store}' has SHA-256 {actual}, and the value names {expected}: the object was changed; \
         it was not run"
    )]
    Changed {
        /// Its store.
        store: String,
        /// Its path.
        path: String,
        /// Hash on record.
        expected: String,
        /// Hash of what lies there.
        actual: String,
    },
    /// A text that is no SHA-256.
    #[error("{0:?} is no SHA-256: 64 hexadecimal digits")]
    NotAHash(String),
}

impl WasmError {
    /// As the error of a codec.
    pub(crate) fn of(self, codec: &str) -> CodecError {
        if matches!(self, Self::Stopped) {
            return CodecError::Store(StoreError::Cancelled { objects_done: 0, objects_total: 1 });
        }
        CodecError::Foreign { codec: codec.to_owned(), source: Box::new(self) }
    }
}
