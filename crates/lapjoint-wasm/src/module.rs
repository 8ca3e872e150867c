//! Modules: checked against the ABI, compiled once a process.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use data_encoding::HEXLOWER;
use sha2::{Digest, Sha256};
use wasmtime::{Engine, ExternType, InstancePre, Linker, ValType};

use crate::call::State;
use crate::engine::engine;
use crate::error::WasmError;
use crate::limits::Limits;

/// A compiled module.
pub(crate) struct Module {
    /// Where it is from, for messages.
    pub origin: String,
    /// SHA-256 of its bytes, in hexadecimal.
    pub sha256: String,
    pub engine: &'static Engine,
    pub instances: InstancePre<State>,
}

/// SHA-256 in hexadecimal.
pub(crate) fn sha256(bytes: &[u8]) -> String {
    HEXLOWER.encode(&Sha256::digest(bytes))
}

type Key = (String, bool);

/// Compiled modules that some codec still has.
static COMPILED: Mutex<Option<HashMap<Key, Weak<Module>>>> = Mutex::new(None);

/// The functions of the ABI: name, parameters and results, all of 32 bits but the last, a region, of 64.
const FUNCTIONS: [(&str, usize, Option<ValType>); 6] = [
    ("dj_abi_version", 0, Some(ValType::I32)),
    ("dj_alloc", 1, Some(ValType::I32)),
    ("dj_describe", 0, Some(ValType::I64)),
    ("dj_encode", 2, Some(ValType::I64)),
    ("dj_decode", 2, Some(ValType::I64)),
    ("dj_error", 0, Some(ValType::I64)),
];

impl Module {
    /// Compiles a module, or finds it compiled.
    pub fn new(bytes: &[u8], origin: &str, limits: &Limits) -> Result<Arc<Self>, WasmError> {
        if bytes.len() > limits.module_bytes {
            return Err(WasmError::TooLarge {
                origin: origin.to_owned(),
                actual_bytes: bytes.len() as u64,
                max_bytes: limits.module_bytes as u64,
            });
        }
        let key = (sha256(bytes), limits.fuel.is_some());
        let mut compiled = COMPILED.lock().unwrap_or_else(PoisonError::into_inner);
        let known = compiled.get_or_insert_default();
        if let Some(module) = known.get(&key).and_then(Weak::upgrade) {
            return Ok(module);
        }
        let module = Arc::new(Self::compile(bytes, origin, &key.0, key.1)?);
        known.retain(|_, module| module.strong_count() > 0);
        known.insert(key, Arc::downgrade(&module));
        Ok(module)
    }

    fn compile(bytes: &[u8], origin: &str, sha256: &str, fuel: bool) -> Result<Self, WasmError> {
        let invalid = |reason: String| WasmError::Invalid { origin: origin.to_owned(), reason };
        let engine = engine(fuel).map_err(invalid)?;
        // Only the binary form: the engine's text format would be another way in.
        if !bytes.starts_with(b"\0asm") {
            return Err(invalid("it does not begin with the letters of one".into()));
        }
        let module =
            wasmtime::Module::from_binary(engine, bytes).map_err(|error| invalid(format!("{error:#}")))?;
        if let Some(import) = module.imports().next() {
            let import = format!("`{}` of `{}`", import.name(), import.module());
            return Err(WasmError::Import { origin: origin.to_owned(), import });
        }
        let wanted = |expected: String| WasmError::Export { origin: origin.to_owned(), expected };
        if !matches!(module.get_export("memory"), Some(ExternType::Memory(_))) {
            return Err(wanted("a memory named `memory`".into()));
        }
        for (name, parameters, result) in FUNCTIONS {
            let fits = match module.get_export(name) {
                Some(ExternType::Func(ty)) => {
                    ty.params().len() == parameters
                        && ty.params().all(|ty| ty.is_i32())
                        && ty.results().len() == usize::from(result.is_some())
                        && ty.results().all(|ty| match &result {
                            Some(ValType::I64) => ty.is_i64(),
                            _ => ty.is_i32(),
                        })
                }
                _ => false,
            };
            if !fits {
                let parameters = vec!["i32"; parameters].join(", ");
                let result = if matches!(result, Some(ValType::I64)) { "i64" } else { "i32" };
                return Err(wanted(format!("a function {name}({parameters}) -> {result}")));
            }
        }
        let instances = Linker::new(engine)
            .instantiate_pre(&module)
            .map_err(|error| WasmError::Start { origin: origin.to_owned(), reason: format!("{error:#}") })?;
        Ok(Self { origin: origin.to_owned(), sha256: sha256.to_owned(), engine, instances })
    }
}

impl fmt::Debug for Module {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Module")
            .field("origin", &self.origin)
            .field("sha256", &self.sha256)
            .finish_non_exhaustive()
    }
}
