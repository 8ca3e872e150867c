//! Reading a `.hic` file by position, all numbers little-endian, with errors that name the file and the place.

use std::io::{Read, Seek, SeekFrom};
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use crate::error::{Error, Result};

/// How much a [`Cursor`] reads ahead.
const WINDOW_BYTES: u64 = 1 << 15;

/// The file.
pub(super) struct HicBytes {
    file: Mutex<std::fs::File>,
    path: String,
    size_bytes: u64,
}

impl HicBytes {
    pub(super) fn open(path: &Path) -> Result<Self> {
        let file = std::fs::File::open(path)?;
        let size_bytes = file.metadata()?.len();
        Ok(Self { file: Mutex::new(file), path: path.display().to_string(), size_bytes })
    }

    pub(super) fn corrupt(&self, place: &str, reason: impl std::fmt::Display) -> Error {
        Error::corrupt("hic", format!("{}: {place}: {reason}", self.path))
    }

    pub(super) fn unsupported(&self, place: &str, reason: impl std::fmt::Display) -> Error {
        Error::unsupported("hic", format!("{}: {place}: {reason}", self.path))
    }

    pub(super) const fn size_bytes(&self) -> u64 {
        self.size_bytes
    }

    /// Exactly so many bytes, after a check that the file has them.
    pub(super) fn read(&self, offset: u64, len: u64, place: &str) -> Result<Vec<u8>> {
        if offset.checked_add(len).is_none_or(|end| end > self.size_bytes) {
            let reason = format!("{len} bytes at {offset} are not in a file of {}", self.size_bytes);
            return Err(self.corrupt(place, reason));
        }
        let mut bytes = Vec::new();
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        file.seek(SeekFrom::Start(offset))?;
        (&mut *file).take(len).read_to_end(&mut bytes)?;
        if bytes.len() as u64 != len {
            return Err(self.corrupt(place, "the file became shorter"));
        }
        Ok(bytes)
    }

    /// A position that is stored signed.
    pub(super) fn position(&self, value: i64, place: &str) -> Result<u64> {
        let position = u64::try_from(value).ok().filter(|position| *position < self.size_bytes);
        position.ok_or_else(|| self.corrupt(place, format_args!("position {value} is outside of the file")))
    }
}

/// Reads one value after the other.
pub(super) struct Cursor<'a> {
    bytes: &'a HicBytes,
    place: &'static str,
    /// The position of `window`'s first byte.
    start: u64,
    window: Vec<u8>,
    at: usize,
}

impl<'a> Cursor<'a> {
    pub(super) const fn new(bytes: &'a HicBytes, offset: u64, place: &'static str) -> Self {
        Self { bytes, place, start: offset, window: Vec::new(), at: 0 }
    }

    pub(super) fn offset(&self) -> u64 {
        self.start + self.at as u64
    }

    pub(super) fn corrupt(&self, reason: impl std::fmt::Display) -> Error {
        self.bytes.corrupt(self.place, format_args!("at byte {}: {reason}", self.offset()))
    }

    fn refill(&mut self) -> Result<()> {
        let offset = self.offset();
        let len = (self.bytes.size_bytes.saturating_sub(offset)).min(WINDOW_BYTES);
        (self.window, self.start, self.at) = (self.bytes.read(offset, len, self.place)?, offset, 0);
        Ok(())
    }

    fn take<const N: usize>(&mut self) -> Result<[u8; N]> {
        if self.window.len() - self.at < N {
            self.refill()?;
        }
        let Some(taken) = self.window[self.at..].first_chunk::<N>() else {
            return Err(self.corrupt("the file ends"));
        };
        let taken = *taken;
        self.at += N;
        Ok(taken)
    }

    pub(super) fn i32(&mut self) -> Result<i32> {
        self.take().map(i32::from_le_bytes)
    }

    pub(super) fn i64(&mut self) -> Result<i64> {
        self.take().map(i64::from_le_bytes)
    }

    /// Passes over so many bytes.
    pub(super) fn skip(&mut self, len: u64) -> Result<()> {
        let to = self.offset().checked_add(len).filter(|to| *to <= self.bytes.size_bytes);
        let to = to.ok_or_else(|| self.corrupt(format_args!("{len} bytes to skip, but the file ends")))?;
        (self.window, self.start, self.at) = (Vec::new(), to, 0);
        Ok(())
    }

    /// The number of items that follow, each of at least so many bytes: more than the file can hold is refused.
    pub(super) fn count(&mut self, item_bytes: u64) -> Result<u64> {
        let value = self.i32()?;
        self.check_count(value.into(), item_bytes)
    }

    /// The same, of a 64-bit number.
    pub(super) fn count_64(&mut self, item_bytes: u64) -> Result<u64> {
        let value = self.i64()?;
        self.check_count(value, item_bytes)
    }

    fn check_count(&self, value: i64, item_bytes: u64) -> Result<u64> {
        let left = self.bytes.size_bytes.saturating_sub(self.offset());
        let count = u64::try_from(value).ok();
        let fits = |count: &u64| count.checked_mul(item_bytes).is_some_and(|bytes| bytes <= left);
        count.filter(fits).ok_or_else(|| self.corrupt(format_args!("{value} items in {left} bytes")))
    }

    /// A string up to its zero byte.
    pub(super) fn string(&mut self) -> Result<String> {
        let mut text = Vec::new();
        loop {
            if self.at == self.window.len() {
                self.refill()?;
                if self.window.is_empty() {
                    return Err(self.corrupt("a string does not end"));
                }
            }
            let rest = &self.window[self.at..];
            let end = rest.iter().position(|byte| *byte == 0);
            text.extend_from_slice(&rest[..end.unwrap_or(rest.len())]);
            self.at += end.map_or(rest.len(), |end| end + 1);
            if end.is_some() {
                return String::from_utf8(text).map_err(|_| self.corrupt("a string is not UTF-8"));
            }
        }
    }
}
