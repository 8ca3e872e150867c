//! Modules written as text, and values.

use std::time::Duration;

use lapjoint_wasm::{Limits, WasmCodec, WasmError};

/// Bodies of a module's functions in WebAssembly's text format; what is not given is that of a codec which stores what it is given.
pub struct Guest {
    pub description: String,
    /// Whatever else is in the module: its memory, its start function.
    pub memory: &'static str,
    pub version: &'static str,
    pub alloc: &'static str,
    pub describe: Option<&'static str>,
    pub encode: &'static str,
    pub decode: &'static str,
    pub error: &'static str,
    pub extra: String,
}

/// Address and length of the argument as a region.
pub const SAME: &str =
    "(i64.or (i64.shl (i64.extend_i32_u (local.get 0)) (i64.const 32)) (i64.extend_i32_u (local.get 1)))";

/// Takes the next bytes, and grows the memory where it must.
pub const BUMP: &str = "
    (local $at i32)
    (local.set $at (global.get $next))
    (global.set $next (i32.and (i32.add (i32.add (local.get $at) (local.get 0)) (i32.const 15)) (i32.const -16)))
    (if (i32.gt_u (global.get $next) (i32.shl (memory.size) (i32.const 16)))
      (then (if (i32.eq (i32.const -1) (memory.grow (i32.add (i32.const 1) (i32.sub
          (i32.shr_u (global.get $next) (i32.const 16)) (memory.size)))))
        (then (return (i32.const 0))))))
    (local.get $at)";

impl Guest {
    pub fn new(name: &str, more: &str) -> Self {
        Self {
            description: format!(r#"{{"name": "{name}", "version": "1.0"{more}}}"#),
            memory: r#"(memory (export "memory") 2)"#,
            version: "(i32.const 1)",
            alloc: BUMP,
            describe: None,
            encode: SAME,
            decode: SAME,
            error: "(i64.const 0)",
            extra: String::new(),
        }
    }

    pub fn text(&self) -> String {
        let Self { description, memory, version, alloc, encode, decode, error, extra, .. } = self;
        let region = format!("(i64.const {})", (1024u64 << 32) | description.len() as u64);
        let describe = self.describe.unwrap_or(&region);
        let escaped: String = description.bytes().map(|byte| format!("\\{byte:02x}")).collect();
        format!(
            r#"(module {memory}
              (global $next (mut i32) (i32.const 65536))
              (data (i32.const 1024) "{escaped}")
              (func (export "dj_abi_version") (result i32) {version})
              (func $alloc (export "dj_alloc") (param i32) (result i32) {alloc})
              (func (export "dj_describe") (result i64) {describe})
              (func (export "dj_encode") (param i32 i32) (result i64) {encode})
              (func (export "dj_decode") (param i32 i32) (result i64) {decode})
              (func (export "dj_error") (result i64) {error})
              {extra})"#
        )
    }

    pub fn bytes(&self) -> Vec<u8> {
        wat::parse_str(self.text()).unwrap()
    }

    pub fn load(&self) -> Result<WasmCodec, WasmError> {
        WasmCodec::from_bytes_with(self.bytes(), options(tight()))
    }
}

/// Limits that a test can wait for.
pub fn tight() -> Limits {
    Limits { memory_bytes: 16 << 20, deadline: Duration::from_millis(300), ..Limits::default() }
}

pub fn options(limits: Limits) -> lapjoint_wasm::LoadOptions {
    lapjoint_wasm::LoadOptions { limits: Some(limits), embed_decoder: None }
}

/// Names of the example codecs.
pub const EXAMPLES: [&str; 4] = ["delta", "lz4-delta", "runs", "xor"];

/// A module of the examples: the kept one, so that the host is tested where no compiler is, or one that was just built.
pub fn example(name: &str) -> Vec<u8> {
    let kept = concat!(env!("CARGO_MANIFEST_DIR"), "/../../examples/wasm/modules");
    let folder = std::env::var("LAPJOINT_WASM_MODULES").unwrap_or_else(|_| kept.to_owned());
    let file = std::path::Path::new(&folder).join(format!("{name}.wasm"));
    std::fs::read(&file).unwrap_or_else(|error| panic!("{}: {error}", file.display()))
}
