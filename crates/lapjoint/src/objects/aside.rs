//! Objects that were put aside, where nothing finds them, before they are deleted for good.
//!
//! Writers of other programs take no locks: one may have found a hash-addressed object in place, and commit a row that
//! refers to it after it was looked for the last time. Put aside it can be brought back.

use lapjoint_store::{Store, StoreError, Stores};

use super::layout::ASIDE_FOLDER;

/// Where an object of a schema lies when it is put aside.
pub(super) fn aside_path(schema: &str, path: &str) -> String {
    format!("{ASIDE_FOLDER}/{schema}/{path}")
}

/// What [`settle`] found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Settled {
    /// It is aside no longer: somebody has stored the object again, or it was never moved, or is gone.
    Obsolete,
    /// It was brought back.
    Restored,
    /// It was deleted for good.
    Deleted,
    /// It stays aside.
    Stays,
}

/// Brings an object back when it is `wanted`, or deletes it for good when it is `due`.
pub(super) fn settle(
    store: &Store,
    schema: &str,
    path: &str,
    wanted: bool,
    due: bool,
) -> Result<Settled, StoreError> {
    let aside = aside_path(schema, path);
    let Some(kept) = store.head(&aside)? else { return Ok(Settled::Obsolete) };
    if let Some(present) = store.head(path)? {
        if present.size_bytes != kept.size_bytes {
            // One of the two is damaged, and nobody here knows which.
            return Err(StoreError::SizeMismatch {
                store: store.name().to_owned(),
                path: path.to_owned(),
                expected_bytes: kept.size_bytes,
                actual_bytes: present.size_bytes,
            });
        }
        store.delete(&aside)?;
        return Ok(Settled::Obsolete);
    }
    if wanted {
        store.rename(&aside, path)?;
        return Ok(Settled::Restored);
    }
    if due {
        store.delete(&aside)?;
        return Ok(Settled::Deleted);
    }
    Ok(Settled::Stays)
}

/// Brings an object back that an insert has found in place and misses now; false when it is not aside.
pub(crate) fn bring_back(stores: &Stores, schema: &str, store: &str, path: &str) -> Result<bool, StoreError> {
    match stores.get(Some(store))?.rename(&aside_path(schema, path), path) {
        Ok(()) => Ok(true),
        Err(error) if error.is_not_found() => Ok(false),
        Err(error) => Err(error),
    }
}
