//! How much a module may use.

use std::time::Duration;

use lapjoint_store::Config;

/// Most memory that a 32-bit module can have, less one page.
const MOST_MEMORY_MB: u64 = 4095;

/// What one call of a module may use. Calls of many threads count each for itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Memory of one call, input and output included.
    pub memory_bytes: usize,
    /// Time of one call. It is looked at every 10 ms.
    pub deadline: Duration,
    /// Instructions of one call, roughly; the same module and value always use the same. Counting them slows every loop, so
    /// that by default only the time is limited.
    pub fuel: Option<u64>,
    /// Size of a module's file. Compiling is not interrupted: this is what bounds it.
    pub module_bytes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { memory_bytes: 1 << 30, deadline: Duration::from_secs(60), fuel: None, module_bytes: 4 << 20 }
    }
}

impl Limits {
    /// The settings `codecs.wasm_memory_mb` and `codecs.wasm_seconds`, with defaults for the rest.
    #[must_use]
    pub fn from_config(config: &Config) -> Self {
        let mut limits = Self::default();
        let setting =
            |key| config.integer(key).and_then(|number| u64::try_from(number).ok()).filter(|n| *n > 0);
        if let Some(bytes) = setting("codecs.wasm_memory_mb")
            .and_then(|megabytes| usize::try_from(megabytes.min(MOST_MEMORY_MB) << 20).ok())
        {
            limits.memory_bytes = bytes;
        }
        if let Some(seconds) = setting("codecs.wasm_seconds") {
            limits.deadline = Duration::from_secs(seconds);
        }
        limits
    }
}
