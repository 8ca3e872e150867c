//! Looking at every object that rows refer to.

use std::collections::BTreeSet;

use lapjoint_codec::ObjectReference;
use lapjoint_store::{Manifest, Store, StoreError};

use super::references::{RowReference, references};
use crate::error::Error;
use crate::schema::Schema;

/// A damaged or missing object.
#[derive(Debug, Clone)]
pub struct Damage {
    /// Who refers to it.
    pub reference: RowReference,
    /// What is wrong.
    pub problem: String,
}

/// Result of a verification.
#[derive(Debug, Clone, Default)]
pub struct VerifyReport {
    /// Objects looked at.
    pub objects: u64,
    /// Bytes read and compared with their checksums.
    pub bytes_read: u64,
    /// Objects whose stored metadata has no checksum (written by DataJoint): existence and size were compared.
    pub without_checksum: u64,
    /// What is wrong.
    pub damage: Vec<Damage>,
}

/// Looks at every object that the schema's rows refer to: that it is there, of the right size, and (with `deep`) that its
/// bytes have the stored checksum. `progress` is told how many of how many are done.
///
/// # Errors
/// [`Error`] when the references cannot be read or a store cannot be reached; damage is reported, not an error.
pub fn verify(
    schema: &Schema,
    deep: bool,
    progress: &mut dyn FnMut(usize, usize),
) -> Result<VerifyReport, Error> {
    let references = references(schema)?;
    let mut report = VerifyReport::default();
    let mut seen = BTreeSet::new();
    let total = references.len();
    for (done, reference) in references.into_iter().enumerate() {
        progress(done, total);
        let object = &reference.object;
        if !seen.insert((object.store.clone(), object.path.clone())) {
            continue;
        }
        report.objects += 1;
        let store = schema.connection().stores().get(object.store.as_deref())?;
        // Metadata of plugins does not always say that a path is a folder.
        let is_dir =
            object.is_dir || (store.head(&object.path)?.is_none() && store.is_folder(&object.path)?);
        let outcome = if is_dir {
            verify_folder(&store, &object.path, deep)
        } else {
            verify_file(&store, object, deep)
        };
        match outcome {
            Ok(Looked { bytes_read, has_checksum }) => {
                report.bytes_read += bytes_read;
                report.without_checksum += u64::from(!has_checksum);
            }
            Err(error) => report.damage.push(Damage { problem: error.to_string(), reference }),
        }
    }
    progress(total, total);
    Ok(report)
}

/// What a look at an object found.
struct Looked {
    bytes_read: u64,
    has_checksum: bool,
}

fn verify_file(store: &Store, object: &ObjectReference, deep: bool) -> Result<Looked, StoreError> {
    let path = &object.path;
    let actual_bytes = store.size_bytes(path)?;
    if let Some(expected_bytes) = object.size_bytes
        && expected_bytes != actual_bytes
    {
        let (store, path) = (store.name().to_owned(), path.clone());
        return Err(StoreError::SizeMismatch { store, path, expected_bytes, actual_bytes });
    }
    let Some(crc) = object.crc32c else { return Ok(Looked { bytes_read: 0, has_checksum: false }) };
    if !deep {
        return Ok(Looked { bytes_read: 0, has_checksum: true });
    }
    let written = store.checksum(path)?;
    let expected = format!("{crc:08x}");
    if written.crc32c == expected {
        Ok(Looked { bytes_read: written.size_bytes, has_checksum: true })
    } else {
        Err(StoreError::ChecksumMismatch {
            store: store.name().to_owned(),
            path: path.clone(),
            expected,
            actual: written.crc32c,
        })
    }
}

fn verify_folder(store: &Store, path: &str, deep: bool) -> Result<Looked, StoreError> {
    let Some(manifest) = Manifest::read(store, path)? else {
        // DataJoint's staged inserts write no manifest; that the folder is there is all that can be said.
        store.level(path)?;
        return Ok(Looked { bytes_read: 0, has_checksum: false });
    };
    manifest.verify(store, path, deep)?;
    let has_checksum = manifest.files.iter().all(|file| file.crc32c.is_some());
    Ok(Looked { bytes_read: if deep { manifest.total_bytes() } else { 0 }, has_checksum })
}
