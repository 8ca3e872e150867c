//! Writing an object piece by piece.

use std::fmt;
use std::io;
use std::sync::Arc;

use bytes::Bytes;

use super::Written;
use super::stats::Counters;
use crate::backend::Sink;
use crate::checksum::Checksum;
use crate::error::Result;

/// An object on its way into a store. It appears when [`StoreWriter::finish`] returns; dropped before, it leaves
/// nothing.
pub struct StoreWriter {
    sink: Box<dyn Sink>,
    sum: Checksum,
    counters: Arc<Counters>,
}

impl StoreWriter {
    pub(super) fn new(sink: Box<dyn Sink>, counters: Arc<Counters>) -> Self {
        Self { sink, sum: Checksum::default(), counters }
    }

    /// Adds the next piece.
    ///
    /// # Errors
    ///
    /// A failure of the store; the writer is of no use then.
    pub fn push(&mut self, bytes: &[u8]) -> Result<()> {
        self.sink.write(bytes)?;
        self.sum.update(bytes);
        self.counters.wrote(bytes.len() as u64);
        Ok(())
    }

    /// Adds the next piece, which is sent from where it is if it is large.
    ///
    /// # Errors
    ///
    /// As [`StoreWriter::push`].
    pub fn push_bytes(&mut self, bytes: Bytes) -> Result<()> {
        self.sum.update(&bytes);
        let count = bytes.len() as u64;
        self.sink.write_bytes(bytes)?;
        self.counters.wrote(count);
        Ok(())
    }

    /// Makes the object appear.
    ///
    /// # Errors
    ///
    /// [`crate::StoreError::AlreadyExists`] with [`super::PutMode::Create`], or a failure of the store.
    pub fn finish(self) -> Result<Written> {
        self.finish_with().map(|(written, _)| written)
    }

    /// As `finish`; also says whether the object is ours without doubt.
    pub(crate) fn finish_with(self) -> Result<(Written, bool)> {
        let is_ours = self.sink.finish()?;
        Ok((Written { size_bytes: self.sum.size_bytes(), crc32c: self.sum.hex() }, is_ours))
    }
}

impl io::Write for StoreWriter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.push(bytes).map_err(io::Error::other)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl fmt::Debug for StoreWriter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StoreWriter").field("written_bytes", &self.sum.size_bytes()).finish_non_exhaustive()
    }
}
