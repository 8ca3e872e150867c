//! An object as a file to read and seek in.

use std::io::{self, Read, Seek, SeekFrom};

use bytes::Bytes;

use super::{CHUNK_BYTES, Store};
use crate::error::StoreError;

/// Read at least this much at a time, so that parsing a header does not cost a request for each of its fields.
const READ_AHEAD_BYTES: u64 = 64 << 10;

/// An object to read and seek in. Reads only what is asked for, and a little ahead.
#[derive(Debug)]
pub struct StoreReader {
    store: Store,
    path: String,
    size_bytes: u64,
    position: u64,
    buffer: Bytes,
    buffer_start: u64,
}

impl StoreReader {
    pub(super) const fn new(store: Store, path: String, size_bytes: u64) -> Self {
        Self { store, path, size_bytes, position: 0, buffer: Bytes::new(), buffer_start: 0 }
    }

    /// Size of the object.
    #[must_use]
    pub const fn size_bytes(&self) -> u64 {
        self.size_bytes
    }

    /// What the buffer holds from the current position on.
    fn buffered(&self) -> &[u8] {
        let offset =
            self.position.checked_sub(self.buffer_start).and_then(|offset| usize::try_from(offset).ok());
        offset.and_then(|offset| self.buffer.get(offset..)).unwrap_or_default()
    }
}

impl Read for StoreReader {
    fn read(&mut self, target: &mut [u8]) -> io::Result<usize> {
        if self.position >= self.size_bytes || target.is_empty() {
            return Ok(0);
        }
        if self.buffered().is_empty() {
            // Bounded, however large the target: `read_to_end` offers all the memory it has.
            let wanted = (target.len() as u64).clamp(READ_AHEAD_BYTES, CHUNK_BYTES);
            let end = self.size_bytes.min(self.position.saturating_add(wanted));
            self.buffer = self.store.get_range(&self.path, self.position..end).map_err(into_io)?;
            self.buffer_start = self.position;
        }
        let available = self.buffered();
        let count = available.len().min(target.len());
        let (Some(to), Some(from)) = (target.get_mut(..count), available.get(..count)) else { return Ok(0) };
        to.copy_from_slice(from);
        self.position += count as u64;
        Ok(count)
    }
}

impl Seek for StoreReader {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let target = match to {
            SeekFrom::Start(offset) => Some(offset),
            SeekFrom::End(offset) => self.size_bytes.checked_add_signed(offset),
            SeekFrom::Current(offset) => self.position.checked_add_signed(offset),
        };
        self.position = target.ok_or_else(|| {
            io::Error::new(io::ErrorKind::InvalidInput, "seek before the start of the object")
        })?;
        Ok(self.position)
    }
}

fn into_io(error: StoreError) -> io::Error {
    let kind = if error.is_not_found() { io::ErrorKind::NotFound } else { io::ErrorKind::Other };
    io::Error::new(kind, error)
}
