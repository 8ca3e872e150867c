//! LEB128 numbers: 7 bits a byte, the low ones first, the top bit set on all but the last byte.

use crate::error::{Error, Result};

/// Appends a number.
pub fn put(mut value: u64, to: &mut Vec<u8>) {
    while value >= 0x80 {
        to.push(value.to_le_bytes()[0] | 0x80);
        value >>= 7;
    }
    to.push(value.to_le_bytes()[0]);
}

/// Appends a length and the bytes.
pub fn put_bytes(bytes: &[u8], to: &mut Vec<u8>) {
    put(u64::try_from(bytes.len()).unwrap_or(u64::MAX), to);
    to.extend_from_slice(bytes);
}

/// What is left to read.
#[derive(Debug, Clone, Copy)]
pub struct Cursor<'a> {
    rest: &'a [u8],
    what: &'static str,
}

impl<'a> Cursor<'a> {
    /// Reads from bytes; errors name `what` is read.
    #[must_use]
    pub const fn new(rest: &'a [u8], what: &'static str) -> Self {
        Self { rest, what }
    }

    /// The bytes not yet read.
    #[must_use]
    pub const fn rest(&self) -> &'a [u8] {
        self.rest
    }

    /// The next number.
    ///
    /// # Errors
    /// When it is cut short or more than 64 bits.
    pub fn number(&mut self) -> Result<u64> {
        let mut value = 0_u64;
        for (at, byte) in self.rest.iter().enumerate().take(10) {
            let bits = u64::from(byte & 0x7f);
            if at == 9 && bits > 1 {
                break;
            }
            value |= bits << (7 * at);
            if byte & 0x80 == 0 {
                self.rest = &self.rest[at + 1..];
                return Ok(value);
            }
        }
        Err(Error::corrupt(self.what, "a number is cut short or too large"))
    }

    /// The next number as a narrower type.
    ///
    /// # Errors
    /// When it does not fit.
    pub fn narrow<T: TryFrom<u64>>(&mut self) -> Result<T> {
        let value = self.number()?;
        T::try_from(value).map_err(|_| Error::corrupt(self.what, format!("{value} is out of range")))
    }

    /// The next bytes, as many as told.
    ///
    /// # Errors
    /// When there are fewer.
    pub fn take(&mut self, length: usize) -> Result<&'a [u8]> {
        let Some((taken, rest)) = self.rest.split_at_checked(length) else {
            return Err(Error::corrupt(self.what, "cut short"));
        };
        self.rest = rest;
        Ok(taken)
    }

    /// A length, and so many bytes.
    ///
    /// # Errors
    /// When there are fewer.
    pub fn bytes(&mut self) -> Result<&'a [u8]> {
        let length = self.narrow()?;
        self.take(length)
    }

    /// A number of items, each of which takes at least one byte of what is left.
    ///
    /// # Errors
    /// When there are fewer bytes than items.
    pub fn count(&mut self) -> Result<usize> {
        let count: usize = self.narrow()?;
        if count > self.rest.len() {
            return Err(Error::corrupt(self.what, format!("{count} items in {} bytes", self.rest.len())));
        }
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_round_trip_and_long_ones_are_refused() {
        for value in [0, 1, 127, 128, 300, u64::from(u32::MAX), u64::MAX] {
            let mut bytes = Vec::new();
            put(value, &mut bytes);
            assert_eq!(Cursor::new(&bytes, "test").number().unwrap(), value);
            for end in 0..bytes.len() {
                Cursor::new(&bytes[..end], "test").number().unwrap_err();
            }
        }
        Cursor::new(&[0xff; 11], "test").number().unwrap_err();
        Cursor::new(&[200, 1, 0], "test").count().unwrap_err();
        Cursor::new(&[5, 0], "test").bytes().unwrap_err();
    }
}
