//! Lines of a plain or gzip-compressed text.

use std::io::{BufRead, BufReader, Read};
use std::path::Path;

use crate::error::{Error, Result};

/// The longest line that is read.
const MAX_LINE_BYTES: u64 = 1 << 16;

/// A text, line by line.
pub(super) struct Lines {
    reader: Box<dyn BufRead + Send>,
    path: String,
    number: u64,
    line: Vec<u8>,
}

impl Lines {
    pub(super) fn open(path: &Path) -> Result<Self> {
        let mut file = BufReader::new(std::fs::File::open(path)?);
        let reader: Box<dyn BufRead + Send> = if file.fill_buf()?.starts_with(&[0x1f, 0x8b]) {
            Box::new(BufReader::new(flate2::bufread::MultiGzDecoder::new(file)))
        } else {
            Box::new(file)
        };
        Ok(Self { reader, path: path.display().to_string(), number: 0, line: Vec::new() })
    }

    /// An error about the line that was read last.
    pub(super) fn corrupt(&self, reason: impl std::fmt::Display) -> Error {
        Error::corrupt("text", format!("{} line {}: {reason}", self.path, self.number))
    }

    /// The next line, without its end.
    pub(super) fn next_line(&mut self) -> Result<Option<&str>> {
        self.line.clear();
        self.number += 1;
        let read = (&mut self.reader).take(MAX_LINE_BYTES).read_until(b'\n', &mut self.line);
        let read = read.map_err(|error| self.corrupt(error))?;
        if read == 0 {
            return Ok(None);
        }
        if read as u64 == MAX_LINE_BYTES && self.line.last() != Some(&b'\n') {
            return Err(self.corrupt(format_args!("longer than {MAX_LINE_BYTES} bytes")));
        }
        match std::str::from_utf8(&self.line) {
            Ok(line) => Ok(Some(line.trim_end_matches(['\n', '\r']))),
            Err(_) => Err(Error::corrupt("text", format!("{} line {}: not UTF-8", self.path, self.number))),
        }
    }
}
