//! Where bytes are read from, by ranges: a file, bytes, or an object store that the caller brings.

use std::fs::File;
use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;

use crate::error::{Error, Result};

/// Bytes that are read by ranges. For an object store, each call is a request, so that the readers of this crate ask for
/// few and long ranges.
pub trait RangeRead: Send + Sync {
    /// The length in bytes.
    ///
    /// # Errors
    /// When the store does not answer.
    fn len_bytes(&self) -> Result<u64>;

    /// Exactly the `length_bytes` at `offset_bytes`.
    ///
    /// # Errors
    /// When the range is not all there, or the store does not answer.
    fn read_range(&self, offset_bytes: u64, length_bytes: usize) -> Result<Bytes>;

    /// Several ranges `(offset_bytes, length_bytes)`, in their order. Stores that take several ranges at once override it.
    ///
    /// # Errors
    /// As for [`RangeRead::read_range`].
    fn read_ranges(&self, ranges: &[(u64, usize)]) -> Result<Vec<Bytes>> {
        ranges.iter().map(|(offset, length)| self.read_range(*offset, *length)).collect()
    }

    /// The last bytes, at most `length_bytes`, and the length of all. Stores that take suffix ranges override it, which
    /// saves them the request for the length.
    ///
    /// # Errors
    /// As for [`RangeRead::read_range`].
    fn read_tail(&self, length_bytes: usize) -> Result<(Bytes, u64)> {
        let all = self.len_bytes()?;
        let take = usize::try_from(all).unwrap_or(usize::MAX).min(length_bytes);
        let offset = all - u64::try_from(take).unwrap_or(all);
        Ok((self.read_range(offset, take)?, all))
    }
}

impl RangeRead for Bytes {
    fn len_bytes(&self) -> Result<u64> {
        u64::try_from(self.len()).map_err(|_| Error::invalid("bytes", "too long"))
    }

    fn read_range(&self, offset_bytes: u64, length_bytes: usize) -> Result<Bytes> {
        let start = usize::try_from(offset_bytes).ok();
        let end = start.and_then(|start| start.checked_add(length_bytes)).filter(|end| *end <= self.len());
        match (start, end) {
            (Some(start), Some(end)) => Ok(self.slice(start..end)),
            _ => Err(cut_short(offset_bytes, length_bytes)),
        }
    }
}

impl<T: RangeRead + ?Sized> RangeRead for Arc<T> {
    fn len_bytes(&self) -> Result<u64> {
        (**self).len_bytes()
    }

    fn read_range(&self, offset_bytes: u64, length_bytes: usize) -> Result<Bytes> {
        (**self).read_range(offset_bytes, length_bytes)
    }

    fn read_ranges(&self, ranges: &[(u64, usize)]) -> Result<Vec<Bytes>> {
        (**self).read_ranges(ranges)
    }

    fn read_tail(&self, length_bytes: usize) -> Result<(Bytes, u64)> {
        (**self).read_tail(length_bytes)
    }
}

/// A file, read at positions, so that threads share it without a lock.
#[derive(Debug)]
pub struct FileSource {
    file: File,
    length_bytes: u64,
}

impl FileSource {
    /// Opens a file for reading.
    ///
    /// # Errors
    /// The operating system's.
    pub fn open(path: impl AsRef<Path>) -> Result<Self> {
        let file = File::open(path)?;
        let length_bytes = file.metadata()?.len();
        Ok(Self { file, length_bytes })
    }
}

impl RangeRead for FileSource {
    fn len_bytes(&self) -> Result<u64> {
        Ok(self.length_bytes)
    }

    fn read_range(&self, offset_bytes: u64, length_bytes: usize) -> Result<Bytes> {
        let length = u64::try_from(length_bytes).unwrap_or(u64::MAX);
        if offset_bytes.checked_add(length).is_none_or(|end| end > self.length_bytes) {
            return Err(cut_short(offset_bytes, length_bytes));
        }
        let mut bytes = vec![0; length_bytes];
        read_exact_at(&self.file, &mut bytes, offset_bytes)?;
        Ok(bytes.into())
    }
}

#[cfg(unix)]
fn read_exact_at(file: &File, bytes: &mut [u8], offset: u64) -> std::io::Result<()> {
    std::os::unix::fs::FileExt::read_exact_at(file, bytes, offset)
}

#[cfg(windows)]
fn read_exact_at(file: &File, mut bytes: &mut [u8], mut offset: u64) -> std::io::Result<()> {
    while !bytes.is_empty() {
        let read = std::os::windows::fs::FileExt::seek_read(file, bytes, offset)?;
        if read == 0 {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
        offset += u64::try_from(read).unwrap_or_default();
        bytes = &mut bytes[read..];
    }
    Ok(())
}

fn cut_short(offset_bytes: u64, length_bytes: usize) -> Error {
    Error::corrupt("source", format!("ends before the {length_bytes} bytes at {offset_bytes}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_beyond_the_end_are_refused_by_every_source() {
        let bytes = Bytes::from_static(b"0123456789");
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("digits");
        std::fs::write(&path, &bytes).unwrap();
        let sources: [Box<dyn RangeRead>; 2] = [Box::new(bytes), Box::new(FileSource::open(path).unwrap())];
        for source in sources {
            assert_eq!(source.read_range(3, 4).unwrap(), "3456");
            assert_eq!(source.read_ranges(&[(9, 1), (0, 2)]).unwrap(), ["9", "01"]);
            assert_eq!(source.read_tail(3).unwrap(), (Bytes::from_static(b"789"), 10));
            assert_eq!(source.read_tail(99).unwrap().0.len(), 10);
            for (offset, length) in [(9, 2), (11, 0), (u64::MAX, 1), (0, usize::MAX)] {
                source.read_range(offset, length).unwrap_err();
            }
        }
    }
}
