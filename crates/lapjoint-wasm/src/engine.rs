//! The compilers and their settings: one that counts time only, one that counts instructions as well.

use std::sync::OnceLock;

use wasmtime::{Config, Engine};

static TIMED: OnceLock<Result<Engine, String>> = OnceLock::new();
static FUELLED: OnceLock<Result<Engine, String>> = OnceLock::new();

/// The engine for calls with fuel, or without.
pub(crate) fn engine(fuel: bool) -> Result<&'static Engine, String> {
    let made = if fuel { &FUELLED } else { &TIMED };
    made.get_or_init(|| new(fuel)).as_ref().map_err(Clone::clone)
}

/// The engines that are in use.
pub(crate) fn all() -> Vec<Engine> {
    [&TIMED, &FUELLED].into_iter().filter_map(|made| made.get()?.as_ref().ok().cloned()).collect()
}

fn new(fuel: bool) -> Result<Engine, String> {
    let mut config = Config::new();
    config.epoch_interruption(true);
    config.consume_fuel(fuel);
    // What a codec writes must not depend on the processor: NaN has one form, and no instruction may choose.
    config.cranelift_nan_canonicalization(true);
    config.wasm_relaxed_simd(false);
    config.wasm_memory64(false);
    config.wasm_multi_memory(false);
    config.max_wasm_stack(512 << 10);
    Engine::new(&config).map_err(|error| format!("{error:#}"))
}
