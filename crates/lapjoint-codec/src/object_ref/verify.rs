//! Whether an object is what the row says it is.

use lapjoint_store::{Manifest, Store, StoreError, addressing};

use super::ObjectRef;
use crate::error::CodecError;
use crate::metadata::{check_size, parse_crc32c};

impl ObjectRef {
    /// Compares the object with what is on record: a file's size, checksum and hash; a folder's files, their sizes and
    /// checksums with its manifest. What is not on record cannot be compared: a folder without a manifest passes.
    ///
    /// # Errors
    /// [`CodecError`] that says what is missing or differs.
    pub fn verify(&self) -> Result<(), CodecError> {
        let store = self.store()?;
        if self.is_dir {
            if let Some(manifest) = Manifest::read(store, &self.path)? {
                manifest.verify(store, &self.path, true)?;
            }
            return Ok(());
        }
        self.verify_file(store)
    }

    fn verify_file(&self, store: &Store) -> Result<(), CodecError> {
        if let Some(expected) = self.size_bytes {
            check_size(store, &self.path, expected, store.size_bytes(&self.path)?)?;
        } else if !store.exists(&self.path)? {
            return Err(
                StoreError::NotFound { store: store.name().to_owned(), path: self.path.clone() }.into()
            );
        }
        if self.crc32c.is_some() {
            let found = store.checksum(&self.path)?;
            self.check(store, found.size_bytes, || parse_crc32c(&found.crc32c).unwrap_or_default())?;
        }
        if let Some(expected) = self.hash.as_deref().filter(|hash| !hash.is_empty()) {
            let actual = addressing::content_hash(&store.get(&self.path)?);
            if actual != expected {
                return Err(CodecError::HashMismatch {
                    store: store.name().to_owned(),
                    path: self.path.clone(),
                    expected: expected.to_owned(),
                    actual,
                });
            }
        }
        Ok(())
    }
}
