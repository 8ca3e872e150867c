//! What a codec is told about the value at hand, and the only way by which it reaches a store.

use std::path::Path;
use std::sync::atomic::AtomicBool;

use lapjoint_store::{Addressing, Payload, PendingObject, Store, Stores, addressing};
use lapjoint_types::Value;

use crate::codec::Place;
use crate::error::CodecError;

/// The cell that a value belongs to.
#[derive(Debug, Clone, Copy)]
pub struct Site<'a> {
    /// Schema name.
    pub schema: &'a str,
    /// SQL table name, with its tier prefix.
    pub table: &'a str,
    /// Attribute name.
    pub field: &'a str,
    /// Primary key of the row, in heading order; empty when it is not known.
    pub key: &'a [(String, Value)],
}

/// Context of an encode: the cell, the store, and the objects staged so far.
#[derive(Debug)]
pub struct EncodeContext<'a> {
    /// The cell.
    pub site: Site<'a>,
    /// Configured stores.
    pub stores: &'a Stores,
    /// Store asked for by the type spec: `None` for the default store.
    pub store_name: Option<&'a str>,
    /// Where the codec is asked to keep its value.
    pub place: Place,
    /// Token for schema-addressed paths, in place of a random one. For reproducible tests only.
    pub token: Option<&'a str>,
    /// Becomes true when the caller asks to stop; long work looks at it.
    pub stop: Option<&'a AtomicBool>,
    /// Version of the stored form that is asked for: one of [`writes_versions`](crate::Codec::writes_versions). `None` for
    /// the usual one.
    pub version: Option<&'a str>,
    staged: Vec<PendingObject>,
}

impl<'a> EncodeContext<'a> {
    /// A context for one cell, with nothing staged.
    #[must_use]
    pub const fn new(site: Site<'a>, stores: &'a Stores) -> Self {
        Self {
            site,
            stores,
            store_name: None,
            place: Place::Inline,
            token: None,
            stop: None,
            version: None,
            staged: Vec::new(),
        }
    }

    /// The store that the value goes to.
    ///
    /// # Errors
    /// [`CodecError::Store`] when it is not configured.
    pub fn store(&self) -> Result<Store, CodecError> {
        Ok(self.stores.get(self.store_name)?)
    }

    /// A fresh schema-addressed path for this cell in its store, ending in `extension` (with its dot, or empty).
    ///
    /// # Errors
    /// [`CodecError::Store`] when the store is not configured or a key value cannot stand in a path.
    pub fn schema_path(&self, extension: &str) -> Result<String, CodecError> {
        let store = self.store()?;
        let token = match self.token {
            Some(token) => token.to_owned(),
            None => addressing::token(store.spec().token_length),
        };
        let Site { schema, table, field, key } = self.site;
        Ok(addressing::schema_path(store.spec(), schema, table, key, field, &token, extension)?)
    }

    /// Stages an object for upload under `path` of the value's store.
    ///
    /// # Errors
    /// [`CodecError::Store`] when the store is not configured.
    pub fn stage(&mut self, path: &str, payload: Payload, addressing: Addressing) -> Result<(), CodecError> {
        let store = self.store()?.name().to_owned();
        self.staged.push(PendingObject { store, path: path.to_owned(), payload, addressing });
        Ok(())
    }

    /// Stages an object that a codec of the host language wants in a store by name, which may be another than the value's.
    pub fn stage_in(&mut self, store: String, path: String, payload: Payload, addressing: Addressing) {
        self.staged.push(PendingObject { store, path, payload, addressing });
    }

    /// Takes over what a codec staged in a context of its own.
    pub(crate) fn adopt(&mut self, mut inner: EncodeContext<'_>) {
        self.staged.append(&mut inner.staged);
    }

    /// Takes the objects staged so far.
    #[must_use]
    pub fn take_staged(&mut self) -> Vec<PendingObject> {
        std::mem::take(&mut self.staged)
    }
}

/// Context of a decode.
#[derive(Debug, Clone, Copy)]
pub struct DecodeContext<'a> {
    /// The cell; its key is empty when the query did not fetch it.
    pub site: Site<'a>,
    /// Configured stores.
    pub stores: &'a Stores,
    /// Store asked for by the type spec: `None` for the default store. Metadata that names its store comes first.
    pub store_name: Option<&'a str>,
    /// Folder for files that a fetch writes (`<attach>`).
    pub download_path: &'a Path,
}

impl DecodeContext<'_> {
    /// The store that `metadata` names, or else the type spec's.
    ///
    /// # Errors
    /// [`CodecError::Store`] when it is not configured, [`CodecError::Stored`] when `store` is no text.
    pub fn store_of(&self, metadata: &serde_json::Value) -> Result<Store, CodecError> {
        let named = match metadata.get("store") {
            None | Some(serde_json::Value::Null) => None,
            Some(serde_json::Value::String(name)) => Some(name.as_str()).filter(|name| !name.is_empty()),
            Some(other) => {
                return Err(CodecError::stored(
                    "json",
                    format!("\"store\" of its metadata must be text, got {other}"),
                ));
            }
        };
        Ok(self.stores.get(named.or(self.store_name))?)
    }
}
