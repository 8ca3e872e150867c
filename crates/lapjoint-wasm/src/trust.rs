//! Which modules that come with data may run.
//!
//! A module that was installed (registered, or in a plugin folder) always runs. One that a value names runs only if its SHA-256
//! is in the setting `codecs.trusted_wasm`, or was allowed in this process.

use std::collections::BTreeSet;
use std::sync::{PoisonError, RwLock};

use lapjoint_store::Config;

use crate::error::WasmError;

static ALLOWED: RwLock<BTreeSet<String>> = RwLock::new(BTreeSet::new());

/// Allows the module of a SHA-256 (64 hexadecimal digits) in this process.
///
/// ```
/// let hash = "0d3c4f6e2b1a00000000000000000000000000000000000000000000000000aa";
/// lapjoint_wasm::trust::allow(hash)?;
/// assert!(lapjoint_wasm::trust::allowed().contains(&hash.to_string()));
/// assert!(lapjoint_wasm::trust::allow("latest").is_err());
/// lapjoint_wasm::trust::revoke(hash);
/// # Ok::<(), lapjoint_wasm::WasmError>(())
/// ```
///
/// # Errors
/// [`WasmError::NotAHash`].
pub fn allow(sha256: &str) -> Result<(), WasmError> {
    let sha256 = hash(sha256).ok_or_else(|| WasmError::NotAHash(sha256.to_owned()))?;
    ALLOWED.write().unwrap_or_else(PoisonError::into_inner).insert(sha256);
    Ok(())
}

/// Takes the permission back; whether there was one.
pub fn revoke(sha256: &str) -> bool {
    let Some(sha256) = hash(sha256) else { return false };
    ALLOWED.write().unwrap_or_else(PoisonError::into_inner).remove(&sha256)
}

/// The modules that were allowed in this process.
#[must_use]
pub fn allowed() -> Vec<String> {
    ALLOWED.read().unwrap_or_else(PoisonError::into_inner).iter().cloned().collect()
}

/// Whether a module may run, by the setting or by a permission.
#[must_use]
pub fn is_trusted(sha256: &str, config: &Config) -> bool {
    let listed = config.get("codecs.trusted_wasm");
    let is_listed = listed.as_ref().and_then(|list| list.as_array()).is_some_and(|list| {
        list.iter().any(|item| item.as_str().and_then(hash).is_some_and(|item| item == sha256))
    });
    is_listed || ALLOWED.read().unwrap_or_else(PoisonError::into_inner).contains(sha256)
}

/// A hash as it is written here, if it is one.
pub(crate) fn hash(text: &str) -> Option<String> {
    let text = text.trim();
    let is_hash = text.len() == 64 && text.bytes().all(|digit| digit.is_ascii_hexdigit());
    is_hash.then(|| text.to_ascii_lowercase())
}
