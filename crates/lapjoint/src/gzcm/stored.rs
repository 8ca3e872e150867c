//! An object of a store as what files are read from.

use std::ops::Range;

use ::gzcm::source::RangeRead;
use bytes::Bytes;
use lapjoint_codec::CodecError;
use lapjoint_store::{SafePath, Store, StoreError};

/// A GZCM file in a store, of which ranges are read: for [`Reader::new`](::gzcm::reader::Reader::new).
#[derive(Debug, Clone)]
pub struct StoredFile {
    store: Store,
    path: String,
    length_bytes: u64,
}

impl StoredFile {
    /// The object at a path. Asks the store for its size.
    ///
    /// # Errors
    /// [`CodecError`] when there is none, or when the path could leave the store.
    pub fn new(store: Store, path: &str) -> Result<Self, CodecError> {
        SafePath::parse(path)?;
        let length_bytes = store.size_bytes(path)?;
        Ok(Self::of_size(store, path, length_bytes))
    }

    /// The object at a path, whose size is known.
    pub(super) fn of_size(store: Store, path: &str, length_bytes: u64) -> Self {
        Self { store, path: path.to_owned(), length_bytes }
    }
}

impl RangeRead for StoredFile {
    fn len_bytes(&self) -> ::gzcm::Result<u64> {
        Ok(self.length_bytes)
    }

    fn read_range(&self, offset_bytes: u64, length_bytes: usize) -> ::gzcm::Result<Bytes> {
        Ok(self.read_ranges(&[(offset_bytes, length_bytes)])?.into_iter().next().unwrap_or_default())
    }

    fn read_ranges(&self, ranges: &[(u64, usize)]) -> ::gzcm::Result<Vec<Bytes>> {
        let range = |(offset, length): &(u64, usize)| {
            let end = offset.checked_add(*length as u64).filter(|end| *end <= self.length_bytes);
            let beyond = || {
                let reason = format!("ends before the {length} bytes at {offset}");
                ::gzcm::Error::corrupt("object", reason)
            };
            Ok(*offset..end.ok_or_else(beyond)?)
        };
        let ranges: Vec<Range<u64>> = ranges.iter().map(range).collect::<::gzcm::Result<_>>()?;
        self.store.get_ranges(&self.path, &ranges).map_err(|error| match error {
            // The row says a length that the object does not have.
            StoreError::RangeOutOfBounds { .. } => ::gzcm::Error::corrupt("object", error.to_string()),
            other => ::gzcm::Error::Io(std::io::Error::other(other)),
        })
    }
}
