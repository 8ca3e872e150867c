//! The header of an array's file, read once.

use lapjoint_format::npy;
use lapjoint_store::StoreError;
use lapjoint_types::array::checked_bytes;

use super::NpyRef;
use crate::error::CodecError;

/// Enough for the header of nearly every file: numpy writes 128 bytes, more only for structured types.
const FIRST_READ_BYTES: u64 = 1024;

/// Bytes of a `.npy` file before its data when the header is short.
const SHORT_HEADER_BYTES: u64 = 128;

/// A header longer than this is an attack or an accident.
const LIMIT_HEADER_BYTES: u64 = 4 * 1024 * 1024;

impl NpyRef {
    /// The file's header: one request when it is not known yet.
    pub(super) fn header(&self) -> Result<npy::Header, CodecError> {
        if let Some(header) = self.inner.header.get() {
            return Ok(header.clone());
        }
        let start = self.read_start(self.likely_size_bytes().min(FIRST_READ_BYTES))?;
        let start = match npy::header_len_bytes(&start).map_err(|error| self.damaged(&error))? {
            Some(needed) if needed as u64 > LIMIT_HEADER_BYTES => {
                return Err(self.damaged_text(format!("its header claims to have {needed} bytes")));
            }
            Some(needed) if needed > start.len() => self.read_start(needed as u64)?,
            _ => start,
        };
        let header = npy::parse_header(&start).map_err(|error| self.damaged(&error))?;
        self.check_description(&header.shape, &header.dtype)?;
        Ok(self.inner.header.get_or_init(|| header).clone())
    }

    /// The size of the file, if the metadata tells the truth; the row may not have it.
    fn likely_size_bytes(&self) -> u64 {
        self.inner.size_bytes.unwrap_or_else(|| {
            let item_bytes = self.inner.dtype.as_ref().map_or(1, lapjoint_types::DType::item_bytes);
            let data_bytes = checked_bytes(&self.inner.shape, item_bytes).unwrap_or(usize::MAX);
            (data_bytes as u64).saturating_add(SHORT_HEADER_BYTES)
        })
    }

    fn read_start(&self, len_bytes: u64) -> Result<bytes::Bytes, CodecError> {
        let read = |len_bytes| self.inner.store.get_range(&self.inner.path, 0..len_bytes);
        match read(len_bytes) {
            // The metadata promised more than there is: the header will say what the file is.
            Err(StoreError::RangeOutOfBounds { size_bytes, .. }) => Ok(read(size_bytes.min(len_bytes))?),
            result => Ok(result?),
        }
    }
}
